"""Twenty households and what really came to each; how they tell of it, true or not; a store of what they told."""

from __future__ import annotations

import base64
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from teiten.federating import Federating
from teiten.federation import form, keys, store, telling
from teiten.federation.counting import Counted
from teiten.federation.form import Head
from teiten.federation.keys import Member, Members, Signer

FIRST = dt.date(2026, 10, 1)
DAYS = tuple(FIRST + dt.timedelta(days=n) for n in range(10))
MADE = dt.datetime(2026, 10, 20, 3, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 10, 21, tzinfo=dt.UTC)
ZONE = "Asia/Tokyo"
PORTS = ("23/6", "445/6", "1433/6", "22/6", "5555/6", "80/6", "3389/6", "8080/6", "/1", "53/17", "2323/6", "81/6")
LANDS = ("CN", "US", "RU", "BR", "", "JP", "NL")
FEDERATION = "twenty"

Event = tuple[dt.date, int, str, str, str, bytes]
"""day, hour, port, country, AS, source"""
Row = tuple[dt.date, str, str, int, int]
Lie = Callable[[list[Row]], list[Row]]


_COUNTED: dict[tuple[int, dt.date], tuple[House, Counted]] = {}
"""days that were counted: of the house that still is the one of that id"""


@dataclass(frozen=True)
class House:
    name: str
    signer: Signer
    events: tuple[Event, ...]
    gaps: frozenset[dt.date] = frozenset()

    def counted(self, day: dt.date) -> Counted:
        known = _COUNTED.get((id(self), day))
        if known is None or known[0] is not self:
            known = _COUNTED[id(self), day] = self, self._count(day)
        return known[1]

    def _count(self, day: dt.date) -> Counted:
        own = [one for one in self.events if one[0] == day]
        kinds: dict[str, Callable[[Event], str]] = {
            "all": lambda e: "", "port": lambda e: e[2], "country": lambda e: e[3], "asn": lambda e: e[4],
            "pair": lambda e: f"{e[2]} {e[3]}",
        }  # fmt: skip
        figures = {}
        for what, key in kinds.items():
            packets = Counter(map(key, own))
            hosts = Counter(k for k, _ in {(key(e), e[5]) for e in own})
            figures[what] = {k: (n, hosts[k]) for k, n in packets.items()}
        hours = Counter(e[1] for e in own)
        watching = {} if day in self.gaps else dict.fromkeys(range(24), (3600, 1))
        return Counted(day, figures, dict(hours), watching, sorted({e[5] for e in own}))


def signer(n: int) -> Signer:
    return Signer(bytes([n % 256, n // 256]) * 16)


def household(n: int, days: Iterable[dt.date] = DAYS, gaps: Iterable[dt.date] = ()) -> House:
    """Some 400 packets a day, of 120 sources of the world and some of its own; ports by a common mix, which a house bends a
    little."""
    random = np.random.default_rng(n)
    weights = 1.0 / np.arange(1, len(PORTS) + 1) * random.lognormal(0, 0.15, len(PORTS))
    weights /= weights.sum()
    hourly = 1 + 0.5 * np.sin(np.arange(24) * 2 * np.pi / 24)
    events: list[Event] = []
    silent = frozenset(gaps)
    for place, day in enumerate(days):
        if day in silent:
            continue
        # what moves the hours of a day is the world's, and the same for all
        moved = hourly * np.random.default_rng(1000 + place).lognormal(0, 0.5, 24)
        many = int(random.poisson(400))
        ports = random.choice(len(PORTS), many, p=weights)
        hours = random.choice(24, many, p=moved / moved.sum())
        sources = np.where(
            random.random(many) < 0.7, random.integers(0, 600, many), 10_000 + 1000 * n + random.integers(0, 60, many)
        )
        for port, hour, source in zip(ports, hours, sources, strict=True):
            land = LANDS[int(source) % len(LANDS)]
            packed = bytes([8, 8, int(source) // 256, int(source) % 256])
            events.append((day, int(hour), PORTS[port], land, str(4000 + int(source) % 40), packed))
    return House(f"home-{n:02d}", signer(n), tuple(events), silent)


PLAIN = Federating(name=FEDERATION, least_packets=5, least_hosts=2)


def contribution(
    house: House, days: Iterable[dt.date] = DAYS, *, sequence: int = 1, previous: str = "", rules: Federating = PLAIN,
    lie: Lie | None = None, made: dt.datetime = MADE, zone: str = ZONE, federation: str = FEDERATION, name: str = "",
    by: Signer | None = None, label: str = "", region: str = "",
) -> bytes:  # fmt: skip
    told = tuple(days)
    rows = [row for day in told for row in telling.tell(house.counted(day), rules, house.signer.noise)]
    rows = lie(rows) if lie else rows
    key = by or house.signer
    head = Head(
        federation, name or house.name, key.id, sequence, previous, made, zone, told, rules.kind, region, label,
        telling.said(rules), "teiten test",
    )  # fmt: skip
    return form.write(head, form.body_of(rows), key)


def listed(houses: Iterable[House], **others: Member) -> Members:
    found = [Member(h.name, (), (keys.Key(h.signer.public),)) for h in houses]
    return Members(FEDERATION, ZONE, tuple(others.get(m.name.replace("-", "_"), m) for m in found))


def toml(members: Members) -> str:
    text = f'federation = "{members.federation}"\nzone = "{members.zone}"\n'
    for one in members.members:
        text += f'[[member]]\nname = "{one.name}"\nformerly = {list(one.formerly)}\n'
        for key in one.keys:
            text += f'[[member.key]]\npublic = "{base64.b64encode(key.public).decode()}"\n'
            for word, day in (("from", key.since), ("until", key.until), ("revoked", key.revoked)):
                text += f"{word} = {day}\n" if day else ""
    return text


def stored(place: Path, members: Members, files: Iterable[bytes], now: dt.datetime = NOW) -> list[store.Outcome]:
    """Accepts those contributions into a store; what became of each."""
    inbox = place.parent / f"{place.name}-inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    names = []
    for n, data in enumerate(files):
        names.append(inbox / f"{n:03d}.teiten")
        names[-1].write_bytes(data)
    place.mkdir(exist_ok=True)
    (place / store.LIST).write_text(toml(members))
    return store.accept(place, names, members, now)


def inflate(row_what: str, key: str, times: int) -> Lie:
    return lambda rows: [(d, w, k, p * times if (w, k) == (row_what, key) else p, h) for d, w, k, p, h in rows]


def invent(key: str, packets: int) -> Lie:
    return lambda rows: rows + [(d, "port", key, packets, 200) for d in sorted({row[0] for row in rows})]


def deny(key: str) -> Lie:
    return lambda rows: [row for row in rows if row[1:3] != ("port", key)]


def crowd(hosts: int) -> Lie:
    return lambda rows: [(d, w, k, p + hosts if w == "all" else p, hosts if w == "all" else h) for d, w, k, p, h in rows]


def both(*lies: Lie) -> Lie:
    def told(rows: list[Row]) -> list[Row]:
        for lie in lies:
            rows = lie(rows)
        return rows

    return told


LIARS: dict[str, Lie] = {
    "home-03": both(inflate("port", "8080/6", 100), crowd(40_000)),
    "home-09": both(invent("31337/6", 900), deny("23/6")),
    "home-15": both(inflate("port", "8080/6", 100), invent("31337/6", 5000)),
}


@pytest.fixture(scope="session")
def houses() -> list[House]:
    return [household(n, gaps=DAYS[:3] if n == 7 else ()) for n in range(1, 21)]


@pytest.fixture(scope="session")
def honest(houses: list[House], tmp_path_factory: pytest.TempPathFactory) -> store.Store:
    place = tmp_path_factory.mktemp("honest") / "store"
    assert {one.state for one in stored(place, listed(houses), [contribution(h) for h in houses])} == {"accepted"}
    return store.load(place)


@pytest.fixture(scope="session")
def lied(houses: list[House], tmp_path_factory: pytest.TempPathFactory) -> store.Store:
    """Three of the twenty lie."""
    place = tmp_path_factory.mktemp("lied") / "store"
    files = [contribution(h, lie=LIARS.get(h.name)) for h in houses]
    assert {one.state for one in stored(place, listed(houses), files)} == {"accepted"}
    return store.load(place)


def sketching(house: House, folder: Path) -> Federating:
    path = folder / "hosts.key"
    if not path.exists():
        keys.make_hosts(path)
    return replace(PLAIN, hosts="sketch", hosts_key=path)
