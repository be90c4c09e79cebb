"""MaxMind's database format (MMDB), read whole: every network with the record it leads to.

The format: a binary tree of addresses, 16 zero bytes, records, and a marked map of metadata at the end
(https://maxmind.github.io/MaxMind-DB/). A file is a stranger's: the tree's walk is bounded by its number of nodes, a
record by its depth and its number of values, so that no file makes it run on or out of memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

MARK: Final = b"\xab\xcd\xefMaxMind.com"
MARK_WITHIN: Final = 128 * 1024
MAX_SIZE: Final = 4 << 30
MAX_DEPTH: Final = 16
MAX_VALUES: Final = 4_096
SEPARATOR: Final = 16
_POINTER, _STRING, _DOUBLE, _BYTES, _U16, _U32, _MAP, _I32, _U64, _U128, _ARRAY, _BOOLEAN, _FLOAT = (
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15,
)  # fmt: skip


class _Records:
    """The section of records. ValueError for anything that the format does not allow."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._left = 0

    def at(self, offset: int) -> Any:
        """The value at that offset of the section."""
        self._left = MAX_VALUES
        return self._value(offset, 0)[0]

    def _take(self, offset: int, size: int) -> bytes:
        if offset < 0 or offset + size > len(self.data):
            raise ValueError("a record ends after the file does")
        return self.data[offset : offset + size]

    def _value(self, offset: int, depth: int, *, pointed: bool = False) -> tuple[Any, int]:
        """The value at `offset`, and where the next one begins."""
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise ValueError("a record is nested too deeply, or holds too many values")
        control = self._take(offset, 1)[0]
        kind, size, offset = control >> 5, control & 31, offset + 1
        if kind == _POINTER:
            if pointed:
                raise ValueError("a pointer leads to a pointer")
            return self._pointed(size, offset, depth)
        if kind == 0:
            kind, offset = 7 + self._take(offset, 1)[0], offset + 1
        if size > 28:
            width = size - 28
            size = (29, 285, 65_821)[width - 1] + int.from_bytes(self._take(offset, width), "big")
            offset += width
        return self._of_kind(kind, size, offset, depth)

    def _pointed(self, size: int, offset: int, depth: int) -> tuple[Any, int]:
        width = (size >> 3) + 1
        number = int.from_bytes(self._take(offset, width), "big")
        if width < 4:
            number += ((size & 7) << (8 * width)) + (0, 2048, 526_336)[width - 1]
        return self._value(number, depth + 1, pointed=True)[0], offset + width

    def _of_kind(self, kind: int, size: int, offset: int, depth: int) -> tuple[Any, int]:
        if kind == _MAP:
            found = {}
            for _ in range(size):
                key, offset = self._value(offset, depth + 1)
                if not isinstance(key, str):
                    raise ValueError("the key of a map is no text")
                found[key], offset = self._value(offset, depth + 1)
            return found, offset
        if kind == _ARRAY:
            items = []
            for _ in range(size):
                item, offset = self._value(offset, depth + 1)
                items.append(item)
            return items, offset
        if kind == _BOOLEAN:
            return bool(size), offset
        raw, offset = self._take(offset, size), offset + size
        if kind == _STRING:
            return raw.decode("utf-8", "replace"), offset
        if kind in (_U16, _U32, _U64, _U128) and size <= 16:
            return int.from_bytes(raw, "big"), offset
        if kind == _I32 and size <= 4:
            return int.from_bytes(raw.rjust(4, b"\0"), "big", signed=True), offset
        if kind == _DOUBLE and size == 8:
            return struct.unpack(">d", raw)[0], offset
        if kind == _FLOAT and size == 4:
            return struct.unpack(">f", raw)[0], offset
        if kind == _BYTES:
            return raw, offset
        raise ValueError(f"a value of kind {kind} and size {size}")


@dataclass(frozen=True, slots=True)
class Network:
    """A network and where its record lies."""

    family: int
    first: int
    last: int
    record: int


class Database:
    """An MMDB file. ValueError where it is none, or is broken; OSError where it cannot be read."""

    def __init__(self, path: Path) -> None:
        if path.stat().st_size > MAX_SIZE:
            raise ValueError("it is larger than 4 GiB")
        data = path.read_bytes()
        begin = data.rfind(MARK, max(0, len(data) - MARK_WITHIN))
        if begin < 0:
            raise ValueError("it is no MMDB file")
        about = _Records(data[begin + len(MARK) :]).at(0)
        if not isinstance(about, dict):
            raise ValueError("its metadata are no map")
        self.about: dict[str, Any] = about
        nodes, bits, version = (self._number(k) for k in ("node_count", "record_size", "ip_version"))
        if self._number("binary_format_major_version") != 2 or bits not in (24, 28, 32) or version not in (4, 6):
            raise ValueError("it is of a version of the format that I do not know")
        size = nodes * bits // 4
        if not nodes or size + SEPARATOR > begin:
            raise ValueError("its tree is longer than the file")
        self.version = version
        self._tree = _tree(data[:size], bits)
        self._records = _Records(data[size + SEPARATOR : begin])

    def _number(self, key: str) -> int:
        value = self.about.get(key)
        if not isinstance(value, int):
            raise ValueError(f"its metadata lack {key}")
        return value

    def record(self, offset: int) -> Any:
        """The record at that place (`Network.record`). ValueError where it is broken."""
        return self._records.at(offset)

    def networks(self) -> Iterator[Network]:
        """Every network that has a record; what an IPv6 tree repeats of IPv4 (2002::/16 and others) only as IPv4."""
        count = len(self._tree)
        four = 0
        if self.version == 6:
            for _ in range(96):
                if four >= count:
                    break
                four = int(self._tree[four, 0])
            yield from self._walk(6, 0, four)
        if four < count:
            yield from self._walk(4, four, None)
        elif four > count:
            yield Network(4, 0, (1 << 32) - 1, four - count - SEPARATOR)

    def _walk(self, family: int, root: int, leave_out: int | None) -> Iterator[Network]:
        """All leaves below `root`, level by level; a node named `leave_out` is not entered."""
        count, width = len(self._tree), 32 if family == 4 else 128
        nodes = np.array([root], dtype=np.int64)
        # the address so far, as its upper and lower 64 bits
        high, low = np.zeros(1, dtype=np.uint64), np.zeros(1, dtype=np.uint64)
        visited = 0
        for depth in range(1, width + 1):
            visited += len(nodes)
            if visited > 2 * count + width:
                raise ValueError("its tree leads back to itself")
            shift = width - depth
            bit = np.uint64(1 << (shift & 63))
            children = self._tree[nodes].reshape(-1)
            up = np.repeat(high, 2)
            down = np.repeat(low, 2)
            if shift >= 64:
                up[1::2] |= bit
            else:
                down[1::2] |= bit
            for i in np.flatnonzero(children > count).tolist():
                first = int(up[i]) << 64 | int(down[i])
                yield Network(family, first, first + (1 << shift) - 1, int(children[i]) - count - SEPARATOR)
            inner = children < count
            if leave_out is not None:
                inner &= children != leave_out
            nodes, high, low = children[inner], up[inner], down[inner]
            if not len(nodes):
                return


def _tree(data: bytes, bits: int) -> npt.NDArray[np.int64]:
    """(nodes, 2): each node's left and right record."""
    raw = np.frombuffer(data, dtype=np.uint8).reshape(-1, bits // 4).astype(np.int64)
    if bits == 24:
        left, right = _join(raw, 0, 3), _join(raw, 3, 6)
    elif bits == 28:
        left = (raw[:, 3] >> 4) << 24 | _join(raw, 0, 3)
        right = (raw[:, 3] & 15) << 24 | _join(raw, 4, 7)
    else:
        left, right = _join(raw, 0, 4), _join(raw, 4, 8)
    return np.stack([left, right], axis=1)


def _join(raw: npt.NDArray[np.int64], begin: int, end: int) -> npt.NDArray[np.int64]:
    number = raw[:, begin].copy()
    for column in range(begin + 1, end):
        number = number << 8 | raw[:, column]
    return number
