"""How much a client may ask: so many requests a minute, so many at once; and how many all of them together."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from teiten.answering import Api
from teiten.errors import TeitenError
from teiten.web import who

CLIENTS: Final = 20_000
"""clients that are remembered; beyond it those go of whom nothing was heard for the longest time"""


class TooManyError(TeitenError):
    """A client asks more than it may (429), or all together do (503). wait: seconds until it may ask again."""

    def __init__(self, message: str, *, hint: str, wait: int, status: int) -> None:
        super().__init__(message, hint=hint)
        self.wait, self.status = wait, status


@dataclass(slots=True)
class Bucket:
    """A client: the requests that it may still send now, when that was counted, and how many of its own are being answered."""

    left: float
    at: float
    flying: int = 0


class Limits:
    """Buckets of tokens, one a client (RFC 2698 and others: so many at once, so many a minute in the long run)."""

    def __init__(self, limits: Api, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits, self._clock = limits, clock
        self._clients: OrderedDict[str, Bucket] = OrderedDict()
        self.flying = 0
        self.asked = 0
        """requests in all"""
        self.refused = {429: 0, 503: 0}
        """those of them that were told to come again"""

    @contextmanager
    def request(self, client: str) -> Iterator[int | None]:
        """One request of that client while it is answered; gives how many more it may send now (None: any). TooManyError."""
        self.asked += 1
        bucket = self._bucket(client)
        if self.limits.requests_per_minute:
            if bucket.left < 1:
                self._refuse(
                    429, f"More than {self.limits.requests_per_minute} requests a minute.",
                    1 + int((1 - bucket.left) * 60 / self.limits.requests_per_minute),
                )  # fmt: skip
            bucket.left -= 1
        if bucket.flying >= self.limits.at_once:
            self._refuse(429, f"More than {self.limits.at_once} requests at once.", 1)
        if self.flying >= self.limits.waiting:
            self._refuse(503, "Too many ask at once.", 2)
        bucket.flying += 1
        self.flying += 1
        try:
            yield int(bucket.left) if self.limits.requests_per_minute else None
        finally:
            bucket.flying -= 1
            self.flying -= 1

    def left(self, client: str) -> int | None:
        """How many requests it may send now; None: any number."""
        return int(self._bucket(client).left) if self.limits.requests_per_minute else None

    def _refuse(self, status: int, message: str, wait: int) -> None:
        self.refused[status] += 1
        raise TooManyError(message, hint=f"Ask again in {wait} seconds.", wait=wait, status=status)

    def _bucket(self, client: str) -> Bucket:
        now, burst = self._clock(), self.limits.burst
        bucket = self._clients.get(client)
        if bucket is None:
            bucket = self._clients[client] = Bucket(burst, now)
            self._forget()
        bucket.left = min(float(burst), bucket.left + (now - bucket.at) * self.limits.requests_per_minute / 60)
        bucket.at = now
        self._clients.move_to_end(client)
        return bucket

    def _forget(self) -> None:
        """Those not heard of for the longest time go; who is being answered stays."""
        while len(self._clients) > CLIENTS:
            name, bucket = next(iter(self._clients.items()))
            if bucket.flying:
                self._clients.move_to_end(name)
                return
            del self._clients[name]


def client_of(request: Request) -> str:
    """Who asks: the name that they have here, else their address; of IPv6 a /64, which is one household's."""
    name = who.of(request).name
    if name:
        return f"user {name}"
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
    return str(address)
