"""A source: what it sent, what it is taken for day by day, its sessions."""

from __future__ import annotations

import ipaddress
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teiten.engine import questions
from teiten.web.api import _forms
from teiten.web.api._door import NothingError
from teiten.web.api._shape import SPAN, Address, Column, columns, of_view, pick
from teiten.web.asked import FILTERS, Asked
from teiten.web.pages import _thing
from teiten.web.pool import Pool

_FACTS = columns(
    "src_ip:text packets:int first:moment? last:moment? ports:int sensors:int country:text? asn:int? as_name:text? "
    "tool:text? scanner:text? research_scanner:bool? spoofed:bool?"
)
_FACTS_SQL = (
    "SELECT coalesce(sum(packets), 0) AS packets, min(time) AS first, max(time) AS last, "
    "count(DISTINCT (protocol, dst_port)) AS ports, count(DISTINCT sensor) AS sensors, arg_max(country, time) AS country, "
    "arg_max(asn, time) AS asn, arg_max(as_name, time) AS as_name, arg_max(tool, time) AS tool, "
    "arg_max(scanner, time) AS scanner, bool_or(research_scanner) AS research_scanner, bool_or(spoofed) AS spoofed "
    "FROM {events} WHERE {where}"
)
VERDICTS = ("src_ip", "prefix_len", "day", "scope", "label", "value", "rule", "list", "list_version", "confidence", "evidence")
_SESSION = columns(
    "start:moment end:moment? seconds:num events:int packets:int tries:int per_minute:num? ports:text longest_gap:num? "
    "source_count:int source_ports:text source_port_count:int ttl_min:int? ttl_max:int? windows:text burst:bool "
    "same_ports_after:num? same_ports_other_source:bool? observer_same:bool? record:bool new_ports:text silent_days:int "
    "detected:text"
)
MOST_SESSIONS = 1000


def address_of(request: Request) -> str:
    """The address of the path, as it is usually written. NothingError."""
    text = str(request.path_params["address"])
    try:
        if "%" not in text and text.isascii():
            return str(ipaddress.ip_address(text))
    except ValueError:
        pass
    raise NothingError("That is no address.", hint="Give one such as 192.0.2.1.")


async def facts(request: Request, asked: Asked, pool: Pool) -> Response:
    address = address_of(request)
    own = _thing.narrowed(asked, src=address)

    def ask(session: Any) -> list[dict[str, Any]]:
        query = questions.Query(_FACTS_SQL, {"where": own.filters.between(own.start, own.end)})
        return [{"src_ip": address, **row} for row in query.rows(session)]

    return _forms.answer(request, f"source-{address}", await pool.ask(("api", "source", own.key), ask), _FACTS)


async def verdicts(request: Request, asked: Asked, pool: Pool) -> Response:
    address = address_of(request)
    own = ipaddress.ip_address(address)

    def ask(session: Any) -> list[dict[str, Any]]:
        # what is said of a prefix is little (an analyst's correction), and told apart here
        sql = f"SELECT {', '.join(VERDICTS)} FROM verdicts WHERE src_ip = ? OR prefix_len < ? ORDER BY day DESC, label, rule"
        rows = session.query(sql, [address, own.max_prefixlen])
        return [row for row in rows if row["src_ip"] == address or _holds(row, own)]

    found = await pool.ask(("api", "verdicts of", address), ask)
    return _forms.answer(request, f"verdicts-{address}", found, of_view("verdicts", *VERDICTS, never_null=("day", "label")))


def _holds(row: dict[str, Any], address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return row["prefix_len"] is not None and address in ipaddress.ip_network(
        f"{row['src_ip']}/{row['prefix_len']}", strict=False
    )


async def sessions(request: Request, asked: Asked, pool: Pool) -> Response:
    """Its sessions that begin in the span, held against those before, the newest first."""
    from teiten import lang
    from teiten.engine import filters
    from teiten.publish import masks
    from teiten.report.sections import _sessions as told
    from teiten.sessions import watch

    address = address_of(request)
    settings = asked.settings

    def ask(session: Any) -> list[dict[str, Any]]:
        wanted = filters.parse(settings, src=address).between(None, asked.end)
        teller = told.Teller(lang.words("en"), session.zone, told.port_texts(settings), masks.style(settings.mask))
        out = []
        for one in watch.of_sources(session, settings, wanted):
            within = [c for c in one.compared if asked.start <= c.session.start][-MOST_SESSIONS:]
            crossed = one.crossings(session, [c.session for c in within])
            out += [told.row(teller, c, crossed.get(c.session)) for c in within]
        return sorted(out, key=lambda row: row["start"], reverse=True)

    found = await pool.ask(("api", "sessions of", address, asked.start, asked.end), ask)
    return _forms.answer(request, f"sessions-{address}", found, _SESSION)


_PART = pick(("address",))
_VERDICT: tuple[Column, ...] = of_view("verdicts", *VERDICTS, never_null=("day", "label"))
ADDRESSES = [
    Address("/sources/{address}", "source", facts, _FACTS, (*SPAN, *(f for f in FILTERS if f != "src")), _PART,
            example="period=week", scope="events"),
    Address("/sources/{address}/verdicts", "source_verdicts", verdicts, _VERDICT, (), _PART, scope="events"),
    Address("/sources/{address}/sessions", "source_sessions", sessions, _SESSION, SPAN, _PART, example="period=week",
            scope="events"),
]  # fmt: skip
