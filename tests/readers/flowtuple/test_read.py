"""FlowTuple files read in: every codec, against another reader; what is damaged, cut, hostile, a bomb; places of records."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from tests.readers import oracle, reading
from tests.readers.flowtuple import making as make

from teiten import readers
from teiten.errors import InputError
from teiten.readers._base import ReadOptions

CODECS = ("null", "deflate", "snappy")
READER: Any = readers.module("flowtuple")
CASES = Path(__file__).parent / "cases"


def events(data: bytes) -> pl.DataFrame:
    options = ReadOptions(ZoneInfo("UTC"), hash_key=7)
    chunks = list(READER.read(oracle.Bytes(data), options))
    for chunk in chunks:
        reading.check(chunk)
    return pl.concat([chunk.events for chunk in chunks])


def look(data: bytes) -> oracle.Said:
    said = oracle.look(READER, data, frame=True)
    assert said is not None
    return said


def reasons(said: oracle.Said) -> list[str]:
    return [reason for _, reason, _ in said.rejected]


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("codec", CODECS)
def test_every_record_is_an_event_at_a_place_of_its_own(codec: str, version: int) -> None:
    data = make.many(codec, version)
    assert readers.pick(data[:65536]).NAME == "flowtuple" and READER.recognise(data) == 1.0
    said = look(data)
    assert len(said.events) == len(said.lines) == 48 and not said.rejected and not said.notes
    assert said.end == len(data)
    if codec == "null":
        assert data[said.lines[1][0] :].startswith(make.record(version, src_ip=0xC6336401, dst_port=0, packet_cnt=2))
    for i in range(0, 48, 5):
        oracle.read_on(READER, data, said, i)
    assert events(data)["packets"].to_list() == [*range(1, 13)] * 4


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_as_another_reader_has_them(codec: str) -> None:
    fastavro = pytest.importorskip("fastavro")
    flows = [{**make.FLOW, "src_port": i + 1, "packet_cnt": 1 + i * i, "dst_ip": i << 24 | 7} for i in range(200)]
    out = io.BytesIO()
    try:
        fastavro.writer(out, fastavro.parse_schema(make.SCHEMAS[3]), flows, codec=codec, sync_interval=1500)
    except ValueError:
        pytest.skip("fastavro has no snappy here")
    found = events(out.getvalue())
    theirs = list(fastavro.reader(io.BytesIO(out.getvalue())))
    for column, field in {"src_port": "src_port", "packets": "packet_cnt", "ttl": "ttl", "tcp_flags": "tcp_flags"}.items():
        assert found[column].to_list() == [one[field] for one in theirs]
    assert [int.from_bytes(one, "big") for one in found["dst_ip"].to_list()] == [one["dst_ip"] for one in theirs]
    assert [int(one.timestamp()) for one in found["time"].to_list()] == [one["time"] for one in theirs]


@pytest.mark.parametrize("codec", CODECS)
def test_cut_anywhere_whole_blocks_stay_as_they_were(codec: str) -> None:
    data = make.many(codec)
    said, begin = look(data), len(make.file([], codec))
    ends = [at + len(make.SYNC) for at in range(begin, len(data)) if data.startswith(make.SYNC, at)]
    for n in range(10, len(data), 37):
        less = oracle.look(READER, data[:n])
        assert less is not None
        whole = sum(end <= n for end in ends)
        assert less.lines == said.lines[: 12 * whole] and less.events == said.events[: 12 * whole]
        assert len(less.notes) == (n < begin or (n > begin and n not in ends)), n


@pytest.mark.parametrize("codec", CODECS)
def test_a_damaged_block_is_one_rejected_record_and_the_others_stay(codec: str) -> None:
    data = make.many(codec)
    said = look(data)
    first = data.index(make.SYNC, len(make.file([], codec)))
    broken = bytearray(data)
    broken[first + 3] ^= 1
    # the first block's sync bytes are wrong: the stretch to the second's is lost
    told = look(bytes(broken))
    assert reasons(told) == ["damaged block"] and len(told.events) == 24 and told.events == said.events[24:]
    assert "damaged" in told.notes[0]
    for i in range(0, len(told.lines), 3):
        oracle.read_on(READER, bytes(broken), told, i)


@pytest.mark.parametrize("codec", CODECS)
def test_any_byte_may_be_wrong(codec: str) -> None:
    """Nothing raises, the accounting holds, and blocks that were not touched are all there."""
    data = make.many(codec, blocks=3)
    begin = len(make.file([], codec))
    for at in range(begin, len(data), 13):
        broken = bytearray(data)
        broken[at] ^= 0xFF
        told = look(bytes(broken))
        assert len(told.events) + len(told.rejected) == len(told.lines)
        assert len(told.events) >= 12, at
        if len(told.lines) > 2:
            oracle.read_on(READER, bytes(broken), told, len(told.lines) // 2)


@pytest.mark.parametrize("codec", CODECS)
def test_a_block_that_lies_about_its_records(codec: str) -> None:
    flows = b"".join(make.record(packet_cnt=1 + i) for i in range(5))
    for count in (2, 9, 2**60):
        told = look(make.file([make.block(flows, count, codec), make.block(make.record(), 1, codec)], codec))
        assert len(told.events) == min(count, 5) + 1
        assert reasons(told) == ["damaged block"]
        assert told.lines[min(count, 5)][2] == 2
    # a negative number, an empty block
    told = look(make.file([make.block(flows, -3, codec), make.block(flows, 5, codec)], codec))
    assert reasons(told) == ["damaged block"] and len(told.events) == 5
    assert look(make.file([make.block(b"", 0, codec)], codec)).lines == []


def test_more_records_than_bytes() -> None:
    """Records that are all alike pack to nearly nothing: there is no place for each."""
    data = make.file([make.block(make.record() * 1000, 1000, "deflate"), make.block(make.record(), 1, "deflate")], "deflate")
    told = look(data)
    assert reasons(told) == ["more records than bytes"]
    assert len({line[0] for line in told.lines}) == len(told.lines) == len(told.events) + 1
    oracle.read_on(READER, data, told, len(told.lines) - 2)


def test_bombs() -> None:
    """A block that inflates without end, one that says it is large, a number without end, an array without end."""
    sound = make.block(make.record(), 1, "deflate")
    bomb = make.block(bytes(40 << 20), 1, "deflate")
    told = look(make.file([bomb, sound], "deflate"))
    assert reasons(told) == ["block of an impossible size"] and len(told.events) == 1
    large = make.number(5) + make.number(1 << 40) + b"x" * 300 + make.SYNC
    told = look(make.file([large, sound], "deflate"))
    assert reasons(told) == ["block of an impossible size"] and len(told.events) == 1
    snappy = b"\xff\xff\xff\xff\x0f" + bytes(20)
    told = look(make.file([make.number(1) + make.number(len(snappy)) + snappy + make.SYNC], "snappy"))
    assert reasons(told) == ["block of an impossible size"]
    whole = make.record(4)
    for array in (make.number(-(2**61)) + make.number(2**61), make.number(2**50), make.number(-(2**63)), b"\xff" * 12):
        endless = whole[: whole.index(make.number(24) + make.number(1024)) + 3] + array + bytes(8)
        told = look(make.file([make.block(endless, 1), make.block(whole, 1)], version=4))
        assert reasons(told) == ["damaged block"] and len(told.events) == 1
    assert reasons(look(make.file([b"\xff" * 300]))) == ["block of an impossible size"]


@pytest.mark.full
def test_memory_is_bounded(tmp_path: Path) -> None:
    """64 blocks that would come to a gigabyte."""
    bomb = make.packed(bytes(16 << 20), "deflate")
    stored = make.number(1 << 60) + make.number(len(bomb)) + bomb + make.SYNC
    (tmp_path / "bomb.avro").write_bytes(make.file([stored] * 64, "deflate"))
    command = [sys.executable, "-m", "teiten", "decode", "--output", "csv", str(tmp_path / "bomb.avro")]
    limit = 3 << 30
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "64 records = 0 with events + 64 rejected" in run.stderr


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("time", 0x7FFFFFFFFFFFFFFF, "bad time stamp"), ("time", -1, "bad time stamp"), ("src_ip", 2**32, "bad address"),
        ("dst_ip", -5, "bad address"), ("dst_port", 65536, "a field is out of its range"),
        ("ttl", 256, "a field is out of its range"),
        ("protocol", -1, "a field is out of its range"), ("packet_cnt", 0, "impossible number of packets"),
        ("packet_cnt", 2**62, "impossible number of packets"), ("ip_len", 70000, "a field is out of its range"),
    ],
)  # fmt: skip
def test_a_record_out_of_range_is_rejected_alone(field: str, value: int, reason: str) -> None:
    bad = make.record(**{field: value})
    told = look(make.file([make.block(make.record() + bad + make.record(), 3)]))
    assert reasons(told) == [reason] and len(told.events) == 2 and told.rejected[0][2] == bad


def test_other_avro_files_are_refused_with_the_reason() -> None:
    other = {"type": "record", "name": "dos", "fields": [{"name": "bin_timestamp", "type": "long"}]}
    usual = make.SCHEMAS[3]["fields"]
    strange = {**make.SCHEMAS[3], "fields": [*usual, {"name": "x", "type": {"type": "map", "values": "int"}}]}
    text = {**make.SCHEMAS[3], "fields": [{"name": "ttl", "type": "string"} if f["name"] == "ttl" else f for f in usual]}
    for data, words in {
        make.header(other): "'dos', whose fields are not those", make.header(strange): "field 'x' is of a type",
        make.header(text): "'ttl' is no number", make.header(make.SCHEMAS[3], "zstandard"): "'zstandard', not as one of",
        make.header("[" * 4000): "no record", make.header([]): "no record", b"Obj\x01\x02\x01" + bytes(30): "header is damaged",
    }.items():  # fmt: skip
        assert 0 < READER.recognise(data) < readers.SURE
        with pytest.raises(InputError, match=words):
            list(readers.pick(data).read(oracle.Bytes(data), ReadOptions(ZoneInfo("UTC"))))
    assert READER.recognise(b"PK\x03\x04") == 0
    deep = b"Obj\x01" + make.number(1) + make.text("avro.schema") + make.text("[" * 20000 + "]" * 20000) + b"\0" + make.SYNC
    with pytest.raises(InputError):
        list(READER.read(oracle.Bytes(deep), ReadOptions(ZoneInfo("UTC"))))


def test_fields_in_another_order_and_nullable_are_read_by_their_names() -> None:
    fastavro = pytest.importorskip("fastavro")
    usual = reversed(make.SCHEMAS[3]["fields"])
    fields = [{"name": "ttl", "type": ["null", "int"]} if f["name"] == "ttl" else f for f in usual]
    fields.insert(2, {"name": "note", "type": {"type": "array", "items": "string"}})
    fields.insert(5, {"name": "mac", "type": {"type": "fixed", "name": "mac", "size": 6}})
    flows = [{**make.FLOW, "note": ["a", "bc"] * i, "mac": bytes(6), "ttl": (None, 60)[i % 2]} for i in range(4)]
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema({**make.SCHEMAS[3], "fields": fields}), flows)
    found = events(out.getvalue())
    assert found["ttl"].to_list() == [None, 60, None, 60] and found["packets"].to_list() == [3] * 4


def test_packed_once_more() -> None:
    """A .avro.gz is read as any compressed input."""
    import gzip

    data = make.many("deflate")
    packed, plain = look(gzip.compress(data, mtime=0)), look(data)
    assert (packed.lines, packed.events) == (plain.lines, plain.events)


def test_raw_deflate_that_ends_early() -> None:
    flows = b"".join(make.record(src_ip=i * 77777) for i in range(300))
    stored = make.packed(flows, "deflate")
    for cut in (len(stored) // 3, len(stored) - 1):
        block = make.number(300) + make.number(cut) + stored[:cut] + make.SYNC
        told = look(make.file([block], "deflate"))
        assert reasons(told) == ["damaged block"] and 0 < len(told.events) <= 300
    assert zlib.decompress(stored, -15) == flows


@pytest.mark.parametrize("path", sorted(CASES.glob("*.avro")), ids=lambda p: p.name)
def test_kept_files(path: Path) -> None:
    said = look(path.read_bytes())
    assert len(said.events) == 6 and not said.rejected
