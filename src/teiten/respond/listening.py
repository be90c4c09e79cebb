"""The sockets of the responder: one thread, bounds on everything that a stranger could use up.

    listening = Listening([("0.0.0.0", 2323)], services, put)
    listening.run(stop)

Whoever floods it pays with their own connections first: beyond `connections` the one that has been silent longest goes; an
address has its share of them, and of new ones in a second. What does not fit into the sender's window is not said: nothing is
kept to be sent later.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import selectors
import socket
import struct
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Any, Final

from teiten.errors import InputError
from teiten.respond.conversation import Bounds, Conversation, Step
from teiten.respond.record import Ends
from teiten.respond.services import SILENT, Services

_PIECE: Final = 1 << 16
_BACKLOG: Final = 4096
_ACCEPTS: Final = 256
"""connections that are taken in a turn: who is connected has its turn, too"""
_TICK: Final = 0.1
_ORIGINAL: Final = 80
"""SO_ORIGINAL_DST, and IP6T_SO_ORIGINAL_DST"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What strangers may use up."""

    connections: int = 10_000
    each: int = 64
    """connections at a time of one address"""
    new: int = 50
    """new connections of one address in a second"""
    idle: float = 30.0
    """seconds without a byte"""
    longest: float = 300.0
    """seconds of a connection as a whole"""
    rate: int = 1 << 20
    """bytes of answers in a second, to all together: beyond it nothing is said"""


class _Open:
    """A connection."""

    __slots__ = ("address", "last", "since", "socket", "talk")

    def __init__(self, handle: socket.socket, address: str, talk: Conversation, now: float) -> None:
        self.socket, self.address, self.talk = handle, address, talk
        self.since = self.last = now


class Listening:
    """Listens, hears, answers. put: takes a block of whole lines and how many they are, and may wait."""

    def __init__(
        self,
        places: Iterable[tuple[str, int]],
        services: Services,
        put: Callable[[bytes, int], None],
        *,
        bounds: Bounds | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.services, self.put = services, put
        self.bounds, self.limits = bounds or Bounds(), limits or Limits()
        _files(self.limits.connections)
        self.sockets = _listen(places)
        self.open: OrderedDict[_Open, None] = OrderedDict()
        """in the order in which they were last heard of: the first one is the first to go"""
        self.counts: Counter[str] = Counter()
        self._each: Counter[str] = Counter()
        self._new: Counter[str] = Counter()
        self._second = 0
        self._said = 0
        self._due: dict[_Open, float] = {}
        self._lines: list[bytes] = []
        self._selector = selectors.DefaultSelector()

    @property
    def places(self) -> list[tuple[str, int]]:
        return [one.getsockname()[:2] for one in self.sockets]

    def run(self, stop: Event) -> None:
        """Until `stop`. What was heard until then is handed on."""
        with contextlib.closing(self._selector):
            for one in self.sockets:
                self._selector.register(one, selectors.EVENT_READ)
            try:
                while not stop.is_set():
                    waiting = []
                    for key, _ in self._selector.select(_TICK):
                        if key.data is None:
                            waiting.append(key.fileobj)
                        elif key.data in self.open:
                            self._hear(key.data)
                    for listener in waiting:
                        self._accept(listener)  # type: ignore[arg-type]
                    self._look()
                    self._hand_on()
            finally:
                for one in self.sockets:
                    one.close()
                for connection in list(self.open):
                    self._close(connection, "stopped")
                self._hand_on()

    def status(self) -> Mapping[str, Any]:
        """Counters: connections now, and what was accepted, refused and heard since the beginning."""
        return {"connections": len(self.open), **dict(sorted(self.counts.items()))}

    # a connection's life ---------------------------------------------------------------------------------------------------

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_ACCEPTS):
            try:
                handle, place = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    raise
                self.counts["refused_no_room"] += 1
                if not self.open:
                    return
                self._close(next(iter(self.open)), "made room")
                continue
            self._begin(handle, _plain(place[0]), place[1])

    def _begin(self, handle: socket.socket, address: str, port: int) -> None:
        now = time.time()
        self._turn(now)
        self._new[address] += 1
        if self._new[address] > self.limits.new or self._each[address] >= self.limits.each:
            # it is an event all the same: it came, it was connected, and it was let go
            refused = "refused_rate" if self._new[address] > self.limits.new else "refused_each"
            self.counts[refused] += 1
            self._let_go(handle, address, port, now, refused)
            return
        while len(self.open) >= self.limits.connections:
            self._close(next(iter(self.open)), "made room")
        handle.setblocking(False)
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        talk = Conversation(self._ends(handle, address, port), self.services, self.bounds)
        one = _Open(handle, address, talk, now)
        self.open[one] = None
        self._each[address] += 1
        self.counts["accepted"] += 1
        self._selector.register(handle, selectors.EVENT_READ, one)
        self._do(one, talk.opened(now), now)

    def _let_go(self, handle: socket.socket, address: str, port: int, now: float, why: str) -> None:
        talk = Conversation(self._ends(handle, address, port), self.services, Bounds(answers=0))
        self._lines += [talk.opened(now).records[0], *talk.closed(why, now).records]
        handle.close()

    def _ends(self, handle: socket.socket, address: str, port: int) -> Ends:
        own, wanted = _destination(handle)
        return Ends(secrets.token_hex(8), address, port, own, wanted, SILENT.name)

    def _hear(self, one: _Open) -> None:
        try:
            data = one.socket.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._close(one, "reset" if error.errno == errno.ECONNRESET else "broken")
            return
        if not data:
            self._close(one, "ended")
            return
        now = time.time()
        one.last = now
        self.open.move_to_end(one)
        self.counts["bytes"] += len(data)
        self._do(one, one.talk.heard(data, now), now)

    def _do(self, one: _Open, step: Step, now: float) -> None:
        self._lines += step.records
        if step.answer and self._may_say(len(step.answer), now):
            try:
                sent = one.socket.send(step.answer)
            except OSError:
                sent = 0
            self.counts["sent"] += sent
            if sent < len(step.answer):
                self.counts["unsaid"] += 1
        if one.talk.due is None:
            self._due.pop(one, None)
        else:
            self._due[one] = one.talk.due
        if step.close:
            self._close(one, "said enough")

    def _may_say(self, size: int, now: float) -> bool:
        self._turn(now)
        if self._said + size > self.limits.rate:
            self.counts["unsaid"] += 1
            return False
        self._said += size
        return True

    def _turn(self, now: float) -> None:
        if int(now) != self._second:
            self._second, self._said = int(now), 0
            self._new.clear()

    def _close(self, one: _Open, why: str) -> None:
        if one not in self.open:
            return
        now = time.time()
        del self.open[one]
        self._due.pop(one, None)
        self._each[one.address] -= 1
        if self._each[one.address] <= 0:
            del self._each[one.address]
        self._lines += one.talk.closed(why, now).records
        self.counts[f"closed_{why.replace(' ', '_')}"] += 1
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(one.socket)
        with contextlib.suppress(OSError):
            one.socket.close()

    # for all of them -------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        now = time.time()
        for one in [one for one, due in self._due.items() if due <= now]:
            self._do(one, one.talk.quiet(now), now)
        while self.open and (first := next(iter(self.open))).last < now - self.limits.idle:
            self._close(first, "idle")
        if int(now) != self._second:
            self._turn(now)
            for one in [one for one in self.open if one.since < now - self.limits.longest]:
                self._close(one, "too long")

    def _hand_on(self) -> None:
        if self._lines:
            lines, self._lines = self._lines, []
            self.put(b"".join(lines), len(lines))


def _plain(address: str) -> str:
    """::ffff:192.0.2.1 is 192.0.2.1; a zone is no part of an address."""
    address = address.partition("%")[0]
    return address[7:] if address.startswith("::ffff:") and "." in address else address


def _destination(handle: socket.socket) -> tuple[str, int]:
    """What the sender meant: where a rule of this machine has redirected the connection, the address and port before it."""
    own = handle.getsockname()
    found: tuple[str, int] = (_plain(own[0]), own[1])
    with contextlib.suppress(OSError, ValueError):
        if handle.family == socket.AF_INET or own[0].startswith("::ffff:"):
            told = handle.getsockopt(socket.SOL_IP, _ORIGINAL, 16)
            return socket.inet_ntoa(told[4:8]), struct.unpack("!H", told[2:4])[0]
        told = handle.getsockopt(socket.IPPROTO_IPV6, _ORIGINAL, 28)
        return socket.inet_ntop(socket.AF_INET6, told[8:24]), struct.unpack("!H", told[2:4])[0]
    return found


def _listen(places: Iterable[tuple[str, int]]) -> list[socket.socket]:
    """A socket for each place. InputError, with none left open."""
    out: list[socket.socket] = []
    for address, port in places:
        one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        out.append(one)
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if one.family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address == "::" else 1)
            one.setblocking(False)
            one.bind((address, port))
            one.listen(_BACKLOG)
        except OSError as error:
            for made in out:
                made.close()
            hint = (
                "Ports below 1024 want CAP_NET_BIND_SERVICE: or redirect them, as the guide shows."
                if error.errno == errno.EACCES
                else "Another program listens there, or the address is not this machine's."
            )
            raise InputError(f"{address} port {port}: {os.strerror(error.errno or 0).lower()}.", hint=hint) from None
    return out


def _files(connections: int) -> None:
    """Raises the number of open files as far as the machine allows."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + 256
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(hard, wanted), hard))
