"""Events become sessions: order, gaps, addresses; midnight, months, a thousand sources; the SQL shown gives the same."""

from __future__ import annotations

import datetime as dt
import ipaddress
import random
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import notice
import pytest
from making import fill

from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.frame import address_text
from teiten.lake import Lake
from teiten.sessions import join
from teiten.settings import Settings

ZONE = ZoneInfo("Asia/Tokyo")
TOKYO = Settings("Asia/Tokyo", "flag")
NOTICE = join.networks(
    ["153.231.215.8/29", "153.231.216.176/29", "153.231.216.184/29", "153.231.226.160/29", "153.231.226.168/29"]
)
T = dt.datetime(2019, 2, 28, 23, 59, 30, tzinfo=ZONE)


def at(seconds: float, port: int | None, **more: Any) -> dict[str, Any]:
    return {"time": T + dt.timedelta(seconds=seconds), "dst_port": port, "source_pos": round(seconds * 10), **more}


def test_notices_february(february: tuple[Lake, Path]) -> None:
    """The ports in their order, the gaps, the addresses and source ports are those of the page."""
    with open_session(february[0], TOKYO) as asked:
        found = join.of_organisation(asked, "NOTICE", NOTICE, Filters(), 120).sessions
        whose = join.membership(asked, NOTICE, Filters())
        steps = join.steps(asked, found, whose)
    told = [
        (
            s.start.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S"),
            address_text(s.sources[0]),
            s.source_ports[0],
            tuple((round(x.gap.total_seconds()) if x.gap else 0, x.dst_port) for x in own),
        )
        for s, own in zip(found, steps, strict=True)
    ]
    assert tuple(told) == notice.SESSIONS
    assert [s.per_minute for s in found] == [1, 1, 11, 11, *[1] * 10]
    burst = found[2]
    assert burst.length == dt.timedelta(seconds=41)
    assert burst.longest_gap == dt.timedelta(seconds=16)
    assert (burst.ttl, burst.windows, burst.source_port_count, burst.source_count) == ((244, 244), (1024,), 1, 1)
    assert burst.observers == {ipaddress.ip_address(notice.OBSERVER).packed}


def test_midnight_and_month_do_not_cut_a_session(lake: Lake) -> None:
    fill(lake, [at(s, p) for s, p in ((0, 22), (20, 23), (45, 80), (100, 23), (221, 443))])
    with open_session(lake, TOKYO) as asked:
        first, second = join.of_sources(asked, Filters(), 120).sessions
        (own, rest) = join.steps(asked, [first, second], Filters())
    assert (first.start.astimezone(ZONE).month, first.end.astimezone(ZONE).month) == (2, 3)
    assert first.ports == ((6, 22), (6, 23), (6, 80))
    assert [s.dst_port for s in own] == [22, 23, 80, 23]
    assert [s.gap and s.gap.total_seconds() for s in own] == [None, 20, 25, 55]
    assert [s.dst_port for s in rest] == [443]


@pytest.mark.parametrize(("gap", "count"), [(120, 1), (119.5, 2)])
def test_the_gap_is_a_setting_and_its_length_is_still_inside(lake: Lake, gap: float, count: int) -> None:
    fill(lake, [at(0, 22), at(120, 23)])
    with open_session(lake, TOKYO) as asked:
        assert len(join.of_sources(asked, Filters(), gap).sessions) == count


def test_events_of_one_second_keep_the_logs_order(lake: Lake) -> None:
    ports = [9000, 22, 8080, 23, 22]
    fill(lake, [at(0, p, source_pos=n * 100) for n, p in enumerate(ports)])
    with open_session(lake, TOKYO) as asked:
        (one,) = join.of_sources(asked, Filters(), 120).sessions
        (own,) = join.steps(asked, [one], Filters())
    assert [p for _, p in one.ports] == [9000, 22, 8080, 23]
    assert [s.dst_port for s in own] == ports
    assert one.events == 5


def test_a_thousand_sources_in_one_organisation(lake: Lake) -> None:
    """They are joined together; named up to the bound, counted whole; a list longer than what is asked directly too."""
    chance = random.Random(4)
    rows = [at(n * 0.05, chance.randrange(1, 1000), src_ip=f"203.0.{n // 250 + 1}.{n % 250 + 1}") for n in range(1500)]
    rows += [at(10, 23, src_ip="8.8.8.8"), at(11, 23, src_ip="2001:db8::5"), at(12, 7, src_ip="203.0.200.1")]
    fill(lake, rows)
    few = join.networks(["203.0.0.0/21", "2001:db8::/32"])
    many = join.networks(
        [*(f"203.0.{n // 250 + 1}.{n % 250 + 1}/32" for n in range(1500)), *(f"2001:db8::{2 * n + 1:x}" for n in range(200))]
    )
    many = [m for n, m in enumerate(many) if n % 2 == 0 or n >= 1500]
    with open_session(lake, TOKYO) as asked:
        (one,) = join.of_organisation(asked, "all", few, Filters(), 120).sessions
        (half,) = join.of_organisation(asked, "half", many, Filters(), 120).sessions
        single = join.of_sources(asked, Filters(), 120, whose=join.membership(asked, few, Filters())).sessions
    assert (one.events, one.source_count, len(one.sources)) == (1501, 1501, join.SOURCES_KEPT)
    assert address_text(one.sources[0]) == "203.0.1.1"
    assert (half.events, half.source_count) == (751, 751)
    assert len(single) == 1501


def test_a_prefix_counts_on_the_days_of_its_validity(lake: Lake) -> None:
    fill(lake, [at(0, 22), at(60, 23), at(86400, 80)])
    first = join.Member(ipaddress.ip_network("203.0.113.0/24"), None, dt.date(2019, 2, 28))
    later = join.Member(ipaddress.ip_network("203.0.113.0/24"), dt.date(2019, 3, 1), None)
    with open_session(lake, TOKYO) as asked:
        assert [s.ports for s in join.of_organisation(asked, "a", [first], Filters(), 120).sessions] == [((6, 22),)]
        assert [s.ports for s in join.of_organisation(asked, "a", [later], Filters(), 120).sessions] == [((6, 23),), ((6, 80),)]
        assert join.of_organisation(asked, "a", [], Filters(), 120).sessions == []


def test_ranges_are_joined() -> None:
    a, b, c, d = (ipaddress.ip_network(t) for t in ("10.0.0.0/25", "10.0.0.128/25", "10.0.2.0/24", "10.0.2.7/32"))
    six = ipaddress.ip_network("2001:db8::/32")
    found = join.merge([(n[0].packed, n[-1].packed) for n in (d, six, b, a, c)])
    assert [(address_text(x), address_text(y)) for x, y in found] == [
        ("10.0.0.0", "10.0.0.255"),
        ("10.0.2.0", "10.0.2.255"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ]


def test_sources_of_few_ports_are_left_out_and_the_busiest_come_first(lake: Lake) -> None:
    rows = [at(n, 23, src_ip="192.0.2.1") for n in range(50)]
    for source, ports in (("192.0.2.2", 2), ("192.0.2.3", 9), ("192.0.2.4", 5)):
        rows += [at(n, 100 + n, src_ip=source) for n in range(ports)]
    fill(lake, rows)
    with open_session(lake, TOKYO) as asked:
        found = join.of_sources(asked, Filters(), 120, least_ports=2).sessions
        two = join.of_sources(asked, Filters(), 120, least_ports=2, most=2).sessions
    assert {s.key: s.tries for s in found} == {"192.0.2.2": 2, "192.0.2.3": 9, "192.0.2.4": 5}
    assert {s.key for s in two} == {"192.0.2.3", "192.0.2.4"}


def test_icmp_has_no_port_and_is_one_try(lake: Lake) -> None:
    fill(lake, [at(n, None, protocol=1, src_port=None) for n in range(3)])
    with open_session(lake, TOKYO) as asked:
        (one,) = join.of_sources(asked, Filters(), 120).sessions
    assert one.ports == ((1, None),)
    assert (one.source_ports, one.source_port_count) == ((), 0)


@pytest.mark.parametrize("gap", [120, pytest.param(3, marks=pytest.mark.full)])
def test_many_events_are_taken_in_turn(lake: Lake, monkeypatch: pytest.MonkeyPatch, gap: float) -> None:
    """Parted by source, or at pauses: the same sessions as in one go."""
    chance = random.Random(3)
    rows = [
        at(chance.randrange(9000), chance.randrange(1, 9), src_ip=f"192.0.2.{chance.randrange(1, 40)}", source_pos=n)
        for n in range(3000)
    ]
    fill(lake, rows)
    own = join.networks(["192.0.2.0/27"])
    with open_session(lake, TOKYO) as asked:
        whole = [join.of_sources(asked, Filters(), gap), join.of_organisation(asked, "o", own, Filters(), gap)]
        best = join.of_sources(asked, Filters(), gap, least_ports=2, most=7)
        monkeypatch.setattr(join, "EVENTS_AT_ONCE", 100)
        parted = [join.of_sources(asked, Filters(), gap), join.of_organisation(asked, "o", own, Filters(), gap)]
        assert [p.sessions for p in parted] == [w.sessions for w in whole]
        assert join.of_sources(asked, Filters(), gap, least_ports=2, most=7).sessions == best.sessions


def plain(rows: list[dict[str, Any]], gap: float) -> list[tuple[Any, ...]]:
    """The same in plain Python."""
    sources: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda r: (r["time"], r["source_pos"])):
        sources.setdefault(row["src_ip"], []).append(row)
    out = []
    for src, own in sources.items():
        runs: list[list[dict[str, Any]]] = []
        for row in own:
            if not runs or (row["time"] - runs[-1][-1]["time"]).total_seconds() > gap:
                runs.append([])
            runs[-1].append(row)
        for run in runs:
            first: dict[int, dt.datetime] = {}
            for row in run:
                first.setdefault(row["dst_port"], row["time"])
            times = list(first.values())
            most = max(sum(t - dt.timedelta(seconds=60) <= u <= t for u in times) for t in times)
            out.append((src, run[0]["time"], run[-1]["time"], len(run), tuple((6, p) for p in first), most))
    return sorted(out, key=lambda s: (s[1], s[0]))


def test_as_plain_python_does_and_the_sql_shown_gives_the_same(lake: Lake) -> None:
    chance = random.Random(11)
    rows = [
        at(
            chance.randrange(40_000),
            chance.choice([22, 23, 80, 443, 8080]),
            src_ip=f"192.0.2.{chance.randrange(1, 9)}",
            source_pos=n,
        )
        for n in range(2000)
    ]
    fill(lake, rows)
    networks = join.networks(["192.0.2.0/29"])
    with open_session(lake, TOKYO) as asked:
        found = join.of_sources(asked, Filters(), 120)
        mine = [(s.key, s.start, s.end, s.events, s.ports, s.per_minute) for s in found.sessions]
        assert mine == plain(rows, 120)
        shown = asked.query(found.sql)
        assert [(r["key"], r["start"], r["tries"]) for r in shown] == [(s.key, s.start, s.tries) for s in found.sessions]
        assert all(r["observers"] == 1 for r in shown)
        organisation = join.of_organisation(asked, "o'x", networks, Filters(), 120)
        assert len(asked.query(organisation.sql)) == len(organisation.sessions) > 0
        assert "198.51.100.1" not in found.sql + organisation.sql
