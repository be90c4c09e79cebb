"""A second edition as it is read: what changed, what was added, in both languages."""

from __future__ import annotations

import datetime as dt
import os
import re
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from teiten import lang, periods, settings
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.report import edition

CASES = Path(__file__).parent / "cases"
TOKYO = ZoneInfo("Asia/Tokyo")
FIRST = dt.datetime(2019, 10, 23, 9, tzinfo=TOKYO)


def write(lake: Lake, out: Path, now: dt.datetime, **more: object) -> None:
    chosen = settings.load(zone="Asia/Tokyo", language="ja")
    places = {code: out / code for code in lang.languages()}
    with open_session(lake, chosen) as session:
        period = periods.parse("daily", "2019-10-22", TOKYO)
        edition.make(session, chosen, period, Filters(), places, "teiten report", now=now, pictures=False)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory, small: SimpleNamespace) -> Path:
    """The report of a day, and its second edition after late records, a correction, and addenda in one language each."""
    folder = tmp_path_factory.mktemp("second")
    lines = [x for x in small.log() if "2019-10-20" <= x < "2019-10-23"]
    write(small.ingest("".join(lines), folder), folder, FIRST)
    at = dt.datetime(2019, 10, 22, 7, tzinfo=TOKYO)
    late = [small.line(at + dt.timedelta(seconds=n), small.CHINA + "9", small.tcp(8443)) for n in range(120)]
    lake = small.ingest("".join([*lines, *late]), folder)
    day = {"day_from": dt.date(2019, 10, 22), "day_to": dt.date(2019, 10, 22)}
    lake.add_note(
        "addendum",
        period="2019-10-22",
        lang="ja",
        text="25/tcpは他でも観測されたとのことです。\nURLはこちら。",
        url="https://example.org/a",
    )
    lake.add_note("addendum", period="2019-10-22", lang="en", text="Seen elsewhere, too. <script>alert(1)</script>")
    lake.add_note("correction", **day, src=small.US + "9", label="not_a_scanner")
    lake.add_note("note", **day, lang="ja", text="この日は在宅。")
    lake.add_note("gap", **day, lang="en", text="away until noon")
    write(lake, folder, FIRST + dt.timedelta(days=9))
    return folder


@pytest.mark.parametrize("code", lang.languages())
def test_words(second: Path, code: str) -> None:
    """Read the difference aloud, then accept it: TEITEN_ACCEPT=1 pytest tests/report."""
    text = (second / code / "report.md").read_text(encoding="utf-8")
    words = lang.words(code)
    head = text.partition("\n## ")[0]
    rest = text.partition(f"## {words('edition.title')}\n")[2].partition(f"## {words('about.title')}")[0]
    found = f"{head}\n\n## {words('edition.title')}\n{rest}"
    # notes carry the moment at which they were written
    found = re.sub(r"20\d\d/\d+/\d+ \d+:\d\d|\d+ \w{3} 20\d\d, \d+:\d\d", "STAMP", found)
    accepted = CASES / f"second-edition.{code}.md"
    if os.environ.get("TEITEN_ACCEPT"):
        accepted.write_text(found, encoding="utf-8")
    assert found == accepted.read_text(encoding="utf-8")


def test_in_the_page(second: Path) -> None:
    """Reached from the top, escaped, and every link leads to a file of the folder."""
    for code in lang.languages():
        page = (second / code / "index.html").read_text(encoding="utf-8")
        assert '<p class="edition">' in page and 'href="#changes"' in page and 'href="#addenda"' in page
        assert "<script" not in page
        for target in re.findall(r'href="((?:editions|data)/[^"]+)"', page):
            assert (second / code / target).is_file(), target
    assert "&lt;script&gt;" in (second / "en" / "index.html").read_text(encoding="utf-8")
