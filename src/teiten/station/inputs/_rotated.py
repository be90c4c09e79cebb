"""A log and what rotation made of it: the names of its older parts, in which order, and which of them is the one known.

A log's parts are told by what is in them, never by their inode alone: a file system gives a removed file's number to the next.
"""

from __future__ import annotations

import bz2
import errno
import fcntl
import glob
import gzip
import hashlib
import importlib
import lzma
import os
import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

PRINT: Final = 1024
"""bytes of a file's beginning, and before a place in it, by which it is known again"""
_TRIES: Final = 50
"""how often a folder is listed until two lists in a row are the same: names move while a log is rotated"""
_GETVERSION: Final = 0x80087601
"""FS_IOC_GETVERSION of Linux"""
_PACKED: Final = re.compile(r"\.(gz|bz2|xz|zst|zstd|lzma)$", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[.\-_](\d{1,4})", re.ASCII)
_DATE: Final = re.compile(r"[.\-_](\d[\d.\-_:T]{3,})", re.ASCII)
_MAGIC: Final = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"))
_PCAP: Final = (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a")


def packing(head: bytes) -> str | None:
    """gzip, bzip2, xz, zstd by a file's first bytes; None: none of them."""
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def captured(head: bytes) -> bool:
    """Are these the first bytes of a capture?"""
    return head.startswith(_PCAP)


def unpacked(stream: BinaryIO, kind: str) -> Any:
    """The uncompressed bytes. EOFError, OSError, lzma.LZMAError where they end too early or are broken, when they are read."""
    if kind == "gzip":
        return gzip.GzipFile(fileobj=stream)
    if kind == "bzip2":
        return bz2.BZ2File(stream)
    if kind == "xz":
        return lzma.LZMAFile(stream)
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd").ZstdFile(stream)


BROKEN: Final = (EOFError, OSError, lzma.LZMAError, ValueError, ImportError)
"""what reading a compressed file may raise"""


def digest(data: bytes) -> str:
    """A short hash by which bytes are known again."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


# names ------------------------------------------------------------------------------------------------------------------


def age(log: str, name: str) -> tuple[int, str, int] | None:
    """A key that sorts what rotation made of the file name `log`, oldest first; None: `name` is no part of it.

    kern.log.2.gz kern.log-20260401 kern-20260401.log kern.1.log kern.log.old; dated before numbered, as `teiten ingest` sorts.
    """
    bare = _PACKED.sub("", name)
    if bare == log:
        return (2, "", 0) if bare != name else None  # kern.log.gz: the newest that was put away
    stem, dot, ending = log.rpartition(".")
    if bare.startswith(log):
        rest = bare[len(log) :]
    elif stem and bare.startswith(stem) and bare.endswith(dot + ending) and len(bare) > len(log):
        rest = bare[len(stem) : -len(ending) - 1]
    else:
        return None
    if rest in (".old", "~"):
        return 2, "", 0
    if match := _NUMBER.fullmatch(rest):
        return 1, "", -int(match[1])
    if match := _DATE.fullmatch(rest):
        return 0, re.sub(r"\D", "", match[1]), 0
    return None


@dataclass(frozen=True, slots=True)
class Part:
    """A file that is a part of a log: where, and what `stat` said of it. live: it has the log's own name."""

    path: Path
    info: os.stat_result
    live: bool = False

    @property
    def inode(self) -> tuple[int, int]:
        return self.info.st_dev, self.info.st_ino


def parts(log: Path, rotated: str | None = None) -> list[Part]:
    """The log's parts, oldest first, itself last (if it is there). OSError where the folder cannot be listed.

    rotated: a pattern of where the older ones are, if not beside it.
    """
    before, found = None, list[Part]()
    for _ in range(_TRIES):
        try:
            found = _listed(log, rotated)
        except (FileNotFoundError, NotADirectoryError):
            found = []
        now = [(part.path, part.inode) for part in found]
        if now == before:
            break
        before = now
    return found


def _listed(log: Path, rotated: str | None) -> list[Part]:
    home = Path(os.path.realpath(log))
    keys: list[tuple[tuple[int, str, int], float, Part]] = []
    named = {}
    if rotated is not None:
        names = [Path(name) for name in glob.glob(rotated)]  # noqa: PTH207
    else:
        names = [home.parent / name for name in os.listdir(home.parent) if name.startswith(home.name[:4])]  # noqa: PTH208
    for path in names:
        key = age(home.name, path.name) or age(log.name, path.name) or ((0, "", 0) if rotated is not None else None)
        if key is not None and path not in (home, log):
            named[path] = key
    plain = {str(path) for path in named}
    for path, key in named.items():
        if _PACKED.search(path.name) and _PACKED.sub("", str(path)) in plain:
            continue  # it is being packed: the plain one is whole
        info = _stat(path)
        if info is not None:
            keys.append((key, info.st_mtime, Part(path, info)))
    own = _stat(log)
    keys.sort(key=lambda one: one[:2])
    out = [part for _, _, part in keys if own is None or part.inode != (own.st_dev, own.st_ino)]
    return [*out, Part(log, own, True)] if own is not None else out


def _stat(path: Path) -> os.stat_result | None:
    """None: not there, or no file."""
    try:
        info = path.stat()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        raise
    return info if (info.st_mode & 0o170000) == 0o100000 else None


def opened(part: Part) -> int | None:
    """A handle on that very file; None where the name belongs to another by now. OSError."""
    try:
        handle = os.open(part.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    info = os.fstat(handle)
    if (info.st_dev, info.st_ino) != part.inode:
        os.close(handle)
        return None
    return handle


# places -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """How far a part was put down, and how it is known again: by hashes of its first bytes and of those before `offset`.

    inode: `identity` of the file it was when it was followed; at: when it was last written to; open: it may still grow.
    """

    offset: int
    head: str
    tail: str
    inode: str
    at: float
    open: bool
    begin: bytes = b""
    """the first bytes themselves, of a place that this process read to, or that is among them"""

    def plain(self) -> list[Any]:
        """As JSON. The bytes of a file that is short stand there, too: a copy that ends earlier is known by them alone."""
        out = [self.offset, self.head, self.tail, self.inode, round(self.at, 3), int(self.open)]
        return [*out, self.begin.decode("latin-1")] if self.open and 0 < self.offset < PRINT else out

    @classmethod
    def of(cls, given: Any) -> Place:
        """From a mark. ValueError, TypeError for anything else."""
        offset, head, tail, inode, at, is_open, *begin = given
        place = cls(int(offset), str(head), str(tail), str(inode), float(at), bool(is_open))
        return replace(place, begin=str(begin[0]).encode("latin-1")) if begin else place


def identity(handle: int) -> str:
    """A file's inode and, where its file system says so, which life of it: a number is given again, with another generation."""
    number = os.fstat(handle).st_ino
    try:
        return f"{number}.{struct.unpack('=l', fcntl.ioctl(handle, _GETVERSION, bytes(8))[:4])[0]}"
    except OSError:
        return str(number)


def head_of(handle: int, most: int = PRINT) -> bytes:
    """The first uncompressed bytes of a file, as far as it is whole. OSError."""
    head = os.pread(handle, most, 0)
    kind = packing(head)
    if kind is None:
        return head
    out = b""
    try:
        with open(os.dup(handle), "rb") as raw:  # noqa: PTH123
            raw.seek(0)
            stream = unpacked(raw, kind)
            while len(out) < most and (piece := stream.read1(most - len(out))):
                out += piece
    except BROKEN:
        pass
    return out


def holds(handle: int, places: list[Place]) -> Place | None:
    """Which of the places lies in this file; the farthest, where several do. OSError."""
    head = head_of(handle)
    able = [p for p in places if p.offset and len(head) >= min(PRINT, p.offset) and digest(head[: p.offset]) == p.head]
    if not able:
        return None
    able.sort(key=lambda p: p.offset)
    if packing(os.pread(handle, 8, 0)) is None:
        right = [p for p in able if digest(os.pread(handle, min(PRINT, p.offset), max(0, p.offset - PRINT))) == p.tail]
        return right[-1] if right else None
    found = None
    for place, tail in zip(able, _tails(handle, [p.offset for p in able]), strict=False):
        if digest(tail) == place.tail:
            found = place
    return found


def shorter(handle: int, place: Place) -> bool:
    """Is this file a copy of the place's that was made before all was read from that one? OSError."""
    head = head_of(handle)
    if not place.begin or not head or not place.begin.startswith(head):
        return False
    if packing(os.pread(handle, 8, 0)) is None:
        return os.fstat(handle).st_size < place.offset
    return not list(_tails(handle, [place.offset]))


def _tails(handle: int, offsets: list[int]) -> Iterator[bytes]:
    """What stands before each of the (rising) offsets in a compressed file, as far as it can be read."""
    try:
        with open(os.dup(handle), "rb") as raw:  # noqa: PTH123
            raw.seek(0)
            stream = unpacked(raw, packing(os.pread(handle, 8, 0)) or "gzip")
            at, tail = 0, b""
            for offset in offsets:
                while at < offset:
                    piece = stream.read1(min(1 << 18, offset - at))
                    if not piece:
                        return
                    at, tail = at + len(piece), (tail + piece)[-PRINT:]
                yield tail
    except BROKEN:
        return
