"""Events, the newest first: rows that stay where they are while others come in."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from teiten.engine.filters import timestamp
from teiten.engine.questions import Query, Rows
from teiten.errors import UsageError
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Table, View
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/events"
SEES = "viewer"
NAV = (80, "web.events")

COLUMNS = (
    "time", "sensor", "src_ip", "protocol", "src_port", "dst_port", "country", "asn", "ttl", "packets", "source_id",
    "source_pos",
)  # fmt: skip
_SQL = """
SELECT time, sensor, {src_text} AS src_ip, protocol, src_port, dst_port, country, asn, ttl, packets, source_id, source_pos
FROM {events}
WHERE {where}{beyond}
ORDER BY time DESC, source_id DESC, source_pos DESC
LIMIT {n}
"""


def rows(session: Any, asked: Asked, after: tuple[dt.datetime, int, int] | None) -> Rows:
    """The next of the span's events after that one (time, source_id, source_pos)."""
    beyond = ""
    if after is not None:
        moment, source, pos = after
        beyond = f" AND (time, source_id, source_pos) < ({timestamp(moment)}, {source}, {pos})"
    wanted = asked.filters.between(asked.start, asked.end)
    if after is not None:
        # files of later times need not be opened
        wanted = replace(wanted, end=min(asked.end, after[0] + dt.timedelta(microseconds=1)))
    return Query(_SQL, {"where": wanted}, beyond=beyond, n=str(asked.n)).rows(session)


def place_of(asked: Asked) -> tuple[dt.datetime, int, int] | None:
    """`after` of the address: microseconds, source, position."""
    text = asked.words.get("after")
    if not text:
        return None
    try:
        micros, source, pos = (int(part) for part in text.split("."))
        return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=micros), source, pos
    except (ValueError, OverflowError):
        raise UsageError("after is no place in the list of events.", hint="Begin again at its top.") from None


def next_of(asked: Asked, found: Rows) -> str | None:
    """`after` of the page that follows; None where there is none."""
    if len(found) < asked.n:
        return None
    last = found[-1]
    micros = (last["time"] - dt.datetime.fromtimestamp(0, dt.UTC)) // dt.timedelta(microseconds=1)
    return f"{micros}.{last['source_id']}.{last['source_pos']}"


async def build(asked: Asked, pool: Pool) -> View:
    after = place_of(asked)
    own = replace(asked, n=int(asked.words.get("n", 100)))
    found = await pool.ask(("events", own.key, after), lambda s: rows(s, own, after))
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
    following = next_of(own, found)
    lines = [(Cell(say("web.older"), asked.url(after=following)),)] if following else []
    table = Table(say("web.events"), columns, shown, rows_url=asked.url("/api/v1/events"))
    parts = [
        Part("events", say("web.events"), table=table, empty=say("web.nothing"), sql=found.sql),
        *([Part("older", "", table=Table(say("web.older"), [Column("", "text")], lines))] if lines else []),
    ]  # fmt: skip
    return View(say("web.events"), parts, lead=[speech.span()])
