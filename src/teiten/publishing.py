"""[publish] of teiten.toml as values: what leaves the house, how close, how late. Every setting has a default; checked here."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any, Final

from teiten import checking
from teiten.errors import UsageError

SECTIONS: Final = ("overview", "reports", "weekly", "ports", "stories", "data")
PERIODS: Final = ("daily", "weekly", "monthly", "quarterly")
SENSORS: Final = ("total", "group", "alias")
SOURCES: Final = ("none", "network", "pseudonym", "address")
LANGUAGES: Final = ("ja", "en")
OLD: Final = frozenset({"mask", "own_side", "name", "url"})
"""settings of the table that are of reports and feeds, and kept elsewhere"""


RESEARCH: Final = ("cryptopan", "truncate", "hash", "drop")


@dataclass(frozen=True, slots=True)
class Publishing:
    """The rules of `teiten publish` ([publish])."""

    sections: tuple[str, ...] = SECTIONS
    """parts of the site: overview, reports, weekly (graphs), ports, stories, data (rows as files)"""
    languages: tuple[str, ...] = LANGUAGES
    """languages of its pages; the first is that of the front page"""
    periods: tuple[str, ...] = ("weekly", "monthly")
    """kinds of reports: daily, weekly, monthly, quarterly"""
    reports: int = 12
    """reports of each kind that are made, the newest; older ones that the site has stay"""
    weeks: int = 52
    """weeks that the graphs go back"""
    ports: int = 20
    """ports with a page of their own"""
    rows: int = 50
    """rows of a table, at most"""
    sensors: str = "group"
    """'total': all sensors as one; 'group': groups beside each other; 'alias': each by itself as A, B, C: then whoever probes
    finds them (docs/concepts/mapping.md)"""
    sources: str = "none"
    """sources: 'none'; 'network' (/24, /48); 'pseudonym' (a name that holds for a month, by a key of the site's); 'address'"""
    least_packets: int = 50
    """packets a day, all sensors together, below which a cell is suppressed"""
    least_hosts: int = 10
    """hosts a day, added up over the sensors, below which it is"""
    least_sensors: int = 3
    """sensors without which it is; and of no cell does a sensor count for more than the one at this place"""
    digits: int = 2
    """significant digits of every figure"""
    multiple: float = 0.0
    """every figure is a multiple of this (packets, or hosts, a sensor and day); 0: digits alone"""
    research: str = "cryptopan"
    """sources in `teiten export research`: 'cryptopan' (prefixes kept), 'truncate' (/24, /48), 'hash', 'drop'"""
    delay: int = 3
    """days that lie between a day and its publication"""
    licence: str = ""
    """under which others may use it, such as 'CC BY 4.0'; without it the site says that nothing was stated"""
    licence_url: str = ""
    """where that licence is to be read"""


_LISTS: Final[dict[str, tuple[str, ...]]] = {"sections": SECTIONS, "languages": LANGUAGES, "periods": PERIODS}
_CHOICES: Final[dict[str, tuple[str, ...]]] = {"sensors": SENSORS, "sources": SOURCES, "research": RESEARCH}
_NUMBERS: Final[dict[str, tuple[int, int]]] = {
    "reports": (1, 1000), "weeks": (4, 520), "ports": (0, 1000), "rows": (5, 10_000), "least_packets": (1, 10**9),
    "least_hosts": (1, 10**9), "least_sensors": (1, 1000), "digits": (1, 6), "delay": (0, 3650),
}  # fmt: skip


def read(table: dict[str, Any], where: str) -> Publishing:
    """The rules that a table [publish] states. UsageError where one is no such thing."""
    checking.known(table, {one.name for one in fields(Publishing)} | OLD, where)
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key in _LISTS:
            found[key] = _chosen(value, _LISTS[key], f"{where}: {key}")
        elif key in _CHOICES:
            found[key] = checking.choice(value, _CHOICES[key], f"{where}: {key}")
        elif key in _NUMBERS:
            found[key] = checking.whole(value, *_NUMBERS[key], f"{where}: {key}")
        elif key == "multiple":
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e9:
                raise UsageError(f"{where}: multiple must be a number from 0 on, not {value!r}.")
            found[key] = float(value)
        elif key in ("licence", "licence_url"):
            found[key] = _text(key, value, where)
    return Publishing(**found)


def _chosen(value: Any, known: tuple[str, ...], where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or any(one not in known for one in value):
        raise UsageError(f"{where} must be a list of some of {', '.join(known)}, not {value!r}.")
    return tuple(dict.fromkeys(value))


def _text(key: str, value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{where}: {key} must be a text, not {value!r}.")
    if key == "licence_url" and value and not re.fullmatch(r"https?://[^\s\"<>]+", value):
        raise UsageError(
            f"{where}: licence_url '{value}' is no address.", hint="Write it like https://creativecommons.org/licenses/by/4.0/."
        )
    return value.strip()
