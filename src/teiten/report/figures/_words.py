"""The few words that a chart says by itself, and how it writes numbers and dates, in each language."""

from __future__ import annotations

import datetime as dt
import math

LANGUAGES = ("ja", "en")

WORDS: dict[str, dict[str, str]] = {
    "ja": {
        "empty": "この期間のデータはありません",
        "gap": "欠測",
        "new": "新",
        "rank": "順位",
        "share": "割合",
        "share_of": "割合は全{total}に対する値",
        "rank_of": "{n}位",
        "outside": "圏外",
        "mean": "1日平均",
        "no_data": "欠測",
        "none": "0",
        "low": "少",
        "high": "多",
        "row_scale": "濃さは行ごとの最大に対する割合",
        "log_scale": "濃さは対数目盛",
        "panel_scale": "縦軸はすべて同じ目盛",
        "peak": "最大 {n}",
        "colon": ":",
        "stop": "。",
    },
    "en": {
        "empty": "There are no data for this period",
        "gap": "no data",
        "new": "new",
        "rank": "Rank",
        "share": "Share",
        "share_of": "Shares are of {total}",
        "rank_of": "{n}",
        "outside": "not ranked",
        "mean": "mean per day",
        "no_data": "no data",
        "none": "0",
        "low": "few",
        "high": "many",
        "row_scale": "Shade: share of the row’s own maximum",
        "log_scale": "Shade: logarithmic scale",
        "panel_scale": "All panels have the same scale",
        "peak": "max {n}",
        "colon": ": ",
        "stop": ". ",
    },
}

_DAYS_JA = "月火水木金土日"
_DAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def word(lang: str, key: str, **values: str) -> str:
    """One of the chart's own words; English where the language is not known."""
    return WORDS.get(lang, WORDS["en"])[key].format(**values)


def number(value: float) -> str:
    """1234567 -> 1,234,567; below 10, what is not whole keeps one decimal, below 1 two significant digits."""
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
    units = ((1e12, "兆"), (1e8, "億"), (1e4, "万")) if lang == "ja" else ((1e12, "T"), (1e9, "B"), (1e6, "M"))
    least = 1e5 if lang == "ja" else 1e6
    if top >= 1e16:
        return f"{value:.3g}"
    for size, name in units:
        if top >= max(size, least):
            return f"{value / size:,.10g}{name}"
    return number(value) if value >= 1 else f"{value:.3g}"


def share(value: float) -> str:
    """0.3421 -> 34.2 %; something that is not nothing is never written 0.0 %."""
    if 0 < value < 0.0005:
        return "<0.1 %"
    return f"{value * 100:.1f} %"


def weekday(day: dt.date, lang: str) -> str:
    return _DAYS_JA[day.weekday()] if lang == "ja" else _DAYS_EN[day.weekday()]


def date(day: dt.date, lang: str, form: str) -> str:
    """A date as an axis writes it.

    form: 'full' 10月22日(火) / Tue 22 Oct; 'month_day' 10月22日 / 22 Oct; 'day_weekday' 22日(火) / Tue 22;
    'day' 22日 / 22; 'bare' 22; 'month' 10月 / Oct; 'year_month' 2019年10月 / Oct 2019.
    """
    month = _MONTHS_EN[day.month - 1]
    if lang == "ja":
        return {
            "full": f"{day.month}月{day.day}日({weekday(day, lang)})",
            "month_day": f"{day.month}月{day.day}日",
            "slash": f"{day.month}/{day.day}",
            "day_weekday": f"{day.day}日({weekday(day, lang)})",
            "day": f"{day.day}日",
            "bare": f"{day.day}",
            "month": f"{day.month}月",
            "year_month": f"{day.year}年{day.month}月",
        }[form]
    return {
        "full": f"{weekday(day, lang)} {day.day} {month}",
        "month_day": f"{day.day} {month}",
        "slash": f"{day.day} {month}",
        "day_weekday": f"{weekday(day, lang)} {day.day}",
        "day": f"{day.day}",
        "bare": f"{day.day}",
        "month": month,
        "year_month": f"{month} {day.year}",
    }[form]


def hour(value: int, lang: str) -> str:
    """6 -> 6時 / 06:00."""
    return f"{value}時" if lang == "ja" else f"{value:02d}:00"


def moment(at: dt.datetime, lang: str, *, daily: bool) -> str:
    """A bucket's name in a tip: 10月22日(火) 5時 / Tue 22 Oct, 05:00."""
    if daily:
        return date(at, lang, "full")
    clock = hour(at.hour, lang) if at.minute == 0 else f"{at.hour:02d}:{at.minute:02d}"
    return f"{date(at, lang, 'full')}{' ' if lang == 'ja' else ', '}{clock}"
