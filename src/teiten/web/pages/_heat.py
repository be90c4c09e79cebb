"""Heat maps: ports by hour; of one thing the days, or the weekdays, by hour of the day. What was not observed is hatched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from teiten.report import figures
from teiten.web.asked import Asked
from teiten.web.model import Part
from teiten.web.pages import _finding, _ranked
from teiten.web.pool import Pool
from teiten.web.speech import Speech

ROWS: Final = 12
"""ports, one below the other"""
DAYS: Final = 31
"""up to so many days each is a row of its own, beyond it each weekday"""
LONGEST: Final = dt.timedelta(days=400)
"""beyond it no hours are asked for"""


async def ports(asked: Asked, pool: Pool) -> list[Part]:
    """The largest ports by hour; by day where the span is longer than hours are drawn for. Nothing for less than three."""
    if asked.step == "minute":
        return []
    found = await pool.ask(("heat", "ports", asked.key), lambda s: _ranked.through_time(s, asked, "ports", top=ROWS))
    drawn = _ranked.made(asked, "ports", found)
    rows = [figures.HeatRow(one.key, one.label, one.values, one.kind) for one in drawn if one.kind != "other"]
    if len(found.starts) < 3 or not rows:
        return []
    speech, unit, neutral = Speech.of(asked), _ranked.unit(asked), Speech.of(asked).say("web_look.heat_ports")
    times = [t.astimezone(asked.settings.zone) for t in found.starts]
    columns = [speech.words.moment(t) if asked.step == "hour" else speech.words.date(t) for t in times]
    title = _finding.peak(asked, rows, columns, unit, neutral)
    below = _line(speech, neutral, unit)
    figure = figures.HeatFigure(
        id="ports-heat",
        title=title,
        subtitle=below,
        unit=unit,
        rows=rows,
        times=times,
        step=asked.step,
        scale="classes",
        alt=_told(speech, rows, columns, unit),
    )
    return [Part("ports-heat", title, drawn=below, figure=figure)]


def _line(speech: Speech, neutral: str, unit: str) -> str:
    """Under a title that says a finding: what is drawn."""
    return speech.say("web_finding.line", what=neutral, told=unit)


async def days(asked: Asked, pool: Pool) -> list[Part]:
    """The days of the span by hour of the day, or the weekdays where there are many; nothing for less than two days."""
    length = asked.end - asked.start
    if length < dt.timedelta(days=2) or length > LONGEST:
        return []
    hourly = replace(asked, hours=True)
    found = await pool.ask(("heat", "days", asked.key), lambda s: _ranked.through_time(s, hourly, None))
    values = _ranked.plain(hourly, found)
    zone, speech = asked.settings.zone, Speech.of(asked)
    many = length > dt.timedelta(days=DAYS)
    cells: dict[Any, list[list[float | None]]] = {}
    for at, value in zip(found.starts, values, strict=True):
        own = at.astimezone(zone)
        key = own.weekday() if many else own.date()
        # an hour that the clock shows twice has two values, one that it leaves out has none
        cells.setdefault(key, [[] for _ in range(24)])[own.hour].append(value)
    names = speech.say("date.weekdays").split(",")
    rows = [
        figures.HeatRow(str(key), names[key] if many else speech.words.day(key), [_mean(own, mean=many) for own in cells[key]])
        for key in sorted(cells)
    ]
    neutral = speech.say("web_look.heat_week" if many else "web_look.heat_days")
    unit = _ranked.unit(hourly)
    shown = speech.say("web_look.heat_week_unit", unit=unit) if many else unit
    columns = [speech.say("chart.hour", hour=str(n), hour2=f"{n:02d}") for n in range(24)]
    title = _finding.hours(asked, rows, columns, neutral)
    below = _line(speech, neutral, shown)
    figure = figures.HeatFigure(
        id="days-heat",
        title=title,
        subtitle=below,
        unit=shown,
        rows=rows,
        scale="classes",
        alt=_told(speech, rows, columns, unit, whole=True),
    )
    return [Part("days-heat", title, drawn=below, figure=figure)]


def _mean(values: Sequence[float | None], *, mean: bool) -> float | None:
    """The mean of the hours that were observed, or their sum; None where none was."""
    seen = [value for value in values if value is not None]
    return None if not seen else sum(seen) / (len(seen) if mean else 1)


def _told(speech: Speech, rows: Sequence[figures.HeatRow], columns: Sequence[str], unit: str, *, whole: bool = False) -> str:
    """What the map shows, for who does not see it: each row's greatest cell; with `whole` the busiest column too."""
    say, number = speech.say, figures.number
    out = [say("web_look.heat_alt", span=speech.span(), unit=unit)]
    if whole:
        means = [_mean([row.values[n] for row in rows], mean=True) for n in range(len(columns))]
        known = [(value, n) for n, value in enumerate(means) if value is not None]
        if known:
            (most, high), (least, low) = max(known), min(known)
            out.append(
                say("web_look.heat_alt_hours", most=number(most), high=columns[high], least=number(least), low=columns[low])
            )
    for row in rows:
        seen = [(value, -n) for n, value in enumerate(row.values) if value is not None]
        if seen:
            value, at = max(seen)
            out.append(say("web_look.heat_alt_row", row=row.label, value=number(value), at=columns[-at]))
    missing = sum(value is None for row in rows for value in row.values)
    if missing:
        out.append(say("web_look.heat_alt_gap", n=missing, of=sum(len(row.values) for row in rows)))
    return speech.words.joined(*out)
