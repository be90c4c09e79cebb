"""Connections that bring lines: many of them in one thread, each in its turn, with bounds on number, memory and patience.

Reading stops while a sensor's queue is full: so its senders wait, by TCP's own means, and those of other sensors do not.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from teiten.errors import UsageError
from teiten.station.feeds import Feed
from teiten.station.inputs import Host, _syslog
from teiten.station.inputs._framing import Frames
from teiten.stationing import Given, Key

_PIECE: Final = 1 << 18
"""bytes that are read of a connection in its turn"""
_HELD: Final = 16 << 20
"""bytes of unfinished messages that are held of all connections: beyond it the longest is given up"""
_BACKLOG: Final = 128
_EACH_SECOND: Final = 50
"""connections that one address may make in a second: a greeting (TLS) costs a millisecond"""
_WAIT: Final = 0.02
"""seconds until a connection is looked at again whose sensor's queue was full"""
_LAST: Final = 0.5
"""seconds, at most, in which what a connection has sent already is taken when the input ends"""
_ALIVE: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 3))
"""a sender that is gone without a word is noticed within two minutes"""


def number(value: Any, where: str) -> int:
    """How many connections: 1 to 60,000. UsageError."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 60000:
        raise UsageError(f"{where} must be a number from 1 to 60000, not {value!r}.")
    return value


KEYS: Final = (
    *_syslog.KEYS,
    Key("connections", number, "connections at a time, of all senders", 512),
    Key("connections_each", number, "connections at a time from one address", 32),
)


class Connection:
    """One sender, connected."""

    def __init__(self, handle: socket.socket, address: str, feed: Feed | None, most: int) -> None:
        self.socket, self.address, self.feed = handle, address, feed
        self.frames = Frames(most)
        self.since = time.monotonic()
        self.counted = 0
        """of the frames' refused messages, those that the feed knows"""

    def greet(self) -> int | None:
        """What must pass before lines come (TLS): the selector's event to wait for; None once it is done. OSError."""
        return None

    def read(self) -> bytes | None:
        """A piece of what came; b"" at the end, None where nothing is there (any more). OSError."""
        try:
            return self.socket.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return None

    def bye(self) -> None:
        """Says that the connection ends, where its kind says so."""

    def more(self) -> bool:
        """Is something there that the selector cannot see?"""
        return False


class Door(Protocol):
    """Makes a connection of what was accepted, or refuses it (None)."""

    def __call__(self, handle: socket.socket, address: str) -> Connection | None: ...


class Listener:
    """Listens, accepts, reads, in one thread."""

    patience: float = 10.0
    """seconds in which a greeting must be over"""

    def __init__(self, given: Given, host: Host, peers: _syslog.Peers, door: Door) -> None:
        self.host, self.given, self.peers, self.door = host, given, peers, door
        self.socket = listening(given["listen"])
        self.address = self.socket.getsockname()[:2]
        self.open: set[Connection] = set()
        self.cuts: Counter[str] = Counter()
        """connections refused or cut, by reason"""
        self.accepted = 0
        self._each: Counter[str] = Counter()
        self._new: Counter[str] = Counter()
        """connections of this second, by address"""
        self._greeting: dict[Connection, int] = {}
        self._paused: set[Connection] = set()
        self._ready: dict[Connection, None] = {}
        """connections that have more than their turn allowed, in order"""
        self._selector = selectors.DefaultSelector()
        self._looked = 0.0

    def run(self, stop: threading.Event, each: Callable[[], None] = lambda: None) -> None:
        """Until `stop`; `each` is called about once a second."""
        with contextlib.closing(self._selector):
            self._selector.register(self.socket, selectors.EVENT_READ)
            try:
                while not stop.is_set():
                    pause = 0.0 if self._ready else _WAIT if self._paused else 0.2
                    turn, self._ready = self._ready, {}
                    for key, _ in self._selector.select(pause):
                        if key.data is None:
                            self._accept()
                        else:
                            turn[key.data] = None
                    for one in turn:
                        if one in self.open:
                            self._turn(one)
                    self._again()
                    if time.monotonic() - self._looked >= 1:
                        self._looked = time.monotonic()
                        self._new.clear()
                        self._lose_patience()
                        each()
            finally:
                self.socket.close()
                for one in list(self.open):
                    self._last(one)

    # a connection's life ---------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        for _ in range(_BACKLOG):
            try:
                handle, place = self.socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    self._cut("no room", "", f"a connection could not be accepted: {error.strerror}")
                    time.sleep(_WAIT)
                    return
                raise
            address = _syslog.plain(place[0])
            one = self._admit(handle, address)
            if one is None:
                handle.close()
                continue
            self.accepted += 1
            self._each[address] += 1
            self.open.add(one)
            self._selector.register(one.socket, selectors.EVENT_READ, one)
            self._greet(one)

    def _admit(self, handle: socket.socket, address: str) -> Connection | None:
        if len(self.open) >= self.given["connections"]:
            self._cut("connections", "", f"{self.given['connections']} connections are open: no more are accepted")
            return None
        if self._each[address] >= self.given["connections_each"]:
            self._cut(
                "connections_each", address, f"{self.given['connections_each']} connections from {address} are open: no more"
            )
            return None
        self._new[address] += 1
        if self._new[address] > _EACH_SECOND:
            self._cut("rate", address, f"more than {_EACH_SECOND} connections in a second from {address}: the rest is refused")
            return None
        handle.setblocking(False)
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _ALIVE:
            with contextlib.suppress(OSError, AttributeError):
                handle.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        try:
            one = self.door(handle, address)
        except OSError:  # gone already
            return None
        if one is None:
            self.cuts["strangers"] += 1
        return one

    def _greet(self, one: Connection) -> None:
        try:
            event = one.greet()
        except OSError as error:
            self._cut("greeting", one.address, f"a connection from {one.address} was not made: {reason(error)}")
            self._close(one)
            return
        if event is None:
            self._greeting.pop(one, None)
            self._selector.modify(one.socket, selectors.EVENT_READ, one)
            if one.more():
                self._ready[one] = None
        else:
            self._greeting[one] = event
            self._selector.modify(one.socket, event, one)

    def _turn(self, one: Connection) -> None:
        if one in self._greeting:
            self._greet(one)
            return
        feed = one.feed
        assert feed is not None
        if not has_room(feed, _PIECE + self.given["max_line"]):
            self._paused.add(one)
            self._selector.unregister(one.socket)
            return
        try:
            piece = one.read()
        except OSError as error:
            one.frames.cut()
            self._take(one, b"", 0)
            if not isinstance(error, (ConnectionResetError, ssl.SSLEOFError)):
                self._cut("broken", one.address, f"the connection from {one.address} broke: {reason(error)}")
            self._close(one)
            return
        if piece:
            self._take(one, *one.frames.feed(piece))
            if one.frames.lost:
                self._cut(
                    "gigantic",
                    one.address,
                    f"the connection from {one.address} is cut: it announced a message of gigantic size",
                )
                self._close(one)
            elif one.more():
                self._ready[one] = None
        elif piece is not None:
            self._take(one, *one.frames.end())
            self._close(one)

    def _take(self, one: Connection, block: bytes, lines: int) -> None:
        """Hands on what is whole, with what was refused."""
        feed = one.feed
        if feed is None:
            return
        new = one.frames.refused - one.counted
        one.counted += new
        if block:
            self.peers.last = time.time()
            feed.put(block, received=lines + new, refused=new)
        elif new:
            feed.count(received=new, refused=new)
        if new:
            self.peers.once(f"refused {one.address}", f"messages from {one.address} are refused: too long, or cut off")

    def _last(self, one: Connection) -> None:
        """The input ends: what was sent already and fits is taken, the rest was never acknowledged."""
        most = _PIECE + self.given["max_line"]
        late = time.monotonic() + _LAST
        while one not in self._greeting and one.feed is not None and has_room(one.feed, most) and time.monotonic() < late:
            try:
                piece = one.read()
            except OSError:
                break
            if not piece:
                break
            self._take(one, *one.frames.feed(piece))
        one.frames.cut()
        self._take(one, b"", 0)
        self._close(one)

    def _close(self, one: Connection) -> None:
        self.open.discard(one)
        self._greeting.pop(one, None)
        self._ready.pop(one, None)
        self._each[one.address] -= 1
        if self._each[one.address] <= 0:
            del self._each[one.address]
        if one in self._paused:
            self._paused.discard(one)
        else:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(one.socket)
        with contextlib.suppress(OSError, ValueError):
            one.bye()
        with contextlib.suppress(OSError):
            one.socket.close()

    # for all of them -------------------------------------------------------------------------------------------------

    def _again(self) -> None:
        """Goes on with those whose queue has room again."""
        most = _PIECE + self.given["max_line"]
        for one in [one for one in self._paused if one.feed is None or has_room(one.feed, most)]:
            self._paused.discard(one)
            self._selector.register(one.socket, selectors.EVENT_READ, one)
            if one.more():
                self._ready[one] = None

    def _lose_patience(self) -> None:
        """Ends greetings that take too long, and bounds what is held of unfinished messages."""
        late = time.monotonic() - self.patience
        for one in [one for one in self._greeting if one.since < late]:
            self._cut("patience", one.address, f"a connection from {one.address} did not become one within {self.patience:g} s")
            self._close(one)
        while sum(one.frames.held for one in self.open) > _HELD:
            longest = max(self.open, key=lambda one: one.frames.held)
            longest.frames.drop()
            self._take(longest, b"", 0)

    def _cut(self, why: str, address: str, sentence: str) -> None:
        self.cuts[why] += 1
        self.peers.once(f"{why} {address}", sentence)

    def status(self) -> Mapping[str, Any]:
        return {
            "_listen": f"{self.address[0]}:{self.address[1]}",
            "last": self.peers.last,
            "lag": _PIECE * (len(self._paused) + len(self._ready)),
            "connections": len(self.open),
            "accepted": self.accepted,
            "paused": len(self._paused),
            "strangers": self.peers.strangers,
            **{f"cut_{why.replace(' ', '_')}": many for why, many in sorted(self.cuts.items())},
        }


def has_room(feed: Feed, size: int) -> bool:
    """Would `put` of so many bytes not wait? (This thread alone puts.)"""
    room = feed.room
    return not feed.queued or feed.queued + size <= feed.limit or room.queued + size <= room.limit


def listening(place: tuple[str, int]) -> socket.socket:
    """A socket that listens there and does not wait. InputError."""
    if (found := _syslog.inherited(socket.SOCK_STREAM, place)) is not None:
        return found
    address, port = place
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    out = socket.socket(family, socket.SOCK_STREAM)
    try:
        out.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address == "::" else 1)
        out.setblocking(False)
        out.bind((address, port))
        out.listen(_BACKLOG)
    except OSError as error:
        out.close()
        raise _syslog.taken(error, "TCP", place) from None
    return out


def reason(error: OSError) -> str:
    """Why, in a few words."""
    if isinstance(error, ssl.SSLError):
        return getattr(error, "verify_message", "") or str(error.reason or error.strerror or error).replace("_", " ").lower()
    return error.strerror or str(error)
