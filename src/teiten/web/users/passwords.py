"""Passwords: what one must be, and Argon2id of it (RFC 9106, the second recommended choice: 64 MiB, three passes)."""

from __future__ import annotations

import functools
import secrets
import unicodedata
from typing import TYPE_CHECKING, Final

from teiten.errors import UsageError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

HINT: Final = "A few words that nobody else would put together do."
SHORTEST: Final = 12
LONGEST: Final = 256
_DISTINCT: Final = 5
COST: Final = {"time_cost": 3, "memory_cost": 64 << 10, "parallelism": 4}
"""passes, KiB, lanes"""


def plain(text: str) -> str:
    """The same password, however a keyboard composed its letters (NFC)."""
    return unicodedata.normalize("NFC", text)


def check(text: str, name: str) -> str:
    """The password, fit to be kept. UsageError, which never repeats it."""
    found = plain(text)
    if len(found) < SHORTEST:
        raise UsageError(f"A password has {SHORTEST} characters at least.", hint=HINT)
    if len(found) > LONGEST:
        raise UsageError(f"A password has {LONGEST} characters at most.")
    if any(unicodedata.category(one) in ("Cc", "Cs") for one in found):
        raise UsageError("A password has no control characters.")
    if len(set(found)) < _DISTINCT:
        raise UsageError(f"A password has {_DISTINCT} different characters at least.")
    rest = found.casefold().replace(name.casefold(), "")
    if len(rest) < SHORTEST // 2 or found.casefold() == "correct horse battery staple":
        raise UsageError("Anybody would guess that password.", hint=HINT)
    return found


@functools.cache
def _hasher(time_cost: int, memory_cost: int, parallelism: int) -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=time_cost, memory_cost=memory_cost, parallelism=parallelism)


@functools.cache
def _nobodys(time_cost: int, memory_cost: int, parallelism: int) -> str:
    return _hasher(time_cost, memory_cost, parallelism).hash(secrets.token_urlsafe(32))


def hashed(text: str) -> str:
    """What is kept of a password: Argon2id with a salt of its own, in its usual form."""
    return _hasher(**COST).hash(plain(text))


def matches(kept: str | None, given: str) -> bool:
    """Is it that password? None (nobody of that name) takes as long as somebody, and is never it."""
    from argon2.exceptions import InvalidHashError, VerificationError

    text, nobodys = given if len(given) <= 4 * LONGEST else "", _nobodys(**COST)
    try:
        found = _hasher(**COST).verify(nobodys if kept is None else kept, plain(text))
    except (VerificationError, InvalidHashError):
        return False
    return found and kept is not None


def outdated(kept: str) -> bool:
    """Was it made at another cost than today's? Then it is made anew at the next login."""
    return _hasher(**COST).check_needs_rehash(kept)
