"""A column in its own width holds what it holds as whole numbers, and memory that is looked at is not written to again."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.readers.capture import making as make

from teiten import event, readers
from teiten.readers import _blocks, _input
from teiten.readers._base import Chunk, ReadOptions
from teiten.readers.capture import _columns, _read

WIDTHS = {"int16": np.int16, "int32": np.int32, "int64": np.int64, "time": np.int64}


def read(path: Path) -> list[Chunk]:
    return list(readers.module("capture").read(_input.of(path), ReadOptions(zone=ZoneInfo("UTC"))))


@pytest.mark.parametrize("six", [False, True])
def test_narrow(six: bool, tmp_path: Path) -> None:
    packets = [make.PACKET, make.ipv4(bytes(8), 1), *([make.ipv6(make.SYN)] if six else [])]
    path = tmp_path / "x.pcap"
    path.write_bytes(make.pcap(packets, 101))
    (chunk,) = read(path)
    rows = chunk.made
    assert isinstance(rows, _columns.Columns)
    for column in event.READ_COLUMNS:
        narrow, wide = rows.narrow(column.name), rows.column(column.name)
        assert narrow.kind == wide.kind
        if column.name in _columns._NARROW:
            assert narrow.numbers is not None and wide.numbers is not None
            assert narrow.numbers.dtype == WIDTHS[column.kind]
            assert narrow.numbers.tolist() == wide.numbers.tolist()
    source = rows.narrow("src_ip")
    assert source.low is not None
    assert (source.numbers is None) == (not six)
    if not six:
        assert source.low.tobytes() == bytes([203, 0, 113, 9]) * 2


def test_memory_is_used_again_only_when_nobody_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks that are kept hold what they held; those that are not make room."""
    monkeypatch.setattr(_read, "BLOCK", 4096)
    path = tmp_path / "x.pcap"
    packets = [make.ipv4(bytes([i >> 8, i & 255]) + make.SYN[2:]) for i in range(3000)]
    path.write_bytes(make.pcap(packets, 101))
    kept = read(path)
    ports = [p for chunk in kept for p in chunk.made.column("src_port").numbers]  # type: ignore[union-attr]
    assert ports == list(range(3000))
    column = kept[0].made.narrow("src_port").numbers  # type: ignore[union-attr]
    before = column.tolist()
    del kept
    assert [len(c.event_line) for c in read(path)] and column.tolist() == before
    pool = _read._Pool()
    first = pool.take(1000)
    place = first.ctypes.data
    assert pool.take(1000).ctypes.data != place
    view = first[5:].view(np.uint8)
    del first
    assert pool.take(1000).ctypes.data != place
    del view
    assert pool.take(1000).ctypes.data == place
    assert len(pool.take(_blocks.PAD)) == _blocks.PAD
