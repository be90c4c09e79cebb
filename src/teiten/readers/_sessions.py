"""What lines of a session leave for later ones, within a stretch of the log: a line depends on that stretch alone.

A read that begins in the middle is given the lines of the stretch before it (`_lines.sessions`), so it says the same as one
that began at the first line; what is kept is bounded by what the stretch can hold.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

Kept = dict[Hashable, tuple[int, Any]]
"""a session's key -> the byte where its line begins, what it left; in the order of the lines"""

REACH: Final = 1 << 20
"""bytes of the log before a line in which a connection's other lines are looked for"""
LONGEST: Final = 64
"""letters of a session's name"""


def find(kept: Kept, key: Hashable, at: int, reach: int) -> Any:
    """What a line of that session left, not more than `reach` bytes before the line at byte `at`; else None."""
    found = kept.get(key)
    return found[1] if found is not None and found[0] >= at - reach else None


def keep(kept: Kept, key: Hashable, at: int, what: Any, reach: int) -> None:
    """Leaves that for later lines of the session. Sessions that no line can look for any more go."""
    while kept and next(iter(kept.values()))[0] < at - reach:
        del kept[next(iter(kept))]
    kept.pop(key, None)
    kept[key] = at, what


def first(state: dict[str, Any], key: Hashable, at: int, reach: int = REACH) -> bool:
    """Is this the first line of its connection in the stretch? The one that stands for it."""
    kept: Kept = state.setdefault("connections", {})
    new = find(kept, key, at, reach) is None
    keep(kept, key, at, True, reach)
    return new


def name(value: Any) -> str:
    """A session's name; empty where it is no text, or too long to be one."""
    return value if isinstance(value, str) and len(value) <= LONGEST else ""
