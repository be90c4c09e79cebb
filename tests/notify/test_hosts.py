"""Which hosts are told of: every candidate in exactly one place, and counts that are the log's own."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

from tests.notify import conftest as own

from teiten.engine import open_session
from teiten.lake import Lake
from teiten.notify import hosts
from teiten.settings import Settings


def test_those_and_no_others(found: hosts.Found) -> None:
    told = {one.address: one for one in found.hosts}
    assert set(told) == {*own.INFECTED, *own.SUSPECTED, *own.SCANNED}
    assert found.left_out == {"research": 1, "reserved": 1, "own": 1}
    assert {ipaddress.ip_address(one).packed for one in own.CANARIES} == found.own


def test_what_is_claimed_is_what_the_rule_says(found: hosts.Found) -> None:
    claims = {one.address: one.claim for one in found.hosts}
    assert claims[own.INFECTED[0]] == "infected"
    assert claims[own.SUSPECTED[0]] == "suspected"
    assert claims[own.SCANNED[0]] == "scanned"


def test_counts_are_those_of_the_log(found: hosts.Found) -> None:
    one = next(one for one in found.hosts if one.address == own.INFECTED[3])
    assert (one.packets, one.marked) == (3 * own.DAYS, 3 * own.DAYS)
    assert {(row.dst_port, row.packets) for row in one.rows} == {(23, 2), (2323, 1)}
    assert len(one.rows) == 2 * own.DAYS
    assert {row.src_port for row in one.rows} == {30003}
    assert one.first == own.BEGIN.replace(second=3)


def test_many_ports_are_put_together_and_add_up(once: Settings) -> None:
    import datetime as dt

    from teiten.engine.filters import Filters

    wanted = Filters(start=own.BEGIN, end=own.BEGIN + dt.timedelta(days=1))
    rules = replace(once.notifying, rules=("tool_mirai",))
    most = hosts.MOST_ROWS
    try:
        hosts.MOST_ROWS = 1  # type: ignore[misc]
        with open_session(Lake.open(once.lake), once) as session:
            some = hosts.find(session, wanted, rules)
    finally:
        hosts.MOST_ROWS = most  # type: ignore[misc]
    one = some.hosts[0]
    assert [(row.alone, row.packets, row.ports, row.dst_port) for row in one.rows] == [(True, 2, 1, 23), (False, 1, 1, None)]
    assert some.left_out.total() + len(some.hosts) == len(own.INFECTED) + 3


def test_a_day_without_them_has_none(once: Settings) -> None:
    import datetime as dt

    from teiten.engine.filters import Filters

    start = own.BEGIN - dt.timedelta(days=9)
    with open_session(Lake.open(once.lake), once) as session:
        some = hosts.find(session, Filters(start=start, end=start + dt.timedelta(days=2)), once.notifying)
    assert not some.hosts and not some.left_out
