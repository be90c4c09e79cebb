"""Accepted contributions: a folder of files, looked at anew each time, so that it needs no index and has no state to lose.

    <store>/members.toml                                       whose word counts; kept by hand
    <store>/accepted/<member>/00000007-3f2a….teiten            a contribution, byte for byte as it came

What is accepted is a set of files, so the order in which they come makes no difference, nor how often. A day of a member is
told by its contribution of the highest number that tells that day. Two different contributions of one number speak against each
other: neither counts until a later one tells these days.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from teiten import disk
from teiten.errors import InputError, TeitenError
from teiten.federation import form
from teiten.federation.bounds import Room
from teiten.federation.form import Contribution, Sealed
from teiten.federation.keys import Key, Member, Members, members

LIST: Final = "members.toml"
ACCEPTED: Final = "accepted"
SKEW: Final = dt.timedelta(minutes=15)
"""by which a member's clock may be ahead of ours"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: 'accepted', 'known' (it was there already) or 'refused', and why."""

    name: str
    state: str
    why: str = ""
    member: str = ""


@dataclass(slots=True)
class Store:
    """What lies in a store: contributions whose signature holds, and what was set aside, in words."""

    members: Members
    contributions: list[Contribution] = field(default_factory=list)
    aside: list[tuple[str, str]] = field(default_factory=list)
    """member, and why something of it does not count"""

    _names: dict[str, str] = field(default_factory=dict)

    def name(self, one: Contribution) -> str:
        """The member's name today."""
        key = one.head.key
        if key not in self._names:
            found = self.members.by_key(key)
            self._names[key] = found[0].name if found else one.head.member
        return self._names[key]


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """The store, written by this process alone. TeitenError where another does."""

    def cannot(error: OSError) -> TeitenError:
        return TeitenError(f"{path} cannot be written: {error.strerror}.", hint="Name another folder with --store.")

    try:
        (path / ACCEPTED).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot(error) from None
    busy = TeitenError(f"Another process is writing {path} just now.", hint="Wait for it to end.")
    with disk.alone(path / ACCEPTED, cannot, busy):
        for part in (path / ACCEPTED).glob(f"*/.*{disk.PART}"):
            part.unlink(missing_ok=True)
        yield


def accept(path: Path, files: Iterable[Path], listed: Members, now: dt.datetime) -> list[Outcome]:
    """Looks at each file and keeps what holds; a file that is refused harms no other."""
    out = []
    with held(path):
        room = Room(path / ACCEPTED)
        for file in files:
            try:
                sealed = form.read(file)
                member, key = admitted(sealed, listed, now)
                place = _place(path, member.name, sealed)
                if place.exists() and hashlib.sha256(place.read_bytes()).hexdigest() == sealed.digest:
                    out.append(Outcome(str(file), "known", member=member.name))
                    continue
                # signed first: what is refused for its size is said of that member
                form.genuine(sealed, key.public)
                room.check(sealed, member)
                form.opened(sealed, key.public)
                _keep(place, sealed.signed + _rest(sealed))
                room.took(sealed, member)
                out.append(Outcome(str(file), "accepted", member=member.name))
            except InputError as error:
                out.append(Outcome(str(file), "refused", str(error)))
    return out


def _rest(sealed: Sealed) -> bytes:
    import base64

    return b"ed25519 " + base64.b64encode(sealed.signature) + b"\n" + sealed.body


def _place(path: Path, member: str, sealed: Sealed) -> Path:
    return path / ACCEPTED / member / f"{sealed.head.sequence:09d}-{sealed.digest[:16]}{form.SUFFIX}"


def _keep(place: Path, data: bytes) -> None:
    """The file, whole or not at all, on disk."""
    try:
        place.parent.mkdir(exist_ok=True)
        disk.write_whole(place, data)
    except OSError as error:
        raise TeitenError(f"{place} cannot be written: {error.strerror}.", hint="Make room, and merge again.") from None


def admitted(sealed: Sealed, listed: Members, now: dt.datetime) -> tuple[Member, Key]:
    """Whose contribution it is, by its key, and whether that key may speak. InputError that names file and member."""
    member, key = _known(sealed, listed)
    head, who = sealed.head, f"{sealed.name} ({sealed.head.member})"
    if key.revoked is not None:
        raise InputError(
            f"{who}: its key {head.key} was revoked on {key.revoked}, so nothing new of it is accepted.",
            hint="The member signs with a new key, and you list that one.",
        )
    _within(sealed, key, listed)
    if head.made > now + SKEW:
        raise InputError(
            f"{who} was made at {head.made:%Y-%m-%d %H:%M} UTC, which is yet to come: a clock is wrong, there or here."
        )
    return member, key


def _known(sealed: Sealed, listed: Members) -> tuple[Member, Key]:
    head, who = sealed.head, f"{sealed.name} ({sealed.head.member})"
    if head.federation != listed.federation:
        raise InputError(f"{who} is for the federation '{head.federation}', and this is '{listed.federation}'.")
    found = listed.by_key(head.key)
    if found is None:
        raise InputError(f"{who} is signed with a key ({head.key}) that the list of members does not know.")
    if head.member not in found[0].names:
        raise InputError(
            f"{who} calls itself '{head.member}', but its key is that of '{found[0].name}'.",
            hint="A member that was renamed has its older names in 'formerly'.",
        )
    return found


def _within(sealed: Sealed, key: Key, listed: Members) -> None:
    """InputError where the key did not sign on that day, or the days are not those of the federation's zone."""
    head, who = sealed.head, f"{sealed.name} ({sealed.head.member})"
    day = head.made.date()
    if (key.since and day < key.since) or (key.until and day > key.until):
        raise InputError(
            f"{who} was made on {day}, when its key {head.key} did not sign"
            f" (from {key.since or 'ever'} to {key.until or 'ever'})."
        )
    if head.zone != listed.zone:
        raise InputError(
            f"{who} has days of {head.zone}, and this federation's are those of {listed.zone}.",
            hint=f'The member sets zone = "{listed.zone}" and exports again.',
        )
    # a day is over everywhere once it is over in the last zone, half a day behind UTC
    if head.days[-1] > head.made.date():
        raise InputError(f"{who} tells of {head.days[-1]}, a day that was not over when it was made ({day}).")


def load(path: Path, list_: Path | None = None) -> Store:
    """What lies in the store, each file looked at as when it came. TeitenError where there is no store.

    Of a revoked key what was accepted stays, but for what it says to have made on that day or later.
    """
    listed = members(list_ or path / LIST)
    base = path / ACCEPTED
    if not base.is_dir():
        raise TeitenError(f"{path} holds no contributions.", hint="'teiten federate merge FILE...' accepts some.")
    store = Store(listed)
    for file in sorted(base.glob(f"*/*{form.SUFFIX}")):
        try:
            sealed = form.read(file)
            member, key = _known(sealed, listed)
            _within(sealed, key, listed)
            if key.revoked is not None and sealed.head.made.date() >= key.revoked:
                raise InputError(f"{file}: its key was revoked on {key.revoked}, before it was made.")
            if file.name != _place(path, member.name, sealed).name:
                raise InputError(f"{file} was altered since it was accepted.")
            store.contributions.append(form.opened(sealed, key.public))
        except InputError as error:
            store.aside.append((file.parent.name, error.message.replace(f"{base}{os.sep}", "")))
    _chains(store)
    return store


def _chains(store: Store) -> None:
    """Sets aside what speaks against itself, and says where a chain has a hole."""
    by: dict[str, dict[int, list[Contribution]]] = {}
    for one in store.contributions:
        by.setdefault(store.name(one), {}).setdefault(one.head.sequence, []).append(one)
    kept = []
    for member, numbered in sorted(by.items()):
        for number, own in sorted(numbered.items()):
            if len({one.digest for one in own}) > 1:
                store.aside.append((member, f"{len(own)} different contributions have the number {number}: neither counts."))
                continue
            before = numbered.get(number - 1, [])
            if number > 1 and not before:
                store.aside.append((member, f"Number {number - 1} has not come; number {number} counts all the same."))
            elif len(before) == 1 and own[0].head.previous != before[0].digest:
                store.aside.append((member, f"Number {number} does not follow the number {number - 1} that is here."))
            if len(before) == 1 and own[0].head.made < before[0].head.made - SKEW:
                when = f"made at {own[0].head.made:%Y-%m-%d %H:%M} UTC, before number {number - 1}"
                store.aside.append((member, f"Number {number} says to be {when}: a clock was off."))
            kept.append(own[0])
    store.contributions = kept
