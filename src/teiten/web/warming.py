"""What most visitors open first is asked beforehand, while nobody else asks: a server that has just begun is not slow.

At the start the libraries are loaded and each thread opens its session. Then, once nobody has asked for a moment, the pages
of the bar are built, without being drawn, for the usual spans: their answers are then kept as any visitor's. After a batch
the same is done again, as long as somebody has asked lately, and so seldom that it takes no more than a ninth of a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from teiten.engine import recorded
from teiten.web import asked, told
from teiten.web._patience import TIMES, WARMING

if TYPE_CHECKING:
    from teiten.settings import Settings
    from teiten.web.pool import Pool

PATHS: Final = ("/", "/ports", "/countries", "/asns", "/sources", "/sensors", "/scanners")
PERIODS: Final = ("day", "hour", "week", "month")
"""the usual one first"""
QUIET: Final = 2.0
"""seconds in which nobody has asked"""
WATCHED: Final = 900.0
"""seconds after somebody's question in which answers are made anew after a batch"""
_LOOK: Final = 1.0


class Warming:
    """The warming of one application. Nothing that goes wrong in it is told: who asks the same is told."""

    def __init__(self, pool: Pool, settings: Settings, modules: Iterable[ModuleType]) -> None:
        self._pool, self._settings = pool, settings
        self._modules = {module.PATH: module for module in modules}
        self.rounds = 0
        """how often all was asked, whole"""

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        await self._pool.opened()
        while True:
            began, version = time.monotonic(), self._pool.version()
            worked = await self._round()
            self.rounds += 1
            await asyncio.sleep(max(_LOOK, TIMES * worked))
            while self._pool.version() == version or self._pool.quiet() > min(WATCHED, time.monotonic() - began):
                await asyncio.sleep(_LOOK)

    async def _round(self) -> float:
        """Asks everything once; the seconds that it took."""
        worked = 0.0
        for period in PERIODS:
            for path in PATHS:
                while self._pool.busy or self._pool.quiet() < QUIET:
                    await asyncio.sleep(_LOOK / 4)
                began = time.monotonic()
                with contextlib.suppress(Exception):
                    await self._page(path, period)
                worked += time.monotonic() - began
        return worked

    async def _page(self, path: str, period: str) -> None:
        token = WARMING.set(True)
        try:
            extent = await self._pool.ask("extent", recorded.extent)
            if extent is None or path not in self._modules:
                return
            wanted = asked.read(self._settings, path, {"period": period}, extent=extent)
            build: Any = self._modules[path].build
            await build(wanted, self._pool)
            await told.of(wanted, self._pool)
        finally:
            WARMING.reset(token)
