"""Exploits and probes by name: rules that are data (data/exploits.toml), fixed words alone."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final
from urllib.parse import unquote_to_bytes

from teiten.errors import DataError

MOST: Final = 1 << 16
"""bytes of a payload that are looked at"""
_KEYS: Final = {"id", "name", "has", "source"}


@dataclass(frozen=True, slots=True)
class Exploit:
    """One rule. `has`: words in small letters, all of them in the payload."""

    id: str
    name: str
    has: tuple[bytes, ...]
    source: str


@cache
def exploits() -> tuple[Exploit, ...]:
    """All rules. DataError where the package's file is broken."""
    return read((resources.files("teiten.data") / "exploits.toml").read_text("utf-8"))


def read(text: str) -> tuple[Exploit, ...]:
    """The rules of a file. DataError."""
    try:
        rows = tomllib.loads(text)["exploit"]
        return tuple(_rule(row) for row in rows)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, UnicodeEncodeError, ValueError) as error:
        raise DataError(f"The rules of exploits cannot be read: {error}.") from None


def names(data: bytes) -> tuple[Exploit, ...]:
    """The rules that a payload fits, in their order."""
    lower = data[:MOST].lower()
    both = (lower, unquote_to_bytes(lower).lower()) if b"%" in lower else (lower,)
    return tuple(one for one in exploits() if any(all(word in form for word in one.has) for form in both))


def _rule(row: Mapping[str, object]) -> Exploit:
    if set(row) != _KEYS or not isinstance(row["has"], list) or not row["has"]:
        raise ValueError(f"a rule has {', '.join(sorted(_KEYS))}")
    return Exploit(
        str(row["id"]), str(row["name"]), tuple(str(w).lower().encode("latin-1") for w in row["has"]), str(row["source"])
    )
