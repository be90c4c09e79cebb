"""Syslog over UDP (RFC 5426): datagrams are taken from the kernel as fast as they come, and what it lost is counted."""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import struct
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from teiten.errors import UsageError
from teiten.station.feeds import Feed
from teiten.station.inputs import Host, _syslog
from teiten.station.inputs._framing import lines_of
from teiten.stationing import Given, Key, size

NAME: Final = "syslog_udp"
MEANS: Final = "syslog over UDP"


def buffer(value: Any, where: str) -> int:
    """Bytes of the kernel's buffer: up to 1 GiB. UsageError."""
    found = size(value, where)
    if found > 1 << 30:
        raise UsageError(f"{where} is at most 1GB, not {value!r}.")
    return found


KEYS: Final = (
    *_syslog.KEYS,
    Key(
        "buffer",
        buffer,
        "bytes that the kernel is asked to hold while this machine is busy; what does not fit is lost, and counted",
        32 << 20,
    ),
)

_FORCE: Final = getattr(socket, "SO_RCVBUFFORCE", 33)
_MEMINFO: Final = getattr(socket, "SO_MEMINFO", 55)
_DROPS: Final = 8
"""place of the number of dropped datagrams in what SO_MEMINFO says (Linux 4.12 and later)"""
_ROUND: Final = 2048
"""datagrams after which what was taken is handed on"""
_PIECE: Final = 1 << 20
_PAUSE: Final = 0.01
"""seconds between two looks while datagrams come: one call for many costs less than one for each"""
_SMALL_PAUSE: Final = 0.002
_COUNT_EVERY: Final = 1.0
_LAST: Final = 1.0
"""seconds, at most, in which what the kernel still holds is taken when the input ends"""


class Receiver:
    """One socket, and whose its datagrams are."""

    def __init__(self, given: Given, host: Host) -> None:
        self._host, self._most, self._wanted = host, given["max_line"], given["buffer"]
        self.peers = _syslog.Peers(given, host)
        self.socket = listening(given["listen"], given.where)
        self.buffer = raise_buffer(self.socket, self._wanted)
        self.address = self.socket.getsockname()[:2]
        self.dropped = 0
        self._seen = drops(self.socket) or 0
        self._waiting: dict[Feed, list[bytes]] = {}
        self._lines: dict[Feed, int] = {}
        self._refused: dict[Feed, int] = {}
        self._bytes = 0
        if self.buffer < self._wanted:
            host.tell(
                "warning",
                f"the kernel holds {self.buffer} bytes for it, not {self._wanted}: more may be lost while this machine "
                f"is busy; `sysctl -w net.core.rmem_max={self._wanted}` mends it",
            )
        if drops(self.socket) is None:
            host.tell(
                "warning", "this kernel does not say how many datagrams it dropped: losses before they are read are unknown"
            )

    def run(self, stop: threading.Event) -> None:
        """Takes datagrams until `stop`, then those that the kernel holds already."""
        pause = _PAUSE if self.buffer >= 1 << 20 else _SMALL_PAUSE
        counted = time.monotonic()
        with contextlib.closing(self.socket), selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            while not stop.is_set():
                if selector.select(0.2):
                    taken = self.take(_ROUND)
                    self._hand_on()
                    if 0 < taken < _ROUND:
                        time.sleep(pause)
                if time.monotonic() - counted >= _COUNT_EVERY:
                    counted = time.monotonic()
                    self.count_drops()
            deadline = time.monotonic() + _LAST
            while self.take(_ROUND) and time.monotonic() < deadline:
                self._hand_on()
            self._hand_on()
            self.count_drops()

    def take(self, most: int) -> int:
        """Takes what is there, up to so many datagrams; how many it were."""
        receive, whose, waiting, lines = self.socket.recvfrom, self.peers.of, self._waiting, self._lines
        longest, refused = self._most, self._refused
        for many in range(most):
            try:
                data, peer = receive(65536)
            except BlockingIOError:
                return many
            except OSError as error:
                if error.errno in (errno.EINTR, errno.ECONNREFUSED):
                    continue
                raise
            feed = whose(peer[0])
            if feed is None:
                self.peers.stranger(peer[0], "datagrams")
                refused[self.peers.common] = refused.get(self.peers.common, 0) + 1
                continue
            block, n = lines_of(data)
            if not n or len(block) > longest:
                refused[feed] = refused.get(feed, 0) + 1
                continue
            if feed in waiting:
                waiting[feed].append(block)
                lines[feed] += n
            else:
                waiting[feed], lines[feed] = [block], n
            self._bytes += len(block)
            if self._bytes >= _PIECE:
                self._hand_on()
        return most

    def _hand_on(self) -> None:
        for feed, blocks in self._waiting.items():
            feed.offer(b"".join(blocks), received=self._lines[feed])
        for feed, many in self._refused.items():
            feed.count(received=many, refused=many)
        self._refused.clear()
        self._waiting.clear()
        self._lines.clear()
        self._bytes = 0

    def count_drops(self) -> None:
        """Counts what the kernel lost since the last call."""
        now = drops(self.socket)
        if now is None:
            return
        lost, self._seen = (now - self._seen) & 0xFFFFFFFF, now
        if lost:
            self.dropped += lost
            self.peers.common.count(dropped_kernel=lost)
            self.peers.once("kernel", f"the kernel lost {lost} datagrams: its buffer of {self.buffer} bytes was full")

    def status(self) -> Mapping[str, Any]:
        return {
            "listen": f"{self.address[0]}:{self.address[1]}",
            "buffer": self.buffer,
            "buffer_wanted": self._wanted,
            "dropped_kernel": self.dropped,
            "strangers": self.peers.strangers,
        }


def listening(place: tuple[str, int], where: str) -> socket.socket:
    """A socket bound there, which does not wait. OSError with a sentence."""
    address, port = place
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    out = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address == "::" else 1)
        out.setblocking(False)
        out.bind((address, port))
    except OSError as error:
        out.close()
        raise OSError(error.errno, f"{where} cannot listen at {address}, UDP port {port}: {error.strerror}") from None
    return out


def raise_buffer(one: socket.socket, wanted: int) -> int:
    """Asks the kernel to hold so many bytes; how many it grants (it takes twice as many for its own book-keeping)."""
    for option in (socket.SO_RCVBUF, _FORCE):
        with contextlib.suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, option, wanted)
    return one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2


def drops(one: socket.socket) -> int | None:
    """Datagrams that the kernel dropped since the socket was made, modulo 2^32; None where it does not say."""
    try:
        said = one.getsockopt(socket.SOL_SOCKET, _MEMINFO, 64)
    except OSError:
        return None
    return None if len(said) < 4 * (_DROPS + 1) else int(struct.unpack_from("=I", said, 4 * _DROPS)[0])


def open(given: Given, host: Host) -> Receiver:
    return Receiver(given, host)
