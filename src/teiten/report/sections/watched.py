"""One announced scanner in a month: ports it tried by day, new and gone, those it never tries, when it came and stopped."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from typing import Any

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.answers import Key
from teiten.report.context import Context, protocol_name
from teiten.report.model import Block, Column, Link, Paragraph, Piece, Point, Section, Table
from teiten.report.sections import _points
from teiten.report.watching import Run, Watched

ID = "watched"
ORDER = 71
KINDS: tuple[PeriodKind, ...] = ("monthly",)
LONG = 3
"""days in a row that are worth telling"""
NAMED = 30
"""ports that a sentence names; the table has them all"""
EXPLAINED = 5
"""new ports whose use is told"""
DRAWN = 25
"""rows of the figure"""


def build(context: Context) -> list[Section]:
    """A section for each organisation that the settings name, or that the lists feature and that was seen in either period."""
    from teiten.classify import watchlists

    lists = watchlists.load(context.settings)
    named = context.settings.organisations
    chosen = lists.featured() if named is None else [lists.organisation(name) for name in named]
    chosen = [one for one in chosen if context.asks_about(one.name)]
    found = [Watched(context.answers, lists, organisation) for organisation in chosen]
    return [_section(context, one) for one in found if named is not None or one.by_day or one.by_day_before]


def _section(context: Context, one: Watched) -> Section:
    name = one.organisation.name
    title = context.say("watched.title", organisation=name)
    ident = f"{ID}-{slug(name)}"
    if not one.by_day:
        findings = [_about(context, one), context.say("watched.nothing", organisation=name), *_last_seen(context, one)]
        return Section(ident, title, findings)
    points = [_tried(context, one), *_untried(context, one), *_when(context, one), *_where(context, one)]
    findings = [_about(context, one), *_uncompared(context)]
    return Section(ident, title, findings, points, blocks=[_block(context, one, ident)], notes=_notes(context))


def slug(name: str) -> str:
    """The name as part of an id: letters, digits and -."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return plain or name.encode().hex()[:16]


def _about(context: Context, one: Watched) -> Paragraph:
    """Whom the section is about, and by which list."""
    full = one.organisation.text(context.words.lang)
    page = next((m.page for m in one.prefixes if m.page), one.organisation.page)
    who: Any = Link(full, page) if page else full
    return context.rich("watched.about", who=who)


def _notes(context: Context) -> list[Paragraph]:
    days = int(context.settings.threshold("silent_days"))
    return [context.say("watched.note"), context.say("watched.rule", n=days)]


def _uncompared(context: Context) -> list[Paragraph]:
    """What must be known before ports are called new: that little of the period before was observed."""
    answers = context.answers
    if not _enough_before(context) or answers.coverage_before.share >= answers.comparable_share:
        return []
    return [context.say("watched.part_before", share=context.words.percent(answers.coverage_before.share))]


def _enough_before(context: Context) -> bool:
    """Was so much of the period before observed that a port may be called new against it?"""
    return context.answers.ranked_before and context.answers.coverage_before.share >= context.answers.ranked_share


def _last_seen(context: Context, one: Watched) -> list[Paragraph]:
    days = sorted(one.by_day_before)
    return [context.say("watched.last_before", day=day_text(context, days[-1]))] if days else []


# ports


def _ports(context: Context, one: Watched, keys: list[Key]) -> list[Piece]:
    """Ports in a row, each leading to its row in the section's table; those beyond NAMED as a number."""
    ident = f"{ID}-{slug(one.organisation.name)}"
    items: list[list[Piece]] = []
    for key, text in zip(keys[:NAMED], context.ports(keys[:NAMED]), strict=True):
        # in the text for a blog eleven links to one file would only be in the way
        link = Link(text, f"#{_place(ident, key)}")
        items.append([link if key in one.ports else text])
    if len(keys) > NAMED:
        items.append([context.say("watched.more_ports", n=len(keys) - NAMED)])
    return context.row(items)


def _tried(context: Context, one: Watched) -> Point:
    tried, new = one.tried, one.new
    key = "watched.tried_one" if len(tried) == 1 else "watched.tried"
    text = context.rich(key, ports=_ports(context, one, tried), n=len(tried))
    if not context.answers.ranked_before:
        return Point(text, [context.say("watched.no_before")])
    if not _enough_before(context):
        return Point(text, [context.say("watched.too_little_before")])
    if not one.by_day_before:
        return Point(text, [context.say("watched.not_before", organisation=one.organisation.name)])
    old = [key for key in tried if key not in new]
    below: list[Paragraph] = []
    if old and new:
        below.append(context.rich("watched.again", ports=_ports(context, one, old), n=len(old)))
        below.append(context.rich("watched.new", ports=_ports(context, one, new), n=len(new)))
    else:
        below.append(context.say("watched.all_again" if old else "watched.all_new", n=len(tried)))
    if new:
        below += _uses(context, new)
    if one.gone:
        below.append(context.rich("watched.gone", ports=_ports(context, one, one.gone)))
    return Point(text, below)


def _uses(context: Context, keys: list[Key]) -> list[Paragraph]:
    """What each of the ports is for, in one line."""
    out: list[Paragraph] = []
    for key in keys[:EXPLAINED]:
        said = _points.purpose(context, key)
        pieces: list[Piece] = [context.say("watched.use_of", port=context.port(key))]
        for n, paragraph in enumerate(said):
            pieces += [context.words("watched.between")] if n else []
            pieces += [paragraph] if isinstance(paragraph, str) else list(paragraph)
        if said:
            out.append(pieces)
    return out


def _untried(context: Context, one: Watched) -> list[Point]:
    """Popular ports of everybody that it left alone."""
    if not one.untried:
        return [Point(context.say("watched.tries_all"))]
    named = {r.key: r for r in context.answers.ranking("ports")}
    texts = context.ports(key for _, key in one.untried)
    items: list[list[Piece]] = []
    for (rank, key), text in zip(one.untried, texts, strict=True):
        link = _points.linked(context, "ports", named[key], text)
        pieces = context.rich("watched.ranked", port=link, place=context.words.ordinal(rank))
        items.append([pieces] if isinstance(pieces, str) else list(pieces))
    still = one.by_day_before and not any(key in one.ports_before for _, key in one.untried)
    said = "watched.never_still" if still else "watched.never"
    return [Point(context.rich(said, list=context.row(items), organisation=one.organisation.name))]


# days


def day_text(context: Context, day: dt.date) -> str:
    """3月11日 / 11 March."""
    month = context.words.month_name(day)
    return context.say("watched.day", month=str(day.month), month_name=month, day=str(day.day))


def run_text(context: Context, run: Run, *, first: bool = True) -> str:
    """3月5〜7日 / 5 to 7 March; without `first` the month is not said again where the language allows."""
    if len(run) == 1:
        return day_text(context, run[0]) if first else context.say("watched.day_only", day=str(run[0].day))
    fields = {"month": str(run[0].month), "month_name": context.words.month_name(run[0])}
    key = "watched.days" if first else "watched.days_only"
    return context.say(key, first=str(run[0].day), last=str(run[-1].day), **fields)


def _all_days(context: Context, one: Watched) -> str:
    """Its days: 3月1日、5〜7日、11日 / 1, 5 to 7 and 11 March."""
    items = [run_text(context, run, first=False) for run in one.runs]
    start = one.period.first
    fields = {"month": str(start.month), "month_name": context.words.month_name(start)}
    return context.say("watched.day_list", list=context.words.listed(items), **fields)


def _when(context: Context, one: Watched) -> list[Point]:
    """On which days it came, how long in a row, and whether it has stopped."""
    say = context.say
    days, observed = len(one.days), len(one.observed)
    if days == observed:
        return [Point(say("watched.every_day", n=days))]
    ident = f"{ID}-{slug(one.organisation.name)}"
    when = Link(_all_days(context, one), f"#figure-{ident}", f"data/{ident}.csv")
    point = context.rich("watched.came_on", n=days, days=when, observed=observed)
    below: list[Paragraph] = []
    longest = max(one.runs, key=len)
    in_a_row = {"run": run_text(context, longest), "n": len(longest)} if len(longest) >= LONG else None
    last, silent = one.days[-1], one.silent
    if silent >= context.settings.threshold("silent_days"):
        fields: dict[str, Any] = {"day": day_text(context, last), "silent": silent}
        if in_a_row and longest[-1] != last:
            below.append(say("watched.run_then_stopped", **in_a_row, **fields))
        elif in_a_row:
            below.append(say("watched.run_and_stopped", **in_a_row, **fields))
        else:
            below.append(say("watched.stopped", **fields))
        hid = sum(day > last for day in one.period.days) - silent
        if hid:
            below.append(say("watched.hidden", n=hid))
        if one.longest_pause:
            below.append(say("watched.pause", n=one.longest_pause))
    elif in_a_row:
        below.append(say("watched.run", **in_a_row))
    return [Point(point, below)]


# addresses


def _where(context: Context, one: Watched) -> list[Point]:
    """How many addresses it used, of which prefixes, by which list."""
    words = context.words
    hosts, prefixes, used = words("count.addresses", n=len(one.sources)), one.prefixes, one.used
    if not prefixes:
        return [Point(context.say("watched.addresses", hosts=hosts))]
    below: list[Paragraph] = []
    for match in {(m.list, m.list_version): m for m in prefixes}.values():
        since = words.date(match.valid_from) if match.valid_from else ""
        key = "watched.list_since" if since else "watched.list"
        page: Any = Link(match.page, match.page) if match.page else context.say("thing.unknown")
        below.append(context.rich(key, list=match.list, version=match.list_version, since=since, page=page))
    return [Point(context.say("watched.prefixes", hosts=hosts, n=len(used), all=len(prefixes)), below)]


# figure and table


def _block(context: Context, one: Watched, ident: str) -> Block:
    say, words = context.say, context.words
    keys = one.tried
    packets = sum(one.ports.values())
    last = day_text(context, one.days[-1])
    fields = {"organisation": one.organisation.name, "n": len(one.days), "packets": context.packets(packets), "day": last}
    stopped = one.silent >= context.settings.threshold("silent_days")
    figure = figures.HeatFigure(
        id=ident,
        title=say("watched.figure_stopped" if stopped else "watched.figure", **fields),
        subtitle=say("watched.subtitle", organisation=one.organisation.name, n=min(len(keys), DRAWN), scope=context.scope),
        unit=say("watched.unit"),
        rows=[figures.HeatRow(_key(k), context.port(k), _cells(context, one, k)) for k in keys[:DRAWN]],
        times=[dt.datetime.combine(day, dt.time(), one.period.tz) for day in one.period.days],
        step="day",
        scale="all",
    )
    ranks = {r.key: r.rank for r in context.answers.ranking("ports")}
    compares = _enough_before(context)
    columns = (
        Column(say("column.port"), "text"),
        Column(say("column.service"), "text", spare=True),
        Column(say("column.packets")),
        Column(say("watched.days_active")),
        *([Column(say("column.before"))] if compares else []),
        Column(say("watched.rank_all"), spare=True),
    )
    rows = []
    for k in keys:
        cells = [context.port(k), context.service(k), words.number(one.ports[k])]
        cells.append(words.number(sum(k in counts for counts in one.by_day.values())))
        if compares:
            cells.append(words.number(one.ports_before[k]) if k in one.ports_before else say("movement.new"))
        rank = ranks.get(k)
        cells.append(words.number(rank) if rank else "–")
        rows.append(tuple(cells))
    caption = say("watched.caption", organisation=one.organisation.name)
    table = Table(caption, columns, rows, folded=len(rows) > NAMED, places=[_place(ident, k) for k in keys])
    names = ("start", "dst_port", "protocol", "packets")
    body = [tuple(row[n] for n in names) for row in one.rows]
    return Block(context.data(ident, figure.title, names, body, one.rows.sql), figure, table)


def _place(ident: str, key: Key) -> str:
    """The name of a port's row on the page."""
    return f"row-{ident}-{_key(key).replace('/', '-')}"


def _key(key: Key) -> str:
    protocol, port = key
    return protocol_name(protocol) if port is None else f"{port}/{protocol_name(protocol)}"


def _cells(context: Context, one: Watched, key: Key) -> list[float | None]:
    """One value for each day: None for those that a gap hides."""
    observed = set(one.observed)
    nothing = Counter[Key]()
    return [one.by_day.get(day, nothing)[key] if day in observed else None for day in one.period.days]
