"""Many days looked at in processes of their own: what a day shows rests on its cells alone, its stories on the day before, too.

    with beside.looking(lake, settings, days, processes) as looks:
        looks(day)      the day's faults of the own line and its detections, waited for; None: look yourself

Days are handed out in pieces that follow each other, since each needs the cells of the 35 days before it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from teiten.detect._fault import Fault
    from teiten.detect.model import Detection
    from teiten.lake import Lake
    from teiten.settings import Settings

Shown = tuple[Sequence["Fault"], list["Detection"]]
LEAST: Final = 16
"""days to be looked at, below which other processes are not worth their start"""
_PIECE: Final = 24
"""days of a piece, at most: half as many again are read for them"""


@contextlib.contextmanager
def looking(
    lake: Lake, settings: Settings, days: Sequence[dt.date], processes: int
) -> Iterator[Callable[[dt.date], Shown | None]]:
    """Days (in order) whose cells are in the lake. With one process, or few days, nothing is looked at, and every answer is
    None; so is that of a day whose process was killed (memory)."""
    if processes < 2 or len(days) < LEAST:
        yield lambda day: None
        return
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
    from multiprocessing import get_context

    size = min(_PIECE, -(-len(days) // processes))
    pieces = [list(days[at : at + size]) for at in range(0, len(days), size)]
    had = {name: os.environ.get(name) for name in ("POLARS_MAX_THREADS",)}
    os.environ["POLARS_MAX_THREADS"] = "1"  # each has one: together they have as many as there are processes
    pool = ProcessPoolExecutor(min(processes, len(pieces)), get_context("spawn"))
    try:
        asked = [(piece, pool.submit(_looked, lake.path, settings, piece)) for piece in pieces]
        places = {day: made for piece, made in asked for day in piece}

        def look(day: dt.date) -> Shown | None:
            with contextlib.suppress(BrokenExecutor):
                return places[day].result()[day] if day in places else None
            return None

        yield look
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in had.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def _looked(folder: Path, settings: Settings, days: Sequence[dt.date]) -> dict[dt.date, Shown]:
    """In a process of its own: what those days show."""
    from teiten import detect
    from teiten.detect.material import Material
    from teiten.lake import Lake

    out: dict[dt.date, Shown] = {}
    with Material(Lake.open(folder), settings, days, keep=False) as material:
        for day in days:
            look = detect.look(material.view(day))
            out[day] = look.line, look.found
    return out
