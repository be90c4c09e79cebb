"""Journald's export format and its JSON: a record is the unit; its MESSAGE is read as a line, its time is the journal's.

`journalctl -o export`, `-o json`, `-o json-seq`, `-o json-sse`. _SOURCE_REALTIME_TIMESTAMP (when the kernel said it) comes
before __REALTIME_TIMESTAMP (when the journal got it).
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from teiten.readers import _blocks, _jit, _stamp
from teiten.readers._base import Chunk, ReadOptions
from teiten.readers._blocks import Stream
from teiten.readers._clock import Survey
from teiten.readers._input import Input
from teiten.readers._times import Times
from teiten.readers.netfilter import _codes as k
from teiten.readers.netfilter import _read, _scan

_RECORDS: Final = 20_000
_BYTES: Final = 4 << 20
"""of messages, in a chunk"""


@dataclass(slots=True)
class Record:
    """`code` is the outcome where it is known already; `stamp` microseconds since 1970, -1 where there is none."""

    pos: int
    end: int
    raw: bytes
    message: bytes = b""
    stamp: int = -1
    code: int = -1


class _Reader(io.RawIOBase):
    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        return self._stream.readinto(memoryview(target).cast("B"))


def _time(fields: dict[str, Any]) -> int:
    for name in ("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"):
        value = fields.get(name)
        try:
            if value is not None and 0 <= int(value) < 1 << 53:
                return int(value)
        except (TypeError, ValueError):
            continue
    return -1


def _line(lines: Any, limit: int) -> tuple[bytes, int]:
    """The next line (at most `limit` bytes of it are kept) with its end, and how long it really is."""
    line = lines.readline(limit)
    size = len(line)
    if size == limit and not line.endswith(b"\n"):
        while True:
            more = lines.readline(1 << 20)
            size += len(more)
            if not more or more.endswith(b"\n"):
                break
    return line, size


def _json(lines: Any, pos: int, limit: int) -> Iterator[Record]:
    while True:
        line, size = _line(lines, limit + 1)
        if not line:
            return
        raw = line.rstrip(b"\r\n")
        record = Record(pos, pos + size, raw)
        pos += size
        text = raw.strip(b" \t\x1e")
        if size > limit:
            record.code = k.LONG
        elif not text:
            record.code = k.BLANK
        else:
            try:
                fields = json.loads(text.removeprefix(b"data:"))
                message = fields.get("MESSAGE")
                if isinstance(message, str):
                    record.message = message.encode("utf-8", "surrogatepass")
                elif isinstance(message, list):
                    record.message = bytes(message)
                record.stamp = _time(fields)
            except (ValueError, AttributeError, TypeError, RecursionError):
                record.code = k.BAD_RECORD
        yield record


def _export(lines: Any, pos: int, limit: int) -> Iterator[Record]:
    while True:
        begin = pos
        parts: list[bytes] = []
        fields: dict[str, Any] = {}
        code = -1
        kept = 0
        ended = False
        while True:
            line, size = _line(lines, limit + 1)
            pos += size
            if not line:
                ended = True
                break
            if line in (b"\n", b"\r\n"):
                break
            kept += len(line)
            if size > limit or kept > 4 * limit:
                code = k.LONG
                continue
            parts.append(line)
            name, equals, value = line.rstrip(b"\n").partition(b"=")
            if not equals:  # a binary field: its length, its bytes, a line feed
                head = lines.read(8)
                length = int.from_bytes(head, "little")
                pos += len(head)
                if len(head) < 8 or length > limit:
                    code = k.LONG if len(head) == 8 and length < 1 << 40 else k.BAD_RECORD
                    continue
                value = lines.read(length)
                last = lines.read(1)
                pos += len(value) + len(last)
                kept += length
                parts += [head, value, last]
                if len(value) < length or last != b"\n":
                    code = k.BAD_RECORD
                    continue
            if name in (b"MESSAGE", b"_SOURCE_REALTIME_TIMESTAMP", b"__REALTIME_TIMESTAMP"):
                fields[name.decode()] = value
        if parts or code >= 0:
            message = fields.get("MESSAGE", b"")
            yield Record(begin, pos, b"".join(parts), message, _time(fields), code)
        if ended:
            return


def read(source: Input, options: ReadOptions) -> Iterator[Chunk]:
    """The journal's records in chunks: `line_pos` and `line_hash` are those of records."""
    _jit.announce(_scan.scan, _read.COMPILE_SECONDS)
    times = Times(options, source.mtime, options.start, Survey, True)
    settler = _read.Settler(times, options)
    stream = Stream(source.open())
    try:
        if options.start:
            _blocks.skip_to(stream, options.start, source.seekable and source.compression is None)  # type: ignore[arg-type]
        lines: Any = io.BufferedReader(_Reader(stream), 1 << 20)
        head = source.head().lstrip(b"\n\x1e")
        records = (_json if head.startswith((b"{", b"data:")) else _export)(lines, options.start, options.reading.max_line)
        batch: list[Record] = []
        size = 0
        end = options.start
        for record in records:
            batch.append(record)
            size += len(record.raw)
            end = record.end
            if len(batch) >= _RECORDS or size >= _BYTES:
                yield from settler.chunks(_parsed(batch, options))
                batch, size = [], 0
        if batch:
            yield from settler.chunks(_parsed(batch, options))
        if stream.trouble:
            yield _read.only_note(end, stream.trouble)
    finally:
        stream.close()


def _parsed(batch: list[Record], options: ReadOptions) -> _read.Parsed:
    """The messages as a block of lines; then the journal's times, places and hashes instead of the lines' own."""
    text = b"\n".join(r.message.replace(b"\n", b" ") for r in batch) + b"\n"
    data = np.frombuffer(text + b"\n" * _blocks.PAD, np.uint8)
    parsed = _read.parse(data, len(text), 0, len(text), options, True)
    stamps = np.array([r.stamp for r in batch], np.int64)
    kinds = np.where(stamps >= 0, _stamp.ABSOLUTE, _stamp.NONE)
    lines = parsed.rows[:, k.LINE]
    parsed.rows[:, k.KIND] = kinds[lines]
    parsed.rows[:, k.STAMP] = stamps[lines]
    parsed.outcome[(parsed.outcome == k.EVENT) & (stamps < 0)] = k.NO_STAMP
    parsed.rows = parsed.rows[stamps[parsed.rows[:, k.LINE]] >= 0]
    codes = np.array([r.code for r in batch])
    parsed.outcome[codes >= 0] = codes[codes >= 0]
    parsed.again[codes >= 0] = -1
    # an empty message is no blank line of the file
    parsed.outcome[(parsed.outcome == k.BLANK) & (codes < 0)] = k.OTHER
    parsed.kinds[:] = kinds
    parsed.values[:] = stamps
    parsed.simple = False
    parsed.offset = batch[0].pos
    parsed.end = batch[-1].end
    parsed.pos = np.array([r.pos for r in batch], np.int64)
    parsed.rows[:, k.POS] = parsed.pos[parsed.rows[:, k.LINE]] - parsed.offset
    key = _scan.signed_key(options.hash_key)
    raw = b"".join(r.raw for r in batch)
    joined = np.frombuffer(raw + b"\n" * _blocks.PAD, np.uint8)
    hashes = parsed.hashes.view(np.int64)
    at = 0
    for i, record in enumerate(batch):
        hashes[i] = _jit.hash_bytes(_jit.view(joined), at, at + len(record.raw), key)
        at += len(record.raw)
        if 0 < record.code < 128 or (record.stamp < 0 and parsed.outcome[i] == k.NO_STAMP):
            parsed.texts[i] = record.raw[:4096]
    return parsed
