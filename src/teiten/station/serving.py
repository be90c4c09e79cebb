"""A small HTTP server for strangers: bounded in threads, bytes and time, whoever speaks and however slowly.

A thread a connection, as many as are allowed; each has a deadline for what it is at (handshake, headers, body, idling), and is
closed when that is over, however diligently it sends a byte now and then. Who has shown a credential may idle longer, and does
not count against the few connections that one address may have before.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import selectors
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, BinaryIO, Final, cast

from teiten.errors import TeitenError

HANDSHAKE: Final = 10.0
HEADERS: Final = 15.0
IDLE: Final = 15.0
"""seconds until something begins, of somebody who has shown nothing yet"""
IDLE_KNOWN: Final = 180.0
SLOWEST: Final = 10_000
"""bytes a second that a body must come with on average, beyond twenty seconds"""
_LINE: Final = 8192
TICK = 0.25
"""seconds between two looks for those that are late"""


class RefuseError(Exception):
    """What a handler answers instead: a status, a sentence, whether the connection ends with it."""

    def __init__(self, status: int, why: str, *, close: bool = False, **headers: str) -> None:
        super().__init__(why)
        self.status, self.why, self.close, self.headers = status, why, close, headers


@dataclass(slots=True, eq=False)
class Slot:
    """A connection, as the server watches it."""

    sock: socket.socket
    peer: str
    deadline: float
    known: str = ""
    """the credential's name, once it was shown"""


@dataclass(slots=True)
class Request:
    """One request whose headers have come; `body` brings the rest."""

    method: str
    path: str
    headers: http.client.HTTPMessage
    stream: BinaryIO
    slot: Slot
    come: float
    """when its headers had come (Unix time)"""
    read: bool = False
    _wants: Callable[[], None] = field(default=lambda: None)

    def body(self, most: int) -> bytes:
        """All of it, uncompressed; Refuse where it is larger, or not as its headers say."""
        length, chunked = self.headers.get("Content-Length"), self.headers.get("Transfer-Encoding")
        if chunked is not None and (chunked.strip().lower() != "chunked" or length is not None):
            raise RefuseError(400, "a body has a Content-Length, or comes chunked", close=True)
        if chunked is None and (length is None or not length.isascii() or not length.isdigit()):
            raise RefuseError(411, "a body needs a Content-Length", close=True)
        size = int(length or 0) if chunked is None else 0
        if size > most:
            raise RefuseError(413, f"a body has {most} bytes at most", close=True)
        self._wants()
        self.slot.deadline = time.monotonic() + 20 + max(size, 1 << 20) / SLOWEST
        raw = self._chunks(most) if chunked is not None else _exactly(self.stream, size)
        self.read = True
        return _unpacked(raw, (self.headers.get("Content-Encoding") or "identity").strip().lower(), most)

    def _chunks(self, most: int) -> bytes:
        out: list[bytes] = []
        size = 0
        while True:
            head = self.stream.readline(_LINE).split(b";")[0].strip()
            try:
                many = int(head, 16)
            except ValueError:
                raise RefuseError(400, "a chunk's length is no number", close=True) from None
            size += many
            if many < 0 or size > most:
                raise RefuseError(413, f"a body has {most} bytes at most", close=True)
            if not many:
                while self.stream.readline(_LINE).strip():
                    pass
                return b"".join(out)
            out.append(_exactly(self.stream, many))
            self.stream.readline(3)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise ConnectionResetError
    return found


def _unpacked(raw: bytes, coding: str, most: int) -> bytes:
    if coding in ("identity", ""):
        return raw
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise RefuseError(415, f"the encoding {coding[:40]!r} is unknown; gzip and deflate are known")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        out = unpack.decompress(raw, most + 1)
    except zlib.error:
        raise RefuseError(400, f"the body is no {coding}") from None
    if len(out) > most:
        raise RefuseError(413, f"a body has {most} bytes at most, uncompressed too")
    if not unpack.eof:
        raise RefuseError(400, "the body ends too early")
    return out


Answer = tuple[int, Mapping[str, Any]]
"""status, and what becomes the JSON of the body"""


class Server:
    """Listens there and answers through `handle`, which may raise Refuse, and OSError (503: try again).

    context: asked for each connection; None: plain HTTP. `counts`: connections that were refused, and closed for slowness.
    """

    def __init__(
        self, where: tuple[str, int], handle: Callable[[Request], Answer], tell: Callable[[str, str], None], *,
        context: Callable[[], ssl.SSLContext | None], most: int = 256, strangers: int = 16,
    ) -> None:  # fmt: skip
        self.handle, self.tell, self.context, self.most, self.strangers = handle, tell, context, most, strangers
        self.counts = {"refused": 0, "slow": 0, "failed": 0}
        self._slots: set[Slot] = set()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._crowded: set[str] = set()
        family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(where)
            self.socket.listen(128)
        except OSError as error:
            self.socket.close()
            raise TeitenError(
                f"{where[0]}, port {where[1]}, cannot be listened at: {error.strerror}.", hint="Choose another with listen."
            ) from None
        self.socket.setblocking(False)
        self.stopping = False

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def connections(self) -> int:
        return len(self._slots)

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; what is being answered then is answered first."""
        try:
            with selectors.DefaultSelector() as wait:
                wait.register(self.socket, selectors.EVENT_READ)
                while not stop.is_set():
                    if wait.select(TICK):
                        self._accept()
                    self._overdue()
        finally:
            self._end()

    def _end(self) -> None:
        self.stopping = True
        self.socket.close()
        with self._lock:
            for slot in self._slots:
                if slot.deadline == float("inf"):
                    continue
                with contextlib.suppress(OSError):
                    slot.sock.shutdown(socket.SHUT_RD)
            threads = list(self._threads)
        for thread in threads:
            thread.join(10)

    def _accept(self) -> None:
        try:
            sock, address = self.socket.accept()
        except OSError:
            time.sleep(0.05)  # no descriptor is left, or the peer has gone
            return
        peer = str(address[0])
        with self._lock:
            mine = sum(1 for one in self._slots if one.peer == peer and not one.known)
            strangers = sum(1 for one in self._slots if not one.known)
            full = len(self._slots) >= self.most or strangers >= max(self.strangers, self.most // 2) or mine >= self.strangers
            if not full:
                slot = Slot(sock, peer, time.monotonic() + HANDSHAKE)
                thread = threading.Thread(target=self._serve, args=(slot,), name="https", daemon=True)
                self._slots.add(slot)
                self._threads.add(thread)
        if full:
            self.counts["refused"] += 1
            sock.close()
            if peer not in self._crowded and len(self._crowded) < 1000:
                self._crowded.add(peer)
                self.tell("warning", f"{peer} has too many connections open: more are refused (told once)")
            return
        thread.start()

    def _overdue(self) -> None:
        now = time.monotonic()
        with self._lock:
            late = [one for one in self._slots if one.deadline < now]
        for one in late:
            self.counts["slow"] += not one.known
            with contextlib.suppress(OSError):
                one.sock.shutdown(socket.SHUT_RDWR)
            one.deadline = now + 5

    def _serve(self, slot: Slot) -> None:
        try:
            slot.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            slot.sock.settimeout(IDLE_KNOWN + 30)
            context = self.context()
            if context is not None:
                # the handshake comes after: until then the slot's socket must be the one that can be shut down
                slot.sock = wrapped = context.wrap_socket(slot.sock, server_side=True, do_handshake_on_connect=False)
                wrapped.do_handshake()
            with cast("BinaryIO", slot.sock.makefile("rb", 1 << 16)) as stream:
                while not self.stopping and self._one(slot, stream):
                    slot.deadline = time.monotonic() + (IDLE_KNOWN if slot.known else IDLE)
        except (OSError, ValueError):
            self.counts["failed"] += 1
        finally:
            with contextlib.suppress(OSError):
                slot.sock.close()
            with self._lock:
                self._slots.discard(slot)
                self._threads.discard(threading.current_thread())

    def _one(self, slot: Slot, stream: BinaryIO) -> bool:
        """One request and its answer; whether another may follow."""
        slot.deadline = time.monotonic() + (IDLE_KNOWN if slot.known else IDLE)
        line = stream.readline(_LINE + 1)
        if not line:
            return False
        slot.deadline = time.monotonic() + HEADERS
        words = line.decode("latin-1").split()
        if len(line) > _LINE or len(words) != 3 or not words[2].startswith("HTTP/1."):
            _send(slot.sock, 400, {"error": "this is no HTTP/1.1"}, True, {})
            return False
        try:
            headers = http.client.parse_headers(stream)
        except (http.client.HTTPException, ValueError):
            _send(slot.sock, 431, {"error": "the headers are too many, too long, or none"}, True, {})
            return False
        last = words[2] == "HTTP/1.0" or (headers.get("Connection") or "").lower() == "close"
        request = Request(words[0], words[1], headers, stream, slot, time.time())
        if (headers.get("Expect") or "").lower() == "100-continue":
            request._wants = lambda: slot.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        more: Mapping[str, str] = {}
        try:
            status, body = self.handle(request)
        except RefuseError as no:
            status, body, more = no.status, {"error": no.why}, no.headers
            last = last or no.close
        except ConnectionError:
            raise
        except TeitenError as error:
            self.tell("error", str(error))
            status, body, more = 503, {"error": "the collector cannot answer now"}, {"Retry-After": "60"}
        except OSError as error:
            status, body, more = 503, {"error": error.strerror or "the disk takes nothing"}, {"Retry-After": "5"}
        last = last or not (request.read or _empty(headers))
        slot.deadline = time.monotonic() + HEADERS
        _send(slot.sock, status, body, last, {**more, "Teiten-Time": f"{request.come:.4f} {time.time():.4f}"})
        return not last


def _empty(headers: http.client.HTTPMessage) -> bool:
    return headers.get("Transfer-Encoding") is None and headers.get("Content-Length", "0").strip() == "0"


def _send(sock: socket.socket, status: int, body: Mapping[str, Any], last: bool, more: Mapping[str, str]) -> None:
    text = json.dumps(body, ensure_ascii=False).encode() + b"\n"
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Content-Type: application/json", f"Content-Length: {len(text)}",
        *(f"{key.replace('_', '-')}: {value}" for key, value in more.items()), *(["Connection: close"] if last else []),
    ]  # fmt: skip
    sock.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + text)
