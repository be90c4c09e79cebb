"""Scanners and watchlists: who announced themselves, how many of each were seen, by which list, beside all other traffic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from teiten.engine.questions import Rows
from teiten.report import figures
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Row, Table, View
from teiten.web.pages import _ranked, _source
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/scanners"
SEES = "viewer"
NAV = (60, "web.scanners")
EVERY = 1000
"""organisations of which it is told how many were seen"""


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    say = speech.say
    rows = await _ranked.ranked(replace(asked, n=EVERY), pool, "scanners")
    found = await pool.ask(("research", asked.key), lambda s: _research(s, asked))
    parts = [
        Part("research", say("web_scanners.others"), sentences=_share(asked, found), figure=_figure(asked, found),
             empty=say("web.nothing")),
        *await _time(asked, pool, bool(rows)),
        Part("organisations", say("web_scanners.organisations"), table=_organisations(asked, rows)),
        Part("lists", say("web_scanners.lists"), table=_lists(asked, {row["scanner"] for row in rows if row["scanner"]})),
    ]  # fmt: skip
    return View(say("web.scanners"), parts, lead=[speech.span()])


async def _time(asked: Asked, pool: Pool, any_seen: bool) -> list[Part]:
    if not any_seen:
        return []
    found = await pool.ask(("series", "scanners", asked.key), lambda s: _ranked.through_time(s, asked, "scanners"))
    # whoever announced nothing is in the chart above
    announced = Rows([row for row in found.rows if row["part"] != "unknown"], found.rows.sql)
    figure = _ranked.stack(asked, "scanners", replace(found, rows=announced))
    return [Part("scanners-time", Speech.of(asked).say("web.scanners_time"), figure=figure)]


def _research(session: Any, asked: Asked) -> dict[str, _ranked.Found]:
    """Packets by step of research scanners, and of all others."""
    sides = (("research", "only"), ("rest", "out"))
    own = {name: replace(asked, filters=replace(asked.filters, scanners=side)) for name, side in sides}
    return {name: _ranked.through_time(session, one, None) for name, one in own.items()}


def _share(asked: Asked, found: dict[str, _ranked.Found]) -> list[str]:
    speech = Speech.of(asked)
    sums = {name: sum(row["packets"] for row in found[name].rows) for name in ("research", "rest")}
    every = sum(sums.values())
    if not every:
        return []
    share = speech.words.percent(sums["research"] / every)
    return [speech.say("web_scanners.share", all=every, n=sums["research"], share=share)]


def _figure(asked: Asked, found: dict[str, _ranked.Found]) -> figures.Figure | None:
    """The two through time."""
    speech = Speech.of(asked)
    starts, missing = found["rest"].starts, found["rest"].gaps
    if not found["research"].rows and not found["rest"].rows:
        return None
    place_of = {moment.timestamp(): n for n, moment in enumerate(starts)}
    made = []
    for name in ("rest", "research"):
        values: list[float | None] = [0.0] * len(starts)
        for row in found[name].rows:
            n = place_of.get(row["start"].timestamp())
            if n is not None:
                values[n] = float(row["packets"])
        ends = [*starts[1:], asked.end]
        for n, (a, b) in enumerate(zip(starts, ends, strict=True)):
            if not values[n] and any(low <= a and b <= high for low, high in missing):
                values[n] = None
        kind = "other" if name == "rest" else "value"
        made.append(figures.Series(name, speech.say(f"web_scanners.{name}"), values, kind=kind))  # type: ignore[arg-type]
    return figures.StackFigure(
        id="research", title=speech.say("web_scanners.others"), subtitle=speech.span(), step=asked.step, series=made,
        unit=speech.say(f"web.unit_packets_{asked.step}"), times=[t.astimezone(asked.settings.zone) for t in starts],
        things="organisation", totals=True, gaps=[figures.Gap(low, high) for low, high in missing],
    )  # fmt: skip


def _organisations(asked: Asked, rows: Any) -> Table:
    """Every organisation of a list, those that were seen first."""
    speech = Speech.of(asked)
    say, words = speech.say, speech.words
    known = _source.watchlists(asked.settings)
    seen = {row["scanner"]: row for row in rows if row["scanner"]}
    names = [*seen, *sorted((set(known.organisations) - set(seen)), key=str.casefold)]
    out: list[Row] = []
    for name in names:
        row, one = seen.get(name), known.organisations.get(name)
        listed = sorted({chosen.name for chosen in known.newest() if name in chosen.organisations})
        out.append((
            Cell(one.text(asked.lang) if one else name, asked.url(place("scanner", name))), ", ".join(listed) or "–",
            words.number(row["packets"]) if row else say("web_scanners.not_seen"), words.number(row["hosts"]) if row else "–",
            Cell(words.percent(row["share"]), share=row["share"]) if row else "–",
        ))  # fmt: skip
    columns = [Column(say("web_scanners.organisation"), "text"), Column(say("web_scanners.list"), "text", spare=True),
               Column(say("web.packets")), Column(say("web.hosts")), Column(say("web.share"))]  # fmt: skip
    note = say("web.share_of", n=rows.total or 0, of=say(f"web.{asked.by}").lower())
    return Table(say("web_scanners.organisations"), columns, out, note=note, rows_url=asked.url("/api/v1/rank/scanners"))


def _lists(asked: Asked, seen: set[str]) -> Table:
    """The lists at hand, in their newest versions."""
    speech = Speech.of(asked)
    say, words = speech.say, speech.words
    rows: list[Row] = []
    for one in _source.watchlists(asked.settings).newest():
        met = len(seen & set(one.organisations))
        rows.append((
            one.name, one.version, words.plain(one.date), words.number(one.prefixes), words.number(one.patterns),
            words.number(len(one.organisations)), words.number(met) if met else say("web_scanners.not_seen"),
            one.licence or "–", one.source,
        ))  # fmt: skip
    columns = [Column(say(f"web_scanners.{name}"), "text", spare=name == "dated") for name in ("list", "version", "dated")]
    columns += [Column(say(f"web_scanners.{name}"), spare=True) for name in ("prefixes", "names")]
    columns += [Column(say("web_scanners.organisations")), Column(say("web_scanners.seen"))]
    columns += [Column(say(f"web_scanners.{name}"), "text", spare=True) for name in ("licence", "from_where")]
    return Table(say("web_scanners.lists"), columns, rows, note=say("web_scanners.lists_note"))
