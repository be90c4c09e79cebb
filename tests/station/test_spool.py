"""The spool: bytes as they came, durable by record, repaired after a tear, and every change of a byte is seen."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from teiten.station import spool
from teiten.station.spool import Record, Spool, SpoolError


def whole(found: Spool, stream: str) -> bytes:
    out = b""
    for one in found.segments(stream):
        assert one.path is not None
        out += one.path.read_bytes()[: one.end]
    return out


def test_what_is_committed_is_there_again(tmp_path: Path) -> None:
    made = Spool.open(tmp_path / "a" / "b" / "spool")
    stream = made.stream("kern", "home", told={"zone": "Asia/Tokyo"})
    stream.limit = 30
    stream.run()
    for n in range(5):
        stream.commit(b"line %d of the log\n" % n, counts={"received": 1}, mark={"at": n})
    stream.stop()
    stream.close()
    again = Spool.open(made.path)
    [about] = again.streams()
    assert (about.sensor, about.input, about.data, about.told["zone"]) == ("home", "kern", "lines", "Asia/Tokyo")
    assert about.id.startswith("kern.home.") and len(about.id) == len("kern.home.") + 16
    assert whole(again, about.id) == b"".join(b"line %d of the log\n" % n for n in range(5))
    segments = again.segments(about.id)
    assert len(segments) == 3 and [one.sealed for one in segments] == [True, True, False]
    assert segments[1].identity == f"{about.id}/00000002"
    records = [record for one in segments for record in one.records]
    assert [record.number for record in records] == list(range(1, len(records) + 1))
    assert all(b.before == a.sha for a, b in itertools.pairwise(records))
    assert sum(record.counts.get("received", 0) for record in records) == 5
    assert again.stream("kern", "home").mark == {"at": 4}


def test_records_are_read_as_they_were_written() -> None:
    one = Record(3, 1.5, 2.25, 10, "ab", "00", {"received": 2}, {"inode": 5}, {"start": {"run": "x"}})
    read = spool.parse(one.line())
    assert read is not None and read.told == {"start": {"run": "x"}} and read.mark == {"inode": 5} and read.line() == one.line()
    for n in range(len(one.line())):
        changed = bytearray(one.line())
        changed[n] ^= 1
        assert spool.parse(bytes(changed)) is None, n
    assert spool.parse(one.line()[:-1]) is None and spool.parse(b"") is None


def test_another_format_is_refused(tmp_path: Path) -> None:
    Spool.open(tmp_path)
    (tmp_path / "spool.toml").write_text("format = 99\n")
    with pytest.raises(SpoolError, match="of another format"):
        Spool.open(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(SpoolError, match="cannot be opened"):
        Spool.open(tmp_path / "file" / "spool")
