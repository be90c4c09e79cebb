"""Devices among the sources in words, as layers of a chart and rows of a table, for reports and pages alike."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from teiten.devices.asked import REST, SEVERAL, UNKNOWN, UNNAMED, Found
from teiten.devices.churn import Count
from teiten.report import figures
from teiten.report.figures import Series
from teiten.report.model import Block, Column, Table

if TYPE_CHECKING:
    from teiten.lang import Words
    from teiten.report.context import Context

NAMED: Final = 7
"""families with a layer of their own in a stack"""
ROWS: Final = 15
TOLD: Final = 5
"""families that a sentence names"""


def name(found: Found, family: str, words: Words) -> str:
    """A family in a language; the rest in words."""
    return words(f"devices.{family}") if family in REST else found.signatures.name(family, words.lang)


def counts(found: Found, days: Sequence[dt.date], hosts: Mapping[dt.date, int | None]) -> Iterator[tuple[dt.date, str, int]]:
    """Day, family, hosts; with what is not known of the day's `hosts`, so that they add up to these."""
    by_day = {one.day: one for one in found.days}
    for day in days:
        families = Counter(by_day[day].families) if day in by_day else Counter[str]()
        families.pop(UNKNOWN, None)
        rest = (hosts.get(day) or 0) - families.total()
        for family in [*(f for f in found.families if f != UNKNOWN), UNKNOWN]:
            n = max(0, rest) if family == UNKNOWN else families[family]
            if n:
                yield day, family, n


def layers(found: Found, context: Any, days: Sequence[dt.date], hosts: Mapping[dt.date, int | None]) -> list[Series]:
    """The stack from the bottom up: families with most hosts, all others, the unknown. hosts: of each day; None: unwatched."""
    words: Words = context.words
    by_family: dict[str, dict[dt.date, int]] = {}
    for day, family, n in counts(found, days, hosts):
        by_family.setdefault(family, {})[day] = n
    known = [family for family in found.families if family in by_family and family not in REST]

    def series(key: str, label: str, some: Sequence[str], **more: Any) -> Series:
        values = [
            None if hosts.get(day) is None else float(sum(by_family.get(one, {}).get(day, 0) for one in some)) for day in days
        ]
        return Series(key, label, values, **more)

    out = [series(family, name(found, family, words), [family]) for family in known[:NAMED]]
    others = [*known[NAMED:], *(one for one in (SEVERAL, UNNAMED) if one in by_family)]
    if others:
        out.append(series("other", words("devices.others"), others, kind="other"))
    if UNKNOWN in by_family:
        out.append(series("unknown", words("devices.unknown"), [UNKNOWN], kind="unknown"))
    return out


def lines(found: Found, context: Any, days: Sequence[dt.date]) -> list[Series]:
    """The line of unique devices, where any said who they are."""
    by_day = {one.day: one.devices for one in found.days}
    values = [float(by_day[day].devices) if day in by_day and by_day[day].told else None for day in days]
    if all(value is None for value in values):
        return []
    return [Series("unique", context.words("devices.unique"), values, colour=figures.LIGHT.ink)]


def sentences(found: Found, context: Any) -> list[str]:
    """What is known of the devices, and how many they are."""
    words: Words = context.words
    every, answered = sum(day.hosts for day in found.days), sum(day.answered for day in found.days)
    sums = sums_of(found)
    first = [one for one in found.families if one not in REST][:TOLD]
    items = [words("devices.item", name=name(found, one, words), n=sums[one]) for one in first]
    share = words.percent(answered / every) if every else "–"
    said = [words("devices.known", n=answered, every=every, share=share)]
    if items:
        said[0] = words.joined(said[0], words("devices.first", list=words.listed(items)))
    whole = found.whole
    if whole.told:
        own = words("devices.told", told=whole.told, n=whole.devices, churn=f"{whole.churn or 0:.2f}")
        more = "" if whole.exact else words("devices.bounds", n=whole.addresses, low=whole.low, high=whole.high)
        said.append(words.joined(own, more) if more else own)
    elif whole.addresses:
        said.append(words("devices.silent", n=whole.addresses, low=whole.low, high=whole.high))
    if found.shared:
        said.append(words("devices.shared", n=found.shared))
    return said


def sums_of(found: Found) -> Counter[str]:
    """Host-days of each family."""
    out: Counter[str] = Counter()
    for day in found.days:
        out.update(day.families)
    return out


def table_rows(found: Found, words: Words, most: int | None = ROWS) -> list[tuple[str, str, str, str, str]]:
    """Family, kind of device, host-days, share of them, devices; the rest last, whatever the number."""
    sums = sums_of(found)
    every = max(1, sum(day.hosts for day in found.days))
    known = [one for one in found.families if one not in REST]
    shown = [*known[:most], *(one for one in found.families if one in REST)]
    out = []
    for one in shown:
        family = found.signatures.families.get(one)
        kind = words(f"devices.kind_{family.kind}") if family else "–"
        devices = span(found.whole_by_family.get(one), words)
        out.append((name(found, one, words), kind, words.number(sums[one]), words.percent(sums[one] / every), devices))
    return out


def span(count: Count | None, words: Words) -> str:
    """12; 12–30; a dash."""
    if count is None:
        return "–"
    low, high = words.number(count.low), words.number(count.high)
    return low if low == high else words("devices.range", low=low, high=high)


def columns(words: Words) -> list[Column]:
    return [
        Column(words("devices.family"), "text"),
        Column(words("devices.kind"), "text", spare=True),
        Column(words("hosts_by_day.host_days")),
        Column(words("column.share")),
        Column(words("devices.unique_head")),
    ]


def block(found: Found, context: Context, ident: str, figure: Any = None) -> Block:
    """The table of families, with its rows by day as data."""
    words = context.words
    title = words("devices.caption")
    more = len([one for one in found.families if one not in REST]) - ROWS
    note = words("devices.more", n=more) if more > 0 else ""
    rows = []
    for day in found.days:
        for family, n in sorted(day.families.items(), key=lambda item: (-item[1], item[0])):
            one = day.by_family.get(family)
            told = (one.told, one.devices, one.low, one.high) if one else (None, None, None, None)
            rows.append((day.day, family, n, day.hosts, *told))
    names = ("day", "family", "hosts", "hosts_of_day", "told", "devices", "devices_low", "devices_high")
    data = context.data(ident, title, names, rows, found.sql)
    return Block(data, figure, Table(title, tuple(columns(words)), table_rows(found, words), note))


def figure_of(
    found: Found, context: Any, ident: str, days: Sequence[dt.date], tz: dt.tzinfo, **more: Any
) -> figures.StackFigure:
    """Hosts of each day by family, with the line of unique devices."""
    hosts = {one.day: one.hosts for one in found.days}
    return figures.StackFigure(
        id=ident,
        times=[dt.datetime.combine(day, dt.time(), tz) for day in days],
        series=layers(found, context, days, {day: hosts.get(day, 0) for day in days}),
        lines=lines(found, context, days),
        step="day",
        things="device",
        totals=False,
        unit=context.words("hosts_by_day.unit"),
        **more,
    )
