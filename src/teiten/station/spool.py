"""The spool: what came in, byte for byte, on the disk before it is acknowledged, with a chain of hashes beside it.

    SPOOL/spool.toml                   format
    SPOOL/.lock                        one station at a time
    SPOOL/streams/STREAM/stream.json   sensor, input, kind of data; STREAM is `input.sensor.` and 16 random hex digits
    SPOOL/streams/STREAM/00000001.data     what came in: whole lines, or a capture
    SPOOL/streams/STREAM/00000001.chain    a record of JSON a line, beside it: how far, when, hash, counters, marks

A block is durable when its record is: the data is synced (fsync) before the record is written, and the record before anybody
hears of it. A record holds the hash of its block and the hash of the record before it, through all segments of the stream:
nobody changes a byte, or takes a block out, without `verify` seeing it. After a power cut what lies beyond the last good
record is cut off: it was never acknowledged.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from teiten import __version__
from teiten.errors import TeitenError
from teiten.stationing import NAME

FORMAT: Final = 1
SEGMENT: Final = 16 << 20
"""bytes after which a stream goes on in another segment"""
SEGMENT_AGE: Final = 86400.0
"""seconds after which it does, too: a segment's times lie within a day or so"""
LINES: Final = "lines"
PACKETS: Final = "packets"
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,199}", re.ASCII)
START: Final = "0" * 64
"""what the first record of a stream follows"""


class SpoolError(TeitenError):
    """The spool cannot be opened, read or written."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a chain.

    number   counted through the stream, from 1
    at, up   time of the clock (UTC, seconds), and of the machine's monotonic clock
    end      how many bytes of the segment are durable
    block    SHA-256 of the block that it adds, '' for none (a heartbeat)
    counts   what happened since the record before: `received`, `refused`, `dropped_kernel`, `dropped_queue`, ...
    mark     where the input goes on from, in its own words; None: as before
    told     `start` (a run began: its id, boot id, program), `stop`, `seal` (the segment ends)
    before, sha  hash of the record before it, and of this one
    """

    number: int
    at: float
    up: float
    end: int
    block: str
    before: str
    counts: Mapping[str, int] = field(default_factory=dict)
    mark: Any = None
    told: Mapping[str, Any] = field(default_factory=dict)
    sha: str = ""

    def line(self) -> bytes:
        """The record as it stands in the chain, its own hash last."""
        body = self._body()
        return body[:-1] + b',"sha":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'

    def _body(self) -> bytes:
        out: dict[str, Any] = {
            "n": self.number, "at": round(self.at, 6), "up": round(self.up, 3), "end": self.end, "block": self.block,
            "before": self.before,
        }  # fmt: skip
        if self.counts:
            out["counts"] = dict(sorted(self.counts.items()))
        if self.mark is not None:
            out["mark"] = self.mark
        out.update(self.told)
        return json.dumps(out, separators=(",", ":"), ensure_ascii=False).encode()


_OWN: Final = {"n", "at", "up", "end", "block", "before", "counts", "mark", "sha"}


def parse(line: bytes) -> Record | None:
    """The record of a whole line whose own hash is right; None for any other bytes."""
    try:
        head, mark, tail = line.rpartition(b',"sha":"')
        if not mark or len(tail) != 67 or not tail.endswith(b'"}\n'):
            return None
        sha = tail[:64].decode("ascii")
        if hashlib.sha256(head + b"}").hexdigest() != sha:
            return None
        found = json.loads(line)
        told = {key: value for key, value in found.items() if key not in _OWN}
        return Record(
            int(found["n"]), float(found["at"]), float(found["up"]), int(found["end"]), str(found["block"]),
            str(found["before"]), dict(found.get("counts", {})), found.get("mark"), told, sha,
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, UnicodeDecodeError, RecursionError):
        return None


@dataclass(frozen=True, slots=True)
class About:
    """What a stream is: its id (its folder's name), sensor (None: counters of an input alone), input, and kind of data.

    `told`: what else whoever made it wants to be known (zone, format); JSON.
    """

    id: str
    sensor: str | None
    input: str
    data: str = LINES
    told: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        table = {"id": self.id, "sensor": self.sensor, "input": self.input, "data": self.data, "told": dict(self.told)}
        return json.dumps(table, ensure_ascii=False, indent=1) + "\n"


def about(folder: Path) -> About | None:
    """What a stream's folder says of itself; None where it says nothing that can be read."""
    try:
        found = json.loads((folder / "stream.json").read_text(encoding="utf-8"))
        return About(str(found["id"]), found["sensor"], str(found["input"]), str(found["data"]), dict(found["told"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a stream, as a reader sees it: `end` durable bytes of `path` (.data, or .data.zst once it is packed); path
    is None where the evidence is no longer kept. records: those of its chain that hold."""

    stream: About
    number: int
    path: Path | None
    records: tuple[Record, ...]

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


class Spool:
    """A spool's folder. `Spool.open` makes it; SpoolError where it cannot be, or is of another format."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.streams_path = path / "streams"

    @classmethod
    def open(cls, path: Path) -> Spool:
        """The spool there; made, and on the disk, if it is not."""
        meta = path / "spool.toml"
        try:
            (path / "streams").mkdir(parents=True, exist_ok=True)
            if not meta.exists():
                write_whole(meta, f"# the spool of a teiten station\nformat = {FORMAT}\n".encode())
                sync_folder(path)
                sync_folder(path.parent)
            found = meta.read_text(encoding="utf-8")
        except OSError as error:
            raise SpoolError(
                f"The spool {path} cannot be opened: {error.strerror}.", hint="Choose another with spool under [station]."
            ) from None
        if f"format = {FORMAT}" not in found.splitlines():
            raise SpoolError(
                f"The spool {path} is of another format than {FORMAT}.", hint="A newer teiten made it: use that one."
            )
        return cls(path)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Held while a station writes. SpoolError where another one does."""
        handle = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SpoolError(
                    f"Another station writes to the spool {self.path}.",
                    hint="Stop it first, or give this one a spool of its own.",
                ) from None
            yield
        finally:
            os.close(handle)

    def streams(self) -> list[About]:
        """All streams, in order of their names."""
        found = [about(folder) for folder in sorted(self.streams_path.iterdir()) if folder.is_dir()]
        return [one for one in found if one is not None]

    def stream(self, input: str, sensor: str | None, data: str = LINES, told: Mapping[str, Any] | None = None) -> Stream:
        """The stream of that input and sensor, to write to; made if there is none. Repairs what a power cut left."""
        for one in self.streams():
            if (one.input, one.sensor, one.data) == (input, sensor, data):
                return Stream(self.streams_path / one.id, one)
        name = f"{input}.{sensor}" if sensor else input
        return self.make(About(f"{name}.{secrets.token_hex(8)}", sensor, input, data, told or {}))

    def make(self, one: About) -> Stream:
        """A stream of that id, to write to; made if there is none (a collector keeps a sensor's by the sensor's own id)."""
        folder = self.streams_path / one.id
        if not _ID.fullmatch(one.id) or not NAME.fullmatch(one.input):
            raise SpoolError(f"'{one.id[:200]}' is no name of a stream.")
        if about(folder) is None:
            folder.mkdir(exist_ok=True)
            write_whole(folder / "stream.json", one.text().encode())
            sync_folder(folder)
            sync_folder(self.streams_path)
        return Stream(folder, about(folder) or one)

    def segments(self, stream: str, first: int = 1) -> list[Segment]:
        """The stream's segments from number `first` on, in order, as far as they are durable. Reads their chains whole."""
        folder = self.streams_path / stream
        own = about(folder)
        if own is None:
            return []
        out = []
        for chain in sorted(folder.glob("*.chain")):
            number = int(chain.stem)
            if number >= first:
                out.append(Segment(own, number, data_of(folder, number), tuple(records(chain))))
        return out


def data_of(folder: Path, number: int) -> Path | None:
    """Where a segment's bytes are: plain, packed, or None."""
    for ending in (".data", ".data.zst"):
        path = folder / f"{number:08d}{ending}"
        if path.exists():
            return path
    return None


def records(chain: Path) -> list[Record]:
    """The records of a chain up to the first that does not hold (torn, changed, or not following the one before)."""
    out: list[Record] = []
    try:
        whole = chain.read_bytes()
    except FileNotFoundError:
        return out
    for line in whole.splitlines(keepends=True):
        one = parse(line)
        if one is None or (out and (one.before != out[-1].sha or one.number != out[-1].number + 1 or one.end < out[-1].end)):
            break
        out.append(one)
    return out


class Stream:
    """A stream to write to, by one thread at a time. What `commit` returned from is durable.

    limit: bytes after which a segment is sealed; head: what each segment begins with (a capture's file header).
    """

    def __init__(self, folder: Path, about: About, *, limit: int = SEGMENT) -> None:
        self.folder, self.about, self.limit = folder, about, limit
        self.head = b""
        self.mark: Any = None
        """the last durable mark"""
        self.cut = 0
        """bytes beyond the last good record that were cut off when it was opened: they were never acknowledged"""
        self.number = max((int(p.stem) for p in folder.glob("*.chain")), default=0)
        self.last = Record(0, 0.0, 0.0, 0, "", START)
        self.sha = START
        self._data: int | None = None
        self._chain: int | None = None
        self._chain_end = 0
        self._begun = time.time()
        self._starting: dict[str, Any] | None = None
        if self.number:
            self._recover()

    # writing ---------------------------------------------------------------------------------------------------------

    def commit(
        self, block: bytes = b"", *, counts: Mapping[str, int] | None = None, mark: Any = None,
        told: Mapping[str, Any] | None = None, at: float | None = None,
    ) -> Record:  # fmt: skip
        """Puts the block down (whole lines; nothing for a heartbeat) with its counters and mark, for good.

        OSError where the disk does not take it: then nothing has changed, and the same call may be made again.
        """
        if self._data is None:
            self._begin()
        elif self.last.end >= self.limit or (self.last.end and time.time() - self._begun >= SEGMENT_AGE):
            self.seal()
            self._begin()
        assert self._data is not None
        if block and self.head and self.last.end == 0:
            block = self.head + block
        if block:
            _put(self._data, block, self.last.end)
        return self._record(block, counts or {}, mark, told or {}, at)

    def begin_with(self, head: bytes) -> None:
        """Each segment begins with that (a capture's file header); one that goes on and begins otherwise is sealed."""
        self.head = head
        if not self.last.end or "seal" in self.last.told:
            return
        data = data_of(self.folder, self.number)
        with data.open("rb") if data is not None else contextlib.nullcontext() as stream:
            first = stream.read(len(head)) if stream is not None else b""
        if first != head:
            self._begin()
            self.seal()

    def run(self, more: Mapping[str, Any] | None = None) -> Record:
        """Says that a run begins: whoever writes is alive from now on."""
        told = {"run": secrets.token_hex(8), "boot": boot_id(), "program": __version__, **(more or {})}
        return self.commit(told={"start": told})

    def stop(self) -> Record:
        """Says that the run ends as it should."""
        return self.commit(told={"stop": True})

    def seal(self) -> None:
        """Ends the segment: the next commit begins another."""
        if self._data is None:
            return
        self._record(b"", {}, None, {"seal": True}, None)
        self.close()

    def close(self) -> None:
        """Lets go of the files. What was committed stays."""
        for handle in (self._data, self._chain):
            if handle is not None:
                os.close(handle)
        self._data = self._chain = None

    def _record(self, block: bytes, counts: Mapping[str, int], mark: Any, told: Mapping[str, Any], at: float | None) -> Record:
        assert self._chain is not None
        digest = hashlib.sha256(block).hexdigest() if block else ""
        now = Record(
            self.last.number + 1, time.time() if at is None else at, time.monotonic(), self.last.end + len(block), digest,
            self.sha, {k: v for k, v in counts.items() if v}, mark, told,
        )  # fmt: skip
        line = now.line()
        _put(self._chain, line, self._chain_end)
        self._chain_end += len(line)
        self.last, self.sha = now, line[-67:-3].decode()
        if mark is not None:
            self.mark = mark
        return now

    def _begin(self) -> None:
        """Opens the segment that goes on, or the next one."""
        name = self.folder / f"{self.number:08d}"
        if not self.number or "seal" in self.last.told:
            self.number += 1
            name = self.folder / f"{self.number:08d}"
            self.last = Record(self.last.number, 0.0, 0.0, 0, "", self.sha)
            self._chain_end = 0
            self._begun = time.time()
        self._data = os.open(name.with_suffix(".data"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            self._chain = os.open(name.with_suffix(".chain"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            sync_folder(self.folder)
        except OSError:
            self.close()
            raise

    # after a stop ----------------------------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Finds the last record that holds and whose bytes are there, and cuts off what lies beyond it."""
        chain = self.folder / f"{self.number:08d}.chain"
        before = self._before()
        good = records(chain)
        if good and good[0].before != before[0]:
            good = []
        data = self.folder / f"{self.number:08d}.data"
        packed = data_of(self.folder, self.number) != data
        good = good if packed else _held(data, good)
        self.sha, self.last = (good[-1].sha, good[-1]) if good else (before[0], Record(before[1], 0.0, 0.0, 0, "", before[0]))
        self._begun = good[0].at if good else time.time()
        self._chain_end = sum(map(len, chain.read_bytes().splitlines(keepends=True)[: len(good)])) if good else 0
        self.mark = next((one.mark for one in reversed(good) if one.mark is not None), before[2])
        if not packed:
            self.cut = _cut(data, self.last.end)
            _cut(chain, self._chain_end)

    def _before(self) -> tuple[str, int, Any]:
        """Hash and number of the last record before this segment, and the last mark before it."""
        sha, number, mark = START, 0, None
        for back in range(self.number - 1, 0, -1):
            older = records(self.folder / f"{back:08d}.chain")
            if older and not number:
                sha, number = older[-1].sha, older[-1].number
            mark = next((one.mark for one in reversed(older) if one.mark is not None), None)
            if number and mark is not None:
                break
        return sha, number, mark


def _held(data: Path, found: list[Record]) -> list[Record]:
    """Those of the records whose bytes are there and have their hash."""
    out: list[Record] = []
    try:
        with data.open("rb") as stream:
            at = 0
            for one in found:
                block = stream.read(one.end - at)
                if len(block) < one.end - at or (hashlib.sha256(block).hexdigest() if block else "") != one.block:
                    break
                out.append(one)
                at = one.end
    except FileNotFoundError:
        return []
    return out


def _cut(path: Path, end: int) -> int:
    """Cuts a file at `end`, for good; how many bytes that were."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        beyond = os.fstat(handle).st_size - end
        if beyond > 0:
            os.ftruncate(handle, end)
            os.fsync(handle)
        return max(0, beyond)
    finally:
        os.close(handle)


def _put(handle: int, data: bytes, at: int) -> None:
    """Writes all of it there, and syncs. A call that failed may be made again: it writes the same bytes anew."""
    view, done = memoryview(data), 0
    while done < len(view):
        done += os.pwrite(handle, view[done:], at + done)
    os.fsync(handle)


def write_whole(path: Path, data: bytes) -> None:
    """A small file, all of it or as it was before, on the disk."""
    fresh = path.with_name(path.name + f".{secrets.token_hex(4)}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    try:
        _put(handle, data, 0)
    finally:
        os.close(handle)
    fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """The names in a folder are on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def boot_id() -> str:
    """Which boot of the machine this is; '' where nobody says."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
