"""The API's own description (OpenAPI 3.1), made from what its modules say of themselves."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from teiten import __version__
from teiten.web.api import _forms
from teiten.web.asked import FILTERS, MOST_ROWS, SPANS, UNITS, Asked
from teiten.web.pool import Pool

MEANINGS = {
    "from": "beginning, included: a day or a moment", "to": "end, not included", "port": "23, 23/tcp, 8000-8100/tcp, icmp",
    "period": f"{', '.join(SPANS)} back from now; or 2026-05-01, 2026-W18, 2026-05, 2026-Q2",
    "protocol": "tcp, udp, icmp, ... or a number", "country": "a code or a name, or unknown", "asn": "AS4134, or unknown",
    "src": "an address or a prefix", "sensor": "a sensor", "group": "a group of sensors", "action": "drop, reject, accept",
    "kind": "syn, tcp, udp, icmp, backscatter, other", "tool": "mirai, zmap, masscan, nmap, ... or unknown",
    "scanner": "an announced scanner's organisation", "scanners": "in, out or only: research scanners",
    "spoofed": "in, out or only: sources taken for forged", "unit": f"{', '.join(UNITS)}", "n": f"rows, 1 to {MOST_ROWS}",
    "format": ", ".join(_forms.TYPES),
}  # fmt: skip


def described() -> dict[str, Any]:
    """The whole document."""
    from teiten.web import api
    from teiten.web.app import found

    words = ("from", "to", "period", *FILTERS, "unit", "n")
    shared = [_parameter(name, "query", MEANINGS[name]) for name in words]
    paths: dict[str, Any] = {}
    for module in found(api):
        for path, (says, parts) in sorted(module.DESCRIBED.items()):
            rows = module.__name__.rpartition(".")[2] not in ("dshield", "openapi")
            own = [_parameter(name, "path", meaning) for name, meaning in parts.items()]
            own += shared if path != "/openapi.json" else []
            own += [_parameter("format", "query", MEANINGS["format"])] if rows else []
            own += [_parameter("after", "query", "the place in the list after which it goes on")] if path == "/events" else []
            kinds = [kind.partition(";")[0] for kind in _forms.TYPES.values()] if rows else ["application/json"]
            paths[f"/api/v1{path}"] = {"get": {"summary": says, "parameters": own, "responses": _responses(kinds)}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "teiten", "version": __version__, "description": "What reaches the sensors, unasked."},
        "paths": paths,
    }


def _parameter(name: str, place: str, meaning: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "description": meaning, "schema": {"type": "string"}}


def _responses(kinds: list[str]) -> dict[str, Any]:
    error = {"type": "object", "properties": {"error": {"type": "string"}, "hint": {"type": ["string", "null"]}}}
    wrong = {"application/json": {"schema": error}}
    return {
        "200": {"description": "The answer", "content": {kind: {} for kind in kinds}},
        "304": {"description": "Not changed"},
        "400": {"description": "A word, or its value, means nothing", "content": wrong},
        "404": {"description": "No such address"},
        "500": {"description": "It could not be answered; the text says why", "content": wrong},
        "503": {"description": "The lake cannot be asked now", "content": wrong},
    }


async def openapi(request: Request, asked: Asked, pool: Pool) -> Response:
    return JSONResponse(described())


SCOPES = {"/openapi.json": "read"}
ROUTES = {"/openapi.json": openapi}
DESCRIBED: dict[str, tuple[str, dict[str, str]]] = {"/openapi.json": ("This document", {})}
