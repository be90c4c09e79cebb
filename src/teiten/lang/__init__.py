"""Every word that a reader sees, by key, in the languages that have a file here; numbers and dates as they are written there.

A language is one file, `xx.toml`, with the keys of `en.toml`. An entry is a sentence with named fields, `{like} {this}`,
or a table with `one` and `other`, chosen by the field `n`. Nothing else in the program holds text for a page.
"""

from __future__ import annotations

import datetime as dt
import functools
import string
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from typing import Any, Final

from teiten.errors import DataError

MINUS: Final = "\N{MINUS SIGN}"


def languages() -> list[str]:
    """Codes of the languages that have a file, in alphabetical order."""
    here = resources.files(__name__)
    return sorted(f.name.removesuffix(".toml") for f in here.iterdir() if f.name.endswith(".toml"))


def _flat(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str | dict[str, str]]]:
    for name, value in table.items():
        if isinstance(value, str) or set(value) == {"one", "other"}:
            yield prefix + name, value
        else:
            yield from _flat(value, f"{prefix}{name}.")


@functools.cache
def entries(lang: str) -> dict[str, str | dict[str, str]]:
    """Key -> text (or its plural forms) of a language. DataError where there is no such language."""
    file = resources.files(__name__) / f"{lang}.toml"
    try:
        return dict(_flat(tomllib.loads(file.read_text(encoding="utf-8"))))
    except FileNotFoundError:
        known = ", ".join(languages())
        raise DataError(f"There are no words for the language '{lang}'.", hint=f"There are: {known}.") from None


class _Fields(string.Formatter):
    """`str.format` without attribute or index look-ups: a field is a plain name."""

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Any) -> tuple[Any, str]:
        return kwargs[field_name], field_name


_FORMATTER: Final = _Fields()


class Words:
    """The words of one language: `words("summary.total", n=3)`, and its ways with numbers and dates."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self._entries = entries(lang)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def __call__(self, key: str, **fields: Any) -> str:
        """The text of a key with its fields filled in. An integer field is written 1,234. KeyError for an unknown key."""
        entry = self._entries[key]
        if isinstance(entry, dict):
            entry = entry["one" if fields.get("n") == 1 else "other"]
        shown = {k: self.number(v) if isinstance(v, int) and not isinstance(v, bool) else v for k, v in fields.items()}
        return _FORMATTER.vformat(entry, (), shown)

    # numbers

    def number(self, n: float, digits: int = 0) -> str:
        """1,234 or, with digits, 1,234.5; a true minus sign."""
        return f"{n:,.{digits}f}".replace("-", MINUS)

    def signed(self, n: float, digits: int = 0) -> str:
        """+1,234, −12, ±0."""
        text = self.number(abs(n), digits)
        if not text.strip("0.,"):
            return f"±{text}"
        return ("+" if n > 0 else MINUS) + text

    def ordinal(self, n: int) -> str:
        """A place in a ranking: 3位; third, 28th."""
        return self._ordinal("ordinal", n)

    def nth(self, n: int) -> str:
        """A place as a sentence begins with it: 3番目に多いのは; Third."""
        text = self("number.nth_first") if n == 1 else self._ordinal("nth", n)
        return text[:1].upper() + text[1:]

    def _ordinal(self, key: str, n: int) -> str:
        named = self(f"number.{key}s").split(",")
        if n <= len(named) and named[n - 1]:
            return named[n - 1]
        suffixes = self("number.suffixes").split(",")
        last = n % 10 if n % 100 not in (11, 12, 13) else 0
        return self(f"number.{key}", number=self.number(n), suffix=suffixes[last] if last < len(suffixes) else suffixes[0])

    def large(self, n: int) -> str:
        """A count inside a sentence, about four digits of it: 12.3万, 1.23億; 1.23 million."""
        for step in self("number.steps").split(","):
            zeros, _, unit = step.partition("=")
            size = 10 ** int(zeros)
            if n >= size:
                scaled = n / size
                text = f"{scaled:,.2f}" if scaled < 10 else f"{scaled:,.1f}" if scaled < 100 else f"{scaled:,.0f}"
                return (text.rstrip("0").rstrip(".") if "." in text else text) + unit
        return self.number(n)

    def percent(self, share: float, digits: int = 1) -> str:
        """0.123 -> 12.3% (English: 12.3 %); what is not nothing is never written 0.0%."""
        small = 0 < share < 0.5 * 10 ** -(digits + 2)
        text = f"<{10**-digits:g}" if small else self.number(share * 100, digits)
        return text + self("number.percent")

    def change(self, ratio: float) -> str:
        """0.123 -> +12.3%; what is more than elevenfold as times: 656倍, 656 times."""
        if ratio > 10:
            return self("number.times", times=self.number(1 + ratio))
        return self.signed(ratio * 100, 1 if abs(ratio) < 10 else 0) + self("number.percent")

    # lists and dates

    def listed(self, items: Iterable[str]) -> str:
        """a, b and c; a、b、c."""
        found = list(items)
        comma, last = self("number.comma"), self("number.last")
        return comma.join(found) if len(found) < 2 else comma.join(found[:-1]) + last + found[-1]

    def joined(self, *sentences: str) -> str:
        """Sentences in a row, as the language sets them."""
        return self("number.between").join(s for s in sentences if s)

    def weekday(self, day: dt.date) -> str:
        return self("date.weekdays").split(",")[day.weekday()]

    def month_name(self, day: dt.date) -> str:
        return self("date.months").split(",")[day.month - 1]

    def day(self, day: dt.date) -> str:
        """10月22日(火) / Tue 22 Oct."""
        return self._date("date.day", day)

    def date(self, day: dt.date) -> str:
        """2019年10月22日(火) / Tue 22 Oct 2019."""
        return self._date("date.full", day)

    def plain(self, day: dt.date) -> str:
        """2019年10月22日 / 22 October 2019, for titles."""
        return self._date("date.plain", day)

    def month(self, day: dt.date) -> str:
        """2019年10月 / October 2019."""
        return self._date("date.month", day)

    def quarter(self, day: dt.date) -> str:
        """2021年第2四半期 / Q2 2021: that of the day."""
        return self("date.quarter_short", year=str(day.year), quarter=str((day.month + 2) // 3))

    def moment(self, when: dt.datetime) -> str:
        """10月22日(火)14時05分 / Tue 22 Oct, 14:05, in the zone that it carries."""
        return self._date("date.moment", when.date(), clock=self.clock(when))

    def stamp(self, when: dt.datetime) -> str:
        """2019/2/20 19:30 / 20 Feb 2019, 19:30, in the zone that it carries: for what was added later."""
        return self._date("date.stamp", when.date(), clock=f"{when.hour}:{when.minute:02d}")

    def clock(self, when: dt.datetime) -> str:
        """14時05分, 14時 / 14:05, 14:00."""
        key = "date.clock" if when.minute else "date.hour"
        return self(key, hour=str(when.hour), hour2=f"{when.hour:02d}", minute=f"{when.minute:02d}")

    def span(self, start: dt.datetime, end: dt.datetime) -> str:
        """From a moment to another; the day is said once where both lie on it (an end at midnight is 24 o'clock)."""
        last = end - dt.timedelta(microseconds=1)
        if start.date() != last.date():
            return self("date.span", start=self.moment(start), end=self.moment(end))
        midnight = self("date.hour", hour="24", hour2="24")
        until = self.clock(end) if end.date() == start.date() else midnight
        return self("date.span", start=self.moment(start), end=until)

    def duration(self, length: dt.timedelta) -> str:
        """2日と3時間 / 2 days 3 hours; minutes only below a day."""
        minutes = round(length.total_seconds() / 60)
        days, rest = divmod(minutes, 24 * 60)
        hours, minutes = divmod(rest, 60)
        parts = [("days", days), ("hours", hours), ("minutes", 0 if days else minutes)]
        said = [self(f"duration.{unit}", n=n) for unit, n in parts if n]
        return self("duration.join").join(said) if said else self("duration.minutes", n=0)

    def _date(self, key: str, day: dt.date, **more: str) -> str:
        return self(
            key,
            year=str(day.year),
            month=str(day.month),
            month_name=self.month_name(day),
            month_short=self.month_name(day)[:3],
            day=str(day.day),
            weekday=self.weekday(day),
            **more,
        )


@functools.cache
def words(lang: str) -> Words:
    """The words of a language. DataError where there is none of that code."""
    return Words(lang)
