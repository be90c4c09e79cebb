"""The report's first half: what the members say together. In short, rankings with the period before, courses, hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from teiten.federation import differing, naming
from teiten.federation.differing import Outlier
from teiten.federation.merging import Merged, Table, cut
from teiten.federation.store import Store
from teiten.lang import Words
from teiten.periods import Period
from teiten.report import figures
from teiten.report.model import Block, Column, Data, Fact, Paragraph, Section
from teiten.report.model import Table as Shown
from teiten.settings import Settings
from teiten.site import parts
from teiten.site.parts import Say

ROWS: Final = 30
"""rows of a table"""
BARS: Final = 10
LINES: Final = 7
MOVED: Final = 5
RISE: Final = 1.3
LEAST: Final = 1.0
"""packets an address and day below which a change is not told: rounded figures are too coarse there"""
_NAMES: Final = {"port": "ports", "country": "countries", "asn": "asns"}


@dataclass(frozen=True)
class View:
    """What every section of a report is made from: the period, the one before, who differs."""

    store: Store
    period: Period
    now: Merged
    before: Merged
    words: Words
    settings: Settings
    outliers: Sequence[Outlier] = field(default_factory=list)

    @property
    def say(self) -> Say:
        return Say(self.words, self.settings)

    @property
    def compared(self) -> bool:
        """Did enough members watch in the period before: half as many as now?"""
        return len(self.before.there) >= max(1, len(self.now.there) / 2)

    @property
    def scope(self) -> str:
        """19 of 20 members, 570 address days."""
        days = self.words.number(round(float(self.now.address_days.sum())))
        return self.words("federation.scope", n=len(self.now.members), watched=len(self.now.there), days=days)


def of(store: Store, period: Period, words: Words, settings: Settings) -> View:
    """The view of a period."""
    earlier = period.before()
    now = Merged(store, period.first, period.days[-1])
    return View(store, period, now, Merged(store, earlier.first, earlier.days[-1]), words, settings, differing.outliers(now))


def period_name(words: Words, period: Period) -> str:
    """October 2026; week 40 of 2026 (…)."""
    first, last = period.first, period.days[-1]
    if period.kind == "daily":
        return words.plain(first)
    if period.kind == "monthly":
        return words.month(first)
    if period.kind == "quarterly":
        return words.quarter(first)
    if period.kind == "weekly":
        year, week, _ = first.isocalendar()
        return words("date.week", year=str(year), week=str(week), start=words.day(first), end=words.day(last))
    return words("date.span", start=words.plain(first), end=words.plain(last))


def summary(view: View) -> Section:
    """In short: who watched, how much came, what led, how many hosts."""
    words, say, now = view.words, view.say, view.now
    name = period_name(words, view.period)
    findings: list[Paragraph] = [
        words("federation.watched", period=name, n=len(now.members), watched=len(now.there), days=_days(view))
    ]
    rate, then = _all(now), _all(view.before) if view.compared else None
    if rate is not None:
        said = [words("federation.rate", rate=say.rate(rate))]
        if then:
            said.append(words("federation.rate_before", rate=say.rate(then), change=words.change((rate - then) / then)))
        findings.append(words.joined(*said))
    leaders = {what: _first(now.table(what)) for what in ("port", "country")}
    port, country = leaders["port"], leaders["country"]
    if port and country:
        findings.append(
            words(
                "federation.leaders",
                port=say.port_long(parts.port_key(port[0])),
                rate=say.rate(port[1]),
                country=say.land(country[0]),
                share=words.percent(country[1] / rate) if rate else "–",
            )
        )
    findings += _hosts(view)
    findings.append(_trust(view))
    facts = [
        Fact(
            words("federation.fact_rate"), say.rate(rate), words("federation.fact_before", value=say.rate(then)) if then else ""
        ),
        Fact(words("federation.fact_hosts"), _host_range(view)),
        Fact(words("federation.fact_members"), f"{len(now.there)} / {len(now.members)}"),
        Fact(words("federation.fact_days"), _days(view)),
    ]
    return Section("summary", words("federation.summary"), findings, facts=facts)


def _days(view: View) -> str:
    return view.words.number(round(float(view.now.address_days.sum())))


def _all(merged: Merged) -> float | None:
    table = merged.table("all")
    return float(table.rate[0]) if len(table.rate) and len(merged.there) else None


def _first(table: Table) -> tuple[str, float] | None:
    return (table.keys[table.ranked[0]], float(table.rate[table.ranked[0]])) if table.ranked else None


def _host_span(view: View) -> tuple[float, float] | None:
    """The mean over the days of the least and the most that the members' hosts of a day can be."""
    own = [one for one in view.now.hosts_by_day(differing.unbelieved(list(view.outliers))) if one]
    return (float(np.mean([one[0] for one in own])), float(np.mean([one[1] for one in own]))) if own else None


def _host_range(view: View) -> str:
    span = _host_span(view)
    if span is None:
        return "–"
    low, high = (view.words.number(round(value)) for value in span)
    return low if low == high else view.words("federation.range", low=low, high=high)


def _hosts(view: View) -> list[Paragraph]:
    words, span = view.words, _host_span(view)
    if span is None:
        return []
    out: list[Paragraph] = [words("federation.hosts", range=_host_range(view))]
    united = view.now.united(differing.unbelieved(list(view.outliers)))
    if united is not None:
        found, members = united
        count, error = words.number(round(found.estimate)), words.percent(found.error)
        out.append(words("federation.hosts_united", n=len(members), count=count, error=error))
    return out


def _trust(view: View) -> str:
    """How many members may say what they like without the ranking falling for it."""
    n = len(view.now.there)
    if not cut(n):
        return view.words("federation.few", n=n)
    differ = len({one.member for one in view.outliers})
    said = view.words("federation.trust", n=n, cut=cut(n))
    return view.words.joined(said, view.words("federation.trust_differ", n=differ) if differ else "")


# rankings --------------------------------------------------------------------------------------------------------------


def ranking(view: View, what: str) -> Section | None:
    """A ranking of ports, countries or AS: a chart of the first, a table with the period before and the middle half."""
    words, say, now = view.words, view.say, view.now
    table, earlier = now.table(what), view.before.table(what)
    top = table.ranked[:ROWS]
    if not top:
        return None
    title = words(f"federation.ranked_{what}")
    heads = [
        Column(words("federation.head_rank")), Column(words(f"federation.head_{what}"), "text"),
        Column(words("federation.head_rate")),
        Column(words("federation.head_before")), Column(words("federation.head_members"), spare=True),
        Column(words("federation.head_middle"), spare=True),
    ]  # fmt: skip
    named = naming.as_names((table.keys[n] for n in top), now.days[-1]) if what == "asn" else {}
    shown, body, bars = [], [], []
    for n in top:
        key, rank = table.keys[n], int(table.places[n])
        place = _place_before(earlier, key) if view.compared else None
        told = int((table.packets[n, now.there] > 0).sum())
        low, high = np.quantile(table.rates[n, now.there], (0.25, 0.75))
        move = words("federation.no_before") if not view.compared else words("federation.new") if place is None else str(place)
        middle = words("federation.range", low=say.rate(float(low)), high=say.rate(float(high)))
        name = say.port_long(parts.port_key(key)) if what == "port" else f"{say.thing(what, key)} {named.get(key, '')}".strip()
        shown.append((str(rank), name, say.rate(float(table.rate[n])), move, f"{told}/{len(now.there)}", middle))
        then = _rate_before(earlier, key) if view.compared else None
        body.append(
            (
                rank,
                *parts.columns_of(what, key),
                *([named.get(key)] if what == "asn" else []),
                float(table.rate[n]),
                place,
                then,
                told,
                len(now.there),
                float(low),
                float(high),
            )
        )
        if rank <= BARS:
            bars.append(
                figures.RankRow(
                    key=parts.colour_of(what, key), label=say.thing(what, key), value=float(table.rate[n]), rank=rank,
                    rank_before=place, detail=say.service(parts.port_key(key)) if what == "port" else named.get(key, ""),
                )
            )  # fmt: skip
    of = (*parts.COLUMNS[what], *(("as_name",) if what == "asn" else ()))
    lead = table.keys[top[0]]
    first = _titled(say, what, lead, named.get(lead, ""))
    columns = ("rank", *of, "rate", "rank_before", "rate_before", "members", "watched", "rate_q1", "rate_q3")
    data = Data(f"federation-{_NAMES[what]}", columns, body, "")
    figure = figures.RankFigure(
        id=data.id,
        title=words("federation.rank_title" if what == "port" else "federation.rank_title_from", thing=first),
        subtitle=view.scope,
        unit=words("federation.unit"),
        rows=bars,
        things="port" if what == "port" else "country",
        colour_by="thing" if what in ("port", "country") else "plain",
        heading=words(f"federation.head_{what}"),
        before_label=words("federation.head_before") if view.compared else "",
    )
    note = words("federation.rank_note", cut=cut(len(now.there)))
    moved = _moved(view, what, table, earlier) if view.compared else []
    return Section(
        _NAMES[what],
        title,
        points=moved,
        blocks=[Block(data, figure, Shown(title, tuple(heads), shown, note, folded=len(top) > 12))],
    )


def _titled(say: Say, what: str, key: str, name: str) -> str:
    """What leads, as a title names it."""
    return say.land(key) if what == "country" else f"{say.thing(what, key)} {name}".strip()


def _place_before(earlier: Table, key: str) -> int | None:
    at = earlier.at(key)
    return int(earlier.places[at]) or None if at is not None else None


def _rate_before(earlier: Table, key: str) -> float | None:
    at = earlier.at(key)
    return float(earlier.rate[at]) if at is not None else None


def _moved(view: View, what: str, table: Table, earlier: Table) -> list[Paragraph]:
    """The things that rose or fell most, of those that are told in both periods."""
    found: list[tuple[float, str]] = []
    for n in table.ranked[:ROWS]:
        then, now = _rate_before(earlier, table.keys[n]), float(table.rate[n])
        if not then or min(now, then) < LEAST:
            continue
        times = now / then
        if times >= RISE or times <= 1 / RISE:
            key = table.keys[n]
            thing = view.say.port_long(parts.port_key(key)) if what == "port" else view.say.thing(what, key)
            told = {"thing": thing, "now": view.say.rate(now), "then": view.say.rate(then)}
            said = view.words("federation.rose" if times > 1 else "federation.fell", **told)
            found.append((max(times, 1 / times), said))
    return [text for _, text in sorted(found, reverse=True)[:MOVED]]


# through time ----------------------------------------------------------------------------------------------------------


def _times(view: View) -> list[dt.datetime]:
    return [dt.datetime.combine(day, dt.time(), view.period.tz) for day in view.now.days]


def courses(view: View) -> Section | None:
    """The first ports day by day."""
    if len(view.now.days) < 2:
        return None
    words, say, table = view.words, view.say, view.now.table("port")
    keys = [table.keys[n] for n in table.ranked[:LINES]]
    if not keys:
        return None
    lines = {key: view.now.course("port", key) for key in keys}
    title = words("federation.courses")
    data = Data(
        "federation-days",
        ("day", "port", "protocol", "rate"),
        [(day, *parts.columns_of("port", key), own[n]) for key, own in lines.items() for n, day in enumerate(view.now.days)],
        "",
    )
    figure = figures.LineFigure(
        id=data.id,
        title=words("federation.courses_title", n=len(keys)),
        subtitle=view.scope,
        unit=words("federation.unit"),
        times=_times(view),
        series=[figures.Series(parts.colour_of("port", key), say.thing("port", key), own) for key, own in lines.items()],
        step="day",
        things="port",
        whole=False,
        note=words("federation.courses_note"),
    )
    return Section("days", title, blocks=[Block(data, figure)])


def hours(view: View) -> Section | None:
    """The hours of the day, now and before."""
    words, values = view.words, view.now.clock()
    if all(value is None for value in values):
        return None
    earlier = view.before.clock() if view.compared else []
    known = any(value is not None for value in earlier)
    body: list[tuple[Any, ...]] = [(hour, value, earlier[hour] if known else None) for hour, value in enumerate(values)]
    data = Data("federation-hours", ("hour", "rate", "rate_before"), body, "")
    most = max((n for n, value in enumerate(values) if value is not None), key=lambda n: values[n] or 0.0)
    figure = figures.HoursFigure(
        id=data.id,
        title=words("federation.hours_title", hour=str(most)),
        subtitle=view.scope,
        unit=words("federation.unit_hour"),
        values=values,
        before=earlier if known else (),
        label=period_name(words, view.period),
        before_label=period_name(words, view.period.before()) if known else "",
    )
    return Section("hours", words("federation.hours"), blocks=[Block(data, figure)])
