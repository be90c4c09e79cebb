"""Payloads of a lake: grouped, counted by hosts and days, own addresses covered before anything else."""

from __future__ import annotations

import datetime as dt
import hashlib

import pytest
from tests.payloads import talks

from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.payloads import asked
from teiten.payloads.asked import Group

EVERYTHING = Filters()


@pytest.fixture(scope="module")
def groups(heard: Session) -> list[Group]:
    return asked.grouped(asked.payloads(heard, EVERYTHING))


def of(groups: list[Group], exploit: str) -> Group:
    return next(one for one in groups if any(rule.id == exploit for rule in one.exploits))


def test_groups_count_hosts_and_days(groups: list[Group]) -> None:
    camera, realtek, huawei = (of(groups, name) for name in ("EDB-41471", "CVE-2014-8361", "CVE-2017-17215"))
    assert [(one.hosts, one.times, one.ports) for one in (camera, realtek, huawei)] == [
        (10, 10, ["81/tcp"]), (10, 10, ["52869/tcp"]), (6, 6, ["37215/tcp"]),
    ]  # fmt: skip
    day = talks.BEGIN.date()
    assert dict(realtek.days) == {day: 4, day + dt.timedelta(days=1): 3, day + dt.timedelta(days=2): 3}
    assert realtek.first == talks.BEGIN + dt.timedelta(seconds=60.1)
    assert len(realtek.members) == 10


def test_two_sensors_addresses_make_no_second_payload(groups: list[Group]) -> None:
    """Sent to two sensors, what differs is the Host: header; covered, it is one payload, told by one hash."""
    camera = of(groups, "EDB-41471").members
    assert len(camera) == 1 and len(camera[0].raw) == 2
    assert camera[0].hash == hashlib.sha256(talks.CAMERA % b"***.***.***.***").hexdigest()
    raw = {hashlib.sha256(talks.CAMERA % own.encode()).hexdigest() for own in (talks.OWN, talks.SECOND)}
    assert set(camera[0].raw) == raw and camera[0].hash not in raw


def test_no_payload_holds_an_own_address(groups: list[Group]) -> None:
    own = bytes([198, 51, 100, 23])
    for one in groups:
        for member in one.members:
            assert b"198.51.100.2" not in member.data and own not in member.data


def test_senders_and_days_are_asked_by_what_it_was_before(heard: Session, groups: list[Group]) -> None:
    camera = of(groups, "EDB-41471")
    assert {row["src_ip"] for row in asked.senders(heard, EVERYTHING, camera)} == {f"8.8.4.{n}" for n in range(1, 11)}
    assert [(row["times"], row["hosts"]) for row in asked.by_day(heard, EVERYTHING, camera)] == [(4, 4), (3, 3), (3, 3)]


def test_a_long_payload_is_cut_where_it_is_looked_at_and_says_so(heard: Session) -> None:
    row = {
        "sources": [b"\1\2\3\4"], "ports": [{"a": 6, "b": 80}], "times": 1, "first": talks.BEGIN, "last": talks.BEGIN,
        "days": {talks.BEGIN.date(): 1},
    }  # fmt: skip
    data = b"A" * 10_000_000
    made = asked._payload(data, data[: asked.LONGEST], row)
    assert made.size == 10_000_000 and len(made.data) == 65_536 and made.raw == [hashlib.sha256(data).hexdigest()]
