"""What the sections on one port share: its name, who is counted, the charts by day, hosts in words."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Sequence
from typing import Final

from teiten.report import figures, rises
from teiten.report.answers import Key
from teiten.report.asked import port as asked
from teiten.report.asked.port import Course
from teiten.report.context import Context
from teiten.report.rises import Rise

COLOURED: Final = 7
"""countries with a name of their own in a stack"""
Counts = Sequence[int | None]


def key(context: Context) -> Key:
    """The port that the report is about."""
    return asked.subject(context.answers.filters)


def name(context: Context) -> str:
    """23/tcp, ICMP."""
    return context.port(key(context))


def names(context: Context) -> dict[str, str]:
    """Fields of a sentence: `port`, and `to`: 9530/tcp宛て, to 9530/tcp; ICMP, of ICMP."""
    return {"port": name(context), "to": context.subject_to}


def course(context: Context) -> Course:
    return context.answers.once(asked.course)


def seen(context: Context) -> bool:
    """Did anything arrive at the port in the period?"""
    found = course(context)
    return any(found.packets[found.first :])


def who(context: Context) -> str:
    """'research scanners left out', or in, or only."""
    side = context.answers.filters.scanners
    return context.say("port.without" if side == "out" else "port.only" if side == "only" else "port.with")


def hosts(context: Context, count: float, error: float = 0.0) -> str:
    """1,234ホスト; about, where it is estimated or a mean."""
    if error or count != round(count):
        return context.words("count.about_hosts", count=rate(context, count))
    return context.words("count.hosts", n=round(count))


def rate(context: Context, value: float) -> str:
    """1,234; 7.3; 0.42: a mean."""
    return context.words.number(value, 0 if value >= 10 or value == round(value) else 1 if value >= 1 else 2)


def day(context: Context, at: int) -> str:
    """A day of the course, as a sentence names it: with its year where the report is about two."""
    found = course(context).days[at]
    both = context.period.first.year != context.period.days[-1].year
    return context.words.date(found) if both else context.words.day(found)


def moments(context: Context, days: Sequence[dt.date]) -> list[dt.datetime]:
    """The beginnings of those days."""
    return [dt.datetime.combine(one, dt.time(), context.period.tz) for one in days]


def usual(values: Counts) -> float:
    """The median of what was observed; 0 where nothing was."""
    return statistics.median([v for v in values if v is not None] or [0])


def highest(values: Counts) -> tuple[int, int]:
    """The most, and the place of the first day that had it."""
    high = max((v for v in values if v is not None), default=0)
    return high, next((i for i, v in enumerate(values) if v == high), 0)


def marks(context: Context, found: Sequence[Rise]) -> list[figures.Mark]:
    """Where rises begin."""
    at = moments(context, [course(context).days[r.start] for r in found])
    return [figures.Mark(moment, context.say("port.mark_rise")) for moment in at]


def gaps(context: Context) -> list[figures.Gap]:
    return [figures.Gap(g.start, g.end, context.say("port.gap")) for g in context.answers.coverage.gaps]


def by_country(context: Context, what: int) -> list[figures.Series]:
    """The period's packets (0) or hosts (1) by day: the first countries, the others, the unknown."""
    found = course(context)
    values = {code: list(both[what][found.first :]) for code, both in found.by_country.items()}
    known = sorted((c for c in values if c is not None and any(values[c])), key=lambda c: -sum(v or 0 for v in values[c]))
    out = [figures.Series(code, context.country(code), values[code]) for code in known[:COLOURED]]
    rest = [values[code] for code in known[COLOURED:]]
    if rest:
        total = [None if column[0] is None else sum(v or 0 for v in column) for column in zip(*rest, strict=True)]
        out.append(figures.Series("other", context.say("thing.other"), total, kind="other"))
    if any(values.get(None, ())):
        out.append(figures.Series("unknown", context.say("thing.unknown"), values[None], kind="unknown"))
    return out


def stack(
    context: Context, ident: str, title: str, subtitle: str, unit: str, series: Sequence[figures.Series], **more: object
) -> figures.StackFigure:
    """A chart by day of the period."""
    found = course(context)
    return figures.StackFigure(
        id=ident, title=title, subtitle=subtitle, unit=unit, times=moments(context, found.days[found.first :]),
        series=series, step="day", gaps=gaps(context), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def rule(context: Context) -> str:
    """What a rise is, with its numbers."""
    return context.say(
        "port.rises_rule",
        base=rises.BASE,
        fewest=rises.FEWEST,
        settled=rises.SETTLED,
        spread=f"{rises.SPREAD:.2f}",
        chance=f"{rises.CHANCE:g}",
        half=context.words.percent(rises.HALF, 0),
        least=f"{rises.LEAST:g}",
        run=rises.RUN,
    )
