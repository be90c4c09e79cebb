"""For a day: whether the sources of the country that is followed sleep at night, over the week up to it (seeds' P7)."""

from __future__ import annotations

from typing import Any

from teiten.detect.model import Detection
from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.asked import lands
from teiten.report.context import Context
from teiten.report.model import Block, Column, Link, Section, Table
from teiten.report.sections import _stories
from teiten.report.words.text import joined

ID = "rhythm"
ORDER = 61
KINDS: tuple[PeriodKind, ...] = ("daily",)


def build(context: Context) -> Section | None:
    """Nothing where no country is followed, where it has no such rhythm, or too little came from it to say so."""
    code = context.settings.followed
    if code is None or _stories.changes(context) is None:
        return None
    one = context.answers.once_of(lands.rhythm, code)
    if one is None:
        return None
    land, reason = context.land(code), one.reason
    there = "here" if reason["local"] == context.settings.zone_name else "there"
    fields = {"land": land, "low": _clock(context, reason["low_from"]), "high": _clock(context, reason["low_to"])}
    share = Link(context.words.percent(1 - reason["depth"], 0), f"#figure-{ID}", f"data/{ID}.csv")
    seen = joined(context.words, [context.sentence(f"rhythm.{there}", **fields), context.rich("rhythm.share", share=share)])
    least = context.words.percent(reason["thresholds"]["detect_rhythm_depth"], 0)
    note = context.say("rhythm.rule", least=least)
    title = context.sentence("rhythm.title", land=land)
    block = _block(context, one, fields)
    return Section(ID, title, [seen, context.say("tell.maybe_rhythm")], blocks=[block], notes=[note])


def _clock(context: Context, hour: int) -> str:
    return context.words("date.hour", hour=str(hour), hour2=f"{hour:02d}")


def _block(context: Context, one: Detection, fields: dict[str, Any]) -> Block:
    """Sources an hour by the hour of the country's clock, as the week had them."""
    say, number = context.say, context.words.number
    profile: list[float] = one.reason["profile"]
    figure = figures.HoursFigure(
        id=ID,
        title=context.sentence("rhythm.figure", **fields),
        subtitle=context.sentence("rhythm.subtitle", land=fields["land"], scope=context.scope),
        unit=say("rhythm.unit"),
        values=list(profile),
        key=one.about.country or "",
        things="country",
    )
    columns = (Column(say("hours.hour")), Column(say("rhythm.mean")))
    rows = [(_clock(context, hour), number(value, 1)) for hour, value in enumerate(profile)]
    caption = context.sentence("rhythm.subtitle", land=fields["land"], scope=context.scope)
    table = Table(caption, columns, rows, folded=True)
    day, zone = context.period.first, one.reason["local"]
    sql = f"-- hosts an hour from {one.about.country}, the week up to {day}, by the hour of {zone}\n"
    body = [(hour, value) for hour, value in enumerate(profile)]
    return Block(context.data(ID, figure.title, ("hour", "hosts"), body, sql), figure, table)
