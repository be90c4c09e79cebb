"""Columns of packets -> the bytes of a classic pcap file: Ethernet, IPv4 and what is above, every checksum right."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.simulate.dark._batch import ICMP, TCP, UDP, Batch, below

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
HEADER: Final = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
"""microseconds, little-endian, Ethernet"""
MACS: Final = bytes.fromhex("00005e005301 00005e005302")
ROWS: Final = 65_536
"""packets put together at a time: bounds the memory"""
IP: Final = 16 + 14
ABOVE: Final = IP + 20

NONE, MSS, OLD_WINDOWS, WINDOWS, LINUX = range(5)
SSDP, NTP, DNS_ANSWER, SIP, SNMP, MEMCACHED, NETBIOS, SYSLOG, PING, QUOTE_8, QUOTE_WHOLE, DNS_ASK, STILL = range(5, 18)
EXTRAS: Final = (
    b"",
    bytes.fromhex("020405b4"),
    bytes.fromhex("020405b401010402"),
    bytes.fromhex("020405b40103030801010402"),
    bytes.fromhex("020405b40402080a00000000000000000103030a"),
    b'M-SEARCH * HTTP/1.1\r\nMAN:"ssdp:discover"\r\nST:ssdp:all\r\n\r\n',
    bytes.fromhex("1700032a00000000"),
    bytes.fromhex("000084000000000100000000") + b"\x07example\x00\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc0\x00\x02\x01",
    b"OPTIONS sip:100@192.0.2.1 SIP/2.0\r\nMax-Forwards: 70\r\n\r\n",
    bytes.fromhex("302602010104067075626c6963a019020100020100020100300e300c06082b060102010101000500"),
    bytes.fromhex("0000000000010000") + b"stats\r\n",
    bytes.fromhex("000000100001000000000000") + b"\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\x00\x00\x21\x00\x01",
    b"<30>daemon: started",
    bytes(range(48)),
    bytes(8),
    bytes(20),
    bytes.fromhex("000001000001000000000000") + b"\x07example\x00\x00\x01\x00\x01",
    bytes.fromhex("020405b40402080a00000000000000000103030a"),
)
"""What follows TCP's, UDP's or ICMP's fixed header; of a quoted packet what is above its IP header.
STILL is Linux' with a clock that stands, as the sensors' logs tell them."""
LENGTHS: Final = np.array([len(e) for e in EXTRAS])
_LONGEST: Final = (max(map(len, EXTRAS)) + 1) // 2 * 2
WIDTH: Final = ABOVE + 20 + _LONGEST
_TEMPLATES: Final = np.array([np.frombuffer(e.ljust(_LONGEST, b"\0"), dtype=np.uint8) for e in EXTRAS])


def _put(rows: U8, at: int, width: int, values: Any) -> None:
    """Big-endian numbers into `width` columns."""
    for i in range(width):
        rows[:, at + i] = values >> (8 * (width - 1 - i)) & 0xFF


def _folded(total: U64) -> U64:
    """The Internet checksum of a sum of 16-bit words."""
    for _ in range(3):
        total = (total & np.uint64(0xFFFF)) + (total >> np.uint64(16))
    out: U64 = total ^ np.uint64(0xFFFF)
    return out


def _sum(rows: U8) -> U64:
    """The sum of each row's 16-bit words; an even number of columns."""
    words = np.ascontiguousarray(rows).view(">u2")
    out: U64 = words.sum(axis=1, dtype=np.uint64)
    return out


def is_error(batch: Batch) -> npt.NDArray[np.bool_]:
    """(n) which are ICMP errors, that quote a packet."""
    out: npt.NDArray[np.bool_] = (batch["protocol"] == ICMP) & np.isin(batch["icmp_type"], (3, 11))
    return out


def stamps(batch: Batch) -> npt.NDArray[np.int64]:
    """(n) Linux' clock of time stamps: milliseconds from a beginning that is random for each pair of hosts."""
    pair = batch["src"].astype(np.uint64) << np.uint64(32) | batch["dst"].astype(np.uint64)
    out: npt.NDArray[np.int64] = (batch["time"] // 1000 + below(pair, 7, 1 << 32)) & 0xFFFFFFFF
    return out


def lengths(batch: Batch) -> npt.NDArray[np.int64]:
    """(n) IP total length of each packet."""
    fixed = np.where(batch["protocol"] == TCP, 40, 28)
    out: npt.NDArray[np.int64] = (fixed + np.where(is_error(batch), 20, 0) + LENGTHS[batch["extra"]] + batch["pad"]).astype(
        np.int64
    )
    return out


def _ip(rows: U8, b: dict[str, npt.NDArray[Any]], total: npt.NDArray[np.int64]) -> None:
    rows[:, IP] = 0x45
    rows[:, IP + 1] = b["tos"]
    _put(rows, IP + 2, 2, total)
    _put(rows, IP + 4, 2, b["ip_id"])
    rows[:, IP + 6] = b["df"] * 0x40
    rows[:, IP + 8] = b["ttl"]
    rows[:, IP + 9] = b["protocol"]
    _put(rows, IP + 12, 4, b["src"])
    _put(rows, IP + 16, 4, b["dst"])
    _put(rows, IP + 10, 2, _folded(_sum(rows[:, IP:ABOVE])))


def _tcp(rows: U8, b: dict[str, npt.NDArray[Any]]) -> None:
    _put(rows, ABOVE, 2, b["sport"])
    _put(rows, ABOVE + 2, 2, b["dport"])
    _put(rows, ABOVE + 4, 4, b["seq"])
    _put(rows, ABOVE + 8, 4, b["ack"])
    rows[:, ABOVE + 12] = (20 + LENGTHS[b["extra"]]) // 4 * 16
    rows[:, ABOVE + 13] = b["flags"]
    _put(rows, ABOVE + 14, 2, b["window"])
    options = _TEMPLATES[b["extra"]]
    rows[:, ABOVE + 20 : ABOVE + 20 + options.shape[1]] = options[:, : rows.shape[1] - ABOVE - 20]
    stamped = np.flatnonzero(b["extra"] == LINUX)
    if len(stamped):
        some = rows[stamped]
        _put(some, ABOVE + 28, 4, stamps({name: column[stamped] for name, column in b.items()}))
        rows[stamped] = some


def _udp(rows: U8, b: dict[str, npt.NDArray[Any]]) -> None:
    _put(rows, ABOVE, 2, b["sport"])
    _put(rows, ABOVE + 2, 2, b["dport"])
    _put(rows, ABOVE + 4, 2, 8 + LENGTHS[b["extra"]] + b["pad"])
    payload = _TEMPLATES[b["extra"]]
    rows[:, ABOVE + 8 : ABOVE + 8 + payload.shape[1]] = payload


def _icmp(rows: U8, b: dict[str, npt.NDArray[Any]]) -> None:
    rows[:, ABOVE] = b["icmp_type"]
    rows[:, ABOVE + 1] = b["icmp_code"]
    quotes = is_error(b)
    echo = np.flatnonzero(~quotes)
    some = rows[echo]
    _put(some, ABOVE + 4, 2, b["sport"][echo])
    _put(some, ABOVE + 6, 2, b["seq"][echo] & 0xFFFF)
    payload = _TEMPLATES[b["extra"][echo]]
    some[:, ABOVE + 8 : ABOVE + 8 + payload.shape[1]] = payload
    rows[echo] = some
    errors = np.flatnonzero(quotes)
    if len(errors):
        some = rows[errors]
        _quoted(some, {name: column[errors] for name, column in b.items()})
        rows[errors] = some


def _quoted(rows: U8, b: dict[str, npt.NDArray[Any]]) -> None:
    """The forged packet that the victim, or a router before it, sends back: from `dst` to `inner_dst`."""
    at = ABOVE + 8
    udp = b["inner_protocol"] == UDP
    rows[:, at] = 0x45
    _put(rows, at + 2, 2, np.where(udp, 28 + 24, 40))
    _put(rows, at + 4, 2, b["inner_id"])
    rows[:, at + 8] = np.where(b["icmp_type"] == 11, 1, 64 - b["ttl"] % 16)
    rows[:, at + 9] = b["inner_protocol"]
    _put(rows, at + 12, 4, b["dst"])
    _put(rows, at + 16, 4, b["inner_dst"])
    _put(rows, at + 10, 2, _folded(_sum(rows[:, at : at + 20])))
    _put(rows, at + 20, 2, b["inner_sport"])
    _put(rows, at + 22, 2, b["inner_dport"])
    _put(rows, at + 24, 4, np.where(udp, 32 << 16 | b["seq"] & 0xFFFF, b["seq"]))
    whole = np.flatnonzero(b["extra"] == QUOTE_WHOLE)
    some = rows[whole]
    some[:, at + 32] = 0x50
    some[:, at + 33] = 2
    _put(some, at + 34, 2, 512)
    pseudo = np.full(len(whole), TCP + 20, dtype=np.uint64)
    for address in (b["dst"][whole], b["inner_dst"][whole]):
        pseudo += (address >> 16).astype(np.uint64) + (address & 0xFFFF)
    _put(some, at + 36, 2, _folded(_sum(some[:, at + 20 : at + 40]) + pseudo))
    rows[whole] = some


def _checksum(rows: U8, b: dict[str, npt.NDArray[Any]], total: npt.NDArray[np.int64], at: int, pseudo: bool) -> None:
    found = _sum(rows[:, ABOVE:])
    if pseudo:
        for address in (b["src"], b["dst"]):
            found += (address >> 16).astype(np.uint64) + (address & 0xFFFF)
        found += b["protocol"].astype(np.uint64) + (total - 20).astype(np.uint64)
    value = _folded(found)
    if at == 6:
        value[value == 0] = 0xFFFF  # 0 says "none" in UDP
    _put(rows, ABOVE + at, 2, value)


def records(batch: Batch, macs: bytes = MACS) -> Iterator[bytes]:
    """The packets' records, ROWS at a time, in the batch's order. `macs`: Ethernet's destination and source."""
    total = lengths(batch)
    for begin in range(0, len(total), ROWS):
        b = {name: column[begin : begin + ROWS] for name, column in batch.items()}
        size = total[begin : begin + ROWS]
        width = WIDTH + (int(b["pad"].max()) + 1) // 2 * 2
        rows = np.zeros((len(size), width), dtype=np.uint8)
        head = rows[:, :16].view("<u4")
        head[:, 0], head[:, 1] = b["time"] // 1_000_000, b["time"] % 1_000_000
        head[:, 2] = head[:, 3] = size + 14
        rows[:, 16:28] = np.frombuffer(macs, dtype=np.uint8)
        rows[:, 28] = 8
        _ip(rows, b, size)
        for protocol, fill, at in ((TCP, _tcp, 16), (UDP, _udp, 6), (ICMP, _icmp, 2)):
            some = np.flatnonzero(b["protocol"] == protocol)
            if len(some):
                part, own = rows[some], {name: column[some] for name, column in b.items()}
                fill(part, own)
                _checksum(part, own, size[some], at, protocol != ICMP)
                rows[some] = part
        yield rows[np.arange(width) < (size + IP)[:, None]].tobytes()
