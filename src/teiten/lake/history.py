"""What the lake has of a sensor's inputs: which bytes of an input it knows, and the lines to compare new ones with."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

if TYPE_CHECKING:
    from teiten.lake._lake import Lake
    from teiten.lake.batch import Batch
    from teiten.lake.overlap import Alignment

Ints = npt.NDArray[np.int64]

SPOOL: Final = "spool:"
"""how the name of a source begins that is a segment of a station's spool; then come its stream, / and its number"""
MAX_LINES: Final = 8_000_000
"""stored lines that are held in memory for one comparison; the latest are taken first"""
SLACK: Final = dt.timedelta(days=1)
"""how far apart in time stored and new lines may lie and still be compared: a wrong zone or summer time is less"""
_PIECE: Final = 1 << 20
_MANY: Final = 1000
"""batches that were added since, before they are put with the others"""
_HELD: Final = 16 << 20
"""bytes of line hashes that are kept in memory between inputs"""
_COLUMNS: Final = [
    "batch", "source_id", "source", "sensor", "start", "end", "sha256", "first_line", "lines", "had_already",
    "t_min", "t_max", "new_lines", "hashed", "format", "events", "tail", "tail_made", "reached",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """A source as the lake has it: its uncompressed bytes [0, end) have that SHA-256; `lines` of them were read.

    tail: what stood after `end` without a line end when it was read last (its line's bytes, or their seal), and whether it
    made events.
    """

    source_id: int
    name: str
    end: int
    sha256: str
    lines: int
    tail: bytes
    tail_made: bool
    last_batch: int
    reached: dict[int, int] = field(default_factory=dict)
    sensor: str = ""


@dataclass(slots=True)
class Resume:
    """Where the reading of an input begins: at its start, or after what a known source has of it."""

    start: int = 0
    known: Known | None = None
    sha: Any = field(default_factory=hashlib.sha256)


_SEAL: Final = b"\0sealed "


def sealed(tail: bytes, key: int) -> bytes:
    """What is kept in a tail's place when somebody was forgotten: its length and keyed hash, which tell it again."""
    if tail.startswith(_SEAL):
        return tail
    line = tail.rstrip(b"\r")
    return _SEAL + len(line).to_bytes(4, "big") + _digest(line, key)


def _digest(line: bytes, key: int) -> bytes:
    return hashlib.blake2b(line, digest_size=16, key=key.to_bytes(8, "big")).digest()


def compare_tail(tail: bytes, line: bytes, key: int) -> tuple[bool, bool]:
    """Is the line, but for its line end, the one whose bytes (or seal) were kept; and does it begin with them?"""
    whole = line.rstrip(b"\r\n")
    if not tail.startswith(_SEAL):
        return whole == tail.rstrip(b"\r"), line.startswith(tail)
    size, digest = int.from_bytes(tail[len(_SEAL) :][:4], "big"), tail[len(_SEAL) + 4 :]
    return len(whole) == size and _digest(whole, key) == digest, len(line) >= size and _digest(line[:size], key) == digest


def _most(rows: pl.DataFrame) -> int:
    return int(rows["source_id"].max() or 0)  # type: ignore[arg-type]


def _thin(lake: Lake, upto: int | None) -> pl.DataFrame:
    """Rows (`_COLUMNS`) of all that came otherwise than by a spool, and the last of each segment."""
    spooled = pl.col("source").str.starts_with(SPOOL)
    last = lake.batches(["batch", "source_id"], upto, spooled).group_by("source_id").agg(pl.col("batch").max())
    ends = lake.batches(_COLUMNS, upto, pl.col("batch").is_in(last["batch"].to_list()))
    return pl.concat([lake.batches(_COLUMNS, upto, ~spooled), ends]).sort("batch")


def farther(reached: dict[int, int], later: Mapping[int, int]) -> None:
    """Takes in what was reached later, of sources where it is farther."""
    for source, key in later.items():
        reached[source] = max(key, reached.get(source, 0))


class History:
    """The lake's batches as they were when it was made, and those that were added since (`add`)."""

    def __init__(self, lake: Lake, upto: int | None = None, *, thin: bool = False) -> None:
        """upto: the lake's last batch, where it is known already. thin: of what came by a spool only where each segment ends:
        enough for a maker, which a year of small batches would cost gigabytes otherwise."""
        self._lake = lake
        self._frame = _thin(lake, upto) if thin else lake.batches(_COLUMNS, upto)
        self._fresh: list[pl.DataFrame] = []
        self._beside: dict[tuple[object, ...], pl.DataFrame] | None = None
        self._numbers: dict[str, set[int]] = {}
        self.last_source: int = _most(self._frame)
        self._hashes: dict[int, bytes] = {}
        self._held = 0

    def _rows(self) -> pl.DataFrame:
        """All batches, oldest first. A year of one a minute is half a million: they are looked through as columns."""
        if self._fresh:
            self._frame, self._fresh = pl.concat([self._frame, *self._fresh]), []
        return self._frame

    def add(self, number: int, batch: Batch) -> None:
        """Takes in a batch that was committed."""
        row = {name: getattr(batch, name, None) for name in _COLUMNS}
        row |= {"batch": number, "reached": json.dumps(dict(batch.reached))}
        self._fresh.append(pl.DataFrame([row], schema=self._frame.schema))
        if batch.source.startswith(SPOOL):
            self._numbers.setdefault(batch.source, set()).add(batch.source_id)
        else:
            self._beside = None
        if len(self._fresh) >= _MANY:
            self._frame = self._rows().rechunk()
        self.last_source = max(self.last_source, batch.source_id)
        self._keep(number, batch.line_hashes)
        self._forget()

    def candidates(self, sensor: str, first_line: str) -> list[Known]:
        """The sensor's sources that begin with that line, those of which most was read first."""
        return self._candidates((pl.col("first_line") == first_line) & (pl.col("sensor") == sensor))

    def _candidates(self, which: pl.Expr) -> list[Known]:
        of = self._rows().filter(which)
        # a tail is read again when its source goes on, so that its line counts once
        lines = (pl.col("lines") - (pl.col("tail").bin.size() > 0).fill_null(False).cast(pl.Int64)).sum()
        last = ["source", "sensor", "end", "sha256", "tail", "tail_made", "batch", "reached"]
        out = []
        for row in of.group_by("source_id").agg(pl.col(last).last(), lines).iter_rows(named=True):
            reached = {int(k): v for k, v in json.loads(row["reached"] or "{}").items()}
            out.append(
                Known(
                    row["source_id"], row["source"], row["end"], row["sha256"], row["lines"], row["tail"] or b"",
                    bool(row["tail_made"]), row["batch"], reached, row["sensor"],
                )
            )  # fmt: skip
        return sorted(out, key=lambda k: (-k.end, k.source_id))

    def resume(self, sensor: str, first_line: str, stream: Callable[[], Any]) -> Resume:
        """Compares an input's bytes with the candidates' hashes in one pass; the farthest match is where reading begins."""
        return self._farthest(self.candidates(sensor, first_line), stream)

    def elsewhere(self, sensor: str, first_line: str, stream: Callable[[], Any]) -> Known | None:
        """The source of another sensor that has this input's bytes, if there is one."""
        others = (pl.col("first_line") == first_line) & (pl.col("sensor") != sensor) & (pl.col("end") > 0)
        return self._farthest(self._candidates(others), stream).known

    def segments(self) -> dict[str, Known]:
        """The spool's segments that the lake has something of, by their names (`SPOOL` and their identity)."""
        found = self._candidates(pl.col("source").str.starts_with(SPOOL))
        return {known.name: known for known in sorted(found, key=lambda known: known.last_batch)}

    def reached_before(self, sensor: str, name: str) -> dict[int, int]:
        """How far earlier segments of that segment's stream came in other sources' lines: they are one input that goes on."""
        if self._outside(sensor, -1, "").is_empty():
            return {}
        stream = name.rpartition("/")[0] + "/"
        out: dict[int, int] = {}
        for text in self._rows().filter(pl.col("source").str.starts_with(stream))["reached"].unique():
            farther(out, {int(k): v for k, v in json.loads(text or "{}").items()})
        return out

    def begun(self, source_id: int) -> dt.datetime | None:
        """The time of the first event of that source's first batch."""
        own = self._rows().filter((pl.col("source_id") == source_id) & (pl.col("start") == 0))
        return own["t_min"][0] if own.height else None

    def _farthest(self, known_ones: list[Known], stream: Callable[[], Any]) -> Resume:
        by_end: dict[int, list[Known]] = {}
        for known in known_ones:
            by_end.setdefault(known.end, []).append(known)
        best = Resume()
        if not by_end:
            return best
        sha, at = hashlib.sha256(), 0
        with stream() as source:
            for end in sorted(by_end):
                while at < end:
                    piece = source.read(min(_PIECE, end - at))
                    if not piece:
                        return best
                    sha.update(piece)
                    at += len(piece)
                digest = sha.hexdigest()
                same = [k for k in by_end[end] if k.sha256 == digest]
                if same:
                    best = Resume(end, max(same, key=lambda k: k.last_batch), sha.copy())
        return best

    def has_others(self, sensor: str, own: int, segment: str = "") -> bool:
        """Is there any line of the sensor from another source than `own`? `segment`: as in `near`."""
        return not self._others(sensor, own, segment).is_empty()

    def _others(self, sensor: str, own: int, segment: str) -> pl.DataFrame:
        if segment:
            return self._outside(sensor, own, segment)
        return self._rows().filter((pl.col("sensor") == sensor) & (pl.col("source_id") != own) & (pl.col("new_lines") > 0))

    def _outside(self, sensor: str, own: int, segment: str) -> pl.DataFrame:
        """Rows of what came in otherwise than by a spool, and of that segment itself, should its bytes have been others."""
        if self._beside is None:  # asked for every input of every round, and hardly ever other than at the last one
            rows = self._rows()
            spooled = pl.col("source").str.starts_with(SPOOL)
            self._beside = rows.filter(~spooled & (pl.col("new_lines") > 0)).partition_by("sensor", as_dict=True)
            named = rows.filter(spooled).select("source", "source_id").unique()
            self._numbers = {}
            for name, number in named.iter_rows():
                self._numbers.setdefault(name, set()).add(number)
        found = self._beside.get((sensor,), self._frame.clear())
        if self._numbers.get(segment, {own}) == {own}:
            return found
        mine = (pl.col("source") == segment) & (pl.col("source_id") != own) & (pl.col("new_lines") > 0)
        return pl.concat([found, self._rows().filter(mine)])

    def has_hashed(self, sensor: str, own: int, fmt: str, segment: str = "") -> bool:
        """Has the sensor another source of that format of which every line has its hash, as captures had in older lakes?"""
        others = self._others(sensor, own, segment)
        return not others.filter((pl.col("format") == fmt) & pl.col("hashed").is_null()).is_empty()

    def packets(self, sensor: str, own: int, segment: str = "") -> pl.DataFrame:
        """Rows (`_COLUMNS`) of the sensor's batches, of other sources, whose records are told by their events."""
        return self._others(sensor, own, segment).filter(pl.col("hashed").is_not_null())

    def near(
        self,
        sensor: str,
        low: dt.datetime | None,
        high: dt.datetime | None,
        own: int,
        fmt: str | None = None,
        segment: str = "",
    ) -> tuple[int, ...]:
        """Numbers of the sensor's batches with whose lines' hashes new ones of [low, high] are to be compared.

        With `fmt`: of that format alone. With `segment`, the name of a spool's segment: those alone that are of no spool,
        since two equal lines that came in one after the other are two.

        Those within `SLACK` of that time, or whose own time is not known; with low = None those of any time. The latest
        first, up to `MAX_LINES` lines. A source is not compared with its own lines (`own`).
        """
        found = self._others(sensor, own, segment).filter(pl.col("hashed").is_null())
        if fmt is not None:
            found = found.filter(pl.col("format") == fmt)
        if low is not None and high is not None:
            apart = (pl.col("t_min") > high + SLACK) | (pl.col("t_max") < low - SLACK)
            found = found.filter(~apart.fill_null(False))
        found = found.filter(pl.col("new_lines").cum_sum(reverse=True) <= MAX_LINES)
        return tuple(found["batch"])

    def since(self, number: int, sensor: str) -> list[tuple[dt.datetime | None, dt.datetime | None]]:
        """First and last time of the sensor's batches after that one."""
        found = self._rows().filter((pl.col("batch") > number) & (pl.col("sensor") == sensor))
        return list(found.select("t_min", "t_max").iter_rows())

    def alignment(
        self, numbers: tuple[int, ...], reached: Mapping[int, int], cursor: tuple[int, int] | None = None
    ) -> Alignment:
        """The stored lines of those batches, to compare an input with that came so far in earlier comparisons."""
        from teiten.lake.overlap import Alignment, Stream

        self._load(numbers)
        every, wanted = self._rows(), pl.DataFrame({"batch": numbers}, schema={"batch": pl.Int64})
        touched = every.join(wanted, "batch", how="semi").select("source_id").unique()
        every = every.join(touched, "source_id", how="semi", maintain_order="left")
        streams = []
        for (source_id,), rows in every.group_by("source_id", maintain_order=True):
            own = rows.join(wanted, "batch", how="semi", maintain_order="left")["batch"]
            before = int(rows.filter(pl.col("batch") < own[0])["new_lines"].sum())
            parts = [np.frombuffer(self._hashes[number], dtype="<u8") for number in own]
            first = rows.row(0, named=True)
            streams.append(
                Stream(
                    source_id=int(source_id),
                    hashes=np.concatenate(parts).astype(np.uint64, copy=False),
                    before=before,
                    preceded=before > 0 or first["had_already"] > 0 or first["start"] > 0,
                    reach=reached.get(int(source_id), 0),
                )
            )
        found = Alignment(streams)
        found.go_on(cursor)
        self._forget()
        return found

    def kept(self, numbers: Sequence[int]) -> dict[int, bytes]:
        """`line_hashes` of those batches."""
        self._load(numbers)
        found = {number: self._hashes[number] for number in numbers}
        self._forget()
        return found

    def _load(self, numbers: Sequence[int]) -> None:
        missing = [n for n in numbers if n not in self._hashes]
        if missing:
            for number, hashes in self._lake.line_hashes(missing).items():
                self._keep(number, hashes)

    def _keep(self, number: int, hashes: bytes) -> None:
        self._hashes[number] = hashes
        self._held += len(hashes)

    def _forget(self) -> None:
        """Lets go of the oldest hashes beyond a bound; they are read again if they are wanted."""
        while self._held > _HELD and self._hashes:
            number = next(iter(self._hashes))
            self._held -= len(self._hashes.pop(number))
