"""What of the spool is in the lake, as the maker says it after each round: SPOOL/made.json.

Whoever has the spool's evidence to keep, or is asked how far behind the lake is, reads this; the truth is in the lake.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

FILE: Final = "made.json"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Made:
    """The state after a round.

    lake      the id of the lake (`lake.toml`) into which it was made: another lake has none of it
    batch     the lake's last batch
    at, took  when the round ended (unix time), and how many seconds it took
    rounds    rounds since this maker began
    behind    bytes that were durable in the spool when it ended and not yet in the lake
    trouble   why something could not be made, else None
    streams   stream -> the number up to which all its segments are wholly in the lake
    held      stream -> how many of these the lake has anything of (an empty one leaves nothing)
    ends      identity of a later segment -> how many of its bytes are in the lake
    """

    lake: str = ""
    batch: int = 0
    at: float = 0.0
    took: float = 0.0
    rounds: int = 0
    behind: int = 0
    trouble: str | None = None
    streams: Mapping[str, int] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    ends: Mapping[str, int] = field(default_factory=dict)

    def whole(self, stream: str, number: int) -> bool:
        """Is that segment in the lake, wholly, and sealed?"""
        return number <= self.streams.get(stream, 0)

    def end(self, stream: str, number: int, size: int) -> int:
        """How many bytes of that segment, which has `size`, are in the lake."""
        return size if self.whole(stream, number) else min(size, self.ends.get(f"{stream}/{number:08d}", 0))


def read(spool: Path) -> Made | None:
    """What the maker said last; None where it said nothing that can be read: then nothing is known to be in the lake."""
    try:
        found = json.loads((spool / FILE).read_text(encoding="utf-8"))
        if found.pop("format") != FORMAT:
            return None
        return Made(**found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write(spool: Path, made: Made) -> None:
    """Says it, whole or not at all. OSError."""
    fresh = spool / f"{FILE}.{os.getpid()}.new"
    fresh.write_text(json.dumps({"format": FORMAT, **asdict(made)}, separators=(",", ":")), encoding="utf-8")
    fresh.replace(spool / FILE)
