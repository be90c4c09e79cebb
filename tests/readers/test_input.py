"""Inputs: what is packed, rotated, in folders, on stdin; and what cannot be read, in one clear sentence."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import lzma
import os
import struct
import threading
from pathlib import Path

import pytest
from tests.readers.reading import chunks

from teiten.errors import InputError
from teiten.readers import _input
from teiten.settings import Reading

LINE = (
    b"2026-04-01T10:00:00+09:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC=192.0.2.1 DST=198.51.100.7 "
    b"LEN=40 TOS=0x00 PREC=0x00 TTL=9 ID=1 PROTO=TCP SPT=1 DPT=23 WINDOW=1 RES=0x00 SYN URGP=0 \n"
)
TEXT = LINE * 5_000
PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": _input.zstd().compress}


def read_all(one: _input.Input) -> tuple[bytes, str | None]:
    out = bytearray()
    with one.open() as stream:
        while piece := stream.read(1 << 16):
            out += piece
        return bytes(out), getattr(stream, "trouble", None)


@pytest.mark.parametrize("packer", PACKERS)
def test_packed_by_content_not_by_name(tmp_path: Path, packer: str) -> None:
    """Two members in a row, padded with zeros where the format allows it, under a name that says nothing."""
    path = tmp_path / "messages"
    path.write_bytes(PACKERS[packer](TEXT) + PACKERS[packer](LINE))
    one = _input.of(path)
    assert one.head() == TEXT[:65536]
    assert read_all(one) == (TEXT + LINE, None)
    assert read_all(one) == (TEXT + LINE, None)  # again and again


def test_padding_and_junk_after_a_gzip(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(LINE) + b"\0" * 600)
    assert read_all(_input.of(path)) == (LINE, None)
    path.write_bytes(gzip.compress(LINE) + b"junk that is no member")
    data, trouble = read_all(_input.of(path))
    assert data == LINE
    assert trouble is not None and str(path) in trouble


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("damage", ["cut", "broken"])
def test_damaged(tmp_path: Path, packer: str, damage: str) -> None:
    """What came before is kept, and one sentence says so."""
    import random

    # random enough that the damage comes after whole blocks of output
    rng = random.Random(5)
    text = b"".join(LINE.replace(b"SPT=1 ", b"SPT=%d " % rng.randrange(65536)) for _ in range(6_000))
    packed = PACKERS[packer](text)
    half = len(packed) * 3 // 4
    path = tmp_path / "messages.packed"
    path.write_bytes(packed[:half] if damage == "cut" else packed[:half] + b"\xa5" * 64 + packed[half + 64 :])
    found = chunks(path)
    events = sum(c.events.height for c in found)
    notes = [n for c in found for n in c.notes]
    if packer == "bz2" or events:  # a small bz2 is one block
        assert 0 <= events < 6_000
    assert len(notes) == 1
    assert str(path) in notes[0] and "what came before is kept" in notes[0]


@pytest.mark.parametrize("packer", PACKERS)
def test_a_bomb_is_refused_and_a_setting_allows_it(tmp_path: Path, packer: str) -> None:
    path = tmp_path / f"bomb.{packer}"
    path.write_bytes(PACKERS[packer](LINE * 20_000))
    tight = Reading(max_ratio=10, ratio_floor=1 << 20)
    with pytest.raises(InputError, match=rf"bomb\.{packer} is refused.*max_ratio under \[reading\]"):
        read_all(_input.of(path, tight))
    wide = Reading(max_ratio=100_000, ratio_floor=1 << 20)
    assert len(read_all(_input.of(path, wide))[0]) == len(LINE) * 20_000


def test_a_zst_puts_out_no_more_than_is_asked_for(tmp_path: Path) -> None:
    """64 MiB out of 6 KB: what bounds the memory is how much is taken at a time."""
    path = tmp_path / "zeros.zst"
    path.write_bytes(_input.zstd().compress(bytes(64 << 20)))
    frame = _input._member("zstd")
    data, sizes = path.read_bytes(), []
    while not frame.finished:
        sizes.append(len(frame.feed(data, 1 << 20)))
        data = b""
    assert sum(sizes) == 64 << 20 and max(sizes) <= 1 << 20


def test_a_zst_with_a_huge_window_is_refused(tmp_path: Path) -> None:
    """zstd --ultra --long=28 wants 256 MiB of memory to read it."""
    zstd = _input.zstd()
    options = {zstd.CompressionParameter.window_log: 28, zstd.CompressionParameter.content_size_flag: 0}
    path = tmp_path / "long.zst"
    packer = zstd.ZstdCompressor(options=options)
    path.write_bytes(packer.compress(TEXT) + packer.flush())
    data, trouble = read_all(_input.of(path))
    assert data == b"" and trouble is not None and "is broken" in trouble


def test_the_time_in_a_gzip_header(tmp_path: Path) -> None:
    """When the log was written, not when its packed copy was moved here."""
    path = tmp_path / "x.gz"
    packed = bytearray(gzip.compress(LINE))
    packed[4:8] = struct.pack("<I", 1_600_000_000)
    path.write_bytes(packed)
    assert _input.of(path).mtime == dt.datetime.fromtimestamp(1_600_000_000, dt.UTC)
    os.utime(path, (1_500_000_000, 1_500_000_000))
    assert _input.of(path).mtime == dt.datetime.fromtimestamp(1_500_000_000, dt.UTC)


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["messages", "messages.1", "messages.2", "messages.10.gz", "messages.3.gz"],
         ["messages.10.gz", "messages.3.gz", "messages.2", "messages.1", "messages"]),
        (["kern.log", "kern.log-20260401.gz", "kern.log-20260315.xz"],
         ["kern.log-20260315.xz", "kern.log-20260401.gz", "kern.log"]),
        (["a.log", "a.log.1", "b.log", "b.log.1"], ["a.log.1", "a.log", "b.log.1", "b.log"]),
        (["fw-2026-04-02.log", "fw-2026-04-01.log", "fw.log"], ["fw-2026-04-01.log", "fw-2026-04-02.log", "fw.log"]),
        (["syslog.old", "syslog"], ["syslog.old", "syslog"]),
        (["syslog.1", "syslog", "syslog.0"], ["syslog.1", "syslog.0", "syslog"]),
    ],
)  # fmt: skip
def test_rotated_sets_oldest_first(tmp_path: Path, names: list[str], order: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_bytes(LINE)
    given = [str(tmp_path / n) for n in names]
    assert [i.path.name for i in _input.inputs(given) if i.path] == order
    assert [i.path.name for i in _input.inputs([str(tmp_path)]) if i.path] == order
    assert [i.path.name for i in _input.inputs([f"{tmp_path}/*"]) if i.path] == order


def test_a_folder_of_mixed_things(tmp_path: Path) -> None:
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "deep/er/messages").write_bytes(LINE)
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(3000))
    (tmp_path / "readme.txt").write_text("Nothing to see here.\n")
    (tmp_path / ".hidden").write_bytes(LINE)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "gone").symlink_to("nowhere")
    found = _input.inputs([str(tmp_path)])
    assert [i.path.name for i in found if i.path] == ["messages"]
    assert _input.inputs([str(tmp_path), str(tmp_path / "deep/er/messages")])[1:] == []  # each file once


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no file .*nothing"):
        _input.inputs([str(tmp_path / "nothing")])
    with pytest.raises(InputError, match="No file matches"):
        _input.inputs([str(tmp_path / "*.log")])
    with pytest.raises(InputError, match="no logs in the folder"):
        _input.inputs([str(tmp_path)])


def test_stdin_is_read_once_and_packed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(gzip.compress(TEXT))

    monkeypatch.setattr("sys.stdin", Stdin)
    (one,) = _input.inputs(["-"])
    assert one.head()[: len(LINE)] == LINE
    assert read_all(one) == (TEXT, None)
    with pytest.raises(InputError, match="only once"):
        one.open()


def test_a_named_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(TEXT))
    writer.start()
    (one,) = _input.inputs([str(pipe)])
    assert not one.seekable
    assert read_all(one) == (TEXT, None)
    writer.join()
