"""A sensor: what reached it, when it watched, why not, and what it lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from teiten import coverage
from teiten.engine import gaps, series
from teiten.errors import UsageError
from teiten.report.model import Fact
from teiten.web import told
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Row, Table, View
from teiten.web.pages import _notes, _sensors, _thing
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/sensor/{sensor:path}"
SEES = "viewer"
NEEDS = "analyst"
DAYS = 62
"""days of the calendar, the span's last ones"""


async def build(asked: Asked, pool: Pool) -> View:
    text = asked.told["sensor"]
    await _known(asked, pool, text)
    own = _thing.narrowed(asked, sensor=text)
    found = await pool.ask(("sensors", own.key), lambda s: _sensors.compared(s, own))
    days = await pool.ask(("days of sensor", own.key), lambda s: _days(s, own))
    missing = await pool.ask(("gaps of sensor", own.key), lambda s: _gaps(s, own))
    notes = [note for note in await _notes.every(pool) if note["sensor"] == text]
    gap_notes = _notes.on_span(own, [n for n in await _notes.every(pool) if n["kind"] == "gap" and not n["sensor"]])
    more = [_calendar(own, days), _missing(own, missing), *_notes.part(own, [*notes, *gap_notes])]
    view = await _thing.view(
        asked, pool, text, {"sensor": text}, time="ports", tables=("ports", "countries", "asns", "sources"), more=more
    )
    health = Part("health", Speech.of(own).say("web_sensors.health"), facts=_facts(own, found[0])) if found else None
    first, *rest = view.parts
    return replace(view, parts=[first, *([health] if health else []), *rest, *_notes.forms(own)])


async def _known(asked: Asked, pool: Pool, name: str) -> None:
    """UsageError for a name that neither the configuration nor the lake has."""
    every = await pool.ask("names of sensors", lambda s: _sensors.names(s, asked.settings))
    if name not in every:
        raise UsageError(f"There is no sensor '{name[:80]}'.", hint=f"There are: {', '.join(every[:30])}.")


async def act(asked: Asked, pool: Pool, form: dict[str, str]) -> View:
    """Keeps a note on the sensor."""
    name = asked.told["sensor"]
    await _known(asked, pool, name)
    await _notes.add(asked, pool, {**form, "what": "note"}, {"sensor": name})
    return View("", [], more={"redirect": asked.url(place("sensor", name)) + "#notes"})


def _facts(own: Asked, one: _sensors.One) -> list[Fact]:
    speech = Speech.of(own)
    say, words = speech.say, speech.words
    basis = words.listed([say(f"web_sensors.basis_{name}") for name in one.bases])
    out = [
        Fact(say("web_sensors.watched"), words.percent(one.watched), ""),
        Fact(say("web_sensors.addresses"), _sensors.addresses(one.addresses), basis),
        Fact(say("web_sensors.last"), speech.at(one.last) if one.last else say("web_sensors.never"), ""),
        Fact(say("web_sensors.rate"), "–" if one.rate is None else f"{one.rate:,.1f}", ""),
    ]
    if one.lost.known:
        note = say("web_sensors.received", n=one.lost.received, refused=one.lost.refused)
        out.append(Fact(say("web_sensors.lost"), words.number(one.lost.lost), note))
    if one.group:
        out.append(Fact(say("web_sensors.group"), one.group, ""))
    return out


def _days(session: Any, own: Asked) -> list[tuple[dt.date, float, int]]:
    """Each of the span's last days: the day, which share of it was watched, packets; the latest first."""
    zone, end = own.settings.zone, min(own.end, own.now)
    last = (end - dt.timedelta(microseconds=1)).astimezone(zone).date()
    first = max(own.start.astimezone(zone).date(), last - dt.timedelta(days=DAYS - 1))
    start = dt.datetime.combine(first, dt.time(), zone)
    if start >= end:
        return []
    counts = {
        row["start"].date(): row["packets"] for row in series.series(session, None, start, end, "day", filters=own.filters)
    }
    watched: dict[dt.date, dt.timedelta] = {}
    for one in coverage.watched(session, start, end, own.filters.sensor):
        day = one.start.astimezone(zone).date()
        watched[day] = watched.get(day, dt.timedelta()) + (one.end - one.start)
    out = []
    for n in range((last - first).days + 1):
        day = last - dt.timedelta(days=n)
        begin = dt.datetime.combine(day, dt.time(), zone)
        after = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone)
        length = min(after, end).astimezone(dt.UTC) - begin.astimezone(dt.UTC)
        share = watched.get(day, dt.timedelta()) / length if length else 0.0
        out.append((day, min(1.0, share), counts.get(day, 0)))
    return out


def _calendar(own: Asked, found: Sequence[tuple[dt.date, float, int]]) -> Part:
    speech = Speech.of(own)
    say, words = speech.say, speech.words
    columns = [Column(say("web.day"), "text"), Column(say("web_sensors.watched")), Column(say("web.packets"))]
    rows: list[Row] = [
        (
            Cell(words.day(day), own.url(period=day.isoformat(), from_=None, to=None)),
            Cell(words.percent(share), share=share),
            words.number(packets) if share or packets else "–",
        )
        for day, share, packets in found
    ]
    title = say("web_sensors.calendar")
    return Part("calendar", title, table=Table(title, columns, rows), empty=say("web.nothing"))


def _gaps(session: Any, own: Asked) -> list[dict[str, Any]]:
    end = min(own.end, own.now)
    return list(gaps.gaps(session, own.start, end, sensors=own.filters.sensor)) if own.start < end else []


def _missing(own: Asked, found: Sequence[dict[str, Any]]) -> Part:
    """When it did not watch, and why as far as anybody said."""
    speech = Speech.of(own)
    say, title = speech.say, speech.say("web_sensors.gaps")
    columns = [Column(say("web_sensors.from"), "text"), Column(say("web_sensors.to"), "text"),
               Column(say("web_sensors.how_long")), Column(say("web_sensors.because"), "text")]  # fmt: skip
    rows: list[Row] = [
        (
            speech.at(gap["start"]), speech.at(gap["end"]), speech.words.duration(gap["end"] - gap["start"]),
            gap.get("because") or say(f"web_look.reason_{str(gap['reason']).replace(' ', '_')}"),
        )
        for gap in reversed(told.joined(found))
    ]  # fmt: skip
    return Part("gaps", title, table=Table(title, columns, rows), empty=say("web_sensors.no_gap"))
