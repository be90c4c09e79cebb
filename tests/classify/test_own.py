"""My own side: machines that scan are told, ordinary traffic is not, and no address of either leaves the question."""

from __future__ import annotations

import datetime as dt
import ipaddress
import random
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from teiten import intake, settings
from teiten.classify import own
from teiten.engine import open_session
from teiten.lake import Lake
from teiten.readers import _input

TOKYO = ZoneInfo("Asia/Tokyo")
DAY = dt.datetime(2019, 10, 22, tzinfo=TOKYO)
WAN = "198.51.100.23"
FORWARD, OUTPUT, INPUT = "IN=br0 OUT=ppp0", "IN= OUT=ppp0", "IN=ppp0 OUT="


def world(n: int) -> Iterator[str]:
    """n addresses that are nobody's LAN."""
    draw = random.Random(5)
    seen: set[str] = set()
    while len(seen) < n:
        one = ipaddress.ip_address(draw.randrange(0x0B000000, 0xDF000000))
        if one.is_global and str(one) not in seen:
            seen.add(str(one))
            yield str(one)


def tcp(src: str, dst: str, port: int, *, way: str = FORWARD, flags: str = "SYN", seq: int = 77, spt: int = 50000) -> str:
    return (
        f"{way} SRC={src} DST={dst} LEN=40 TOS=0x00 PREC=0x00 TTL=63 ID=7 PROTO=TCP SPT={spt} DPT={port} SEQ={seq} ACK=0 "
        f"WINDOW=1024 RES=0x00 {flags} URGP=0"
    )


def udp(src: str, dst: str, port: int, *, way: str = FORWARD, spt: int = 50000) -> str:
    return f"{way} SRC={src} DST={dst} LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=7 PROTO=UDP SPT={spt} DPT={port} LEN=40"


def number(address: str) -> int:
    return int(ipaddress.ip_address(address))


def ordinary() -> Iterator[str]:
    """A household's day, in one busy log."""
    me = "192.168.1.10"
    for dst in world(600):
        yield tcp(me, dst, 443)
        yield udp(me, dst, 443)  # QUIC
        yield tcp(me, dst, 40000 + number(dst) % 20000)  # file sharing
    for dst in world(80):
        yield udp(me, dst, 53)
        yield tcp(me, dst, 53, way=OUTPUT)
        yield udp(me, dst, 123)
        yield tcp(me, dst, 80)
        yield tcp(me, dst, 6881)
        yield tcp(me, dst, 5222)
        # late packets of connections, and answers of a server of one's own
        yield tcp(me, dst, 1000 + number(dst) % 9000, flags="ACK RST")
        yield tcp(WAN, dst, 50000 + number(dst) % 9000, way=OUTPUT, flags="ACK SYN", spt=22)
        yield tcp(WAN, dst, 23, way=OUTPUT, flags="RST ACK", spt=23)
        # what comes in from outside, from whatever it calls itself
        yield tcp(dst, WAN, 23, way=INPUT, seq=number(WAN))
        yield tcp(f"10.9.{number(dst) % 256}.1", WAN, 23, way=INPUT, seq=number(WAN))
    yield from (tcp(me, dst, 25) for dst in world(8))
    yield from (tcp(me, dst, 22) for dst in world(20))
    yield from (tcp(me, dst, 23) for dst in world(4))
    yield from (tcp(me, "203.0.113.9", port) for port in (21, 22, 25, 554, 990, 3389, 8000, 8001, 8888))
    for n in range(40):
        yield udp("192.168.1.20", f"224.0.0.{n}", 1900)
        yield udp("192.168.1.20", "239.255.255.250", 1900)
        yield udp("192.168.1.20", "224.0.0.251", 5353)
        yield udp("0.0.0.0", "255.255.255.255", 67)
        yield udp("192.168.1.20", "192.168.1.255", 137)
        yield tcp("192.168.1.20", f"192.168.1.{n + 30}", 23)  # a look round one's own LAN
        yield udp("fe80::1", "ff02::fb", 5353)
        yield tcp("2001:db8:1::5", "2001:db8:2::5", 443, way=OUTPUT)


def telnet() -> Iterator[str]:
    yield from (tcp("192.168.1.50", dst, 23 if n % 10 else 2323) for n, dst in enumerate(world(40)))


def mirai() -> Iterator[str]:
    yield from (tcp("192.168.1.50", dst, 80, seq=number(dst)) for dst in world(40))


def one_port() -> Iterator[str]:
    yield from (tcp("fd00::7", f"2001:db8:{n:x}::1", 445) for n in range(31))


def router() -> Iterator[str]:
    """A router that was taken over: its own packets have no IN=."""
    yield from (tcp(WAN, dst, 7547, way=OUTPUT) for dst in world(5))


def many_ports() -> Iterator[str]:
    yield from (tcp("172.16.3.4", "203.0.113.9", port) for port in (7, 13, 22, 23, 25, 79, 111, 135, 139, 445, 513, 1433, 3306))


def amplifiers() -> Iterator[str]:
    yield from (udp("169.254.9.9", dst, 1900) for dst in world(30))


def lake_of(lines: Iterable[str], folder: Path) -> Lake:
    path = folder / "router.log"
    with path.open("w", encoding="utf-8") as sink:
        for n, line in enumerate(lines):
            sink.write(f"{(DAY + dt.timedelta(seconds=5 * n)).isoformat()} gw kernel: DROP {line}\n")
    found = settings.load(zone="Asia/Tokyo")
    lake = Lake.open_or_create(folder / "lake", "Asia/Tokyo")
    assert not intake.ingest(lake, list(_input.inputs([str(path)], found.reading)), found).failed
    return lake


def asked(lake: Lake, thresholds: dict[str, float] | None = None) -> list[own.Finding]:
    with open_session(lake, settings.load(zone="Asia/Tokyo")) as session:
        return own.findings(session, DAY, DAY + dt.timedelta(days=1), thresholds)


def packed(text: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def test_ordinary_traffic_says_nothing(tmp_path: Path) -> None:
    assert asked(lake_of(ordinary(), tmp_path)) == []


@pytest.mark.parametrize(
    ("kind", "rule", "machine", "destinations", "score"),
    [
        (telnet, "own_bot_ports", "192.168.1.50", 36, 36),
        (mirai, "own_mirai", "192.168.1.50", 40, 40),
        (one_port, "own_one_port", "fd00::7", 31, 31),
        (router, "own_bot_ports", WAN, 5, 5),
        (many_ports, "own_many_ports", "172.16.3.4", 1, 11),
        (amplifiers, "own_one_port", "169.254.9.9", 30, 30),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_a_machine_that_scans_is_told_among_the_rest(
    tmp_path: Path, kind: Callable[[], Iterator[str]], rule: str, machine: str, destinations: int, score: int
) -> None:
    found = asked(lake_of([*ordinary(), *kind()], tmp_path))
    assert [(f.rule, f.machine, f.destinations, f.score, f.name) for f in found] == [
        (rule, packed(machine), destinations, score, "A")
    ]
    assert found[0].first == DAY.date() and found[0].days == 1


def test_machines_have_letters_by_what_they_sent(tmp_path: Path) -> None:
    found = asked(lake_of([*router(), *telnet(), *mirai(), *one_port()], tmp_path))
    assert {f.machine: f.name for f in found} == {packed("192.168.1.50"): "A", packed("fd00::7"): "B", packed(WAN): "C"}
    assert [f.rule for f in found] == ["own_mirai", "own_bot_ports", "own_bot_ports", "own_one_port"]
    assert found[1].ports == ((6, 23), (6, 2323)) or found[2].ports == ((6, 23), (6, 2323))
    assert [own.letter(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_thresholds_are_settings(tmp_path: Path) -> None:
    lake = lake_of([*ordinary(), *many_ports()], tmp_path)
    found = asked(lake, {"own_bot_destinations": 4, "own_port_destinations": 20, "port_scanner_ports": 12})
    assert [(f.rule, f.threshold) for f in found] == [("own_bot_ports", 4), ("own_one_port", 20)]
    assert [f.threshold for f in asked(lake, {"port_scanner_ports": 11})] == [11]


@pytest.mark.full
def test_both_forms_of_the_question_answer_alike(tmp_path: Path) -> None:
    """The SQL that stands beside a report is the one that was asked, with addresses as text."""
    lake = lake_of([*ordinary(), *telnet(), *one_port()], tmp_path)
    with open_session(lake, settings.load(zone="Asia/Tokyo")) as session:
        rows = own.activity(session, DAY, DAY + dt.timedelta(days=1))
        shown = session.query(rows.sql)
        assert sorted(packed(r["machine"]) for r in shown) == sorted(r["machine"] for r in rows)
        numbers = ("port", "destinations", "packets", "mirai")
        assert sorted(tuple(r[c] for c in numbers) for r in shown) == sorted(tuple(r[c] for c in numbers) for r in rows)
        assert rows.sql == own.sql(DAY, DAY + dt.timedelta(days=1))


def test_forged_lan_sources_in_a_telescopes_capture_are_no_machines_of_ones_own(tmp_path: Path) -> None:
    """A capture does not say where a packet came in, so its 10.0.0.9 may be anybody."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for n, dst in enumerate(world(40)):
        tcp_part = struct.pack(">HHIIBBHHH", 50000, 23, number(dst), 0, 0x50, 2, 1024, 0, 0)
        head = struct.pack(">BBHHHBBH", 0x45, 0, 40, 1, 0, 64, 6, 0) + packed("10.0.0.9") + packed(dst)
        out += struct.pack("<IIII", int(DAY.timestamp()) + n, 0, 40, 40) + head + tcp_part
    path = tmp_path / "dark.pcap"
    path.write_bytes(out)
    found = settings.load(zone="Asia/Tokyo")
    lake = Lake.create(tmp_path / "lake", "Asia/Tokyo")
    result = intake.ingest(lake, list(_input.inputs([str(path)], found.reading)), found)
    assert result.total.events == 40
    assert asked(lake) == []
