"""Sends the packets that no scanner sends but the log's grammar has: run inside the laboratory's namespace.

usage: odd_packets.py OWN4 OWN6 OTHER4 OTHER6. Raw sockets; every packet goes to OTHER, which is in the laboratory.
"""

from __future__ import annotations

import socket
import struct
import sys
import time

TCP, UDP, ICMP, ICMP6, ESP, AH = 6, 17, 1, 58, 50, 51
HOP, ROUTING, FRAGMENT, NONE, DESTINATION = 0, 43, 44, 59, 60


def tcp(source: int, target: int, flags: int, *, options: bytes = b"", seq: int = 1, ack: int = 0, window: int = 1024) -> bytes:
    """A TCP header; `flags` has AE in bit 8."""
    offset = (5 + len(options) // 4) << 12
    return struct.pack("!HHIIHHHH", source, target, seq, ack, offset | flags, window, 0, 0) + options


def udp(source: int, target: int, payload: bytes = b"") -> bytes:
    return struct.pack("!HHHH", source, target, 8 + len(payload), 0) + payload


def checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def icmp(kind: int, code: int, rest: bytes = b"\0\0\0\0", payload: bytes = b"") -> bytes:
    body = struct.pack("!BBH", kind, code, 0) + rest + payload
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def ip4(source: str, target: str, protocol: int, payload: bytes, **field: int) -> bytes:
    """An IPv4 packet. `flags` are the upper three bits, `offset` is in units of eight bytes."""
    flags = field.get("flags", 0) << 13 | field.get("offset", 0)
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x45, field.get("tos", 0), 20 + len(payload), field.get("id", 77), flags, field.get("ttl", 61),
        protocol, 0, socket.inet_aton(source), socket.inet_aton(target),
    )  # fmt: skip
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def ip6(source: str, target: str, following: int, payload: bytes, *, hops: int = 61) -> bytes:
    addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
    return struct.pack("!IHBB", 6 << 28 | 0x12345, len(payload), following, hops) + addresses + payload


def padded(following: int) -> bytes:
    """An eight-byte options header (hop-by-hop, destination) that holds only padding."""
    return bytes([following, 0, 1, 4, 0, 0, 0, 0])


def fragment(following: int, offset: int, more: bool, ident: int = 0xBEEF) -> bytes:
    return struct.pack("!BBHI", following, 0, offset << 3 | int(more), ident)


def packets4(own: str, other: str) -> list[bytes]:
    mss = bytes([2, 4, 5, 0xB4])
    quoted_tcp = ip4(other, "10.66.0.99", TCP, tcp(80, 40001, 0x12), id=901, flags=2, ttl=53)
    quoted_udp = ip4(other, "10.66.0.98", UDP, udp(53, 40002, b"abcd"), id=902)
    quoted_ping = ip4(other, "10.66.0.97", ICMP, icmp(8, 0, b"\0\1\0\2", b"ping"), id=903)
    quoted_part = ip4(other, "10.66.0.96", TCP, tcp(80, 40003, 0x12)[:8], id=904)
    quoted_fragment = ip4(other, "10.66.0.95", UDP, b"12345678", id=905, offset=185)
    out = [
        ip4(own, other, TCP, tcp(4000, 23, 0x102)),  # AE
        ip4(own, other, TCP, tcp(4000, 23, 0x1FF, options=mss), tos=3, flags=2),  # all flags
        ip4(own, other, TCP, tcp(4000, 23, 2), flags=4),  # the reserved bit, which the kernel writes as CE
        ip4(own, other, UDP, udp(4000, 53, b"z"), flags=6),
        ip4(own, other, TCP, tcp(4001, 23, 2, seq=0x0A420002)),  # sequence = destination
        ip4(own, other, TCP, tcp(4002, 23, 2)[:12]),  # cut inside the TCP header
        ip4(own, other, UDP, udp(4003, 53)[:6]),
        ip4(own, other, ICMP, b"\x08"),
        ip4(own, other, TCP, b"x" * 24, offset=100, id=5),  # later fragment
        ip4(own, other, UDP, udp(4004, 53, b"y" * 24)[:24], flags=1, id=6),  # first fragment
        ip4(own, other, UDP, b"y" * 8, offset=3, id=6),
        ip4(own, other, ICMP, icmp(8, 0, b"\0\1\0\2", b"z" * 16), flags=1, id=7),
        ip4(own, other, ICMP, b"z" * 8, offset=3, id=7),
        ip4(own, other, AH, struct.pack("!BBHII", TCP, 4, 0, 0x1234, 1) + b"\0" * 12 + tcp(1, 2, 2)),
        ip4(own, other, ESP, struct.pack("!II", 0xABCD, 1) + b"\0" * 16),
        ip4(own, other, 132, b"\0" * 12),
        ip4(own, other, 47, b"\0" * 8),
        ip4(own, other, 4, ip4(own, other, TCP, tcp(1, 2, 2))),
        ip4(own, other, UDP, udp(4005, 0)),
    ]
    for quoted in (quoted_tcp, quoted_udp, quoted_ping, quoted_part, quoted_fragment):
        out.append(ip4(own, other, ICMP, icmp(3, 3, payload=quoted)))
    out.append(ip4(own, other, ICMP, icmp(3, 4, b"\0\0\x05\x14", quoted_tcp)))
    out.append(ip4(own, other, ICMP, icmp(11, 0, payload=quoted_tcp)))
    out.append(ip4(own, other, ICMP, icmp(4, 0, payload=quoted_udp)))
    out.append(ip4(own, other, ICMP, icmp(5, 1, socket.inet_aton("10.66.0.9"), quoted_udp)))
    out.append(ip4(own, other, ICMP, icmp(12, 0, b"\x14\0\0\0", quoted_tcp)))
    out.append(ip4(own, other, ICMP, icmp(0, 0, b"\0\1\0\2", b"pong")))
    out.append(ip4(own, other, ICMP, icmp(40, 3)))
    return out


def packets6(own: str, other: str) -> list[bytes]:
    quoted = ip6(other, "fd66::99", TCP, tcp(80, 40001, 0x12))
    quoted_udp = ip6(other, "fd66::98", UDP, udp(53, 40002, b"abcd"))
    return [
        ip6(own, other, TCP, tcp(4000, 23, 2)),
        ip6(own, other, TCP, tcp(4000, 23, 0x112, options=bytes([2, 4, 5, 0xA0]))),
        ip6(own, other, UDP, udp(4001, 53, b"hello")),
        ip6(own, other, HOP, padded(TCP) + tcp(4002, 22, 2)),
        ip6(own, other, DESTINATION, padded(UDP) + udp(4003, 5060, b"hi")),
        ip6(own, other, FRAGMENT, fragment(UDP, 0, True) + udp(4004, 53, b"a" * 24)[:24]),
        ip6(own, other, FRAGMENT, fragment(UDP, 3, False) + b"a" * 8),
        ip6(own, other, FRAGMENT, fragment(TCP, 0, False, 9) + tcp(4005, 80, 2)),
        ip6(own, other, AH, struct.pack("!BBHII", TCP, 4, 0, 0x1234, 1) + b"\0" * 12 + tcp(4006, 80, 2)),
        ip6(own, other, ESP, struct.pack("!II", 0xABCD, 1) + b"\0" * 16),
        ip6(own, other, NONE, b""),
        ip6(own, other, 132, b"\0" * 12),
        ip6(own, other, TCP, tcp(4007, 23, 2)[:12]),
        ip6(own, other, ICMP6, icmp(128, 0, b"\0\1\0\2", b"ping")),
        ip6(own, other, ICMP6, icmp(1, 4, payload=quoted)),
        ip6(own, other, ICMP6, icmp(1, 4, payload=quoted_udp)),
        ip6(own, other, ICMP6, icmp(2, 0, b"\0\0\x05\0", quoted)),
        ip6(own, other, ICMP6, icmp(3, 0, payload=quoted)),
        ip6(own, other, ICMP6, icmp(4, 1, b"\0\0\0\x28", quoted)),
    ]


def main() -> None:
    own4, own6, other4, other6 = sys.argv[1:]
    with (
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as four,
        socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as six,
    ):
        for packet in packets4(own4, other4):
            four.sendto(packet, (other4, 0))
            time.sleep(0.01)
        for packet in packets6(own6, other6):
            six.sendto(packet, (other6, 0, 0, 0))
            time.sleep(0.01)


if __name__ == "__main__":
    main()
