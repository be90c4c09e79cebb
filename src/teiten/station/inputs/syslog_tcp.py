"""Syslog over TCP (RFC 6587), octet counting or line ends: senders wait while the disk is full."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from typing import Any, Final

from teiten.station.inputs import Host, _streams, _syslog
from teiten.stationing import Given

NAME: Final = "syslog_tcp"
MEANS: Final = "syslog over TCP"
KEYS: Final = _streams.KEYS


class _Tcp:
    def __init__(self, given: Given, host: Host) -> None:
        self.peers, self._most = _syslog.Peers(given, host), given["max_line"]
        self.listener = _streams.Listener(given, host, self.peers, self._door)

    def run(self, stop: threading.Event) -> None:
        self.listener.run(stop)

    def status(self) -> Mapping[str, Any]:
        return self.listener.status()

    def _door(self, handle: socket.socket, address: str) -> _streams.Connection | None:
        feed = self.peers.of(address)
        if feed is None:
            self.peers.stranger(address, "connections")
            self.peers.common.count(refused_connections=1)
            return None
        return _streams.Connection(handle, address, feed, self._most)


def open(given: Given, host: Host) -> _Tcp:
    return _Tcp(given, host)
