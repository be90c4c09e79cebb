"""Blocks of an Avro file in stretches, unpacked and decoded side by side; they come out in order, with each record's outcome.

A record's place: in a file whose blocks are not packed its first byte; in packed ones, where a record has no byte of its own,
its block's first byte and its number in the block (from 0). So a block has at most as many records as it has bytes; one that
has more, which takes less than eight bits for a record, is rejected from there on.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.errors import InputError
from teiten.readers import _blocks, _jit
from teiten.readers._base import Chunk, ReadOptions, Rejected
from teiten.readers._input import Input
from teiten.readers._ordered import in_order
from teiten.readers.flowtuple import _avro, _columns, _records, _snappy
from teiten.readers.flowtuple import _codes as k
from teiten.readers.flowtuple._avro import Block, Layout

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

STRETCH: Final = 1 << 20
"""bytes of blocks, packed, that make a chunk"""
_FLOOR: Final = 1 << 16
"""bytes that a block may come to whatever its packed size"""
COMPILE_SECONDS: Final = 5


@dataclass(slots=True)
class _Piece:
    """Records of a block, in order. raw: (k.COLUMNS, n)."""

    raw: Ints
    places: Ints
    outcomes: Bytes
    hashes: Ints
    texts: list[bytes] = field(default_factory=list)
    """of the rejected ones"""


class _Decoder:
    """What a stretch of blocks comes to."""

    def __init__(self, layout: Layout, options: ReadOptions) -> None:
        self._layout, self._options = layout, options
        self._plan = np.ascontiguousarray(layout.plan.reshape(-1))
        self._key = ((options.hash_key & ((1 << 64) - 1)) ^ (1 << 63)) - (1 << 63)

    def chunk(self, stretch: list[Block]) -> Chunk:
        """Its records from `options.start` on."""
        pieces = [piece for block in stretch for piece in self._block(block)]
        join: Any = np.concatenate
        raw, places = join([p.raw for p in pieces], axis=1), join([p.places for p in pieces])
        outcomes, hashes = join([p.outcomes for p in pieces]), join([p.hashes for p in pieces])
        texts = [text for piece in pieces for text in piece.texts]
        refused = np.flatnonzero(outcomes)
        rejected = [
            Rejected(int(places[i]), k.REASONS[int(outcomes[i])], text)
            for i, text in zip(refused.tolist(), texts, strict=True)
            if places[i] >= self._options.start
        ]
        if stretch[0].begin < self._options.start:
            new = places >= self._options.start
            raw, places, outcomes, hashes = raw[:, new], places[new], outcomes[new], hashes[new]
        lines = np.flatnonzero(outcomes == 0)
        whole = len(lines) == len(places)
        options = self._options
        made = _columns.Columns(
            raw if whole else raw[:, lines], places if whole else places[lines], self._layout.version, options.sensor,
            options.source_id,
        )  # fmt: skip
        return Chunk(
            made, lines.astype(np.int32), places, hashes.view(np.uint64), outcomes, np.ones(len(places), np.bool_),
            stretch[-1].end, rejected,
        )  # fmt: skip

    def _block(self, block: Block) -> Iterator[_Piece]:
        if block.damage:
            yield self._refused(block.place if block.damage else block.begin, block.damage, block.data)
            return
        data, size, why = self._unpacked(block)
        if data is None:
            yield self._refused(block.begin, why, block.data)
            return
        packed = self._layout.packed
        # one place is left for what may follow
        most = min(block.count, size // self._layout.least, block.end - block.begin - 1 if packed else size)
        piece, ends, after, sound = self._decoded(data, size, most)
        n = len(ends)
        begins = np.append(0, ends[:-1]) if n else ends
        piece.places = block.begin + np.arange(n) if packed else block.place + begins
        for i in np.flatnonzero(piece.outcomes).tolist():
            piece.texts.append(data[begins[i] : min(ends[i], begins[i] + _avro.KEPT_TEXT)].tobytes())
        yield piece
        if n < block.count or after < size or why:
            # records that are not there, or bytes that are no record: as one
            more = k.TOO_MANY if sound and not why and packed and n == block.end - block.begin - 1 else k.DAMAGED
            place = block.begin + n if packed else block.place + min(after, size - 1) if size else block.begin
            yield self._refused(place, more, data[after : min(size, after + _avro.KEPT_TEXT)].tobytes())

    def _unpacked(self, block: Block) -> tuple[Bytes | None, int, int]:
        """The block's bytes (padded), how many they are, and what was wrong (0: nothing). None: there are none to look at."""
        data, most = block.data, min(_avro.MOST, max(_FLOOR, self._options.reading.max_ratio * len(block.data)))
        why = 0
        if self._layout.codec == "deflate":
            unpacker = zlib.decompressobj(-15)
            try:
                data = unpacker.decompress(data, most)
                if not unpacker.eof:
                    data, why = (data, k.DAMAGED) if len(data) < most else (b"", k.TOO_LARGE)
            except zlib.error:
                return None, 0, k.DAMAGED
        elif self._layout.codec == "snappy":
            return _snapped(data, most)
        if why == k.TOO_LARGE:
            return None, 0, why
        return np.frombuffer(data + bytes(_blocks.PAD), np.uint8), len(data), why

    def _decoded(self, data: Bytes, size: int, most: int) -> tuple[_Piece, Ints, int, bool]:
        """The records, where each ends, where the last one ended, and whether all was sound so far."""
        raw = np.empty((k.COLUMNS, most), np.int64)
        if self._layout.version == 3:
            raw = np.empty((k.SIZES, most), np.int64)
        outcomes, ends = np.empty(most, np.uint8), np.empty(most, np.int64)
        hashes = np.zeros(most, np.int64)
        state = np.zeros(k.STATE, np.int64)
        there = set(self._layout.plan[:, 2].tolist())
        for column in range(len(raw)):
            if column not in there:
                raw[column] = -1
        out: Any = _jit.view(raw.reshape(-1)), most, _jit.view(outcomes), _jit.view(ends), _jit.view(hashes)
        given: Any = _jit.view(data), 0, size, most, _jit.view(self._plan), len(self._layout.plan)
        n = _records.decode(*(*given, *out, self._key, int(self._options.hashed), _jit.view(state)))
        piece = _Piece(raw[:, :n], ends[:0], outcomes[:n], hashes[:n])
        return piece, ends[:n], int(state[k.AFTER]), bool(state[k.SOUND])

    def _refused(self, place: int, why: int, text: bytes) -> _Piece:
        """A stretch that cannot be read, as one record."""
        text = text[: _avro.KEPT_TEXT]
        digest = 0
        if self._options.hashed:
            padded = np.frombuffer(text + bytes(_blocks.PAD), np.uint8)
            digest = _jit.hash_bytes(_jit.view(padded), 0, len(text), self._key)
        columns = k.SIZES if self._layout.version == 3 else k.COLUMNS
        raw = np.full((columns, 1), -1)
        return _Piece(raw, np.array([place]), np.array([why], np.uint8), np.array([digest]), [text])


def _snapped(data: bytes, most: int) -> tuple[Bytes | None, int, int]:
    """As `_Decoder._unpacked`: its length first, the CRC-32 of what is unpacked last."""
    size, p, shift = 0, 0, 0
    while p < len(data) and p < 5:
        size |= (data[p] & 127) << shift
        shift, p = shift + 7, p + 1
        if data[p - 1] < 128:
            break
    end = len(data) - 4
    if p > end:
        return None, 0, k.DAMAGED
    if size > most:
        return None, 0, k.TOO_LARGE
    packed = np.frombuffer(data + bytes(_blocks.PAD), np.uint8)
    out = np.zeros(size + _blocks.PAD, np.uint8)
    n = _snappy.unpack(_jit.view(packed), p, end, _jit.view(out), size)
    if n != size or zlib.crc32(out[:size].data) != int.from_bytes(data[end:], "big"):
        return None, 0, k.DAMAGED
    return out, size, 0


def read(source: Input, options: ReadOptions) -> Iterator[Chunk]:
    """The file's chunks (see `_base.Chunk`), in order. InputError for another schema or compression."""
    head = source.head()
    layout = _avro.layout(head) if head.startswith(_avro.MAGIC) else _avro.Layout(trouble="it is no Avro file")
    if layout is None:
        note = f"the file's own header is not whole: {len(head)} bytes are there; it was cut, or is still written"
        yield _only_notes(0, [note])
        return
    if layout.trouble:
        raise InputError(f"{source.name} is no FlowTuple file that I can read: {layout.trouble}.", hint="Corsaro's are read.")
    _jit.announce(_records.decode, COMPILE_SECONDS)
    stream: Any = source.open()
    _blocks.skip_to(stream, layout.begin, plain=False)
    blocks = _avro.Blocks(stream, layout)
    decoder = _Decoder(layout, options)
    end = max(options.start, layout.begin)
    try:
        for chunk in in_order(_stretches(blocks, options.start), decoder.chunk, source, STRETCH):
            end = chunk.end
            yield chunk
        trouble = getattr(stream, "trouble", None)
        notes = blocks.notes + ([trouble] if trouble else [])
        if notes:
            yield _only_notes(end, notes)
    finally:
        stream.close()


def _stretches(blocks: _avro.Blocks, start: int) -> Iterator[list[Block]]:
    """Blocks that end after `start`, so many that they have `STRETCH` bytes."""
    stretch: list[Block] = []
    for block in blocks:
        if block.end <= start:
            continue
        stretch.append(block)
        if block.end - stretch[0].begin >= STRETCH:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _only_notes(end: int, notes: list[str]) -> Chunk:
    none = np.empty(0, np.int64)
    nothing = _columns.Columns(np.empty((k.COLUMNS, 0), np.int64), none, 4, "", 0)
    hashes, outcomes = none.astype(np.uint64), none.astype(np.uint8)
    return Chunk(nothing, none.astype(np.int32), none, hashes, outcomes, none.astype(np.bool_), end, [], notes)
