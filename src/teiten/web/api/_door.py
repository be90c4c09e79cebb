"""Every request of the API goes through here: who asks how much, which words, the answer, errors as JSON, other origins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from teiten import inert
from teiten.engine import recorded
from teiten.errors import ForbiddenError, LakeChangedError, LakeError, LimitError, TeitenError, UsageError
from teiten.settings import LANGUAGES, Settings
from teiten.web import asked as asking
from teiten.web import who
from teiten.web.api import _limits, _shape
from teiten.web.asked import FILTERS, Asked
from teiten.web.pool import Pool, whole

LONGEST: Final = 8000
"""characters of a query"""
_NOTHING: Final = " ,\u3000"
_EXPOSED: Final = "ETag, Link, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining"


class NothingError(UsageError):
    """There is no such thing (404)."""


def routes(settings: Settings) -> list[Route]:
    """Every address of the API; and what answers for those that there are not."""
    door = Door(settings)
    made = [
        Route(one.whole, door.handler(one), name=one.name, methods=door.methods)
        for one in sorted(_shape.found(), key=lambda one: "{" in one.path)
    ]
    return [*made, Route("/api/{rest:path}", door.nothing)]


class Door:
    """What stands between a request and the addresses."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.limits = _limits.Limits(settings.api)
        self.methods = ["GET", "OPTIONS"] if settings.api.origins else ["GET"]

    def handler(self, address: _shape.Address) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if request.method == "OPTIONS":
                return self._elsewhere(request, Response(status_code=204))
            request.state.limits = self.limits
            left: int | None = None
            try:
                with whole(), self.limits.request(_limits.client_of(request)) as left:
                    made = await self._answer(request, address)
            except TeitenError as error:
                made = trouble(error)
            if left is not None:
                made.headers["x-ratelimit-limit"] = str(self.settings.api.requests_per_minute)
                made.headers["x-ratelimit-remaining"] = str(left)
            return self._elsewhere(request, made)

        return answer

    async def _answer(self, request: Request, address: _shape.Address) -> Response:
        """The answer; what leaves as a file is told in the audit log. TeitenError."""
        asks = who.of(request)
        if not asks.reads(address.scope):
            raise ForbiddenError("That is not for this token, or this role.", hint=f"It wants the scope {address.scope}.")
        wanted = await self._asked(request, address)
        made = await address.ask(request, wanted, request.app.state.pool)
        guard = request.app.state.desk.guard
        if "attachment" in made.headers.get("content-disposition", ""):
            guard.tell("export", asks.name, request.scope, path=request.url.path, query=request.url.query)
        return made

    async def nothing(self, request: Request) -> Response:
        error = NothingError(f"There is no {request.url.path[:200]} here.", hint="See /api, or /api/v1/openapi.json.")
        return self._elsewhere(request, trouble(error))

    async def _asked(self, request: Request, address: _shape.Address) -> Asked:
        """What the request asks for. UsageError for words that the address does not know, or that stand there twice."""
        if len(request.url.query) > LONGEST:
            raise UsageError(f"A query has at most {LONGEST:,} characters.")
        said = words(request.query_params.multi_items(), address)
        pool: Pool = request.app.state.pool
        return asking.read(
            self.settings,
            request.url.path,
            said,
            extent=await pool.ask("extent", recorded.extent),
            told={name: str(value) for name, value in request.path_params.items()},
            accept=request.headers.get("accept-language", ""),
            most=self.settings.api.rows,
        )

    def _elsewhere(self, request: Request, made: Response) -> Response:
        """Lets pages of the origins that the settings name read the answer (CORS); by default none."""
        origins = self.settings.api.origins
        if not origins:
            return made
        made.headers.add_vary_header("Origin")
        origin = request.headers.get("origin", "")
        if origin and ("*" in origins or origin in origins):
            made.headers["access-control-allow-origin"] = "*" if "*" in origins else origin
            made.headers["access-control-expose-headers"] = _EXPOSED
            made.headers["cross-origin-resource-policy"] = "cross-origin"
            if request.method == "OPTIONS":
                made.headers["access-control-allow-methods"] = "GET, HEAD"
                made.headers["access-control-allow-headers"] = "Authorization, If-None-Match"
                made.headers["access-control-max-age"] = "600"
        return made


def words(items: Iterable[tuple[str, str]], address: _shape.Address) -> dict[str, str]:
    """The query's words: of a filter that stands there several times each value counts. UsageError for one that is unknown
    here: an answer to another question than was asked would be taken for the answer."""
    can = _shape.known(address)
    own = address.root == _shape.ROOT
    out: dict[str, str] = {}
    for name, value in items:
        if name not in can and not (own and name in _shape.PASSED_ON):
            hint = f"It knows: {', '.join(sorted(can))}." if can else "It knows none."
            raise UsageError(f"This address knows no '{name[:40]}'.", hint=hint)
        if not value.isprintable():
            raise UsageError(f"{name} holds characters that cannot be shown.")
        if name not in out:
            out[name] = value
        elif name in FILTERS and name not in ("scanners", "spoofed"):
            out[name] += f",{value}"
        else:
            raise UsageError(f"{name} stands there twice.", hint="Say it once.")
    if own and out.get("lang", LANGUAGES[0]) not in LANGUAGES:
        raise UsageError("lang is a language of this program.", hint=f"Choose one of: {', '.join(LANGUAGES)}.")
    if own and any(not value.strip(_NOTHING) for value in out.values()):
        empty = next(name for name, value in out.items() if not value.strip(_NOTHING))
        raise UsageError(f"{empty} says nothing.", hint="Leave it out, or say what you mean.")
    return out


def status_of(error: TeitenError) -> int:
    if isinstance(error, _limits.TooManyError):
        return error.status
    kinds: tuple[tuple[type[TeitenError], int], ...] = (
        (NothingError, 404), (ForbiddenError, 403), (UsageError, 400), (LakeChangedError, 503), (LakeError, 503),
        (LimitError, 503),
    )  # fmt: skip
    return next((status for kind, status in kinds if isinstance(error, kind)), 500)


def trouble(error: TeitenError) -> Response:
    """What is wrong, as JSON."""
    status = status_of(error)
    headers = {"cache-control": "no-store"}
    if status in (429, 503):
        headers["retry-after"] = str(error.wait if isinstance(error, _limits.TooManyError) else 5)
    return JSONResponse(said(error), status, headers)


def said(error: TeitenError) -> dict[str, Any]:
    """An error as an object; what was given to us is only text, also to a terminal."""
    return {"error": inert.line(error.message), "hint": inert.line(error.hint) if error.hint else None}
