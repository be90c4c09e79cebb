"""Which lines of an input does the lake have already? Alignment of line hashes by runs.

The household's log is a ring buffer that is downloaded again and again: its head is cut off (often in the middle of a
line), its middle overlaps what was stored, its tail is new. A set of hashes would not do, since two equal lines of one
input are two events. So lines are matched in order:

- What the lake has of a sensor is a number of stored streams, one for each source: the hashes of its new lines in
  their order. A new input is read line by line against them.
- A line that equals the stored line after the one matched last continues that run. Otherwise, among the stored lines
  equal to it, the one from which the longest run goes forward wins; of equals, the nearest one ahead in the stream of
  the current run, then the earliest.
- Each stored line is used at most once for one input. Within a stored stream a run may begin behind an earlier match
  only if it is `BACKWARD` lines long (files put together in another order): so [x, a, x] and then [a, x, x] adds
  exactly one x.
- An input is never compared with its own lines.

Where this is ambiguous, and cannot be otherwise: equal lines (which have equal stamps) at the very seam of two inputs,
without an unequal line beside them that both have. [w, x, x] and then [x, x, y] may be four events or five (w x x y, or
w x x x y). The reading with the fewest new events is taken. Lines without any stamp that repeat word for word in a
later input, in the same order, are taken for the same lines.

The work is bounded: at most `CANDIDATES` equal lines are looked at, `LOOK` lines forward each, whatever the input holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

LOOK: Final = 64
CANDIDATES: Final = 64
BACKWARD: Final = 16
Hashes = npt.NDArray[np.uint64]
Keys = npt.NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def _run(new: Any, i: int, stored: Any, segment: Any, used: Any, p: int, look: int) -> int:
    """How many lines from new[i] and stored[p] on are equal, unused and of one stream; at most `look`."""
    n = 0
    while (
        n < look
        and i + n < new.shape[0]
        and p + n < stored.shape[0]
        and segment[p + n] == segment[p]
        and not used[p + n]
        and new[i + n] == stored[p + n]
    ):
        n += 1
    return n


@numba.njit(cache=True, nogil=True)
def _first(ranked: Any, order: Any, value: Any, ahead: int) -> int:
    """First place in the sorted hashes that holds `value`, from stored position `ahead` on (equal ones lie in order)."""
    lo, hi = 0, ranked.shape[0]
    while lo < hi:
        mid = (lo + hi) >> 1
        if ranked[mid] < value or (ranked[mid] == value and order[mid] < ahead):
            lo = mid + 1
        else:
            hi = mid
    return lo


@numba.njit(cache=True, nogil=True)
def _align(
    new: Any, stored: Any, segment: Any, used: Any, reach: Any, ranked: Any, order: Any, skip: Any, cursor: int, found: Any
) -> int:
    """Fills found[i] with the stored position that line i is, or -1. Returns the last match's position, or the cursor."""
    look, candidates, backward = LOOK, CANDIDATES, BACKWARD
    for i in range(new.shape[0]):
        found[i] = -1
        if skip[i]:
            continue
        value = new[i]
        p = cursor + 1
        if cursor >= 0 and p < stored.shape[0] and segment[p] == segment[cursor] and not used[p] and stored[p] == value:
            best = p
        else:
            best = -1
            best_run = 0
            looked = 0
            for part in range(2):
                at = _first(ranked, order, value, cursor + 1 if part == 0 else 0)
                stop = cursor + 1 if part == 1 else stored.shape[0]
                while looked < candidates * (part + 1) and at < ranked.shape[0] and ranked[at] == value and order[at] < stop:
                    p = order[at]
                    at += 1
                    looked += 1
                    if used[p]:
                        continue
                    run = _run(new, i, stored, segment, used, p, look)
                    if p <= reach[segment[p]] and run < backward:
                        continue
                    if run > best_run:
                        best, best_run = p, run
        if best >= 0:
            found[i] = best
            used[best] = True
            if best > reach[segment[best]]:
                reach[segment[best]] = best
            cursor = best
    return cursor


@dataclass(slots=True)
class Stream:
    """What the lake has of one source, or the part that is compared: hashes of its new lines, in order.

    keys: what names each line within its source, rising; None: its number, where `before` lines of the source lie before the
    part. preceded: the part's first line was not the first of its input. reach: lines of the source with a key below it were
    passed by earlier parts of the input that is being read. used: keys of lines that were matched by them, each sorted.
    """

    source_id: int
    hashes: Hashes
    before: int = 0
    preceded: bool = False
    reach: int = 0
    keys: Keys | None = None
    used: Sequence[Keys] = ()

    def key(self, place: int) -> int:
        """That of the line at a place in the part."""
        return self.before + place if self.keys is None else int(self.keys[place])

    def place(self, key: int) -> int:
        """How many lines of the part have a lower key."""
        if self.keys is None:
            return min(max(0, key - self.before), len(self.hashes))
        return int(np.searchsorted(self.keys, key))


@dataclass(slots=True)
class Alignment:
    """The stored streams of one comparison, and how far an input has come in them."""

    streams: list[Stream]
    _stored: Hashes = field(init=False)
    _segment: npt.NDArray[np.int32] = field(init=False)
    _used: npt.NDArray[np.bool_] = field(init=False)
    _reach: npt.NDArray[np.int64] = field(init=False)
    _ranked: Hashes = field(init=False)
    _order: npt.NDArray[np.int64] = field(init=False)
    _starts: npt.NDArray[np.int64] = field(init=False)
    _cursor: int = -1

    def __post_init__(self) -> None:
        sizes = [len(s.hashes) for s in self.streams]
        self._stored = np.concatenate([np.empty(0, np.uint64), *(s.hashes for s in self.streams)])
        self._segment = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        self._starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self._used = np.zeros(len(self._stored), np.bool_)
        self._reach = self._starts[:-1] + np.array([s.place(s.reach) for s in self.streams], dtype=np.int64) - 1
        for stream, start in zip(self.streams, self._starts[:-1].tolist(), strict=True):
            for used in stream.used:
                assert stream.keys is not None
                _mark(self._used[start : start + len(stream.keys)], stream.keys, used)
        self._order = np.argsort(self._stored, kind="stable")
        self._ranked = self._stored[self._order]

    def match(
        self, lines: Hashes, *, cut: bool = False, cut_end: bool = False, known: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.bool_]:
        """For each line: does the lake have it already? Call it with an input's lines piece by piece, in order.

        `known`: lines of which that is known from elsewhere, and which are not looked for.

        `cut`: the first line was cut in the middle (it has no stamp of its own); it counts as had already where the next
        line is one that the lake has, with a line before it. `cut_end`: the last line has no line end; if it is none that the
        lake has, it counts as had already where the line before it is, with a line after it.
        """
        found = np.full(len(lines), -1, np.int64)
        if len(self._stored) and len(lines):
            skip = np.zeros(len(lines), np.bool_) if known is None else known.copy()
            skip[0] |= cut
            state = (self._stored, self._segment, self._used, self._reach, self._ranked, self._order)
            self._cursor = int(_align(lines, *state, skip, self._cursor, found))
        had = found >= 0
        if cut and len(lines) > 1 and had[1]:
            which = int(self._segment[found[1]])
            had[0] = found[1] > self._starts[which] or self.streams[which].preceded
        if cut_end and len(lines) > 1 and had[-2] and not had[-1]:
            which = int(self._segment[found[-2]])
            had[-1] = found[-2] + 1 < self._starts[which + 1]
        return had

    def reached(self) -> dict[int, int]:
        """Source -> the key after its farthest match, of those that were matched; for an input that goes on later."""
        out = {}
        for stream, reach, start in zip(self.streams, self._reach.tolist(), self._starts[:-1].tolist(), strict=True):
            if reach >= start:
                out[stream.source_id] = max(stream.reach, stream.key(reach - start) + 1)
        return out

    def used(self) -> dict[int, Keys]:
        """Source -> the keys of its lines that were matched, of streams that have keys."""
        out = {}
        for stream, start in zip(self.streams, self._starts[:-1].tolist(), strict=True):
            if stream.keys is not None:
                out[stream.source_id] = stream.keys[self._used[start : start + len(stream.keys)]]
        return out

    @property
    def cursor(self) -> tuple[int, int] | None:
        """The last match as (source, key after it)."""
        if self._cursor < 0:
            return None
        which = int(self._segment[self._cursor])
        return self.streams[which].source_id, self.streams[which].key(int(self._cursor - self._starts[which])) + 1

    def go_on(self, cursor: tuple[int, int] | None) -> None:
        """Goes on after the last match of another comparison with the same sources."""
        if cursor is None:
            return
        for stream, start in zip(self.streams, self._starts[:-1].tolist(), strict=True):
            if stream.source_id == cursor[0] and len(stream.hashes):
                place = stream.place(cursor[1]) - 1
                if place >= 0 and stream.key(place) == cursor[1] - 1:
                    self._cursor = start + place


def _mark(marks: npt.NDArray[np.bool_], keys: Keys, wanted: Keys) -> None:
    """Sets the marks of those keys (sorted) that are among the wanted ones (sorted)."""
    if not len(keys):
        return
    near = wanted[np.searchsorted(wanted, keys[0]) : np.searchsorted(wanted, keys[-1], side="right")]
    places = np.searchsorted(keys, near)
    marks[places[keys[places] == near]] = True
