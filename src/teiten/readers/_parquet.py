"""Rows of a reader to a Parquet file, without a frame between: row groups encoded on threads, a footer that says what there is.

A row group is encoded on a thread (`_encode`) while the next is read. Read by DuckDB, Polars and Arrow alike: tests hold it
against them. Format: github.com/apache/parquet-format.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Protocol

from teiten import __version__, event
from teiten.readers._base import Rows
from teiten.readers._encode import Encoded, Encoder, element
from teiten.readers._rows import in_order
from teiten.readers._thrift import Struct

GROUP_ROWS: Final = 122_880
"""rows of a row group, at least, but for the last one: what is encoded at a time, and DuckDB's own number"""
_AHEAD: Final = 2
_WORKERS: Final = 2


class Sink(Protocol):
    """Where a file's bytes go."""

    def write(self, data: bytes, /) -> Any: ...


class Workers:
    """Threads that encode row groups, for one file after the other. `packed`: addresses as 4 or 16 bytes, else as text."""

    def __init__(self, packed: bool = False) -> None:
        self.packed = packed
        self._encoders = [Encoder(packed) for _ in range(_WORKERS)]
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="teiten-parquet")

    def send(self, parts: list[Rows], columns: Sequence[event.Column], sort: bool) -> Future[list[Encoded]]:
        return self._pool.submit(self._encode, parts, columns, sort)

    def _encode(self, parts: list[Rows], columns: Sequence[event.Column], sort: bool) -> list[Encoded]:
        encoder = self._encoders.pop()
        try:
            return encoder.group(in_order(parts) if sort else parts, columns)
        finally:
            self._encoders.append(encoder)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


@dataclass(slots=True)
class Bounds:
    """Of a whole column: how many nulls, and its least and largest value, where they are known."""

    nulls: int = 0
    least: int | bytes | None = None
    most: int | bytes | None = None
    known: bool = True

    def take(self, column: Encoded) -> None:
        self.nulls += column.nulls
        if column.nulls == column.rows:
            return
        if column.least is None or column.most is None or not self.known:
            self.known, self.least, self.most = False, None, None
            return
        if self.least is None or self.most is None:
            self.least, self.most = column.least, column.most
        else:
            self.least = min(self.least, column.least)
            self.most = max(self.most, column.most)


class File:
    """The frame of a Parquet file: where each row group's pages lie, told at its end. OSError where the sink fails."""

    def __init__(self, sink: Sink, columns: Sequence[event.Column], packed: bool) -> None:
        self._sink, self._columns, self._packed = sink, columns, packed
        self._at = self._rows = 0
        self._groups: list[bytes] = []
        self._write(b"PAR1")

    def add(self, columns: Sequence[Encoded]) -> None:
        """A row group: all columns, in their order."""
        began, chunks = self._at, []
        size = sum(len(page) for column in columns for page in column.pages)
        blooms = began + size
        for column in columns:
            chunks.append(column.meta(self._at, blooms))
            blooms += len(column.bloom)
            for page in column.pages:
                self._write(page)
        for column in columns:
            if column.bloom:
                self._write(column.bloom)
        rows, raw = columns[0].rows, sum(column.raw for column in columns)
        group = Struct().many(1, 12, chunks).integer(2, raw, 6).integer(3, rows, 6)
        self._groups.append(group.integer(5, began, 6).integer(6, size, 6).end())
        self._rows += rows

    def end(self) -> None:
        """Writes the footer."""
        root = Struct().text(4, b"schema").integer(5, len(self._columns)).end()
        elements = [element(column, self._packed) for column in self._columns]
        footer = Struct().integer(1, 1).many(2, 12, [root, *elements]).integer(3, self._rows, 6)
        footer.many(4, 12, self._groups).text(6, f"teiten version {__version__}".encode())
        order = Struct().struct(1, Struct()).end()
        data = footer.many(7, 12, [order] * len(self._columns)).end()
        self._write(data + struct.pack("<I", len(data)) + b"PAR1")

    def _write(self, data: bytes) -> None:
        self._sink.write(data)
        self._at += len(data)


class Writer:
    """A Parquet file of those columns: `add` rows, and `close` it. Use it as a context; OSError where the sink fails.

    With `workers` those encode, and stay open. With `sort` every row group is put into order of time (equal times stay in
    their order). `rows` and `bounds` are whole when it is closed.
    """

    def __init__(self, sink: Sink, names: Sequence[str], workers: Workers | None = None, sort: bool = False) -> None:
        self._columns = [event.BY_NAME[name] for name in names]
        self._parts: list[Rows] = []
        self._held = 0
        self._flying: deque[Future[list[Encoded]]] = deque()
        self._own = workers is None
        self._workers = workers or Workers()
        self._sort = sort
        self.rows = 0
        self.bounds = {name: Bounds() for name in names}
        self._file = File(sink, self._columns, self._workers.packed)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            if self._own:
                self._workers.close()

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
        self._file.end()

    def _send(self) -> None:
        while len(self._flying) >= _AHEAD:
            self._land()
        parts, self._parts, self._held = self._parts, [], 0
        self._flying.append(self._workers.send(parts, self._columns, self._sort))

    def _land(self) -> None:
        """The oldest row group in flight to the sink."""
        columns = self._flying.popleft().result()
        for column in columns:
            self.bounds[column.name].take(column)
        self._file.add(columns)
        self.rows += columns[0].rows
