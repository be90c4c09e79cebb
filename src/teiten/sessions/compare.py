"""Sessions held against those before them: the same ports again, from elsewhere; records; changes of behaviour, with their day.

Rules, all of them stated in what is shown:
- a burst is a session that tries `burst_ports_per_minute` (5) ports or more within some 60 seconds. Five, because that is
  the number of packets at which psad, the most sensitive of the detectors looked at, first speaks of a scan;
- a day is a burst's where it holds one; low-and-slow where `slow_ports` (3) ports or more are tried on it and none of its
  sessions is a burst; else its attempts are single ones, which tell nothing of a behaviour;
- behaviour has changed on the first day that is one of the two after a day that was the other, whatever lies between;
- a record is a session with more ports a minute than every one before it, as far back as the lake goes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from teiten.sessions.join import Port, Session

Behaviour = Literal["burst", "slow", "single"]


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers that decide, from `settings.THRESHOLDS`."""

    burst_ports_per_minute: float = 5
    slow_ports: float = 3


@dataclass(frozen=True, slots=True)
class Same:
    """An earlier session with the same set of ports: how long before, from another address or not, to the same one or not."""

    earlier: Session
    after: dt.timedelta
    other_source: bool
    same_observer: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """A session and what it is against those before it.

    record      the highest ports a minute before, where this one is higher; None where it is not, or is the first
    ties        it has exactly as many ports a minute as the highest before
    new_ports   ports that were never tried before, in this session's order; empty for the first session of all
    silent      whole days without any before this session, though something else was observed on them
    moved       none of its addresses is one of the last active day's before
    """

    session: Session
    burst: bool
    same: Same | None = None
    record: int | None = None
    ties: bool = False
    new_ports: tuple[Port, ...] = ()
    silent: tuple[dt.date, ...] = ()
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the zone on which sessions began."""

    day: dt.date
    behaviour: Behaviour
    sessions: tuple[Session, ...]
    ports: tuple[Port, ...]
    sources: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Change:
    """Behaviour that changed: on `day`, from what it last was, on `before`. `key`: whose."""

    key: str
    day: dt.date
    before: dt.date
    was: Behaviour
    now: Behaviour


@dataclass(slots=True)
class _Past:
    """What is known of the sessions before."""

    by_ports: dict[frozenset[Port], Session] = field(default_factory=dict)
    ports: set[Port] = field(default_factory=set)
    highest: int = 0
    day: dt.date | None = None
    sources: set[bytes] = field(default_factory=set)
    sources_before: set[bytes] = field(default_factory=set)


def compare(
    sessions: Sequence[Session], zone: ZoneInfo, rules: Rules, observed: Collection[dt.date] | None = None
) -> list[Compared]:
    """Each session of one organisation (or source), in the order of their starts, against all before it.

    observed: the days on which anything was recorded at all (None: every day): of others nothing is said.
    """
    past = _Past()
    out = []
    for session in sorted(sessions, key=lambda s: s.start):
        day = session.start.astimezone(zone).date()
        silent: tuple[dt.date, ...] = ()
        if past.day is not None and day != past.day:
            between = [past.day + dt.timedelta(days=n) for n in range(1, (day - past.day).days)]
            silent = tuple(d for d in between if observed is None or d in observed)
            past.sources_before, past.sources = past.sources, set()
        first = past.day is None
        faster = not first and session.per_minute > past.highest and session.per_minute > 1
        out.append(
            Compared(
                session,
                burst=session.per_minute >= rules.burst_ports_per_minute,
                same=_same(session, past),
                record=past.highest if faster else None,
                ties=not first and session.per_minute == past.highest and session.per_minute > 1,
                new_ports=() if first else tuple(p for p in session.ports if p not in past.ports),
                silent=silent,
                moved=bool(past.sources_before) and not past.sources_before & set(session.sources),
            )
        )
        if session.tries > 1:
            past.by_ports[frozenset(session.ports)] = session
        past.ports.update(session.ports)
        past.highest = max(past.highest, session.per_minute)
        past.day = day
        past.sources.update(session.sources)
    return out


def _same(session: Session, past: _Past) -> Same | None:
    """The last session before with exactly the same ports, of two at least."""
    earlier = past.by_ports.get(frozenset(session.ports)) if session.tries > 1 else None
    if earlier is None:
        return None
    return Same(
        earlier,
        session.start - earlier.start,
        other_source=not set(earlier.sources) & set(session.sources),
        same_observer=bool(session.observers) and earlier.observers == session.observers,
    )


def days(sessions: Sequence[Session], zone: ZoneInfo, rules: Rules) -> list[Day]:
    """The days on which sessions began, each with its behaviour."""
    groups: dict[dt.date, list[Session]] = {}
    for session in sorted(sessions, key=lambda s: s.start):
        groups.setdefault(session.start.astimezone(zone).date(), []).append(session)
    out = []
    for day, own in groups.items():
        ports = tuple(dict.fromkeys(p for s in own for p in s.ports))
        burst = any(s.per_minute >= rules.burst_ports_per_minute for s in own)
        behaviour: Behaviour = "burst" if burst else "slow" if len(ports) >= rules.slow_ports else "single"
        out.append(Day(day, behaviour, tuple(own), ports, frozenset(a for s in own for a in s.sources)))
    return out


def changes(key: str, found: Sequence[Day]) -> list[Change]:
    """From bursts to low-and-slow and back; days of single attempts tell nothing and are passed over."""
    out: list[Change] = []
    last: Day | None = None
    for day in found:
        if day.behaviour == "single":
            continue
        if last is not None and last.behaviour != day.behaviour:
            out.append(Change(key, day.day, last.day, last.behaviour, day.behaviour))
        last = day
    return out
