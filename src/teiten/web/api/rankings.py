"""Rankings, series, totals."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teiten.engine import questions, series
from teiten.engine.questions import THINGS, Rows
from teiten.errors import UsageError
from teiten.web.api import _forms
from teiten.web.api._shape import LIST, SPAN, Address, Column, columns
from teiten.web.asked import FILTERS, Asked
from teiten.web.pages import _ranked
from teiten.web.pool import Pool

_NAMED = {
    "ports": "dst_port:int? protocol:int?", "countries": "country:text?", "asns": "asn:int? as_name:text?",
    "sources": "src_ip:text country:text? asn:int? as_name:text?", "sensors": "sensor:text", "scanners": "scanner:text",
    "tools": "tool:text?", "prefixes": "prefix:text country:text? asn:int? as_name:text?",
}  # fmt: skip
"""the columns that name a row of each ranking"""
_COUNTED = (
    "packets:int hosts:int share:num? share_of:int? rank_before:int? packets_before:int? hosts_before:int? difference:int? "
    "change:num?"
)
MOST_SERIES = 100
"""lines of a series"""
MOST_MINUTES = dt.timedelta(days=2)
"""the longest span that is told by the minute"""
_TOTALS = columns(
    "packets:int hosts:int events:int packets_unknown_country:int countries:int sensors:int first:moment? last:moment? "
    "left_out_accepted:int left_out_outgoing:int days:num packets_per_day:num packets_before:int? hosts_before:int? "
    "difference:int? change:num?"
)


async def rank(what: str, request: Request, asked: Asked, pool: Pool) -> Response:
    found = await _ranked.ranked(asked, pool, what)
    return _forms.answer(request, what, found, columns(f"rank:int? {_NAMED[what]} {_COUNTED}"))


async def through_time(what: str | None, request: Request, asked: Asked, pool: Pool) -> Response:
    step: Any = asked.words.get("step") or ("hour" if asked.step == "minute" else asked.step)
    if step not in ("minute", "hour", "day"):
        raise UsageError("step is minute, hour or day.")
    if step == "minute" and asked.end - asked.start > MOST_MINUTES:
        raise UsageError("That is too long a time for minutes.", hint="Ask for two days at most, or for step=hour.")

    def ask(session: Any) -> Rows:
        top = min(asked.n, MOST_SERIES)
        return series.series(session, what, asked.start, asked.end, step, top=top, by=asked.by, filters=asked.filters)

    found = await pool.ask(("api", "rows of a series", what, step, asked.key), ask)
    return _forms.answer(request, f"{what or 'total'}-time", found, _of_series(what))


def _of_series(what: str | None) -> tuple[Column, ...]:
    if what is None:
        return columns("start:moment packets:int hosts:int")
    own = [one for one in _NAMED[what].split() if one.partition(":")[0] in THINGS[what].columns]
    return columns("start:moment part:text " + " ".join(one.rstrip("?") + "?" for one in own) + " packets:int hosts:int")


async def totals(request: Request, asked: Asked, pool: Pool) -> Response:
    found = await pool.ask(
        ("api", "totals", asked.key),
        lambda s: questions.totals(s, asked.start, asked.end, before=asked.before, filters=asked.filters),
    )
    return _forms.answer(request, "totals", found, _TOTALS)


_EXAMPLE = "period=week"
ADDRESSES = [
    *(
        Address(
            f"/rank/{what}", "rank", partial(rank, what), columns(f"rank:int? {named} {_COUNTED}"), (*LIST, "unit"),
            example=_EXAMPLE,
        )
        for what, named in _NAMED.items()
    ),
    *(
        Address(
            f"/series/{what}", "series", partial(through_time, what), _of_series(what), (*LIST, "unit", "step"),
            example=_EXAMPLE,
        )
        for what in _NAMED
    ),
    Address(
        "/series/total", "series_total", partial(through_time, None), _of_series(None), (*SPAN, *FILTERS, "step"),
        example=_EXAMPLE,
    ),
    Address("/totals", "totals", totals, _TOTALS, (*SPAN, *FILTERS), example=_EXAMPLE),
]  # fmt: skip
