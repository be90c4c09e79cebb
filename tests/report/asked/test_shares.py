"""Shares by port and by country, with the quarter before, counted again in plain Python: from events, and from aggregates."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from tests.report import dark

from teiten.report.answers import Answers
from teiten.report.asked import shares
from teiten.report.asked.shares import Shares


@pytest.fixture(scope="module", params=["dark_quarter", "dark_counted"])
def answers(request: pytest.FixtureRequest) -> Answers:
    found: Answers = request.getfixturevalue(request.param)
    return found


def held(told: Shares, now: Counter[Any], before: Counter[Any], nobody: Any) -> None:
    """The ranking against two counts: packets, shares, ranks (equals share one), totals; the unknown has no rank."""
    assert (told.total, told.total_before) == (now.total(), before.total())
    assert {row.key: row.packets for row in told.all if row.packets} == now
    assert {row.key: row.packets_before for row in told.all if row.packets_before} == before
    for row in told.all:
        assert row.share == pytest.approx(now[row.key] / max(1, now.total()))
        known = row.key != nobody
        assert row.rank == (
            1 + sum(n > now[row.key] for k, n in now.items() if k != nobody) if known and now[row.key] else None
        )
        rank = 1 + sum(n > before[row.key] for k, n in before.items() if k != nobody)
        assert row.rank_before == (rank if known and before[row.key] else None)
    packets = [row.packets for row in told.all if row.key != nobody]
    assert packets == sorted(packets, reverse=True)


def test_ports_of_tcp_and_udp(answers: Answers, dark_packets: dark.Made) -> None:
    told = answers.once(shares.ports)
    assert told is not None
    now, before = (
        Counter((p.row["protocol"], p.row["dst_port"]) for p in dark_packets.of(quarter=q) if p.row["protocol"] in (6, 17))
        for q in (2, 1)
    )
    held(told, now, before, (None, None))
    assert told.rows.counted == answers.once(shares.countries)["all"].rows.counted


def test_countries_in_three_ways(answers: Answers, dark_packets: dark.Made) -> None:
    told = answers.once(shares.countries)
    for way, scans in (("all", (True, False)), ("scanners", (True,)), ("without", (False,))):
        now, before = (
            Counter(p.row["country"] for p in dark_packets.of(quarter=q) if (p.what in ("large", "announced")) in scans)
            for q in (2, 1)
        )
        held(told[way], now, before, None)  # type: ignore[index]
    assert told["scanners"].total + told["without"].total == told["all"].total
    assert told["all"].unknown is not None


def test_a_quarter_without_one_before_is_held_against_nothing(dark_lake: Any) -> None:
    with dark.opened(dark_lake) as session:
        told = dark.answers(session, "2026-Q1").once(shares.countries)["all"]
    assert told.total_before is None
    assert all(row.rank_before is row.packets_before is row.share_before is None for row in told.all)


def test_filters_that_leave_neither_tcp_nor_udp(dark_lake: Any) -> None:
    with dark.opened(dark_lake) as session:
        assert dark.answers(session, protocol=(1,)).once(shares.ports) is None
        told = dark.answers(session, protocol=(1, 17)).once(shares.ports)
    assert told is not None
    assert {row.key[0] for row in told.all} == {17}
