"""What every reader shares: the contract between bytes and events, and the accounting that must add up.

A reader turns an input into chunks. In a chunk every line (or record) has exactly one outcome: it made events, it was
rejected for a reason, or it was ignored as another kind. Nothing raises because of what the data says.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from teiten.settings import Reading

if TYPE_CHECKING:
    import polars as pl

EVENT: Final = 0
"""outcome codes: 0 made events; 1..127 rejected, 128..255 ignored (names in the reader's `reasons` and `kinds`)"""
FIRST_IGNORED: Final = 128
EXPIRED: Final = 255
"""ignored by the intake, whatever the reader: its events are older than what the lake keeps"""


@dataclass(frozen=True, slots=True)
class Received:
    """When an input's bytes came in, in pieces: those before `ends[i]` (and not before the one before it) at `at[i]`, µs UTC.

    ends, at, until: int64, as long as each other; `ends` rises. until: a piece's last line is not later than that, but for a
    day. groups: int64, the piece with which each one's group ends, of those that came from one file without a pause; None:
    each is a group. What lies beyond the last piece belongs to it.
    """

    ends: npt.NDArray[np.int64]
    at: npt.NDArray[np.int64]
    until: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64] | None = None

    def of(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """When the bytes at those offsets came."""
        times: npt.NDArray[np.int64] = self.at[self._piece(positions)]
        return times

    def group(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The groups of the bytes at those offsets, each told by its last piece."""
        pieces = self._piece(positions)
        return pieces if self.groups is None else self.groups[pieces]

    def bytes_of(self, group: int) -> tuple[int, int]:
        """From where to where a group reaches."""
        first = group if self.groups is None else int(np.searchsorted(self.groups, group))
        return int(self.ends[first - 1]) if first else 0, int(self.ends[group])

    def _piece(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        found: npt.NDArray[np.int64] = np.minimum(np.searchsorted(self.ends, positions, side="right"), len(self.ends) - 1)
        return found


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read. `zone` is for stamps that state none; `year` for stamps without one; `boot_time` for seconds since
    boot; `received` tells when its bytes came in, for lines without a stamp; `start` skips what lies before that
    (uncompressed) byte offset, which is a line's or record's beginning; `hash_key` (64 bits) is the key of
    `Chunk.line_hash`; without `hashed` the hashes are 0, and without `hash_events` those of packets (not lines) that made
    events."""

    zone: ZoneInfo
    sensor: str = "home"
    year: int | None = None
    boot_time: dt.datetime | None = None
    received: Received | None = None
    start: int = 0
    source_id: int = 0
    hash_key: int = 0
    hashed: bool = True
    hash_events: bool = True
    reading: Reading = field(default_factory=Reading)


@dataclass(frozen=True, slots=True)
class Rejected:
    """One rejected line: where, why, and its text (bytes as they came, at most 4 KiB)."""

    pos: int
    reason: str
    text: bytes


@dataclass(frozen=True, slots=True)
class Plain:
    """One column of a chunk as plain arrays.

    constant    every row has `value` (None: null)
    numbers     int64; -1 is null
    texts       int64 places in `texts`; any other number is null
    places      int64 places in the integers `values`; -1 is null
    addresses   `numbers` int64: 4, 6, or null for any other; `high`, `low`: the address's halves (IPv4 in `low`), int64
    bytes       `numbers` int64: where it begins in `data` (uint8), -1 is null; `high`: how many bytes

    A truth is a number: 0, 1, -1 for null.
    """

    kind: Literal["constant", "numbers", "texts", "places", "addresses", "bytes"]
    value: int | str | None = None
    numbers: npt.NDArray[np.int64] | None = None
    texts: Sequence[str] = ()
    high: npt.NDArray[np.int64] | None = None
    low: npt.NDArray[np.int64] | None = None
    values: npt.NDArray[np.int64] | None = None
    data: npt.NDArray[np.uint8] | None = None


class Rows(Protocol):
    """Events as a reader has them, before they are a frame."""

    def __len__(self) -> int: ...

    def column(self, name: str) -> Plain:
        """One of `event.READ_COLUMNS` (marks: `_marks.columns`)."""

    def frame(self) -> pl.DataFrame:
        """All of them, as `Chunk.events`."""


@dataclass(slots=True)
class Chunk:
    """A stretch of lines in the input's order, and the events that they made.

    made         the events: a frame, or what it is made from when it is asked for (`events`)
    event_line   (n events) int32: index into the line arrays of the line that made the event
    line_pos     (n lines) int64: byte offset of the line in the uncompressed input
    line_hash    (n lines) uint64: keyed hash of the line's bytes without its line end
    outcome      (n lines) uint8: see EVENT
    stamped      (n lines) bool: the line carries a time stamp of its own
    end          byte offset after the last line of the chunk (the next chunk starts there)
    rejected     every rejected line of the chunk
    notes        things to say once about the input, such as 'year inferred from the file's modification time'
    """

    made: pl.DataFrame | Rows
    event_line: npt.NDArray[np.int32]
    line_pos: npt.NDArray[np.int64]
    line_hash: npt.NDArray[np.uint64]
    outcome: npt.NDArray[np.uint8]
    stamped: npt.NDArray[np.bool_]
    end: int
    rejected: list[Rejected]
    notes: list[str] = field(default_factory=list)

    @property
    def events(self) -> pl.DataFrame:
        """Columns of `frame.READ_SCHEMA`, in that order."""
        import polars as pl

        if not isinstance(self.made, pl.DataFrame):
            self.made = self.made.frame()
        return self.made


@dataclass(slots=True)
class Tally:
    """The accounting of a run: lines = made_events + rejected + ignored + had_already, always (`check`)."""

    lines: int = 0
    made_events: int = 0
    events: int = 0
    had_already: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    unit: str = "lines"

    def add(self, other: Tally) -> None:
        if self.lines and other.unit != self.unit:
            self.unit = "records"
        elif not self.lines:
            self.unit = other.unit
        self.lines += other.lines
        self.made_events += other.made_events
        self.events += other.events
        self.had_already += other.had_already
        self.rejected.update(other.rejected)
        self.ignored.update(other.ignored)

    def count(self, outcome: npt.NDArray[np.uint8], reader: Any) -> None:
        """Adds lines by their outcome, in the reader's words for it."""
        for code, number in enumerate(np.bincount(outcome, minlength=1).tolist()):
            if number == 0:
                continue
            if code == EVENT:
                self.made_events += number
            elif code < FIRST_IGNORED:
                self.rejected[reader.REASONS[code]] += number
            else:
                self.ignored["expired" if code == EXPIRED else reader.KINDS[code]] += number

    def check(self) -> None:
        """AssertionError where a line was lost or counted twice."""
        parts = self.made_events + self.rejected.total() + self.ignored.total() + self.had_already
        assert parts == self.lines, f"{self.lines} lines, but {parts} accounted for"


def unit(reader: Any) -> str:
    """What its records are called: 'lines', 'packets', or what the reader says (UNIT)."""
    return str(getattr(reader, "UNIT", "lines" if reader.LINES else "packets"))


class Reader(Protocol):
    """A part: one module or package of `readers/`, which has these names at its top."""

    NAME: str
    """as in --format"""
    STATUS: str
    """'stable', 'trial'"""
    LINES: bool
    """its records are lines of text; else packets, which have no line end"""
    ROWS: bool
    """its chunks' `made` are `Rows`, not frames"""
    REASONS: dict[int, str]
    """rejected: code 1..127 -> reason"""
    KINDS: dict[int, str]
    """ignored: code 128..255 -> kind"""

    @staticmethod
    def recognise(head: bytes) -> float:
        """How sure (0 to 1) that an input which begins with these (up to 64 KiB, uncompressed) is this format."""

    @staticmethod
    def read(source: Any, options: ReadOptions) -> Iterator[Chunk]:
        """The input's chunks in order. `source` is `readers._input.Input`. InputError only for the input itself."""
