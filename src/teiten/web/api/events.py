"""Events in pages that hold still; one event; the line of the log that it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teiten import event, inert
from teiten.errors import ForbiddenError
from teiten.web import who
from teiten.web.api import _forms
from teiten.web.api._door import NothingError
from teiten.web.api._shape import LIST, Address, Column, columns, of_view, pick
from teiten.web.asked import Asked
from teiten.web.pages import events as listing
from teiten.web.pool import Pool

_LISTED = (
    "time", "sensor", "src_ip", "protocol", "src_port", "dst_port", "icmp_type", "icmp_code", "tcp_flags", "ip_len", "ttl",
    "packets", "action", "kind", "country", "asn", "as_name", "source_id", "source_pos",
)  # fmt: skip
HIDDEN = (
    "dst_ip", "ip_id", "tcp_seq", "tcp_ack", "payload", "inner_src_ip", "inner_dst_ip", "inner_protocol", "inner_src_port",
    "inner_dst_port",
)  # fmt: skip
"""by these the observer's address could be told (a worm's sequence number is its destination): for analysts, who ask"""
_ONE = tuple(name for name in event.NAMES if name not in HIDDEN)
_LINES = columns("source_id:int source_pos:int text:text? why:text?")


async def listed(request: Request, asked: Asked, pool: Pool) -> Response:
    own = replace(asked, n=asked.n if "n" in asked.words else 100)
    after = listing.place_of(asked)
    found = await pool.ask(("api", "events", _LISTED, own.key, after), lambda s: listing.rows(s, own, after, columns=_LISTED))
    following = listing.next_of(own, found, after)
    url = ""
    if following:
        # the span as it is now: one that ends now would lose its first events from page to page
        span = {"from_": asked.start.isoformat(), "to": asked.end.isoformat(), "period": None}
        url = asked.url(after=following, **span)
    return _forms.answer(request, "events", found, of_view("events", *_LISTED), following=url)


async def one(request: Request, asked: Asked, pool: Pool) -> Response:
    """The event, or those, of that place: a line that says "repeated 5 times" made five."""
    names = event.NAMES if _unmasked(request, asked) else _ONE
    source, pos = _place(request)

    found = await pool.ask(("api", "event", source, pos, names), lambda s: _rows(s, source, pos, names))
    if not found:
        raise NothingError(f"There is no event at {source}/{pos}.", hint="/api/v1/events lists them.")
    return _forms.answer(request, "event", found, of_view("events", *names))


def _rows(session: Any, source: int, pos: int, names: Sequence[str]) -> list[dict[str, Any]]:
    """Those columns of the events of that place, in order of time."""
    found = session.lake.batches(["source_id", "t_min", "t_max", "start", "end"])
    spans = [
        (low, high)
        for number, low, high, start, end in found.iter_rows()
        if number == source and low is not None and start <= pos <= end
    ]
    if not spans:
        return []
    sql = (
        f"SELECT {', '.join(names)} FROM events WHERE source_id = ? AND source_pos = ? AND time >= ? AND time <= ? "
        "ORDER BY time"
    )
    low, high = min(low for low, _ in spans), max(high for _, high in spans)
    rows: list[dict[str, Any]] = session.query(sql, [source, pos, low, high])
    return rows


async def raw(request: Request, asked: Asked, pool: Pool) -> Response:
    """The line as it stands in the log, masked as `publish.mask` says; or why it is not to be had."""
    from teiten.publish import masks
    from teiten.readers import _raw

    source, pos = _place(request)
    whole = _unmasked(request, asked)
    settings = asked.settings

    def ask(session: Any) -> _raw.Raw:
        # the middle of a line is no place of an event
        if not _rows(session, source, pos, ("source_pos",)):
            return _raw.Raw(why=_raw.UNKNOWN)
        return _raw.lines(session.lake, [(source, pos)], settings.reading)[source, pos]

    found = await pool.ask(("api", "raw", source, pos), ask)
    if found.why == _raw.UNKNOWN:
        raise NothingError(f"There is no event at {source}/{pos}.", hint="/api/v1/events lists them.")
    text, why = (inert.line(found.text) or None), found.why
    if text and not whole:
        try:
            text = masks.mask(found.text, masks.style(settings.mask))
        except masks.Refused as error:
            text, why = None, str(error)
    row = {"source_id": source, "source_pos": pos, "text": text, "why": why or None}
    return _forms.answer(request, "raw", [row], _LINES)


def _place(request: Request) -> tuple[int, int]:
    told = [str(request.path_params[name]) for name in ("source_id", "source_pos")]
    if not all(text.isascii() and text.isdigit() and len(text) <= 18 for text in told):
        raise NothingError("An event's place is two numbers: /api/v1/events/SOURCE_ID/SOURCE_POS.")
    return int(told[0]), int(told[1])


def _unmasked(request: Request, asked: Asked) -> bool:
    """Is all asked for, and may it be? ForbiddenError."""
    wanted = asked.words.get("mask", "own")
    if wanted not in ("own", "none"):
        from teiten.errors import UsageError

        raise UsageError("mask is own (as teiten.toml says) or none.")
    if wanted == "none" and not who.of(request).reads("sql"):
        raise ForbiddenError("That is not for this token, or this role.", hint="What is masked wants the scope sql.")
    return wanted == "none"


_HIDDEN: tuple[Column, ...] = of_view("events", *HIDDEN)
_PARTS = pick(("source_id", "source_pos"))
ADDRESSES = [
    Address(
        "/events", "events", listed, of_view("events", *_LISTED), (*LIST, "after"), example="period=week&n=5", scope="events"
    ),
    Address(
        "/events/{source_id}/{source_pos}",
        "event",
        one,
        of_view("events", *_ONE),
        ("mask",),
        _PARTS,
        more=_HIDDEN,
        scope="events",
    ),
    Address("/events/{source_id}/{source_pos}/raw", "raw", raw, _LINES, ("mask",), _PARTS, scope="events"),
]
