"""Whole lines of a stream in blocks of a few megabytes, in bounded memory; a line that is too long is streamed past."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

BLOCK: Final = 4 << 20
PAD: Final = 64
"""bytes after a block's last that may be looked at (they are line feeds)"""


@dataclass(slots=True)
class Block:
    """`data[:size]` holds whole lines; the first byte is at `offset` of the input. `long`: it is the beginning of one
    line that was too long to keep, and that ends at `end`."""

    data: npt.NDArray[np.uint8]
    raw: bytearray
    size: int
    offset: int
    end: int
    long: bool = False


class Pool:
    """Buffers that are used again."""

    def __init__(self) -> None:
        self._free: list[bytearray] = []

    def take(self, size: int) -> bytearray:
        for i, buffer in enumerate(self._free):
            if len(buffer) >= size:
                return self._free.pop(i)
        return bytearray(size)

    def give(self, buffer: bytearray) -> None:
        if len(self._free) < 8:
            self._free.append(buffer)


def _fill(stream: Any, view: memoryview) -> int:
    got = 0
    while got < len(view):
        n = stream.readinto(view[got:])
        if not n:
            break
        got += n
    return got


def skip_to(stream: BinaryIO, offset: int, plain: bool) -> None:
    """Goes to that byte: by seeking in a plain file, else by reading."""
    if plain:
        stream.seek(offset)
        return
    left = offset
    while left > 0:
        piece = stream.read(min(left, 1 << 20))
        if not piece:
            return
        left -= len(piece)


def blocks(stream: Any, offset: int, max_line: int, pool: Pool, size: int = BLOCK) -> Iterator[Block]:
    """The stream's lines from where it stands, which is byte `offset` of the input. Give `raw` back to the pool."""
    # a full buffer without a line feed must hold more than the longest line that is allowed
    capacity = max(size, max_line + 2)
    carried = b""
    while True:
        raw = pool.take(capacity + PAD)
        view = memoryview(raw)
        view[: len(carried)] = carried
        filled = len(carried) + _fill(stream, view[len(carried) : capacity])
        if filled == 0:
            pool.give(raw)
            return
        whole = filled < capacity
        cut = filled if whole else raw.rfind(b"\n", 0, filled) + 1
        if cut == 0:
            end = _past(stream, offset + filled)
            yield Block(np.frombuffer(raw, np.uint8), raw, filled, offset, end, long=True)
            offset, carried = end, b""
            continue
        carried = bytes(view[cut:filled])
        view[cut : cut + PAD] = b"\n" * PAD
        yield Block(np.frombuffer(raw, np.uint8), raw, cut, offset, offset + cut)
        offset += cut
        if whole:
            return


def _past(stream: Any, offset: int) -> int:
    """Reads on to the end of the line: the offset after it. What of the next line was read is put back."""
    while True:
        piece = stream.read(1 << 20)
        if not piece:
            return offset
        at = piece.find(b"\n")
        if at >= 0:
            stream.unread(piece[at + 1 :])
            return int(offset + at + 1)
        offset += len(piece)


class Stream:
    """A stream with `unread`."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._back = b""

    def unread(self, data: bytes) -> None:
        self._back = data + self._back

    def read(self, n: int) -> bytes:
        if self._back:
            out, self._back = self._back[:n], self._back[n:]
            return out
        out = self._raw.read(n)
        return out or b""

    def readinto(self, view: memoryview) -> int:
        if self._back:
            n = min(len(view), len(self._back))
            view[:n] = self._back[:n]
            self._back = self._back[n:]
            return n
        return int(self._raw.readinto(view) or 0)

    def seek(self, offset: int) -> None:
        self._raw.seek(offset)
        self._back = b""

    @property
    def trouble(self) -> str | None:
        return getattr(self._raw, "trouble", None)

    def close(self) -> None:
        self._raw.close()
