"""Sessions over the lake as it is now, a thread each; what was answered is kept, and made again when the lake has changed.

    pool = Pool(settings)
    rows = await pool.ask(("rank", what, words), lambda session: questions.rank(session, ...))

Equal questions that come at once are asked once. Those that somebody waits for come first, and of these the quick ones, to
which the others leave a thread. What takes too long is interrupted, what would wait too long is refused, a question alone or a
page with all of its own (`whole`). Who may be told of a moment ago (`lenient`) gets the answer that held then while the new one
is made (docs/decisions/0071).
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from teiten.engine import open_session, recorded
from teiten.errors import LakeChangedError, TeitenError
from teiten.lake import Lake
from teiten.web import _patience
from teiten.web._patience import LENIENT, WARMING, BusyError, TooLongError, Version, lenient, whole

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.settings import Settings

T = TypeVar("T")

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


@dataclass(slots=True)
class _Job:
    """A question that waits or is being asked."""

    key: Hashable
    version: Version
    question: Callable[[Session], Any]
    slow: bool
    done: asyncio.Future[Any]
    since: float = field(default_factory=time.monotonic)
    waits: int = 0
    """who waits for it now; 0: it is made for those who come later"""


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer, the state of the lake that it is of, and the seconds that it took."""

    version: Version
    answer: Any
    seconds: float
    until: float
    """of the monotonic clock: from then on it no longer holds, whatever the lake does"""


class Pool:
    """Answers questions about one lake. LakeError where it cannot be opened: each question says so, until it can be.

    Only its questions run in threads; all else belongs to the thread of the event loop.
    """

    def __init__(self, settings: Settings, *, workers: int | None = None, memory_mb: int = MEMORY_MB) -> None:
        # one for quick questions; of the slow ones of a page two at once
        self.workers = workers or max(3, min(4, os.cpu_count() or 3))
        memory = min(settings.query_memory_mb or memory_mb, memory_mb) // self.workers
        self.settings = replace(settings, query_memory_mb=max(100, memory))
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="ask")
        self._own = threading.local()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._flying: dict[tuple[Version, Hashable], _Job] = {}
        self._waiting: list[_Job] = []
        self._running = [0, 0]
        self._took: OrderedDict[Hashable, float] = OrderedDict()
        self._later: set[Hashable] = set()
        self._again: set[asyncio.Future[Any]] = set()
        self._looked = -LOOK_EVERY
        self._version: Version = ()
        self._lake: Version = ()
        self._ended: OrderedDict[Version, float] = OrderedDict()
        self._turn = 0
        self._asked = -math.inf
        self._sessions: list[Session] = []

    def version(self) -> Version:
        """Changes when anything in the lake does: what answers and their ETags go by."""
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY:
            found, self._looked = _version(self.settings), now
            if (lake := _identity(self.settings)) != self._lake:
                # another lake, or none: nothing of the one before is told any more
                self._lake = lake
                self._kept.clear()
            if found != self._version:
                self._ended[self._version] = now
                self._ended.pop(found, None)
                while len(self._ended) > _patience.STATES:
                    self._ended.popitem(last=False)
                self._version = found
        return self._version

    def state(self) -> tuple[Version, int]:
        """Changes with the lake, and once more when answers of a moment ago have been made anew: then pages are other ones."""
        return self.version(), self._turn

    def look_again(self) -> None:
        """What was just written is seen by whoever asks next: nothing is kept of what was answered before."""
        self._kept.clear()
        self._looked = -LOOK_EVERY
        self._turn += 1

    async def ask(self, key: Hashable, question: Callable[[Session], T]) -> T:
        """The answer, from those that are kept if it is among them. TeitenError; BusyError where too many wait."""
        if not WARMING.get():
            self._asked = time.monotonic()
        version = self.version()
        kept = self._kept.get(key)
        ended = self._held_until(kept, version)
        if kept is not None and ended is None:
            self._kept.move_to_end(key)
            found: T = kept.answer
            return found
        told = LENIENT.get()
        age = math.inf if ended is None else time.monotonic() - ended
        if kept is None or told is None or age > _patience.LASTING:
            fresh: T = await self._within(self._fly(version, key, question))
            return fresh
        rest = _patience.good_for(kept.seconds) - age
        if rest > 0:
            self._ask_later(key, question, rest)
        else:
            job = self._fly(version, key, question)
            within = _patience.WAIT if age <= _patience.OLDEST else _patience.left(_patience.LONGER)
            if await self._wait(job, within):
                newest: T = job.done.result()
                return newest
            self._note(job.done)
        told.append(dt.datetime.now(dt.UTC) - dt.timedelta(seconds=age))
        before: T = kept.answer
        return before

    async def _wait(self, job: _Job, seconds: float | None) -> bool:
        """Is it answered within so many seconds? It goes on either way."""
        counts = not WARMING.get()
        job.waits += counts
        try:
            done, _ = await asyncio.wait((job.done,), timeout=seconds)
        finally:
            job.waits -= counts
        return bool(done)

    async def _within(self, job: _Job) -> Any:
        """Its answer. BusyError where the page that asks has taken as long as it may: what was asked goes on, and is kept."""
        if not await self._wait(job, _patience.left(_patience.WHOLE)):
            raise BusyError(
                f"This was not made within {_patience.WHOLE:g} seconds.",
                hint="What has been made of it is kept: come again in a minute, or ask for a shorter time.",
            )
        return job.done.result()

    async def opened(self) -> None:
        """Has each thread open its session, before anybody asks. Where the lake cannot be opened, who asks is told."""
        ready = threading.Barrier(self.workers)

        def open_one(version: Version) -> None:
            with contextlib.suppress(threading.BrokenBarrierError):
                ready.wait(DEADLINE)  # each thread takes one
            with contextlib.suppress(TeitenError):
                recorded.extent(self._session(version))

        loop, version = asyncio.get_running_loop(), self.version()
        await asyncio.gather(*(loop.run_in_executor(self._threads, open_one, version) for _ in range(self.workers)))

    def quiet(self) -> float:
        """Seconds since somebody asked something; infinite where nobody has."""
        return time.monotonic() - self._asked

    @property
    def busy(self) -> bool:
        """Is a question being asked, or waiting?"""
        return bool(sum(self._running) or self._waiting)

    def _held_until(self, kept: _Kept | None, version: Version) -> float | None:
        """Since when (monotonic clock) an answer no longer holds; None: it does. Long ago where that is not known."""
        if kept is None:
            return None
        ended = None if kept.version == version else self._ended.get(kept.version, 0.0)
        if kept.until <= time.monotonic():
            return kept.until if ended is None else min(ended, kept.until)
        return ended

    def close(self) -> None:
        """Ends all sessions."""
        for job in self._waiting:
            job.done.cancel()
        self._waiting.clear()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for session in self._sessions:
            session.close()

    # what waits, and what runs ------------------------------------------------------------------------------------

    def _fly(self, version: Version, key: Hashable, question: Callable[[Session], Any]) -> _Job:
        """That question on its way; one that is on its way already is shared. BusyError."""
        full = (version, key)
        if full in self._flying:
            return self._flying[full]
        waiting = sum(job.waits > 0 for job in self._waiting)
        if waiting >= _patience.MOST_WAITING or len(self._waiting) >= 2 * _patience.MOST_WAITING:
            raise BusyError(f"{len(self._waiting)} questions wait already.", hint="Come again in a minute.")
        loop = asyncio.get_running_loop()
        kind = _patience.kind(key)
        slow = self._took.get(kind, _patience.guess(key)) > _patience.SLOW
        job = _Job(key, version, question, slow, loop.create_future())
        self._flying[full] = job
        # an exception that nobody waits for any more is no news to the loop
        job.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        job.done.add_done_callback(lambda _: self._flying.pop(full, None))
        self._waiting.append(job)
        # once whoever asked has begun to wait
        loop.call_soon(self._start)
        return job

    def _start(self) -> None:
        """Gives waiting questions to threads that are free: first those that somebody waits for, of them the quick ones; to
        slow ones never the last thread."""
        while sum(self._running) < self.workers:
            full = self._running[True] >= max(1, self.workers - 1)
            ready = [job for job in self._waiting if not (full and job.slow)]
            if not ready:
                return
            job = min(ready, key=lambda one: (not one.waits, one.slow))
            self._waiting.remove(job)
            waited = time.monotonic() - job.since
            if job.done.done():
                continue
            if waited > DEADLINE:
                job.done.set_exception(
                    BusyError(f"Others were asked for {waited:.0f} seconds.", hint="Come again in a minute.")
                )
                continue
            slow = job.slow
            self._running[slow] += 1
            running = asyncio.get_running_loop().run_in_executor(self._threads, self._timed, job)
            running.add_done_callback(lambda found, job=job, slow=slow: self._end(job, slow, found))  # type: ignore[misc]

    def _end(self, job: _Job, slow: bool, found: asyncio.Future[tuple[Any, float]]) -> None:
        self._running[slow] -= 1
        if not job.done.done():
            if found.cancelled():
                job.done.cancel()
            elif (error := found.exception()) is not None:
                job.done.set_exception(error)
            else:
                answer, seconds = found.result()
                self._keep(job, answer, seconds)
                job.done.set_result(answer)
        self._start()

    def _keep(self, job: _Job, answer: Any, seconds: float) -> None:
        self._took[_patience.kind(job.key)] = seconds
        while len(self._took) > KEPT:
            self._took.popitem(last=False)
        until = job.since + _patience.MINUTE if _patience.ends_now(job.key) else math.inf
        self._kept[job.key] = _Kept(job.version, answer, seconds, until)
        self._kept.move_to_end(job.key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def _note(self, flying: asyncio.Future[Any]) -> None:
        """Who was given an answer of a moment ago is to hear of the new one; of several at once, once."""
        if flying in self._again:
            return
        self._again.add(flying)

        def ended(done: asyncio.Future[Any]) -> None:
            self._again.discard(done)
            self._turn += not self._again

        flying.add_done_callback(ended)

    def _ask_later(self, key: Hashable, question: Callable[[Session], Any], seconds: float) -> None:
        """Asks it when its answer is no longer good, once."""
        if key in self._later:
            return
        self._later.add(key)

        def now() -> None:
            self._later.discard(key)
            version = self.version()
            if self._held_until(self._kept.get(key), version) is None:
                self._turn += 1  # it was made meanwhile, or is kept no more
                return
            try:
                self._note(self._fly(version, key, question).done)
            except TeitenError:
                self._turn += 1  # who looks again is told

        asyncio.get_running_loop().call_later(seconds, now)

    # in a thread --------------------------------------------------------------------------------------------------

    def _timed(self, job: _Job) -> tuple[Any, float]:
        began = time.monotonic()
        answer = self._answer(job.version, job.question)
        return answer, time.monotonic() - began

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
                own.session = own.version = None
                old.close()
            try:
                own.session = open_session(Lake.open(self.settings.lake), self.settings)
            except OSError as error:
                raise TeitenError(
                    f"The lake cannot be asked now: {error.strerror or error}.",
                    hint="There may be no room for temporary files.",
                ) from None
            own.version = version
            self._sessions.append(own.session)
        session: Session = own.session
        return session


async def together(*asks: Awaitable[Any]) -> list[Any]:
    """Answers of questions that are asked at once, in that order; the first error, when all have ended."""
    found = await asyncio.gather(*asks, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return found


def _identity(settings: Settings) -> Version:
    """Which lake lies there; () for none."""
    try:
        told = [(settings.lake / name).stat() for name in (".", "events/_delta_log")]
    except OSError:
        return ()
    return tuple(number for one in told for number in (one.st_dev, one.st_ino))


def _version(settings: Settings) -> Version:
    """When each table's log was last added to, and which lake that is."""
    out = []
    for folder in sorted(settings.lake.glob("*/_delta_log")):
        try:
            told = folder.stat()
            out += [told.st_mtime_ns, told.st_ino]
        except OSError:
            out.append(0)
    return tuple(out)


__all__ = ["BusyError", "Pool", "TooLongError", "Version", "lenient", "together", "whole"]
