"""Sessions over the lake as it is now, a thread each; what was answered is kept until the lake changes.

    pool = Pool(settings)
    rows = await pool.ask(("rank", what, words), lambda session: questions.rank(session, ...))

Equal questions that come at once are asked once. A question that takes too long is interrupted.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from teiten.engine import open_session
from teiten.errors import LakeChangedError, TeitenError
from teiten.lake import Lake

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.settings import Settings

T = TypeVar("T")
Version = tuple[int, ...]

LOOK_EVERY: Final = 1.0
"""seconds between two looks at whether the lake has changed"""
KEPT: Final = 512
"""answers that are kept"""
DEADLINE: Final = 30.0
"""seconds that a question may take"""
MEMORY_MB: Final = 600
"""what all sessions' questions may take together"""
_AGAIN: Final = 3
"""times that a question is asked anew where the lake was changed under it"""


class TooLongError(TeitenError):
    """A question took longer than it may."""


class Pool:
    """Answers questions about one lake. LakeError where it cannot be opened: each question says so, until it can be."""

    def __init__(self, settings: Settings, *, workers: int | None = None, memory_mb: int = MEMORY_MB) -> None:
        self.workers = workers or max(2, min(4, os.cpu_count() or 2))
        memory = min(settings.query_memory_mb or memory_mb, memory_mb) // self.workers
        self.settings = replace(settings, query_memory_mb=max(100, memory))
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="ask")
        self._own = threading.local()
        self._kept: OrderedDict[tuple[Version, Hashable], Any] = OrderedDict()
        self._flying: dict[tuple[Version, Hashable], asyncio.Future[Any]] = {}
        self._looked = -LOOK_EVERY
        self._version: Version = ()
        self._sessions: list[Session] = []

    def version(self) -> Version:
        """Changes when anything in the lake does: what answers and their ETags go by."""
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY:
            self._version, self._looked = _version(self.settings), now
        return self._version

    def look_again(self) -> None:
        """What was just written is seen by whoever asks next."""
        self._looked = -LOOK_EVERY

    async def ask(self, key: Hashable, question: Callable[[Session], T]) -> T:
        """The answer, from those that are kept if it is among them. TeitenError."""
        full = (self.version(), key)
        if full in self._kept:
            self._kept.move_to_end(full)
            found: T = self._kept[full]
            return found
        if full in self._flying:
            shared: T = await asyncio.shield(self._flying[full])
            return shared
        loop = asyncio.get_running_loop()
        flying = self._flying[full] = loop.run_in_executor(self._threads, self._answer, full[0], question)
        # an exception that nobody waits for any more is no news to the loop
        flying.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            answer: T = await asyncio.shield(flying)
        finally:
            if flying.done():
                self._flying.pop(full, None)
            else:
                flying.add_done_callback(lambda _: self._flying.pop(full, None))
        self._kept[full] = answer
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return answer

    def close(self) -> None:
        """Ends all sessions."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for session in self._sessions:
            session.close()

    def _answer(self, version: Version, question: Callable[[Session], T]) -> T:
        for left in reversed(range(_AGAIN)):
            session = self._session(version)
            late = threading.Event()

            def interrupt(session: Session = session, late: threading.Event = late) -> None:
                late.set()
                session.interrupt()

            watch = threading.Timer(DEADLINE, interrupt)
            watch.daemon = True
            watch.start()
            try:
                return question(session)
            except LakeChangedError:
                self._own.version = None
                if not left:
                    raise
            except Exception:
                if late.is_set():
                    raise TooLongError(
                        f"This takes longer than {DEADLINE:g} seconds.", hint="Ask for a shorter time, or for less at once."
                    ) from None
                raise
            finally:
                watch.cancel()
        raise AssertionError

    def _session(self, version: Version) -> Session:
        """This thread's session, opened anew where the lake has changed."""
        own = self._own
        if getattr(own, "version", None) != version:
            old: Session | None = getattr(own, "session", None)
            if old is not None:
                self._sessions.remove(old)
                old.close()
                own.session = None
            own.session = open_session(Lake.open(self.settings.lake), self.settings)
            own.version = version
            self._sessions.append(own.session)
        session: Session = own.session
        return session


def _version(settings: Settings) -> Version:
    """When each table's log was last added to."""
    out = []
    for folder in sorted(settings.lake.glob("*/_delta_log")):
        try:
            out.append(folder.stat().st_mtime_ns)
        except OSError:
            out.append(0)
    return tuple(out)
