"""Whether a measure that began on a day (setting `[watch] since`) shows in the counts yet: before against after, hedged."""

from __future__ import annotations

import datetime as dt

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.context import Context
from teiten.report.measures import ENOUGH, Comparison, Measure, Ratio, measure
from teiten.report.model import Block, Column, Paragraph, Section, Table
from teiten.report.sections import _points

ID = "measure"
ORDER = 73
KINDS: tuple[PeriodKind, ...] = ("monthly",)


def build(context: Context) -> Section | None:
    since = context.settings.watch_since
    if since is None or context.answers.filters.scanners == "only":
        return None
    code = context.settings.followed
    wanted = context.answers.filters.country
    if wanted and (code is None or code not in wanted):
        return None
    found = measure(context.answers, since, code)
    if found is None:
        return None
    title = context.say("measure.title", day=context.words.plain(since))
    blocks = [_block(context, found, code)] if found.rows else []
    return Section(
        ID, title, _findings(context, found, code), blocks=blocks, notes=[context.say("measure.note")] if found.enough else []
    )


def _findings(context: Context, found: Measure, code: str | None) -> list[Paragraph]:
    say, words = context.say, context.words
    days = {
        "before_n": words("duration.days_of", n=found.days_before),
        "after_n": words("duration.days_of", n=found.days_after),
    }
    if not found.enough:
        return [say("measure.short", day=words.plain(found.since), least=words("duration.days_of", n=ENOUGH), **days)]
    said: list[Paragraph] = [say("measure.about", day=words.plain(found.since), **days)]
    who = context.land(code) if code else say("measure.everywhere")
    sentences = [_rates(context, "measure.own" if code else "measure.all", who, found.own)]
    if code:
        sentences.append(_rates(context, "measure.others", say("measure.elsewhere"), found.others))
    if code and (relative := found.relative):
        sentences.append(context.sentence("measure.relative", land=who, **_spoken(context, relative)))
    said.append(words.joined(*sentences))
    if conclusion := _conclusion(context, found, code):
        said.append(conclusion)
    return said


def _rates(context: Context, key: str, who: str, compared: Comparison) -> str:
    rates = {"old": _points.rate_text(context, compared.before.rate), "rate": _points.rate_text(context, compared.after.rate)}
    if compared.ratio is None:
        return context.sentence(f"{key}_few", land=who, **rates)
    return context.sentence(key, land=who, **rates, **_spoken(context, compared.ratio))


def _spoken(context: Context, ratio: Ratio) -> dict[str, str]:
    return {name: context.words.number(getattr(ratio, name), 2) for name in ("value", "low", "high")}


def _conclusion(context: Context, found: Measure, code: str | None) -> str:
    """What can be said, and what cannot."""
    ratio = found.relative if code else found.own.ratio
    if ratio is None:
        return context.say("measure.too_few")
    way = "less" if ratio.high < 1 else "more" if ratio.low > 1 else "neither"
    land = context.land(code) if code else ""
    return context.sentence(f"measure.{way}" if code else f"measure.{way}_all", land=land)


def _block(context: Context, found: Measure, code: str | None) -> Block:
    say, words = context.say, context.words
    tz = context.period.tz
    whole = set(found.whole)
    counts = {row["start"].astimezone(tz).date(): row for row in found.rows}
    first = min(found.whole, default=found.first)
    days = [first + dt.timedelta(days=n) for n in range((found.last - first).days)]
    who = context.land(code) if code else say("measure.everywhere")
    ratio = found.own.ratio if found.enough else None
    title = say("measure.title", day=words.plain(found.since))
    if ratio:
        key = "measure.figure" if code else "measure.figure_all"
        title = context.sentence(key, land=who, day=words.day(found.since), value=words.number(ratio.value, 2))
    values = [float(counts[d]["packets"]) if d in counts else 0.0 for d in days]
    figure = figures.LineFigure(
        id=ID,
        title=title,
        subtitle=say("measure.subtitle" if code else "measure.subtitle_all", land=who, sensors=context.sensors),
        unit=say("series.unit_day"),
        times=[dt.datetime.combine(d, dt.time(), tz) for d in days],
        series=[
            figures.Series(
                code or "other",
                context.country(code) if code else who,
                [v if d in whole else None for d, v in zip(days, values, strict=True)],
                kind="value" if code else "other",
            )
        ],
        step="day",
        things="country",
        gaps=_gaps(context, days, whole),
        marks=[figures.Mark(dt.datetime.combine(found.since, dt.time(), tz), say("measure.mark"))],
    )
    columns = (
        Column(say("measure.what"), "text"),
        Column(say("measure.before_head")),
        Column(say("measure.after_head")),
        Column(say("measure.ratio")),
        Column(say("measure.interval")),
    )
    rows = [_row(context, who, found.own)]
    if code:
        rows.append(_row(context, say("measure.elsewhere"), found.others))
        rows.append((say("measure.relative_row", land=who), "–", "–", *_ratio_cells(context, found.relative)))
    table = Table(say("measure.caption"), columns, rows if found.enough else rows[:2])
    names = ("start", "packets", "packets_others")
    body = [tuple(row[n] for n in names) for row in found.rows]
    return Block(context.data(ID, figure.title, names, body, found.rows.sql), figure, table)


def _gaps(context: Context, days: list[dt.date], whole: set[dt.date]) -> list[figures.Gap]:
    """The days that are left out, as the figure's gaps."""
    out: list[figures.Gap] = []
    tz = context.period.tz
    for day in days:
        if day in whole:
            continue
        start = dt.datetime.combine(day, dt.time(), tz)
        end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tz)
        if out and out[-1].end == start:
            start = out.pop().start
        out.append(figures.Gap(start, end, context.say("measure.gap")))
    return out


def _row(context: Context, name: str, compared: Comparison) -> tuple[str, ...]:
    rates = [_points.rate_text(context, side.rate) for side in (compared.before, compared.after)]
    return (name, *rates, *_ratio_cells(context, compared.ratio))


def _ratio_cells(context: Context, ratio: Ratio | None) -> tuple[str, str]:
    if ratio is None:
        return ("–", "–")
    said = _spoken(context, ratio)
    return said["value"], context.say("measure.bounds", low=said["low"], high=said["high"])
