"""The quarter's sections on Mirai, Telnet, scanners, ports, countries: what they say in both languages, and when nothing."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.lake import making
from tests.report import dark

from teiten import lang
from teiten.engine.questions import Rows
from teiten.lake import Lake
from teiten.report import markdown, sections
from teiten.report.answers import Answers
from teiten.report.asked import research, shares
from teiten.report.context import Context
from teiten.report.model import Report, Section
from teiten.report.sections import about, quarter_mirai, quarter_ports, quarter_scanners, quarter_telnet

CASES = Path(__file__).parent / "cases"
NAMES = ("quarter_mirai", "quarter_telnet", "quarter_scanners", "quarter_ports", "quarter_countries")


def context(answers: Answers, code: str = "en", **chosen: Any) -> Context:
    return Context(answers, lang.words(code), "flag", "teiten", "0", replace(dark.CHOSEN, language=code, **chosen))


def built(answers: Answers, code: str = "en", **chosen: Any) -> dict[str, Section]:
    """The sections by id."""
    parts = [part for part in sections.parts() if part.id in NAMES]
    assert [part.id for part in parts] == list(NAMES), "NICTER's order"
    found = [section for part in parts for section in part.sections(context(answers, code, **chosen))]
    return {section.id: section for section in found}


def text(section: Section, code: str = "en") -> str:
    """As a blog has it, with the titles of its charts."""
    drawn = {block.data.id: block.figure.title for block in section.blocks if block.figure}
    return markdown.markdown(Report(code, "t", "s", "d", [section]), lang.words(code), drawn, drawn)


@pytest.mark.parametrize("code", ["ja", "en"])
def test_the_sections_read_like_nicters(dark_quarter: Answers, code: str) -> None:
    """Read the difference aloud, then accept it: TEITEN_ACCEPT=1 pytest tests/report."""
    whole = "\n".join(text(section, code) for section in built(dark_quarter, code).values())
    expected = CASES / f"quarter-second.{code}.md"
    if os.environ.get("TEITEN_ACCEPT"):
        expected.write_text(whole, encoding="utf-8")
    assert whole == expected.read_text(encoding="utf-8")


def test_aggregates_give_the_same_sections(dark_quarter: Answers, dark_counted: Answers) -> None:
    for one, other in zip(built(dark_quarter).values(), built(dark_counted).values(), strict=True):
        assert text(one) == text(other)
        assert [b.data.rows for b in one.blocks] == [b.data.rows for b in other.blocks]


def test_every_table_is_there_as_sql_gives_it(dark_quarter: Answers) -> None:
    """The SQL beside a table gives its rows, but for what SQL does not know: days without any, coverage, targets."""
    blocks = {b.data.id: b.data for section in built(dark_quarter).values() for b in section.blocks}
    for name in ("quarter-mirai", "quarter-mirai-sets", "quarter-mirai-home", "quarter-telnet-countries",
                 "quarter-scanners-days", "quarter-ports", "quarter-countries"):  # fmt: skip
        rows = dark_quarter.session.query(blocks[name].sql)
        assert [tuple(row[c] for c in blocks[name].columns) for row in rows] == list(blocks[name].rows), name
    telnet = dark_quarter.session.query(blocks["quarter-telnet"].sql)
    assert [tuple(row.values()) for row in telnet] == [row for row in blocks["quarter-telnet"].rows if row[1]]


def test_without_a_country_of_its_own_there_is_no_figure_of_it(dark_quarter: Answers) -> None:
    found = built(dark_quarter, country="none")["quarter_mirai"]
    assert [b.data.id for b in found.blocks] == ["quarter-mirai", "quarter-mirai-sets"]
    assert "From Japan" not in text(found)


def test_logs_without_sequence_numbers_are_no_zero(tmp_path: Path) -> None:
    lake = Lake.open_or_create(tmp_path / "lake", "Asia/Tokyo")
    making.fill(lake, [{"time": dt.datetime(2026, 5, 1, n % 24, tzinfo=dt.UTC), "tcp_flags": 2} for n in range(30)])
    with dark.opened(lake) as session:
        answers = dark.answers(session)
        told = quarter_mirai.build(context(answers))
        assert told is not None
        assert "does not mean that there were none" in text(told)
        assert not told.blocks
        assert quarter_telnet.build(context(answers)) is None
        scans = quarter_scanners.build(context(answers))
        assert scans is not None
        assert "No source was taken for a research scanner" in text(scans)
        assert [b.data.id for b in scans.blocks] == ["quarter-scanners"]
        assert "so that (1) and (3) are the same" in text(built(answers)["quarter_countries"])


def test_a_quarter_without_packets_has_none_of_them(dark_lake: Lake) -> None:
    with dark.opened(dark_lake) as session:
        found = built(dark.answers(session, "2026-Q3"))
    assert set(found) <= {"quarter_mirai"}
    assert all(not section.blocks for section in found.values())


def test_filters_that_choose_among_scanners(dark_lake: Lake) -> None:
    with dark.opened(dark_lake) as session:
        found = built(dark.answers(session, scanners="out"))
    assert "quarter_scanners" not in found
    assert "(2)" not in text(found["quarter_countries"])


def test_ports_are_coloured_by_what_is_attacked(dark_quarter: Answers) -> None:
    found = quarter_ports.build(context(dark_quarter))
    assert found is not None
    figure = found.blocks[0].figure
    targets = {row.label: row.target for row in figure.rows}
    assert {targets["23/tcp"], targets["60001/tcp"]} == {"iot"}
    assert targets["445/tcp"] == "windows"
    assert targets["22/tcp"] == "linux"
    assert [row.kind for row in figure.rows][-1] == "other"
    assert sum(row.value for row in figure.rows) == getattr(dark_quarter.once(shares.ports), "total", None)


def test_what_a_set_of_ports_is_called(dark_quarter: Answers) -> None:
    here = context(dark_quarter, "ja")
    for name, said in (
        ("9530", "9530/tcpのみ"),
        ("23,2323", "23/tcp、2323/tcpの2ポート"),
        ("1,2,3,4,5,+7", "1/tcp、2/tcpなど12ポート"),
        ("other", "その他"),
        (None, "不明"),
    ):
        assert quarter_mirai.variant(here, name) == said


def test_estimated_addresses_say_so(dark_quarter: Answers) -> None:
    """Of busy ports, aggregates know sketches of hosts: their error stands beside what they say."""
    told = dark_quarter.once(research.quarters)
    rows = Rows(told.rows, told.rows.sql, error=0.02)
    guessed = research.Quarters(tuple(replace(quarter, error=0.02) for quarter in told.all), rows)
    block = quarter_scanners.quarters(context(dark_quarter), guessed)
    assert block.table is not None
    assert "2.0" in block.table.note
    assert block.table.rows[-1][2] == "~4"
    assert block.data.columns[-1] == "addresses_error"
    assert [row[-1] for row in block.data.rows] == [0.02, 0.02]


def test_whose_data_tell_the_holders_is_said(dark_quarter: Answers) -> None:
    """As the licences ask: where AS numbers are shown, and at the end."""
    found = built(dark_quarter)["quarter_scanners"]
    assert "RouteViews](https://www.routeviews.org) (CC BY 4.0)" in text(found)
    assert "RouteViews" in text(about.build(context(dark_quarter)))
