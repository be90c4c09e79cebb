"""The quarter's first sections over a year of a home line whose every packet is known by how the log was written."""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from teiten import intake, lang, periods, rollup, settings
from teiten.engine import open_session
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.report import markdown
from teiten.report.answers import Answers
from teiten.report.asked import quarter, quarter_peaks
from teiten.report.context import Context
from teiten.report.model import Report, Section
from teiten.report.sections import events, quarter_days, quarter_moves, quarter_rest, quarter_totals

TOKYO = ZoneInfo("Asia/Tokyo")
CASES = Path(__file__).parent / "cases"
CHOSEN = settings.Settings("Asia/Tokyo", "flag", language="en")
AWAY = (dt.date(2019, 8, 2), dt.date(2019, 8, 5))
"""three days without a record"""
SURVEY, ATTACK, FORGED, NEW = dt.date(2019, 10, 10), dt.date(2019, 11, 20), dt.date(2019, 12, 5), dt.date(2019, 11, 1)
SCANNER, CHINA, JAPAN, RUSSIA, TAIWAN = "8.8.8.8", "1.80.0.1", "153.231.226.1", "5.3.0.{}", "1.34.0.{}"
HEAD = "{at}+09:00 gw kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST=198.51.100.23 LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID=7 "
LINE = {
    6: HEAD + "PROTO=TCP SPT=40000 DPT={port} SEQ=1 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n",
    17: HEAD + "PROTO=UDP SPT=40000 DPT={port} LEN=20\n",
}


def packets(day: dt.date) -> Iterator[tuple[str, int, int]]:
    """What comes on a day: source, protocol, port. Forged sources have one packet each."""
    yield from itertools.repeat((CHINA, 6, 23), 12)
    yield from itertools.repeat((JAPAN, 17, 5060), 12)
    if day == SURVEY:
        yield from ((SCANNER, 6, 3000 + n % 50) for n in range(300))
    if day == ATTACK:
        yield from ((RUSSIA.format(n % 60), 6, 445) for n in range(360))
    if day == FORGED:
        yield from ((f"44.{n % 250}.{n // 250}.{n % 200}", 6, 80) for n in range(280))
    if day >= NEW:
        yield from ((TAIWAN.format(n % 5), 6, 9530) for n in range(10))


def year() -> Iterator[tuple[dt.date, list[tuple[str, int, int]]]]:
    day = dt.date(2019, 1, 1)
    while day.year == 2019:
        if not AWAY[0] <= day < AWAY[1]:
            yield day, list(packets(day))
        day += dt.timedelta(days=1)


def of_months(first: int, last: int) -> list[tuple[str, int, int]]:
    return [packet for day, found in year() if first <= day.month <= last for packet in found]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("quarter")
    with (folder / "router.log").open("w") as out:
        for day, found in year():
            for n, (src, protocol, port) in enumerate(found):
                at = dt.datetime.combine(day, dt.time()) + dt.timedelta(seconds=1) + dt.timedelta(days=1) * n / len(found)
                out.write(LINE[protocol].format(at=at.isoformat(), src=src, port=port))
    lake = Lake.open_or_create(folder / "lake", "Asia/Tokyo")
    assert not intake.ingest(lake, [str(folder / "router.log")], CHOSEN, judge=False).failed
    # an analyst's corrections are verdicts
    lake.add_note("correction", src="44.0.0.0/8", label="spoofed_flood", day_from=FORGED, day_to=FORGED, text="seen so")
    lake.add_note("correction", src=SCANNER, label="announced_scanner", value="Survey", text="told by mail")
    return lake


@pytest.fixture(scope="module")
def session(lake: Lake) -> Iterator[Session]:
    with open_session(lake, CHOSEN) as found:
        yield found


def answers(session: Session, name: str, **words: Any) -> Answers:
    return Answers(session, periods.parse("quarterly", name, TOKYO), Filters(**words), {})


@pytest.fixture(scope="module")
def last(session: Session) -> Answers:
    """Of the last quarter of 2019."""
    return answers(session, "2019-Q4")


def context(asked: Answers, language: str) -> Context:
    return Context(asked, lang.words(language), "flag", "teiten report", "0", CHOSEN)


def test_quarters_in_a_row(last: Answers) -> None:
    found = last.once(quarter.quarters)
    assert [(q.first.month, q.length) for q in found] == [(1, 90), (4, 91), (7, 92), (10, 92)], "none before the lake's first"
    for one in found:
        rows = of_months(one.first.month, one.first.month + 2)
        assert one.counts["packets"] == len(rows)
        assert one.counts["hosts"] == len({src for src, *_ in rows})
        assert one.counts["scanner_packets"] == sum(src == SCANNER for src, *_ in rows)
        assert one.counts["spoofed_packets"] == one.counts["spoofed_hosts"] == sum(src.startswith("44.") for src, *_ in rows)
        assert one.counts["rest_packets"] == sum(src != SCANNER and not src.startswith("44.") for src, *_ in rows)
        assert one.by.addresses == 1
        assert one.per_address == len(rows)
    assert [q.whole for q in found] == [True, True, False, True]
    assert found[2].days == pytest.approx(89, abs=0.2), "three days were not observed"


def test_a_year_is_told_once_it_is_over(session: Session, last: Answers) -> None:
    (found,) = last.once(quarter.years)
    assert (found.first, found.after) == (dt.date(2019, 1, 1), dt.date(2020, 1, 1))
    assert found.counts["packets"] == len(of_months(1, 12))
    assert answers(session, "2019-Q3").once(quarter.years) == ()


def test_days_count_tcp_and_udp_apart(session: Session, last: Answers) -> None:
    found = last.once(quarter.days)
    for day, packets_of in ((d, p) for d, p in year() if d.month >= 10):
        i = (day - dt.date(2019, 10, 1)).days
        for protocol, name in ((6, "tcp"), (17, "udp")):
            own = [src for src, number, _ in packets_of if number == protocol]
            assert found.values[f"{name}_packets"][i] == len(own)
            assert found.values[f"{name}_hosts"][i] == len(set(own))
            assert found.values[f"{name}_hosts_spoofed"][i] == len({src for src in own if src.startswith("44.")})
    summer = answers(session, "2019-Q3").once(quarter.days).values["packets"]
    at = (AWAY[0] - dt.date(2019, 7, 1)).days
    assert summer[at : at + 3] == [None] * 3, "what was not observed is no zero"
    assert summer[at - 1] == summer[at + 3] == 24


def test_each_peak_is_told_of_what_made_it(last: Answers) -> None:
    first = dt.date(2019, 10, 1)
    found = {(p.course, first + dt.timedelta(days=p.span.top)): p for p in last.once(quarter_peaks.found)}
    assert set(found) == {
        ("tcp_packets", SURVEY), ("tcp_packets", ATTACK), ("tcp_hosts", ATTACK), ("tcp_packets", FORGED), ("tcp_hosts", FORGED),
    }  # fmt: skip
    survey, attack = found["tcp_packets", SURVEY], found["tcp_packets", ATTACK]
    assert survey.scanners == 1.0
    assert survey.causes["countries"][0] == ("US", 1.0)
    assert all(share == pytest.approx(6 / 300) for _, share in survey.causes["ports"]), "fifty ports, none of them above others"
    assert attack.causes["ports"][0] == ((6, 445), 1.0)
    assert attack.causes["countries"][0] == ("RU", 1.0)
    assert found["tcp_hosts", ATTACK].scanners == 0.0
    forged = found["tcp_hosts", FORGED]
    assert forged.is_forged
    assert forged.causes == {}, "where forged sources seem to be from is not told"


def test_what_rose_says_since_when(last: Answers) -> None:
    found = last.once(quarter_peaks.began)
    rise = found["ports", (6, 9530)]
    days = [*last.before.days, *last.period.days]
    assert days[rise.start] == NEW
    assert not rise.over
    assert days[found["countries", "TW"].start] == NEW


def test_aggregates_give_the_same(session: Session, last: Answers, lake: Lake) -> None:
    # the other days of the span are counted on the spot, in the same shape
    rollup.ensure(lake, CHOSEN, [SURVEY])
    with open_session(lake, CHOSEN) as kept:
        again = answers(kept, "2019-Q4")
        one, other = again.once(quarter.quarters)[-1], last.once(quarter.quarters)[-1]
        assert one.counts == other.counts
        assert one.rows.counted
        assert again.once(quarter.days).values == last.once(quarter.days).values
        assert again.once(quarter.days).rows.counted
        assert again.once(quarter_peaks.found) == last.once(quarter_peaks.found)
        assert again.once(quarter_peaks.began) == last.once(quarter_peaks.began)


def shown(asked: Answers, language: str) -> str:
    made = context(asked, language)
    sections: list[Section] = []
    for module in (quarter_totals, quarter_days, quarter_rest, quarter_moves):
        built: Section | None = module.build(made)
        sections += [built] if built else []
    sections = events.weave(made, sections)
    return markdown.markdown(Report(language, "T", "S", "", sections), lang.words(language), (), {})


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("name", ["2019-Q4", "2019-Q3"])
def test_the_text(session: Session, name: str, language: str) -> None:
    """Q3 was observed in part, and says so."""
    path = CASES / f"quarter-{name}.{language}.md"
    text = shown(answers(session, name), language)
    if os.environ.get("TEITEN_ACCEPT"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_the_tables_hold_what_the_log_has(last: Answers) -> None:
    """Every column of the CSVs against the log's packets, counted here."""
    made = context(last, "en")
    found = {block.data.id: block.data for s in (quarter_days, quarter_rest) if (b := s.build(made)) for block in b.blocks}
    by_day = {day: rows for day, rows in year() if day.month >= 10}
    for row in found["quarter-days"].rows:
        cells = dict(zip(found["quarter-days"].columns, row, strict=True))
        rows = by_day[cells["day"].date()]
        protocols = Counter(protocol for _, protocol, _ in rows)
        assert (cells["tcp_packets"], cells["udp_packets"]) == (protocols[6], protocols[17])
        assert cells["hosts"] == len({src for src, *_ in rows})
    for row in found["quarter-rest"].rows:
        cells = dict(zip(found["quarter-rest"].columns, row, strict=True))
        left = [src for src, *_ in by_day[cells["day"].date()] if src != SCANNER and not src.startswith("44.")]
        assert (cells["rest_packets"], cells["rest_hosts"]) == (len(left), len(set(left)))
    assert [row[0] for row in found["quarter-peaks"].rows] == [1, 2, 3, 4, 5]


def test_filters_that_leave_scanners_out_need_no_rest(session: Session) -> None:
    assert quarter_rest.build(context(answers(session, "2019-Q4", scanners="out"), "en")) is None
