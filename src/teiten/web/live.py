"""Live updates: who looks at a page that ends now hears when the lake has changed (server-sent events of HTML)."""

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
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def listen(self, request: Request) -> Response:
        if self.listeners >= MOST:
            return PlainTextResponse("Too many listen already.\n", 503, headers={"retry-after": "60"})
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._lines(request), media_type="text/event-stream", headers=headers)

    async def _lines(self, request: Request) -> AsyncIterator[str]:
        self.listeners += 1
        try:
            yield "retry: 5000\n\n"
            while not await request.is_disconnected():
                try:
                    async with asyncio.timeout(ALIVE), self._changed:
                        await self._changed.wait()
                    yield f"event: lake\ndata: {hash(self.pool.version()) & 0xFFFFFFFF:08x}\n\n"
                except TimeoutError:
                    yield ": still here\n\n"
        finally:
            self.listeners -= 1

    async def _look(self) -> None:
        known = self.pool.version()
        while True:
            await asyncio.sleep(EVERY)
            now = await asyncio.to_thread(self.pool.version)
            if now != known:
                known = now
                async with self._changed:
                    self._changed.notify_all()

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
