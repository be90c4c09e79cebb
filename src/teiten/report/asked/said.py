"""What senders said in the period: groups of payloads that many hosts sent, and of each only what many of them said.

A report is read by those who send, too. Who sends a word of their own making to every address, and finds it in a report, knows
a sensor (promise 20). So a group, a download, a name with its password is told from `LEAST` hosts on; of others, how many there
were. (The dashboard, which is not published, tells all.)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from teiten.payloads import asked as payloads
from teiten.payloads import beside, drawn, logins
from teiten.payloads.asked import Group
from teiten.payloads.beside import Port
from teiten.payloads.logins import Login
from teiten.publish import said
from teiten.report.answers import Answers

LEAST: Final = 10
"""hosts that sent it, from which on it is told"""
DRAWN: Final = 5
"""groups with a line of their own"""
_MEMBERS: Final = 500
"""payloads of a group out of which what many said is drawn: those of the most hosts"""


@dataclass(frozen=True, slots=True)
class Told:
    """A group as a report tells it. what: its exploit, its JA4, how the payload begins that at least `LEAST` hosts sent, or
    empty: no payload of it was sent by so many; downloads, commands: those that so many sent."""

    group: Group
    what: str
    downloads: tuple[str, ...]
    commands: tuple[str, ...]
    course: dict[dt.date, int] = field(default_factory=dict)
    """hosts by day"""
    ports: tuple[Port, ...] = ()
    """what its hosts tried besides, at least so many of them"""


@dataclass(frozen=True, slots=True)
class Said:
    """groups: those that are told, of the most hosts first; few: groups of fewer hosts; hosts: that said anything; logins:
    names and passwords that at least `LEAST` hosts tried; few_logins: others; sent: how often anything was said."""

    groups: tuple[Told, ...] = ()
    few: int = 0
    hosts: int = 0
    sent: int = 0
    logins: tuple[Login, ...] = ()
    few_logins: int = 0
    own: frozenset[bytes] = frozenset()


def said_in(answers: Answers) -> Said:
    """Of the period, with the report's filters."""
    session, wanted = answers.session, answers.filters.between(answers.period.start, answers.period.end)
    found = payloads.payloads(session, wanted)
    if not found:
        return Said()
    own = frozenset(answers.destinations())
    groups = payloads.grouped(found)
    many = [one for one in groups if one.hosts >= LEAST]
    courses = payloads.courses(session, wanted, many[:DRAWN], "day")
    told = []
    for place, one in enumerate(many):
        days = {at.astimezone(session.zone).date(): hosts for at, hosts in courses.get(place, {}).items()}
        besides = beside.ports(session, wanted, one) if place < DRAWN else []
        told.append(_told(one, own, days, [port for port in besides if not port.own and port.hosts >= LEAST]))
    tried = logins.logins(session, wanted, own)
    known = tuple(one for one in tried if one.hosts >= LEAST)
    hosts = len(frozenset().union(*(one.sources for one in groups)))
    return Said(
        tuple(told), len(groups) - len(many), hosts, sum(one.times for one in groups), known, len(tried) - len(known), own
    )  # fmt: skip


def _told(one: Group, own: frozenset[bytes], course: dict[dt.date, int], besides: list[Port]) -> Told:
    first = one.members[0]
    if one.exploits or one.ja4:
        what = said.what(one, own)
    else:
        what = said.text(first.data[:60], own) if first.hosts >= LEAST else ""
    hosts: dict[tuple[str, str], set[bytes]] = {}
    for member in one.members[:_MEMBERS]:
        found = drawn.of([member.data])
        things = [("fetch", each.url) for each in found.downloads] + [("run", each) for each in found.commands]
        for thing in things:
            hosts.setdefault(thing, set()).update(member.sources)
    return Told(one, what, _of(hosts, "fetch", own), _of(hosts, "run", own), course, tuple(besides))


def _of(hosts: dict[tuple[str, str], set[bytes]], kind: str, own: Iterable[bytes]) -> tuple[str, ...]:
    secret = frozenset(own)
    return tuple(said.safe(text, secret) for (what, text), who in hosts.items() if what == kind and len(who) >= LEAST)
