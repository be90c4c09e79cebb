"""Queries that visitors write: few at once, ended when their visitor leaves, answers kept for a while.

    answer = await asking.of(pool).ask(request, query)

A query runs only where its visitor wanted it (`wanted_here`): another site may lead here, but may not set a machine to work.
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teiten.engine import console
from teiten.errors import QueryError
from teiten.web.pool import BusyError as BusyError

if TYPE_CHECKING:
    import polars as pl
    from starlette.requests import Request

    from teiten.web.pool import Pool

LIMITS: Final = console.Limits(seconds=20, memory_mb=1024, answer_mb=16)
AT_ONCE: Final = 2
PATIENCE: Final = 4.0
"""seconds that a query waits for its turn"""
MOST_WAITING: Final = 20
LONGEST: Final = 8000
"""characters of a query: an address holds no more"""
KEPT_BYTES: Final = 48 << 20
"""of answers, as frames"""
_LOOK: Final = 0.25
"""seconds between two looks at whether the visitor is still there"""
_PROGRAMS: Final = "Mozilla/"
"""how every browser's name of itself begins, and no other program's"""


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, the seconds that they took to come, and whether they were there already."""

    frame: pl.DataFrame
    seconds: float
    kept: bool = False


class Desk:
    """The queries over one lake."""

    def __init__(self, pool: Pool) -> None:
        self._settings, self._version = pool.settings, pool.version
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._kept: OrderedDict[tuple[object, str], Answer] = OrderedDict()
        self._said: OrderedDict[str, None] = OrderedDict()

    def say(self, query: str) -> None:
        """A form of ours asked for that query: it may run, whatever the browser says of where the request comes from."""
        self._said[query] = None
        while len(self._said) > 500:
            self._said.popitem(last=False)

    def wanted_here(self, request: Request, query: str) -> bool:
        """Did the visitor ask for that, rather than another site that leads a browser here?

        A browser says where a request comes from (Sec-Fetch-Site); what says nothing of it, and is no browser, is a program.
        """
        site = request.headers.get("sec-fetch-site")
        if site is None:
            return query in self._said or not request.headers.get("user-agent", "").startswith(_PROGRAMS)
        return site in ("same-origin", "none") or query in self._said

    async def ask(self, request: Request, query: str) -> Answer:
        """The rows. QueryError; TeitenError beyond a limit; BusyError; console.StoppedError where the visitor has left."""
        if len(query) > LONGEST:
            raise QueryError(f"A query has {LONGEST:,} characters at most; this one has {len(query):,}.")
        key = (self._version(), query)
        if key in self._kept:
            self._kept.move_to_end(key)
            return Answer(self._kept[key].frame, self._kept[key].seconds, kept=True)
        await self._wait()
        try:
            began = time.monotonic()
            frame = await self._run(request, query)
            answer = Answer(frame, time.monotonic() - began)
        finally:
            self._turn.release()
        self._keep(key, answer)
        return answer

    async def _wait(self) -> None:
        if self._waiting >= MOST_WAITING:
            raise BusyError("Too many queries are being asked now.", hint="Ask again in a moment.")
        self._waiting += 1
        try:
            await asyncio.wait_for(self._turn.acquire(), PATIENCE)
        except TimeoutError:
            raise BusyError(f"{AT_ONCE} queries are being asked, and take long.", hint="Ask again in a moment.") from None
        finally:
            self._waiting -= 1

    async def _run(self, request: Request, query: str) -> pl.DataFrame:
        stop = threading.Event()
        settings = self._settings
        work = asyncio.ensure_future(
            asyncio.to_thread(console.ask, settings.lake, settings, query, LIMITS, stranger=True, stop=stop)
        )
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=_LOOK)
                if not work.done() and await request.is_disconnected():
                    stop.set()
            return await work
        finally:
            # the server ends, or gave this request up: so does the child
            stop.set()

    def _keep(self, key: tuple[object, str], answer: Answer) -> None:
        self._kept[key] = answer
        while sum(int(one.frame.estimated_size()) for one in self._kept.values()) > KEPT_BYTES or len(self._kept) > 200:
            self._kept.popitem(last=False)


_DESKS: weakref.WeakKeyDictionary[Pool, Desk] = weakref.WeakKeyDictionary()


def of(pool: Pool) -> Desk:
    """The desk of that pool's lake."""
    if pool not in _DESKS:
        _DESKS[pool] = Desk(pool)
    return _DESKS[pool]
