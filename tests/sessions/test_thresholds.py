"""The published thresholds at, below and above their numbers; the leaky bucket against a plain clockwork of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.sessions import thresholds
from teiten.sessions.thresholds import TCP, UDP, Crossing, Try

HOST = b"\xcb\x00\x71\x4d"


def scan(count: int, every: float, *, host: bytes = HOST, first: int = 1, reset: bool = False) -> list[Try]:
    return [Try(n * every, TCP, first + n, host, reset=reset) for n in range(count)]


def crossed(found: Sequence[Crossing]) -> list[str]:
    return [c.id for c in found if c.crossed]


@pytest.mark.parametrize(
    ("count", "levels"), [(4, 0), (5, 1), (14, 1), (15, 2), (149, 2), (150, 3), (1500, 4), (9999, 4), (10000, 5)]
)
def test_psad_counts_packets(count: int, levels: int) -> None:
    tries = [Try(n * 60.0, TCP, 22 + n % 2, HOST) for n in range(count)]
    assert sum(c.crossed for c in thresholds.psad(tries)) == levels


def test_psad_wants_two_ports() -> None:
    one_port = [Try(float(n), TCP, 22, HOST) for n in range(50)]
    assert crossed(thresholds.psad(one_port)) == []
    then_another = [*one_port, Try(60.0, TCP, 23, HOST)]
    assert [c.at for c in thresholds.psad(then_another)][:3] == [60.0, 60.0, None]
    assert crossed(thresholds.psad([Try(0.0, TCP, 1, HOST, packets=4), Try(1.0, UDP, 1, HOST)])) == ["psad.1"]


def test_crowdsec_overflows_with_the_sixteenth_port() -> None:
    assert not thresholds.crowdsec(scan(15, 0.1)).crossed
    sixteen = thresholds.crowdsec(scan(16, 0.1))
    assert (sixteen.crossed, sixteen.at, sixteen.reached, sixteen.needed) == (True, pytest.approx(1.5), 16, 16)
    # a port leaks away every five seconds
    assert not thresholds.crowdsec(scan(1000, 5.0)).crossed
    assert thresholds.crowdsec(scan(1000, 4.9)).crossed
    # the same port again is no other port, in tcp or udp
    again = [*scan(15, 0.1), *(Try(2.0 + n, UDP, 1 + n, HOST) for n in range(15))]
    assert not thresholds.crowdsec(again).crossed
    assert not thresholds.crowdsec([Try(float(n), 1, None, HOST) for n in range(99)]).crossed


def test_crowdsec_forgets_a_bucket_that_ran_dry() -> None:
    """80 s after the last new port its ports are new again."""
    tries = [*scan(10, 0.1), *[Try(85.0 + n * 0.1, TCP, 1 + n, HOST) for n in range(10)]]
    assert thresholds.crowdsec(tries).reached == 10
    soon = [*scan(10, 0.1), *[Try(50.0 + n * 0.1, TCP, 1 + n, HOST) for n in range(10)]]
    assert thresholds.crowdsec(soon).reached == 10


class Bucket:
    """golang.org/x/time/rate with burst 15 and one token every 5 s, stepped by the millisecond."""

    def __init__(self) -> None:
        self.tokens, self.at, self.last_new = 15.0, 0, 0
        self.seen: set[int] = set()

    def pour(self, at: int, port: int) -> bool:
        if self.seen and at - self.last_new >= 80_000:
            self.__init__()  # type: ignore[misc]
        if port in self.seen:
            return False
        if self.seen:
            self.tokens = min(15.0, self.tokens + (at - self.at) / 5000)
        self.seen.add(port)
        self.at = self.last_new = at
        if self.tokens < 1.0 - 1e-9:
            return True
        self.tokens -= 1.0
        return False


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 60)), max_size=80))
def test_crowdsec_as_a_clockwork(steps: list[tuple[int, int]]) -> None:
    at, tries, bucket, overflow = 0, [], Bucket(), None
    for gap, port in steps:
        at += gap
        tries.append(Try(at / 1000, TCP, port, HOST))
        if overflow is None and bucket.pour(at, port):
            overflow = at / 1000
    assert thresholds.crowdsec(tries).at == overflow


def test_zeek_fifteen_ports_of_a_host_in_five_minutes() -> None:
    assert crossed(thresholds.zeek(scan(14, 1.0))) == []
    assert crossed(thresholds.zeek(scan(15, 300 / 14))) == ["zeek.ports"]
    assert crossed(thresholds.zeek(scan(100, 22.0))) == []
    two_hosts = scan(10, 1.0) + scan(10, 1.0, host=b"\xcb\x00\x71\x4e", first=50)
    assert crossed(thresholds.zeek(two_hosts)) == []
    assert crossed(thresholds.zeek([Try(float(n), UDP, n, HOST) for n in range(40)])) == []


def test_zeek_twenty_five_hosts_on_a_port() -> None:
    def sweep(count: int, every: float) -> list[Try]:
        return [Try(n * every, TCP, 23, bytes([203, 0, 113, n])) for n in range(count)]

    assert crossed(thresholds.zeek(sweep(24, 1.0))) == []
    assert crossed(thresholds.zeek(sweep(25, 12.5))) == ["zeek.hosts"]
    assert crossed(thresholds.zeek(sweep(25, 12.6))) == []
    assert crossed(thresholds.zeek([Try(float(n), TCP, n, bytes([203, 0, 113, n])) for n in range(30)])) == []


def test_snort_counts_what_was_not_answered_only_in_hundreds() -> None:
    assert crossed(thresholds.snort(scan(199, 0.1))) == []
    assert crossed(thresholds.snort(scan(200, 0.1))) == ["snort.medium", "snort.high"]
    assert crossed(thresholds.snort(scan(200, 2.0))) == ["snort.high"]
    assert crossed(thresholds.snort(scan(1000, 4.0))) == []


def test_snort_counts_resets_in_fives() -> None:
    assert crossed(thresholds.snort(scan(4, 1.0, reset=True))) == []
    assert crossed(thresholds.snort(scan(5, 1.0, reset=True))) == ["snort.low"]
    assert crossed(thresholds.snort(scan(15, 1.0, reset=True))) == ["snort.low", "snort.medium", "snort.high"]
    assert crossed(thresholds.snort(scan(10, 50.0, reset=True))) == ["snort.high"]


def test_each_source_by_itself() -> None:
    """Ten sources of two ports each reach nothing; the one that comes farthest is told."""
    few = [[Try(0.0, TCP, 2 * n, HOST), Try(1.0, TCP, 2 * n + 1, HOST)] for n in range(10)]
    assert crossed(thresholds.worst(few)) == []
    assert crossed(thresholds.worst([*few, scan(20, 0.1)])) == ["psad.1", "psad.2", "crowdsec", "zeek.ports"]
    assert thresholds.worst([]) == []
    assert crossed(thresholds.check([])) == []
