"""Sensors beside each other: per observed address, how much of the time each watched, what it lost, what only one sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from teiten.engine import series
from teiten.engine.filters import thing_text
from teiten.report import figures
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Row, Table, View
from teiten.web.pages import _ranked, _sensors
from teiten.web.pool import Pool, together
from teiten.web.speech import Speech

PATH = "/sensors"
SEES = "viewer"
NAV = (70, "web.sensors")
MOST = 30
"""sensors with a panel of their own"""
LEAST = 0.5
"""of the span: a sensor that watched for less is none of those that a title compares"""
FEW = 30
"""packets: nor is one that got fewer"""
ALIKE = 1.1
"""rates that differ by less than that factor are told as alike"""


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    say = speech.say
    found, rows = await together(
        pool.ask(("sensors", asked.key), lambda s: _sensors.compared(s, asked)), _ranked.ranked(asked, pool, "sensors")
    )
    parts = [Part("sensors", say("web_sensors.compared"), table=table(asked, found), empty=say("web.nothing"))]
    if len(found) > 1:
        told = await pool.ask(("sensors through time", asked.key), lambda s: _sensors.through_time(s, asked, MOST))
        parts.append(
            Part(
                "each",
                _each(speech, found),
                drawn=_drawn(asked, found),
                figure=_panels(asked, found, told),
                empty=say("web.nothing"),
                wide=True,
            )
        )
    else:
        time = await pool.ask(("series", "sensors", asked.key), lambda s: _ranked.through_time(s, asked, "sensors"))
        parts.append(_ranked.timed(asked, "sensors", time, rows, "time"))
    parts.append(Part("ranked", say("web.sensors"), table=_ranked.table(asked, "sensors", rows), empty=say("web.nothing"),
                      sql=rows.sql))  # fmt: skip
    groups = sorted({one.group for one in found if one.group})
    if groups:
        parts.append(
            Part("groups", say("web_sensors.groups"), links=[Cell(name, asked.url("/sensors", group=name)) for name in groups])
        )
    return View(say("web.sensors"), parts, lead=[speech.span()])


def table(asked: Asked, found: Sequence[_sensors.One]) -> Table:
    """A line a sensor."""
    speech = Speech.of(asked)
    say, words = speech.say, speech.words
    columns = [Column(say("web.sensors_one"), "text"), Column(say("web_sensors.group"), "text", spare=True),
               Column(say("web_sensors.addresses"), spare=True), Column(say("web_sensors.watched")),
               Column(say("web_sensors.lost"), spare=True), Column(say("web.packets")), Column(say("web_sensors.rate")),
               Column(say("web_sensors.alike"), spare=True), Column(say("web_sensors.only_here"), "text", spare=True),
               Column(say("web_sensors.last"), "text", spare=True)]  # fmt: skip
    rows: list[Row] = [
        (
            Cell(one.name, asked.url(place("sensor", one.name))), one.group or "–", _sensors.addresses(one.addresses),
            Cell(words.percent(one.watched), share=one.watched), lost(speech, one), words.number(one.packets),
            "–" if one.rate is None else f"{one.rate:,.1f}", "–" if one.alike is None else f"{one.alike:.2f}",
            " ".join(thing_text(*port) for port in one.only_here if port[0] is not None) or "–",
            speech.at(one.last) if one.last else say("web_sensors.never"),
        )
        for one in found
    ]  # fmt: skip
    return Table(say("web_sensors.compared"), columns, rows, note=say("web_sensors.note"),
                 rows_url=asked.url("/api/v1/coverage"))  # fmt: skip


def lost(speech: Speech, one: _sensors.One) -> str:
    """Losses, or that nobody gives account of them."""
    if not one.lost.known:
        return speech.say("web_sensors.no_account")
    return speech.words.number(one.lost.lost)


def _panels(asked: Asked, found: Sequence[_sensors.One], told: tuple) -> figures.Figure:  # type: ignore[type-arg]
    """Packets per observed address of each sensor, all on one scale; what was not watched has no value, and is hatched."""
    rows, starts, missing = told
    spread = series.spread(rows, starts, ("sensor",))
    ends = [*starts[1:], asked.end]
    made = []
    for one in found[:MOST]:
        values = spread.get((one.name,), [0] * len(starts))
        gaps = missing.get(one.name, [])
        quiet = [any(g["start"] <= a and b <= g["end"] for g in gaps) for a, b in zip(starts, ends, strict=True)]
        by = one.addresses or 1.0
        shown = [None if silent else v / by for v, silent in zip(values, quiet, strict=True)]
        made.append(figures.Series(one.name, one.name, shown))
    speech = Speech.of(asked)
    own = {name: [figures.Gap(g["start"], g["end"], _because(speech, g)) for g in gaps] for name, gaps in missing.items()}
    return figures.SmallMultiples(
        id="each", title=_each(speech, found), subtitle=_drawn(asked, found), step=asked.step, things="sensor", series=made,
        own_gaps=own,
        unit=speech.say(f"web_sensors.unit_{asked.step}"), times=[t.astimezone(asked.settings.zone) for t in starts],
    )  # fmt: skip


def _each(speech: Speech, found: Sequence[_sensors.One]) -> str:
    """Which sensor gets most for each of its addresses, and which least; the plain name where no two of them can be told."""
    rated = sorted(
        ((one.rate, one.name) for one in found if one.rate is not None and one.watched >= LEAST and one.packets >= FEW),
        key=lambda one: -one[0],
    )
    if len(rated) < 2:
        return speech.say("web_sensors.each")
    (most, high), (least, low) = rated[0], rated[-1]
    key = "web_finding.each" if most >= ALIKE * least else "web_finding.each_alike"
    return speech.say(key, most=figures.number(most), high=high, least=figures.number(least), low=low, n=len(rated))


def _drawn(asked: Asked, found: Sequence[_sensors.One]) -> str:
    speech = Speech.of(asked)
    unit = speech.say(f"web_sensors.unit_{asked.step}")
    watched = [one for one in found if one.watched > 0]
    share = sum(one.watched for one in watched) / len(watched) if watched else 0.0
    told = [
        speech.packets(sum(one.packets for one in found)),
        speech.say("count.sensors", n=len(watched)),
        speech.say("web_finding.coverage", share=speech.words.percent(share)),
    ]
    what = speech.say("web_finding.what", what=speech.say("web_sensors.each"), unit=unit)
    return speech.say("web_finding.line", what=what, told=speech.say("web_finding.comma").join(told))


def _because(speech: Speech, gap: Mapping[str, Any]) -> str:
    return str(gap.get("because") or speech.say(f"web_look.reason_{str(gap['reason']).replace(' ', '_')}"))
