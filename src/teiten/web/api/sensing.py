"""What was watching, and what was lost: sensors, coverage, gaps, losses; and what a client may still ask."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teiten import coverage
from teiten.engine import gaps, losses, recorded
from teiten.web.api import _forms, _limits
from teiten.web.api._shape import SPAN, Address, columns
from teiten.web.asked import Asked
from teiten.web.pool import Pool

_SPAN = (*SPAN, "sensor", "group")
_SENSORS = columns("sensor:text group:text? country:text? addresses:int? first:moment? last:moment?")
_COVERAGE = columns("sensor:text start:moment end:moment addresses:int basis:text")
_GAPS = columns("sensor:text start:moment end:moment reason:text")
_LOSSES = columns(
    "sensor:text? known:num sent:int received:int refused:int dropped_kernel:int dropped_queue:int dropped_spool:int "
    "lost_estimated:int lost:int share:num?"
)
_LIMITS = columns(
    "rows:int requests_per_minute:int burst:int at_once:int left:int? answering:int asked_in_all:int refused_in_all:int"
)


async def sensors(request: Request, asked: Asked, pool: Pool) -> Response:
    """Those that teiten.toml names and those that sent something: how many addresses they watch, never which."""
    stated = {one.name: one for one in asked.settings.sensors}

    def ask(session: Any) -> list[dict[str, Any]]:
        held = recorded.activities(session) or {}
        out = []
        for name in sorted({*stated, *held}):
            one = stated.get(name)
            first, last = _ends(held[name]) if name in held else (None, None)
            out.append({
                "sensor": name, "group": one and one.group, "country": one and one.country,
                "addresses": one and one.addresses, "first": first, "last": last,
            })  # fmt: skip
        return out

    return _forms.answer(request, "sensors", await pool.ask(("api", "sensors and when"), ask), _SENSORS)


def _ends(hours: Any) -> tuple[Any, Any]:
    from teiten.lake import activity

    firsts, lasts = activity.times(hours)
    return recorded.moment(int(firsts[0])), recorded.moment(int(lasts[-1]))


async def watched(request: Request, asked: Asked, pool: Pool) -> Response:
    found = await pool.ask(
        ("api", "coverage", asked.key), lambda s: coverage.watched(s, asked.start, asked.end, asked.filters.sensor)
    )
    return _forms.answer(request, "coverage", [asdict(one) for one in found], _COVERAGE)


async def silent(request: Request, asked: Asked, pool: Pool) -> Response:
    found = await pool.ask(
        ("api", "gaps", asked.key), lambda s: gaps.gaps(s, asked.start, asked.end, sensors=asked.filters.sensor)
    )
    return _forms.answer(request, "gaps", found, _GAPS)


async def lost(request: Request, asked: Asked, pool: Pool) -> Response:
    """A row a sensor, and one (without a name) for what belongs to no one of them. Unknown is no zero: see `known`."""

    def ask(session: Any) -> list[dict[str, Any]]:
        names = asked.filters.sensor or tuple(recorded.activities(session) or ())
        every = [(name, losses.losses(session, asked.start, asked.end, [name], every=False)) for name in names]
        if not asked.filters.sensor:
            every.append((None, losses.losses(session, asked.start, asked.end, [], every=True)))  # type: ignore[arg-type]
        return [{"sensor": name, **asdict(one), "sent": one.sent, "lost": one.lost, "share": one.share} for name, one in every]

    return _forms.answer(request, "losses", await pool.ask(("api", "losses", asked.key), ask), _LOSSES)


async def limits(request: Request, asked: Asked, pool: Pool) -> Response:
    held: _limits.Limits = request.state.limits
    chosen = asked.settings.api
    row = {
        "rows": chosen.rows, "requests_per_minute": chosen.requests_per_minute, "burst": chosen.burst,
        "at_once": chosen.at_once, "left": held.left(_limits.client_of(request)), "answering": held.flying,
        "asked_in_all": held.asked, "refused_in_all": sum(held.refused.values()),
    }  # fmt: skip
    return _forms.answer(request, "limits", [row], _LIMITS)


ADDRESSES = [
    Address("/sensors", "sensors", sensors, _SENSORS),
    Address("/coverage", "coverage", watched, _COVERAGE, _SPAN, example="period=week"),
    Address("/gaps", "gaps", silent, _GAPS, _SPAN, example="period=week"),
    Address("/losses", "losses", lost, _LOSSES, _SPAN, example="period=week"),
    Address("/limits", "limits", limits, _LIMITS),
]
