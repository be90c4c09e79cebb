"""How often a login may fail, by name and address: in bounded memory, forgotten at the end of the process."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

WITHIN: Final = 15 * 60.0
"""seconds over which failures count"""
OF_BOTH: Final = 5
"""of a name from an address"""
OF_ADDRESS: Final = 20
"""from an address (of IPv6: from a /64)"""
OF_NAME: Final = 60
"""of a name, from all addresses together: high, so that nobody locks another out in passing"""
_MOST: Final = 20_000


class Failures:
    """Failures by name and address. What is tried counts as failed until it succeeds, so that many at once gain nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def wait(self, name: str, address: str) -> float:
        """Seconds until it may be tried again; 0: now, and that counts."""
        keys = self._keys(name, address)
        now, longest = self._clock(), 0.0
        for key, most in keys:
            begun, count = self._counts.get(key, (now, 0))
            if now - begun < WITHIN and count >= most:
                longest = max(longest, WITHIN - (now - begun))
        if longest:
            return longest
        for key, _ in keys:
            begun, count = self._counts.pop(key, (now, 0))
            self._counts[key] = (begun, count + 1) if now - begun < WITHIN else (now, 1)
        while len(self._counts) > _MOST:
            self._counts.popitem(last=False)
        return 0.0

    def succeeded(self, name: str, address: str) -> None:
        """It was right: that try does not count, and the name's from this address are forgotten."""
        for key, _ in self._keys(name, address):
            begun, count = self._counts.get(key, (0.0, 0))
            if count > 1 and key[0] != "both":
                self._counts[key] = (begun, count - 1)
            else:
                self._counts.pop(key, None)

    def _keys(self, name: str, address: str) -> tuple[tuple[tuple[str, ...], int], ...]:
        place = where(address)
        return (("both", name, place), OF_BOTH), (("address", place), OF_ADDRESS), (("name", name), OF_NAME)


def where(address: str) -> str:
    """An address as it counts: IPv4 whole, IPv6 its /64, which one household has to itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
    return str(found)
