"""Rows of a reader to a Parquet file, without a frame between: kernels encode, a few bytes of Thrift say what there is.

A row group is encoded on a thread while the next is read. Columns of few distinct values get a dictionary, other integers
packed differences; a page is compressed (zstd, level 1) where that makes it smaller. Read by DuckDB, Polars and Arrow alike:
tests hold it against them. Format: github.com/apache/parquet-format (parquet.thrift, Encodings.md), version 1 pages.
"""

from __future__ import annotations

import socket
import struct
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from teiten import __version__, event
from teiten.readers import _pages
from teiten.readers._base import Plain, Rows
from teiten.readers._input import zstd
from teiten.readers._jit import view

Ints = npt.NDArray[np.int64]

GROUP_ROWS: Final = 122_880
"""rows of a row group, at least, but for the last one: what is encoded at a time, and DuckDB's own number"""
_FEW_TEXTS: Final = 256
_AHEAD: Final = 2
_WORKERS: Final = 2
_NO_NULL: Final = -(1 << 63)
_SPREAD: Final = 1 << 53
_WORTH: Final = 64
"""bytes of a column below which compressing makes it no smaller"""

# numbers of parquet.thrift
_INT32, _INT64, _BYTES = 1, 2, 6
_PLAIN, _RLE, _DELTA, _DICTIONARY = 0, 3, 5, 8
_UNCOMPRESSED, _ZSTD = 0, 6
_PHYSICAL: Final = {"int16": _INT32, "int32": _INT32, "int64": _INT64, "time": _INT64, "text": _BYTES, "address": _BYTES}


# Thrift's compact protocol: what of it a Parquet file needs ------------------------------------------------------------


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _zigzag(value: int) -> bytes:
    return _varint(2 * value if value >= 0 else -2 * value - 1)


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
        self._out += _zigzag(value)
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
        self._out += _varint(len(value)) + value
        return self

    def struct(self, number: int, value: Struct) -> Struct:
        self._field(number, 12)
        self._out += value.end()
        return self

    def many(self, number: int, kind: int, values: Sequence[bytes]) -> Struct:
        self._field(number, 9)
        self._out += bytes([len(values) << 4 | kind]) if len(values) < 15 else bytes([0xF0 | kind]) + _varint(len(values))
        self._out += b"".join(values)
        return self

    def end(self) -> bytes:
        return bytes(self._out) + b"\0"


def _element(column: event.Column) -> bytes:
    """A column in the file's schema."""
    kind = column.kind
    logical = Struct()
    if kind == "time":
        converted = 10
        logical.struct(8, Struct().truth(1, True).struct(2, Struct().struct(2, Struct())))
    elif kind in ("text", "address"):
        converted = 0
        logical.struct(1, Struct())
    else:
        bits = int(kind[3:])
        converted = {16: 16, 32: 17, 64: 18}[bits]
        logical.struct(10, Struct().byte(1, bits).truth(2, True))
    out = Struct().integer(1, _PHYSICAL[kind]).integer(3, 1).text(4, column.name.encode())
    return out.integer(6, converted).struct(10, logical).end()


# columns ----------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Column:
    """A column of a row group, encoded: its pages, and what the footer says of it."""

    name: str
    physical: int
    encoding: int
    rows: int
    nulls: int
    low: bytes | None = None
    high: bytes | None = None
    pages: list[bytes] = field(default_factory=list)
    codec: int = _UNCOMPRESSED
    raw: int = 0
    dictionary: int = 0
    """bytes of the dictionary page with its header; 0 where there is none"""

    def meta(self, offset: int) -> bytes:
        """For the footer, where the column's first page lies at that offset."""
        size = sum(map(len, self.pages))
        encodings = sorted({_PLAIN, _RLE, self.encoding})
        out = Struct().integer(1, self.physical).many(2, 5, [_zigzag(e) for e in encodings])
        name = self.name.encode()
        out.many(3, 8, [_varint(len(name)) + name]).integer(4, self.codec).integer(5, self.rows, 6)
        out.integer(6, self.raw, 6).integer(7, size, 6).integer(9, offset + self.dictionary, 6)
        if self.dictionary:
            out.integer(11, offset, 6)
        told = Struct().integer(3, self.nulls, 6)
        if self.low is not None and self.high is not None:
            told.text(5, self.high).text(6, self.low)
        return Struct().integer(2, offset, 6).struct(3, out.struct(12, told)).end()


class _Encoder:
    """Encodes row groups, one after the other, on one thread: its tables are used again."""

    def __init__(self) -> None:
        self._table = np.zeros(_pages.SMALL, np.int32)
        self._scratch = np.zeros(128, np.int64)
        self._zstd = zstd().ZstdCompressor(level=1)

    def group(self, parts: Sequence[Rows], columns: Sequence[event.Column]) -> list[_Column]:
        sizes = [len(part) for part in parts]
        return [self._column(column, [part.column(column.name) for part in parts], sizes) for column in columns]

    def _column(self, column: event.Column, plains: list[Plain], sizes: list[int]) -> _Column:
        made = _Column(column.name, _PHYSICAL[column.kind], _PLAIN, sum(sizes), 0)
        if column.kind in ("text", "address"):
            if any(p.kind == "addresses" for p in plains) and all(_is_v4(p) for p in plains):
                self._numbers(made, [_filled(p.low, n) for p, n in zip(plains, sizes, strict=True)], _NO_NULL, _quads)
            else:
                values, texts = _as_texts(plains, sizes)
                self._numbers(made, values, -1, lambda chosen: _texts([texts[i] for i in chosen.tolist()]))
        else:
            values = [_integers(p, n) for p, n in zip(plains, sizes, strict=True)]
            kind = "<i4" if made.physical == _INT32 else "<i8"
            self._numbers(made, values, -1 if not column.required else _NO_NULL, lambda chosen: chosen.astype(kind).tobytes())
        return made

    def _numbers(self, made: _Column, parts: list[Ints], null: int, encode: Any) -> None:
        """Fills the pages. `encode` says distinct values plainly."""
        told = np.array([(1 << 63) - 1, _NO_NULL, 0], np.int64)
        for part in parts:
            _pages.survey(view(part), len(part), null, view(told))
        low, high, made.nulls = told.tolist()
        count = made.rows - made.nulls
        levels = self._levels(made, parts, null)
        if count == 0:
            self._finish(made, levels)
            return
        if made.physical != _BYTES:
            form = "<i" if made.physical == _INT32 else "<q"
            made.low, made.high = struct.pack(form, low), struct.pack(form, high)
        if low == high:
            made.encoding = _DICTIONARY
            distinct = np.array([low], np.int64)
            # one value many times: a run of place 0
            data = b"\1" + _varint(count << 1) + b"\0"
        else:
            values = self._whole(parts, null, count)
            data, distinct = self._coded(made, values, low, high)
        if made.encoding == _DICTIONARY:
            words = encode(distinct)
            if made.physical == _BYTES and len(distinct) <= _FEW_TEXTS:
                texts = _split(words)
                made.low, made.high = min(texts), max(texts)
            self._finish(made, levels + data, words, len(distinct))
            return
        if made.physical == _BYTES:
            data = encode(values)
        else:
            made.encoding, data = self._packed(values, high - low)
        self._finish(made, levels + data)

    def _levels(self, made: _Column, parts: list[Ints], null: int) -> bytes:
        """Which rows have a value: a run where all or none have, else a bit for each."""
        if made.nulls in (0, made.rows):
            out = _varint(made.rows << 1) + (b"\0" if made.nulls else b"\1")
        else:
            bits = np.zeros((made.rows + 7) // 8, np.uint8)
            at = 0
            for part in parts:
                at = _pages.valid(view(part), len(part), null, view(bits), at)
            out = _varint(len(bits) << 1 | 1) + bits.tobytes()
        return struct.pack("<I", len(out)) + out

    def _whole(self, parts: list[Ints], null: int, count: int) -> Ints:
        """The values, without the nulls."""
        if len(parts) == 1 and count == len(parts[0]):
            return parts[0]
        out = np.empty(count + 1, np.int64)
        at = 0
        for part in parts:
            at = _pages.compact(view(part), len(part), null, view(out), at)
        return out[:count]

    def _coded(self, made: _Column, values: Ints, low: int, high: int) -> tuple[bytes, Ints]:
        """Places in a dictionary, where one pays (`made.encoding` says so), and the dictionary."""
        n = len(values)
        codes = np.empty(n, np.int32)
        if low >= 0 and high < _pages.SMALL:
            most = min(_pages.SMALL, n // 4 + 16)
            distinct = np.empty(most, np.int64)
            d = _pages.places(view(values), n, view(self._table), most, view(distinct), 0, view(codes), 0)
            _pages.forget(view(self._table), view(distinct), d if d >= 0 else -1 - d)
        elif made.physical == _BYTES:
            most = n // 2 + 16
            slots = 1 << (2 * most).bit_length()
            keys, table = np.zeros(slots, np.int64), np.empty(slots, np.int32)
            distinct = np.empty(most, np.int64)
            d = _pages.wide_places(
                view(values), n, view(keys), view(table), slots - 1, most, view(distinct), 0, view(codes), 0
            )  # fmt: skip
        else:
            d = -1
        if d < 0:
            return b"", values[:0]
        made.encoding = _DICTIONARY
        width = (d - 1).bit_length()
        out = np.empty((n + 7) // 8 * width, np.uint8)
        _pages.pack(view(codes), n, width, view(out), 0)
        return bytes([width]) + _varint((n + 7) // 8 << 1 | 1) + out.tobytes(), distinct[:d]

    def _packed(self, values: Ints, spread: int) -> tuple[int, bytes]:
        if spread >= _SPREAD:
            return _PLAIN, values.astype("<i8").tobytes()
        out = np.empty(10 * len(values) + 1024, np.uint8)
        size = _pages.differences(view(values), len(values), view(self._scratch), view(out))
        return _DELTA, out[:size].tobytes()

    def _finish(self, made: _Column, data: bytes, words: bytes | None = None, entries: int = 0) -> None:
        """Makes the pages: the dictionary, where there is one, and the data."""
        compressed = len(data) + len(words or b"") > _WORTH
        made.codec = _ZSTD if compressed else _UNCOMPRESSED
        if words is not None:
            head = Struct().integer(1, entries).integer(2, _PLAIN)
            made.dictionary = self._page(made, 2, 7, head, words)
        head = Struct().integer(1, made.rows).integer(2, made.encoding).integer(3, _RLE).integer(4, _RLE)
        self._page(made, 0, 5, head, data)

    def _page(self, made: _Column, kind: int, number: int, head: Struct, data: bytes) -> int:
        """Adds a page; its size with its header."""
        packed = self._zstd.compress(data, self._zstd.FLUSH_FRAME) if made.codec == _ZSTD else data
        header = Struct().integer(1, kind).integer(2, len(data)).integer(3, len(packed)).struct(number, head).end()
        made.raw += len(header) + len(data)
        made.pages.append(header + packed)
        return len(header) + len(packed)


def _filled(values: Ints | None, n: int) -> Ints:
    assert values is not None and len(values) == n
    return values


def _is_v4(plain: Plain) -> bool:
    return plain.kind == "addresses" and plain.numbers is not None and bool((plain.numbers == 4).all())


def _integers(plain: Plain, n: int) -> Ints:
    if plain.kind == "numbers" and plain.numbers is not None:
        return plain.numbers
    return np.full(n, -1 if plain.value is None else plain.value, np.int64)


def _as_texts(plains: list[Plain], sizes: list[int]) -> tuple[list[Ints], list[bytes]]:
    """Texts, and addresses of both families, as places in one list; -1 is null."""
    known: dict[bytes, int] = {}
    out = []
    for plain, n in zip(plains, sizes, strict=True):
        if plain.kind == "constant":
            value = plain.value
            out.append(np.full(n, -1 if value is None else known.setdefault(str(value).encode(), len(known)), np.int64))
        elif plain.kind == "texts" and plain.numbers is not None:
            words = [known.setdefault(text.encode(), len(known)) for text in plain.texts]
            lookup = np.array([*words, -1], np.int64)
            out.append(lookup[np.where((plain.numbers < 0) | (plain.numbers > len(words)), len(words), plain.numbers)])
        else:
            out.append(_addresses(plain, known))
    return out, list(known)


def _addresses(plain: Plain, known: dict[bytes, int]) -> Ints:
    families, high, low = plain.numbers, plain.high, plain.low
    assert families is not None and high is not None and low is not None
    keys = np.stack([families, np.where(families == 6, high, 0), low], axis=1)
    distinct, where = np.unique(keys, axis=0, return_inverse=True)
    words = []
    for family, upper, lower in distinct.tolist():
        if family == 4:
            text = socket.inet_ntop(socket.AF_INET, lower.to_bytes(4, "big"))
        elif family == 6:
            text = socket.inet_ntop(socket.AF_INET6, struct.pack(">qq", upper, lower))
        else:
            words.append(-1)
            continue
        words.append(known.setdefault(text.encode(), len(known)))
    return np.array(words, np.int64)[where.reshape(-1)]


def _texts(words: list[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(word)) + word for word in words)


def _split(data: bytes) -> list[bytes]:
    """The other way round."""
    out, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "little")
        out.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return out


def _quads(values: Ints) -> bytes:
    out = np.empty(19 * len(values), np.uint8)
    size = _pages.quads(view(values), len(values), view(out), 0)
    return out[:size].tobytes()


# the file ---------------------------------------------------------------------------------------------------------------


class Writer:
    """A Parquet file of those columns: `add` rows, and `close` it. Use it as a context; OSError where the sink fails."""

    def __init__(self, sink: IO[bytes], names: Sequence[str]) -> None:
        self._sink = sink
        self._columns = [event.BY_NAME[name] for name in names]
        self._at = 0
        self._rows = 0
        self._groups: list[bytes] = []
        self._parts: list[Rows] = []
        self._held = 0
        self._encoders = [_Encoder() for _ in range(_WORKERS)]
        self._flying: deque[Future[list[_Column]]] = deque()
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="teiten-parquet")
        self._write(b"PAR1")

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def add(self, rows: Rows) -> None:
        """Takes over the rows."""
        if not len(rows):
            return
        self._parts.append(rows)
        self._held += len(rows)
        if self._held >= GROUP_ROWS:
            self._send()

    def close(self) -> None:
        """Writes what is held, and the footer."""
        if self._parts:
            self._send()
        while self._flying:
            self._land()
        root = Struct().text(4, b"schema").integer(5, len(self._columns)).end()
        footer = Struct().integer(1, 1).many(2, 12, [root, *map(_element, self._columns)]).integer(3, self._rows, 6)
        footer.many(4, 12, self._groups).text(6, f"teiten version {__version__}".encode())
        order = Struct().struct(1, Struct()).end()
        data = footer.many(7, 12, [order] * len(self._columns)).end()
        self._write(data + struct.pack("<I", len(data)) + b"PAR1")

    def _send(self) -> None:
        while len(self._flying) >= _AHEAD:
            self._land()
        parts, self._parts, self._held = self._parts, [], 0
        self._flying.append(self._pool.submit(self._encode, parts))

    def _encode(self, parts: list[Rows]) -> list[_Column]:
        encoder = self._encoders.pop()
        try:
            return encoder.group(parts, self._columns)
        finally:
            self._encoders.append(encoder)

    def _land(self) -> None:
        """The oldest row group in flight to the sink."""
        columns = self._flying.popleft().result()
        began, raw, chunks = self._at, 0, []
        for column in columns:
            chunks.append(column.meta(self._at))
            raw += column.raw
            for page in column.pages:
                self._write(page)
        rows = columns[0].rows
        group = Struct().many(1, 12, chunks).integer(2, raw, 6).integer(3, rows, 6)
        self._groups.append(group.integer(5, began, 6).integer(6, self._at - began, 6).end())
        self._rows += rows

    def _write(self, data: bytes) -> None:
        self._sink.write(data)
        self._at += len(data)
