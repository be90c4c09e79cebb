"""Segments that are packed (zstd): made, and read as if they were not."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import os
import secrets
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from teiten import disk

_PIECE: Final = 1 << 20
LEVEL: Final = 6
"""of zstd: logs shrink to a sixth or so; more takes a small machine too long"""


class BadPackError(Exception):
    """What is there cannot be unpacked."""


def _zstd() -> Any:
    """Imported where something is packed or unpacked, not before: a sensor's memory is small."""
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def pack(path: Path, end: int) -> tuple[Path, str]:
    """Packs the first `end` bytes of a file beside it (NAME.zst), for good; the new file, and the SHA-256 of those bytes.

    The old one stays. OSError; BadPackError where what was packed does not give the same bytes again.
    """
    into = path.with_name(path.name + ".zst")
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    squeeze, sha = _zstd().ZstdCompressor(level=LEVEL), hashlib.sha256()
    try:
        with path.open("rb") as plain, fresh.open("xb") as out:
            rest = end
            while rest and (piece := plain.read(min(_PIECE, rest))):
                sha.update(piece)
                rest -= len(piece)
                out.write(squeeze.compress(piece))
            out.write(squeeze.flush())
            out.flush()
            os.fsync(out.fileno())
        again = hashlib.sha256()
        for piece in _pieces(fresh):
            again.update(piece)
        if rest or again.digest() != sha.digest():
            raise BadPackError("it does not give its bytes again")
        fresh.replace(into)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    disk.sync_folder(path.parent)
    return into, sha.hexdigest()


def _pieces(path: Path) -> Any:
    zstd = _zstd()
    try:
        with zstd.open(path, "rb") as stream:
            while piece := stream.read(_PIECE):
                yield piece
    except (zstd.ZstdError, EOFError) as error:
        raise BadPackError(str(error) or "it ends in the middle") from None


def whole(path: Path) -> bytes:
    """All bytes of a packed file. OSError, BadPackError."""
    return b"".join(_pieces(path))


def read(path: Path, start: int, end: int) -> bytes:
    """Bytes `start` to `end` of a file, packed or plain; fewer where there are fewer. OSError, BadPackError."""
    if path.suffix != ".zst":
        with path.open("rb") as stream:
            stream.seek(start)
            return stream.read(max(0, end - start))
    out, at = [], 0
    for piece in _pieces(path):
        if at + len(piece) > start:
            out.append(piece[max(0, start - at) : end - at])
        at += len(piece)
        if at >= end:
            break
    return b"".join(out)


def opened(path: Path) -> BinaryIO:
    """The file's bytes as a stream, unpacked where it is packed. OSError; reading what is damaged: BadPackError."""
    return cast(BinaryIO, io.BufferedReader(_Unpacked(path), _PIECE)) if path.suffix == ".zst" else path.open("rb")


class _Unpacked(io.RawIOBase):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._pieces = _pieces(path)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        if not self._left:
            self._left = memoryview(next(self._pieces, b""))
        many = min(len(target), len(self._left))
        memoryview(target).cast("B")[:many] = self._left[:many]
        self._left = self._left[many:]
        return many
