"""Devices among the sources: hosts of each day by family, and how many devices these are."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teiten.web.api import _forms
from teiten.web.api._shape import LIST, Address, columns
from teiten.web.asked import Asked
from teiten.web.pages import devices as page
from teiten.web.pool import Pool

_ROW = columns(
    "day:day family vendor:text? device_kind:text? hosts:int share:num? hosts_of_day:int hosts_told:int? devices:int? "
    "devices_low:int? devices_high:int?"
)


async def devices(request: Request, asked: Asked, pool: Pool) -> Response:
    found = await pool.ask(("devices", asked.key), lambda s: page.ask(s, asked))
    rows = [_row(found, day, family) for day in found.days for family in found.families if family in day.families]
    return _forms.answer(request, "devices", rows[: asked.n], _ROW)


def _row(found: Any, day: Any, name: str) -> dict[str, Any]:
    family, one = found.signatures.families.get(name), day.by_family.get(name)
    return {
        "day": day.day, "family": name, "vendor": family.vendor if family else None,
        "device_kind": family.kind if family else None,
        "hosts": day.families[name], "hosts_of_day": day.hosts,
        "share": day.families[name] / day.hosts if day.hosts else None,
        "hosts_told": one.told if one else None, "devices": one.devices if one else None,
        "devices_low": one.low if one else None, "devices_high": one.high if one else None,
    }  # fmt: skip


ADDRESSES = [Address("/devices", "devices", devices, _ROW, LIST, example="period=week")]
