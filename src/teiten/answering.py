"""[api] of teiten.toml as values: how much the API answers to whom, and to pages of which other origins. Checked here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from teiten import checking
from teiten.errors import UsageError

_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.\-]+(:\d{1,5})?|\*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Api:
    """What one client may ask of the API, and what all may together."""

    rows: int = 10_000
    """the most rows of one answer; what follows is on further pages"""
    requests_per_minute: int = 600
    """of one client (a token, a user, else an address; of IPv6 a /64); 0: as many as it likes"""
    burst: int = 200
    """requests that a client may send at once when it has been quiet"""
    at_once: int = 16
    """requests of one client that are answered at the same time"""
    waiting: int = 64
    """requests of all clients together that are answered or wait; beyond it they are told to come again"""
    origins: tuple[str, ...] = ()
    """origins (`https://grafana.example`) whose pages may read the API in a browser (CORS), or `*`; none by default"""


KEYS: Final = tuple(Api.__dataclass_fields__)


def read(table: Any, where: str) -> Api:
    """[api], checked. UsageError."""
    if not isinstance(table, dict):
        raise UsageError(f"{where} must be a table.")
    checking.known(table, KEYS, where)
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key == "origins":
            found[key] = _origins(value, f"{where}: {key}")
            continue
        least = 0 if key == "requests_per_minute" else 1
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise UsageError(f"{where}: {key} must be a whole number from {least} on, not {value!r}.")
        found[key] = value
    if found.get("rows", 1) > 1_000_000:
        raise UsageError(f"{where}: rows must be at most 1,000,000.", hint="Further rows are on further pages.")
    return Api(**found)


def _origins(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and _ORIGIN.fullmatch(one) for one in value):
        raise UsageError(f"{where} must be a list of origins.", hint='Write them like ["https://grafana.example"].')
    return tuple(value)
