"""Whose lines they are: by the longest prefix of the sender's address, or nobody's; told, but not without end."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from teiten.errors import InputError, UsageError
from teiten.station import inputs
from teiten.station.feeds import Desk
from teiten.station.inputs import Host
from teiten.station.inputs._syslog import Peers, taken
from teiten.station.spool import Spool
from teiten.stationing import Station, Table


def table(values: dict[str, Any]) -> inputs.Input:
    [one] = inputs.read((Table("in", {"kind": "syslog_udp", **values}, "[station.input.in]", Path()),))
    return one


def peers(tmp_path: Path, values: dict[str, Any]) -> tuple[Peers, list[str], list[float]]:
    told: list[str] = []
    now = [0.0]
    desk = Desk(Spool.open(tmp_path / "spool"), Station())
    return Peers(table(values).given, Host(desk, lambda _, text: told.append(text), {}), lambda: now[0]), told, now


def sensor(found: Peers, address: str) -> str | None:
    feed = found.of(address)
    return None if feed is None else feed.stream.about.sensor


def test_the_longest_prefix_counts(tmp_path: Path) -> None:
    found, _, _ = peers(
        tmp_path, {"peers": {"10.0.0.0/8": "office", "10.1.0.0/16": "lab", "10.1.2.3": "home", "2001:db8::/32": "six"}}
    )
    named = {"10.9.9.9": "office", "10.1.9.9": "lab", "10.1.2.3": "home", "::ffff:10.1.2.3": "home", "2001:db8::1": "six"}
    assert {address: sensor(found, address) for address in named} == named
    assert sensor(found, "192.0.2.1") is None and sensor(found, "fe80::1%eth0") is None


def test_without_peers_everybody_is_the_sensor(tmp_path: Path) -> None:
    assert sensor(peers(tmp_path, {})[0], "192.0.2.1") == "home"
    assert sensor(peers(tmp_path, {"sensor": "x"})[0], "192.0.2.1") == "x"
    both = peers(tmp_path, {"sensor": "rest", "peers": {"192.0.2.1": "home"}})[0]
    assert (sensor(both, "192.0.2.1"), sensor(both, "192.0.2.2")) == ("home", "rest")


def test_the_input_has_counters_of_its_own_where_there_are_several(tmp_path: Path) -> None:
    assert peers(tmp_path, {"sensor": "x"})[0].common.stream.about.sensor == "x"
    assert peers(tmp_path, {"peers": {"192.0.2.1": "x"}})[0].common.stream.about.sensor is None


def test_strangers_are_told_once_and_not_without_end(tmp_path: Path) -> None:
    found, told, now = peers(tmp_path, {"peers": {"192.0.2.1": "home"}})
    for n in range(3000):
        found.stranger(f"198.51.100.{n % 100}", "datagrams")
    assert found.strangers == 3000 and len(told) == 21
    assert "198.51.100.0" in told[0] and "not told" in told[-1]
    now[0] += 3601
    found.stranger("198.51.100.0", "datagrams")
    assert len(told) == 22


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"peers": {"router.lan": "home"}}, "no address and no prefix"),
        ({"peers": {"10.0.0.1/8": "home"}}, "no address and no prefix"),
        ({"peers": {}}, "must be a table"),
        ({"peers": {"192.0.2.1": "a/b"}}, "letters, digits"),
        ({"sensor": "../x"}, "letters, digits"),
        ({"listen": "5514"}, "an address and a port"),
        ({"listen": "example.org:5514"}, "is no address"),
        ({"listen": "0.0.0.0:99999"}, "an address and a port"),
        ({"max_line": 10}, "between 256 bytes"),
        ({"max_line": "4MB"}, "between 256 bytes"),
        ({"buffer": "2GB"}, "at most 1GB"),
        ({"port": 514}, "knows no setting 'port'"),
    ],
)
def test_a_wrong_table_is_told(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        table(values)


def test_alone_unless_it_is_said() -> None:
    """An input whose table names no address hears this machine alone."""
    for kind in ("syslog_udp", "syslog_tcp"):
        assert table({"kind": kind}).given["listen"] == ("127.0.0.1", 5514)


@pytest.mark.parametrize("kind", ["syslog_udp", "syslog_tcp"])
def test_an_address_that_cannot_be_had_is_told(tmp_path: Path, kind: str) -> None:
    one = table({"kind": kind, "listen": "192.0.2.1:5514"})
    desk = Desk(Spool.open(tmp_path / "spool"), Station())
    with pytest.raises(InputError, match=r"192\.0\.2\.1 is no address of this machine"):
        one.open(one.given, Host(desk, lambda *_: None, {}))
    for number, sentence in (
        (errno.EACCES, "may not listen"),
        (errno.EADDRINUSE, "Another program"),
        (errno.EIO, "Nobody can"),
    ):
        assert sentence in str(taken(OSError(number, os.strerror(number)), "TCP", ("127.0.0.1", 514)))
