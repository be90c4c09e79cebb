"""Unique devices against unique addresses: what is known where devices say who they are, and bounds where they do not.

A device says who it is by the UUID of its UPnP description, its SSH host key or its TLS certificate. Some makers give all their
devices the same: such an identity tells nobody and is not used. It is taken for shared where it is seen at two addresses at
nearly the same time, in two networks (AS) on one day, where it goes back to addresses that it had left, more than once a day,
or at more addresses a day than any line changes them.

Bounds of a day's devices (docs/decisions/0080):

    at least   the identities seen; and as many devices as there were addresses active at the same moment
    at most    the identities seen, and one device more for each address with an answer that did not say whose it is

The upper bound supposes that no address served two devices on one day which both did not say who they are; the lower, that a
device does not come back within an hour to an address that it left.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

AT_ONCE: Final = dt.timedelta(seconds=10)
"""an identity at two addresses within this time is two devices'"""
VISIT: Final = dt.timedelta(minutes=10)
"""answers of one address within this time are of one device"""
RETURNS: Final = 2
"""times a day that an identity may go back to an address that it had left"""
Moment = dt.datetime
Interval = tuple[Moment, Moment]


@dataclass(frozen=True, slots=True)
class Sight:
    """What one address said at a time: the identities ('uuid:...', 'host_key:...', 'cert_sha256:...'), and its AS if known."""

    address: bytes
    time: Moment
    day: dt.date
    ids: frozenset[str]
    asn: int | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """Addresses, those of them whose device said who it is, how many devices these are, and bounds of all devices."""

    addresses: int = 0
    told: int = 0
    devices: int = 0
    low: int = 0
    high: int = 0

    @property
    def exact(self) -> bool:
        """Did every device say who it is?"""
        return self.low == self.high

    @property
    def churn(self) -> float | None:
        """Addresses for each device, of those that said who they are; None where none did."""
        return self.told / self.devices if self.devices else None


def shared(sights: Iterable[Sight], most: int) -> set[str]:
    """The identities that cannot be one device's. most: addresses a day that a line may have."""
    by_day: dict[tuple[str, dt.date], list[Sight]] = defaultdict(list)
    for one in sights:
        for name in one.ids:
            by_day[name, one.day].append(one)
    return {name for (name, _), seen in by_day.items() if _of_several(seen, most)}


def _of_several(seen: list[Sight], most: int) -> bool:
    addresses = {one.address for one in seen}
    if len(addresses) < 2:
        return False
    if len(addresses) > most or len({one.asn for one in seen if one.asn is not None}) > 1:
        return True
    ordered = sorted(seen, key=lambda one: (one.time, one.address))
    left: set[bytes] = set()
    returns = 0
    for before, one in itertools.pairwise(ordered):
        if one.address == before.address:
            continue
        if one.time - before.time <= AT_ONCE:
            return True
        left.add(before.address)
        if one.address in left:
            returns += 1
            left.discard(one.address)
    return returns > RETURNS


def visits(sights: Iterable[Sight]) -> list[Sight]:
    """Answers of one address that follow each other within `VISIT`, as one."""
    out: list[Sight] = []
    for one in sorted(sights, key=lambda one: (one.address, one.time)):
        last = out[-1] if out else None
        near = last and last.address == one.address and last.day == one.day and one.time - last.time <= VISIT
        if last and near and not _contradict(last.ids, one.ids):
            out[-1] = Sight(
                last.address, last.time, last.day, last.ids | one.ids, last.asn if last.asn is not None else one.asn
            )
        else:
            out.append(one)
    return out


def _contradict(one: frozenset[str], other: frozenset[str]) -> bool:
    """Do they say two different UUIDs? (A device may have several keys and certificates.)"""
    mine, theirs = ({name for name in ids if name.startswith("uuid:")} for ids in (one, other))
    return bool(mine and theirs and mine != theirs)


def count(
    addresses: Iterable[bytes],
    sights: Iterable[Sight],
    not_these: set[str] | frozenset[str] = frozenset(),
    active: Mapping[bytes, Sequence[Interval]] | None = None,
) -> Count:
    """The devices behind those addresses. sights: visits; not_these: shared identities; active: when each sent something."""
    every = set(addresses)
    groups = _Groups()
    told: set[bytes] = set()
    silent: set[bytes] = set()
    for one in sights:
        own = sorted(one.ids - not_these)
        if one.address in every:
            (told if own else silent).add(one.address)
            for name in own:
                groups.join(own[0], name)
    devices, rest = groups.number(), len((every - told) | silent)
    low = max(devices, 1 if every - told else 0, at_once(every, active or {}))
    return Count(len(every), len(told), devices, min(low, devices + rest), devices + rest)


def at_once(addresses: Iterable[bytes], active: Mapping[bytes, Sequence[Interval]]) -> int:
    """The most of those addresses that were active at one moment."""
    ends = []
    for one in addresses:
        for start, end in active.get(one, ()):
            if start < end:
                # what ends when another begins is not beside it
                ends += [(start, 1), (end, -1)]
    now = most = 0
    for _, step in sorted(ends):
        now += step
        most = max(most, now)
    return most


class _Groups:
    """Names that belong together (union-find)."""

    def __init__(self) -> None:
        self.above: dict[str, str] = {}

    def _top(self, name: str) -> str:
        self.above.setdefault(name, name)
        while self.above[name] != name:
            self.above[name] = self.above[self.above[name]]
            name = self.above[name]
        return name

    def join(self, one: str, other: str) -> None:
        self.above[self._top(other)] = self._top(one)

    def number(self) -> int:
        return sum(name == above for name, above in self.above.items())
