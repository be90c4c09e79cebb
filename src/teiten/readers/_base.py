"""What every reader shares: the contract between bytes and events, and the accounting that must add up.

A reader turns an input into chunks. In a chunk every line (or record) has exactly one outcome: it made events, it was
rejected for a reason, or it was ignored as another kind. Nothing raises because of what the data says.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.settings import Reading

EVENT: Final = 0
"""outcome codes: 0 made events; 1..127 rejected, 128..255 ignored (names in the reader's `reasons` and `kinds`)"""
FIRST_IGNORED: Final = 128


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read. `zone` is for stamps that state none; `year` for stamps without one; `boot_time` for seconds since
    boot; `start` skips what lies before that (uncompressed) byte offset, which is a line's or record's beginning;
    `hash_key` (64 bits) is the key of `Chunk.line_hash`."""

    zone: ZoneInfo
    sensor: str = "home"
    year: int | None = None
    boot_time: dt.datetime | None = None
    start: int = 0
    source_id: int = 0
    hash_key: int = 0
    reading: Reading = field(default_factory=Reading)


@dataclass(frozen=True, slots=True)
class Rejected:
    """One rejected line: where, why, and its text (bytes as they came, at most 4 KiB)."""

    pos: int
    reason: str
    text: bytes


@dataclass(slots=True)
class Chunk:
    """A stretch of lines in the input's order, and the events that they made.

    events       columns of `frame.READ_SCHEMA`, in that order
    event_line   (n events) int32: index into the line arrays of the line that made the event
    line_pos     (n lines) int64: byte offset of the line in the uncompressed input
    line_hash    (n lines) uint64: keyed hash of the line's bytes without its line end
    outcome      (n lines) uint8: see EVENT
    stamped      (n lines) bool: the line carries a time stamp of its own
    end          byte offset after the last line of the chunk (the next chunk starts there)
    rejected     every rejected line of the chunk
    notes        things to say once about the input, such as 'year inferred from the file's modification time'
    """

    events: pl.DataFrame
    event_line: npt.NDArray[np.int32]
    line_pos: npt.NDArray[np.int64]
    line_hash: npt.NDArray[np.uint64]
    outcome: npt.NDArray[np.uint8]
    stamped: npt.NDArray[np.bool_]
    end: int
    rejected: list[Rejected]
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """The accounting of a run: lines = made_events + rejected + ignored + had_already, always (`check`)."""

    lines: int = 0
    made_events: int = 0
    events: int = 0
    had_already: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.lines += other.lines
        self.made_events += other.made_events
        self.events += other.events
        self.had_already += other.had_already
        self.rejected.update(other.rejected)
        self.ignored.update(other.ignored)

    def check(self) -> None:
        """AssertionError where a line was lost or counted twice."""
        parts = self.made_events + self.rejected.total() + self.ignored.total() + self.had_already
        assert parts == self.lines, f"{self.lines} lines, but {parts} accounted for"


class Reader(Protocol):
    """A part: one module or package of `readers/`, which has these names at its top."""

    NAME: str
    """as in --format"""
    STATUS: str
    """'stable', 'trial'"""
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
