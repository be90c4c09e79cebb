"""Filters: what a user may write, and what is refused with a sentence."""

from __future__ import annotations

import datetime as dt

import pytest

from teiten.engine import filters
from teiten.engine.filters import PortRange
from teiten.errors import UsageError
from teiten.settings import Sensor, Settings

SETTINGS = Settings("Asia/Tokyo", "flag", sensors=(Sensor("a", group="g"), Sensor("b", group="g"), Sensor("c")))


def test_what_may_be_written() -> None:
    found = filters.parse(
        SETTINGS, start="2026-04-01", end="2026-04-02T05:00", port="23,8000-8100/tcp", protocol="udp,47", country="jp,中国",
        asn="AS4134", src="192.0.2.7,2001:db8::/32", group="g", action="DROP",
    )  # fmt: skip
    assert found.start == dt.datetime(2026, 4, 1, tzinfo=SETTINGS.zone)
    assert found.port == (PortRange(23, 23), PortRange(8000, 8100, 6))
    assert found.protocol == (17, 47)
    assert found.country == ("JP", "CN")
    assert found.asn == (4134,)
    assert [str(n) for n in found.src] == ["192.0.2.7/32", "2001:db8::/32"]
    assert found.sensor == ("a", "b")
    assert found.action == ("drop",)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"port": "telnet"}, "'telnet' is no port"),
        ({"port": "70000"}, "ports go from 0 to 65535"),
        ({"port": "9-1"}, "'9-1' is no port"),
        ({"port": "23/quic"}, "'quic' is no protocol"),
        ({"protocol": "256"}, "'256' is no protocol"),
        ({"country": "Narnia"}, "'Narnia' is no country"),
        ({"asn": "chinanet"}, "'chinanet' is no AS number"),
        ({"asn": "4294967296"}, "is no AS number"),
        ({"src": "300.1.2.3"}, "'300.1.2.3' is no address or prefix"),
        ({"group": "x"}, "There is no group 'x'"),
        ({"group": "g", "sensor": "c"}, "none is in g"),
        ({"action": "eat"}, "'eat' is no action"),
        ({"start": "yesterday"}, "'yesterday' is no time"),
        ({"start": "2026-04-02", "end": "2026-04-02"}, "is not before"),
    ],
)
def test_what_is_refused(words: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        filters.parse(SETTINGS, **words)


def test_a_sensor_and_a_group_both_hold() -> None:
    assert filters.parse(SETTINGS, sensor="b,c", group="g").sensor == ("b",)


def test_values_cannot_leave_their_quotes() -> None:
    found = filters.parse(SETTINGS, sensor="o'brien' OR true --")
    assert found.conditions(raw=True)[0] == "sensor IN ('o''brien'' OR true --')"


@pytest.mark.parametrize(
    ("protocol", "port", "text"),
    [(6, 23, "23/tcp"), (17, 53, "53/udp"), (1, None, "ICMP"), (58, None, "ICMPv6"), (47, None, "GRE"),
     (99, None, "protocol 99"), (99, 5, "5/99"), (None, None, "unknown")],
)  # fmt: skip
def test_how_a_port_is_written(protocol: int | None, port: int | None, text: str) -> None:
    assert filters.thing_text(protocol, port) == text
