"""What an input is known by: the SHA-256 of its bytes as far as they were read, its first line, a line at some place."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from teiten.readers._input import Input

TAIL: Final = 1 << 16
"""bytes that are looked at behind a place, for a line that has no end yet"""


class Digest:
    """SHA-256 of an input's bytes from its beginning, on a thread of its own, at the places where batches end.

    Where the input can be opened again, its bytes are read a second time (they are in the page cache); a pipe's bytes are
    taken as the reader reads them.
    """

    def __init__(self, source: Input, sha: Any, start: int) -> None:
        """Goes on from `sha`, which has the bytes before `start`."""
        self._sha = sha.copy()
        self._at = start
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="teiten-hash")
        self._stream: Any = None
        self._ahead = bytearray()
        if source.seekable:
            self._stream = source.open()
            if source.compression is None:
                self._stream.seek(start)
            else:
                left = start
                while left and (piece := self._stream.read(min(left, 1 << 20))):
                    left -= len(piece)

    def feed(self, data: bytes) -> None:
        """Bytes of a pipe, as they are read."""
        self._ahead += data

    def advance(self, end: int) -> None:
        """Goes on to that byte, in the background."""
        self._pool.submit(self._to, end)

    def at(self, end: int) -> tuple[str, bytes]:
        """The digest of [0, end) in hexadecimal, and some bytes from there on."""
        return self._pool.submit(self._digest, end).result()

    def _more(self, n: int) -> bytes:
        if self._ahead or self._stream is None:
            piece = bytes(self._ahead[:n])
            del self._ahead[:n]
            return piece
        out: bytes = self._stream.read(n)
        return out or b""

    def _to(self, end: int) -> None:
        while self._at < end:
            piece = self._more(min(1 << 20, end - self._at))
            if not piece:
                return
            self._sha.update(piece)
            self._at += len(piece)

    def _digest(self, end: int) -> tuple[str, bytes]:
        self._to(end)
        while len(self._ahead) < TAIL and self._stream is not None and (piece := self._stream.read(TAIL)):
            self._ahead += piece
        return self._sha.hexdigest(), bytes(self._ahead[:TAIL])

    def state(self) -> Any:
        """The hash as it is where `at` was asked last, to go on from."""
        return self._sha.copy()

    def close(self) -> None:
        self._pool.shutdown()
        if self._stream is not None:
            self._stream.close()


class Piped:
    """An input that can be opened once, whose bytes are shown to the digest as they are read."""

    def __init__(self, source: Input, digest: Digest) -> None:
        self._source, self._digest = source, digest

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def open(self) -> Any:
        return _Shown(self._source.open(), self._digest)


class _Shown:
    def __init__(self, stream: Any, digest: Digest) -> None:
        self._stream, self._digest = stream, digest

    def read(self, n: int = -1) -> bytes:
        data: bytes = self._stream.read(n) or b""
        self._digest.feed(data)
        return data

    def readinto(self, target: Any) -> int:
        n = int(self._stream.readinto(target) or 0)
        self._digest.feed(bytes(memoryview(target)[:n]))
        return n

    def close(self) -> None:
        self._stream.close()

    @property
    def trouble(self) -> str | None:
        return getattr(self._stream, "trouble", None)


def first_line(head: bytes, lines: bool, identity: str = "") -> str:
    """What an input is known by at a glance: its identity where it has one, else its first line, or a capture's header."""
    begin = head.partition(b"\n")[0].rstrip(b"\r") if lines else head[:24]
    if identity:
        begin = b"\0" + identity.encode()
    return hashlib.sha256(begin).hexdigest()[:32]


def line_at(stream: Any, offset: int, plain: bool) -> bytes:
    """The line that begins there, up to 64 KiB of it."""
    if plain:
        stream.seek(offset)
    else:
        left = offset
        while left and (piece := stream.read(min(left, 1 << 20))):
            left -= len(piece)
    out = b""
    while b"\n" not in out and len(out) < TAIL and (piece := stream.read(TAIL)):
        out += piece
    return out.partition(b"\n")[0]
