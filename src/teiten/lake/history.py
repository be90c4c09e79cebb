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

if TYPE_CHECKING:
    from teiten.lake._lake import Lake
    from teiten.lake.batch import Batch
    from teiten.lake.overlap import Alignment

Ints = npt.NDArray[np.int64]

MAX_LINES: Final = 8_000_000
"""stored lines that are held in memory for one comparison; the latest are taken first"""
SLACK: Final = dt.timedelta(days=1)
"""how far apart in time stored and new lines may lie and still be compared: a wrong zone or summer time is less"""
_PIECE: Final = 1 << 20
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


class History:
    """The lake's batches as they were when it was made, and those that were added since (`add`)."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._rows: list[dict[str, Any]] = lake.batches(_COLUMNS).to_dicts()
        self.last_source: int = max((row["source_id"] for row in self._rows), default=0)
        self._hashes: dict[int, bytes] = {}
        self._held = 0

    def add(self, number: int, batch: Batch) -> None:
        """Takes in a batch that was committed."""
        row = {name: getattr(batch, name, None) for name in _COLUMNS}
        row |= {"batch": number, "reached": json.dumps(dict(batch.reached))}
        self._rows.append(row)
        self.last_source = max(self.last_source, batch.source_id)
        self._keep(number, batch.line_hashes)
        self._forget()

    def candidates(self, sensor: str, first_line: str) -> list[Known]:
        """The sensor's sources that begin with that line, those of which most was read first."""
        sources: dict[int, list[dict[str, Any]]] = {}
        for row in self._rows:
            if row["sensor"] == sensor and row["first_line"] == first_line:
                sources.setdefault(row["source_id"], []).append(row)
        out = []
        for own in sources.values():
            last = own[-1]
            # a tail is read again when its source goes on, so that its line counts once
            lines = sum(row["lines"] - bool(row["tail"]) for row in own)
            reached = {int(k): v for k, v in json.loads(last["reached"] or "{}").items()}
            out.append(
                Known(
                    last["source_id"], last["source"], last["end"], last["sha256"], lines, last["tail"] or b"",
                    bool(last["tail_made"]), last["batch"], reached,
                )
            )  # fmt: skip
        return sorted(out, key=lambda k: -k.end)

    def resume(self, sensor: str, first_line: str, stream: Callable[[], Any]) -> Resume:
        """Compares an input's bytes with the candidates' hashes in one pass; the farthest match is where reading begins."""
        by_end: dict[int, list[Known]] = {}
        for known in self.candidates(sensor, first_line):
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

    def has_others(self, sensor: str, own: int) -> bool:
        """Is there any line of the sensor from another source than `own`?"""
        return any(row["sensor"] == sensor and row["source_id"] != own and row["new_lines"] for row in self._rows)

    def has_hashed(self, sensor: str, own: int, fmt: str) -> bool:
        """Has the sensor another source of that format of which every line has its hash, as captures had in older lakes?"""
        return any(
            row["sensor"] == sensor and row["source_id"] != own and row["hashed"] is None and row["format"] == fmt
            for row in self._rows
        )

    def packets(self, sensor: str, own: int) -> list[dict[str, Any]]:
        """Rows (`_COLUMNS`) of the sensor's batches, of other sources, whose records are told by their events."""
        return [
            row
            for row in self._rows
            if row["hashed"] is not None and row["new_lines"] and row["sensor"] == sensor and row["source_id"] != own
        ]

    def near(
        self, sensor: str, low: dt.datetime | None, high: dt.datetime | None, own: int, fmt: str | None = None
    ) -> tuple[int, ...]:
        """Numbers of the sensor's batches with whose lines' hashes new ones of [low, high] are to be compared.

        With `fmt`: of that format alone.

        Those within `SLACK` of that time, or whose own time is not known; with low = None those of any time. The latest
        first, up to `MAX_LINES` lines. A source is not compared with its own lines (`own`).
        """
        found, lines = [], 0
        for row in reversed(self._rows):
            if row["sensor"] != sensor or row["source_id"] == own or not row["new_lines"] or row["hashed"] is not None:
                continue
            if fmt is not None and row["format"] != fmt:
                continue
            if low is not None and high is not None and row["t_min"] is not None:
                apart = row["t_min"] > high + SLACK or row["t_max"] < low - SLACK
                if apart:
                    continue
            lines += row["new_lines"]
            if lines > MAX_LINES:
                break
            found.append(row["batch"])
        return tuple(reversed(found))

    def alignment(
        self, numbers: tuple[int, ...], reached: Mapping[int, int], cursor: tuple[int, int] | None = None
    ) -> Alignment:
        """The stored lines of those batches, to compare an input with that came so far in earlier comparisons."""
        from teiten.lake.overlap import Alignment, Stream

        self._load(numbers)
        sources: dict[int, list[dict[str, Any]]] = {}
        for row in self._rows:
            sources.setdefault(row["source_id"], []).append(row)
        wanted = set(numbers)
        streams = []
        for source_id, every in sources.items():
            own = [row for row in every if row["batch"] in wanted]
            if not own:
                continue
            before = sum(row["new_lines"] for row in every if row["batch"] < own[0]["batch"])
            parts = [np.frombuffer(self._hashes[row["batch"]], dtype="<u8") for row in own]
            streams.append(
                Stream(
                    source_id=source_id,
                    hashes=np.concatenate(parts).astype(np.uint64, copy=False),
                    before=before,
                    preceded=before > 0 or every[0]["had_already"] > 0 or every[0]["start"] > 0,
                    reach=reached.get(source_id, 0),
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
