"""Rankings straight from captures, counted while they are read: no lake, no frames. The same answers as by way of the lake.

What is asked for must be simple: ports, sources, countries, ASes or sensors, by packets or hosts, in a span of time, of ports,
protocols, sources, sensors. Whatever else is asked, or comes up on the way (records that may be in two files, sources beyond
number), is left to the lake: the answer is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from teiten import readers
from teiten.engine.filters import Filters
from teiten.engine.questions import By, Rows, Span
from teiten.errors import InputError
from teiten.readers import _counts, _input
from teiten.settings import Settings
from teiten.straight._counting import OnRejected, Otherwise, Read, Run

__all__ = ["THINGS", "Answer", "Read", "rank"]

THINGS: Final = ("ports", "sources", "countries", "asns", "sensors")


@dataclass(slots=True)
class Answer:
    """The ranking, and what became of the inputs."""

    rows: Rows
    inputs: list[Read]


def rank(
    files: Sequence[str],
    settings: Settings,
    what: str,
    wanted: Filters,
    *,
    by: By = "packets",
    before: Span | None = None,
    n: int = 10,
    fmt: str = readers.AUTO,
    zone: str | None = None,
    rejected: OnRejected | None = None,
) -> Answer | None:
    """The ranking of a thing over those files, as `engine.questions.rank` gives it over a lake of them; None where that must be
    asked instead. `zone`: as in `intake.ingest`. DataError where geo data are broken."""
    if what not in THINGS or not _simple(wanted):
        return None
    try:
        sources = _input.inputs(files, settings.reading)
        if not all(s.seekable and readers.pick(s.head(), fmt, s.name).NAME == "capture" for s in sources):
            return None
        return Answer(*Run(sources, settings, what, wanted, by, before, zone).rows(n, rejected))
    except (InputError, Otherwise, _counts.TooMany):
        return None  # the way by the lake says what is wrong, in its own words


def _simple(wanted: Filters) -> bool:
    """Are only those filters set that are known here?"""
    known = replace(Filters(), start=wanted.start, end=wanted.end, port=wanted.port, protocol=wanted.protocol, src=wanted.src)
    return replace(wanted, words={}, all_events=False) == replace(known, sensor=wanted.sensor)
