"""Pages as they were drawn, as long as nothing that they say has changed: the lake, and for spans that end now the minute."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from teiten.web.pool import Pool

MOST_BYTES: Final = 32 << 20
PAGES: Final = frozenset(
    {
        "overview", "ports", "port", "countries", "country", "asns", "asn", "sources", "scanners", "sensors", "sensor",
        "events",
    }
)  # fmt: skip
"""modules of pages that say nothing but what is in the lake and in their address"""


class Shown:
    """Texts of pages by what they were asked for."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._state: Hashable = None
        self._texts: OrderedDict[Hashable, str] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable) -> str | None:
        """The page, if it would be the same now."""
        self._look()
        return self._texts.get(key)

    def put(self, key: Hashable, text: str, state: Hashable) -> None:
        """Keeps a page that was begun at that state."""
        self._look()
        if state != self._state or key in self._texts:
            return
        self._texts[key] = text
        self._bytes += len(text)
        while self._bytes > MOST_BYTES:
            self._bytes -= len(self._texts.popitem(last=False)[1])

    def state(self) -> Hashable:
        """What pages go by: the lake's state, and the minute."""
        return self._pool.state(), int(time.time() // 60)

    def _look(self) -> None:
        now = self.state()
        if now != self._state:
            self._state = now
            self._texts.clear()
            self._bytes = 0
