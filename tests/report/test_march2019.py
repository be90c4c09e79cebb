"""The generated March 2019 says what a blog said of its own, statement by statement, in both languages."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from teiten import intake, lang, periods, settings, simulate
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.readers import _input
from teiten.report import edition, markdown
from teiten.report.answers import Answers

ROOT = Path(__file__).resolve().parents[2]
FEW = 20_000


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_march2019", ROOT / "tools" / "build_march2019.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MADE = tool()


def reports(folder: Path, seed: int, events: int | None) -> dict[str, str]:
    """report.md of March in each language, by way of a simulated log and a lake."""
    made = simulate.run("march2019", seed, None, None, events, folder / "march")
    chosen = settings.load(config=made.config)
    lake = Lake.open_or_create(chosen.lake, chosen.zone_name)
    result = intake.ingest(lake, list(_input.inputs([str(p) for p in made.paths], chosen.reading)), chosen)
    assert not result.failed
    out = {}
    with open_session(lake, chosen) as session:
        answers = Answers(session, periods.parse("monthly", "2019-03", chosen.zone), Filters(), chosen.thresholds)
        for code in lang.languages():
            report = edition.compose(answers, chosen, code, "teiten report monthly 2019-03")
            drawn = {b.data.id for s in report.sections for b in s.blocks if b.figure is not None}
            out[code] = MADE.plain(markdown.markdown(report, lang.words(code), drawn, {}))
    return out


@pytest.fixture(scope="module")
def march(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return reports(tmp_path_factory.mktemp("march2019"), 1, FEW)


@pytest.mark.full
@pytest.mark.parametrize("code", lang.languages())
@pytest.mark.parametrize("statement", MADE.statements(), ids=lambda s: s["en"][:40])
def test_said(march: dict[str, str], statement: dict[str, str], code: str) -> None:
    assert MADE.said(statement, march[code], code), march[code]


def test_the_page_has_every_statement() -> None:
    page = MADE.PAGE.read_text(encoding="utf-8")
    assert "not found" not in page
    for statement in MADE.statements():
        assert statement["en"] in page and statement["ja"] in page, "run tools/build_march2019.py"


@pytest.mark.full
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_said_whatever_the_seed(tmp_path: Path, seed: int) -> None:
    found = reports(tmp_path, seed, None)
    silent = [(s["en"], code) for s in MADE.statements() for code in found if not MADE.said(s, found[code], code)]
    assert silent == []
