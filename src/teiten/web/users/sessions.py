"""Logins as they stand: random ids, of which only hashes are kept, in memory; a restart of the server ends them."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from teiten.web.users.store import Known, User, digest

_MOST: Final = 10_000
_OF_ONE: Final = 20


@dataclass(slots=True)
class Session:
    """A login. word: what this login's forms carry; made, seen: seconds of the monotonic clock."""

    user: str
    stamp: str
    word: str
    address: str
    made: float
    seen: float


class Sessions:
    """All logins of this process. idle, longest: seconds after which one ends."""

    def __init__(self, idle: float, longest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.idle, self.longest = idle, longest
        self._clock = clock
        self._all: OrderedDict[str, Session] = OrderedDict()

    def begin(self, user: User, address: str, before: str | None = None) -> str:
        """A new login, and its id for the cookie. before: the id that the browser had, which ends."""
        if before:
            self.end(before)
        mine = [key for key, one in self._all.items() if one.user == user.name]
        for key in mine[: max(0, len(mine) + 1 - _OF_ONE)]:
            del self._all[key]
        while len(self._all) >= _MOST:
            self._all.popitem(last=False)
        id, now = secrets.token_urlsafe(32), self._clock()
        self._all[digest(id)] = Session(user.name, user.stamp, secrets.token_urlsafe(24), address, now, now)
        return id

    def find(self, id: str, known: Known, *, acts: bool = True) -> Session | None:
        """The login of that id, if it still holds. acts: a person asked, so that it is not idle."""
        key = digest(id)
        one = self._all.get(key)
        if one is None:
            return None
        user, now = known.users.get(one.user), self._clock()
        if user is None or user.stamp != one.stamp or now - one.made >= self.longest or now - one.seen >= self.idle:
            del self._all[key]
            return None
        if acts:
            one.seen = now
        return one

    def end(self, id: str) -> Session | None:
        """Ends a login; which it was."""
        return self._all.pop(digest(id), None)
