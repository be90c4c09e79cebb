"""What the sections on hosts by day share: the stack of a quarter's days, means by month, and how a course is put in words."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Iterable, Mapping, Sequence

from teiten.report import figures
from teiten.report.asked.infected import Day, typical
from teiten.report.context import Context
from teiten.report.figures import Series

NAMED = 7
"""things with a layer of their own in a stack"""
CLEAR = 0.1
"""the middle day's hosts differ from those of the period before where they do by this share"""
FEWEST = 10
"""hosts a day in the middle of the period before, below which a change in percent says nothing"""
Course = Mapping[Day, int | None]


def times(context: Context, days: Sequence[Day]) -> list[dt.datetime]:
    """The beginnings of those days."""
    return [dt.datetime.combine(day, dt.time(), context.period.tz) for day in days]


def gaps(context: Context) -> list[figures.Gap]:
    """The period's gaps with their reasons, as a chart shows them."""
    return [figures.Gap(g.start, g.end, context.say(f"series.gap_{g.reason}")) for g in context.answers.coverage.gaps]


def series(key: str, label: str, course: Course, days: Iterable[Day], watched: Course, **more: str) -> Series:
    """A thing's hosts on each of those days: 0 where it had none, None where nobody watched."""
    values = [None if watched[day] is None else float(course.get(day) or 0) for day in days]
    return Series(key, label, values, **more)  # type: ignore[arg-type]


def rest(label: str, courses: Iterable[Course], days: Iterable[Day], watched: Course) -> Series:
    """Everything else as one grey layer."""
    found = list(courses)
    summed = {day: sum(course.get(day) or 0 for course in found) for day in days}
    return series("other", label, summed, days, watched, kind="other")


def months(days: Iterable[Day]) -> list[Day]:
    """The first days of the months in which those days lie."""
    return sorted({day.replace(day=1) for day in days})


def mean(course: Course, days: Iterable[Day], watched: Course, month: Day | None = None) -> float | None:
    """Hosts a day over the days that were watched (of that month); None where none was."""
    seen = [course.get(d) or 0 for d in days if watched[d] is not None and (month is None or d.replace(day=1) == month)]
    return statistics.mean(seen) if seen else None


def amount(context: Context, value: float | None) -> str:
    """A mean: 1,234; 12.3; a dash."""
    return "–" if value is None else context.words.number(value, 0 if value >= 100 or not value else 1)


def most(course: Course, days: Iterable[Day]) -> tuple[Day, int]:
    """The day with most hosts, the first of equals."""
    return max(((d, course.get(d) or 0) for d in days), key=lambda item: (item[1], -item[0].toordinal()))


def usual(context: Context, course: Course, days: Iterable[Day]) -> str:
    """What a usual day has: 31 to 52 hosts (median 40); 5 hosts where it is always the same."""
    found = typical(course[day] for day in days) or (0, 0, 0)
    low, high, middle = (context.words.large(n) for n in found)
    if found[0] == found[1]:
        return context.words("hosts_by_day.range_one", middle=middle)
    return context.words("hosts_by_day.range", low=low, high=high, middle=middle)


def beyond(context: Context, course: Course, days: Sequence[Day], before: Sequence[Day]) -> str:
    """The day with most, where it stands out of the usual, and how the middle day stands to that of the period before."""
    now, then = (typical(course[day] for day in some) for some in (days, before))
    if now is None:
        return ""
    said = []
    day, peak = most(course, days)
    if peak > now[1]:
        said.append(context.say("hosts_by_day.most", day=context.words.day(day), hosts=context.about(peak, "hosts")))
    if then and context.answers.comparable and then[2] >= FEWEST:
        ratio = (now[2] - then[2]) / then[2]
        key = "hosts_by_day.same" if abs(ratio) < CLEAR else "hosts_by_day.more" if ratio > 0 else "hosts_by_day.fewer"
        change = context.words.percent(abs(ratio), 0)
        said.append(context.say(key, middle=context.about(then[2], "hosts"), change=change))
    return context.words.joined(*said)
