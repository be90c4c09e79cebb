"""Aggregates: every question gives the same from them as from events; they hold as long as nothing changed."""

from __future__ import annotations

import datetime as dt
import ipaddress
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from making import fill
from manyfold import DAYS, rows, span

from teiten import rollup
from teiten.engine import filters, offers, pairs, questions, rolled, series
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.lake import rollup as tables
from teiten.report import answers, courses, measures, watching
from teiten.report.asked import quarter, research
from teiten.settings import Settings

ZONES = ("Asia/Tokyo", "Europe/Berlin", "Asia/Kolkata")
"""one without summer time, one whose clocks change on a day of these, one with half an hour"""


@pytest.fixture(
    scope="module", params=[ZONES[1], *(pytest.param(zone, marks=pytest.mark.full) for zone in (ZONES[0], ZONES[2]))]
)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Session, Session]]:
    """A lake of four days whose first three have aggregates: asked from these, and from events alone."""
    zone = request.param
    lake, settings = Lake.create(tmp_path_factory.mktemp("rolled") / "lake", zone), Settings(zone, "flag")
    made = rows(2500, zone, ZONES.index(zone))
    fill(lake, made[:1500])
    for source, label, value in (
        ("203.0.113.7", "announced_scanner", "Alpha"),
        ("203.0.113.16/28", "announced_scanner", "Beta"),
        ("203.0.113.9", "tool", "zmap"),
        ("2001:db8::/64", "spoofed_flood", None),
    ):
        lake.add_note("correction", src=source, label=label, value=value, day_from=DAYS[0], day_to=DAYS[2])
    fill(lake, made[1500:])
    rollup.ensure(lake, settings, DAYS[:3])
    with Session(lake, settings) as counting, Session(lake, settings, counted=False) as plain:
        yield counting, plain


FILTERS: dict[str, dict[str, str]] = {
    "none": {},
    "port": {"port": "23/tcp,80"},
    "protocol": {"protocol": "udp,icmp"},
    "country": {"country": "JP,unknown"},
    "asn": {"asn": "74,unknown"},
    "src": {"src": "203.0.113.0/29"},
    "sensor": {"sensor": "far"},
    "action": {"action": "drop,audit"},
    "scanner": {"scanner": "alpha"},
    "scanners": {"scanners": "out"},
    "kind": {"kind": "syn,unknown"},
    "tool": {"tool": "zmap,unknown"},
    "spoofed": {"spoofed": "out"},
    "two": {"country": "US,CN", "scanners": "only", "port": "23"},
}
USUAL = {name: FILTERS[name] for name in ("none", "country", "tool", "two")}
"""of them those of the ordinary tests; the long ones ask with every filter"""
Ask = Callable[[Session, Filters, dt.datetime, dt.datetime], questions.Rows]
Query = questions.Query


def _asked(template: str, grain: Any = "day", **words: str) -> Ask:
    def ask(session: Session, chosen: Filters, start: dt.datetime, end: dt.datetime) -> questions.Rows:
        return Query(template, {"where": chosen.between(start, end)}, grain=grain, **words).rows(session)

    return ask


def _ranked(what: str, by: questions.By, n: int | None = None) -> Ask:
    def ask(session: Session, chosen: Filters, start: dt.datetime, end: dt.datetime) -> questions.Rows:
        middle = start + dt.timedelta(days=1)
        middle = dt.datetime.combine(middle.date(), dt.time(), start.tzinfo)
        return questions.rank(session, what, middle, end, by=by, before=(start, middle), filters=chosen, n=n)

    return ask


def _series(what: str | None, step: series.Step, by: questions.By = "packets", **more: Any) -> Ask:
    return lambda session, chosen, start, end: series.series(session, what, start, end, step, by=by, filters=chosen, **more)


KEYS = f"country, {answers.PORT_KEYS}"
ASKED: dict[str, Ask] = {
    **{f"{what} by {by}": _ranked(what, by) for what in questions.THINGS for by in ("packets", "hosts")},  # type: ignore[arg-type]
    "three ports": _ranked("ports", "packets", 3),
    "totals": lambda s, f, a, b: questions.totals(s, a, b, filters=f),
    "totals without moments": lambda s, f, a, b: questions.totals(s, a, b, filters=f, moments=False),
    **{
        f"{what or 'all'} by the {step}": _series(what, step)  # type: ignore[arg-type]
        for what in (None, "ports", "countries", "sources")
        for step in ("hour", "day")
    },
    "ports by hosts and day": _series("ports", "day", "hosts"),
    "busy ports": _series("ports", "day", minimum=20),
    "hours": lambda s, f, a, b: series.hours(s, a, b, filters=f),
    "number of ports": _asked(answers.PORTS_SQL),
    "sensors": _asked(answers.SENSORS_SQL),
    "partners": _asked(answers.PARTNERS_SQL, keys=answers.PORT_KEYS, own="country", chosen="true"),
    "cause": _asked(
        answers.CAUSE_SQL + "ORDER BY ALL", all_keys=KEYS, columns="country", chosen="protocol = 6", start="'2026-03-30'"
    ),
    "basis": _asked(answers.BASIS_SQL),
    "geo": _asked(answers.GEO_SQL),
    "scanning": _asked(answers.SCANNING_SQL),
    "tooled": _asked(answers.TOOLED_SQL),
    "kinds": _asked(answers.KINDS_SQL),
    "course": _asked(courses.COURSE_SQL, country="'US'"),
    "daily": _asked(measures.DAILY_SQL, own="country = 'US'"),
    "watched": _asked(watching.BY_DAY_SQL, keys=answers.PORT_KEYS),
    "sources": _asked(watching.SOURCES_SQL),
    "quarters": _asked(research.QUARTERS_SQL),
    "a quarter": _asked(quarter.SPAN_SQL, exact=quarter.SPAN_ONCE),
    "its days": _asked(quarter.DAYS_SQL, exact=quarter.DAYS_ONCE),
}


@pytest.mark.parametrize("asked", list(ASKED))
def test_every_question_gives_the_same_as_from_events(both: tuple[Session, Session], asked: str) -> None:
    settings = both[0].settings
    start, end = span(settings.zone_name, 0, 4)
    for name, texts in FILTERS.items() if settings.zone_name != ZONES[1] else USUAL.items():
        chosen = filters.parse(settings, **texts)
        told, right = (ASKED[asked](session, chosen, start, end) for session in both)
        assert list(told) == list(right), (asked, name)
        assert told.sql == right.sql and told.error == 0.0
        assert not right.counted


@pytest.fixture(scope="module")
def spot(both: tuple[Session, Session]) -> Iterator[tuple[Session, Session]]:
    """The same lake, asked from what is counted once of an expected span, a day at a time; and from events alone."""
    lake, settings = both[1].lake, both[1].settings
    with pytest.MonkeyPatch.context() as patch, Session(lake, settings, counted=False) as session:
        patch.setattr(pairs, "LEAST", 0)
        patch.setattr(pairs, "AT_ONCE", 1)
        session.expect(*span(settings.zone_name, 0, 4))
        yield session, both[1]


@pytest.mark.parametrize("asked", list(ASKED))
@pytest.mark.full
def test_every_question_gives_the_same_where_a_span_was_expected(spot: tuple[Session, Session], asked: str) -> None:
    settings = spot[0].settings
    start, end = span(settings.zone_name, 0, 4)
    for name, texts in USUAL.items():
        chosen = filters.parse(settings, **texts)
        told, right = (ASKED[asked](session, chosen, start, end) for session in spot)
        assert list(told) == list(right), (asked, name)
        assert (told.sql, told.counted, told.error) == (right.sql, False, 0.0)


@pytest.mark.parametrize(("plain", "exact"), [(quarter.SPAN_SQL, quarter.SPAN_ONCE), (quarter.DAYS_SQL, quarter.DAYS_ONCE)])
def test_a_question_in_two_forms_has_one_answer(both: tuple[Session, Session], plain: str, exact: str) -> None:
    start, end = span(both[0].zone_name, 0, 4)
    for texts in USUAL.values():
        chosen = filters.parse(both[0].settings, **texts)
        told = [_asked(plain, **words)(session, chosen, start, end) for session in both for words in ({}, {"exact": exact})]
        assert [list(rows) for rows in told[1:]] == [list(told[0])] * 3
        assert told[0][0]["packets"] and told[0][0]["spoofed_hosts"] is not None


@pytest.mark.parametrize(
    ("what", "by", "grain", "found"),
    [
        ("countries", "src_ip", "day", pairs.SOURCES),
        ("ports", "src_ip", "day", pairs.PAIRS),
        ("the mean", "ttl", "day", None),
        ("targets", "dst_ip", "day", None),
        ("most", "mode(country)", "day", None),
        ("hours", "src_ip", "hour", None),
        ("events", "src_ip", None, None),
    ],
)
def test_what_is_asked_of_an_expected_span(
    spot: tuple[Session, Session], what: str, by: str, grain: Any, found: offers.Relation | None
) -> None:
    session, start_end = spot[0], span(spot[0].zone_name, 0, 4)
    column = {"countries": "country", "ports": "dst_port"}.get(what, "country")
    template = f"SELECT {column}, max({by}) FROM {{events}} WHERE {{where}} GROUP BY ALL"
    within = Query(template, {"where": Filters().between(*start_end)}, grain=grain)
    assert offers.choose(session, within) is (found or offers.EVENTS)
    beyond = Query(template, {"where": Filters().between(start_end[0] - dt.timedelta(days=1), start_end[1])}, grain=grain)
    assert offers.choose(session, beyond) is (found or offers.EVENTS)
    with Session(session.lake, session.settings, counted=False) as other:
        other.expect(*(moment + dt.timedelta(days=40) for moment in start_end))
        assert offers.choose(other, within) is offers.EVENTS, "far more events than expected"


@pytest.mark.parametrize(
    ("asked", "texts", "counted"),
    [
        ("ports by packets", {}, True),
        ("ports by hosts", {"country": "JP"}, True),
        ("ports by packets", {"src": "203.0.113.7"}, False),
        ("countries by packets", {"scanners": "out"}, True),
        ("countries by packets", {"port": "23"}, True),
        ("asns by packets", {}, True),
        ("sources by packets", {}, True),
        ("sources by packets", {"port": "23"}, True),
        ("asns by packets", {"port": "23"}, True),
        ("totals", {"port": "23"}, False),
        ("totals without moments", {"port": "23"}, True),
        ("sources by hosts", {"port": "23", "tool": "zmap"}, True),
        ("scanners by packets", {}, True),
        ("tools by packets", {}, True),
        ("totals", {}, True),
        ("all by the hour", {}, True),
        ("ports by the hour", {}, False),
        ("ports by the day", {}, True),
        ("partners", {}, True),
        ("cause", {}, True),
        ("basis", {}, True),
        ("course", {}, True),
        ("watched", {"scanner": "alpha"}, True),
        ("sources", {"scanner": "alpha"}, True),
        ("number of ports", {}, True),
    ],
)
def test_what_is_asked_of_aggregates(both: tuple[Session, Session], asked: str, texts: dict[str, str], counted: bool) -> None:
    session = both[0]
    start, end = span(session.zone_name, 0, 3)
    chosen = filters.parse(session.settings, **texts)
    assert ASKED[asked](session, chosen, start, end).counted is counted
    part = ASKED[asked](session, chosen, start + dt.timedelta(minutes=20), end)
    assert not part.counted, "parts of a day need events"


def test_sources_are_not_looked_up_where_rows_tell_what_they_are_taken_for(both: tuple[Session, Session]) -> None:
    start, end = span(both[0].zone_name, 0, 3)
    with Session(both[0].lake, both[0].settings) as session:
        assert questions.rank(session, "tools", start, end).counted
        assert not session._looked_up
        assert list(questions.rank(session, "tools", start, end)) == list(questions.rank(both[1], "tools", start, end))


def test_a_lake_of_before_pairs(tmp_path: Path) -> None:
    """Its days get what they lack, and nothing else is counted again; of days without events pairs do not answer."""
    zone = "Asia/Tokyo"
    lake, settings = Lake.create(tmp_path / "lake", zone), Settings(zone, "flag")
    fill(lake, rows(500, zone, 8))
    rollup.ensure(lake, settings, DAYS)
    shutil.rmtree(lake.path / "rollup_pairs")
    before = {name: lake.rollup_files(name) for name in tables.TABLES}
    start, end = span(zone, 0, 4)
    port = filters.parse(settings, port="23")
    with Session(lake, settings) as session:
        assert not questions.rank(session, "sources", start, end, filters=port).counted
    assert set(rollup.stale(lake, settings)) == set(DAYS)
    assert rollup.ensure(lake, settings, DAYS).rows.keys() == {"rollup_pairs"}
    assert not rollup.stale(lake, settings)
    assert {name: lake.rollup_files(name) for name in tables.TABLES if name != "rollup_pairs"} == {
        name: files for name, files in before.items() if name != "rollup_pairs"
    }
    with Session(lake, settings) as session, Session(lake, settings, counted=False) as plain:
        told, right = (questions.rank(one, "sources", start, end, filters=port) for one in (session, plain))
        assert told.counted and list(told) == list(right)
        # events of the first day go, and the day was never counted into pairs
        kept = rolled.stored(lake, "rollup_pairs", zone)
        session.rolled._states["rollup_pairs"] = {day: basis for day, basis in kept.items() if day != DAYS[0]}  # type: ignore[union-attr]
        session.rolled._dropped = {DAYS[0]}  # type: ignore[union-attr]
        assert not questions.rank(session, "sources", start, end, filters=port).counted


@pytest.fixture
def sketched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Lake, Settings]:
    """A lake of four days whose sketches keep 16 sources; some port has a thousand and more."""
    monkeypatch.setattr(tables, "KEPT", 16)
    monkeypatch.setattr(rolled, "QUICK", 0)
    zone = "Asia/Tokyo"
    lake, settings = Lake.create(tmp_path / "lake", zone), Settings(zone, "flag")
    chance = random.Random(5)
    more = [
        row | {"src_ip": f"192.0.{chance.randrange(8)}.{chance.randrange(256)}", "country": "NL"} for row in rows(6000, zone, 9)
    ]
    fill(lake, rows(500, zone, 8) + more)
    rollup.ensure(lake, settings, DAYS)
    return lake, settings


def test_hosts_of_thinned_sketches_lie_within_their_error(sketched: tuple[Lake, Settings]) -> None:
    lake, settings = sketched
    beyond = whole = 0
    with Session(lake, settings) as counting, Session(lake, settings, counted=False) as plain:
        for asked in ("ports by packets", "ports by the day", "all by the hour", "hours"):
            for texts in ({}, {"country": "NL"}, {"sensor": "home"}):
                chosen = filters.parse(settings, **texts)
                told, right = (ASKED[asked](s, chosen, *span(settings.zone_name, 0, 4)) for s in (counting, plain))
                assert told.counted and told.estimated and 0 < told.error < 0.6
                exact = {tuple(v for k, v in row.items() if k not in UNSURE): row for row in right}
                for row in told:
                    other = exact[tuple(v for k, v in row.items() if k not in UNSURE)]
                    error = row.get("hosts_error")
                    assert other["packets"] == row["packets"]
                    if row["hosts"] != other["hosts"]:
                        whole += 1
                        beyond += abs(row["hosts"] - other["hosts"]) > 2 * (error or told.error) * other["hosts"]
    assert whole > 50 and beyond < 0.1 * whole


UNSURE = ("rank", "hosts", "hosts_before", "hosts_error")


def test_exact_questions_stay_exact_beside_sketches(sketched: tuple[Lake, Settings]) -> None:
    lake, settings = sketched
    with Session(lake, settings) as counting, Session(lake, settings, counted=False) as plain:
        for asked in ("totals", "countries by hosts", "sources by packets", "asns by packets"):
            told, right = (ASKED[asked](s, Filters(), *span(settings.zone_name, 0, 4)) for s in (counting, plain))
            assert list(told) == list(right) and told.counted and not told.estimated


def test_few_events_are_counted_rather_than_estimated(sketched: tuple[Lake, Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolled, "QUICK", 10_000)
    lake, settings = sketched
    with Session(lake, settings) as session, Session(lake, settings, counted=False) as plain:
        told, right = (ASKED["ports by packets"](one, Filters(), *span(settings.zone_name, 0, 4)) for one in (session, plain))
        assert not told.estimated and list(told) == list(right)


def state(lake: Lake, settings: Settings) -> list[dt.date]:
    return sorted(rollup.stale(lake, settings))


@pytest.mark.full
def test_days_are_made_again_when_something_changed(tmp_path: Path) -> None:
    zone = "Asia/Tokyo"
    lake, settings = Lake.create(tmp_path / "lake", zone), Settings(zone, "flag")
    made = rows(400, zone, 3)
    fill(lake, made)
    assert state(lake, settings) == DAYS
    assert rollup.kept(lake, settings, DAYS) == set()
    assert rollup.ensure(lake, settings, DAYS).days == DAYS
    assert rollup.ensure(lake, settings, DAYS).days == []
    assert rollup.kept(lake, settings, DAYS) == set(DAYS)
    number = lake.add_note("correction", src="203.0.113.7", label="tool", value="nmap", day_from=DAYS[1], day_to=DAYS[1])
    assert state(lake, settings) == [DAYS[1]]
    lake.withdraw_note(number)
    assert state(lake, settings) == []
    late = dt.datetime.combine(DAYS[2], dt.time(12), ZoneInfo(zone))
    fill(lake, [{"time": late, "source_id": 2}])
    assert state(lake, settings) == [DAYS[2]]
    with Session(lake, settings) as session:
        # the late event is counted all the same
        found = ASKED["totals"](session, Filters(), *span(zone, 0, 4))
        assert found.counted
    with Session(lake, settings, counted=False) as session:
        assert list(found) == list(ASKED["totals"](session, Filters(), *span(zone, 0, 4)))
    rollup.ensure(lake, settings, DAYS)
    lake.forget(ipaddress.ip_network("203.0.113.7"))
    assert set(state(lake, settings)) == set(DAYS)
    rollup.ensure(lake, settings, DAYS)
    packed = ipaddress.ip_address("203.0.113.7").packed
    with Session(lake, settings) as session:
        assert session.rolled is not None
        found = ASKED["sources"](session, Filters(), *span(zone, 0, 4))
        assert found.counted and packed not in [row["src_ip"] for row in found]


def test_finished_days_with_many_events_are_due(tmp_path: Path) -> None:
    zone = "Asia/Tokyo"
    lake, settings = Lake.create(tmp_path / "lake", zone), replace(Settings(zone, "flag"), aggregate_events=200)
    fill(lake, rows(400, zone, 3))
    late = dt.datetime(2026, 3, 31, 23, 30, tzinfo=ZoneInfo(zone))
    assert rollup.due(lake, settings, late) == DAYS[:3]
    assert rollup.due(lake, settings, late + dt.timedelta(hours=2)) == DAYS
    assert rollup.due(lake, replace(settings, aggregate_events=10_000), late) == []
