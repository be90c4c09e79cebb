"""Mirai hosts by day: the world by country, the sets of ports that they try, and one country by what the hosts are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from teiten.devices.asked import Found
from teiten.periods import PeriodKind
from teiten.report import devices as told
from teiten.report import figures
from teiten.report.asked import devices, infected
from teiten.report.asked.infected import OTHER, Day, Hosts
from teiten.report.context import Context
from teiten.report.model import Block, Column, Paragraph, Section, Table
from teiten.report.sections import _hosts

ID = "quarter_mirai"
ORDER = 14
KINDS: tuple[PeriodKind, ...] = ("quarterly",)
ROWS: Final = 10
"""countries, and sets of ports, in a table on the page"""
TOLD: Final = 3
"""of them in a sentence"""
RISEN: Final = 2.0
"""a set of ports rose, or fell, between the first and the last month by this factor ..."""
WEIGHT: Final = 0.05
"""... and by this share of all Mirai hosts a day ..."""
CHANCE: Final = 3.0
"""... and by more than this many times what chance does to two counts (Poisson)"""


def build(context: Context) -> Section | None:
    """Where no host had the mark: a sentence that says so, or that nobody can know."""
    if context.answers.filters.tool:
        return None
    home = context.settings.pictured
    hosts = context.answers.once(infected.hosts(home))
    title = context.say("quarter_mirai.title")
    if not any(hosts.wide[day] for day in hosts.days):
        known = context.answers.once(infected.says_marks)
        return Section(ID, title, [context.say("quarter_mirai.none" if known else "quarter_mirai.unknown")])
    findings: list[Paragraph] = [_world(context, hosts), _sets(context, hosts.sets, hosts.mirai), _wider(context, hosts)]
    blocks = [_countries_block(context, hosts), _sets_block(context, hosts)]
    notes: list[Paragraph] = [context.say("quarter_mirai.definition"), context.say("hosts_by_day.note", clear=_clear(context))]
    if home is not None:
        findings.append(_one(context, hosts, home))
        if any(hosts.home[day] for day in hosts.days):
            devices_of = context.answers.once_of(devices.mirai, home)
            blocks.append(_home_block(context, hosts, home, devices_of))
            if devices_of is None:
                notes.append(context.say("quarter_mirai.devices"))
            else:
                findings += told.sentences(devices_of, context)
                blocks.append(told.block(devices_of, context, "quarter-mirai-devices"))
                notes.append(context.say("devices.rule"))
    return Section(ID, title, [text for text in findings if text], blocks=blocks, notes=notes)


def _clear(context: Context) -> str:
    return context.words.percent(_hosts.CLEAR, 0)


# words ----------------------------------------------------------------------------------------------------------------


def _world(context: Context, hosts: Hosts) -> str:
    said = context.words.joined(
        context.say("quarter_mirai.world", usual=_hosts.usual(context, hosts.mirai, hosts.days)),
        _hosts.beyond(context, hosts.mirai, hosts.days, hosts.before),
    )
    whole = _whole(hosts.mirai, hosts.days)
    first = [(code, sum(days.values())) for code, days in hosts.countries.items() if code][:TOLD]
    items = [
        context.words("quarter_mirai.part", thing=context.land(code), share=context.words.percent(n / whole))
        for code, n in first
    ]
    return context.words.joined(said, context.say("quarter_mirai.lands", list=context.words.listed(items))) if items else said


def _whole(course: _hosts.Course, days: Sequence[Day]) -> int:
    return max(1, sum(course.get(day) or 0 for day in days))


def _sets(context: Context, sets: Mapping[str | None, Mapping[Day, int]], every: _hosts.Course) -> str:
    """Which sets of ports the hosts tried, and which of these rose or fell within the period. `every`: all of the hosts."""
    words = context.words
    whole = max(1, sum(sum(days.values()) for days in sets.values()))
    named = [(name, days) for name, days in sets.items() if name not in (None, OTHER)]
    if not named:
        return ""
    items = [
        words("quarter_mirai.part", thing=variant(context, name), share=words.percent(sum(days.values()) / whole))
        for name, days in named[:TOLD]
    ]
    said = [context.say("quarter_mirai.sets", list=words.listed(items))]
    period = context.period.days
    months = _hosts.months(period)
    overall = _hosts.mean(every, period, every) or 0.0
    for name, days in named:
        first, last = (_hosts.mean(days, period, every, month) for month in (months[0], months[-1]))
        if first is None or last is None or abs(last - first) < max(WEIGHT * overall, CHANCE * _chance(first, last)):
            continue
        key = "quarter_mirai.rose" if last >= RISEN * first else "quarter_mirai.fell" if first >= RISEN * last else ""
        if key:
            numbers = {"old": _hosts.amount(context, first), "new": _hosts.amount(context, last)}
            ends = {"first": words.month_name(months[0]), "last": words.month_name(months[-1])}
            said.append(context.sentence(key, thing=variant(context, name), **numbers, **ends))
    return words.joined(*said)


def _chance(first: float, last: float) -> float:
    """What chance does to the difference of two means over a month each."""
    return float(((first + last) / 30) ** 0.5)


def variant(context: Context, name: str | None) -> str:
    """'23,2323' -> 23/tcpと2323/tcpの2ポート; '9530' -> 9530/tcpのみ; others counted where they are many."""
    if name in (None, OTHER):
        return context.say("thing.unknown" if name is None else "thing.other")
    shown = (name or "").split(",")
    more = int(shown.pop()[1:]) if shown[-1].startswith("+") else 0
    texts = context.ports((6, int(port)) for port in shown)
    if len(texts) == 1 and not more:
        return context.say("quarter_mirai.alone", port=texts[0])
    if len(texts) > 3:
        return context.say("quarter_mirai.many", ports=context.words("number.comma").join(texts[:2]), n=len(texts) + more)
    return context.say("quarter_mirai.several", ports=context.words.listed(texts), n=len(texts))


def _wider(context: Context, hosts: Hosts) -> str:
    """NICTER's count and the wider one, in host-days."""
    own, wide = (sum(course[day] or 0 for day in hosts.days) for course in (hosts.mirai, hosts.wide))
    key = "quarter_mirai.wider" if wide > own else "quarter_mirai.wider_same"
    return context.say(key, own=own, wide=wide, more=wide - own)


def _one(context: Context, hosts: Hosts, home: str) -> str:
    land = context.land(home)
    if not any(hosts.home[day] for day in hosts.days):
        return context.sentence("quarter_mirai.one_none", land=land)
    return context.words.joined(
        context.sentence("quarter_mirai.one", land=land, usual=_hosts.usual(context, hosts.home, hosts.days)),
        _hosts.beyond(context, hosts.home, hosts.days, hosts.before),
        _sets(context, hosts.home_sets, hosts.home) if len(hosts.home_sets) > 1 else "",
    )


# blocks ---------------------------------------------------------------------------------------------------------------


def _countries_block(context: Context, hosts: Hosts) -> Block:
    """The world, stacked by country."""
    say = context.say
    known = [code for code in hosts.countries if code is not None]
    layers = [
        _hosts.series(code, context.country(code), hosts.countries[code], hosts.days, hosts.mirai)
        for code in known[: _hosts.NAMED]
    ]
    if len(known) > _hosts.NAMED:
        others = [hosts.countries[code] for code in known[_hosts.NAMED :]]
        layers.append(_hosts.rest(say("thing.other"), others, hosts.days, hosts.mirai))
    if None in hosts.countries:
        unknown = hosts.countries[None]
        layers.append(_hosts.series("unknown", say("thing.unknown"), unknown, hosts.days, hosts.mirai, kind="unknown"))
    day, peak = _hosts.most(hosts.mirai, hosts.days)
    figure = figures.StackFigure(
        id="quarter-mirai-world",
        title=say("quarter_mirai.figure_world", day=context.words.day(day), hosts=context.about(peak, "hosts")),
        subtitle=say("quarter_mirai.subtitle_world", scope=context.scope),
        unit=say("hosts_by_day.unit"),
        times=_hosts.times(context, hosts.days),
        series=layers,
        step="day",
        things="country",
        gaps=_hosts.gaps(context),
        totals=False,
    )
    names = {code: context.country(code) for code in hosts.countries}
    table = _table(
        context, say("quarter_mirai.caption_world"), say("column.country"), hosts.countries, names, hosts.mirai, hosts.days
    )
    sql = _part(hosts, "day, country, mirai AS hosts, wide AS hosts_wide", f"part = 'country' AND {_since(hosts)}")
    rows = [
        (row["day"], row["country"], row["mirai"], row["wide"])
        for row in hosts.rows
        if row["part"] == "country" and row["day"] >= hosts.days[0] and row["wide"]
    ]
    data = context.data("quarter-mirai", figure.title, ("day", "country", "hosts", "hosts_wide"), rows, sql)
    return Block(data, figure, table)


def _sets_block(context: Context, hosts: Hosts) -> Block:
    """The world, stacked by the set of ports that a host tries."""
    say = context.say
    sets = hosts.sets
    layers = _variants(context, sets, hosts)
    named = [name for name in sets if name not in (None, OTHER)]
    share = sum(sets[named[0]].values()) / max(1, sum(sum(days.values()) for days in sets.values())) if named else 0.0
    figure = figures.StackFigure(
        id="quarter-mirai-sets",
        title=say(
            "quarter_mirai.figure_sets",
            thing=variant(context, named[0] if named else None),
            share=context.words.percent(share, 0),
        ),
        subtitle=say("quarter_mirai.subtitle_sets", scope=context.scope),
        unit=say("hosts_by_day.unit"),
        times=_hosts.times(context, hosts.days),
        series=layers,
        step="day",
        things="port",
        gaps=_hosts.gaps(context),
        totals=False,
    )
    names = {name: variant(context, name) for name in sets}
    table = _table(context, say("quarter_mirai.caption_sets"), say("quarter_mirai.set"), sets, names, hosts.mirai, hosts.days)
    sql = _part(hosts, "day, home, ports, mirai AS hosts", f"part = 'ports' AND {_since(hosts)}")
    rows = [
        (row["day"], row["home"], row["ports"], row["mirai"])
        for row in hosts.rows
        if row["part"] == "ports" and row["day"] >= hosts.days[0]
    ]
    data = context.data("quarter-mirai-sets", figure.title, ("day", "home", "ports", "hosts"), rows, sql)
    return Block(data, figure, table)


def _variants(context: Context, sets: Mapping[str | None, Mapping[Day, int]], hosts: Hosts) -> list[figures.Series]:
    named = [name for name in sets if name not in (None, OTHER)]
    layers = [
        _hosts.series(name or "", variant(context, name), sets[name], hosts.days, hosts.mirai) for name in named[: _hosts.NAMED]
    ]
    others = [sets[name] for name in (*named[_hosts.NAMED :], *([OTHER] if OTHER in sets else []))]
    if others:
        layers.append(_hosts.rest(context.say("thing.other"), others, hosts.days, hosts.mirai))
    if None in sets:
        unknown = context.say("thing.unknown")
        layers.append(_hosts.series("unknown", unknown, sets[None], hosts.days, hosts.mirai, kind="unknown"))
    return layers


def _home_block(context: Context, hosts: Hosts, home: str, known: Found | None) -> Block:
    """One country, stacked by what the hosts are, with a line of unique devices; where nobody asked them, all are unknown."""
    say = context.say
    land = context.land(home)
    day, peak = _hosts.most(hosts.home, hosts.days)
    unknown = _hosts.series("unknown", say("quarter_mirai.device_unknown"), hosts.home, hosts.days, hosts.mirai, kind="unknown")
    figure = figures.StackFigure(
        id="quarter-mirai-home",
        title=context.sentence(
            "quarter_mirai.figure_one", land=land, day=context.words.day(day), hosts=context.about(peak, "hosts")
        ),
        subtitle=say("quarter_mirai.subtitle_one", land=land, scope=context.scope),
        unit=say("hosts_by_day.unit"),
        times=_hosts.times(context, hosts.days),
        series=[unknown] if known is None else told.layers(known, context, hosts.days, hosts.home),
        lines=() if known is None else told.lines(known, context, hosts.days),
        step="day",
        things="port" if known is None else "device",
        gaps=_hosts.gaps(context),
        totals=False,
    )
    names = {name: variant(context, name) for name in hosts.home_sets}
    caption = say("quarter_mirai.caption_one", land=land)
    table = _table(context, caption, say("quarter_mirai.set"), hosts.home_sets, names, hosts.mirai, hosts.days)
    where = f"part = 'country' AND country = '{home}' AND mirai > 0 AND {_since(hosts)}"
    sql = _part(hosts, "day, country, 'unknown' AS device, mirai AS hosts", where)
    rows = [(d, home, "unknown", hosts.home[d]) for d in hosts.days if hosts.home[d]]
    if known is not None:
        rows = [(d, home, family, n) for d, family, n in told.counts(known, hosts.days, hosts.home)]
        sql = known.sql
    data = context.data("quarter-mirai-home", figure.title, ("day", "country", "device", "hosts"), rows, sql)
    return Block(data, figure, table)


def _table(
    context: Context,
    caption: str,
    head: str,
    courses: Mapping[str | None, Mapping[Day, int]],
    names: Mapping[str | None, str],
    watched: _hosts.Course,
    days: Sequence[Day],
) -> Table:
    """The first of them: hosts a day by month, host-days, share of all host-days; the unknown and the rest are rows too."""
    say, words = context.say, context.words
    months = _hosts.months(days)
    columns = [
        Column(head, "text"),
        *(Column(words.month_name(month)) for month in months),
        Column(say("hosts_by_day.host_days"), spare=True),
        Column(say("column.share")),
    ]
    whole = max(1, sum(sum(course.values()) for course in courses.values()))
    named = [key for key in courses if key not in (None, OTHER)]
    shown = [(names[key], courses[key]) for key in named[:ROWS]]
    others = [courses[key] for key in (*named[ROWS:], *([OTHER] if OTHER in courses else []))]
    if others:
        shown.append((say("thing.other"), {day: sum(course.get(day, 0) for course in others) for day in days}))
    if None in courses:
        shown.append((say("thing.unknown"), courses[None]))
    rows = []
    for name, course in shown:
        sums = sum(course.values())
        by_month = [_hosts.amount(context, _hosts.mean(course, days, watched, month)) for month in months]
        rows.append((name, *by_month, words.number(sums), words.percent(sums / whole)))
    return Table(caption, tuple(columns), rows)


def _since(hosts: Hosts) -> str:
    return f"day >= DATE '{hosts.days[0]}'"


def _part(hosts: Hosts, columns: str, where: str) -> str:
    """SQL of a part of the answer's rows."""
    return f"SELECT {columns}\nFROM (\n{hosts.rows.sql}\n)\nWHERE {where}\nORDER BY ALL"
