"""How often a login may fail."""

from __future__ import annotations

from teiten.web.users import limits
from teiten.web.users.limits import Failures, where


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_name_from_an_address() -> None:
    clock = Clock()
    own = Failures(clock)
    assert [own.wait("ada", "192.0.2.1") for _ in range(limits.OF_BOTH)] == [0.0] * limits.OF_BOTH
    clock.now += 100
    assert own.wait("ada", "192.0.2.1") == limits.WITHIN - 100
    assert own.wait("ada", "192.0.2.2") == 0 and own.wait("eve", "192.0.2.1") == 0
    clock.now += limits.WITHIN
    assert own.wait("ada", "192.0.2.1") == 0


def test_an_address_and_a_name_alone() -> None:
    own = Failures(Clock())
    assert [own.wait(f"n{n}", "192.0.2.1") for n in range(limits.OF_ADDRESS)].count(0.0) == limits.OF_ADDRESS
    assert own.wait("one more", "192.0.2.1") > 0
    own = Failures(Clock())
    assert [own.wait("ada", f"192.0.2.{n}") for n in range(limits.OF_NAME)].count(0.0) == limits.OF_NAME
    assert own.wait("ada", "198.51.100.1") > 0


def test_success_is_no_failure() -> None:
    own = Failures(Clock())
    for _ in range(200):
        assert own.wait("ada", "192.0.2.1") == 0
        own.succeeded("ada", "192.0.2.1")
    for _ in range(limits.OF_BOTH - 1):
        own.wait("ada", "192.0.2.1")
    own.wait("ada", "192.0.2.1")
    own.succeeded("ada", "192.0.2.1")
    assert own.wait("ada", "192.0.2.1") == 0


def test_memory_is_bounded() -> None:
    own = Failures(Clock())
    for n in range(limits._MOST):
        own.wait(f"n{n}", f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}")
    assert len(own._counts) <= limits._MOST


def test_addresses_as_they_count() -> None:
    assert where("2001:db8:1:2:3::4") == where("2001:db8:1:2:ffff::") != where("2001:db8:1:3::")
    assert where("::ffff:192.0.2.1") == "192.0.2.1" and where("fe80::1%eth0") == "fe80::/64" and where("x") == "x"
