"""When each input was alive, and what it lost: rows of the lake's table `watching` from the records of a spool's chains.

A stretch begins with a run's first record and ends with the last before a silence of more than two heartbeats, or with the
run. The silence is told by the clock that nobody sets, so that a clock that is set makes none: where it is put forward by up to
a day the time that it left out counts as watched, since the station was there. Rows are cut at the hours of UTC.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from teiten.lake.watching import COUNTED
from teiten.station.records import Record
from teiten.station.segments import About

HEARTBEAT: Final = 60.0
"""seconds between two heartbeats where a run does not say (`start` has `heartbeat`)"""
_SILENT: Final = 2
"""heartbeats that a silence may last"""
_DAY: Final = 86400.0
_HOUR: Final = 3600.0
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LAST: Final = 253402300799.0
"""the last second that has a date"""


@dataclass(slots=True)
class Piece:
    """A row in the making: from `start` to `end` (unix time), from record `record` of segment `segment` on. goes_on: it
    continues the row before it."""

    start: float
    end: float
    segment: int
    record: int
    heartbeat: float = HEARTBEAT
    goes_on: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    skew: float | None = None


@dataclass(slots=True)
class Alive:
    """One stream's stretches, record after record. `pieces`: those that were begun, or changed, since `take` was asked last."""

    about: About
    pieces: list[Piece] = field(default_factory=list)
    since: int = 0
    """records before that number were taken in before"""
    _at: float = 0.0
    _up: float | None = 0.0
    _beat: float = HEARTBEAT
    _runs: bool = False
    _changed: bool = False

    def add(self, segment: int, records: Iterable[Record], *, gone: int | None = None) -> None:
        """The stream's next records. gone: the segment's bytes from there on are no longer there, and not in the lake."""
        for one in records:
            if one.number >= self.since:
                self._add(segment, one)
                if gone is not None and one.end > gone and self.about.sensor is not None:
                    counts = self.pieces[-1].counts
                    written = one.counts.get("received", 0) - one.counts.get("refused", 0) - one.counts.get("dropped_queue", 0)
                    counts["dropped_spool"] = counts.get("dropped_spool", 0) + max(0, written)

    def _add(self, segment: int, one: Record) -> None:
        at, self._changed = min(max(one.at, 0.0), _LAST), True
        start = one.told.get("start")
        if start is not None:
            beat = start.get("heartbeat") if isinstance(start, Mapping) else None
            self._beat = float(beat) if isinstance(beat, int | float) and 0 < beat <= _HOUR else HEARTBEAT
        if start is not None or not self._runs or not self.pieces or self._silent(at, one.up):
            self.pieces.append(Piece(at, at, segment, one.number, self._beat))
        else:
            self._go_on(max(at, self.pieces[-1].end), segment, one.number)
        piece = self.pieces[-1]
        for name, many in one.counts.items():
            if name in COUNTED and isinstance(many, int):
                piece.counts[name] = piece.counts.get(name, 0) + many
        skew = one.told.get("skew")
        if isinstance(skew, int | float):
            piece.skew = float(skew)
        self._at, self._up, self._runs = at, one.up, "stop" not in one.told

    def _silent(self, at: float, up: float) -> bool:
        """Was nothing heard for too long since the record before, or did the clock go back, or forward by more than a day?"""
        if self._up is None:
            return False  # it is known that the record goes on with the one before
        least = _SILENT * self._beat
        passed = up - self._up
        if passed < 0:
            passed = at - self._at  # of another boot, and its run's beginning is not there
        return passed > least or not -least <= at - self._at <= passed + _DAY

    def _go_on(self, at: float, segment: int, record: int) -> None:
        last = self.pieces[-1]
        edge = (last.start // _HOUR + 1) * _HOUR
        while at >= edge:
            last.end = edge
            last = Piece(edge, edge, segment, record, self._beat, goes_on=True)
            self.pieces.append(last)
            edge += _HOUR
        last.end = at

    def go_on_from(self, row: Mapping[str, Any]) -> None:
        """As if all records before that row's first had been added: the row is the stream's last in the lake, and made anew."""
        self.since, self._beat = int(row["record"]), float(row["heartbeat"] or HEARTBEAT)
        if row["goes_on"]:
            start = (row["start"] - _EPOCH).total_seconds()
            self.pieces.append(Piece(start, start, int(row["segment"]), int(row["record"]), self._beat, goes_on=True))
            self._at, self._up, self._runs = start, None, True

    def take(self) -> list[dict[str, Any]]:
        """The rows (`lake.watching.SCHEMA`) begun or changed since; the last may change again."""
        rows = [self._row(piece) for piece in self.pieces] if self._changed else []
        del self.pieces[:-1]
        self._changed = False
        return rows

    def _row(self, piece: Piece) -> dict[str, Any]:
        low, high = (_EPOCH + dt.timedelta(seconds=round(t, 6)) for t in (piece.start, piece.end))
        return {
            "stream": self.about.id, "input": self.about.input, "sensor": self.about.sensor, "start": low, "end": high,
            "keeps": bool(self.about.told.get("keeps")), **{name: piece.counts.get(name, 0) for name in COUNTED},
            "heartbeat": piece.heartbeat,
            "skew": piece.skew, "segment": piece.segment, "record": piece.record, "goes_on": piece.goes_on,
        }  # fmt: skip
