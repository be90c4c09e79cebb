"""Aggregates in the lake: what finished days came to, so that questions about months need no events. A table each.

    rollup_hours    an hour x sensor x port x country and what filters ask: packets, events
    rollup_sources  a day x source: packets, events, first and last time; sources are exact, and so are hosts counted from it
    rollup_ports    a day x port x source: hosts of ports. Of a port with more than `KEPT` sources on a day those with the
                    smallest hashes are kept, a theta sketch (Apache DataSketches); the packets of the others stay, summed up
    rollup_busy     an hour x source, thinned in the same way: hosts of hours
    rollup_pairs    a day x source x port: what a source sent to a port, exactly; questions about a port read its rows
    rollup_targets  a day x address that was arrived at: what must not be published, and how many were watched

Every table can be made again from events, as long as these are kept: `teiten.rollup` does. `lake/_daily.py` says how days
are put in place of earlier ones; the basis of a day says from which events and verdicts it was made (`Basis`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from teiten.lake import _daily

if TYPE_CHECKING:
    from teiten.lake import Lake

VERSION: Final = 1
"""of what the tables hold; days that another version made are made again"""
KEPT: Final = 4096
"""sources that a theta sketch keeps: a relative standard error of 1 / sqrt(4095), 1.6 %"""
WHOLE: Final = (1 << 63) - 1
"""theta of a sketch that holds every source"""
_EPOCH: Final = dt.date(1970, 1, 1)
_TIME: Final = pl.Datetime("us", "UTC")
_TEXT, _INT, _FLAG = pl.String(), pl.Int64(), pl.Boolean()

_ABOUT: Final[dict[str, pl.DataType]] = {
    "kind": _TEXT,
    "action": _TEXT,
    "interface": _TEXT,
    "scanner": _TEXT,
    "research_scanner": _FLAG,
    "tool": _TEXT,
    "spoofed": _FLAG,
}
"""what filters ask of an event, and of its source on that day"""
_COUNTED: Final[dict[str, pl.DataType]] = {"packets": _INT, "events": _INT}
_PLACE: Final[dict[str, pl.DataType]] = {"time": _TIME, "sensor": _TEXT}
_PORT: Final[dict[str, pl.DataType]] = {"protocol": pl.Int16(), "dst_port": pl.Int32()}
_SKETCH: Final[dict[str, pl.DataType]] = {"host": _INT, "theta": _INT}

TABLES: Final[dict[str, dict[str, pl.DataType]]] = {
    "rollup_hours": {**_PLACE, **_PORT, "country": _TEXT, **_ABOUT, "time_basis": _TEXT, "geo_db": _TEXT, **_COUNTED},
    "rollup_sources": {
        **_PLACE,
        "src_ip": pl.Binary(),
        "protocol": pl.Int16(),
        "country": _TEXT,
        "asn": _INT,
        "as_name": _TEXT,
        **_ABOUT,
        **_COUNTED,
        "first": _TIME,
        "last": _TIME,
    },
    "rollup_ports": {**_PLACE, **_PORT, "country": _TEXT, "asn": _INT, **_ABOUT, **_SKETCH, **_COUNTED},
    "rollup_busy": {**_PLACE, "country": _TEXT, **_ABOUT, **_SKETCH, **_COUNTED},
    "rollup_pairs": {
        **_PLACE,
        "src_ip": pl.Binary(),
        **_PORT,
        "country": _TEXT,
        "asn": _INT,
        "as_name": _TEXT,
        **_ABOUT,
        **_COUNTED,
    },
    "rollup_targets": {**_PLACE, "dst_ip": pl.Binary(), **_COUNTED},
}
"""table -> columns, without those that every table of days has"""
ORDER: Final[dict[str, tuple[str, ...]]] = {
    "rollup_hours": ("protocol", "dst_port", "time"),
    "rollup_sources": ("src_ip",),
    "rollup_ports": ("protocol", "dst_port", "host"),
    "rollup_busy": ("time", "host"),
    "rollup_pairs": ("protocol", "dst_port", "src_ip"),
    "rollup_targets": ("dst_ip",),
}

MEANINGS: Final[dict[str, tuple[str, str]]] = {
    "day": ("the day, in `zone`", "対象日"),
    "zone": ("zone of the day", "対象日のタイムゾーン"),
    "time": ("beginning of the hour, or of the day", "時間帯(または日)の始まり"),
    "interface": ("empty for outgoing packets, else null", "外向きの通信は空、それ以外はnull"),
    "packets": ("packets", "パケット数"),
    "events": ("events", "イベント数"),
    "first": ("time of the first event", "最初のイベントの時刻"),
    "last": ("time of the last event", "最後のイベントの時刻"),
    "host": ("hash of the source (`theta_hash`); null for those that the sketch does not keep", "送信元のハッシュ"),
    "theta": ("the sketch keeps the hashes below it; 2^63 - 1: all of them", "スケッチのしきい値"),
}
"""of the columns that events have not, or have in another sense"""


_BITS: Final = (1 << 64) - 1
_FIRST, _SECOND, _SEED = 0x87C37B91114253D5, 0x4CF5AD432745937F, 9001


def hashed(address: bytes) -> int:
    """`host` of that source, as the engine's `theta_hash` says it (engine/macros.sql): for the few of `teiten forget`."""

    def turned(value: int, bits: int) -> int:
        return (value << bits | value >> (64 - bits)) & _BITS

    def mixed(value: int) -> int:
        for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
            value = (value ^ value >> 33) * factor & _BITS
        return value ^ value >> 33

    def word(value: int, one: int, bits: int, other: int) -> int:
        return turned(value * one & _BITS, bits) * other & _BITS

    a = b = _SEED
    length = 8 if len(address) == 4 else 16
    if length == 8:
        a ^= word(int.from_bytes(address, "big"), _FIRST, 31, _SECOND)
    else:
        a ^= word(int.from_bytes(address[:8], "little"), _FIRST, 31, _SECOND)
        a = ((turned(a, 27) + b) * 5 + 0x52DCE729) & _BITS
        b ^= word(int.from_bytes(address[8:], "little"), _SECOND, 33, _FIRST)
        b = ((turned(b, 31) + a) * 5 + 0x38495AB5) & _BITS
    a, b = a ^ length, b ^ length
    a = (a + b) & _BITS
    b = (b + a) & _BITS
    return ((mixed(a) + mixed(b)) & _BITS) >> 1


def schema(name: str) -> dict[str, pl.DataType]:
    """All columns of that table."""
    return {**_daily.STAMPS, **TABLES[name]}


@dataclass(frozen=True, slots=True)
class Basis:
    """From what a day's rows were made: the last batch that touches it, events forgotten since, verdicts, corrections."""

    batch: int
    forgotten: int
    verdicts: str
    thinned: int = 0
    """sketches that do not hold every source"""

    def text(self) -> str:
        """As the lake keeps it."""
        return json.dumps([VERSION, self.batch, self.forgotten, self.verdicts, self.thinned], separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> Basis | None:
        """None for what another version made."""
        version, *told = json.loads(text)
        return cls(*told) if version == VERSION else None

    def same_events(self, other: Basis) -> bool:
        return (self.batch, self.forgotten) == (other.batch, other.forgotten)

    def same(self, other: Basis) -> bool:
        return self.same_events(other) and self.verdicts == other.verdicts


def wanted(lake: Lake, zone: str, upto: int | None = None, days: set[dt.date] | None = None) -> dict[dt.date, Basis]:
    """Day with events (by the spans of batches) -> the basis that its aggregates should have now. `days`: only these."""
    rows = lake.batches(["batch", "t_min", "t_max", "forgotten"], upto).drop_nulls(["t_min", "t_max"])
    if not rows.height:
        return {}
    local = rows.select("batch", "forgotten", pl.col("t_min", "t_max").dt.convert_time_zone(zone).dt.date().to_physical()).sort(
        "batch"
    )
    low: Any = local["t_min"].min()
    high: Any = local["t_max"].max()
    newest = np.full(high - low + 1, -1, dtype=np.int64)
    forgotten = np.zeros(high - low + 1, dtype=np.int64)
    for batch, lost, first, end in local.iter_rows():
        newest[first - low : end - low + 1] = batch
        forgotten[first - low : end - low + 1] += lost or 0
    judged = _judged(lake, zone)
    said = _corrections(lake)
    out = {}
    for n in np.flatnonzero(newest >= 0):
        day = _EPOCH + dt.timedelta(days=int(n) + low)
        if days is None or day in days:
            own = ",".join(number for number, first, end in said if (first or day) <= day <= (end or day))
            told = judged.get(day, "")
            digest = hashlib.sha256(f"{told}|{own}".encode()).hexdigest()[:16] if told or own else ""
            out[day] = Basis(int(newest[n]), int(forgotten[n]), digest)
    return out


def _judged(lake: Lake, zone: str) -> dict[dt.date, str]:
    state = lake.verdict_state(zone).select("day", "made", "last_batch", "basis")
    return {day: f"{made.isoformat()} {batch} {basis}" for day, made, batch, basis in state.iter_rows()}


def _corrections(lake: Lake) -> list[tuple[str, dt.date | None, dt.date | None]]:
    found = lake.notes()
    return list(found.filter(pl.col("kind") == "correction").select("id", "day_from", "day_to").sort("id").iter_rows())
