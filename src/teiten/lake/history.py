"""What the lake has of a sensor's inputs: which bytes of an input it knows, and the lines to compare new ones with."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from teiten.lake._lake import Lake
    from teiten.lake.overlap import Alignment

MAX_LINES: Final = 8_000_000
"""stored lines that are held in memory for one comparison; the latest are taken first"""
SLACK: Final = dt.timedelta(days=1)
"""how far apart in time stored and new lines may lie and still be compared: a wrong zone or summer time is less"""
_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Known:
    """A source as the lake has it: its uncompressed bytes [0, end) have that SHA-256; `lines` of them were read.

    tail: what stood after `end` without a line end when it was read last (its line's bytes), and whether it made events.
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


@dataclass(slots=True)
class Resume:
    """Where the reading of an input begins: at its start, or after what a known source has of it."""

    start: int = 0
    known: Known | None = None
    sha: Any = field(default_factory=hashlib.sha256)


class History:
    """The batches of one sensor, as they were when it was made."""

    def __init__(self, lake: Lake, sensor: str) -> None:
        columns = ["batch", "source_id", "source", "sensor", "start", "end", "sha256", "first_line", "lines", "had_already"]
        columns += ["t_min", "t_max", "new_lines", "tail", "tail_made", "reached"]
        self._lake = lake
        everything = lake.batches(columns)
        self.last_source = int(everything["source_id"].max() or 0) if everything.height else 0  # type: ignore[arg-type]
        self._batches = everything.filter(pl.col("sensor") == sensor)

    def candidates(self, first_line: str) -> list[Known]:
        """The sensor's sources that begin with that line, those of which most was read first."""
        rows = self._batches.filter(pl.col("first_line") == first_line)
        out = []
        for _, own in rows.group_by("source_id", maintain_order=True):
            last = own.row(-1, named=True)
            tails = int((own["tail"].bin.size("b") > 0).sum())
            # a tail is read again when its source goes on, so that its line counts once
            lines = int(own["lines"].sum()) - tails
            out.append(
                Known(
                    last["source_id"], last["source"], last["end"], last["sha256"], lines, last["tail"] or b"",
                    bool(last["tail_made"]), last["batch"], {int(k): v for k, v in json.loads(last["reached"] or "{}").items()},
                )
            )  # fmt: skip
        return sorted(out, key=lambda k: -k.end)

    def resume(self, first_line: str, stream: Callable[[], Any], progress: Callable[[int], None] | None = None) -> Resume:
        """Compares an input's bytes with the candidates' hashes in one pass; the farthest match is where reading begins."""
        candidates = self.candidates(first_line)
        if not candidates:
            return Resume()
        best = Resume()
        by_end: dict[int, list[Known]] = {}
        for known in candidates:
            by_end.setdefault(known.end, []).append(known)
        sha, at = hashlib.sha256(), 0
        source = stream()
        try:
            for end in sorted(by_end):
                while at < end:
                    piece = source.read(min(_PIECE, end - at))
                    if not piece:
                        return best
                    sha.update(piece)
                    at += len(piece)
                    if progress is not None:
                        progress(at)
                digest = sha.hexdigest()
                same = [k for k in by_end[end] if k.sha256 == digest]
                if same:
                    best = Resume(end, max(same, key=lambda k: k.last_batch), sha.copy())
        finally:
            source.close()
        return best

    def near(self, low: dt.datetime | None, high: dt.datetime | None, resumed: Known | None) -> tuple[int, ...]:
        """Numbers of the batches with whose lines new ones of [low, high] are to be compared.

        Those within `SLACK` of that time, or whose own time is not known; with low = None those of any time. The latest
        first, up to `MAX_LINES` lines. A source that is resumed is not compared with its own lines.
        """
        rows = self._batches.filter(pl.col("new_lines") > 0)
        if resumed is not None:
            rows = rows.filter(pl.col("source_id") != resumed.source_id)
        if low is not None and high is not None:
            near = (pl.col("t_min") <= high + SLACK) & (pl.col("t_max") >= low - SLACK)
            rows = rows.filter(near | pl.col("t_min").is_null())
        rows = rows.sort("batch", descending=True).filter(pl.col("new_lines").cum_sum() <= MAX_LINES)
        return tuple(sorted(rows["batch"].to_list()))

    def alignment(
        self, numbers: tuple[int, ...], reached: Mapping[int, int], cursor: tuple[int, int] | None = None
    ) -> Alignment:
        """The stored lines of those batches, to compare an input with that came so far in earlier comparisons."""
        from teiten.lake.overlap import Alignment, Stream

        rows = self._batches.filter(pl.col("batch").is_in(numbers)).sort("batch")
        hashes = self._lake.line_hashes(list(numbers))
        streams = []
        for (source_id,), own in rows.group_by("source_id", maintain_order=True):
            every = self._batches.filter(pl.col("source_id") == source_id)
            first = every.row(0, named=True)
            before = int(every.filter(pl.col("batch") < own["batch"][0])["new_lines"].sum())
            parts = [np.frombuffer(hashes[n], dtype="<u8") for n in own["batch"].to_list()]
            streams.append(
                Stream(
                    source_id=int(str(source_id)),
                    hashes=np.concatenate(parts).astype(np.uint64, copy=False),
                    before=before,
                    preceded=before > 0 or first["had_already"] > 0 or first["start"] > 0,
                    reach=reached.get(int(str(source_id)), 0),
                )
            )
        found = Alignment(streams)
        found.go_on(cursor)
        return found
