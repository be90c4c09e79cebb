"""Thrift's compact protocol: what of it the footer and the pages of a Parquet file need."""

from __future__ import annotations

from collections.abc import Sequence


def varint(value: int) -> bytes:
    """A number of 0 or more in as few bytes as it needs, seven bits each."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value: int) -> bytes:
    """Any number, small ones of either sign in few bytes."""
    return varint(2 * value if value >= 0 else -2 * value - 1)


class Struct:
    """A struct's bytes: fields in rising order of their numbers."""

    def __init__(self) -> None:
        self._out = bytearray()
        self._last = 0

    def _field(self, number: int, kind: int) -> None:
        step = number - self._last
        self._last = number
        self._out += bytes([step << 4 | kind])

    def integer(self, number: int, value: int, kind: int = 5) -> Struct:
        """kind: 5 for i32, 6 for i64."""
        self._field(number, kind)
        self._out += zigzag(value)
        return self

    def byte(self, number: int, value: int) -> Struct:
        self._field(number, 3)
        self._out += bytes([value])
        return self

    def truth(self, number: int, value: bool) -> Struct:
        self._field(number, 1 if value else 2)
        return self

    def text(self, number: int, value: bytes) -> Struct:
        self._field(number, 8)
        self._out += varint(len(value)) + value
        return self

    def struct(self, number: int, value: Struct) -> Struct:
        self._field(number, 12)
        self._out += value.end()
        return self

    def many(self, number: int, kind: int, values: Sequence[bytes]) -> Struct:
        self._field(number, 9)
        self._out += bytes([len(values) << 4 | kind]) if len(values) < 15 else bytes([0xF0 | kind]) + varint(len(values))
        self._out += b"".join(values)
        return self

    def end(self) -> bytes:
        return bytes(self._out) + b"\0"
