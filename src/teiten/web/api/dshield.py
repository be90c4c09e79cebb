"""Answers in the form of ISC's API (isc.sans.edu/api), for tools that speak it: counts of this lake alone.

As there: XML unless the query is `?json` or `?text`; records are packets, targets destinations, sources hosts; tcp and udp are
shares in percent; a rank is by what the path names; days are YYYY-MM-DD (here of the station's zone). What only they know
(comment, risk, contact, feeds) is empty.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
from dataclasses import replace
from typing import Any, Final
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from teiten.data import ports as known
from teiten.engine import questions
from teiten.engine.filters import Filters, PortRange
from teiten.errors import UsageError
from teiten.web.api import _forms
from teiten.web.api._shape import Address, Word
from teiten.web.asked import Asked
from teiten.web.pool import Pool

FORMS: Final = ("json", "xml", "text")
MOST: Final = 1000
_DAY: Final = dt.timedelta(days=1)
_LONGEST: Final = 366
_TARGETS: Final = "count(DISTINCT told_address(dst_ip))"
_COUNTS: Final = (
    f"coalesce(sum(packets), 0)::BIGINT AS records, {_TARGETS} AS targets, count(DISTINCT src_ip) AS sources, "
    "coalesce(sum(packets) FILTER (protocol = 6), 0)::BIGINT AS tcp, "
    "coalesce(sum(packets) FILTER (protocol = 17), 0)::BIGINT AS udp"
)
_ORDERS: Final = {"records": "records", "targets": "targets", "sources": "sources"}
_IP_ORDERS: Final = {"records": "reports", "attacks": "targets"}


# parts of a path -----------------------------------------------------------------------------------------------------


def _number(text: str, low: int, high: int, what: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not low <= int(text) <= high:
        raise UsageError(what, hint=f"Give a number from {low} to {high}.")
    return int(text)


def _port(request: Request) -> int:
    # the words by which a client of theirs knows it
    return _number(str(request.path_params["port"]), 1, 65535, "bad port number")


def _date(asked: Asked, text: str | None) -> dt.date:
    """That day; without one the last that the lake knows of."""
    if text is None:
        return (asked.now - dt.timedelta(microseconds=1)).astimezone(asked.settings.zone).date()
    try:
        if not re.fullmatch(r"[12]\d{3}-\d\d-\d\d", text, re.ASCII):
            raise ValueError
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError("bad date", hint="Write it like 2019-10-22.") from None


def _span(asked: Asked, first: dt.date, last: dt.date) -> tuple[dt.datetime, dt.datetime]:
    zone = asked.settings.zone
    return dt.datetime.combine(first, dt.time(), zone), dt.datetime.combine(last + _DAY, dt.time(), zone)


def _one_of(text: str, names: dict[str, str]) -> str:
    if text not in names:
        raise UsageError("bad sort order", hint=f"Choose one of: {', '.join(names)}.")
    return names[text]


# questions -----------------------------------------------------------------------------------------------------------


async def _rows(asked: Asked, pool: Pool, sql: str, first: dt.date, last: dt.date, filters: Filters) -> list[dict[str, Any]]:
    wanted = filters.between(*_span(asked, first, last))
    key = ("api", sql, first, last, filters.port, filters.src)
    found: list[dict[str, Any]] = await pool.ask(key, lambda s: list(questions.Query(sql, {"where": wanted}).rows(s)))
    return found


def _shares(row: dict[str, Any]) -> dict[str, Any]:
    """tcp and udp as percents."""
    whole = row["records"]
    return {**row, **{name: round(100 * row[name] / whole) if whole else 0 for name in ("tcp", "udp")}}


async def _of_port(asked: Asked, pool: Pool, port: int, day: dt.date) -> dict[str, Any]:
    sql = f"SELECT {_COUNTS} FROM {{events}} WHERE {{where}}"
    (row,) = await _rows(asked, pool, sql, day, day, _only(asked, port))
    return {"date": day.isoformat(), **_shares(row), "datein": day.isoformat(), "portin": port}


def _only(asked: Asked, port: int) -> Filters:
    return replace(asked.filters, port=(PortRange(port, port),))


async def port(request: Request, asked: Asked, pool: Pool) -> Response:
    number = _port(request)
    data = await _of_port(asked, pool, number, _date(asked, None))
    services = {name: _service(asked, number, code) for name, code in (("udp", 17), ("tcp", 6))}
    return _told(request, "port", {"number": number, "data": data, "services": services})


def _service(asked: Asked, number: int, protocol: int) -> dict[str, Any]:
    found = known.find(number, protocol, asked.settings.ports)
    return {"service": found.service("en") if found else 0, "name": found.service("en") if found else ""}


async def portdate(request: Request, asked: Asked, pool: Pool) -> Response:
    number = _port(request)
    day = _date(asked, request.path_params.get("date"))
    return _told(request, "portdate", {"number": number, "data": await _of_port(asked, pool, number, day)})


async def porthistory(request: Request, asked: Asked, pool: Pool) -> Response:
    """Each day with its counts; without days, the last 30. A day on which nothing came is not there."""
    number = _port(request)
    last = _date(asked, request.path_params.get("end"))
    text = request.path_params.get("start")
    first = last - 30 * _DAY if text is None else _date(asked, str(text))
    if not _DAY * 0 <= last - first <= _DAY * _LONGEST:
        raise UsageError("bad date", hint=f"Give two days, the earlier one first, at most {_LONGEST} apart.")
    sql = f"SELECT day_of(time) AS date, {_COUNTS} FROM {{events}} WHERE {{where}} GROUP BY ALL ORDER BY date"
    found = await _rows(asked, pool, sql, first, last, _only(asked, number))
    rows = [{**_shares(row), "date": row["date"].isoformat()} for row in found]
    ends = {"startdate": first.isoformat(), "enddate": last.isoformat(), "port": number}
    return _told(request, "porthistory", _numbered(rows, ends), rows=("portinfo", rows, ends))


async def topports(request: Request, asked: Asked, pool: Pool) -> Response:
    order, limit, day = _top(request, asked, _ORDERS)
    sql = (
        f"SELECT dst_port AS targetport, {_COUNTS} FROM {{events}} WHERE {{where}} AND dst_port IS NOT NULL GROUP BY ALL "
        f"ORDER BY {order} DESC, dst_port LIMIT {limit}"
    )
    found = await _rows(asked, pool, sql, day, day, asked.filters)
    names = ("targetport", "records", "targets", "sources")
    rows = [{"rank": n, **{name: row[name] for name in names}} for n, row in enumerate(found, 1)]
    ends = {"limit": str(limit), "date": day.isoformat()}
    return _told(request, "topports", _numbered(rows, ends), rows=("port", rows, ends))


async def topips(request: Request, asked: Asked, pool: Pool) -> Response:
    order, limit, day = _top(request, asked, _IP_ORDERS)
    sql = (
        "SELECT {src_text} AS source, sum(packets)::BIGINT AS reports, "
        f"{_TARGETS} AS targets FROM {{events}} WHERE {{where}} GROUP BY src_ip "
        f"ORDER BY {order} DESC, {{src_order}} LIMIT {limit}"
    )
    found = await _rows(asked, pool, sql, day, day, asked.filters)
    rows = [{"rank": n, **row} for n, row in enumerate(found, 1)]
    return _told(request, "topips", rows, rows=("ipaddress", rows, {}))


def _top(request: Request, asked: Asked, orders: dict[str, str]) -> tuple[str, int, dt.date]:
    told = request.path_params
    order = _one_of(str(told.get("sort", "records")), orders)
    return order, _number(str(told.get("limit", "10")), 1, MOST, "bad limit"), _date(asked, told.get("date"))


async def ip(request: Request, asked: Asked, pool: Pool) -> Response:
    """What an address sent here, ever: null where it sent nothing."""
    text = str(request.path_params["address"])
    try:
        if not text.isascii() or "%" in text:
            raise ValueError
        address = ipaddress.ip_address(text)
    except ValueError:
        raise UsageError("bad IP address", hint="Give one such as 192.0.2.1.") from None
    sql = (
        f"SELECT sum(packets)::BIGINT AS count, {_TARGETS} AS attacks, min(time) AS first, max(time) AS last, "
        "arg_max(asn, time) AS asn, arg_max(as_name, time) AS as_name, arg_max(country, time) AS country "
        "FROM {events} WHERE {where}"
    )
    wanted = replace(asked.filters, src=(ipaddress.ip_network(address),))
    row = dict((await pool.ask(("api", "dshield ip", address), lambda s: questions.Query(sql, {"where": wanted}).rows(s)))[0])
    zone = asked.settings.zone
    first, last = (row[name] and row[name].astimezone(zone) for name in ("first", "last"))
    return _told(request, "ip", {
        "number": str(address), "count": row["count"], "attacks": row["attacks"] or None,
        "maxdate": last and last.date().isoformat(), "mindate": first and first.date().isoformat(),
        "updated": last and f"{last:%Y-%m-%d %H:%M:%S}", "comment": None, "maxrisk": None, "asabusecontact": None,
        "as": row["asn"], "asname": row["as_name"], "ascountry": row["country"], "assize": None, "network": None,
    }, inside=True)  # fmt: skip


# forms ---------------------------------------------------------------------------------------------------------------


def _numbered(rows: list[dict[str, Any]], ends: dict[str, Any]) -> dict[str, Any]:
    """The rows by their number from 0 on, as their JSON has lists."""
    return {**{str(n): row for n, row in enumerate(rows)}, **ends}


def _told(
    request: Request, name: str, found: Any, *, rows: tuple[str, list[dict[str, Any]], dict[str, Any]] | None = None,
    inside: bool = False,
) -> Response:  # fmt: skip
    """rows: how XML has them: an element each, of that name. inside: JSON has it under its name."""
    form = _form(request)
    if form == "json":
        body = json.dumps({name: found} if inside else found, ensure_ascii=True)
        return _forms.whole(request, body.encode(), "application/json")
    tree = found if rows is None else [*((rows[0], row) for row in rows[1]), *rows[2].items()]
    if form == "text":
        return _forms.whole(request, "".join(_lines(tree)).encode(), "text/plain; charset=utf-8")
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{_element(name, tree)}\n'
    return _forms.whole(request, body.encode(), "text/xml; charset=utf-8")


def _form(request: Request) -> str:
    named = [name for name, value in request.query_params.multi_items() if not value]
    if len(named) > 1 or len(request.query_params.multi_items()) != len(named):
        raise UsageError("bad format", hint="Write one of ?json, ?xml, ?text.")
    return named[0] if named else "xml"


def _items(tree: Any) -> list[tuple[str, Any]]:
    return list(tree.items()) if isinstance(tree, dict) else list(tree)


def _element(name: str, tree: Any) -> str:
    if isinstance(tree, dict | list):
        return f"<{name}>\n" + "".join(_element(*one) + "\n" for one in _items(tree)) + f"</{name}>"
    text = "" if tree is None else "".join(c if c.isprintable() else " " for c in str(tree))
    return f"<{name}>{escape(text)}</{name}>"


def _lines(tree: Any) -> list[str]:
    out = []
    for name, value in _items(tree):
        if isinstance(value, dict):
            out += [*_lines(value), "\n"]
        else:
            text = "" if value is None else "".join(c if c.isprintable() else " " for c in str(value))
            out.append(f"{name}: {text}\n")
    return out


# addresses -----------------------------------------------------------------------------------------------------------

_PORT: Final = Word({"type": "integer", "minimum": 1, "maximum": 65535}, 23)
_DATE: Final = Word({"type": "string", "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$"}, "2019-10-22")
_LIMIT: Final = Word({"type": "integer", "minimum": 1, "maximum": MOST}, 10)
_PARTS: Final = {
    "port": _PORT, "date": _DATE, "start": Word(_DATE.schema, "2019-10-21"), "end": _DATE, "limit": _LIMIT,
    "sort": Word({"type": "string", "enum": list(_ORDERS)}, "records"),
    "address": Word({"type": "string", "anyOf": [
        {"pattern": r"^(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}$"},
        {"format": "ipv6"},
    ]}, "8.8.8.3"),
}  # fmt: skip
_COUNT: Final = {"type": "integer", "minimum": 0}
_TEXT: Final = {"type": ["string", "null"]}
_DATA: Final = {
    "type": "object",
    "required": ["date", "records", "targets", "sources", "tcp", "udp"],
    "properties": {
        "date": {"type": "string", "format": "date"},
        **dict.fromkeys(("records", "targets", "sources", "tcp", "udp", "portin"), _COUNT),
        "datein": {"type": "string", "format": "date"},
    },
}  # fmt: skip
_OF_PORT: Final = {"type": "object", "required": ["number", "data"], "properties": {"number": _COUNT, "data": _DATA}}
_OF_PORTS: Final = {
    "type": "object",
    "patternProperties": {"^[0-9]+$": {
        "type": "object", "required": ["rank", "targetport", "records", "targets", "sources"],
        "additionalProperties": _COUNT,
    }},
}  # fmt: skip
_OF_IPS: Final = {"type": "array", "items": {
    "type": "object", "required": ["rank", "source", "reports", "targets"],
    "properties": {"source": {"type": "string"}, **dict.fromkeys(("rank", "reports", "targets"), _COUNT)},
}}  # fmt: skip
_OF_IP: Final = {"type": "object", "required": ["ip"], "properties": {"ip": {
    "type": "object", "required": ["number", "count", "attacks", "maxdate", "mindate"],
    "properties": {
        "number": {"type": "string"}, "count": {"type": ["integer", "null"]}, "attacks": {"type": ["integer", "null"]},
        "as": {"type": ["integer", "null"]}, **dict.fromkeys(("maxdate", "mindate", "updated", "asname", "ascountry"), _TEXT),
    },
}}}  # fmt: skip
_HISTORY: Final = {
    "type": "object", "required": ["startdate", "enddate", "port"], "patternProperties": {"^[0-9]+$": _DATA},
}  # fmt: skip


def _of(path: str, key: str, ask: Any, schema: Any) -> Address:
    parts = {name: _PARTS[name] for name in re.findall(r"\{(\w+)\}", path)}
    if key == "topips" and "sort" in parts:
        parts["sort"] = Word({"type": "string", "enum": list(_IP_ORDERS)}, "records")
    told = ("application/json", schema)
    scope = "events" if key == "ip" else "read"
    return Address(path, f"dshield_{key}", ask, (), FORMS, parts, "json", told, root="/api", scope=scope)


ADDRESSES = [
    _of("/port/{port}", "port", port, _OF_PORT),
    _of("/portdate/{port}", "portdate", portdate, _OF_PORT),
    _of("/portdate/{port}/{date}", "portdate", portdate, _OF_PORT),
    _of("/porthistory/{port}", "porthistory", porthistory, _HISTORY),
    _of("/porthistory/{port}/{start}", "porthistory", porthistory, _HISTORY),
    _of("/porthistory/{port}/{start}/{end}", "porthistory", porthistory, _HISTORY),
    _of("/topports", "topports", topports, _OF_PORTS),
    _of("/topports/{sort}", "topports", topports, _OF_PORTS),
    _of("/topports/{sort}/{limit}", "topports", topports, _OF_PORTS),
    _of("/topports/{sort}/{limit}/{date}", "topports", topports, _OF_PORTS),
    _of("/topips", "topips", topips, _OF_IPS),
    _of("/topips/{sort}", "topips", topips, _OF_IPS),
    _of("/topips/{sort}/{limit}", "topips", topips, _OF_IPS),
    _of("/topips/{sort}/{limit}/{date}", "topips", topips, _OF_IPS),
    _of("/ip/{address}", "ip", ip, _OF_IP),
]
