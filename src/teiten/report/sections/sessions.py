"""How each watched organisation scanned in the period: session by session, against those before, with the masked log lines."""

from __future__ import annotations

import bisect
import datetime as dt
import itertools
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from teiten.periods import PeriodKind
from teiten.publish import evidence, masks
from teiten.publish.evidence import Line
from teiten.report.answers import Answers
from teiten.report.context import Context
from teiten.report.model import Block, Column, Paragraph, Point, Quote, Section, Table
from teiten.report.sections._sessions import Teller, quoted, reached, row
from teiten.sessions.compare import Compared
from teiten.sessions.join import Session
from teiten.sessions.thresholds import Crossing
from teiten.sessions.watch import Watch

ID = "sessions"
ORDER = 75
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly")
DAYS_TOLD: Final = 12
"""days whose sessions are told in words: those with the most to tell"""
FEW_ROWS: Final = 12
"""rows that are shown without being asked for"""
ROWS: Final = 60
"""sessions that the table on the page shows; the CSV has them all"""
DAYS_QUOTED: Final = 10
"""days whose lines stand on the page"""
LINES: Final = 200
"""lines of a day that stand on the page"""
LINES_KEPT: Final = 2000
"""lines in the text file"""


@dataclass(slots=True)
class _Kept:
    """What was asked for one report, for all its languages."""

    watches: dict[str, Watch | None] = field(default_factory=dict)
    lines: dict[tuple[str, object], list[list[Line]]] = field(default_factory=dict)


_KEPT: weakref.WeakKeyDictionary[Answers, _Kept] = weakref.WeakKeyDictionary()


def build(context: Context) -> list[Section]:
    """A section for each organisation of the setting `organisations` that was seen in the period."""
    from teiten.classify import watchlists

    found = watchlists.load(context.settings)
    wanted = context.settings.organisations
    names = [o.name for o in found.featured()] if wanted is None else [found.organisation(n).name for n in wanted]
    kept = _KEPT.setdefault(context.answers, _Kept())
    out = []
    for name in filter(context.asks_about, names):
        if name not in kept.watches:
            kept.watches[name] = _watch(context, found, name)
        watch = kept.watches[name]
        if watch is not None:
            out.append(_section(context, watch, kept, found.organisation(name).text(context.words.lang)))
    return out


def _watch(context: Context, found: object, name: str) -> Watch | None:
    """The organisation's sessions up to the period's end; None where none of them begins in the period."""
    from teiten.sessions import watch

    answers = context.answers
    seen = watch.of_organisation(
        answers.session, context.settings, found, name, answers.filters.between(None, answers.period.end)  # type: ignore[arg-type]
    )  # fmt: skip
    return seen if seen.between(answers.period.start, answers.period.end) else None


def _section(context: Context, watch: Watch, kept: _Kept, organisation: str) -> Section:
    teller = Teller(context.words, context.period.tz, context.ports, masks.style(context.settings.mask))
    own = watch.between(context.period.start, context.period.end)
    crossings = watch.crossings(context.answers.session, [c.session for c in own])
    findings: list[Paragraph] = [_total(context, own, watch.key), *_detected(teller, crossings)]
    if own[0] is watch.compared[0]:
        findings.append(context.say("sessions.none_before", organisation=watch.key))
    points = _points(teller, watch, own)
    block = _block(context, teller, watch, own, crossings)
    quotes, notes = _quotes(context, teller, watch, own, kept)
    return Section(f"{ID}-{_slug(watch.key)}", context.say("sessions.title", organisation=organisation), findings,
                   points=points, blocks=[block], notes=[_rule(context, watch), *notes], quotes=quotes)  # fmt: skip


def _slug(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower()).strip("-") or "x"


def _total(context: Context, own: Sequence[Compared], organisation: str) -> str:
    zone = context.period.tz
    return context.say(
        "sessions.total_day" if context.kind == "daily" else "sessions.total",
        organisation=organisation,
        sessions=context.words("sessions.count", n=len(own)),
        packets=context.packets(sum(c.session.packets for c in own)),
        days=context.words("sessions.days", n=len({c.session.start.astimezone(zone).date() for c in own})),
        addresses=context.words("sessions.addresses", n=len({a for c in own for a in c.session.sources})),
    )


def _detected(teller: Teller, crossings: dict[Session, list[Crossing]]) -> list[Paragraph]:
    """Of the session that came farthest: which detectors would have spoken."""
    if not crossings:
        return []
    session = max(crossings, key=lambda s: (sum(c.crossed for c in crossings[s]), s.per_minute))
    if not reached(crossings[session])[0]:
        return []
    return [teller.detected(session, crossings[session])]


def _points(teller: Teller, watch: Watch, own: Sequence[Compared]) -> list[Point]:
    """Day by day: each burst with what it is against those before, the other attempts of a day together."""
    days: dict[dt.date, list[Compared]] = {}
    for one in own:
        days.setdefault(one.session.start.astimezone(teller.zone).date(), []).append(one)
    behaviours = {d.day: d.behaviour for d in watch.days}
    told = {day: _day(teller, watch, day, found, behaviours[day] == "slow") for day, found in days.items()}
    best = sorted(told, key=lambda day: (-sum(1 + len(p.below) for p in told[day]), day))[:DAYS_TOLD]
    return [point for day in sorted(best) for point in told[day]]


def _day(teller: Teller, watch: Watch, day: dt.date, found: Sequence[Compared], slow: bool) -> list[Point]:
    bursts = [c for c in found if c.burst or c.session.tries > 3]
    rest = [c for c in found if c not in bursts]
    points = [Point(teller.lead(c), teller.against(watch, c)) for c in bursts]
    if len(rest) == 1:
        points.append(Point(teller.lead(rest[0]), teller.against(watch, rest[0])))
    elif rest:
        points.append(Point(teller.few(day, rest, slow), [s for c in rest for s in teller.against(watch, c)][:3]))
    first = points[0]
    more = [s for s in (teller.silence(c) for c in found) if s]
    points[0] = Point(first.text, [*more, *first.below])
    last = points[-1]
    points[-1] = Point(last.text, [*last.below, *teller.changed(watch, day)])
    return points


def _block(
    context: Context,
    teller: Teller,
    watch: Watch,
    own: Sequence[Compared],
    crossings: dict[Session, list[Crossing]],
) -> Block:
    say, words = context.say, context.words
    columns = (
        Column(say("sessions.start"), "text"), Column(say("sessions.length"), "text", spare=True),
        Column(say("sessions.source"), "text"), Column(say("sessions.ports"), "text"),
        Column(say("sessions.per_minute"), spare=True), Column(say("sessions.detected"), "text", spare=True),
    )  # fmt: skip
    rows = [
        (
            teller.when(s.start),
            teller.length(s.length) if s.events > 1 else "–",
            teller.addresses(s.sources, s.source_count),
            teller.row(s.ports),
            words.number(s.per_minute),
            teller.detectors(crossings.get(s, ())),
        )
        for s in (c.session for c in own[:ROWS])
    ]
    title = say("sessions.table", organisation=watch.key)
    cut = words("sessions.lines_cut", n=len(own) - ROWS) if len(own) > ROWS else ""
    body = [row(teller, c, crossings.get(c.session)) for c in own]
    start, end = context.period.start.isoformat(), context.period.end.isoformat()
    sql = (
        f"SELECT * FROM (\n{watch.sql}\n)\nWHERE start >= TIMESTAMPTZ '{start}' AND start < TIMESTAMPTZ '{end}'\nORDER BY start"
    )
    data = context.data(f"{ID}-{_slug(watch.key)}", title, tuple(body[0]), [tuple(r.values()) for r in body], sql)
    folded = len(rows) > FEW_ROWS
    return Block(data, table=Table(title, columns, rows, cut, folded=folded), title=title if folded else "")


def _rule(context: Context, watch: Watch) -> str:
    settings, words = context.settings, context.words
    gap = dt.timedelta(seconds=settings.threshold("session_gap_seconds"))
    rule = context.say(
        "sessions.rule",
        gap=Teller(words, context.period.tz, context.ports).length(gap),
        burst=f"{settings.threshold('burst_ports_per_minute'):g}",
        slow=f"{settings.threshold('slow_ports'):g}",
    )
    if watch.since is None:
        return rule
    return words.joined(
        rule, context.say("sessions.record_since", since=words.plain(watch.since.astimezone(context.period.tz)))
    )


def _quotes(
    context: Context, teller: Teller, watch: Watch, own: Sequence[Compared], kept: _Kept
) -> tuple[list[Quote], list[str]]:
    """The masked lines, a quote for each day, all of them in one text file; and what must be said of them."""
    style = context.settings.mask
    cover = masks.style(style)
    key = (watch.key, style)
    if key not in kept.lines:
        asked, left = context.answers.session, LINES_KEPT
        kept.lines[key] = []
        steps = watch.steps(asked, _first([c.session for c in own]))
        steps += [[] for _ in range(len(own) - len(steps))]
        flat = [s for found in steps for s in found][:left]
        lines = iter(evidence.of_steps(asked, flat, cover, context.settings.reading))
        for found in steps:
            kept.lines[key].append([line for _, line in zip(found[:left], lines, strict=False)])
            left -= len(kept.lines[key][-1])
    made = kept.lines[key]
    name = f"{ID}-{_slug(watch.key)}"
    days: dict[dt.date, list[list[Line]]] = {}
    for one, lines_of in zip(own, made, strict=True):
        if lines_of:
            days.setdefault(one.session.start.astimezone(teller.zone).date(), []).append(lines_of)
    whole = quoted(teller, [lines_of for lines_of in made if lines_of])
    chosen = sorted(sorted(days, key=lambda d: -sum(map(len, days[d])))[:DAYS_QUOTED])
    # the one text file of all of them is named under the last
    quotes = [_quote(teller, day, days[day], name if day == chosen[-1] else "", whole) for day in chosen]
    rebuilt = sum(bool(line.why) for found in made for line in found)
    notes = [context.say("sessions.lines_strict" if style == "strict" else "sessions.lines_note")]
    if len(chosen) < len(days):
        notes.append(context.say("sessions.lines_left"))
    if rebuilt:
        notes.append(context.say("sessions.lines_rebuilt", n=rebuilt))
    return quotes, [context.words.joined(*notes)] if quotes else []


def _first(sessions: list[Session]) -> list[Session]:
    """As many as have lines for the text file."""
    events = list(itertools.accumulate(s.events for s in sessions))
    return sessions[: 1 + bisect.bisect_left(events, LINES_KEPT)]


def _quote(teller: Teller, day: dt.date, found: list[list[Line]], name: str, whole: list[str]) -> Quote:
    shown = quoted(teller, found)
    count = sum(map(len, found))
    if len(shown) > 2 * LINES:
        shown = [*shown[: 2 * LINES], teller.words("sessions.lines_cut", n=count - LINES)]
    return Quote(teller.words("sessions.lines", day=teller.words.day(day), n=count), shown, name, whole)
