"""What of a spool is durable and not in a lake yet: its segments as they grow, and when its inputs were alive."""

from __future__ import annotations

import bisect
import time
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from teiten.station.alive import Alive
from teiten.station.made import Made
from teiten.station.records import Record
from teiten.station.segments import About, data_of
from teiten.station.spool import Spool

BEHIND: Final = 1 << 18
"""bytes of a log that are left, from which on its input has not caught up with it"""
PATIENCE: Final = 60.0
"""seconds for which bytes wait until it has"""


@dataclass(slots=True)
class Growing:
    """A segment that is not wholly in the lake. first: when its first bytes came.

    ends, times, untils, settled: of records with bytes, how far these reach; when they came (unix time); no line of theirs is
    later than; whether the input had then caught up with where they came from. Those of bytes that the lake has are let go of,
    but for the last.
    """

    about: About
    number: int
    told: Mapping[str, Any]
    folder: Path
    end: int = 0
    made: int = 0
    sealed: bool = False
    first: float = 0.0
    ends: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))
    untils: array[float] = field(default_factory=lambda: array("d"))
    settled: array[int] = field(default_factory=lambda: array("b"))
    _waits: float = 0.0

    def add(self, record: Record) -> None:
        """A record with bytes. A log's input says in its mark until when its file was written, and how much of it is left."""
        mark = record.mark if isinstance(record.mark, dict) else {}
        until, behind = mark.get("until"), mark.get("behind")
        self.first = self.first or record.at
        self.end = record.end
        self.ends.append(record.end)
        self.times.append(record.at)
        self.untils.append(min(record.at, float(until)) if isinstance(until, int | float) and until > 0 else record.at)
        self.settled.append(not (isinstance(behind, int) and behind > BEHIND))
        if self.settled[-1]:
            self._waits = 0.0
        else:
            self._waits = self._waits or time.monotonic()

    @property
    def ready(self) -> int:
        """Its durable bytes; of a log of which more is on its way, without those that came since the input was last level with
        it: the years of their stamps are told when it is. Not for longer than `PATIENCE`."""
        if self.sealed or not self._waits or time.monotonic() - self._waits > PATIENCE:
            return self.end
        for place in range(len(self.ends) - 1, -1, -1):
            if self.settled[place]:
                return max(self.made, self.ends[place])
        return self.made

    @property
    def identity(self) -> str:
        """What it is called in the lake."""
        return f"{self.about.id}/{self.number:08d}"

    @property
    def path(self) -> Path | None:
        """Where its bytes are; None where they are no longer kept."""
        return data_of(self.folder, self.number)

    def took(self, end: int) -> None:
        """The lake has its bytes up to there."""
        self.made = end
        known = bisect.bisect_right(self.ends, end) - 1
        if known > 0:
            for column in (self.ends, self.times, self.untils, self.settled):
                del column[:known]


class Unmade:
    """Follows a spool for one lake.

    ends: identity of a segment -> how many of its bytes the lake has. last: what the maker of that lake said before; rows:
    stream -> its last row in the lake's table `watching`. Both only save reading: what they say is checked against `ends`.
    """

    def __init__(
        self,
        spool: Spool,
        ends: Mapping[str, int],
        last: Made | None = None,
        rows: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.spool, self.ends = spool, dict(ends)
        self.whole: dict[str, int] = {}
        """stream -> all its segments up to that number are sealed and in the lake"""
        self.growing: dict[str, dict[int, Growing]] = {}
        self._alive: dict[str, Alive] = {}
        self._rows = dict(rows or {})
        counts: dict[str, list[int]] = {}
        for identity in ends:
            stream, _, number = identity.rpartition("/")
            counts.setdefault(stream, []).append(int(number))
        first = {}
        for stream, row in self._rows.items():
            whole = last.streams.get(stream, 0) if last is not None else 0
            if last is not None and sum(n <= whole for n in counts.get(stream, ())) == last.held.get(stream, 0):
                self.whole[stream] = whole
                first[stream] = min(whole + 1, int(row["segment"]))
        self._follower = spool.follow(first)

    def look(self) -> None:
        """Takes in what became durable since. OSError."""
        for one in self._follower.fresh():
            stream = one.stream.id
            alive = self._alive.get(stream)
            if alive is None:
                alive = self._alive[stream] = Alive(one.stream)
                if (row := self._rows.get(stream)) is not None:
                    alive.go_on_from(row)
            alive.about = one.stream
            had, whole = self.ends.get(one.identity, 0), one.number <= self.whole.get(stream, 0)
            alive.add(one.number, one.records, gone=had if one.path is None and not whole and one.end > had else None)
            if one.number <= self.whole.setdefault(stream, one.number - 1):
                continue
            own = self.growing.setdefault(stream, {})
            held = own.get(one.number)
            if held is None:
                folder = self.spool.streams_path / stream
                held = own[one.number] = Growing(one.stream, one.number, one.told, folder)
                if held.path is None:  # otherwise its bytes are held against what the lake has of it, once
                    held.made = self.ends.get(held.identity, 0)
            for record in one.records:
                if record.end > held.end:
                    held.add(record)
                held.sealed = held.sealed or "seal" in record.told
        for stream in list(self.growing):
            self._advance(stream)

    def drop_gone(self) -> int:
        """Lets go of sealed segments whose bytes are no longer there: the lake never has all of them. How many."""
        gone = 0
        for stream, own in self.growing.items():
            for one in own.values():
                if one.sealed and one.end > one.made and one.about.sensor is not None and one.path is None:
                    one.took(one.end)
                    gone += 1
            if gone:
                self._advance(stream)
        return gone

    def work(self) -> list[Growing]:
        """Segments of which the lake has not all: of each stream in order, the streams with the least of it first."""
        streams = []
        for own in self.growing.values():
            mine = [one for _, one in sorted(own.items()) if one.ready > one.made and one.about.sensor is not None]
            streams.append((sum(one.ready - one.made for one in mine), mine))
        return [one for _, mine in sorted(streams, key=lambda pair: pair[0]) for one in mine]

    def behind(self) -> int:
        """Bytes that are durable and not in the lake."""
        every = (one for own in self.growing.values() for one in own.values() if one.about.sensor is not None)
        return sum(one.end - one.made for one in every)

    def took(self, one: Growing, end: int) -> None:
        """Its bytes up to there are in the lake."""
        one.took(end)
        self.ends[one.identity] = end
        self._advance(one.about.id)

    def _advance(self, stream: str) -> None:
        own = self.growing[stream]
        while own:
            number = min(own)
            one = own[number]
            if number != self._next(stream) or not one.sealed or (one.end > one.made and one.about.sensor is not None):
                return
            self.whole[stream] = number
            del own[number]

    def _next(self, stream: str) -> int:
        return self.whole.get(stream, 0) + 1

    def alive(self) -> Iterator[dict[str, Any]]:
        """Rows of the table `watching` that were begun, or changed, since this was asked last."""
        for one in self._alive.values():
            yield from one.take()

    def open_ends(self) -> dict[str, int]:
        """Identity -> bytes in the lake, of the segments that are not wholly in it."""
        return {one.identity: one.made for own in self.growing.values() for one in own.values() if one.made}

    def held(self) -> dict[str, int]:
        """Stream -> of how many of its segments up to `whole` the lake has anything (an empty one leaves nothing in it)."""
        out = dict.fromkeys(self.whole, 0)
        for identity in self.ends:
            stream, _, number = identity.rpartition("/")
            if int(number) <= self.whole.get(stream, 0):
                out[stream] += 1
        return out
