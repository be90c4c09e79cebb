"""How long answers are good for, who may be told of a moment ago, how long a page may take, which questions are slow."""

from __future__ import annotations

import contextlib
import contextvars
import datetime as dt
import math
import time
from collections.abc import Hashable, Iterator
from typing import Final

from teiten.errors import LimitError

Version = tuple[int, ...]

WAIT: Final = 0.15
"""seconds that who may be told of a moment ago waits for what holds now"""
OLDEST: Final = 60.0
"""seconds after which who may be told of a moment ago is kept waiting for what holds now"""
LONGER: Final = 3.0
"""seconds, from when a page was asked for, that it waits so: where others ask too much for that, what held is told"""
LASTING: Final = 900.0
"""seconds after which an answer that no longer holds is told to nobody"""
WHOLE: Final = 30.0
"""seconds that a page, or an answer of the API, may take as a whole: its questions together, and their waiting"""
MINUTE: Final = 60.0
"""seconds for which an answer about a span that ends now holds, where the lake stays the same"""
TIMES: Final = 8.0
"""an answer that took a second is not made anew for so many: no question takes more than a ninth of a thread"""
STATES: Final = 1024
"""states of the lake of which it is known when they ended"""
MOST_WAITING: Final = 1000
"""questions that may wait"""
SLOW: Final = 1.0
"""seconds from which on a question is a slow one"""

LENIENT: Final[contextvars.ContextVar[list[dt.datetime] | None]] = contextvars.ContextVar("LENIENT", default=None)
"""of who may be told of a moment ago: the moments of which they were told"""

BEGUN: Final[contextvars.ContextVar[float]] = contextvars.ContextVar("BEGUN", default=math.inf)
"""when the page that asks was asked for (monotonic clock); infinite: nobody waits for it"""
WARMING: Final[contextvars.ContextVar[bool]] = contextvars.ContextVar("WARMING", default=False)
"""does the server itself ask, beforehand?"""


class TooLongError(LimitError):
    """A question took longer than it may."""


class BusyError(LimitError):
    """More is asked than can be answered now."""


@contextlib.contextmanager
def lenient() -> Iterator[list[dt.datetime]]:
    """Within it, answers of a moment ago will do: gets the moments until which those that were given held (UTC)."""
    told: list[dt.datetime] = []
    token = LENIENT.set(told)
    try:
        yield told
    finally:
        LENIENT.reset(token)


@contextlib.contextmanager
def whole() -> Iterator[None]:
    """Within it, all that is asked is to be answered within `WHOLE` seconds from now."""
    token = BEGUN.set(time.monotonic())
    try:
        yield
    finally:
        BEGUN.reset(token)


def left(seconds: float) -> float | None:
    """What is left of so many seconds from when the page was asked for, never below 0; None where nobody waits."""
    begun = BEGUN.get()
    return None if math.isinf(begun) else max(0.0, begun + seconds - time.monotonic())


def good_for(seconds: float) -> float:
    """Seconds for which an answer that took so many is good enough after it ceased to hold."""
    return min(OLDEST / 2, TIMES * seconds)


def kind(key: Hashable) -> Hashable:
    """What questions have in common that take about as long: what they ask, and how long a time they are about."""
    if not isinstance(key, tuple):
        return key
    length = _length(key)
    return *(part for part in key if isinstance(part, str)), None if length is None else length.days.bit_length()


def guess(key: Hashable) -> float:
    """Seconds that a question may take of which no equal was asked: what is about more than two days is taken for slow."""
    length = _length(key)
    return 0.0 if length is None or length <= dt.timedelta(days=2) else 2 * SLOW


def ends_now(key: Hashable) -> bool:
    """Is the span that a key names one that goes on? Then its answer is another one in a minute, whatever the lake does."""
    return any(isinstance(part, tuple) and any(one == "now" for one in part if isinstance(one, str)) for part in _inner(key))


def _length(key: Hashable) -> dt.timedelta | None:
    """The length of the span that a key names (`Asked.key`): two times, or a length, or since when."""
    for part in _inner(key):
        if isinstance(part, tuple) and len(part) == 2:
            first, last = part
            if isinstance(last, dt.timedelta):
                return last
            if isinstance(first, dt.datetime):
                return (last if isinstance(last, dt.datetime) else dt.datetime.now(dt.UTC)) - first
    return None


def _inner(key: Hashable) -> Iterator[Hashable]:
    """The parts of a key that are tuples, and their parts."""
    for part in key if isinstance(key, tuple) else ():
        if isinstance(part, tuple):
            yield part
            yield from part
