"""Rankings, totals, series, gaps: against plain Python on the same rows; and the SQL that is shown gives what is shown."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from making import T0, fill

from teiten.engine import filters, open_session, questions, series
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.engine.gaps import NOT_OBSERVED, SILENT, gaps
from teiten.lake import Lake
from teiten.settings import Sensor, Settings

TOKYO = Settings("Asia/Tokyo", "flag", sensors=(Sensor("home", group="domestic"), Sensor("far", group="overseas")))
ZONE = ZoneInfo("Asia/Tokyo")
DAY = dt.timedelta(days=1)
A, B, C = (dt.datetime(2026, 4, d, tzinfo=ZONE) for d in (2, 4, 6))


def made(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Four days of all kinds of events, from 2 April (Japan) on."""
    chance = random.Random(seed)
    rows = []
    for n in range(count):
        row: dict[str, Any] = {
            "time": A + dt.timedelta(seconds=chance.randrange(4 * 86400)),
            "sensor": chance.choice(["home", "home", "far"]),
            "src_ip": chance.choice([f"203.0.113.{chance.randrange(20)}", f"2001:db8::{chance.randrange(1, 9):x}"]),
            "dst_port": chance.choice([23, 23, 23, 445, 80, None]),
            "country": chance.choice(["US", "CN", "JP", None]),
            "action": chance.choice(["drop", "drop", "drop", None, "accept", "reject", "audit"]),
            "interface": chance.choice(["ppp0", "ppp0", None, ""]),
            "packets": chance.choice([1, 1, 1, 3]),
            "source_pos": n,
        }
        kind = chance.random()
        if kind < 0.15:
            row |= {"protocol": 1, "dst_port": None, "src_port": None}
        elif kind < 0.3:
            row |= {"protocol": 17, "dst_port": chance.choice([53, 23])}
        elif kind < 0.33:
            row |= {"protocol": None, "dst_port": None}
        row["asn"] = None if row["country"] is None else len(row["country"]) + ord(row["country"][0])
        row["as_name"] = None if row["asn"] is None else f"Network {row['asn']}"
        rows.append(row)
    return rows


ROWS = made(3000)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    lake = Lake.create(tmp_path_factory.mktemp("asked") / "lake", "Asia/Tokyo")
    for part in range(3):
        fill(lake, ROWS[part * 1000 : part * 1000 + 1000])
    with open_session(lake, TOKYO) as found:
        yield found


def attempts(start: dt.datetime, end: dt.datetime) -> list[dict[str, Any]]:
    return [
        r for r in ROWS
        if start <= r["time"] < end and r["action"] not in ("accept", "audit") and r["interface"] != ""
    ]  # fmt: skip


def port(row: dict[str, Any]) -> tuple[int | None, int | None]:
    protocol = row.get("protocol", 6)
    if protocol is None or (row["dst_port"] is None and protocol != 1):
        return None, None
    return row["dst_port"], protocol


KEYS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "ports": port,
    "countries": lambda r: (r["country"],),
    "asns": lambda r: (r["asn"],),
    "sources": lambda r: (r["src_ip"],),
    "sensors": lambda r: (r["sensor"],),
}


def tally(rows: list[dict[str, Any]], what: str) -> dict[Any, tuple[int, int]]:
    """Thing -> (packets, hosts), in plain Python."""
    packets: dict[Any, int] = defaultdict(int)
    hosts: dict[Any, set[str]] = defaultdict(set)
    for row in rows:
        packets[KEYS[what](row)] += row["packets"]
        hosts[KEYS[what](row)].add(row["src_ip"])
    return {key: (packets[key], len(hosts[key])) for key in packets}


def unknown(what: str, key: Any) -> bool:
    return what in ("ports", "countries", "asns") and key[-1] is None


@pytest.mark.parametrize("by", ["packets", "hosts"])
@pytest.mark.parametrize("what", list(KEYS))
def test_rank_is_what_plain_counting_gives(session: Session, what: str, by: questions.By) -> None:
    found = questions.rank(session, what, B, C, by=by, before=(A, B))
    now, then = tally(attempts(B, C), what), tally(attempts(A, B), what)
    at = 0 if by == "packets" else 1
    whole = sum(p for p, _ in now.values()) if by == "packets" else len({r["src_ip"] for r in attempts(B, C)})
    assert found.total == whole

    def place(counts: dict[Any, tuple[int, int]], key: Any) -> int | None:
        if key not in counts or unknown(what, key):
            return None
        return 1 + sum(c[at] > counts[key][at] for k, c in counts.items() if not unknown(what, k))

    assert len(found) == len(now)
    for row in found:
        key = tuple(row[c] for c in questions.THINGS[what].columns)
        earlier = then.get(key, (0, 0))
        assert (row["packets"], row["hosts"]) == now[key]
        assert (row["packets_before"], row["hosts_before"]) == earlier
        assert row["rank"] == place(now, key)
        assert row["rank_before"] == place(then, key)
        assert row["share"] == pytest.approx(now[key][at] / whole)
        assert row["difference"] == now[key][at] - earlier[at]
        assert row["change"] == (pytest.approx(100 * row["difference"] / earlier[at]) if earlier[at] else None)
    ranked = [r["rank"] for r in found if r["rank"] is not None]
    assert ranked == sorted(ranked)
    assert all(r["rank"] is None for r in found[len(ranked) :])


def test_the_first_n_and_the_unknown(session: Session) -> None:
    found = questions.rank(session, "countries", A, C, n=2)
    assert [r["rank"] for r in found] == [1, 2, None]
    assert found[-1]["country"] is None
    assert all(r["packets_before"] is None and r["change"] is None for r in found)


def test_icmp_is_a_row_of_its_own_and_never_port_0(session: Session) -> None:
    found = questions.rank(session, "ports", A, C)
    assert [r["dst_port"] for r in found if r["protocol"] == 1] == [None]
    assert 0 not in [r["dst_port"] for r in found]


def test_nothing_before_is_not_zero_before(session: Session) -> None:
    found = questions.rank(session, "ports", A, B, before=(A - 2 * DAY, A))
    assert {r["packets_before"] for r in found} == {None}
    assert questions.totals(session, A, B, before=(A - 2 * DAY, A))[0]["packets_before"] is None


@pytest.mark.parametrize("what", list(KEYS))
def test_the_sql_that_is_shown_gives_the_same_rows(session: Session, what: str) -> None:
    chosen = filters.parse(TOKYO, src="203.0.113.0/28,2001:db8::/32", port="1-1000", action="drop,reject")
    for found in (
        questions.rank(session, what, B, C, before=(A, B), n=3, filters=chosen),
        series.series(session, what, A, C, "hour", top=2, filters=chosen),
        series.series(session, what, A, C, "day", top=2, minimum=3, by="hosts"),
    ):
        assert "raw_events" not in found.sql
        shown = session.query(found.sql)
        assert shown == [{k: row[k] for k in shown[0]} for row in found]


def test_filters_choose_what_they_say(session: Session) -> None:
    def count(**words: str) -> int:
        return int(questions.totals(session, A, C, filters=filters.parse(TOKYO, **words))[0]["packets"])

    def plain(which: Callable[[dict[str, Any]], bool]) -> int:
        return sum(r["packets"] for r in attempts(A, C) if which(r))

    assert count() == plain(lambda r: True)
    assert count(port="23") == plain(lambda r: r["dst_port"] == 23)
    assert count(port="23/udp,445") == plain(
        lambda r: (r["dst_port"] == 23 and r.get("protocol") == 17) or r["dst_port"] == 445
    )
    assert count(port="icmp") == plain(lambda r: r.get("protocol", 6) == 1)
    assert count(country="jp,unknown") == plain(lambda r: r["country"] in ("JP", None))
    assert count(src="2001:db8::/64") == plain(lambda r: ":" in r["src_ip"])
    assert count(src="203.0.113.7") == plain(lambda r: r["src_ip"] == "203.0.113.7")
    assert count(sensor="far") == count(group="overseas") == plain(lambda r: r["sensor"] == "far")
    assert count(asn="unknown") == plain(lambda r: r["asn"] is None)
    accepted = [r for r in ROWS if r["action"] == "accept" and r["interface"] != ""]
    assert count(action="accept") == sum(r["packets"] for r in accepted)


def test_totals_count_what_is_left_out(session: Session) -> None:
    row = questions.totals(session, A, C, before=(A, B))[0]
    assert row["packets"] == sum(r["packets"] for r in attempts(A, C))
    assert row["hosts"] == len({r["src_ip"] for r in attempts(A, C)})
    assert row["left_out_accepted"] == sum(r["packets"] for r in ROWS if r["action"] in ("accept", "audit"))
    assert row["left_out_outgoing"] == sum(
        r["packets"] for r in ROWS if r["interface"] == "" and r["action"] not in ("accept", "audit")
    )
    assert row["packets"] + row["left_out_accepted"] + row["left_out_outgoing"] == sum(r["packets"] for r in ROWS)
    assert row["days"] == 4 and row["packets_per_day"] == row["packets"] / 4
    assert row["packets_before"] == sum(r["packets"] for r in attempts(A, B))


def test_a_series_adds_up_and_keeps_other_and_unknown(session: Session) -> None:
    found = series.series(session, "countries", A, C, "hour", top=1)
    beginnings = series.starts(session, A, C, "hour")
    spread = series.spread(found, beginnings, ("country",))
    counts = tally(attempts(A, C), "countries")
    first = max((k for k in counts if k != (None,)), key=lambda k: counts[k][0])
    assert list(spread) == [first, "other", "unknown"]
    assert sum(spread[first]) == counts[first][0]
    assert sum(spread["unknown"]) == counts[(None,)][0]
    assert sum(map(sum, spread.values())) == sum(p for p, _ in counts.values())
    assert len(beginnings) == 96


def test_hours_of_the_day_are_the_zones(session: Session) -> None:
    found = series.hours(session, A, C)
    assert [r["hour"] for r in found] == list(range(24))
    for row in found:
        rows = [r for r in attempts(A, C) if r["time"].astimezone(ZONE).hour == row["hour"]]
        assert (row["packets"], row["hosts"]) == (sum(r["packets"] for r in rows), len({r["src_ip"] for r in rows}))


def asked(tmp_path: Any, rows: list[dict[str, Any]], zone: str) -> Session:
    lake = Lake.create(tmp_path / "lake", zone)
    fill(lake, rows)
    return open_session(lake, Settings(zone, "flag"))


@pytest.mark.parametrize(("zone", "hours"), [("America/New_York", 25), ("Asia/Kolkata", 24), ("Australia/Lord_Howe", 24)])
def test_hours_where_the_clock_is_odd(tmp_path: Any, zone: str, hours: int) -> None:
    """The day on which New York has 1 o'clock twice; zones whose hours are not UTC's."""
    tz = ZoneInfo(zone)
    start, end = dt.datetime(2026, 11, 1, tzinfo=tz), dt.datetime(2026, 11, 2, tzinfo=tz)
    seconds = int((end.astimezone(dt.UTC) - start.astimezone(dt.UTC)).total_seconds())
    rows = [{"time": start.astimezone(dt.UTC) + dt.timedelta(seconds=s)} for s in range(0, seconds, 600)]
    with asked(tmp_path, rows, zone) as session:
        found = series.series(session, None, start, end, "hour")
        beginnings = series.starts(session, start, end, "hour")
        assert [r["start"].timestamp() for r in found] == [b.timestamp() for b in beginnings]
        assert len(found) == hours
        assert [r["packets"] for r in found] == [6] * hours
        assert series.series(session, None, start, end, "day")[0]["packets"] == len(rows)


def test_gaps_are_silences_that_the_rate_makes_improbable(tmp_path: Any) -> None:
    """30 events an hour; silent from 10:00 to 13:00; and for half an hour, which may happen."""
    rows = [
        {"time": T0 + dt.timedelta(minutes=2 * n)}
        for n in range(720)
        if not 300 <= n < 390 and not 600 <= n < 615
    ]  # fmt: skip
    with asked(tmp_path, rows, "UTC") as session:
        found = gaps(session, T0 - DAY, T0 + 2 * DAY)
    assert [(g["reason"], g["start"].hour, g["end"].hour) for g in found] == [
        (NOT_OBSERVED, 0, 0), (SILENT, 9, 13), (NOT_OBSERVED, 23, 0),
    ]  # fmt: skip
    assert found[1]["start"] == T0 + dt.timedelta(minutes=598)


def test_a_quiet_line_has_no_gaps(tmp_path: Any) -> None:
    """One event every seven hours: no silence of a day is improbable."""
    rows = [{"time": T0 + dt.timedelta(hours=7 * n)} for n in range(60) if n not in (20, 21)]
    with asked(tmp_path, rows, "UTC") as session:
        assert gaps(session, T0, T0 + 16 * DAY) == []


def test_an_empty_lake_answers(tmp_path: Any) -> None:
    with open_session(Lake.create(tmp_path / "lake", "UTC"), Settings("UTC", "flag")) as session:
        assert questions.rank(session, "ports", A, C, before=(A, B)) == []
        row = questions.totals(session, A, C)[0]
        assert (row["packets"], row["hosts"], row["first"]) == (0, 0, None)
        assert gaps(session, A, C) == []
        assert session.query("SELECT * FROM sources") == []


def test_filters_without_anything(session: Session) -> None:
    assert Filters(all_events=True).conditions(raw=True) == []
    assert questions.rank(session, "sensors", filters=Filters(all_events=True)).total == sum(r["packets"] for r in ROWS)
