"""What a table of teiten.toml may hold: known keys, choices, whole numbers, truth. One sentence for each that is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from teiten.errors import UsageError


def known(table: Iterable[str], keys: Iterable[str], where: str) -> None:
    """UsageError where a key of the table is not among those."""
    listed = sorted(keys)
    for key in table:
        if key not in listed:
            raise UsageError(f"{where} knows no setting '{key}'.", hint=f"It knows: {', '.join(listed)}.")


def choice(value: Any, among: Sequence[str], where: str) -> str:
    """One of those texts. UsageError."""
    if not isinstance(value, str) or value not in among:
        raise UsageError(f"{where} must be one of {', '.join(among)}, not {value!r}.")
    return value


def whole(value: Any, low: int, high: int, where: str) -> int:
    """A whole number from low to high, and no truth value. UsageError."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise UsageError(f"{where} must be a whole number from {low} to {high:,}, not {value!r}.")
    return value


def truth(value: Any, where: str) -> bool:
    """true or false. UsageError."""
    if not isinstance(value, bool):
        raise UsageError(f"{where} must be true or false, not {value!r}.")
    return value
