"""Asking: SQL over the lake's live files, the filters of every command, and the questions that reports and rankings ask.

    from teiten.engine import open_session
    with open_session(lake, settings) as session:
        rows = questions.rank(session, "ports", start, end)

Only `engine.duckdb` and `engine.spark` know their engines; `open_session` imports the one of the settings when it is called.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.lake import Lake
    from teiten.settings import Settings

__all__ = ["open_session"]


def open_session(
    lake: Lake,
    settings: Settings,
    *,
    start: dt.datetime | None = None,
    end: dt.datetime | None = None,
    upto: int | None = None,
    as_of: dt.datetime | None = None,
    counted: bool = True,
    memory_mb: int | None = None,
) -> Session:
    """A session over that lake as it is now; with `upto`, as it was after that batch, with `as_of` without later notes.

    With `start` and `end`, files without events of [start, end) are left out. `counted`: may questions be answered from
    aggregates? memory_mb: what it may take here, where that is less than usual. The settings say which engine it is: a session
    of Spark (`engine.spark`) answers the same questions on a cluster. TeitenError where that cannot be had.
    """
    if settings.engine == "spark":
        from teiten.engine.spark import Session as Clustered

        return Clustered(lake, settings, start=start, end=end, upto=upto, as_of=as_of, counted=counted, memory_mb=memory_mb)
    from teiten.engine.duckdb import Session

    return Session(lake, settings, start=start, end=end, upto=upto, as_of=as_of, counted=counted, memory_mb=memory_mb)
