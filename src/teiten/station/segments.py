"""What lies in a stream's folder, as a reader finds it: whose it is, its segments, their records and bytes."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from teiten.errors import TeitenError
from teiten.station import _packed
from teiten.station.records import Record, held

LINES: Final = "lines"
PACKETS: Final = "packets"
_CHAIN: Final = re.compile(r"(\d{8})\.chain(\.zst)?", re.ASCII)


class SpoolError(TeitenError):
    """The spool cannot be opened, read or written."""


@dataclass(frozen=True, slots=True)
class About:
    """What a stream is: its id (its folder's name), sensor (None: counters of an input alone), input, and kind of data.

    told: what else whoever made it wants to be known (zone, format); JSON. follows: the damaged stream whose input goes on in
    this one, from `mark` on.
    """

    id: str
    sensor: str | None
    input: str
    data: str = LINES
    told: Mapping[str, Any] = field(default_factory=dict)
    follows: str = ""
    mark: Any = None

    def text(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"


def about(folder: Path) -> About | None:
    """What a stream's folder says of itself, or the first record of its newest segment; None where nothing can be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return _about(json.loads((folder / "stream.json").read_text(encoding="utf-8")))
    for number in reversed(numbers(folder)):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, IndexError):
            return _about(records(folder, number)[0].told["as"])
    return None


def _about(found: Mapping[str, Any]) -> About:
    sensor = found["sensor"]
    told = dict(found["told"])
    return About(
        str(found["id"]), None if sensor is None else str(sensor), str(found["input"]), str(found["data"]), told,
        str(found.get("follows", "")), found.get("mark"),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a stream, as a reader sees it: `end` durable bytes of `path` (.data, or .data.zst once it is packed); path
    is None where the evidence is no longer kept. records: those of its chain that hold (a Follower: those that are new).
    told: zone, format, as they were when it was written."""

    stream: About
    number: int
    path: Path | None
    records: tuple[Record, ...]
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def end(self) -> int:
        return self.records[-1].end if self.records else 0

    @property
    def sealed(self) -> bool:
        return bool(self.records) and "seal" in self.records[-1].told

    @property
    def identity(self) -> str:
        """What it is called in the lake, whatever spool it lies in."""
        return f"{self.stream.id}/{self.number:08d}"

    def read(self, start: int, end: int) -> bytes:
        """Those of its bytes; fewer where there are fewer. OSError, SpoolError (packed, and damaged)."""
        if self.path is None:
            return b""
        try:
            return _packed.read(self.path, start, end)
        except _packed.BadPackError as error:
            raise SpoolError(f"{self.path} is damaged: {error}.") from None


def numbers(folder: Path) -> list[int]:
    """The numbers of a stream's segments, in order."""
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    return sorted({int(match[1]) for name in names if (match := _CHAIN.fullmatch(name))})


def data_of(folder: Path, number: int) -> Path | None:
    """Where a segment's bytes are: plain, packed, or None."""
    for ending in (".data", ".data.zst"):
        path = folder / f"{number:08d}{ending}"
        if path.exists():
            return path
    return None


def chain_of(folder: Path, number: int) -> list[bytes]:
    """The lines of a segment's chain, plain or packed; what the end of a torn one is, is in there too."""
    path = folder / f"{number:08d}.chain"
    try:
        return path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        pass
    try:
        return _packed.whole(path.with_name(path.name + ".zst")).splitlines(keepends=True)
    except (FileNotFoundError, _packed.BadPackError):
        return []


def lines_of(folder: Path, number: int) -> Iterator[bytes]:
    """The same, one after the other: there may be many."""
    try:
        with (folder / f"{number:08d}.chain").open("rb") as stream:
            yield from stream
    except FileNotFoundError:
        yield from chain_of(folder, number)


def records(folder: Path, number: int) -> list[Record]:
    """The records of a segment up to the first that does not hold."""
    return held(chain_of(folder, number))
