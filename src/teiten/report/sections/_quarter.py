"""What the quarter's sections share: gaps of their charts, cells of their tables, names of days and of AS in a sentence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from teiten.report import figures
from teiten.report.context import Context

REST: Final = "#7a4a21"
"""brown, as the quarterly texts of NICTER have what is left without scanners"""


def gaps(context: Context) -> list[figures.Gap]:
    """The gaps of the period for a chart, with why."""
    say = context.say
    return [figures.Gap(g.start, g.end, say(f"series.gap_{g.reason}")) for g in context.answers.coverage.gaps]


def gap_notes(context: Context) -> list[str]:
    """What the hatched bands of a chart are, where it has any."""
    cover = context.answers.coverage
    return [context.say("series.gap_note", list=context.spans(cover))] if cover.gaps else []


def cell(context: Context, value: float | None) -> str:
    """A count in a table; a dash where nothing was observed."""
    return "–" if value is None else context.words.number(value)


def whole(value: float | None) -> int | None:
    """A count for a CSV; None where nothing was observed."""
    return None if value is None else round(value)


def days(context: Context, dates: Sequence[dt.date]) -> str:
    """4月12日(日), 4月12日(日)〜14日(火): the first and the last of those days."""
    first, last = context.words.day(dates[0]), context.words.day(dates[-1])
    return first if dates[0] == dates[-1] else context.say("date.span", start=first, end=last)


def network(context: Context, key: tuple[int, str] | None) -> str:
    """AS4134 (Chinanet); unknown."""
    if key is None:
        return context.say("quarter.no_as")
    number, name = key
    return context.say("quarter.as_named", number=str(number), name=name) if name else f"AS{number}"


def thing(context: Context, dimension: str, key: Any) -> str:
    """A country, an AS or a port inside a sentence."""
    if dimension == "countries":
        return context.land(key)
    return network(context, key) if dimension == "asns" else context.port_long(key)


def named_part(context: Context, dimension: str, key: Any, share: float) -> str:
    """A country or port with its share, for a cell: China 35 %, 23/tcp 50 %."""
    name = context.country(key) if dimension == "countries" else context.port(key)
    return unbroken(context.say("quarter.cell_part", thing=name, share=context.words.percent(share, 0)))


def unbroken(text: str) -> str:
    """The text on one line: its spaces do not break."""
    return text.replace(" ", "\u00a0")
