"""Only me? One's own ranking of a time beside what others published of it."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from teiten import periods
from teiten.engine import filters, questions
from teiten.engine.filters import thing_text
from teiten.errors import UsageError
from teiten.report import figures
from teiten.web import elsewhere
from teiten.web.asked import Asked, place
from teiten.web.elsewhere import Comparison, Key, Published, Row
from teiten.web.model import Cell, Column, Field, Form, Part, Table, View
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/compare"
SEES = "viewer"
NEEDS = "analyst"
NAV = (75, "web_compare.nav")
STILL = True
RANKED: Final = 5000
"""rows of our own ranking that are looked at"""
NAMED: Final = 3
"""things that a sentence names; the table has all of them"""
FEW: Final = 3
"""hosts of whom it is said that they are few"""


async def chosen(asked: Asked) -> tuple[list[Published], list[tuple[str, int]], Published | None]:
    """Every set, the files with lines that are none, and the set that the address names (`set`), else the latest of the
    lake's time, else the latest. UsageError for a set that is not there."""
    sets, wrong = await asyncio.to_thread(elsewhere.kept, asked.settings.lake, asked.settings.zone)
    named = asked.words.get("set")
    if named is not None:
        found = next((one for one in sets if one.id == named), None)
        if found is None:
            raise UsageError("There are no published figures of that name.", hint="The page lists those that there are.")
        return sets, wrong, found
    return sets, wrong, next((one for one in sets if one.period.start < asked.now), next(iter(sets), None))


def own_period(asked: Asked, published: Published) -> periods.Period:
    """The time of ours that is compared: that of the figures, or the one that the address names (`own`). UsageError."""
    text = asked.words.get("own")
    if text is None:
        return published.period
    for kind in periods.KINDS:
        try:
            return periods.parse(kind, text, asked.settings.zone)
        except UsageError:
            continue
    raise UsageError(f"'{text[:40]}' names no period.", hint="Write 2026-05-01, 2026-W18, 2026-05 or 2026-Q2.")


async def compared(asked: Asked, pool: Pool, published: Published) -> tuple[Comparison, periods.Period]:
    """The figures beside ours: all sensors, or those that the address chooses, with its side of research scanners."""
    period = own_period(asked, published)
    what, by = elsewhere.THINGS[published.thing], published.unit
    # of the filters those that say who watched and whom to leave out: with one of ports it would be no ranking of ports
    words = {name: asked.words.get(name) for name in ("sensor", "group", "scanners", "spoofed")}
    wanted = filters.parse(asked.settings, **words)

    def ask(session: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        rows = questions.rank(session, what, period.start, period.end, by=by, filters=wanted, n=RANKED)  # type: ignore[arg-type]
        return list(rows), dict(questions.totals(session, period.start, period.end, filters=wanted)[0])

    rows, totals = await pool.ask(("compare", what, by, period.name, tuple(words.values())), ask)
    total, hosts = int(totals["packets" if by == "packets" else "hosts"] or 0), int(totals["hosts"] or 0)
    return elsewhere.compare(published, rows, total, hosts), period


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    sets, wrong, published = await chosen(asked)
    parts: list[Part] = []
    if published is not None:
        found, period = await compared(asked, pool, published)
        parts += [_words(speech, published, found, period), *_beside(speech, published, found, period)]
    parts += [_sets(speech, sets, wrong, published), _give(speech)]
    return View(speech.say("web_compare.title"), parts, lead=[speech.say("web_compare.lead")], bar="none")


async def act(asked: Asked, pool: Pool, form: dict[str, str]) -> View:
    """Takes a CSV: lines that are none are counted and told; a text without any that is one is not kept."""
    speech = Speech.of(asked)
    text = form.get("csv", "")
    sets, bad = elsewhere.read(text, asked.settings.zone)
    if sets:
        await asyncio.to_thread(elsewhere.keep, asked.settings.lake, text)
        if not bad:
            return View("", [], more={"redirect": asked.url(PATH, set=sets[0].id, own=None)})
    said = [speech.say("web_compare.taken", n=sum(len(one.lines) for one in sets), bad=len(bad))]
    rows = [(str(one.number), speech.say(f"web_compare.bad_{one.why}")) for one in bad[:50]]
    columns = [Column(speech.say("web_compare.line")), Column(speech.say("web_compare.why"), "text")]
    links = [Cell(_title(speech, one), asked.url(PATH, set=one.id, own=None)) for one in sets]
    table = Table(speech.say("web_compare.bad"), columns, rows)
    part = Part("taken", speech.say("web_compare.bad"), sentences=said, table=table, links=links)
    return View(speech.say("web_compare.title"), [part, _give(speech)], status=200 if sets else 400, bar="none")


def _title(speech: Speech, published: Published) -> str:
    return speech.say(
        "web_compare.set", source=published.source, period=_period(speech, published.period),
        thing=speech.say(f"web.{elsewhere.THINGS[published.thing]}_one"), unit=speech.say(f"web.{published.unit}"),
    )  # fmt: skip


def _period(speech: Speech, period: periods.Period) -> str:
    if period.kind == "monthly":
        return speech.words.month(period.first)
    if period.kind == "quarterly":
        return speech.words.quarter(period.first)
    return speech.words.date(period.first) if period.kind == "daily" else period.name


def label(speech: Speech, key: Key) -> str:
    """A thing's name."""
    if isinstance(key, str):
        return speech.country(key)
    return str(key[1]) if key[0] is None else speech.port(key)


def _cell(speech: Speech, key: Key, period: periods.Period) -> Cell:
    """The name, and the page of the thing in that time."""
    if isinstance(key, str):
        where = place("country", key)
    else:
        where = place("port", str(key[1]) if key[0] is None else thing_text(key[0], key[1]))
    return Cell(label(speech, key), speech.asked.url(where, period=period.name, from_=None, to=None, set=None, own=None))


def _words(speech: Speech, published: Published, found: Comparison, period: periods.Period) -> Part:
    """What the comparison comes to: carefully."""
    say = speech.say
    told: list[str] = []
    if not found.total:
        told.append(say("web_compare.nothing_here", period=_period(speech, period)))
    elif found.looks == "few":
        told.append(say("web_compare.few", n=found.places))
    else:
        fields: dict[str, Any] = {"source": published.source, "n": found.shared, "places": found.places}
        told.append(say(f"web_compare.looks_{found.looks}", **fields))
        if found.tau is not None:
            said = "order_same" if found.tau >= 0.5 else "order_other" if found.tau < 0.2 else "order_partly"
            told.append(say(f"web_compare.{said}", tau=f"{found.tau:.2f}".replace("-", "\N{MINUS SIGN}")))
        told += _only(speech, found)
    if period != published.period:
        told.append(say("web_compare.other_time", own=_period(speech, period), theirs=_period(speech, published.period)))
    told.append(say("web_compare.careful", n=found.places))
    return Part("words", _title(speech, published), sentences=told)


def _only(speech: Speech, found: Comparison) -> list[str]:
    """What is among the first of one side alone."""
    say, out = speech.say, []
    ours = [row for row in found.rows if row.side == "ours"]
    if ours:
        named = _named(speech, ours)
        out.append(say("web_compare.only_ours", names=named, n=len(ours), places=found.places))
        lone = [row for row in ours if row.hosts <= FEW]
        if lone:
            named = _named(speech, lone)
            out.append(say("web_compare.lone", names=named, n=max(row.hosts for row in lone)))
    theirs = [row for row in found.rows if row.side == "theirs"]
    if theirs:
        named = _named(speech, theirs)
        unseen = sum(row.own is None for row in theirs)
        out.append(say("web_compare.only_theirs", names=named, n=len(theirs), unseen=unseen))
    return out


def _named(speech: Speech, rows: list[Row]) -> str:
    named = speech.say("web_compare.comma").join(label(speech, row.key) for row in rows[:NAMED])
    return speech.say("web_compare.and_more", names=named) if len(rows) > NAMED else named


def _beside(speech: Speech, published: Published, found: Comparison, period: periods.Period) -> list[Part]:
    """The slope chart and the table."""
    if not found.total:
        return []
    say, words = speech.say, speech.words
    things = published.thing
    rows = [
        figures.SlopeRow(key=_colour(row.key), label=label(speech, row.key), before=row.theirs, now=row.own)
        for row in found.rows
    ]
    title = say("web_compare.chart", source=published.source)
    figure = figures.SlopeFigure(
        id="compare", title=title, rows=rows, before_label=published.source[:24], now_label=say("web_compare.here"),
        things=things, places=min(found.places, 20),
    )  # fmt: skip
    columns = [
        Column(say(f"web.{elsewhere.THINGS[things]}_one"), "text"), Column(say("web_compare.their_rank")),
        Column(say("web_compare.our_rank")), Column(say("web_compare.their_share"), spare=True),
        Column(say("web_compare.our_share"), spare=True),
        Column(say("web_compare.between"), spare=True), Column(say("web.hosts"), spare=True),
        Column(say("web_compare.says"), "text"),
    ]  # fmt: skip

    def part_of(share: float | None) -> str:
        return "–" if share is None else words.percent(share)

    shown = [
        (
            _cell(speech, row.key, period),
            "–" if row.theirs is None else str(row.theirs),
            "–" if row.own is None else str(row.own),
            part_of(row.their_share),
            part_of(row.share),
            "–" if row.low is None or row.high is None else f"{words.percent(row.low)}–{words.percent(row.high)}",
            words.number(row.hosts),
            _says(speech, row),
        )
        for row in found.rows
    ]
    note = say("web_compare.note")
    table = Table(title, columns, shown, note=note, rows_url=speech.asked.url("/api/v1/compare", set=published.id))
    return [Part("beside", title, figure=figure), Part("rows", say("web_compare.rows"), table=table)]


def _says(speech: Speech, row: Row) -> str:
    told = [] if row.side == "both" else [speech.say(f"web_compare.side_{row.side}")]
    if row.apart:
        more = (row.share or 0.0) > (row.their_share or 0.0)
        told.append(speech.say("web_compare.more" if more else "web_compare.less"))
    return speech.say("web_compare.comma").join(told)


def _colour(key: Key) -> str:
    if isinstance(key, str):
        return key
    return thing_text(key[0] or elsewhere.PROTOCOLS["tcp"], key[1])


def _sets(speech: Speech, sets: list[Published], wrong: list[tuple[str, int]], published: Published | None) -> Part:
    say, asked = speech.say, speech.asked
    columns = [Column(say(f"web_compare.{name}"), "text") for name in ("source", "period", "thing")]
    columns += [Column(say("web_compare.figures")), Column(say("web_compare.from"), "text", spare=True)]
    rows = [
        (
            Cell(one.source, asked.url(PATH, set=one.id, own=None)),
            _period(speech, one.period),
            f"{say(f'web.{elsewhere.THINGS[one.thing]}_one')} ({say(f'web.{one.unit}')})",
            speech.words.number(len(one.lines)),
            one.url,
        )
        for one in sets
    ]
    told = [say("web_compare.wrong_file", file=name, n=n) for name, n in wrong[:10]]
    table = Table(say("web_compare.sets"), columns, rows) if rows else None
    return Part("sets", say("web_compare.sets"), sentences=told, table=table, empty=say("web_compare.none"))


def _give(speech: Speech) -> Part:
    say = speech.say
    area = Field("csv", say("web_compare.csv"), "area", required=True, most=elsewhere.MOST_BYTES)
    form = Form(PATH, [area], say("web_compare.send"), NEEDS, say("web_compare.kept"))
    return Part("give", say("web_compare.give"), sentences=[say("web_compare.form")], raw=EXAMPLE, form=form)


EXAMPLE: Final = """source,period,thing,name,rank,share
TSUBAME,2022-Q3,port,23/TCP,1,
TSUBAME,2022-Q3,port,6379/TCP,2,
"""
"""how such a text begins; a longer one is docs/guide/published.csv"""
