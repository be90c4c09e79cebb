"""Syslog over UDP (RFC 5426): datagrams are taken from the kernel as fast as they come, and what it lost is counted.

Several sockets hear at one port, and the kernel gives each sender to one of them: who floods his own socket's buffer takes
nothing from the senders of the others, and each socket is read in its turn.
"""

from __future__ import annotations

import array
import contextlib
import errno
import os
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
from teiten.station.spool import boot_id
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
        "bytes that the kernel may hold of each of four groups of senders while this machine is busy; the rest is lost",
        32 << 20,
    ),
)

_FORCE: Final = getattr(socket, "SO_RCVBUFFORCE", 33)
_MEMINFO: Final = getattr(socket, "SO_MEMINFO", 55)
_DROPS: Final = 8
"""place of the number of dropped datagrams in what SO_MEMINFO says (Linux 4.12 and later)"""
_SOCKETS: Final = 4
_REUSEPORT_FILTER: Final = 51
"""SO_ATTACH_REUSEPORT_CBPF (Linux 4.5 and later)"""
_COOKIE: Final = getattr(socket, "SO_COOKIE", 57)
_ROUND: Final = 2048
"""datagrams that are taken of a socket in its turn"""
_PIECE: Final = 1 << 20
_PAUSE: Final = 0.01
"""seconds between two looks while datagrams come: one call for many costs less than one for each"""
_SMALL_PAUSE: Final = 0.002
_PRIORITY: Final = -10
"""of the thread that takes datagrams, before all else on a busy machine"""
_COUNT_EVERY: Final = 1.0
_LAST: Final = 1.0
"""seconds, at most, in which what the kernel still holds is taken when the input ends"""


class Receiver:
    """The sockets of a port, and whose their datagrams are."""

    def __init__(self, given: Given, host: Host) -> None:
        self._host, self._most, self._wanted = host, given["max_line"], given["buffer"]
        self.peers = _syslog.Peers(given, host)
        self.sockets = listening(given["listen"])
        self.buffer = min(raise_buffer(one, self._wanted) for one in self.sockets)
        self.address = self.sockets[0].getsockname()[:2]
        self.dropped = 0
        self._cookie = cookie(self.sockets[0]) if len(self.sockets) == 1 else None
        """of a socket that outlives this program: what it lost before is counted once, and remembered in marks"""
        mark = self.peers.common.mark
        self._seen = [0 for _ in self.sockets]
        if self._cookie and isinstance(mark, dict) and mark.get("socket") == self._cookie:
            self._seen = [int(mark["dropped"])]
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
        if drops(self.sockets[0]) is None:
            host.tell("warning", "this kernel does not say how many datagrams it dropped: such losses are unknown")

    def run(self, stop: threading.Event) -> None:
        """Takes datagrams until `stop`, then those that the kernel holds already."""
        with contextlib.suppress(OSError):  # (root, or LimitNICE: what waits here is lost, and nothing else is)
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _PRIORITY)
        pause = _PAUSE if self.buffer >= 1 << 20 else _SMALL_PAUSE
        counted = time.monotonic()
        with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
            for one in self.sockets:
                stack.enter_context(contextlib.closing(one))
                selector.register(one, selectors.EVENT_READ, one)
            try:
                while not stop.is_set():
                    if found := selector.select(0.2):
                        taken = [self.take(key.data, _ROUND) for key, _ in found]
                        self._hand_on()
                        if max(taken) < _ROUND:
                            time.sleep(pause)
                    if time.monotonic() - counted >= _COUNT_EVERY:
                        counted = time.monotonic()
                        self.count_drops()
                deadline = time.monotonic() + _LAST
                while sum(self.take(one, _ROUND) for one in self.sockets) and time.monotonic() < deadline:
                    self._hand_on()
            finally:  # what was taken is handed on, and what was lost is counted, however this ends
                self._hand_on()
                self.count_drops()

    def take(self, one: socket.socket, most: int) -> int:
        """Takes what is there, up to so many datagrams; how many it were."""
        receive, whose, waiting, lines = one.recvfrom, self.peers.of, self._waiting, self._lines
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
        if self._waiting:
            self.peers.last = time.time()
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
        now = [drops(one) for one in self.sockets]
        lost = sum((new - old) & 0xFFFFFFFF for new, old in zip(now, self._seen, strict=True) if new is not None)
        self._seen = [old if new is None else new for new, old in zip(now, self._seen, strict=True)]
        if lost:
            self.dropped += lost
            mark = {"socket": self._cookie, "dropped": self._seen[0]} if self._cookie else None
            self.peers.common.offer(b"", mark=mark, received=0, dropped_kernel=lost)
            self.peers.once("kernel", f"the kernel lost {lost} datagrams: its buffer of {self.buffer} bytes was full")

    @property
    def lag(self) -> int:
        """Bytes that the kernel holds; 0 where it does not say."""
        return sum(drops(one, 0) or 0 for one in self.sockets)

    def status(self) -> Mapping[str, Any]:
        return {
            "_listen": f"{self.address[0]}:{self.address[1]}",
            "last": self.peers.last,
            "lag": self.lag,
            "buffer": self.buffer,
            "buffer_wanted": self._wanted,
            "dropped_kernel": self.dropped,
            "strangers": self.peers.strangers,
        }


def listening(place: tuple[str, int], many: int = _SOCKETS) -> list[socket.socket]:
    """Sockets bound there, which do not wait. InputError."""
    if (found := _syslog.inherited(socket.SOCK_DGRAM, place)) is not None:
        return [found]
    out: list[socket.socket] = []
    try:
        # one that shares with nobody says whether the port is free: those that share would take it beside another station's
        with bound(place, shared=False) as alone:
            place = alone.getsockname()[:2]
        for _ in range(many):
            out.append(bound(place, shared=True))
        with contextlib.suppress(OSError):  # (without it the kernel goes by address and port)
            by_sender(out[0], many)
    except OSError as error:
        for one in out:
            one.close()
        raise _syslog.taken(error, "UDP", place) from None
    return out


def bound(place: tuple[str, int], *, shared: bool) -> socket.socket:
    """A socket bound there; `shared`: others of this user may be, too."""
    family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
    out = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if shared:
            out.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if place[0] == "::" else 1)
        out.setblocking(False)
        out.bind(place)
    except OSError:
        out.close()
        raise
    return out


def by_sender(one: socket.socket, many: int) -> None:
    """Has the kernel give each datagram to the socket of number: sender's address modulo `many` (classic BPF). OSError."""
    header, source4, source6 = 0xFFF00000, 12, 20  # SKF_NET_OFF, and the last four bytes of an address from there
    code = (
        (0x30, 0, 0, header),  # the IP header's first byte
        (0x74, 0, 0, 4),  # its version
        (0x15, 0, 2, 4),
        (0x20, 0, 0, header + source4),
        (0x05, 0, 0, 1),
        (0x20, 0, 0, header + source6),
        (0x94, 0, 0, many),
        (0x16, 0, 0, 0),
    )
    program = array.array("B", b"".join(struct.pack("=HBBI", *step) for step in code))
    one.setsockopt(socket.SOL_SOCKET, _REUSEPORT_FILTER, struct.pack("@HP", len(code), program.buffer_info()[0]))


def raise_buffer(one: socket.socket, wanted: int) -> int:
    """Asks the kernel to hold so many bytes; how many it grants (it takes twice as many for its own book-keeping)."""
    for option in (socket.SO_RCVBUF, _FORCE):
        # (a socket of systemd's may have more than this program may ask for)
        if one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2 < wanted:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, option, wanted)
    return one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2


def drops(one: socket.socket, place: int = _DROPS) -> int | None:
    """Datagrams that the kernel dropped since the socket was made, modulo 2^32; at `place` 0, bytes that it holds now. None
    where it does not say."""
    try:
        said = one.getsockopt(socket.SOL_SOCKET, _MEMINFO, 64)
    except OSError:
        return None
    return None if len(said) < 4 * (_DROPS + 1) else int(struct.unpack_from("=I", said, 4 * place)[0])


def cookie(one: socket.socket) -> str:
    """What this machine's kernel calls the socket, as long as it runs; '' where it does not say."""
    with contextlib.suppress(OSError):
        return f"{boot_id()} {one.getsockopt(socket.SOL_SOCKET, _COOKIE, 8).hex()}"
    return ""


def open(given: Given, host: Host) -> Receiver:
    return Receiver(given, host)
