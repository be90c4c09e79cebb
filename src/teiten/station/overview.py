"""What a spool holds, stream by stream: from when to when, how much, what was lost, what of it is not yet in the lake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from teiten.station.made import Made
from teiten.station.records import parse
from teiten.station.segments import About, data_of, lines_of, numbers
from teiten.station.spool import Spool


@dataclass(slots=True)
class Held:
    """A stream. begin, end: times of its first and last record (unix time), None where it has none; bytes: as they came;
    on_disk: what they take, packed or not; gone: segments whose bytes are no longer kept; behind: bytes not yet in the lake."""

    about: About
    begin: float | None = None
    end: float | None = None
    segments: int = 0
    bytes: int = 0
    on_disk: int = 0
    gone: int = 0
    behind: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)


def overview(spool: Spool, made: Made | None) -> Iterator[Held]:
    """Each stream, by input and sensor. Reads all chains. OSError."""
    for own in sorted(spool.streams(), key=lambda one: (one.input, one.sensor or "", one.id)):
        out, counts = Held(own), dict[str, int]()
        folder = spool.streams_path / own.id
        for number in numbers(folder):
            size, last = 0, None
            for line in lines_of(folder, number):
                one = parse(line)
                if one is None:
                    break
                size, last = one.end, one
                out.begin = one.at if out.begin is None else out.begin
                for name, many in one.counts.items():
                    counts[name] = counts.get(name, 0) + many
            path = data_of(folder, number)
            out.segments += 1
            out.bytes += size
            out.on_disk += path.stat().st_size if path is not None else 0
            out.gone += path is None and size > 0
            out.end = last.at if last is not None else out.end
            if own.sensor is not None:
                out.behind += size - (made.end(own.id, number, size) if made is not None else 0)
        out.counts = counts
        yield out


def taken(spool: Spool) -> int:
    """Bytes that the streams' files take, data and chains."""
    return sum(path.stat().st_size for folder in spool.streams_path.iterdir() if folder.is_dir() for path in folder.iterdir())
