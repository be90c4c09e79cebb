"""Who asks: a name, a role, and the word that a form of theirs must carry back.

    who.of(request).may("analyst")
    who.now().name                     while a request is answered, without having it at hand

Roles stand in order: what a viewer may, an analyst may too. Nobody is who has not logged in. Where the station has no users,
whoever reaches it from this machine is its administrator without a name. The door (`users/door.py`) finds out, before any page.
"""

from __future__ import annotations

import contextvars
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from teiten.hosting import ROLES

if TYPE_CHECKING:
    from starlette.requests import Request

NOBODY: Final = "nobody"
_ORDER: Final = (NOBODY, *ROLES)
SCOPES: Final = {"read": "viewer", "events": "viewer", "sql": "analyst"}
"""what an address of the API needs of a token; and the role of whoever asks (of the token's user too)"""
OWN_WORD: Final = secrets.token_urlsafe(24)
"""the word of forms where there are no users: no other page can know it"""


@dataclass(frozen=True, slots=True)
class Who:
    """One that asks. `name` is empty where there are no users; `word` guards their forms (CSRF)."""

    name: str
    role: str
    word: str
    by: Literal["", "session", "token", "proxy"] = ""
    """how it is known; nothing where there are no users"""
    scopes: frozenset[str] = frozenset(SCOPES)
    """what a token is for; all of it for a person"""

    def may(self, role: str) -> bool:
        """Is theirs that role, or one above it? Everybody may what nobody may."""
        return _ORDER.index(self.role) >= _ORDER.index(role)

    def reads(self, scope: str) -> bool:
        """May they ask addresses of the API that need that scope?"""
        return scope in self.scopes and self.may(SCOPES[scope])


OWNER: Final = Who("", "administrator", OWN_WORD)
"""whoever reaches a station without users: on this machine alone"""
STRANGER: Final = Who("", NOBODY, "")
_asking: contextvars.ContextVar[Who] = contextvars.ContextVar("asking", default=STRANGER)


def of(request: Request) -> Who:
    """Who sent the request, as the door found out; a stranger where it has not."""
    found: Who = request.scope.get("teiten.who", STRANGER)
    return found


def now() -> Who:
    """Who sent the request that is being answered; a stranger outside of any."""
    return _asking.get()


def asking(found: Who) -> None:
    """Keeps who asks, for the request that begins."""
    _asking.set(found)
