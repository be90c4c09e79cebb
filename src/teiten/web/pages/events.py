"""Events, the newest first: rows that stay where they are while others come in, forwards and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from teiten.engine.filters import timestamp
from teiten.engine.questions import Query, Rows
from teiten.errors import UsageError
from teiten.web.asked import EARLIEST, LATEST, Asked, place
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
SELECT {shown}
FROM {events}
WHERE {where}{beyond}
ORDER BY time {way}, source_id {way}, source_pos {way}, dst_port {way}, src_port {way}, protocol {way}, ip_id {way}
LIMIT {n} OFFSET {skip}
"""
_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)
_MICRO: Final = dt.timedelta(microseconds=1)
_NEAR: Final = (dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(days=8))
"""how far from where the page begins is looked first: of a long span most files are not opened"""


class Place(NamedTuple):
    """A place in the list: an event, and how many of those that share its line and time lie on this side of it.

    ("last message repeated 30 times" is one line and thirty events.)"""

    time: dt.datetime
    source: int
    pos: int
    same: int = 1

    def text(self) -> str:
        """As it stands in an address: microseconds.source.position.same"""
        micros = (self.time - _EPOCH) // _MICRO
        return f"{micros}.{self.source}.{self.pos}" + (f".{self.same}" if self.same > 1 else "")

    @classmethod
    def read(cls, text: str) -> Place:
        """ValueError, OverflowError."""
        if len(text) > 100 or not text.isascii():
            raise ValueError
        micros, source, pos, *rest = (int(part) for part in text.split("."))
        same = rest[0] if rest else 1
        if len(rest) > 1 or not 1 <= same <= 10**6 or min(source, pos) < 0 or max(source, pos) >= 1 << 63:
            raise ValueError
        time = _EPOCH + dt.timedelta(microseconds=micros)
        if not EARLIEST <= time < LATEST:
            raise ValueError
        return cls(time, source, pos, same)


def rows(
    session: Any,
    asked: Asked,
    after: Place | None,
    *,
    newer: bool = False,
    n: int | None = None,
    columns: Sequence[str] = COLUMNS,
) -> Rows:
    """The next of the span's events after that one, the newest first; with `newer`, those next before it, in the same order.

    n: at most so many, else as asked.
    """
    most, wanted, beyond = n or asked.n, asked.filters.between(asked.start, asked.end), ""
    if after is not None:
        sign = ">=" if newer else "<="
        beyond = f" AND (time, source_id, source_pos) {sign} ({timestamp(after.time)}, {after.source}, {after.pos})"
        # files of other times need not be opened
        start, end = (max(asked.start, after.time), asked.end) if newer else (asked.start, min(asked.end, after.time + _MICRO))
        wanted = replace(wanted, start=start, end=end)
    found = Rows([], "")
    shown = ", ".join("{src_text} AS src_ip" if name == "src_ip" else name for name in columns)
    for near in (*_NEAR, None):
        close = _nearest(wanted, near, newer=newer)
        if close is None:
            continue
        skip = after.same if after is not None else 0
        way = "ASC" if newer else "DESC"
        found = Query(_SQL, {"where": close}, beyond=beyond, n=str(most), skip=str(skip), way=way, shown=shown).rows(session)
        if len(found) >= most:
            break
    if newer:
        found.reverse()
    return found


def _nearest(wanted: Any, near: dt.timedelta | None, *, newer: bool) -> Any:
    """The span's part that is so near to where the page begins; None where it is all of it, which is asked for last."""
    if near is None:
        return wanted
    if wanted.end - wanted.start <= near:
        return None
    return replace(wanted, end=wanted.start + near) if newer else replace(wanted, start=wanted.end - near)


def place_of(asked: Asked, name: str = "after") -> Place | None:
    """`after` (or `before`) of the address. UsageError."""
    text = asked.words.get(name)
    if not text:
        return None
    try:
        return Place.read(text)
    except (ValueError, OverflowError):
        raise UsageError(f"{name} is no place in the list of events.", hint="Begin again at its top.") from None


def next_of(asked: Asked, found: Sequence[Mapping[str, Any]], after: Place | None = None) -> str | None:
    """`after` of the page that follows; None where there is none. after: that of this page."""
    return edge(found, after).text() if len(found) >= asked.n else None


def edge(found: Sequence[Mapping[str, Any]], after: Place | None = None, *, first: bool = False) -> Place:
    """The place of the last row (or the first), and how many of this page, and before it, share it."""
    order = found if first else list(reversed(found))
    key = order[0]["time"], order[0]["source_id"], order[0]["source_pos"]
    same = 0
    for row in order:
        if (row["time"], row["source_id"], row["source_pos"]) != key:
            break
        same += 1
    if same == len(found) and after is not None and (after.time, after.source, after.pos) == key:
        same += after.same
    return Place(key[0], key[1], key[2], same)


async def build(asked: Asked, pool: Pool) -> View:
    after, before = place_of(asked), place_of(asked, "before")
    own = replace(asked, n=asked.n if "n" in asked.words else 100)
    newer, at = before is not None, before or after
    # one more than is shown tells whether there are further ones
    asks = await pool.ask(("events", own.key, at, newer), lambda s: rows(s, own, at, newer=newer, n=own.n + 1))
    more, sql = len(asks) > own.n, asks.sql
    shown = list(asks[-own.n :] if newer else asks[: own.n])
    speech = Speech.of(asked)
    say = speech.say
    part = Part(
        "events", say("web.events"), table=listed(asked, shown, rows_url=asked.url("/api/v1/events", after=None, before=None)),
        empty=say("web.nothing"), sql=sql, links=_ways(asked, shown, at, newer=newer, more=more),
    )  # fmt: skip
    return View(say("web.events"), [part], lead=[speech.span()], bar="filters")


def _ways(asked: Asked, shown: Sequence[Mapping[str, Any]], at: Place | None, *, newer: bool, more: bool) -> list[Cell]:
    say = Speech.of(asked).say
    out = []
    if at is not None:
        out.append(Cell(say("web_events.newest"), asked.url(after=None, before=None)))
    if shown and (more if newer else at is not None):
        first = edge(shown, at if newer else None, first=True).text()
        out.append(Cell(say("web_events.newer"), asked.url(after=None, before=first)))
    if shown and (newer or more):
        last = edge(shown, at if not newer else None).text()
        out.append(Cell(say("web.older"), asked.url(after=last, before=None)))
    return out


def listed(asked: Asked, found: Sequence[Mapping[str, Any]], *, rows_url: str = "") -> Table:
    """Events as a table, each line's time the way to the event itself."""
    speech = Speech.of(asked)
    say = speech.say
    columns = [
        Column(say(f"web.{name}"), "text", spare=name == "sensors_one")
        for name in ("time", "sensors_one", "sources_one", "ports_one", "countries_one", "asns_one")
    ]
    columns += [Column("TTL", spare=True), Column(say("web.packets"), spare=True)]
    plain = replace(asked, words={k: v for k, v in asked.words.items() if k not in ("after", "before")})
    own = replace(speech, asked=plain)
    shown = [
        (
            Cell(
                f"{row['time'].astimezone(asked.settings.zone):%Y-%m-%d %H:%M:%S}",
                plain.url(place("event", Place(row["time"], row["source_id"], row["source_pos"]).text())),
            ),
            own.thing("sensors", row),
            own.thing("sources", row),
            own.thing("ports", row),
            own.thing("countries", row),
            own.thing("asns", row),
            "" if row["ttl"] is None else str(row["ttl"]),
            speech.words.number(row["packets"]),
        )
        for row in found
    ]
    return Table(say("web.events"), columns, shown, rows_url=rows_url)
