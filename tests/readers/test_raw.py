"""Raw lines come back from plain, packed, rotated and growing logs; another line is never taken for them; columns as a line."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from teiten import intake
from teiten.engine import open_session
from teiten.lake import Lake
from teiten.publish import masks
from teiten.readers import _raw
from teiten.settings import Reading, Settings

TOKYO = Settings("Asia/Tokyo", "flag")
CASES = Path(__file__).parent / "netfilter" / "cases"


def line(n: int, extra: str = "") -> str:
    clock = f"{n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}"
    return (
        f"2026-04-01T{clock}+09:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC=192.0.2.{n % 250 + 1} DST=203.0.113.7 LEN=40 "
        f"TOS=0x00 PREC=0x00 TTL=244 ID={n} PROTO=TCP SPT=50404 DPT={n % 60000 + 1} WINDOW=1024 RES=0x00 SYN "
        f"URGP=0 {extra}"
    )


def stored(lake: Lake, *paths: Path) -> list[_raw.Place]:
    assert not intake.ingest(lake, [str(p) for p in paths], TOKYO).failed
    with open_session(lake, TOKYO) as asked:
        rows = asked.query("SELECT source_id, source_pos FROM raw_events ORDER BY source_id, source_pos")
    return [(r["source_id"], r["source_pos"]) for r in rows]


@pytest.mark.parametrize(
    ("name", "pack"), [("a.log", bytes), ("a.log.gz", gzip.compress), ("a.log.xz", lzma.compress), ("a.log.bz2", bz2.compress)]
)
def test_every_line_comes_back(name: str, pack: Callable[[bytes], bytes], lake: Lake, tmp_path: Path) -> None:
    lines = [line(n, "x" * (n % 7)) + "\r" * (n % 3 == 0) for n in range(0, 9000, 3)]
    path = tmp_path / name
    path.write_bytes(pack("\n".join(lines).encode()))
    places = stored(lake, path)
    assert len(places) == 3000
    some = [*places[::97], places[0], places[-1]]
    found = _raw.lines(lake, some, Reading())
    assert [found[p] for p in places[::97]] == [_raw.Raw(text.rstrip("\r")) for text in lines[::97]]
    assert found[places[-1]].text == lines[-1].rstrip("\r")


def test_a_rotated_log_is_found_among_its_set(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "messages"
    path.write_text("".join(line(n) + "\n" for n in range(50)))
    places = stored(lake, path)
    (tmp_path / "messages.2.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.write_text("".join(line(n) + "\n" for n in range(1000, 1050)))
    (tmp_path / "messages.1").write_text("".join(line(n) + "\n" for n in range(500, 550)))
    found = _raw.lines(lake, places, Reading())
    assert [found[p].text for p in places] == [line(n) for n in range(50)]


def test_another_line_is_not_taken_for_it(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "router.log"
    path.write_text("".join(line(n) + "\n" for n in range(10)))
    places = stored(lake, path)
    text = path.read_text().replace("ID=4 ", "ID=5 ")
    path.write_text(text)
    found = _raw.lines(lake, places, Reading())
    assert [found[p].why for p in places] == [""] * 4 + [_raw.CHANGED] + [""] * 5
    path.write_text(text[: len(text) // 2])
    assert {found.why for found in _raw.lines(lake, places[6:], Reading()).values()} == {_raw.CHANGED}


def test_what_is_not_at_hand_is_said(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "router.log"
    path.write_text(line(1) + "\n")
    places = stored(lake, path)
    path.unlink()
    assert _raw.lines(lake, places, Reading())[places[0]] == _raw.Raw(why=_raw.GONE)
    assert _raw.lines(lake, [(99, 0)], Reading())[99, 0].why == _raw.UNKNOWN
    # beyond all that was read from the input, and beyond what any file can be sought in
    far = [(places[0][0], pos) for pos in (10_000, 10**15, (1 << 63) - 1)]
    assert {found.why for found in _raw.lines(lake, far, Reading()).values()} == {_raw.UNKNOWN}
    path.mkdir()
    assert _raw.lines(lake, places, Reading())[places[0]].why != ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_log_that_may_not_be_read(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "router.log"
    path.write_text(line(1) + "\n")
    places = stored(lake, path)
    path.chmod(0)
    assert _raw.lines(lake, places, Reading())[places[0]].why == _raw.UNREADABLE


def test_a_pipe_keeps_nothing(lake: Lake, tmp_path: Path) -> None:
    import polars as pl

    path = tmp_path / "router.log"
    path.write_text(line(1) + "\n")
    places = stored(lake, path)
    batches = lake.batches(["batch", "source_id", "path", "format", "start", "end"])
    batches = batches.with_columns(pl.lit(None, pl.String).alias("path"))
    assert _raw._of_source(lake, batches, [places[0][1]], Reading())[places[0][1]].why == _raw.STREAM
    packets = batches.with_columns(pl.lit("pcap").alias("format"))
    assert _raw._of_source(lake, packets, [0], Reading())[0].why == _raw.NO_LINE


@pytest.mark.parametrize("name", ["joined", "repeats", "vendors", "protocols", "ipv6", "hostile", "transports_dated"])
def test_whatever_made_an_event_comes_back(name: str, lake: Lake, tmp_path: Path) -> None:
    """Lines run together, repeats, hostile bytes: each event's line is there, and an event can be put together as a line."""
    path = tmp_path / f"{name}.log"
    path.write_bytes((CASES / f"{name}.log").read_bytes())
    places = stored(lake, path)
    found = _raw.lines(lake, places, Reading())
    data = path.read_bytes()
    for source, pos in places:
        raw = found[source, pos]
        assert raw.why == "", (pos, raw)
        assert data[pos:].startswith(raw.text.encode("utf-8", "replace")[:30]) or "\\x" in raw.text
    with open_session(lake, TOKYO) as asked:
        rows = asked.query("SELECT * FROM raw_events")
    for row in rows:
        rebuilt = _raw.rebuild(row, ZoneInfo("Asia/Tokyo"))
        assert masks.mask(rebuilt)


def test_a_rebuilt_line_reads_as_the_same_event(lake: Lake, tmp_path: Path) -> None:
    """Put together again and read again, the columns that a line can state are the same."""
    first = tmp_path / "a.log"
    first.write_bytes((CASES / "protocols.log").read_bytes())
    stored(lake, first)
    with open_session(lake, TOKYO) as asked:
        rows = asked.query("SELECT * FROM raw_events ORDER BY source_pos")
    again = tmp_path / "b.log"
    again.write_text("".join(_raw.rebuild(r, ZoneInfo("Asia/Tokyo")) + " \n" for r in rows))
    other = Lake.create(tmp_path / "other", "Asia/Tokyo")
    stored(other, again)
    with open_session(other, TOKYO) as asked:
        made = asked.query("SELECT * FROM raw_events ORDER BY source_pos")
    assert len(made) == len(rows)
    same = ("time", "src_ip", "dst_ip", "protocol", "src_port", "dst_port", "ttl", "ip_id", "ip_len", "action", "interface",
            "icmp_type", "icmp_code", "tcp_seq", "tcp_ack", "tcp_window", "frag_offset")  # fmt: skip
    for a, b in zip(rows, made, strict=True):
        differ = {k: (a[k], b[k]) for k in same if a[k] != b[k] and a[k] not in (None, 0)}
        assert not differ, _raw.rebuild(a, ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize("form", ["json", "export"])
def test_a_journals_record_comes_back_whole(form: str, lake: Lake, tmp_path: Path) -> None:
    message = line(5).partition("kernel: ")[2]
    path = tmp_path / "journal"
    if form == "json":
        path.write_text(f'{{"__REALTIME_TIMESTAMP":"1775000000000000","MESSAGE":"{message}"}}\n')
    else:
        path.write_text(f"__CURSOR=a\n__REALTIME_TIMESTAMP=1775000000000000\nMESSAGE={message}\n\n")
    places = stored(lake, path)
    (raw,) = _raw.lines(lake, places, Reading()).values()
    assert message.strip() in raw.text
    with pytest.raises(masks.Refused, match="journal"):
        masks.mask(raw.text.splitlines()[0] if form == "json" else raw.text.replace("\n", " "))
