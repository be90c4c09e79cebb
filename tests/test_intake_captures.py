"""Captures that overlap: each packet is stored once, told by its event's columns, whatever became of the files meanwhile."""

from __future__ import annotations

import os
import random
import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.lake.dying import dying
from tests.readers.capture import making

from teiten import intake
from teiten.intake import Result
from teiten.lake import Lake, compact, seen
from teiten.lake.history import History
from teiten.readers.capture import _read
from teiten.settings import Reading, Settings

T0 = 1_775_001_600 * 10**6
"""2026-04-01, µs"""
FORMS = ("pcap", "nano", "big", "pcapng", "raw", "cooked", "short")


@dataclass(frozen=True, slots=True)
class Packet:
    """One record: its time (µs) and the packet; `event`: it makes one."""

    time: int
    body: bytes
    event: bool = True
    ethertype: int = 0x800


def tcp(time: int, number: int, source: int = 9) -> Packet:
    syn = struct.pack(">HHIIBBHHH", 40000, 23, number, 0, 0x50, 2, 1024, 0, 0) + b"some payload"
    body = making.ipv4(syn)
    return Packet(time, body[:12] + bytes([203, 0, 113, source]) + body[16:])


def six(time: int, number: int) -> Packet:
    syn = struct.pack(">HHIIBBHHH", 40000, 23, number, 0, 0x50, 2, 1024, 0, 0)
    return Packet(time, making.ipv6(syn), ethertype=0x86DD)


def error(time: int, number: int) -> Packet:
    """An ICMP error, which quotes a packet of 203.0.113.9."""
    return Packet(time, making.ipv4(struct.pack(">BBHI", 3, 1, number & 0xFFFF, 0) + making.PACKET, protocol=1))


def arp(time: int, number: int) -> Packet:
    return Packet(time, struct.pack(">I", number) * 7, event=False, ethertype=0x806)


def capture(packets: Sequence[Packet], form: str = "pcap") -> bytes:
    """A capture of them; of forms that have no link layer, without what is no IP."""
    if form == "pcapng":
        records = [making.enhanced(making.ethernet(p.ethertype, p.body), p.time) for p in packets]
        return making.section() + making.interface(1) + b"".join(records)
    order, parts = (">" if form == "big" else "<"), (10**9 if form == "nano" else 10**6)
    link = {"raw": 101, "cooked": 113}.get(form, 1)
    out = [struct.pack(order + "IHHiIII", 0xA1B23C4D if form == "nano" else 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)]
    for p in packets:
        if link == 101 and not p.event:
            continue
        record = p.body if link == 101 else making.ethernet(p.ethertype, p.body)
        if link == 113:
            record = struct.pack(">HHH8sH", 0, 1, 6, making.MAC[:8], p.ethertype) + p.body
        if form == "short":  # a snapshot length that leaves the headers whole
            record = record[: 14 + (60 if p.ethertype == 0x86DD else 42)]
        part = p.time % 10**6 * (parts // 10**6) + (p.time % 997 if form == "nano" else 0)
        out.append(struct.pack(order + "IIII", p.time // 10**6, part, len(record), len(record)) + record)
    return b"".join(out)


def told(packets: Sequence[Packet]) -> Counter[tuple[int, int]]:
    """What the lake is to hold of them: their times, and what is unlike in them."""
    found: Counter[tuple[int, int]] = Counter()
    for p in packets:
        if p.event:
            v6 = p.body[0] >> 4 == 6
            protocol = p.body[6] if v6 else p.body[9]
            found[p.time, -1 if protocol == 1 else int.from_bytes(p.body[44:48] if v6 else p.body[24:28], "big")] += 1
    return found


def stored(lake: Lake) -> Counter[tuple[int, int]]:
    found: Counter[tuple[int, int]] = Counter()
    for file in lake.live_files()[0]:
        rows = pl.read_parquet(file.path, columns=["time", "tcp_seq"])
        found.update(zip(rows["time"].to_physical().to_list(), rows["tcp_seq"].fill_null(-1).to_list(), strict=True))
    return found


def put(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def run(lake: Lake, *paths: str, payload: int = 0, **more: Any) -> Result:
    result = intake.ingest(
        lake, paths, Settings("UTC", "flag", reading=Reading(payload_bytes=payload)), judge=False, **more
    )  # fmt: skip
    assert not result.failed
    result.total.check()
    for_all = lake.batches(["line_hashes", "hashed", "lines", "had_already", "new_lines", "format"])
    for row in for_all.filter(pl.col("hashed").is_not_null()).iter_rows(named=True):
        assert len(row["line_hashes"]) == 12 * row["hashed"] and row["new_lines"] == row["lines"] - row["had_already"]
    return result


def put_together(lake: Lake) -> None:
    with lake.writer() as writer:
        compact.run(writer, rows=40, grace=0)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", "UTC")


def some(n: int, start: int = 0) -> list[Packet]:
    """Packets of all kinds, one of them twice in the same microsecond, every tenth no IP."""
    out = []
    for i in range(start, start + n):
        time = T0 + i * 250_001
        out.append([tcp, six, tcp, error][i % 4](time, 1000 + i))
        if i % 5 == 0:
            out.append(out[-1])
        if i % 10 == 3:
            out.append(arp(time + 7, i))
    return out


@pytest.mark.parametrize("payload", [(0, 16), (16, 0)])
@pytest.mark.parametrize("form", FORMS)
def test_the_same_packets_in_another_form(lake: Lake, tmp_path: Path, form: str, payload: tuple[int, int]) -> None:
    """Another container, byte order, resolution or link type; the first bytes of payloads kept only at one of both times."""
    packets = some(60)
    run(lake, put(tmp_path / "a.pcap", capture(packets)), payload=payload[0])
    put_together(lake)
    again = run(lake, put(tmp_path / f"b.{form}", capture(packets, form)), payload=payload[1])
    assert again.total.events == 0 and stored(lake) == told(packets)
    assert again.total.had_already >= sum(p.event for p in packets)


def test_little_is_kept_of_a_packet(lake: Lake, tmp_path: Path) -> None:
    packets = some(400)
    run(lake, put(tmp_path / "a.pcap", capture(packets)))
    (row,) = lake.batches(["line_hashes", "hashed", "new_lines"]).iter_rows(named=True)
    assert row["hashed"] == sum(not p.event for p in packets)
    assert row["new_lines"] == len(packets) and len(row["line_hashes"]) == 12 * row["hashed"]


def test_records_without_an_event_are_known_too(lake: Lake, tmp_path: Path) -> None:
    """With a snapshot length of another number in its header it is another file, with the same records."""
    packets = some(50)
    cut = making.ethernet(0x800, making.PACKET[:12])  # a packet that cannot be read
    data = capture(packets) + struct.pack("<IIII", T0 // 10**6 + 99, 0, len(cut), len(cut)) + cut
    first = run(lake, put(tmp_path / "a.pcap", data)).total
    assert first.rejected.total() == 1 and first.ignored["arp"] == 5
    again = run(lake, put(tmp_path / "b.pcap", data[:16] + b"\1\1\1\0" + data[20:])).total
    assert (again.had_already, again.lines) == (first.lines, first.lines)


def test_nothing_is_read_where_no_time_is_common(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(lake, put(tmp_path / "a.pcap", capture([p for p in some(50) if p.event])))
    monkeypatch.setattr(seen, "_files", None)
    later = [p for p in some(50, 1000) if p.event]
    assert run(lake, put(tmp_path / "b.pcap", capture(later))).total.events == len(later)
    other = run(lake, put(tmp_path / "c.pcap", capture(some(50), "nano")), sensor="another").total
    assert other.events == len([p for p in some(50) if p.event])


def test_packets_without_a_time_of_their_own(lake: Lake, tmp_path: Path) -> None:
    """Simple packet blocks have the file's time: a copy of another day has the same packets."""
    records = [making.ethernet(0x800, tcp(0, n).body) for n in range(5)]
    begin, timed = making.section() + making.interface(1), making.enhanced(making.ethernet(0x800, tcp(0, 99).body), T0)
    data = begin + b"".join(map(making.simple, records)) + timed
    assert run(lake, put(tmp_path / "a.pcapng", data)).total.events == 6
    longer = put(tmp_path / "b.pcapng", begin + b"".join(map(making.simple, records)) + making.simple(records[0]) + timed)
    os.utime(longer, (1_700_000_000, 1_700_000_000))
    again = run(lake, longer).total
    assert (again.events, again.had_already) == (1, 6)


def test_a_clock_that_was_set(lake: Lake, tmp_path: Path) -> None:
    """A capture that begins in 1970, jumps, and falls back: only what lies at these times is looked at."""
    packets = [*(tcp(5 * 10**6 + n, n) for n in range(9)), *some(60), *(tcp(T0 - 86_400 * 10**6 + n, n) for n in range(9))]
    run(lake, put(tmp_path / "a.pcap", capture(packets[:40])), put(tmp_path / "b.pcap", capture(packets[40:])))
    again = run(lake, put(tmp_path / "c.pcap", capture(packets, "nano"))).total
    assert again.events == 0 and stored(lake) == told(packets)


def test_times_to_and_fro(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the lake has more of an input's times than is held, only what the input has is."""
    packets = [p for p in some(600) if p.event]
    random.Random(7).shuffle(packets)
    run(lake, put(tmp_path / "a.pcap", capture(packets)))
    put_together(lake)
    monkeypatch.setattr(seen, "MOST", 50)
    monkeypatch.setattr(intake, "PIECE_EVENTS", 64)
    monkeypatch.setattr(_read, "_ROWS", 32)
    later = tcp(T0 + 3, 77)
    again = run(lake, put(tmp_path / "b.pcap", capture([*packets[:300], later, *packets[300:]], "nano"))).total
    assert again.events == 1 and stored(lake) == told([*packets, later])


def test_a_capture_that_grows_among_others(lake: Lake, tmp_path: Path) -> None:
    """How far it came in another's packets is known in the next run too: what lies before it there is not meant again."""
    own, first, second = tcp(T0 - 10**6, 1), tcp(T0, 2), tcp(T0 + 10**6, 3)
    run(lake, put(tmp_path / "a.pcap", capture([first, second])))
    put_together(lake)
    grown = tmp_path / "b.pcap"
    assert run(lake, put(grown, capture([own, second], "nano"))).total.events == 1
    assert run(lake, put(grown, capture([own, second, first], "nano"))).total.events == 1
    assert stored(lake) == told([own, first, second, first])


def test_stretches_of_one_input(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stretch came to counts in the next: how far, and which packets were used."""
    monkeypatch.setattr(intake, "PIECE_EVENTS", 1)
    hour = 4 * 3600 * 10**6
    some_more, later = [tcp(T0 + n, n) for n in range(20)], [tcp(T0 + hour + n, n) for n in range(20)]
    run(lake, put(tmp_path / "a.pcap", capture([*some_more, *later])))
    monkeypatch.setattr(_read, "_ROWS", 20)
    assert run(lake, put(tmp_path / "b.pcap", capture([*some_more, *later, *some_more], "nano"))).total.events == 20
    assert stored(lake) == told([*some_more, *later, *some_more])


def test_batches_of_an_older_lake(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have a hash for every packet, by which they are told; what comes later has none, and both are known."""
    packets = some(90)
    with monkeypatch.context() as older:
        older.setattr(History, "has_hashed", lambda *_: True)
        init = intake._Part.__init__
        older.setattr(intake._Part, "__init__", lambda self, encoders, lines: init(self, encoders, True))
        grown = tmp_path / "grown.pcap"
        run(lake, put(grown, capture(packets[:30])))
    assert lake.batches(["hashed"])["hashed"].to_list() == [None]
    run(lake, put(grown, capture(packets[:60])))
    assert lake.batches(["hashed"])["hashed"].null_count() == 1
    assert stored(lake) == told(packets[:60])
    again = run(lake, put(tmp_path / "b.pcap", capture(packets[20:], "pcap")[:16] + b"\1\1\1\0" + capture(packets[20:])[20:]))
    assert again.total.had_already == 40 and stored(lake) == told(packets)


def test_what_was_forgotten_does_not_come_back(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEITEN_BATCH_EVENTS", "50")
    packets = [tcp(T0 + n * 1000, n, source=n % 3) for n in range(200)] + [error(T0 + 10**6, 5)]
    run(lake, put(tmp_path / "a.pcap", capture(packets)))
    put_together(lake)
    lake.forget(ip_network("203.0.113.1/32"))
    lake.forget(ip_network("203.0.113.9/32"))  # the address that the error quotes
    left = told([p for p in packets if p.body[15] not in (1, 9)])
    assert stored(lake) == left and sum(left.values()) == 134 - 1 + (packets[-1].body[15] != 9)
    again = run(lake, put(tmp_path / "b.pcap", capture(packets, "pcapng"))).total
    assert (again.events, again.had_already) == (0, len(packets)) and stored(lake) == left


@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.full)])
def test_dying_while_packets_are_forgotten(tmp_path: Path, stride: int) -> None:
    """At whichever step: the packets are as they were or all gone, and none comes back."""
    packets = [tcp(T0 + n * 1000, n, source=n % 3) for n in range(60)]
    left = told([p for p in packets if p.body[15] != 1])
    for step in range(0, 100, stride):
        lake = Lake.create(tmp_path / str(step), "UTC")
        run(lake, put(tmp_path / "a.pcap", capture(packets)))
        with dying(step) as died:
            lake.forget(ip_network("203.0.113.1/32"))
        assert stored(lake) in (told(packets), left)
        again = run(lake, put(tmp_path / "b.pcap", capture(packets, "nano"))).total
        assert again.events == 0 and stored(lake) in (told(packets), left), step
        if not died:
            return
    raise AssertionError("it never came to its end")


def windows(seed: int) -> tuple[list[Packet], list[tuple[int, int]], random.Random]:
    """A stream with equal packets, equal times and records without events; windows of it that begin and end between times,
    cover all of it, and come in any order, some of them again."""
    chance = random.Random(seed)
    stream: list[Packet] = []
    edges = []
    time = T0
    for _ in range(chance.randint(5, 80)):
        time += chance.choice([1, 1, 999, 10**6, 3 * 3600 * 10**6])
        edges.append(len(stream))
        kinds = [chance.randrange(6) for _ in range(chance.randint(1, 3))]
        stream += [chance.choice([tcp, tcp, six, arp, error])(time, chance.choice(kinds)) for _ in range(chance.randint(1, 6))]
    edges.append(len(stream))
    spans = []
    at = 0
    while at < len(edges) - 1:
        begin, at = max(0, at - chance.randint(0, 12)), min(len(edges) - 1, at + chance.randint(1, 20))
        spans.append((edges[begin], edges[at]))
    for _ in range(chance.randint(0, 3)):
        begin, end = sorted(chance.sample(range(len(edges)), 2))
        spans.append((edges[begin], edges[end]))
    chance.shuffle(spans)
    return stream, spans, chance


SLOW: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@pytest.mark.full
@hypothesis_settings(max_examples=6, **SLOW)
@given(st.integers(0, 2**32))
def test_windows_in_any_order_add_up_to_the_stream(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    add_up(tmp_path_factory.mktemp("captures"), *windows(seed))


@pytest.mark.full
@pytest.mark.timeout(1800)
@hypothesis_settings(max_examples=200, **SLOW)
@given(st.integers(0, 2**32))
def test_many_windows_add_up_to_the_stream(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    add_up(tmp_path_factory.mktemp("captures"), *windows(seed))


def add_up(folder: Path, stream: list[Packet], spans: list[tuple[int, int]], chance: random.Random) -> None:
    lake = Lake.create(folder / "lake", "UTC")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEITEN_BATCH_EVENTS", str(chance.randint(3, 60)))
        patch.setattr(intake, "PIECE_EVENTS", chance.choice([1, 20, 1000]))
        patch.setattr(_read, "_ROWS", chance.choice([1, 7, 1000]))
        patch.setattr(seen, "AHEAD", chance.choice([1, 25, 1000]))
        patch.setattr(seen, "USED", chance.choice([0, 25, 1000]))
        for n, (begin, end) in enumerate(spans):
            path = put(folder / f"{n}.cap", capture(stream[begin:end], chance.choice(FORMS)))
            run(lake, *[path] * chance.randint(1, 2), payload=chance.choice([0, 16]))
            if chance.random() < 0.3:
                put_together(lake)
    assert stored(lake) == told(stream)
