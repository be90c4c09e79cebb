"""Axes that a person would choose: round steps for values; hours, days, weeks and months for time."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from teiten.report.figures import _words
from teiten.report.figures._model import Step

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def steps(top: float, most: int, *, whole: bool = True) -> list[float]:
    """Round values from 0 up to the first that is not below `top`, at most `most` + 1 of them; [0, 1] for no data."""
    if not math.isfinite(top) or top < 1e-9:
        return [0.0, 1.0]
    raw = top / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((s * power for s in _STEPS if s * power >= raw * (1 - 1e-9)), 10 * power)
    if whole and step < 1:
        step = 1.0
    if whole and step == 2.5:
        step = 5.0
    count = max(1, math.ceil(top / step - 1e-9))
    return [round(i * step, 10) if step < 1 else i * step for i in range(count + 1)]


def fixed_steps(top: float, most: int) -> list[float]:
    """Round values from 0 that do not pass a top that was set from outside."""
    return [v for v in steps(top, most, whole=False) if v <= top * (1 + 1e-9)]


def decades(highest: float, lowest: float, most: int) -> tuple[list[float], float]:
    """0 and powers of ten up to the first round value not below `highest` (every second, third ... where there are too many),
    and the decade of `lowest`, nine below the highest at the most. [0, 1] for no data."""
    if not math.isfinite(highest) or highest < 1e-9:
        return [0.0, 1.0], 1.0
    last = math.floor(math.log10(highest))
    first = max(min(last, math.floor(math.log10(max(lowest, 1e-9)) + 1e-9)), last - 9)
    every = max(1, -(-(last - first + 1) // max(1, most - 1)))
    found = [10.0**power for power in range(first, last + 1, every)]
    top = next(s * 10.0**last for s in (1.0, 2.0, 5.0, 10.0) if s * 10.0**last >= highest * (1 - 1e-9))
    # two labels so close would touch
    least = 10.0**first
    whole = math.log1p(top / least)
    found = [tick for tick in found if tick <= top * 0.55 and math.log1p(tick / least) / whole > 0.055] + [top]
    return [0.0, *found], least


def bucket_end(start: dt.datetime, step: Step) -> dt.datetime:
    """Where the bucket that begins there ends, by the calendar of its zone (a day may have 23 or 25 hours)."""
    if step in ("minute", "hour"):
        return (start.astimezone(dt.UTC) + dt.timedelta(**{f"{step}s": 1})).astimezone(start.tzinfo)
    if step == "month":
        return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return start + dt.timedelta(days=1 if step == "day" else 7)


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on the time axis. `at`: where the line stands; `label` may be empty; row 1 is the line of dates below."""

    at: dt.datetime
    label: str = ""
    row: int = 0
    major: bool = False


Measure = Callable[[str], float]
Place = Callable[[dt.datetime], float]


def time_ticks(
    start: dt.datetime, end: dt.datetime, step: Step, lang: str, place: Place, measure: Measure, middle: float
) -> list[Tick]:
    """The ticks of the most telling choice whose labels do not touch.

    place: moment -> px; measure: text -> px; middle: px from a bucket's start to where its label belongs (half a bar
    for daily bars, 0 for hours, whose labels stand at the moment itself).
    """
    best: list[Tick] = []
    for ticks in _choices(start, end, step, lang):
        best = ticks
        if _free(ticks, place, measure, middle):
            return ticks
    return [Tick(t.at, major=t.major) for t in best]


def _free(ticks: Sequence[Tick], place: Place, measure: Measure, middle: float) -> bool:
    """Whether the labels of each row stand apart."""
    for row in (0, 1):
        edge = -math.inf
        gap = 12.0 if row else 9.0
        for tick in (t for t in ticks if t.label and t.row == row):
            half = measure(tick.label) / 2
            x = place(tick.at) + middle
            if x - half < edge:
                return False
            edge = x + half + gap
    return True


def _choices(start: dt.datetime, end: dt.datetime, step: Step, lang: str) -> Iterator[list[Tick]]:
    """From the most to the least detailed."""
    days = (end - start).total_seconds() / 86400
    if step == "minute":
        for minutes in (1, 2, 5, 10, 15, 30, 60):
            if days * 1440 / minutes <= 30:
                yield _minutes(start, end, minutes, lang)
    if step == "hour" and days <= 10:
        for hours in (1, 2, 3, 6, 12):
            if days * 24 / hours <= 40:
                yield _hours(start, end, hours, lang)
        for form in ("full", "day_weekday", "slash"):
            yield _dates(start, end, 1, form, lang)
    if days <= 100:
        for every in (1, 2, 7, 14):
            if every < 7 and days > 16:
                continue
            for form in ("full", "day_weekday", "month_day", "slash"):
                yield _dates(start, end, every, form, lang)
    for months in (1, 2, 3, 6, 12, 24, 60):
        yield _months(start, end, months, lang)


def _midnights(start: dt.datetime, end: dt.datetime) -> Iterator[dt.datetime]:
    day = start.date()
    while True:
        at = dt.datetime.combine(day, dt.time(), start.tzinfo)
        if at >= end:
            return
        if at >= start:
            yield at
        day += dt.timedelta(days=1)


def _hours(start: dt.datetime, end: dt.datetime, every: int, lang: str) -> list[Tick]:
    """Hours in the first row, the date at midnight in the second; the unit (時) at the noon and midnight labels."""
    ticks = []
    day = start.date()
    while day <= end.date():
        for clock in range(0, 24, every):
            at = dt.datetime.combine(day, dt.time(clock), start.tzinfo)
            if start <= at <= end:
                ticks.append(Tick(at, _words.hour(clock, lang), 0, clock == 0))
                if clock == 0 and at < end:
                    ticks.append(Tick(at, _words.date(day, lang, "full"), 1, True))
        day += dt.timedelta(days=1)
    if ticks and all(t.row == 0 for t in ticks):
        ticks.append(Tick(ticks[0].at, _words.date(ticks[0].at, lang, "full"), 1, False))
    return ticks


def _minutes(start: dt.datetime, end: dt.datetime, every: int, lang: str) -> list[Tick]:
    """Round minutes of the clock in the first row, the date under the first and where a day begins."""
    at = start.replace(second=0, microsecond=0)
    found = []
    while at <= end:
        if at >= start and (at.hour * 60 + at.minute) % every == 0:
            found.append(at)
        at = (at.astimezone(dt.UTC) + dt.timedelta(minutes=1)).astimezone(start.tzinfo)
    ticks = [Tick(one, _words.clock(one, lang), 0, one.minute == 0) for one in found]
    dated = [n for n, one in enumerate(found) if n == 0 or one.date() != found[n - 1].date()]
    return ticks + [Tick(found[n], _words.date(found[n], lang, "full"), 1, n > 0) for n in dated if found[n] < end]


def _dates(start: dt.datetime, end: dt.datetime, every: int, form: str, lang: str) -> list[Tick]:
    """Days: all, every second, one a week (of a month the 1st, 8th, 15th, 22nd, 29th, of several the Mondays), or the 1st and
    15th; the month is said where it begins."""
    ticks = []
    said = 0
    days = list(_midnights(start, end))
    many = {d.month for d in days}
    for n, at in enumerate(days):
        if every == 7:
            # weeks of a month from its first, of a longer time from Monday
            chosen = (at.day - 1) % 7 == 0 if len(many) == 1 else at.weekday() == 0
        elif every == 14:
            chosen = at.day in (1, 15)
        else:
            chosen = n % every == 0
        if not chosen and len(days) <= 7 and every >= 7:
            chosen = n == 0
        if not chosen:
            ticks.append(Tick(at))
            continue
        new_month = at.month != said
        said = at.month
        shown = "full" if form == "day_weekday" and new_month else form
        ticks.append(Tick(at, _words.date(at, lang, shown), 0, True))
    return ticks


def _months(start: dt.datetime, end: dt.datetime, every: int, lang: str) -> list[Tick]:
    """The first of every n-th month, the year with January and with the first."""
    ticks: list[Tick] = []
    year, month = start.year, start.month
    first = True
    while True:
        at = dt.datetime(year, month, 1, tzinfo=start.tzinfo)
        if at >= end:
            return ticks
        if at >= start:
            if every < 12 and (month - 1) % every == 0:
                ticks.append(Tick(at, _words.date(at, lang, "month"), 0, month == 1))
                if first or month == 1:
                    ticks.append(Tick(at, _words.date(at, lang, "year"), 1, True))
                    first = False
            elif every >= 12 and month == 1 and year % (every // 12) == 0:
                ticks.append(Tick(at, _words.date(at, lang, "year"), 0, True))
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        if year > 9998:
            return ticks
