"""Events, the newest first: rows that stay where they are while others come in."""

from __future__ import annotations

from dataclasses import replace

from teiten.web import listing
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Table, View
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/events"
NAV = (80, "web.events")


async def build(asked: Asked, pool: Pool) -> View:
    after = listing.place_of(asked)
    own = replace(asked, n=int(asked.words.get("n", 100)))
    found = await pool.ask(("events", own.key, after), lambda s: listing.rows(s, own, after))
    speech = Speech.of(asked)
    say = speech.say
    columns = [
        Column(say(f"web.{name}"), "text")
        for name in ("time", "sensors_one", "sources_one", "ports_one", "countries_one", "asns_one")
    ]
    columns += [Column("TTL", spare=True), Column(say("web.packets"), spare=True)]
    shown = [
        (
            f"{row['time'].astimezone(asked.settings.zone):%Y-%m-%d %H:%M:%S}",
            Cell(row["sensor"], asked.url(place("sensor", row["sensor"]), after=None)),
            Cell(row["src_ip"], asked.url(place("source", row["src_ip"]), after=None)),
            speech.thing("ports", row),
            speech.thing("countries", row),
            speech.thing("asns", row),
            "" if row["ttl"] is None else str(row["ttl"]),
            speech.words.number(row["packets"]),
        )
        for row in found
    ]
    following = listing.next_of(own, found, after)
    lines = [(Cell(say("web.older"), asked.url(after=following)),)] if following else []
    table = Table(say("web.events"), columns, shown, rows_url=asked.url("/api/v1/events"))
    parts = [
        Part("events", say("web.events"), table=table, empty=say("web.nothing"), sql=found.sql),
        *([Part("older", "", table=Table(say("web.older"), [Column("", "text")], lines))] if lines else []),
    ]  # fmt: skip
    return View(say("web.events"), parts, lead=[speech.span()])
