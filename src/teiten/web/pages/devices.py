"""Devices: what the sources of the span are, by evidence; how many devices behind how many addresses."""

from __future__ import annotations

import datetime as dt
from typing import Any

from teiten.report import devices as told
from teiten.web.asked import Asked
from teiten.web.model import Part, Table, View
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/devices"
SEES = "viewer"
NAV = (65, "devices.nav")


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    say = speech.say
    found = await pool.ask(("devices", asked.key), lambda s: ask(s, asked))
    if not any(day.answered for day in found.days):
        part = Part("devices", say("devices.title"), sentences=[say("devices.none")], empty=say("web.nothing"))
        return View(say("devices.title"), [part], lead=[speech.span()], bar="filters")
    figure = told.figure_of(
        found, speech, "devices", days(asked), asked.settings.zone, title=say("devices.title"), subtitle=speech.span()
    )
    rows = told.table_rows(found, speech.words)
    table = Table(say("devices.caption"), told.columns(speech.words), rows, note=say("devices.rule"),
                  rows_url=asked.url("/api/v1/devices"))  # fmt: skip
    parts = [
        Part("devices", say("devices.title"), sentences=told.sentences(found, speech), figure=figure),
        Part("families", say("devices.family"), table=table),
    ]
    return View(say("devices.title"), parts, lead=[speech.span()], bar="filters")


def ask(session: Any, asked: Asked) -> Any:
    """The devices of the span; from the beginning of its first day."""
    from teiten.devices import asked as of

    return of.of(session, asked.filters.between(asked.start, asked.end), asked.settings)


def days(asked: Asked) -> list[dt.date]:
    """The days of the span, those of which nothing was seen too."""
    zone = asked.settings.zone
    first = asked.start.astimezone(zone).date()
    last = (min(asked.end, asked.now) - dt.timedelta(microseconds=1)).astimezone(zone).date()
    return [first + dt.timedelta(days=n) for n in range(max(1, (last - first).days + 1))]
