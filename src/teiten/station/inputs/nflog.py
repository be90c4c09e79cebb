"""Packets that a firewall's rule hands over by NFLOG, whole and with the kernel's numbers: a gap in these is what was lost.

The messages of nfnetlink_log are kept as they came, as libpcap keeps them (LINKTYPE_NFLOG): a header and attributes.
What was lost after the last packet that came is known when the next one comes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from teiten.errors import InputError, UsageError
from teiten.station.inputs import Host, _pcap
from teiten.station.spool import PACKETS
from teiten.stationing import Given, Key, size, text

NAME: Final = "nflog"
MEANS: Final = "packets that a rule of iptables or nftables hands over (NFLOG)"

_NETLINK_NETFILTER: Final = 12
_SUBSYSTEM: Final = 4
_PACKET, _CONFIG = _SUBSYSTEM << 8 | 0, _SUBSYSTEM << 8 | 1
_BIND, _UNBIND = 1, 2
_CFG_CMD, _CFG_MODE, _CFG_NLBUFSIZ, _CFG_TIMEOUT, _CFG_QTHRESH, _CFG_FLAGS = 1, 2, 3, 4, 5, 6
_COPY_PACKET: Final = 2
_FLAG_SEQ: Final = 1
_REQUEST, _ACK = 1, 4
_ERROR: Final = 2
_TIMESTAMP, _SEQ = 3, 12
"""NFULA_TIMESTAMP, NFULA_SEQ (linux/netfilter/nfnetlink_log.h)"""
_SOL_NETLINK, _NO_ENOBUFS = 270, 5
_SO_RCVBUFFORCE: Final = 33
_HEADER: Final = struct.Struct("=IHHII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_PIECE: Final = 1 << 18
_SNAPLEN: Final = 65535
_MOST: Final = 1 << 20
"""bytes that are handed over at once, some more at most"""


def _number(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65535:
        raise UsageError(f"{where} is a number from 0 to 65535, as in --nflog-group N, not {value!r}.")
    return value


def _kept(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 64 <= value <= 65535:
        raise UsageError(f"{where} lies between 64 and 65535 bytes, and {value!r} does not.")
    return value


KEYS: Final = (
    Key("sensor", text, "the sensor that the packets count for", "home"),
    Key("group", _number, "the rule's --nflog-group (nftables: log group N)", needed=True),
    Key("snaplen", _kept, "bytes of a packet that are kept", 512),
    Key("memory", size, "memory in which the kernel holds what is not yet taken", 16 << 20),
)


class _Nflog:
    def __init__(self, given: Given, host: Host) -> None:
        self.given, self.host = given, host
        self.expected: int | None = None
        self.overruns = 0
        self.last: float | None = None

    def run(self, stop: threading.Event) -> None:
        given = self.given
        with contextlib.closing(self._open()) as link:
            head = _pcap.header(_pcap.NFLOG, _SNAPLEN)
            feed = self.host.desk.feed(given.name, given["sensor"], PACKETS, told=self.host.told, head=head)
            while not stop.is_set():
                if not select.select([link], [], [], 0.2)[0]:
                    continue
                block, many, lost = self._take(link)
                self.last = time.time() if many else self.last
                if many and feed.put(block, stop=stop, received=many) < 0:
                    feed.count(received=many, dropped_queue=many)
                feed.count(dropped_kernel=lost)

    def status(self) -> Mapping[str, Any]:
        return {"group": self.given["group"], "overruns": self.overruns, "last": self.last}

    def _open(self) -> socket.socket:
        group = self.given["group"]
        try:
            link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        except OSError as error:
            raise InputError(f"This machine has no NFLOG: {error.strerror}.", hint="It is part of Linux's netfilter.") from None
        try:
            link.bind((0, 0))
            for option in (_SO_RCVBUFFORCE, socket.SO_RCVBUF):
                with contextlib.suppress(OSError):
                    link.setsockopt(socket.SOL_SOCKET, option, self.given["memory"])
                    break
            self._ask(link, group, _attribute(_CFG_CMD, struct.pack("B", _BIND)))
            self._ask(link, group, _attribute(_CFG_MODE, struct.pack("!IBB", self.given["snaplen"], _COPY_PACKET, 0)))
            self._ask(link, group, _attribute(_CFG_FLAGS, struct.pack("!H", _FLAG_SEQ)))
            # handed over in groups of up to fifty, after a tenth of a second at the latest
            self._ask(link, group, _attribute(_CFG_QTHRESH, struct.pack("!I", 50)))
            self._ask(link, group, _attribute(_CFG_TIMEOUT, struct.pack("!I", 10)))
            self._ask(link, group, _attribute(_CFG_NLBUFSIZ, struct.pack("!I", 128 * 1024)))
        except BaseException:
            link.close()
            raise
        return link

    def _ask(self, link: socket.socket, group: int, attribute: bytes) -> None:
        """One setting of the group, and the kernel's answer. Packets that come before it are of this group too."""
        body = struct.pack("!BBH", socket.AF_UNSPEC, 0, group) + attribute
        link.send(_HEADER.pack(_HEADER.size + len(body), _CONFIG, _REQUEST | _ACK, 1, 0) + body)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if not select.select([link], [], [], 0.2)[0]:
                continue
            for kind, message in _messages(link.recv(_PIECE)):
                if kind != _ERROR:
                    continue
                code = -struct.unpack_from("=i", message)[0]
                if code == errno.EBUSY:
                    raise InputError(
                        f"Another program listens to NFLOG group {group}.", hint="Give this one a group of its own."
                    )
                if code == errno.EPERM:
                    raise InputError(
                        f"NFLOG group {group} cannot be listened to: permission denied.",
                        hint="It needs the right CAP_NET_ADMIN (setcap, or AmbientCapabilities in the unit).",
                    )
                if code:
                    raise InputError(f"NFLOG group {group} cannot be listened to: {os.strerror(code)}.")
                return
        raise InputError(f"The kernel does not answer about NFLOG group {group}.")

    def _take(self, link: socket.socket) -> tuple[bytes, int, int]:
        """Records of what is there, how many packets, and how many are missing before them by the kernel's own numbers."""
        out: list[bytes] = []
        many = lost = taken = 0
        while True:
            try:
                data = link.recv(_PIECE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.overruns += 1  # how many were lost, the next number tells
                continue
            now = time.time_ns()
            for kind, message in _messages(data):
                if kind != _PACKET:
                    continue
                moment, number = _read(message)
                if number is not None:
                    if self.expected is not None:
                        lost += (number - self.expected) & 0xFFFFFFFF
                    self.expected = (number + 1) & 0xFFFFFFFF
                second, nano = divmod(now if moment is None else moment, 10**9)
                taken += _pcap.RECORD.size + len(message)
                out += (_pcap.RECORD.pack(second, nano, len(message), len(message)), message)
                many += 1
            if taken >= _MOST:
                break
        return b"".join(out), many, lost


def _attribute(kind: int, value: bytes) -> bytes:
    size = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(size, kind) + value + b"\0" * (-size % 4)


def _messages(data: bytes) -> list[tuple[int, bytes]]:
    """Type and body of each netlink message."""
    out, at = [], 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size or at + length > len(data):
            break
        out.append((kind, data[at + _HEADER.size : at + length]))
        at += (length + 3) & ~3
    return out


def _read(message: bytes) -> tuple[int | None, int | None]:
    """The packet's own time (nanoseconds; None: the kernel gave it none) and the kernel's number."""
    moment = number = None
    at = 4
    while at + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, at)
        if length < _ATTRIBUTE.size:
            break
        kind &= 0x7FFF
        if kind == _TIMESTAMP and length >= 20:
            second, micro = struct.unpack_from("!QQ", message, at + 4)
            moment = second * 10**9 + micro * 1000
        elif kind == _SEQ and length >= 8:
            number = struct.unpack_from("!I", message, at + 4)[0]
        at += (length + 3) & ~3
    return moment, number


def open(given: Given, host: Host) -> _Nflog:
    return _Nflog(given, host)
