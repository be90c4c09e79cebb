"""[station] of teiten.toml as values: the spool, what comes in and from where, what is done when. Checked here.

What an input's table may hold is declared by its kind (`station.inputs`), which reads it; here it is kept as it was written.
Imported by `teiten sensor` on small machines: nothing heavy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from teiten.errors import UsageError

_SIZES: Final = {"": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SPANS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}", re.ASCII)
"""of an input, a sensor or a task: part of a folder's name"""


@dataclass(frozen=True, slots=True)
class Table:
    """One table [station.input.NAME], [station.task.NAME]: as it was written. `where`: how errors name it; `base`: the folder
    to which files are relative."""

    name: str
    given: Mapping[str, Any]
    where: str
    base: Path


@dataclass(frozen=True, slots=True)
class Station:
    """How a station runs."""

    spool: Path = Path("teiten-spool")
    """the folder in which everything is written down before anything is made of it"""
    disk: int = 20 * 10**9
    """bytes that the spool may take, written `20GB`; beyond it the oldest evidence that is in the lake goes, and from four
    fifths of it on that is told beforehand. What is not yet in the lake (or with the collector) never goes: intake waits"""
    keep: float | None = None
    """seconds after which evidence goes that is in the lake, written `30d`; without it, as long as the disk's budget allows"""
    sync: float = 0.2
    """seconds, at most, until what came in is on the disk for good (and a sender hears so)"""
    every: float = 8
    """seconds, at least, between two batches that are stored in the lake"""
    heartbeat: float = 60
    """seconds between two notes in the spool that an input is alive; a silence of more than two of them is a gap"""
    queue: int = 32 << 20
    """bytes of an input that wait in memory for the disk; beyond it senders wait, and what cannot wait is counted as lost"""
    metrics: str = ""
    """address and port, as `127.0.0.1:9514`, at which counters can be had for Prometheus; without it, nowhere"""
    inputs: tuple[Table, ...] = ()
    tasks: tuple[Table, ...] = ()
    collector: Table | None = None
    """[station.collector]: to whom `teiten sensor` sends"""
    collect: Table | None = None
    """[station.collect]: where `teiten collect` listens"""


KEYS: Final = ("spool", "disk", "keep", "sync", "every", "heartbeat", "queue", "metrics")
"""settings of [station] itself, in the order in which they are documented"""
_TABLES: Final = ("input", "task", "collector", "collect")


def read(table: Any, where: str, base: Path) -> Station:
    """[station], checked. `base`: the folder to which files are relative. UsageError."""
    if not isinstance(table, dict):
        raise UsageError(f"{where} must be a table.")
    for key in table:
        if key not in KEYS and key not in _TABLES:
            raise UsageError(f"{where} knows no setting '{key}'.", hint=f"It knows: {', '.join(sorted((*KEYS, *_TABLES)))}.")
    out: dict[str, Any] = {"spool": base / Path(text(table.get("spool", "teiten-spool"), f"{where}: spool")).expanduser()}
    for key in ("disk", "queue"):
        if key in table:
            out[key] = size(table[key], f"{where}: {key}")
    for key, least, most in (("keep", 0, 1e9), ("sync", 0.01, 60), ("every", 1, 3600), ("heartbeat", 1, 3600)):
        if key in table:
            out[key] = seconds(table[key], f"{where}: {key}", least, most)
    if "metrics" in table:
        out["metrics"] = text(table["metrics"], f"{where}: metrics")
    for key, many in (("input", "inputs"), ("task", "tasks")):
        out[many] = _tables(table.get(key, {}), f"{where[:-1]}.{key}", base)
    for key in ("collector", "collect"):
        if key in table:
            spot = f"{where[:-1]}.{key}]"
            if not isinstance(table[key], dict):
                raise UsageError(f"{spot} must be a table.")
            out[key] = Table(key, table[key], spot, base)
    return Station(**out)


def _tables(found: Any, where: str, base: Path) -> tuple[Table, ...]:
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise UsageError(f"{where}] must be a table of tables, written {where[where.rindex('[') :]}.NAME].")
    for name in found:
        if not NAME.fullmatch(name):
            raise UsageError(f"{where}.{name}]: a name has letters, digits, - _ and . alone, 64 at most.")
    # the same file has one name, from wherever it is looked at
    return tuple(Table(name, given, f"{where}.{name}]", base.absolute()) for name, given in found.items())


# values, for the kinds of inputs too -------------------------------------------------------------------------------------


def text(value: Any, where: str) -> str:
    """A text that is not empty. UsageError."""
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where} must be a text, not {value!r}.")
    return value


def size(value: Any, where: str) -> int:
    """A number of bytes: 1048576, "500MB", "20GB". UsageError."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kKMGT]?B?)", value, re.ASCII) if isinstance(value, str) else None
    if found is None or found[2] not in _SIZES or float(found[1]) <= 0:
        raise UsageError(f'{where} must be a size such as "20GB", not {value!r}.')
    return int(float(found[1]) * _SIZES[found[2]])


def seconds(value: Any, where: str, least: float = 0, most: float = 1e9) -> float:
    """A length of time in seconds: 8, 0.5, "15m", "30d". UsageError."""
    found = None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        found = float(value)
    elif isinstance(value, str) and (match := re.fullmatch(r"(\d+(?:\.\d+)?) ?([smhdw])", value, re.ASCII)):
        found = float(match[1]) * _SPANS[match[2]]
    if found is None:
        raise UsageError(f'{where} must be seconds, or a text such as "15m" or "30d", not {value!r}.')
    if not least <= found <= most:
        raise UsageError(f"{where} lies between {least:g} and {most:g} seconds, and {value!r} does not.")
    return found


def endpoint(value: Any, where: str) -> tuple[str, int]:
    """An address to listen at, as "127.0.0.1:5514" or "[::1]:5514": host and port. UsageError."""
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]\s]+)):(\d{1,5})", value) if isinstance(value, str) else None
    if found is None or int(found[3]) > 65535:
        raise UsageError(f'{where} must be an address and a port such as "127.0.0.1:5514", not {value!r}.')
    return found[1] or found[2], int(found[3])


@dataclass(frozen=True, slots=True)
class Key:
    """One setting of an input's table. `read` makes a value of what was written, or raises UsageError."""

    name: str
    read: Any
    meaning: str
    default: Any = None
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """An input's table, checked: its values by key."""

    name: str
    where: str
    base: Path
    values: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Any:
        return self.values[key]


def given(table: Table, keys: tuple[Key, ...], also: tuple[str, ...] = ()) -> Given:
    """The table's values by those keys; `also`: keys that somebody else reads. UsageError."""
    known = [key.name for key in keys]
    for name in table.given:
        if name not in known and name not in also:
            raise UsageError(
                f"{table.where} knows no setting '{name}'.", hint=f"It knows: {', '.join(sorted((*known, *also)))}."
            )
    out = {}
    for key in keys:
        if key.name in table.given:
            out[key.name] = key.read(table.given[key.name], f"{table.where}: {key.name}")
        elif key.needed:
            raise UsageError(f"{table.where} has no {key.name}.", hint=f"It is {key.meaning}.")
        else:
            out[key.name] = key.default
    return Given(table.name, table.where, table.base, out)
