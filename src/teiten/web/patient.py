"""Connections of a server that waits for nobody too long: headers that never end, readers that never read, peers that are gone.

The only module, beside `serving`, that knows uvicorn.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD: Final = 15.0
"""seconds in which a request must have come whole, from its first byte (or from when the connection was made)"""
READ: Final = 60.0
"""seconds in which something of an answer must have been taken"""
GONE_MS: Final = 30_000
"""after that a peer that acknowledges nothing is taken for gone"""
MOST: Final = 2000
"""connections at once: listeners, and those who ask"""


class Protocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with an end to waiting."""

    _head: asyncio.TimerHandle | None = None
    _read: asyncio.TimerHandle | None = None
    _left = -1

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head = self.loop.call_later(HEAD, self._end)
        self._read = self.loop.call_later(READ, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head, self._read):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        whole = self.conn.their_state not in (h11.IDLE, h11.SEND_BODY)
        if whole and self._head is not None:
            self._head.cancel()
            self._head = None
        elif not whole and self._head is None and not self.transport.is_closing():
            self._head = self.loop.call_later(HEAD, self._end)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # what was sent on before the answer is a request that has begun
        if self._head is None and self.conn.trailing_data[0] and not self.transport.is_closing():
            self._head = self.loop.call_later(HEAD, self._end)

    def _end(self) -> None:
        self._head = None
        if not self.transport.is_closing():
            self.transport.abort()

    def _look(self) -> None:
        """Ends the connection where as much waits to be taken as at the last look: streams write now and then, too."""
        if self.transport.is_closing():
            return
        left = self.transport.get_write_buffer_size()
        if left and left >= self._left >= 0:
            self.transport.abort()
            return
        self._left = left if left else -1
        self._read = self.loop.call_later(READ, self._look)


def watchful(own: socket.socket) -> None:
    """Connections that this socket accepts are ended by the system when their peer is gone without a word."""
    own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", GONE_MS)):
        if hasattr(socket, name):
            with contextlib.suppress(OSError):
                own.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def room() -> None:
    """Lets the process have as many files open as its connections and the lake's files may be."""
    import resource

    low, high = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * MOST if high == resource.RLIM_INFINITY else min(4 * MOST, high)
    if low != resource.RLIM_INFINITY and low < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, high))
