"""Journald's export format and JSON: a record is the unit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.readers.reading import chunks, events

MESSAGE = "DROP IN=ppp0 OUT= MAC= SRC=192.0.2.1 DST=198.51.100.7 LEN=40 TOS=0x00 PREC=0x00 TTL=9 ID=1 PROTO=2 "
TIME = 1_774_969_209_000_000


def exported(message: bytes, *, binary: bool = False, time: int | None = TIME) -> bytes:
    out = b"__CURSOR=s=1;i=2\n" + (b"__REALTIME_TIMESTAMP=%d\n" % time if time is not None else b"") + b"PRIORITY=4\n"
    if binary:
        return out + b"MESSAGE\n" + len(message).to_bytes(8, "little") + message + b"\n_TRANSPORT=kernel\n\n"
    return out + b"MESSAGE=" + message + b"\n_TRANSPORT=kernel\n\n"


def outcomes(path: Path) -> list[int]:
    return np.concatenate([c.outcome for c in chunks(path)]).tolist()


def test_export(tmp_path: Path) -> None:
    path = tmp_path / "x.export"
    good = MESSAGE.encode()
    records = [
        exported(good), exported(b"usb 1-1: new device"), exported(good + b"\nsecond\xff line", binary=True), exported(b""),
        exported(good, time=None), exported(b"x", binary=True).replace(b"\x01\0\0\0\0\0\0\0", b"\xff" * 8), exported(good)[:-1],
    ]  # fmt: skip
    path.write_bytes(b"".join(records))
    assert outcomes(path) == [0, 128, 0, 128, 7, 10, 0]
    (chunk,) = chunks(path)
    assert chunk.line_pos.tolist() == np.cumsum([0, *(len(r) for r in records)])[:-1].tolist()
    assert [str(t) for t in events(path)["time"]] == ["2026-03-31 15:00:09+00:00"] * 3
    assert set(events(path)["time_basis"]) == {"stated"}


@pytest.mark.parametrize("dress", ["{}\n", "\x1e{}\n", "data: {}\n"])
def test_json(tmp_path: Path, dress: str) -> None:
    rows: list[Any] = [
        {"__REALTIME_TIMESTAMP": str(TIME), "_SOURCE_REALTIME_TIMESTAMP": str(TIME - 1), "MESSAGE": MESSAGE},
        {"MESSAGE": list(MESSAGE.encode()), "__REALTIME_TIMESTAMP": str(TIME)},
        {"MESSAGE": None, "__REALTIME_TIMESTAMP": str(TIME)},
        {"MESSAGE": [300, "x"], "__REALTIME_TIMESTAMP": str(TIME)},
        {"MESSAGE": MESSAGE, "__REALTIME_TIMESTAMP": "soon"},
        [1, 2],
    ]
    path = tmp_path / "x.json"
    path.write_text("".join(dress.format(json.dumps(r)) for r in rows) + '{"MESSAGE": "cut\n\n')
    assert outcomes(path) == [0, 0, 128, 10, 7, 10, 10, 131]
    assert events(path)["time"].dt.epoch("us").to_list() == [TIME - 1, TIME]


def test_a_resumed_read(tmp_path: Path) -> None:
    path = tmp_path / "x.export"
    path.write_bytes(b"".join(exported(MESSAGE.encode(), time=TIME + n) for n in range(100)))
    whole = events(path)
    start = int(chunks(path)[0].line_pos[60])
    assert events(path, start=start).equals(whole.tail(40))
