"""The generated October 2019 says what a daily overview said of its own, statement by statement, and tells of nothing else."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from teiten import lang

ROOT = Path(__file__).resolve().parents[2]


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_overview2019", ROOT / "tools" / "build_overview2019.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MADE = tool()
STATED = [one for one in MADE.statements() if "open" not in one]


def name(statement: dict[str, Any]) -> str:
    return f"{statement['day']:%d}-{statement['en'][:40]}"


@pytest.fixture(scope="module")
def october() -> Iterator[Any]:
    """What tools/build_overview2019.py makes: the reports' texts, and the stories of each day."""
    with tempfile.TemporaryDirectory() as folder:
        yield MADE.run(Path(folder), 1)


@pytest.mark.full
@pytest.mark.parametrize("statement", [one for one in STATED if "told" in one], ids=name)
def test_told(october: Any, statement: dict[str, Any]) -> None:
    stories = october.stories[statement["day"]]
    assert MADE.telling(statement, stories), [(s.kind, s.state, s.about.text()) for s in stories]


@pytest.mark.full
@pytest.mark.parametrize("code", lang.languages())
@pytest.mark.parametrize("statement", STATED, ids=name)
def test_said(october: Any, statement: dict[str, Any], code: str) -> None:
    assert MADE.said(statement, october.texts[statement["day"], code], code), october.texts[statement["day"], code]


@pytest.mark.full
def test_nothing_else_is_told(october: Any) -> None:
    """Of all days from the 5th on: each story is of something that was laid down, and over only where that is."""
    strays = MADE.strays(october.stories)
    assert len(strays) <= MADE.STRAYS, strays


@pytest.mark.full
def test_the_page_is_of_these_statements() -> None:
    text = MADE.PAGE.read_text(encoding="utf-8")
    for statement in MADE.statements():
        assert statement["en"] in text and statement["ja"] in text, "run tools/build_overview2019.py"


def test_every_statement_is_of_a_day_and_in_both_languages() -> None:
    assert len(MADE.days()) == 7
    for statement in MADE.statements():
        assert {"day", "en", "ja", "says_en", "says_ja"} <= set(statement) <= {
            "day", "en", "ja", "says_en", "says_ja", "told", "open",
        }  # fmt: skip
