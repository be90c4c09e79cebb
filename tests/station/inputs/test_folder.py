"""A folder into which captures and logs come: each packet and each line once, and what is neither is told."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from _captures import erf, numbers, pcap, pcapng
from _stations import at_work, content, counts, station, until

from teiten.station.inputs import folder as kind
from teiten.station.spool import PACKETS, Spool


def watched(folder: Path, **more: Any) -> Any:
    (folder / "in").mkdir(exist_ok=True)
    return at_work(station(folder, {"captures": {"kind": "folder", "path": "in", "settle": 0.05, "poll": 0.05, **more}}))


def taken(folder: Path) -> list[int]:
    """The packets of all segments, each of which is a capture of its own."""
    spool, out = Spool(folder / "spool"), list[int]()
    for about in spool.streams():
        for segment in spool.segments(about.id) if about.data == PACKETS else ():
            if segment.path is not None and segment.end:
                out += numbers(segment.path.read_bytes()[: segment.end])
    return out


def test_captures_that_appear_grow_are_renamed_and_packed(tmp_path: Path) -> None:
    into = tmp_path / "in"
    with watched(tmp_path):
        (into / "a.pcap").write_bytes(pcap(range(5)))
        until(lambda: taken(tmp_path) == list(range(5)))
        (into / "b.pcapng.tmp").write_bytes(pcapng(range(5, 9)))
        (into / "sub").mkdir()
        (into / "sub" / "c.pcap.gz").write_bytes(gzip.compress(pcap(range(20, 24))))
        until(lambda: taken(tmp_path)[5:] == list(range(20, 24)))
        (into / "b.pcapng.tmp").rename(into / "b.pcapng")
        until(lambda: taken(tmp_path)[9:] == list(range(5, 9)))
        whole = pcap(range(5, 12))
        (into / "a.pcap").write_bytes(pcap(range(5)) + whole[24:100])  # a packet and a half more
        until(lambda: taken(tmp_path)[13:] == [5])
        (into / "a.pcap").rename(into / "old.pcap")
        with (into / "old.pcap").open("ab") as stream:
            stream.write(whole[100:])
        until(lambda: taken(tmp_path)[13:] == list(range(5, 12)))
        (into / "old.pcap.gz").write_bytes(gzip.compress((into / "old.pcap").read_bytes()))
        (into / "old.pcap").unlink()
    with watched(tmp_path):
        (into / "last.pcap").write_bytes(pcap([99]))
        until(lambda: taken(tmp_path)[20:] == [99])
    assert counts(tmp_path)["received"] == 21


def test_it_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind, "SEGMENT", 300)
    log, many = tmp_path / "in" / "ring.pcap", 0
    for more in (3, 20, 1, 7):
        many += more
        with watched(tmp_path):
            log.write_bytes(pcap(range(many)))
            until(lambda n=many: taken(tmp_path) == list(range(n)))  # type: ignore[misc]


def test_erf_is_known_by_its_name(tmp_path: Path) -> None:
    with watched(tmp_path):
        (tmp_path / "in" / "five.erf").write_bytes(erf(range(5)))  # its first byte is 0
        until(lambda: counts(tmp_path).get("received") == 5)
        (tmp_path / "in" / "nine.erf.gz").write_bytes(gzip.compress(erf(range(9))))  # the same, and four more
        until(lambda: counts(tmp_path).get("received") == 9)
    assert content(tmp_path, data=PACKETS) == erf(range(9))


def test_a_ring_that_writes_over_itself(tmp_path: Path) -> None:
    with watched(tmp_path):
        for turn in range(3):
            (tmp_path / "in" / "ring0.pcap").write_bytes(pcap(range(10 * turn, 10 * turn + 4)))
            until(lambda n=turn: taken(tmp_path)[4 * n :] == list(range(10 * n, 10 * n + 4)))  # type: ignore[misc]


def test_logs_are_taken_too(tmp_path: Path) -> None:
    with watched(tmp_path):
        log = tmp_path / "in" / "messages"
        (tmp_path / "in" / "messages.1.gz").write_bytes(gzip.compress(b"one\n"))
        log.write_bytes(b"two\n")
        until(lambda: content(tmp_path) == b"one\ntwo\n")
        log.rename(log.with_name("messages.1"))
        (tmp_path / "in" / "messages.1.gz").rename(tmp_path / "in" / "messages.2.gz")
        log.write_bytes(b"three\n")
        until(lambda: content(tmp_path) == b"one\ntwo\nthree\n")


@pytest.mark.parametrize(
    ("data", "sentence", "packets"),
    [
        (b"\x7fELF\0\0\0\0" + bytes(99), "is no capture, and no log", []),
        (pcap([1, 2])[:-5], "ends too early: its last packet is not whole", [1]),
        (gzip.compress(pcap([1, 2]))[:-8], "ends too early", [1, 2]),
        (pcap([1]) + b"\xff" * 40, "is broken after", [1]),
    ],
    ids=["program", "cut off", "cut off archive", "broken"],
)
def test_bad_files_are_told_and_kept(tmp_path: Path, data: bytes, sentence: str, packets: list[int]) -> None:
    with watched(tmp_path) as (_, said):
        (tmp_path / "in" / "bad").write_bytes(data)
        until(lambda: any(sentence in one for one in said))
        (tmp_path / "in" / "good.pcap").write_bytes(pcap([7]))
        until(lambda: taken(tmp_path) == [*packets, 7])
    assert (tmp_path / "in" / "bad").read_bytes() == data
