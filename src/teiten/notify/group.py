"""Hosts put together by whom they belong to: one group a contact, and one of all whose contact is not known; cut into letters.

A letter's hosts stand in order of AS and prefix. What would not fit into `most_letters` letters is left for the next time.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from teiten.notify import tables
from teiten.notify.contacts import Contact, Contacts, filled, one_line
from teiten.notify.hosts import Host
from teiten.notify.kept import Book, moment
from teiten.notifying import Notifying

NOBODY: Final = Contact("")


@dataclass(slots=True)
class Group:
    """Hosts of one contact. `by`: address -> what led to the contact (a prefix, an AS); `told`: hosts that the contact
    was told of already."""

    contact: Contact
    hosts: list[Host] = field(default_factory=list)
    by: dict[str, str] = field(default_factory=dict)
    told: int = 0


@dataclass(frozen=True, slots=True)
class Letter:
    """A part of a group that fits into one letter; `beyond`: hosts of the group that go into none of its letters."""

    group: Group
    hosts: tuple[Host, ...]
    part: int
    parts: int
    beyond: int

    @property
    def networks(self) -> list[tuple[str, str, int]]:
        """AS as text, prefix by which the contact is known (or nothing), hosts: largest first."""
        counts: dict[tuple[str, str], int] = {}
        for host in self.hosts:
            by = self.group.by.get(host.address, "")
            name = one_line(f"AS{host.asn} {host.as_name}") if host.asn is not None else ""
            key = (name, by if "/" in by else "")
            counts[key] = counts.get(key, 0) + 1
        return [(*key, n) for key, n in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]


def groups(hosts: Sequence[Host], contacts: Contacts, rules: Notifying, zone: str) -> tuple[list[Group], Group]:
    """The hosts by contact and by what is claimed of them, by mail; and those of which nobody is known.

    zone: of contacts that state none."""
    known: dict[tuple[str, str], Group] = {}
    nobody = Group(replace(NOBODY, zone=zone))
    for host in hosts:
        match = contacts.of(host.packed, host.asn)
        group = nobody
        if match.contact is not None:
            key = (match.contact.mail, host.claim)
            group = known.get(key) or known.setdefault(key, Group(filled(match.contact, rules.language, zone)))
            group.by[host.address] = match.by
        group.hosts.append(host)
    for group in (*known.values(), nobody):
        by = group.by
        group.hosts.sort(key=lambda one, by=by: _place(by, one))  # type: ignore[misc]
    return [known[key] for key in sorted(known)], nobody


def _place(told: Mapping[str, str], host: Host) -> tuple[int, tuple[int, int], int, bytes]:
    by = told.get(host.address, "")
    net = ipaddress.ip_network(by) if "/" in by else None
    return (
        host.asn if host.asn is not None else 1 << 32,
        (int(net.network_address), net.prefixlen) if net else (-1, 0),
        len(host.packed), host.packed,
    )  # fmt: skip


def untold(group: Group, book: Book, rules: Notifying, now: dt.datetime) -> None:
    """Leaves out the hosts that the contact was told of within `again`, of which nothing new speaks; counts them."""
    since, told = moment(now - dt.timedelta(seconds=rules.again)), book.told(group.contact.mail)
    kept = [host for host in group.hosts if not known_already(host.address, host.evidence, told, since)]
    group.told, group.hosts = len(group.hosts) - len(kept), kept


def known_already(address: str, evidence: str, told: Mapping[str, tuple[str, frozenset[str]]], since: str) -> bool:
    """Was the contact told of it since then, and of every rule that speaks of it?"""
    held = told.get(address)
    return held is not None and held[0] > since and set(evidence.split()) <= held[1]


def letters(group: Group, rules: Notifying) -> list[Letter]:
    """The group in letters, each with at most `most_bytes` of tables."""
    parts: list[list[Host]] = []
    size = 0
    for host in group.hosts:
        needs = tables.size(host, group.contact, group.by.get(host.address, ""), rules)
        if not parts or size + needs > rules.most_bytes:
            parts.append([])
            size = 0
        parts[-1].append(host)
        size += needs
    beyond = sum(map(len, parts[rules.most_letters :]))
    kept = parts[: rules.most_letters]
    return [Letter(group, tuple(part), n, len(kept), beyond) for n, part in enumerate(kept, 1)]
