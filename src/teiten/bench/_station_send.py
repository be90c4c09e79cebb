"""Sends numbered lines of a kernel's log as syslog, at a rate, and says what was sent.

    python -m teiten.bench._station_send udp|tcp|tls ADDRESS:PORT RATE SECONDS [FIRST] [--patient]

A line's number is its SEQ; its stamp is the moment at which it was sent. With --patient a connection that breaks is made anew,
and the sender goes on with what it had not handed over, as syslog daemons do. A program of its own, so that its work is
not counted with the station's.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import socket
import ssl
import sys
import time
from typing import Final

_LINE: Final = (
    b"<4>%s gate kernel: [463590.331247] DROP IN=eth0 OUT= MAC=00:00:5e:00:53:01:00:00:5e:00:53:02:08:00 SRC=192.0.2.%d "
    b"DST=203.0.113.5 LEN=40 TOS=0x00 PREC=0x00 TTL=240 ID=54321 PROTO=TCP SPT=%d DPT=23 SEQ=%d ACK=0 WINDOW=65535 SYN URGP=0 "
)
_TICK: Final = 0.005


def lines(first: int, many: int) -> list[bytes]:
    """So many lines, from that number on, stamped now."""
    stamp = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds").encode()
    return [_LINE % (stamp, n % 250 + 1, 1024 + n % 60000, n) for n in range(first, first + many)]


class Connection:
    """To the station, made anew where it breaks (`patient`)."""

    def __init__(self, kind: str, place: tuple[str, int], patient: bool) -> None:
        self.kind, self.place, self.patient = kind, place, patient
        self.broken = 0
        self._socket = self._made()

    def _made(self) -> socket.socket:
        if self.kind == "udp":
            out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            out.connect(self.place)
            return out
        while True:
            try:
                plain = socket.create_connection(self.place, timeout=60)
                break
            except OSError:
                if not self.patient:
                    raise
                time.sleep(0.05)
        if self.kind == "tcp":
            return plain
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(plain)

    def send(self, said: list[bytes]) -> None:
        """All of it."""
        if self.kind == "udp":
            for one in said:
                with contextlib.suppress(ConnectionRefusedError):
                    self._socket.send(one)
            return
        if not self.patient:
            self._socket.sendall(b"\n".join(said) + b"\n")
            return
        for one in said:
            while True:
                try:
                    self._socket.sendall(one + b"\n")
                    break
                except OSError:
                    self.broken += 1
                    self._socket.close()
                    self._socket = self._made()

    def close(self) -> None:
        """Ends it as it should."""
        if isinstance(self._socket, ssl.SSLSocket):
            with contextlib.suppress(OSError):
                self._socket.unwrap()
        self._socket.close()


def main(words: list[str]) -> None:
    """Sends, and prints {"sent", "seconds", "processor", "broken"}."""
    patient = "--patient" in words
    kind, place, rate, seconds, *first = [word for word in words if word != "--patient"]
    host, _, port = place.rpartition(":")
    out = Connection(kind, (host, int(port)), patient)
    many, number = int(float(rate) * float(seconds)), int(first[0]) if first else 0
    sent, began = 0, time.monotonic()
    while sent < many:
        due = min(many, int((time.monotonic() - began) * float(rate)) + 1) - sent
        if due > 0:
            due = min(due, 2000)
            out.send(lines(number + sent, due))
            sent += due
        if due < 2000:
            time.sleep(_TICK)
    took = time.monotonic() - began
    out.close()
    print(json.dumps({"sent": sent, "seconds": took, "processor": time.process_time(), "broken": out.broken}))


if __name__ == "__main__":
    main(sys.argv[1:])
