"""The spool: bytes as they came, durable by record, repaired after a tear, and every change of a byte is seen."""

from __future__ import annotations

import itertools
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from teiten.station import _disk, _packed, spool
from teiten.station.records import digest
from teiten.station.spool import Record, Spool, SpoolError, Stream
from teiten.station.verifying import Verified, verify


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


def lines(first: int, last: int) -> bytes:
    return b"".join(b"line %d of the log\n" % n for n in range(first, last))


def written(path: Path, groups: int, *, limit: int = 50, close: bool = True) -> tuple[Spool, Stream]:
    """A spool with one stream of so many groups of a line each, in segments of three or so."""
    made = Spool.open(path)
    stream = made.stream("kern", "home")
    stream.limit = limit
    stream.run()
    for n in range(groups):
        stream.commit(lines(n, n + 1), counts={"received": 1}, mark=n)
    if close:
        stream.close()
    return made, stream


def test_what_a_power_cut_leaves_is_cut_off(tmp_path: Path) -> None:
    """Whatever lies behind the last record that was acknowledged: a record's beginning, zeros, bytes without a record."""
    made, stream = written(tmp_path / "spool", 2, limit=1000)
    folder = stream.folder
    chain, data = (folder / "00000001.chain").read_bytes(), (folder / "00000001.data").read_bytes()
    more = Record(4, 5.0, 5.0, len(data) + 4, digest(b"new\n"), stream.sha, mark=9).line()
    tails = [
        (b"", b"x" * 5000),
        (bytes(300), b""),
        (b"\n\n{}", b"new"),
        *((more[:n], b"new\n") for n in range(0, len(more), 7)),
    ]
    for tail, bytes_beyond in tails:
        (folder / "00000001.chain").write_bytes(chain + tail)
        (folder / "00000001.data").write_bytes(data + bytes_beyond)
        again = made.stream("kern", "home")
        assert (again.about.id, again.mark, again.last.number, again.cut) == (folder.name, 1, 3, len(bytes_beyond)), tail
        again.commit(b"next\n", mark=2)
        again.close()
        assert whole(made, folder.name) == data + b"next\n"
    assert len(made.streams()) == 1


DAMAGE = (
    "a record in the middle", "a record taken out", "bytes in the middle", "the end of the bytes", "all bytes",
    "the segment before",
)  # fmt: skip


@pytest.mark.parametrize("which", DAMAGE)
def test_damage_is_left_as_it_is_and_another_stream_goes_on(tmp_path: Path, which: str) -> None:
    made, stream = written(tmp_path / "spool", 5)  # segment 2: records of lines 3, 4
    folder = stream.folder
    chain, data = folder / "00000002.chain", folder / "00000002.data"
    kept = chain.read_bytes().splitlines(keepends=True)
    assert len(kept) == 2
    mark = 4
    if which == "a record in the middle":
        chain.write_bytes(kept[0].replace(b"1", b"2", 1) + kept[1])
    elif which == "a record taken out":
        chain.write_bytes(kept[1])
    elif which == "bytes in the middle":
        data.write_bytes(data.read_bytes().replace(b"line 3", b"line 8"))
    elif which == "the end of the bytes":
        data.write_bytes(data.read_bytes()[:-1])
        mark = 3  # line 4 can be asked for again
    elif which == "all bytes":
        data.unlink()
        mark = 2
    else:
        other, _ = written(tmp_path / "other", 5)
        shutil.copy(other.streams_path / other.streams()[0].id / "00000001.chain", folder / "00000001.chain")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = made.stream("kern", "home")
    assert again.about.follows == folder.name and again.about.id != folder.name and again.mark == mark
    again.commit(b"on\n")
    again.close()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    third = made.stream("kern", "home")
    assert third.about.id == again.about.id and third.mark == mark and third.last.number == 1


def test_a_stream_is_found_without_its_description(tmp_path: Path) -> None:
    made, stream = written(tmp_path / "spool", 2)
    (stream.folder / "stream.json").unlink()
    assert made.stream("kern", "home").about.id == stream.about.id
    (stream.folder / "00000001.chain").write_bytes(b"?")
    with pytest.raises(SpoolError, match="does not say whose it is"):
        made.make(stream.about)


def test_a_new_zone_begins_a_segment(tmp_path: Path) -> None:
    made = Spool.open(tmp_path / "spool")
    for zone in ("UTC", "UTC", "Asia/Tokyo", "Asia/Tokyo"):
        stream = made.stream("kern", "home", told={"zone": zone})
        stream.run()
        stream.commit(zone.encode() + b"\n", mark=zone)
        stream.close()
    [about] = made.streams()
    assert [(one.told, one.sealed) for one in made.segments(about.id)] == [
        ({"zone": "UTC"}, True),
        ({"zone": "Asia/Tokyo"}, False),
    ]
    assert about.told == {"zone": "Asia/Tokyo"}


def test_a_capture_begins_with_its_header(tmp_path: Path) -> None:
    made = Spool.open(tmp_path / "spool")
    stream = made.stream("eth0", "home", "packets", limit=40)
    for head in (b"HEAD1", b"HEAD1", b"HEAD2"):
        stream.head = head
        stream.run()
        for n in range(3):
            stream.commit(b"packet %d   " % n)
        stream.close()
        stream = made.stream("eth0", "home", "packets", limit=40)
    found = [one.path.read_bytes() for one in made.segments(stream.about.id) if one.path and one.end]
    assert all(one.startswith(b"HEAD") and one.count(b"HEAD") == 1 for one in found)
    assert b"".join(one[5:] for one in found) == b"".join(b"packet %d   " % (n % 3) for n in range(9))
    assert [one[:5] for one in found] == [b"HEAD1", b"HEAD1", b"HEAD2"]


def test_the_writer_may_say_where_a_segment_ends(tmp_path: Path) -> None:
    made = Spool.open(tmp_path / "spool")
    stream = made.stream("folder", "home", "packets", limit=None)
    for name in "abc":
        stream.commit(name.encode() * 70_000, mark=[name, 1])
        stream.commit(b".", mark=[name, 2], seal=True)
    found = made.segments(stream.about.id)
    assert [(one.end, one.sealed) for one in found] == [(70_001, True)] * 3
    assert made.stream("folder", "home", "packets").mark == ["c", 2]


def test_the_mark_is_carried_on(tmp_path: Path) -> None:
    """Who goes on reads the newest segment alone, however long ago the last mark was."""
    made, stream = written(tmp_path / "spool", 1, limit=20, close=False)
    for n in range(20):
        stream.commit(b"no mark with it %d\n" % n)
    stream.close()
    for old in range(1, 8):
        (stream.folder / f"{old:08d}.chain").unlink()
    again = made.stream("kern", "home")
    assert again.mark == 0 and again.number > 10
    again.commit(b"x\n")
    assert next(one.number for one in made.segments(stream.about.id)) == 8


def test_a_clock_that_is_set_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Spool.open(tmp_path / "spool").stream("kern", "home")
    shift = 0.0
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + shift)
    stream.commit(b"a\n")
    assert "step" not in stream.commit(b"b\n").told
    shift = -3600.0
    assert stream.commit(b"c\n").told["step"] == pytest.approx(-3600, abs=1)
    assert "step" not in stream.commit(b"d\n").told
    shift = 90000.0
    stream.commit(b"e\n", at=5.0)
    assert stream.last.at == 5.0 and stream.number == 2, "the times of a segment lie within a day"


def test_a_replica_is_byte_for_byte_the_same(tmp_path: Path) -> None:
    made, stream = written(tmp_path / "spool", 11)
    copy = Spool.open(tmp_path / "copy").make(stream.about)
    given = [(one.raw, segment.read(start, one.end)) for segment in made.segments(stream.about.id)
             for start, one in zip([0, *(r.end for r in segment.records)], segment.records, strict=False)]  # fmt: skip
    for n in range(0, len(given), 5):
        copy.take(given[max(0, n - 3) : n + 5])  # what comes again is free
        copy.take(given[:2])
    copy = Spool.open(tmp_path / "copy").make(stream.about)
    assert copy.take(given).sha == stream.sha
    files = {path.name: path.read_bytes() for path in stream.folder.iterdir()}
    assert {path.name: path.read_bytes() for path in copy.folder.iterdir()} == files
    later = Record(len(given) + 1, 1.0, 1.0, 0, "", stream.sha).line()
    for bad, words in [
        ([(b"{}\n", b"")], "no record"),
        ([(Record(2, 1.0, 1.0, 0, "", given[0][0][-67:-3].decode()).line(), b"")], "is another here"),
        ([(Record(len(given) + 2, 1.0, 1.0, 99, "", stream.sha).line(), b"")], "does not follow"),
        ([(Record(len(given) + 1, 1.0, 1.0, 9999, digest(b"x"), stream.sha).line(), b"y")], "not what the record says"),
        ([(later, b"")], "not what the record says"),
    ]:
        with pytest.raises(SpoolError, match=words):
            copy.take(bad)
    copy.close()
    assert {path.name: path.read_bytes() for path in copy.folder.iterdir()} == files
    forged = Spool.open(tmp_path / "other").make(replace(stream.about, sensor="somebody-else"))
    with pytest.raises(SpoolError, match="of another stream"):
        forged.take(given[:1])


def test_a_follower_gives_each_record_once(tmp_path: Path) -> None:
    made, stream = written(tmp_path / "spool", 3, close=False)
    follower, seen = made.follow(), []

    def look() -> None:
        for segment in follower.fresh():
            assert segment.identity.startswith(stream.about.id) and segment.told == {}
            seen.extend((segment.number, one.number) for one in segment.records)

    for n in range(3, 40):
        look()
        if n % 3:
            stream.commit(lines(n, n + 1))
    look()
    count, line = len(seen), Record(stream.last.number + 1, 1.0, 1.0, stream.last.end, "", stream.sha).line()
    assert stream._chain is not None
    os.pwrite(stream._chain, line[:50], stream._chain_end)  # it is being written: not there yet
    look()
    assert len(seen) == count
    stream.commit(lines(50, 51))
    look()
    expected = [(segment.number, one.number) for segment in made.segments(stream.about.id) for one in segment.records]
    assert seen == expected and len({number for number, _ in seen}) > 5
    later = made.follow({stream.about.id: 4})
    assert [one.number for one in next(later.fresh()).records] == [r for s, r in expected if s == 4]


def test_a_follower_goes_on_where_a_record_was_written_anew(tmp_path: Path) -> None:
    """Its sync had failed, and it was read before it was written again, with more in it."""
    made, stream = written(tmp_path / "spool", 1, limit=10_000, close=False)
    follower = made.follow()
    assert sum(len(one.records) for one in follower.fresh()) == 2
    assert stream._chain is not None
    os.pwrite(stream._chain, Record(3, 1.0, 1.0, 100, "", stream.sha, counts={"received": 12345}).line(), stream._chain_end)
    assert [one.records[0].end for one in follower.fresh()] == [100]
    stream.commit(lines(1, 2))
    assert [len(one.records) for one in follower.fresh()] == []
    stream.commit(lines(2, 3))
    assert [[r.number for r in one.records] for one in follower.fresh()] == [[4]]


def test_a_packed_segment_reads_as_before(tmp_path: Path) -> None:
    made, stream = written(tmp_path / "spool", 7)
    before = made.segments(stream.about.id)
    for ending in ("data", "chain"):
        path = stream.folder / f"00000001.{ending}"
        _packed.pack(path, path.stat().st_size)
        path.unlink()
    again = made.segments(stream.about.id)
    assert [one.records for one in again] == [one.records for one in before]
    assert again[0].path is not None and again[0].path.suffix == ".zst"
    assert again[0].read(5, 30) == lines(0, 3)[5:30] and again[0].read(0, 10**6) == lines(0, 3)
    again[0].path.write_bytes(again[0].path.read_bytes()[:-3])
    with pytest.raises(SpoolError, match="is damaged"):
        again[0].read(0, 10**6)
    assert sum(len(one.records) for one in made.follow().fresh()) == sum(len(one.records) for one in before)


def test_two_stations_do_not_write_to_one_spool(tmp_path: Path) -> None:
    made = Spool.open(tmp_path / "spool")
    with made.lock(), pytest.raises(SpoolError, match="Another station"), Spool.open(tmp_path / "spool").lock():
        pass
    with made.lock():
        pass
    with pytest.raises(SpoolError, match="There is no spool"):
        Spool.there(tmp_path / "nowhere")


def test_nothing_lies_behind_what_was_written_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long record failed, and the segment was sealed instead: its seal is shorter."""
    made, stream = written(tmp_path / "spool", 2, limit=1000, close=False)
    put = _disk.put
    broken: list[int] = []

    def fails(handle: int, data: bytes, at: int) -> None:
        put(handle, data, at)
        if broken and handle == stream._chain:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(_disk, "put", fails)
    broken.append(1)
    with pytest.raises(OSError, match="Input/output"):
        stream.commit(lines(2, 9), mark={"long": "x" * 500})
    broken.clear()
    stream.limit = 30
    stream.commit(lines(2, 3), mark=2)
    stream.close()
    assert list(verify(made, Verified())) == [] and whole(made, stream.about.id) == lines(0, 3)
    assert made.stream("kern", "home").mark == 2
