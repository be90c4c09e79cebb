"""What a log lost that was copied and cut off, or removed: how many lines, about, by how fast it usually grows."""

from __future__ import annotations

import math
import time
from typing import Final

from teiten.station.inputs._rotated import Part

_SPAN: Final = 60.0
"""seconds over which a log's usual rate is measured"""
_TRUST: Final = 10.0
"""seconds that a rate of a run before counts for"""
_MOST: Final = 10.0
"""seconds between a log's copy and its end, at most"""


class Rate:
    """How fast a log usually grows, in lines and bytes a second: over the last minutes, the newest counting most."""

    def __init__(self, lines: float = 0.0, size: float = 0.0) -> None:
        self.caught_up = False
        """only what comes as it is written says something"""
        self._lines, self._bytes, self._time = lines * _TRUST, size * _TRUST, _TRUST if lines else 0.0
        self._last = 0.0
        self._owed = 0.0

    def estimate(self, seconds: float, often: int = 1) -> int:
        """About how many lines so many seconds are, so often. The seconds come from the log's size, and may be too few or too
        many: what is below zero is kept against the next estimate, so that their sum is right in the long run."""
        lines = often * self.lines * max(-_MOST, min(_MOST, seconds)) + self._owed
        whole = max(0, round(lines))
        self._owed = max(-self.lines * _MOST, lines - whole)
        return whole

    def note(self, lines: int, size: int) -> None:
        now = time.monotonic()
        if not self.caught_up:
            return
        gone = now - self._last if self._last else 0.0
        kept = math.exp(-gone / _SPAN)
        self._lines, self._bytes, self._time = self._lines * kept + lines, self._bytes * kept + size, self._time * kept + gone
        self._last = now

    @property
    def lines(self) -> float:
        """Lines a second; 0: nobody knows."""
        return self._lines / self._time if self._time >= 1 else 0.0

    @property
    def bytes(self) -> float:
        return self._bytes / self._time if self._time >= 1 else 0.0


def cut_at(live: Part, rate: Rate) -> float:
    """When the log was cut off: its last change, less what it took to grow as far as it has since."""
    return live.info.st_mtime - (live.info.st_size / rate.bytes if rate.bytes else 0.0)


def copied(live: Part, copies: list[Part], read: float, rate: Rate) -> tuple[int, str]:
    """Lines written to a log between its copy and its end, and a sentence. copies: those made of it, oldest first;
    read: when all that was there was taken (0: long ago). Where there were several, each took as much as the last one."""
    lines = rate.estimate(cut_at(live, rate) - max(copies[-1].info.st_mtime, read), len(copies))
    names = ", ".join(part.path.name for part in copies)
    return (
        lines,
        f"{live.path} was copied to {names} and cut off; what was written to it between is lost: {_about(lines, rate)}",
    )


def removed(log: str, since: float, until: float, rate: Rate, *, cut: bool) -> tuple[int, str]:
    """The same for a log of which there is no copy, between two times (seconds)."""
    lines = round(rate.lines * max(0.0, until - since))
    what = "was cut off" if cut else "was removed, or replaced by another file"
    when = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(since))
    return (
        lines,
        f"{log} {what}, and there is no copy of it; what was written after {when} is lost: {_about(lines, rate)}",
    )


def _about(lines: int, rate: Rate) -> str:
    if not rate.lines:
        return "how many lines is not known"
    return f"about {lines} lines, by its usual {rate.lines:.3g} a second"
