"""One edition of a report held against the one before: counts, ranks, lists, notes and tables that are others now."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from teiten.report.manifest import Manifest

RANKED: Final = {"ports": ("protocol", "dst_port"), "countries": ("country",)}
"""rankings whose ranks are compared, and the columns that name a row"""
TOLD: Final = {"changes", "addenda"}
"""tables that are told by what they say"""
PLACES: Final = 10
"""ranks up to which a change is told"""
_COUNTS: Final = {
    "rank", "packets", "hosts", "share", "share_of", "rank_before", "packets_before", "hosts_before", "difference", "change",
    "events", "mean",
}  # fmt: skip
"""columns that hold what is counted; the others name the row"""


@dataclass(frozen=True, slots=True)
class TableChange:
    """Of one table: rows that came, went, or say another thing."""

    id: str
    came: int
    went: int
    changed: int


@dataclass(frozen=True, slots=True)
class RankChange:
    """A port ((protocol, port)) or a country's code whose rank is another now; None: not in the ranking."""

    what: str
    key: Any
    before: int | None
    now: int | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different between two editions. Pairs are (before, now)."""

    totals: Mapping[str, tuple[int, int]]
    batches: int
    """batches that came into the lake in between"""
    coverage: tuple[float, float]
    ranks: tuple[RankChange, ...]
    lists: Mapping[str, tuple[str | None, str | None]]
    settings: Mapping[str, tuple[Any, Any]]
    geo: tuple[tuple[str, ...], tuple[str, ...]]
    added: tuple[str, ...]
    """ids of notes that stand in this edition and not in the one before"""
    removed: tuple[str, ...]
    program: tuple[str, str]
    other_lake: bool
    tables: tuple[TableChange, ...]


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition of a report: its number, when it was made, and what it changes."""

    number: int
    made: dt.datetime
    before: Manifest | None = None
    changes: Changes | None = None


def compare(before: Manifest, rows_before: Mapping[str, bytes], now: Mapping[str, Any], rows: Mapping[str, bytes]) -> Changes:
    """What is different. `now` is this edition's manifest (its table); rows: id of a table -> its CSV."""
    old = before.table
    return Changes(
        totals=_totals(rows_before.get("totals", b""), rows.get("totals", b"")),
        batches=now["lake"]["last_batch"] - old["lake"]["last_batch"] if now["lake"]["id"] == old["lake"]["id"] else 0,
        coverage=(float(old["coverage"]["share"]), float(now["coverage"]["share"])),
        ranks=tuple(change for what in RANKED for change in _ranks(what, rows_before.get(what), rows.get(what))),
        lists=_pairs(old.get("lists", {}), now["lists"]),
        settings=_pairs(old["thresholds"], now["thresholds"])
        | _pairs({"zone": old["report"]["zone"]}, {"zone": now["report"]["zone"]})
        | _pairs(old["settings"], now["settings"]),
        geo=(tuple(old.get("geo", ())), tuple(now["geo"])),
        added=tuple(n for n in now["notes"] if n not in old["notes"]),
        removed=tuple(n for n in old["notes"] if n not in now["notes"]),
        program=(str(old["program"]["version"]), str(now["program"]["version"])),
        other_lake=now["lake"]["id"] != old["lake"]["id"],
        tables=tuple(
            change
            for name in sorted({*rows_before, *rows} - TOLD)
            if (change := _table(name, rows_before.get(name), rows.get(name)))
        ),
    )


def _pairs(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Keys whose value is another now, with both; None where there is none."""
    keys = sorted({*before, *now})
    return {key: (before.get(key), now.get(key)) for key in keys if before.get(key) != now.get(key)}


def _read(data: bytes | None) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((data or b"").decode("utf-8", "replace"))))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.lstrip("-").isdigit() else None


def _totals(before: bytes, now: bytes) -> dict[str, tuple[int, int]]:
    then, today = _read(before), _read(now)
    if not then or not today:
        return {}
    pairs = {name: (_number(then[0].get(name)), _number(today[0].get(name))) for name in ("packets", "hosts", "countries")}
    return {name: (a, b) for name, (a, b) in pairs.items() if a is not None and b is not None and a != b}


def _ranks(what: str, before: bytes | None, now: bytes | None) -> list[RankChange]:
    """Things among the first ten of either edition whose rank is another now, the highest first."""
    if before is None or now is None:
        return []

    def places(data: bytes) -> dict[tuple[str | None, ...], int]:
        ranked = ((tuple(row.get(c) for c in RANKED[what]), _number(row.get("rank"))) for row in _read(data))
        return {key: rank for key, rank in ranked if rank is not None}

    then, today = places(before), places(now)
    found = []
    for key in {*then, *today}:
        old, new = then.get(key), today.get(key)
        if old != new and min(old or PLACES + 1, new or PLACES + 1) <= PLACES:
            thing: Any = key[0] if what == "countries" else tuple(_number(k) for k in key)
            found.append(RankChange(what, thing, old, new))
    return sorted(found, key=lambda c: (c.now or 1 << 20, c.before or 1 << 20, str(c.key)))


def _table(name: str, before: bytes | None, now: bytes | None) -> TableChange | None:
    """None where both are the same."""
    if before == now:
        return None
    then, today = _keyed(before), _keyed(now)
    if len(then) == len(today) == 1:
        return TableChange(name, 0, 0, 1)
    came, went = len(today.keys() - then.keys()), len(then.keys() - today.keys())
    changed = sum(then[key] != today[key] for key in then.keys() & today.keys())
    return TableChange(name, came, went, changed)


def _keyed(data: bytes | None) -> dict[tuple[Any, ...], tuple[str, ...]]:
    """The rows by what names them; equal names are told apart by their order."""
    seen: dict[tuple[str, ...], int] = {}
    out = {}
    for row in _read(data):
        key = tuple(str(value or "") for column, value in row.items() if column not in _COUNTS)
        seen[key] = seen.get(key, 0) + 1
        out[(*key, seen[key])] = tuple(str(value or "") for column, value in row.items() if column in _COUNTS)
    return out
