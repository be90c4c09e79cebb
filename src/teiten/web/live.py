"""Live updates: who looks at a page that ends now hears when the lake has changed (server-sent events)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from teiten.web.pool import Pool

MOST: Final = 1000
"""listeners at once"""
EVERY: Final = 2.0
"""seconds between two looks"""
ALIVE: Final = 20.0
"""seconds after which a line is sent in any case, so that a connection that is gone is noticed"""


class Live:
    """One look at the lake for all who listen."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.listeners = 0
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def listen(self, request: Request) -> Response:
        if self.listeners >= MOST:
            text = f"{MOST} listen already: this page does not follow the lake by itself. Open it again to see what is new.\n"
            return PlainTextResponse(text, 503, headers={"retry-after": "60", "cache-control": "no-store"})
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        # counted before its first line: of many that come at once none is one too many
        self.listeners += 1
        return _Lines(self)

    async def lines(self) -> AsyncIterator[str]:
        """What one listener hears; goes on until its connection ends."""
        yield "retry: 5000\n\n"
        while True:
            changed = self._changed
            try:
                await asyncio.wait_for(changed.wait(), ALIVE)
                yield f"event: lake\ndata: {hash(self.pool.state()) & 0xFFFFFFFF:08x}\n\n"
            except TimeoutError:
                yield ": still here\n\n"

    async def _look(self) -> None:
        known = self.pool.state()
        while True:
            await asyncio.sleep(EVERY)
            now = self.pool.state()
            if now != known:
                known = now
                before, self._changed = self._changed, asyncio.Event()
                before.set()

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()


class _Lines(StreamingResponse):
    """The stream of one listener, counted off whatever ends it."""

    def __init__(self, live: Live) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(live.lines(), media_type="text/event-stream", headers=headers)
        self._live = live

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        try:
            await super().__call__(scope, receive, send)  # type: ignore[arg-type]
        finally:
            self._live.listeners -= 1
