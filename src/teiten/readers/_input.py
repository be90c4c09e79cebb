"""Inputs: files, folders, globs and stdin as streams of uncompressed bytes, in the true order of a rotated set."""

from __future__ import annotations

import bz2
import datetime as dt
import glob
import importlib
import io
import lzma
import os
import re
import stat
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from teiten.errors import InputError
from teiten.settings import Reading

HEAD: Final = 65536
_PIECE: Final = 1 << 18
"""compressed bytes that are read at a time"""
_STEP: Final = 1 << 20
"""uncompressed bytes that are asked for at a time: what bounds a bomb's memory"""

_MAGIC: Final = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"))


def compression(head: bytes) -> str | None:
    """gzip, bzip2, xz, zstd by the first bytes, whatever the name; None for plain bytes."""
    for magic, name in _MAGIC:
        if head.startswith(magic) and (name != "bzip2" or re.match(rb"BZh[1-9](1AY&SY|\x17\x72\x45\x38)", head[:10])):
            return name
    return None


def what_is(head: bytes) -> str:
    """In words, for a head that no reader recognises."""
    known = (
        (b"\xd4\xc3\xb2\xa1", "a packet capture"), (b"\xa1\xb2\xc3\xd4", "a packet capture"),
        (b"\x4d\x3c\xb2\xa1", "a packet capture"), (b"\x0a\x0d\x0d\x0a", "a packet capture (pcapng)"),
        (b"LPKSHHRH", "a journal of systemd (read it with: journalctl --file FILE -o export | teiten decode -)"),
        (b"PAR1", "a Parquet file"), (b"PK\x03\x04", "a zip archive"), (b"%PDF", "a PDF document"),
        (b"\x89PNG", "an image"), (b"\x7fELF", "a program"), (b"\xff\xfe", "text in UTF-16 (convert it to UTF-8)"),
        (b"SQLite format 3", "an SQLite database"), (b"snoop\0\0\0", "a capture of Solaris' snoop (convert it with editcap)"),
        (b"GMBU", "a capture of Network Monitor (convert it with editcap)"),
    )  # fmt: skip
    begin = head[:4].hex(" ")
    unknown = f"it begins with {begin}, which is no capture's magic number, and holds no lines of text"
    return next((f"it is {text}" for magic, text in known if head.startswith(magic)), unknown)


# decompression --------------------------------------------------------------------------------------------------------


class _Member(Protocol):
    def feed(self, data: bytes, most: int) -> bytes: ...
    @property
    def finished(self) -> bool: ...
    @property
    def hungry(self) -> bool: ...
    def rest(self) -> bytes: ...


class _Gzip:
    """One member of a .gz."""

    def __init__(self) -> None:
        self._z = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes, most: int) -> bytes:
        return self._z.decompress(self._z.unconsumed_tail + data, most)

    @property
    def finished(self) -> bool:
        return self._z.eof

    @property
    def hungry(self) -> bool:
        return not self._z.unconsumed_tail

    def rest(self) -> bytes:
        return self._z.unused_data


class _Block:
    """One stream of a .bz2 or .xz, one frame of a .zst."""

    def __init__(self, z: Any) -> None:
        self._z = z

    def feed(self, data: bytes, most: int) -> bytes:
        out: bytes = self._z.decompress(data, most)
        return out

    @property
    def finished(self) -> bool:
        return bool(self._z.eof)

    @property
    def hungry(self) -> bool:
        return bool(self._z.needs_input)

    def rest(self) -> bytes:
        return bytes(self._z.unused_data)


def zstd() -> Any:
    """The module for .zst: Python's own from 3.14 on, before that the same code as a package."""
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return importlib.import_module(name)


def _zstd_frame() -> _Block:
    """One frame of a .zst. A frame that wants a window of more than 128 MiB (zstd --ultra --long=28) is broken to us."""
    module = zstd()
    return _Block(module.ZstdDecompressor(options={module.DecompressionParameter.window_log_max: 27}))


def _member(kind: str) -> _Member:
    if kind == "gzip":
        return _Gzip()
    if kind == "zstd":
        return _zstd_frame()
    return _Block(bz2.BZ2Decompressor() if kind == "bzip2" else lzma.LZMADecompressor())


class Unpacked(io.RawIOBase):
    """The uncompressed bytes of a compressed file: several members in a row, padding with zeros.

    Where the file ends too early, or is broken, what came before is kept: the stream ends and `trouble` says why.
    A bomb (settings.Reading) is refused with InputError.
    """

    def __init__(self, raw: BinaryIO, kind: str, name: str, reading: Reading, first: bytes = b"") -> None:
        super().__init__()
        self._raw, self._kind, self._name, self._reading = raw, kind, name, reading
        self._first = first
        self._member: _Member | None = None
        self._left = b""
        self._out = memoryview(b"")
        self._in = 0
        self._came = 0
        self._ended = False
        self.trouble: str | None = None

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()

    def readinto(self, target: Any) -> int:
        view = memoryview(target).cast("B")
        if not self._out and not self._ended:
            self._fill(min(len(view), _STEP) or 1)
        n = min(len(view), len(self._out))
        view[:n] = self._out[:n]
        self._out = self._out[n:]
        return n

    def _more(self) -> bytes:
        data = self._first or self._raw.read(_PIECE) or b""
        self._first = b""
        self._in += len(data)
        return data

    def _fill(self, most: int) -> None:
        try:
            out = self._step(most)
        except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
            self._stop(f"is broken ({_reason(error)})")
            return
        except Exception as error:  # naming ZstdError would import its module for every log
            if type(error).__name__ != "ZstdError":
                raise
            self._stop(f"is broken ({_reason(error)})")
            return
        if not out:
            self._ended = True
            return
        self._came += len(out)
        limits = self._reading
        if self._came > limits.ratio_floor and self._came > limits.max_ratio * max(1, self._in):
            raise InputError(
                f"{self._name} is refused: {self._came:,} bytes came out of {self._in:,}, "
                f"more than {limits.max_ratio} times as many, as of a decompression bomb.",
                hint="If it is what it should be, raise max_ratio under [reading] in teiten.toml.",
            )
        self._out = memoryview(out)

    def _stop(self, why: str) -> None:
        self._ended = True
        self.trouble = f"{self._name} {why} after {self._came:,} bytes of text; what came before is kept."

    def _step(self, most: int) -> bytes:
        """Some uncompressed bytes, at most `most`; empty at the end."""
        while True:
            if self._member is None:
                while not self._left.strip(b"\0"):
                    self._left = self._more()
                    if not self._left:
                        return b""
                self._left = self._left.lstrip(b"\0")
                if self._came and compression(self._left + self._peek(self._left)) != self._kind:
                    self._stop("has bytes after its end that are no more of it, ignored,")
                    return b""
                self._member = _member(self._kind)
            data = b""
            if self._member.hungry:
                data = self._left or self._more()
                self._left = b""
                if not data:
                    self._stop("is cut off")
                    return b""
            out = self._member.feed(data, most)
            if self._member.finished:
                self._left = self._member.rest()
                self._member = None
            if out:
                return out

    def _peek(self, left: bytes) -> bytes:
        """Makes sure that a member's magic is there to be looked at."""
        if len(left) < 10:
            more = self._more()
            self._left = left + more
            return more
        return b""


def _reason(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__


class _Prefixed(io.RawIOBase):
    """Bytes that were already read from a stream, and then its rest."""

    def __init__(self, first: bytes, raw: Any, *, own: bool) -> None:
        super().__init__()
        self._first, self._raw, self._own = memoryview(first), raw, own

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        view = memoryview(target).cast("B")
        if self._first:
            n = min(len(view), len(self._first))
            view[:n] = self._first[:n]
            self._first = self._first[n:]
            return n
        data = self._raw.read(len(view)) or b""
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed and self._own:
            self._raw.close()
        super().close()

    @property
    def trouble(self) -> str | None:
        return getattr(self._raw, "trouble", None)


# inputs ---------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Input:
    """One file or stream. `name` as shown; `mtime` aware, UTC; `size` on disk; a stream that is not `seekable` can be
    opened once.

    identity: what it is called wherever it lies (a segment of a spool), by which alone it is known again; `end`: what lies
    beyond that (uncompressed) byte is not read, since more is being written there.
    """

    name: str
    path: Path | None
    mtime: dt.datetime | None
    size: int | None
    seekable: bool
    reading: Reading = field(default_factory=Reading)
    named: bool = True
    """by the user, not found in a folder"""
    compression: str | None = None
    identity: str = ""
    end: int | None = None
    _head: bytes | None = None
    _stream: Any = None

    def open(self) -> BinaryIO:
        """The uncompressed bytes from offset 0. Its `trouble`, where it has one, says at the end why it ended early."""
        if not self.seekable:
            self.head()
            if self._stream is None:
                raise InputError(f"{self.name} can be read only once.")
            stream, self._stream = _Prefixed(self._head or b"", self._stream, own=self.path is not None), None
            return stream  # type: ignore[return-value]
        raw: Any = self._raw()
        if self.compression is not None:
            raw = Unpacked(raw, self.compression, self.name, self.reading)
        return raw if self.end is None else _Bounded(raw, self.end)  # type: ignore[return-value]

    def _raw(self) -> BinaryIO:
        assert self.path is not None
        try:
            return self.path.open("rb", buffering=0)
        except OSError as error:
            raise _cannot(self.name, error) from None

    def head(self) -> bytes:
        """The first 64 KiB, uncompressed."""
        if self._head is None:
            if self.seekable:
                with self.open() as stream:
                    self._head = exactly(stream, HEAD)
            else:
                raw = self._stream if self._stream is not None else self._raw()
                first = _some(raw, 10)
                self.compression = compression(first)
                if self.compression:
                    raw = Unpacked(raw, self.compression, self.name, self.reading, first)
                    self._head = _some(raw, HEAD)
                else:
                    self._head = first + _some(raw, 0)
                self._stream = raw
        return self._head


class _Bounded(io.RawIOBase):
    """A stream up to some byte."""

    def __init__(self, raw: Any, end: int) -> None:
        super().__init__()
        self._raw, self._end, self._at = raw, end, 0

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only from the beginning")
        self._at = int(self._raw.seek(offset))
        return self._at

    def readinto(self, target: Any) -> int:
        view = memoryview(target).cast("B")[: max(0, self._end - self._at)]
        got = int(self._raw.readinto(view) or 0) if len(view) else 0
        self._at += got
        return got

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()

    @property
    def trouble(self) -> str | None:
        return getattr(self._raw, "trouble", None)


def _some(stream: Any, least: int) -> bytes:
    """At least so many bytes where the stream has them, and no waiting for more than that: a live pipe goes on."""
    out = b""
    while len(out) < max(1, least) if least != HEAD else len(out) == 0:
        piece = stream.read(HEAD - len(out))
        if not piece:
            break
        out += piece
    return out


def exactly(stream: Any, n: int) -> bytes:
    """That many bytes; fewer where the stream ends before."""
    out = bytearray()
    while len(out) < n:
        piece = stream.read(n - len(out))
        if not piece:
            break
        out += piece
    return bytes(out)


def _cannot(name: str, error: OSError) -> InputError:
    if isinstance(error, FileNotFoundError):
        return InputError(f"There is no file {name}.", hint="Check its name.")
    if isinstance(error, PermissionError):
        return InputError(f"{name} cannot be read: permission denied.", hint="Read it as a user who may, or change its rights.")
    return InputError(f"{name} cannot be read: {error.strerror or error}.")


def _stdin(reading: Reading) -> Input:
    stream = getattr(sys.stdin, "buffer", None)
    raw = getattr(stream, "raw", stream)
    if raw is None:
        raise InputError("There is nothing on stdin.")
    return Input("-", None, None, None, False, reading, _stream=raw)


def of(path: Path, reading: Reading | None = None, *, name: str | None = None, named: bool = True) -> Input:
    """The input of one file. InputError where it is missing or unreadable."""
    reading = reading or Reading()
    name = name or str(path)
    try:
        info = path.stat()
        if stat.S_ISDIR(info.st_mode):
            raise InputError(f"{name} is a folder.")
        if not stat.S_ISREG(info.st_mode):
            return Input(name, path, None, None, False, reading, named)
        with path.open("rb") as raw:
            first = raw.read(16)
    except OSError as error:
        raise _cannot(name, error) from None
    kind = compression(first)
    mtime = info.st_mtime
    if kind == "gzip" and len(first) >= 8:
        packed = int.from_bytes(first[4:8], "little")
        if 0 < packed < mtime:  # when the log itself was last written, not when it was packed or copied
            mtime = float(packed)
    return Input(
        name, path, dt.datetime.fromtimestamp(mtime, dt.UTC), info.st_size, True, reading, named, compression=kind
    )  # fmt: skip


def inputs(paths: Sequence[str], reading: Reading | None = None) -> list[Input]:
    """Inputs for files, folders (with what is below them), globs and '-'; each file once, rotated sets oldest first.

    In folders and globs, what is no log is left out. InputError: a missing or unreadable file, a folder without logs.
    """
    reading = reading or Reading()
    out: list[Input] = []
    seen: set[tuple[int, int]] = set()
    for text in paths:
        if text == "-":
            out.append(_stdin(reading))
            continue
        path = Path(text)
        if path.is_dir():
            found = _folder(path, reading)
        elif path.exists() or not glob.has_magic(text):
            found = [of(path, reading, name=text)]
        else:
            files = [Path(p) for p in glob.glob(text, recursive=True)]  # noqa: PTH207
            if not files:
                raise InputError(f"No file matches {text}.", hint="Check the pattern.")
            found = []
            for file in sorted(files, key=rotation_key):
                found += _folder(file, reading) if file.is_dir() else [of(file, reading)]
        for one in found:
            if one.path is not None and one.seekable:
                info = one.path.stat()
                if (info.st_dev, info.st_ino) in seen:
                    continue
                seen.add((info.st_dev, info.st_ino))
            out.append(one)
    return _oldest_first(out)


def _folder(folder: Path, reading: Reading) -> list[Input]:
    from teiten import readers  # the formats decide what a log is; they are not loaded for a file that is named

    found = []
    for base, folders, files in os.walk(folder, onerror=_unreadable):
        folders[:] = sorted(d for d in folders if not d.startswith("."))
        for file in files:
            path = Path(base) / file
            if file.startswith(".") or not path.is_file() or path.stat().st_size == 0:
                continue
            one = of(path, reading, named=False)
            if readers.confidence(one.head()) >= readers.SURE:
                found.append(one)
    if not found:
        raise InputError(f"There are no logs in the folder {folder}.", hint="Name the files themselves, if there should be.")
    return sorted(found, key=lambda i: rotation_key(i.path or Path()))


def _unreadable(error: OSError) -> None:
    raise _cannot(str(error.filename), error) from None


_ENDINGS: Final = re.compile(r"(\.(gz|bz2|xz|zst|zstd|z|old))$", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[.\-_](\d{1,4})$")
_DATE: Final = re.compile(r"[.\-_](\d{4})[-_.]?(\d{2})[-_.]?(\d{2})(?:[-_T.]?(\d{2,6}))?$")


def rotation_key(path: Path) -> tuple[str, int, str, int]:
    """Sorts messages-20260401.gz messages.3.gz messages.2 messages.1 messages: (set, dated < numbered < live, ...)."""
    name = path.name
    old = False
    while match := _ENDINGS.search(name):
        old = old or match.group(2).lower() == "old"
        name = name[: match.start()]
    suffix = ""
    for ending in (".log", ".txt"):  # ulog-20260401.log, kern.1.log
        if name.endswith(ending) and (_DATE.search(name[: -len(ending)]) or _NUMBER.search(name[: -len(ending)])):
            name, suffix = name[: -len(ending)], ending
    folder = str(path.parent)
    if match := _DATE.search(name):
        base = name[: match.start()] + suffix
        return f"{folder}/{base}", 0, "".join(g or "" for g in match.groups()), 0
    if match := _NUMBER.search(name):
        return f"{folder}/{name[: match.start()]}{suffix}", 1, "", -int(match.group(1))
    return f"{folder}/{name}{suffix}", 1 if old else 2, "", 0


def _oldest_first(found: list[Input]) -> list[Input]:
    """The members of a rotated set in their order, at the place of the set's first member; all else as it was given."""
    sets: dict[str, list[Input]] = {}
    order: list[str] = []
    for n, one in enumerate(found):
        key = rotation_key(one.path)[0] if one.path is not None else f"\0{n}"
        if key not in sets:
            order.append(key)
        sets.setdefault(key, []).append(one)
    return [one for key in order for one in sorted(sets[key], key=lambda i: rotation_key(i.path) if i.path else ("", 0, "", 0))]
