"""One country month by month: packets of an observed day, rank, and whether this month stands out of the year."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.context import Context
from teiten.report.courses import Course, Month, course, differ, held
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections import _points

ID = "followed"
ORDER = 32
KINDS: tuple[PeriodKind, ...] = ("monthly",)
ENOUGH = 3
"""months that must be there before the most or the least of them is spoken of"""
FEWEST = 6
"""months that are shown at least; those before the first that was observed are left out beyond it"""


def build(context: Context) -> Section | None:
    code = context.settings.followed
    wanted = context.answers.filters.country
    if code is None or (wanted and code not in wanted):
        return None
    found = course(context.answers, code)
    if not any(m.packets for m in found.months):
        return None
    land = context.land(code)
    findings = _findings(context, found, land)
    notes = [context.say("followed.note")]
    title = context.sentence("followed.title", land=land)
    return Section(ID, title, findings, blocks=[_block(context, found, code)], notes=notes)


def _findings(context: Context, found: Course, land: str) -> list[str]:
    say, words = context.say, context.words
    now = found.now
    if not now.packets or now.rank is None:
        said = [context.sentence("followed.nothing", land=land)]
    else:
        rate = _points.rate_text(context, now.rate or 0)
        said = [context.sentence("followed.now", land=land, rate=rate, place=words.ordinal(now.rank))]
    least = context.answers.ranked_share
    months = held(found, least)
    before = months[-2] if len(months) > 1 and now in months else None
    if before and before.period.first == context.answers.before.first:
        said.append(_against(context, now, before))
    said += _standing(context, months, now)
    shown = _shown(found)
    observed = [m for m in shown if m.coverage.observed()]
    if len(observed) < len(shown):
        said.append(say("followed.observed", all=len(shown), n=len(observed)))
    return [words.joined(*said)]


def _against(context: Context, now: Month, before: Month) -> str:
    """How this month stands to the one before, in packets of a day and in rank."""
    way = {1: "more", -1: "fewer", 0: "same"}[differ(now, before)]
    rate = before.rate or 0
    if not before.packets:
        return context.say("followed.none_before")
    change = context.words.percent(abs((now.rate or 0) - rate) / rate, 0)
    place = context.words.ordinal(before.rank or 0)
    return context.say(f"followed.{way}", old=_points.rate_text(context, rate), change=change, place=place)


def _standing(context: Context, months: list[Month], now: Month) -> list[str]:
    """The most or the least of the months there are; how many months in a row it has risen or fallen."""
    if now not in months or len(months) < ENOUGH:
        return []
    others = months[:-1]
    said = []
    for way, key in ((1, "followed.highest"), (-1, "followed.lowest")):
        if all(differ(now, m) == way for m in others):
            said.append(context.say(key, n=len(months)))
    run = 0
    way = differ(now, months[-2])
    for later, earlier in zip(months[:0:-1], months[-2::-1], strict=True):
        adjoins = earlier.period.after == later.period.first
        if not way or differ(later, earlier) != way or not adjoins:
            break
        run += 1
    if run > 1:
        said.append(context.say("followed.rising" if way > 0 else "followed.falling", n=run))
    return said


def _shown(found: Course) -> list[Month]:
    """The months of the chart, of which the sentence speaks as well."""
    return list(found.months[min(_first(found), len(found.months) - FEWEST) :])


def _first(found: Course) -> int:
    """Place of the first month that was observed at all."""
    return next((n for n, m in enumerate(found.months) if m.coverage.observed()), 0)


def _block(context: Context, found: Course, code: str) -> Block:
    say, words = context.say, context.words
    now, land = found.now, context.land(code)
    own = set(now.coverage.sensors)
    months = _shown(found)
    alike = [m if set(m.coverage.sensors) == own else None for m in months]
    title = context.sentence("followed.figure_none", land=land)
    if now.rank:
        rate = _points.rate_text(context, now.rate or 0)
        title = context.sentence("followed.figure", land=land, place=words.ordinal(now.rank), rate=rate)
    figure = figures.StackFigure(
        id="followed",
        title=title,
        subtitle=say("followed.subtitle", land=land, n=len(months), scope=context.scope),
        unit=say("followed.unit"),
        times=[m.period.start for m in months],
        series=[figures.Series(code, context.country(code), [m.rate if m else None for m in alike])],
        step="month",
        things="country",
        gaps=[_gap(context, m, other=a is None) for m, a in zip(months, alike, strict=True) if not (a and a.days)],
        totals=False,
    )
    columns = (
        Column(say("followed.month"), "text"),
        Column(say("column.rank")),
        Column(say("followed.per_day")),
        Column(say("column.packets")),
        Column(say("column.hosts"), spare=True),
        Column(say("followed.observed_share")),
    )
    shown = found.months[_first(found) :]
    rows = [_row(context, m, other=set(m.coverage.sensors) != own) for m in shown]
    table = Table(say("followed.caption", land=land), columns, rows)
    names = ("month", "country", "rank", "packets", "hosts", "observed_days", "packets_per_day")
    by_day = {m.period.first: m for m in found.months}
    body = []
    for row in found.rows:
        month = by_day[row["month"].astimezone(context.period.tz).date()]
        body.append((month.period.name, code, row["rank"], row["packets"], row["hosts"], month.days, month.rate))
    return Block(context.data("followed", title, names, body, found.rows.sql), figure, table)


def _gap(context: Context, month: Month, *, other: bool) -> figures.Gap:
    observed = month.coverage.observed()
    key = "followed.other_sensors" if other and observed else "followed.not_observed"
    return figures.Gap(month.period.start, month.period.end, context.say(key))


def _row(context: Context, month: Month, *, other: bool) -> tuple[str, ...]:
    words = context.words
    name = words.month(month.period.first)
    if not month.coverage.observed():
        return (name, "–", "–", "–", "–", context.say("followed.not_observed"))
    share = words.percent(month.coverage.share)
    if other:
        share = context.say("followed.share_other", share=share, sensors=words("count.sensors", n=len(month.coverage.sensors)))
    rank = words.number(month.rank) if month.rank else "–"
    rate = _points.rate_text(context, month.rate or 0)
    return (name, rank, rate, words.number(month.packets), words.number(month.hosts), share)
