"""Answers in the form of ISC DShield's API (port, topports, ip), for tools that speak it: counts of this lake alone."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from teiten.engine import questions
from teiten.errors import UsageError
from teiten.web.asked import Asked
from teiten.web.pages import _ranked, _thing
from teiten.web.pool import Pool


async def port(request: Request, asked: Asked, pool: Pool) -> Response:
    """`records` (packets), `targets` (destinations), `sources` of a port on each day of the span, TCP and UDP apart."""
    text = str(request.path_params["port"])
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise UsageError(f"'{text[:20]}' is no port.", hint="Give a number from 1 to 65535.")
    own = _thing.narrowed(asked, port=text)

    def ask(session: Any) -> dict[str, Any]:
        sql = (
            "SELECT sum(packets) AS records, count(DISTINCT dst_ip) AS targets, count(DISTINCT src_ip) AS sources, "
            "coalesce(sum(packets) FILTER (protocol = 6), 0) AS tcp, coalesce(sum(packets) FILTER (protocol = 17), 0) AS udp, "
            "min(time) AS first, max(time) AS last FROM {events} WHERE {where}"
        )
        wanted = own.filters.between(own.start, own.end)
        return dict(questions.Query(sql, {"where": wanted}).rows(session)[0])

    row = await pool.ask(("dshield port", own.key), ask)
    return JSONResponse({
        "number": int(text),
        "data": {
            "date": _day(asked, asked.end - dt.timedelta(microseconds=1)), "records": int(row["records"] or 0),
            "targets": row["targets"], "sources": row["sources"], "tcp": int(row["tcp"]), "udp": int(row["udp"]),
            "datein": _moment(row["first"]), "portin": int(text),
        },
    })  # fmt: skip


async def topports(request: Request, asked: Asked, pool: Pool) -> Response:
    """The ports with most records: an object whose keys are the ranks from 0 on, with `limit` and `date` as there."""
    found = await _ranked.ranked(replace(asked, n=min(asked.n, 1000)), pool, "ports")
    rows = [row for row in found if row["dst_port"] is not None and row["rank"] is not None]
    out: dict[str, Any] = {
        str(n): {"rank": n + 1, "targetport": row["dst_port"], "records": row["packets"], "sources": row["hosts"]}
        for n, row in enumerate(rows)
    }
    return JSONResponse({**out, "limit": str(len(rows)), "date": _day(asked, asked.end - dt.timedelta(microseconds=1))})


async def ip(request: Request, asked: Asked, pool: Pool) -> Response:
    """What an address sent here: `count` (packets), `attacks` (destinations), first and last day."""
    try:
        address = str(ipaddress.ip_address(str(request.path_params["address"])))
    except ValueError:
        raise UsageError("That is no address.", hint="Give one such as 192.0.2.1.") from None
    own = _thing.narrowed(asked, src=address)

    def ask(session: Any) -> dict[str, Any]:
        sql = (
            "SELECT sum(packets) AS count, count(DISTINCT dst_ip) AS attacks, min(time) AS first, max(time) AS last, "
            "any_value(asn) AS asn, any_value(as_name) AS as_name, any_value(country) AS country FROM {events} WHERE {where}"
        )
        wanted = own.filters.between(own.start, own.end)
        return dict(questions.Query(sql, {"where": wanted}).rows(session)[0])

    row = await pool.ask(("dshield ip", own.key), ask)
    return JSONResponse({
        "ip": {
            "number": address, "count": int(row["count"] or 0), "attacks": row["attacks"],
            "mindate": _moment(row["first"]), "maxdate": _moment(row["last"]),
            "as": row["asn"], "asname": row["as_name"], "ascountry": row["country"],
        },
    })  # fmt: skip


def _day(asked: Asked, moment: dt.datetime) -> str:
    return moment.astimezone(asked.settings.zone).date().isoformat()


def _moment(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.date().isoformat()


SCOPES = {"/dshield/port/{port}": "read", "/dshield/topports": "read", "/dshield/ip/{address}": "events"}
ROUTES = {"/dshield/port/{port}": port, "/dshield/topports": topports, "/dshield/ip/{address}": ip}
DESCRIBED: dict[str, tuple[str, dict[str, str]]] = {
    "/dshield/port/{port}": ("A port, in the form of ISC DShield's API", {"port": "a number from 1 to 65535"}),
    "/dshield/topports": ("The ports with most records, in that form", {}),
    "/dshield/ip/{address}": ("A source, in that form", {"address": "an address"}),
}
