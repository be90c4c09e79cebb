"""An IPv6 packet's fields -> its bytes in a capture, and its line in the kernel's log (nf_log_syslog.c). Few, so one by one."""

from __future__ import annotations

import datetime as dt
import struct
from dataclasses import dataclass
from typing import Final

from teiten.simulate._write import v6_text
from teiten.simulate.dark._batch import TCP, UDP
from teiten.simulate.dark._text import FLAGS, ZONE_HOURS
from teiten.simulate.dark._wire import EXTRAS, MACS

ICMP6: Final = 58
ERRORS: Final = (1, 2, 3, 4)
"""types of ICMPv6 that quote a packet (RFC 4443)"""
_ZONE: Final = dt.timezone(dt.timedelta(hours=ZONE_HOURS))
_MAC: Final = ":".join(f"{x:02x}" for x in (*MACS, 0x86, 0xDD))


@dataclass(frozen=True, slots=True)
class Quoted:
    """The forged packet within an error: from the error's destination to the victim."""

    victim: bytes
    protocol: int
    sport: int
    dport: int
    seq: int


@dataclass(frozen=True, slots=True)
class Packet:
    """time: µs since 1970; flow: the flow label; ident, number: of an echo; extra: place in `_wire.EXTRAS`."""

    time: int
    src: bytes
    dst: bytes
    protocol: int
    hops: int
    cause: str
    actor: int
    country: str
    flow: int = 0
    sport: int = 0
    dport: int = 0
    seq: int = 0
    ack: int = 0
    flags: int = 0
    window: int = 0
    extra: int = 0
    kind: int = 0
    code: int = 0
    ident: int = 0
    number: int = 0
    quoted: Quoted | None = None


def _folded(data: bytes) -> int:
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def _summed(src: bytes, dst: bytes, protocol: int, above: bytes, at: int) -> bytes:
    """With its checksum, over the pseudo-header too (RFC 8200, 8.1)."""
    value = _folded(src + dst + struct.pack(">IxxxB", len(above), protocol) + above)
    return above[:at] + struct.pack(">H", value or (0xFFFF if protocol == UDP else 0)) + above[at + 2 :]


def _ip(src: bytes, dst: bytes, protocol: int, hops: int, flow: int, above: bytes) -> bytes:
    return struct.pack(">IHBB", 6 << 28 | flow, len(above), protocol, hops) + src + dst + above


def _tcp(p: Packet) -> bytes:
    options = EXTRAS[p.extra]
    head = struct.pack(
        ">HHIIBBHHH", p.sport, p.dport, p.seq, p.ack, (20 + len(options)) // 4 << 4, p.flags, p.window, 0, 0
    )  # fmt: skip
    return _summed(p.src, p.dst, TCP, head + options, 16)


def _inside(p: Packet, q: Quoted) -> bytes:
    """The quoted packet, whole: a SYN, or a datagram of 24 bytes."""
    if q.protocol == UDP:
        head = struct.pack(">HHHH", q.sport, q.dport, 32, 0) + bytes(24)
        above = _summed(p.dst, q.victim, UDP, head, 6)
    else:
        head = struct.pack(">HHIIBBHHH", q.sport, q.dport, q.seq, 0, 0x50, 2, 512, 0, 0)
        above = _summed(p.dst, q.victim, TCP, head, 16)
    return _ip(p.dst, q.victim, q.protocol, 1 if p.kind == 3 else 51, 0, above)


def packet(p: Packet) -> bytes:
    """From the IP header on."""
    if p.protocol == TCP:
        above = _tcp(p)
    elif p.protocol == UDP:
        payload = EXTRAS[p.extra]
        above = _summed(p.src, p.dst, UDP, struct.pack(">HHHH", p.sport, p.dport, 8 + len(payload), 0) + payload, 6)
    elif p.quoted is not None:
        above = _summed(p.src, p.dst, ICMP6, struct.pack(">BBHI", p.kind, p.code, 0, 0) + _inside(p, p.quoted), 2)
    else:
        above = _summed(p.src, p.dst, ICMP6, struct.pack(">BBHHH", p.kind, p.code, 0, p.ident, p.number) + bytes(16), 2)
    return _ip(p.src, p.dst, p.protocol, p.hops, p.flow, above)


def record(p: Packet) -> bytes:
    """Its record in a classic pcap file."""
    frame = MACS + b"\x86\xdd" + packet(p)
    return struct.pack("<IIII", *divmod(p.time, 1_000_000), len(frame), len(frame)) + frame


def line(p: Packet, sensor: str, boot: int) -> str:
    """Its line, without an end. `boot`: seconds since 1970 from which the kernel's clock counts."""
    second, micro = divmod(p.time, 1_000_000)
    stamp = f"{dt.datetime.fromtimestamp(second, _ZONE):%Y-%m-%dT%H:%M:%S}.{micro:06d}+{ZONE_HOURS:02d}:00"
    head = f"{stamp} {sensor} kernel: [{str(second - boot).rjust(5)}.{micro:06d}] [DROP] IN=eth0 OUT= MAC={_MAC} "
    return head + _words(p, len(packet(p)))


def _words(p: Packet, length: int) -> str:
    ip = f"SRC={v6_text(p.src)} DST={v6_text(p.dst)} LEN={length} TC=0 HOPLIMIT={p.hops} FLOWLBL={p.flow} "
    if p.protocol == TCP:
        options = f"OPT ({EXTRAS[p.extra].hex().upper()}) " if p.extra else ""
        ports = f"PROTO=TCP SPT={p.sport} DPT={p.dport} SEQ={p.seq} ACK={p.ack} "
        return f"{ip}{ports}WINDOW={p.window} RES=0x00 {FLAGS[p.flags]}URGP=0 {options}"
    if p.protocol == UDP:
        return f"{ip}PROTO=UDP SPT={p.sport} DPT={p.dport} LEN={8 + len(EXTRAS[p.extra])} "
    kind = f"{ip}PROTO=ICMPv6 TYPE={p.kind} CODE={p.code} "
    if p.quoted is None:
        return f"{kind}ID={p.ident} SEQ={p.number} "
    q = p.quoted
    udp = q.protocol == UDP
    size, hops = (72 if udp else 60), (1 if p.kind == 3 else 51)
    inner = f"SRC={v6_text(p.dst)} DST={v6_text(q.victim)} LEN={size} TC=0 HOPLIMIT={hops} FLOWLBL=0 "
    if udp:
        return f"{kind}[{inner}PROTO=UDP SPT={q.sport} DPT={q.dport} LEN=32 ] "
    return f"{kind}[{inner}PROTO=TCP SPT={q.sport} DPT={q.dport} SEQ={q.seq} ACK=0 WINDOW=512 RES=0x00 SYN URGP=0 ] "
