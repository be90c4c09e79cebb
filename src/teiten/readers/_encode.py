"""Columns of a reader's rows become the pages of a Parquet row group: kernels encode, zstd compresses.

Columns of few distinct values get a dictionary, other integers packed differences, truths a bit each; a page is compressed
(zstd, level 1) where there is enough of it. Format: github.com/apache/parquet-format (parquet.thrift, Encodings.md),
version 1 pages.
"""

from __future__ import annotations

import secrets
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten import event
from teiten.readers import _pages
from teiten.readers._base import Plain, Rows
from teiten.readers._input import zstd
from teiten.readers._jit import view
from teiten.readers._rows import all_v4, integers
from teiten.readers._thrift import Struct, varint, zigzag

Ints = npt.NDArray[np.int64]
Words = Callable[[Ints], bytes]
"""distinct values -> what Parquet's plain encoding says of them"""

_FEW_TEXTS: Final = 256
_NO_NULL: Final = -(1 << 63)
_LOOKED_AT: Final = 1024
"""values by which it is told whether they go in steps"""
SPREAD: Final = 1 << 53
_WORTH: Final = 64
"""bytes of a column below which compressing makes it no smaller"""
_QUAD: Final = np.dtype([("size", "<u4"), ("address", ">u4")])
_SALT: Final = secrets.randbits(61) | 1
"""of the hash tables: nobody can send addresses that all fall on one slot. What is written does not depend on it"""

# numbers of parquet.thrift
BOOL, INT32, INT64, BYTES = 0, 1, 2, 6
PLAIN, RLE, DELTA, DICTIONARY, SPLIT = 0, 3, 5, 8, 9
_UNCOMPRESSED, _ZSTD = 0, 6
_PHYSICAL: Final[dict[event.Kind, int]] = {
    "int16": INT32, "int32": INT32, "int64": INT64, "time": INT64, "text": BYTES, "address": BYTES, "bytes": BYTES,
    "bool": BOOL,
}  # fmt: skip


def element(column: event.Column, packed: bool) -> bytes:
    """A column in the file's schema; addresses are bytes where `packed`, else text."""
    kind = column.kind
    out = Struct().integer(1, _PHYSICAL[kind]).integer(3, 1).text(4, column.name.encode())
    logical = Struct()
    if kind in ("bool", "bytes") or (kind == "address" and packed):
        return out.end()
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
    return out.integer(6, converted).struct(10, logical).end()


@dataclass(slots=True)
class Encoded:
    """A column of a row group, encoded: its pages, and what the footer says of it.

    least, most: its bounds where they are known, as integers, or texts in UTF-8.
    """

    name: str
    physical: int
    encoding: int
    rows: int
    nulls: int
    least: int | bytes | None = None
    most: int | bytes | None = None
    pages: list[bytes] = field(default_factory=list)
    codec: int = _UNCOMPRESSED
    raw: int = 0
    texts: bool = False
    """holds texts, not addresses"""
    dictionary: int = 0
    """bytes of the dictionary page with its header; 0 where there is none"""

    bloom: bytes = b""
    """a filter of its values, with its header; it lies after the row group"""

    def meta(self, offset: int, bloom: int) -> bytes:
        """For the footer, where the column's first page lies at that offset, and its filter at the other."""
        size = sum(map(len, self.pages))
        encodings = sorted({PLAIN, RLE, self.encoding})
        out = Struct().integer(1, self.physical).many(2, 5, [zigzag(e) for e in encodings])
        name = self.name.encode()
        out.many(3, 8, [varint(len(name)) + name]).integer(4, self.codec).integer(5, self.rows, 6)
        out.integer(6, self.raw, 6).integer(7, size, 6).integer(9, offset + self.dictionary, 6)
        if self.dictionary:
            out.integer(11, offset, 6)
        told = Struct().integer(3, self.nulls, 6)
        if self.least is not None and self.most is not None:
            told.text(5, self._bound(self.most)).text(6, self._bound(self.least))
        out.struct(12, told)
        if self.bloom:
            out.integer(14, bloom, 6).integer(15, len(self.bloom))
        return Struct().integer(2, offset, 6).struct(3, out).end()

    def _bound(self, bound: int | bytes) -> bytes:
        if isinstance(bound, bytes):
            return bound
        return struct.pack({BOOL: "<b", INT32: "<i", INT64: "<q"}[self.physical], bound)


@dataclass(frozen=True, slots=True)
class Coded:
    """Values as places in a dictionary, as they stand in a page, and the dictionary's values."""

    data: bytes
    distinct: Ints


class Encoder:
    """Encodes row groups, one after the other, on one thread: its tables are used again. `packed`: addresses as bytes."""

    def __init__(self, packed: bool = False) -> None:
        self._packed_addresses = packed
        self._table = np.zeros(_pages.SMALL, np.int32)
        self._scratch = np.zeros(128, np.int64)
        self._room: dict[str, npt.NDArray[Any]] = {}
        self._coded_before: tuple[list[Ints], int, Coded] | None = None
        self._words: tuple[Sequence[str], dict[int, bytes]] = ((), {})
        self._zstd = zstd().ZstdCompressor(level=1)
        self._pieces: Sequence[bytes] = ()

    def _array(self, name: str, size: int, dtype: Any) -> npt.NDArray[Any]:
        """Room that is used again: of new memory every page would be a fault."""
        there = self._room.get(name)
        if there is None or len(there) < size:
            there = self._room[name] = np.zeros(size, dtype)
        return there

    def begin(self) -> None:
        """Another row group: arrays of the last may be gone."""
        self._coded_before = None

    def group(self, parts: Sequence[Rows], columns: Sequence[event.Column]) -> list[Encoded]:
        """The parts' rows one after the other, column by column."""
        sizes = [len(part) for part in parts]
        self.begin()
        return [self.column(column, [part.column(column.name) for part in parts], sizes) for column in columns]

    def column(self, column: event.Column, plains: list[Plain], sizes: list[int]) -> Encoded:
        """One column of a row group: several stretches, and how many rows each has."""
        made = Encoded(column.name, _PHYSICAL[column.kind], PLAIN, sum(sizes), 0, texts=column.kind == "text")
        if all(p.kind == "constant" and p.value == plains[0].value for p in plains):
            self._constant(made, plains[0].value)
        elif column.kind == "bool":
            self._truths(made, [integers(p, n) for p, n in zip(plains, sizes, strict=True)])
        elif column.kind == "bytes":
            self._slices(made, plains, sizes)
        elif column.kind == "address":
            self._addresses(made, plains, sizes)
        elif column.kind == "text":
            values, texts = _as_texts(plains, sizes)
            self._numbers(made, values, -1, lambda chosen: self._said(texts, chosen))
        else:
            self._integers(made, plains, sizes, _NO_NULL if column.required else -1)
        return made

    def _constant(self, made: Encoded, value: int | str | None) -> None:
        """Every row has that value, or none has one."""
        made.nulls = made.rows if value is None else 0
        levels = self._levels(made, [], 0)
        if value is None:
            self._finish(made, levels)
            return
        if made.physical == BOOL:
            made.least = made.most = int(value)
            self._finish(made, levels + np.packbits(np.full(made.rows, value == 1), bitorder="little").tobytes())
            return
        made.encoding = DICTIONARY
        if made.physical == BYTES:
            made.least = made.most = str(value).encode()
            word = _texts([made.least])
        else:
            made.least = made.most = int(value)
            word = struct.pack("<i" if made.physical == INT32 else "<q", made.least)
        self._finish(made, levels + _run(made.rows), word, 1)

    def _said(self, texts: Sequence[str], chosen: Ints) -> bytes:
        """Texts in Parquet's plain encoding; those of a list that comes again and again are kept."""
        if self._words[0] is not texts:
            self._words = (texts, {})
        known = self._words[1]
        places = chosen.tolist()
        for place in places:
            if place not in known:
                known[place] = _texts([texts[place].encode()])
        return b"".join([known[place] for place in places])

    def _integers(self, made: Encoded, plains: list[Plain], sizes: list[int], null: int) -> None:
        kind = "<i4" if made.physical == INT32 else "<i8"
        first = plains[0]
        if first.kind == "places" and all(p.kind == "places" and p.values is first.values for p in plains):
            values, numbers = first.values, [p.numbers for p in plains]
            assert values is not None
            places = [each for each in numbers if each is not None]
            if self._numbers(made, places, -1, lambda chosen: values[chosen].astype(kind).tobytes(), values):
                return
        parts = [integers(p, n) for p, n in zip(plains, sizes, strict=True)]
        self._numbers(made, parts, null, lambda chosen: chosen.astype(kind).tobytes())

    def _addresses(self, made: Encoded, plains: list[Plain], sizes: list[int]) -> None:
        if all(map(all_v4, plains)):
            lows = [p.low for p in plains if p.low is not None]
            self._numbers(made, lows, _NO_NULL, _packed_quads if self._packed_addresses else _quads)
            return
        values, distinct = _as_addresses(plains, sizes)

        def words(chosen: Ints) -> bytes:
            if not self._packed_addresses:
                return _texts([_address_text(*row) for row in distinct[chosen].tolist()])
            out = np.empty(20 * len(chosen) + 1, np.uint8)
            picked = np.ascontiguousarray(chosen)
            size = _pages.address_words(view(distinct.reshape(-1)), view(picked), len(picked), view(out), 0)
            return out[:size].tobytes()

        self._numbers(made, values, -1, words)

    def _truths(self, made: Encoded, parts: list[Ints]) -> None:
        """A bit for each that is not null."""
        told = self._survey(made, parts, -1)
        levels = self._levels(made, parts, -1)
        if told is None:
            self._finish(made, levels)
            return
        made.least, made.most = told
        values = self._whole(parts, -1, made.rows - made.nulls)
        self._finish(made, levels + np.packbits(values != 0, bitorder="little").tobytes())

    def _slices(self, made: Encoded, plains: list[Plain], sizes: list[int]) -> None:
        """Bytes as they are."""
        starts = [_starts(p, n) for p, n in zip(plains, sizes, strict=True)]
        self._survey(made, starts, -1)
        pieces = [self._levels(made, starts, -1)]
        for start, plain in zip(starts, plains, strict=True):
            if plain.kind == "bytes" and plain.high is not None and plain.data is not None and (start >= 0).any():
                out = np.empty(int(plain.high[start >= 0].sum()) + 4 * len(start), np.uint8)
                size = _pages.slices(view(plain.data), view(start), view(plain.high), len(start), view(out), 0)
                pieces.append(out[:size].tobytes())
        self._finish(made, b"".join(pieces))

    def _survey(self, made: Encoded, parts: list[Ints], null: int) -> tuple[int, int] | None:
        """Counts the nulls; the least and the largest value, None where there is none."""
        told = np.array([(1 << 63) - 1, _NO_NULL, 0], np.int64)
        for part in parts:
            _pages.survey(view(part), len(part), null, view(told))
        low, high, made.nulls = told.tolist()
        return (low, high) if made.nulls < made.rows else None

    def _numbers(self, made: Encoded, parts: list[Ints], null: int, words: Words, values: Ints | None = None) -> bool:
        """Fills the pages. With `values` the parts are places in those, and False is said where no dictionary pays."""
        told = self._survey(made, parts, null)
        levels = self._levels(made, parts, null)
        if told is None:
            self._finish(made, levels)
            return True
        low, high = told
        wide = values is not None or made.physical == BYTES
        coded = self._coded(parts, null, made.rows - made.nulls, low, high, wide, 2 if made.texts or values is not None else 4)
        if coded is not None and self._pays(made, coded, parts, null, words):
            if made.physical != BYTES:
                real = coded.distinct if values is None else values[coded.distinct]
                made.least, made.most = int(real.min()), int(real.max())
            made.encoding = DICTIONARY
            said = words(coded.distinct)
            if made.physical == BYTES and len(coded.distinct) <= _FEW_TEXTS:
                texts = split(said)
                made.least, made.most = min(texts), max(texts)
            self._finish(made, levels + coded.data, said, len(coded.distinct))
            return True
        if values is not None:
            return False
        whole = self._whole(parts, null, made.rows - made.nulls)
        if made.physical != BYTES:
            made.least, made.most = low, high
        self._plainly(made, levels, whole, words, high - low)
        return True

    def _plainly(self, made: Encoded, levels: bytes, whole: Ints, words: Words, spread: int) -> None:
        """Fills the pages with values as they are, in no dictionary."""
        self._pieces = [levels, *([words(whole)] if made.physical == BYTES else self._packed(made, whole, spread))]
        self._finish(made, b"".join(self._pieces))
        self._pieces = ()

    def _pays(self, made: Encoded, coded: Coded, parts: list[Ints], null: int, words: Words) -> bool:
        """Is the dictionary the smaller way? It is there already, so it is taken."""
        return True

    def _levels(self, made: Encoded, parts: list[Ints], null: int) -> bytes:
        """Which rows have a value: a run where all or none have, else a bit for each."""
        if made.nulls in (0, made.rows):
            out = varint(made.rows << 1) + (b"\0" if made.nulls else b"\1")
        else:
            bits = np.zeros((made.rows + 7) // 8, np.uint8)
            at = 0
            for part in parts:
                at = _pages.valid(view(part), len(part), null, view(bits), at)
            out = varint(len(bits) << 1 | 1) + bits.tobytes()
        return struct.pack("<I", len(out)) + out

    def _whole(self, parts: list[Ints], null: int, count: int) -> Ints:
        """The values, without the nulls."""
        if len(parts) == 1 and count == len(parts[0]):
            return parts[0]
        out = self._array("whole", count + 1, np.int64)
        if count == sum(map(len, parts)):
            return np.concatenate(parts, out=out[:count])
        at = 0
        for part in parts:
            at = _pages.compact(view(part), len(part), null, view(out), at)
        return out[:count]

    def _coded(self, parts: list[Ints], null: int, count: int, low: int, high: int, wide: bool, share: int = 2) -> Coded | None:
        """Places in a dictionary; None where it would not pay: where one of `share` values or more is new."""
        if low == high:
            # one value many times: a run of place 0
            return Coded(_run(count), np.array([low], np.int64))
        before = self._coded_before
        if before is not None and before[1] == null and [*map(id, before[0])] == [*map(id, parts)]:
            return before[2]
        small = low >= 0 and high < _pages.SMALL
        if not small and not wide:
            return None
        codes, distinct = self._array("codes", count, np.int32), self._array("distinct", count // share + 16, np.int64)
        pieces = parts if count == sum(map(len, parts)) else [self._whole(parts, null, count)]
        most = min(_pages.SMALL, count // max(4, share) + 16) if small else count // share + 16
        slots = 1 << (2 * most).bit_length()
        keys, table = self._array("keys", slots, np.int64), self._array("table", slots, np.int32)
        if not small:
            keys[:slots] = 0
        d = done = 0
        for piece in pieces:
            given = view(piece), len(piece)
            if small:
                d = _pages.places(*given, view(self._table), most, view(distinct), d, view(codes), done)
            else:
                tables = view(keys), view(table), slots - 1, _SALT
                d = _pages.wide_places(*given, *tables, most, view(distinct), d, view(codes), done)
            done += len(piece)
            if d < 0:
                break
        if small:
            _pages.forget(view(self._table), view(distinct), d if d >= 0 else -1 - d)
        if d < 0:
            return None
        width = (d - 1).bit_length()
        room = self._array("packed", count + 16 + 9, np.int32)
        words = _pages.pack(view(codes), count, width, view(room))
        eights = (count + 7) // 8
        room[words : words + 9] = 0
        data = bytes([width]) + varint(eights << 1 | 1) + room.view(np.uint8)[: eights * width].tobytes()
        coded = Coded(data, distinct[:d].copy())
        self._coded_before = (parts, null, coded)
        return coded

    def _packed(self, made: Encoded, values: Ints, spread: int) -> Sequence[bytes]:
        """Steps from value to value; planes of bytes where those are as large as the values themselves."""
        kind = "<i4" if made.physical == INT32 else "<i8"
        if spread >= SPREAD:
            return [values.astype(kind).tobytes()]
        if len(values) > 2 and int(np.ptp(np.diff(values[:_LOOKED_AT]))) > spread:
            made.encoding = SPLIT
            return planes(values.astype(kind))
        made.encoding = DELTA
        return [self._steps(values)]

    def _steps(self, values: Ints) -> bytes:
        """DELTA_BINARY_PACKED."""
        out = self._array("bytes", 10 * len(values) + 1024, np.uint8)
        size = _pages.differences(view(values), len(values), view(self._scratch), view(out))
        return out[:size].tobytes()

    def _finish(self, made: Encoded, data: bytes, words: bytes | None = None, entries: int = 0) -> None:
        """Makes the pages: the dictionary, where there is one, and the data."""
        compressed = len(data) + len(words or b"") > _WORTH
        made.codec = _ZSTD if compressed else _UNCOMPRESSED
        if words is not None:
            head = Struct().integer(1, entries).integer(2, PLAIN)
            made.dictionary = self._page(made, 2, 7, head, words)
        head = Struct().integer(1, made.rows).integer(2, made.encoding).integer(3, RLE).integer(4, RLE)
        self._page(made, 0, 5, head, data)

    def _compressed(self, data: bytes) -> bytes:
        return squeezed(self._zstd, self._pieces or [data])

    def _page(self, made: Encoded, kind: int, number: int, head: Struct, data: bytes) -> int:
        """Adds a page; its size with its header."""
        packed = self._compressed(data) if made.codec == _ZSTD else data
        header = Struct().integer(1, kind).integer(2, len(data)).integer(3, len(packed)).struct(number, head).end()
        made.raw += len(header) + len(data)
        made.pages.append(header + packed)
        return len(header) + len(packed)


def squeezed(packer: Any, pieces: Sequence[bytes]) -> bytes:
    """One frame of zstd with a block, at least, for each piece: pieces that have little in common get codes of their own."""
    out = [packer.compress(piece, packer.FLUSH_BLOCK) for piece in pieces[:-1]]
    return b"".join([*out, packer.compress(pieces[-1], packer.FLUSH_FRAME)])


def planes(values: npt.NDArray[np.signedinteger[Any]]) -> Sequence[bytes]:
    """BYTE_STREAM_SPLIT: the first bytes of all values, then the second ones, and so on."""
    return [plane.tobytes() for plane in values.view(np.uint8).reshape(len(values), values.itemsize).T]


def _run(count: int) -> bytes:
    """The dictionary's first value that many times."""
    return b"\1" + varint(count << 1) + b"\0"


def _starts(plain: Plain, n: int) -> Ints:
    """Where each value begins; -1 is null. ValueError for what holds no bytes."""
    if plain.kind == "bytes" and plain.numbers is not None:
        return plain.numbers
    if plain.kind == "constant" and plain.value is None:
        return np.full(n, -1, np.int64)
    raise ValueError(f"bytes cannot be {plain.kind}")


def _as_texts(plains: list[Plain], sizes: list[int]) -> tuple[list[Ints], Sequence[str]]:
    """Texts as places in one list; -1 is null."""
    first = plains[0]
    if first.kind == "texts" and all(p.kind == "texts" and p.texts is first.texts for p in plains):
        return [_within(p.numbers, len(first.texts)) for p in plains if p.numbers is not None], first.texts
    known: dict[str, int] = {}
    out = []
    for plain, n in zip(plains, sizes, strict=True):
        if plain.kind == "texts" and plain.numbers is not None:
            places = _within(plain.numbers, len(plain.texts))
            lookup = np.full(len(plain.texts) + 1, -1, np.int64)
            # of a long list only what is there: AS names are tens of thousands
            used: list[int] = list(range(len(plain.texts)))
            if len(used) > _FEW_TEXTS:
                used = [i for i in np.unique(places).tolist() if i >= 0]
            for i in used:
                lookup[i] = known.setdefault(plain.texts[i], len(known))
            out.append(lookup[places])
        else:
            value = plain.value
            out.append(np.full(n, -1 if value is None else known.setdefault(str(value), len(known)), np.int64))
    return out, list(known)


def _within(places: Ints, count: int) -> Ints:
    """The same with -1 for every place that there is not."""
    outside = (places < -1) | (places >= count)
    return np.where(outside, -1, places) if outside.any() else places


def _as_addresses(plains: list[Plain], sizes: list[int]) -> tuple[list[Ints], Ints]:
    """Addresses of both families as places in one table of (family, high, low); -1 is null."""
    total = sum(sizes)
    slots = 1 << (2 * total).bit_length()
    table, distinct = np.zeros(slots, np.int32), np.empty(3 * total + 3, np.int64)
    found = 0
    out = []
    for plain, n in zip(plains, sizes, strict=True):
        places = np.full(n, -1, np.int64)
        if plain.kind == "addresses":
            families, high, low = plain.numbers, plain.high, plain.low
            assert families is not None and high is not None and low is not None
            given = view(families), view(high), view(low), n
            found = _pages.address_places(*given, view(table), slots - 1, _SALT, view(distinct), found, view(places))
        out.append(places)
    return out, distinct.reshape(-1, 3)[:found]


def _address_text(family: int, high: int, low: int) -> bytes:
    if family == 4:
        return socket.inet_ntop(socket.AF_INET, low.to_bytes(4, "big")).encode()
    return socket.inet_ntop(socket.AF_INET6, struct.pack(">qq", high, low)).encode()


def _texts(words: list[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(word)) + word for word in words)


def split(data: bytes) -> list[bytes]:
    """Byte arrays in Parquet's plain encoding, one by one."""
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


def _packed_quads(values: Ints) -> bytes:
    out = np.empty(len(values), _QUAD)
    out["size"], out["address"] = 4, values
    return out.tobytes()


__all__: Sequence[Any] = ["Encoded", "Encoder", "element", "split"]
