"""What of a spool is durable and not in a lake yet: its segments as they grow, and when its inputs were alive."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from teiten.station.alive import Alive
from teiten.station.made import Made
from teiten.station.segments import About, data_of
from teiten.station.spool import Spool


@dataclass(slots=True)
class Growing:
    """A segment that is not wholly in the lake. ends, times: of records with bytes, how far these reach and when they came
    (unix time); those of bytes that the lake has are let go of, but for the last. first: when its first bytes came."""

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

    @property
    def identity(self) -> str:
        """What it is called in the lake."""
        return f"{self.about.id}/{self.number:08d}"

    @property
    def path(self) -> Path | None:
        """Where its bytes are; None where they are no longer kept."""
        return data_of(self.folder, self.number)

    def took(self) -> None:
        """The lake has all of it that is known here."""
        self.made = self.end
        del self.ends[:-1], self.times[:-1]


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
                held.made = self.ends.get(held.identity, 0)
            for record in one.records:
                if record.end > held.end:
                    held.first = held.first or record.at
                    held.ends.append(record.end)
                    held.times.append(record.at)
                    held.end = record.end
                held.sealed = held.sealed or "seal" in record.told
        for stream in list(self.growing):
            self._advance(stream)

    def drop_gone(self) -> int:
        """Lets go of sealed segments whose bytes are no longer there: the lake never has all of them. How many."""
        gone = 0
        for stream, own in self.growing.items():
            for one in own.values():
                if one.sealed and one.end > one.made and one.about.sensor is not None and one.path is None:
                    one.took()
                    gone += 1
            if gone:
                self._advance(stream)
        return gone

    def work(self) -> list[Growing]:
        """Segments of which the lake has not all: of each stream in order, the streams with the least of it first."""
        streams = []
        for own in self.growing.values():
            mine = [one for _, one in sorted(own.items()) if one.end > one.made and one.about.sensor is not None]
            streams.append((sum(one.end - one.made for one in mine), mine))
        return [one for _, mine in sorted(streams, key=lambda pair: pair[0]) for one in mine]

    def behind(self) -> int:
        """Bytes that are durable and not in the lake."""
        return sum(one.end - one.made for one in self.work())

    def took(self, one: Growing) -> None:
        """All of it that is known here is in the lake."""
        one.took()
        self.ends[one.identity] = one.end
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
