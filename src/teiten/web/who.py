"""Who asks: a name, a role, and the word that a form of theirs must carry back.

    who.of(request).may("analyst")

Roles stand in order: what a viewer may, an analyst may too. Where the station has no users, whoever reaches it (loopback alone)
is its administrator without a name.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.requests import Request

ROLES: Final = ("viewer", "analyst", "administrator")
OWN_WORD: Final = secrets.token_urlsafe(24)
"""the word of forms where there are no users: no other page can know it"""


@dataclass(frozen=True, slots=True)
class Who:
    """One that asks. `name` is empty where there are no users; `word` guards their forms (CSRF)."""

    name: str
    role: str
    word: str

    def may(self, role: str) -> bool:
        """Is theirs that role, or one above it?"""
        return ROLES.index(self.role) >= ROLES.index(role)


NOBODY: Final = Who("", "administrator", OWN_WORD)


def of(request: Request) -> Who:
    """Who sent the request: what a layer before the pages found out, else NOBODY."""
    found: Who = request.scope.get("teiten.who", NOBODY)
    return found
