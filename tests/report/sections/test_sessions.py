"""NOTICE's February as reports tell it: read these texts beside its author's; whatever the mask hides stands nowhere."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from teiten import lang, periods
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.errors import UsageError
from teiten.lake import Lake
from teiten.report import bundle
from teiten.report.answers import Answers
from teiten.report.context import Context
from teiten.report.markdown import markdown
from teiten.report.model import Report
from teiten.report.sections import sessions
from teiten.settings import Settings

sys.path.insert(0, str(Path(__file__).parents[2] / "sessions"))
CASES = Path(__file__).parent / "cases"
PERIODS = {"2019-02": "monthly", "2019-02-20": "daily", "2019-02-21": "daily", "2019-02-26": "daily"}


@pytest.fixture(scope="module")
def february(tmp_path_factory: pytest.TempPathFactory, small: SimpleNamespace) -> tuple[Lake, Path]:
    import notice

    folder = tmp_path_factory.mktemp("february")
    return small.ingest(notice.log(), folder), folder / "router.log"


def report(lake: Lake, name: str, code: str, **more: object) -> Report:
    """A report of this part alone."""
    chosen = Settings("Asia/Tokyo", "flag", language=code, **more)  # type: ignore[arg-type]
    with open_session(lake, chosen) as session:
        period = periods.parse(PERIODS.get(name, "daily"), name, chosen.zone)  # type: ignore[arg-type]
        answers = Answers(session, period, Filters(), chosen.thresholds)
        context = Context(answers, lang.words(code), "flag", "teiten report", "0", chosen)
        return Report(code, "", "", "", sessions.build(context))


def told(made: Report, code: str) -> str:
    """The text for a blog."""
    return markdown(made, lang.words(code), (), {}).partition("## ")[2]


@pytest.mark.parametrize("code", lang.languages())
@pytest.mark.parametrize("name", PERIODS)
def test_as_its_author_told_it(name: str, code: str, february: tuple[Lake, Path]) -> None:
    """Read the difference aloud, then accept it: TEITEN_ACCEPT=1 pytest tests/report."""
    found = told(report(february[0], name, code), code)
    accepted = CASES / f"sessions-{name}.{code}.md"
    if os.environ.get("TEITEN_ACCEPT"):
        accepted.write_text(found, encoding="utf-8")
    assert found == accepted.read_text(encoding="utf-8")


def test_what_the_mask_hides_stands_nowhere(february: tuple[Lake, Path]) -> None:
    """Not the observer's addresses, and no minute or second of a scan, in page, text, rows, SQL or lines."""
    import notice

    made = report(february[0], "2019-02", "ja")
    files = bundle.render(made, lang.words("ja"), pictures=False)
    assert "lines/sessions-notice.txt" in files
    own = {n: f.decode("utf-8", "replace") for n, f in files.items() if "sessions" in n or "lines" in n}
    own["text"] = told(made, "ja")
    for text in own.values():
        assert notice.OBSERVER not in text
        assert notice.AFTER not in text
        for start, *_ in notice.SESSIONS:
            hour, minute, _ = start.partition(" ")[2].split(":")
            assert f"{hour}:{minute}" not in text
            assert f"{int(hour)}時{minute}分" not in text
    lines = files["lines/sessions-notice.txt"].decode().splitlines()
    assert sum(line.startswith("2019-02-2") for line in lines) == 34


def test_a_stricter_mask_hides_more_in_words_and_rows_too(february: tuple[Lake, Path]) -> None:
    made = report(february[0], "2019-02-21", "ja", mask="strict")
    (own,) = [s for s in made.sections if s.id == "sessions-notice"]
    text = told(made, "ja")
    assert not re.search(r"\d時(?!間)", text)
    assert "router.asus.com" not in text
    row = dict(zip(own.blocks[0].data.columns, own.blocks[0].data.rows[0], strict=True))
    assert (row["start"].hour, row["end"], row["source_ports"], row["ttl_min"], row["windows"]) == (0, None, "", None, "")


def test_a_log_that_is_gone_is_said(small: SimpleNamespace, tmp_path: Path) -> None:
    import notice

    lake = small.ingest(notice.log(others=False), tmp_path)
    (tmp_path / "router.log").unlink()
    made = report(lake, "2019-02-21", "ja")
    (own,) = [s for s in made.sections if s.id == "sessions-notice"]
    assert "22行は元のログが手元にない" in "".join(str(n) for n in own.notes)
    assert (
        own.quotes[0].lines[0].startswith("2019-02-21T12:MM:SS+09:00 - kernel: DROP IN=ppp0 OUT= SRC=153.231.216.178 DST=***")
    )


def test_nothing_is_said_of_what_was_not_seen(february: tuple[Lake, Path]) -> None:
    assert report(february[0], "2019-02", "en", organisations=()).sections == []
    own = [s.id for s in report(february[0], "2019-02", "en", organisations=("YNU", "notice")).sections]
    assert own == ["sessions-notice"]
    assert report(february[0], "2019-02-23", "en").sections == []
    with pytest.raises(UsageError, match="No watchlist names 'NOTIZ'"):
        report(february[0], "2019-02", "en", organisations=("NOTIZ",))
