"""What is said once about a capture: where the first packet of a kind of trouble lies, in the file and by its byte."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from teiten.readers._base import Chunk
from teiten.readers.capture import _codes as k

_EARLY: Final = 631_152_000 * 10**6
"""1990: before there were captures"""
_LATER: Final = 366 * 86_400 * 10**6
"""microseconds after the file's own time that a clock may be wrong"""


class Told:
    """Looks at an input's chunks, in order. `unknown` gives the numbers of link types that were met so far and are unknown."""

    def __init__(self, mtime: int, unknown: Callable[[], list[int]]) -> None:
        self._mtime, self._unknown = mtime, unknown
        self._done: set[str] = set()

    def look(self, chunk: Chunk) -> None:
        """Adds to the chunk's notes what was not said before."""
        outcome = chunk.outcome
        found: list[tuple[int, str]] = []
        if outcome.any():
            alike = "; others like it are counted only"
            found += self._first(
                chunk, outcome == k.NO_INTERFACE, f"is of an interface that no block before it describes{alike}"
            )
            found += self._first(chunk, outcome == k.BAD_TIME, f"has a time that is no date{alike}")
            unknown = outcome == k.UNSUPPORTED
            if unknown.any() and "link" not in self._done:
                self._done.add("link")
                numbers = ", ".join(map(str, self._unknown()))
                named = f" ({numbers})" if numbers else ""
                found += self._first(chunk, unknown, f"is of a link type that I do not know{named}{alike}")
        if len(chunk.event_line):
            made: Any = chunk.made
            times = made.column("time").numbers
            if times.min() < _EARLY:
                found += self._far(chunk, times, times < _EARLY, "before there were captures")
            if times.max() > self._mtime + _LATER:
                found += self._far(chunk, times, times > self._mtime + _LATER, "more than a year after the file itself")
        chunk.notes += [f"the packet at byte {place} {words}" for place, words in sorted(found)]

    def _first(self, chunk: Chunk, where: Any, words: str) -> list[tuple[int, str]]:
        if words in self._done or not where.any():
            return []
        self._done.add(words)
        return [(int(chunk.line_pos[np.flatnonzero(where)[0]]), words)]

    def _far(self, chunk: Chunk, times: Any, where: Any, words: str) -> list[tuple[int, str]]:
        if words in self._done:
            return []
        self._done.add(words)
        row = int(np.flatnonzero(where)[0])
        stamp = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=int(times[row]))
        told = f"has the time {stamp:%Y-%m-%dT%H:%M:%SZ}, {words}; it is kept as it says"
        return [(int(chunk.line_pos[chunk.event_line[row]]), told)]
