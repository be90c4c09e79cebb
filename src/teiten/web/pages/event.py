"""One event: its columns, the line or packet that it came from, what lies beside it; the sensor's address is covered."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any, Final

from teiten import event
from teiten.engine.filters import Filters, thing_text, timestamp
from teiten.engine.questions import Query
from teiten.errors import UsageError
from teiten.publish import masks
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Table, View
from teiten.web.pages import events
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/event/{event}"
SEES = "viewer"

COVER: Final = frozenset({"id", "seq", "ack"})
"""of a line, besides what every mask covers: fields that scanners make from the destination (Mirai, masscan, ZMap)"""
_OWN: Final = frozenset({"dst_ip", "inner_src_ip", "inner_dst_ip"})
_TELLING: Final = frozenset({"ip_id", "tcp_seq", "tcp_ack", "payload"})
_SQL = "SELECT * FROM {events} WHERE {where} AND time = {time} AND source_id = {source} AND source_pos = {pos} LIMIT 100"


async def build(asked: Asked, pool: Pool) -> View:
    text = asked.told["event"]
    try:
        at = events.Place.read(text)
    except (ValueError, OverflowError):
        raise UsageError(f"'{text[:40]}' is no event.", hint="The list of events leads to each of them.") from None
    found = await pool.ask(("event", at), lambda s: _found(s, asked, at))
    if not found:
        raise UsageError("There is no such event.", hint="It may be no longer kept. The list of events shows those that are.")
    told = await pool.ask(("raw of event", at), lambda s: _raw(s, asked, at, found[0]))
    speech = Speech.of(asked)
    row = found[0]
    title = speech.say("web_events.title", at=_at(speech, row["time"]))
    parts = [_line(speech, told), _columns(speech, found), _ways(asked, row)]
    return View(title, parts, lead=_lead(speech, row), bar="none")


def _found(session: Any, asked: Asked, at: events.Place) -> list[dict[str, Any]]:
    """Rows of that line and time, addresses packed; outgoing ones (whose source is one's own) are none."""
    span = Filters(start=at.time, end=at.time + dt.timedelta(microseconds=1))
    key = timestamp(at.time), str(at.source), str(at.pos)
    return list(Query(_SQL, {"where": span}, time=key[0], source=key[1], pos=key[2]).rows(session))


def _raw(session: Any, asked: Asked, at: events.Place, row: dict[str, Any]) -> tuple[str, str, str]:
    """The kind of what there is (line, packet, rebuilt), the text to show, and why it is not the input's own."""
    from teiten.publish import hexes
    from teiten.readers import _packets, _raw

    reading, key = asked.settings.reading, (at.source, at.pos)
    raw = _raw.lines(session.lake, [key], reading)[key]
    why = raw.why
    if not why:
        try:
            return "line", masks.mask(raw.text, COVER), ""
        except masks.Refused:
            why = "refused"
    if why == _raw.NO_LINE:
        packet = _packets.packet(session.lake, at.source, at.pos, (row["src_ip"], row["dst_ip"]), reading)
        if not packet.why:
            return "packet", "\n".join(hexes.show(packet.data)), ""
        why = packet.why
    try:
        return "rebuilt", masks.mask(_raw.rebuild(row, session.zone), COVER), why
    except masks.Refused:
        return "rebuilt", "", why


def _lead(speech: Speech, row: dict[str, Any]) -> list[str]:
    from teiten.frame import address_text

    source = address_text(row["src_ip"])
    port = speech.thing("ports", row).text
    return [speech.say("web_events.lead", source=source, port=port, sensor=row["sensor"])]


def _line(speech: Speech, told: tuple[str, str, str]) -> Part:
    kind, text, why = told
    say = speech.say
    sentences = [say(f"web_events.{kind}")]
    if why:
        sentences.append(say(f"web_events.why_{why.replace(' ', '_')}"))
    return Part("raw", say(f"web_events.{kind}_title"), sentences=sentences, raw=text)


def _columns(speech: Speech, found: list[dict[str, Any]]) -> Part:
    say, row = speech.say, found[0]
    shown = []
    for column in event.COLUMNS:
        value = row.get(column.name)
        if value is None:
            continue
        shown.append((column.name, _text(speech, column, value), getattr(column, speech.words.lang)))
    sentences = [say("web_events.several", n=len(found))] if len(found) > 1 else []
    missing = [c.name for c in event.COLUMNS if row.get(c.name) is None]
    note = say("web_events.not_said", names=speech.words("number.comma").join(missing)) if missing else ""
    columns = [Column(say(f"web.{name}"), "text") for name in ("column", "value", "meaning")]
    return Part(
        "columns", say("web_events.columns"), sentences=sentences,
        table=Table(say("web_events.columns"), columns, shown, note=note),
    )  # fmt: skip


def _text(speech: Speech, column: event.Column, value: Any) -> str:
    """A value as a reader takes it; what tells the observer's address as stars."""
    from teiten.frame import address_text

    if column.name in _OWN:
        return masks.V4 if len(value) == 4 else masks.V6
    if column.name in _TELLING:
        return masks.STARS
    if column.kind == "address":
        return address_text(value)
    if column.kind == "time":
        return _at(speech, value) if not value.microsecond else value.astimezone(speech.settings.zone).isoformat(sep=" ")
    if column.kind == "bool":
        return speech.say("web_events.yes" if value else "web_events.no")
    if column.name in ("protocol", "inner_protocol"):
        return f"{value} {thing_text(value, None)}"
    flags = {"tcp_flags": event.TCP_FLAGS, "ip_flags": event.IP_FLAGS}.get(column.name)
    if flags is not None:
        return " ".join([str(value), *(name for name, bit in flags.items() if value & bit)])
    return f"{value:,}" if column.unit == "bytes" else str(value)


def _at(speech: Speech, moment: dt.datetime) -> str:
    """A moment to the second."""
    return f"{speech.at(moment)}:{moment.second:02d}"


def _ways(asked: Asked, row: dict[str, Any]) -> Part:
    """The source's events around it, the port's, and the pages of what it names."""
    from teiten.frame import address_text

    speech = Speech.of(asked)
    say, source, zone = speech.say, address_text(row["src_ip"]), asked.settings.zone
    near = dt.timedelta(minutes=10)
    around = {
        "from": (row["time"] - near).astimezone(zone).isoformat(timespec="seconds"),
        "to": (row["time"] + near).astimezone(zone).isoformat(timespec="seconds"),
        "period": None,
    }
    plain = replace(asked, words={k: v for k, v in asked.words.items() if k in ("lang", "from", "to", "period")})
    named = {**row, "src_ip": source}
    port = speech.thing("ports", named)
    links = [
        Cell(say("web_events.around_source", source=source), plain.url("/events", **around, src=source)),
        Cell(say("web_events.around_all"), plain.url("/events", **around)),
        Cell(source, plain.url(place("source", source))),
        *([Cell(port.text, plain.url(port.url.partition("?")[0]))] if port.url else []),
        Cell(row["sensor"], plain.url(place("sensor", row["sensor"]))),
    ]
    return Part("ways", say("web_events.ways"), links=links)
