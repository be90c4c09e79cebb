"""Logins: how long they hold, and what ends them."""

from __future__ import annotations

from dataclasses import replace

from teiten.web.users import sessions
from teiten.web.users.sessions import Sessions
from teiten.web.users.store import Known, User

ADA = User("ada", "viewer", "$argon2id$", "stamp", 0, 0)
KNOWN = Known({"ada": ADA})


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_idle_and_longest() -> None:
    clock = Clock()
    own = Sessions(100, 1000, clock)
    id = own.begin(ADA, "192.0.2.1")
    for _ in range(10):
        clock.now += 99
        assert own.find(id, KNOWN) is not None
    clock.now += 10
    assert own.find(id, KNOWN) is None, "the longest time, however much is done"
    id = own.begin(ADA, "192.0.2.1")
    clock.now += 60
    assert own.find(id, KNOWN, acts=False) is not None
    clock.now += 60
    assert own.find(id, KNOWN) is None, "what a page does by itself keeps no login awake"


def test_what_ends_one() -> None:
    own = Sessions(100, 1000, Clock())
    for known in (Known(), Known({"ada": replace(ADA, stamp="another")})):
        id = own.begin(ADA, "")
        assert own.find(id, KNOWN) and own.find(id, known) is None and own.find(id, KNOWN) is None
    id = own.begin(ADA, "")
    fresh = own.begin(ADA, "", id)
    assert own.find(id, KNOWN) is None and own.find(fresh, KNOWN)
    assert own.find("", KNOWN) is None and own.find("x" * 10_000, KNOWN) is None and own.find("\udcff", KNOWN) is None


def test_ids_are_kept_as_hashes_alone() -> None:
    own = Sessions(100, 1000, Clock())
    ids = [own.begin(ADA, "") for _ in range(3)]
    assert len(set(ids)) == 3 and all(len(id) >= 43 for id in ids)
    assert not any(id in repr(own.__dict__) for id in ids)
    words = {own.find(id, KNOWN).word for id in ids}  # type: ignore[union-attr]
    assert len(words) == 3


def test_they_are_bounded() -> None:
    own = Sessions(100, 1000, Clock())
    ids = [own.begin(ADA, "") for _ in range(sessions._OF_ONE + 5)]
    assert [own.find(id, KNOWN) is not None for id in ids] == [False] * 5 + [True] * sessions._OF_ONE
