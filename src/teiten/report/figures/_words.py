"""How a chart writes numbers, dates and its own few words: `teiten.lang`, in the shorter forms that axes want."""

from __future__ import annotations

import datetime as dt
import math

from teiten import lang as languages


def word(lang: str, key: str, **fields: str) -> str:
    """One of the chart's own words. DataError where there is no such language."""
    return languages.words(lang)(f"chart.{key}", **fields)


def number(value: float) -> str:
    """1234567 -> 1,234,567; below 100, what is not whole keeps one decimal, below 1 two significant digits."""
    if not math.isfinite(value):
        return "—"
    size = abs(value)
    if float(value).is_integer() or size >= 100:
        return f"{value:,.0f}"
    if size >= 1:
        return f"{value:,.1f}"
    return f"{value:.2g}" if size >= 0.0001 else f"{value:.1e}"


def axis_number(value: float, top: float, lang: str) -> str:
    """A number for an axis that ends at `top`: 1,234, and 10万 / 2億 / 1.5M / 2B where the digits would be too many."""
    if value == 0:
        return "0"
    if top >= 1e16:
        return f"{value:.3g}"
    for step in word(lang, "steps").split(","):
        zeros, _, unit = step.partition("=")
        size = 10.0 ** int(zeros)
        if top >= max(size, 1e5):
            return f"{value / size:,.10g}{unit}"
    return number(value) if value >= 1 else f"{value:.3g}"


def share(value: float, lang: str) -> str:
    """0.3421 -> 34.2%, with one decimal, as the language sets it."""
    return languages.words(lang).percent(value)


def date(day: dt.date, lang: str, form: str) -> str:
    """A date as an axis writes it.

    form: 'full' 10月22日(火) / Tue 22 Oct; 'month_day' 10月22日 / 22 Oct; 'day_weekday' 22日(火) / Tue 22;
    'slash' 10/22 / 22 Oct; 'month' 10月 / Oct; 'year' 2019年 / 2019.
    """
    words = languages.words(lang)
    if form == "full":
        return words.day(day)
    return word(
        lang,
        form,
        year=str(day.year),
        month=str(day.month),
        month_short=words.month_name(day)[:3],
        day=str(day.day),
        weekday=words.weekday(day),
    )


def hour(value: int, lang: str) -> str:
    """6 -> 6時 / 06:00; 24 is the midnight at the end."""
    return word(lang, "hour", hour=str(value), hour2=f"{value:02d}")


def clock(at: dt.datetime, lang: str) -> str:
    """14時05分 / 14:05; the minutes are always said."""
    return word(lang, "minute", hour=str(at.hour), hour2=f"{at.hour:02d}", minute=f"{at.minute:02d}")


def moment(at: dt.datetime, lang: str, *, daily: bool) -> str:
    """A bucket's name in a tip: 10月22日(火)5時 / Tue 22 Oct, 05:00."""
    words = languages.words(lang)
    return words.day(at) if daily else words.moment(at)
