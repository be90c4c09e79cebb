"""The application: routes found in pages/ and api/, and what every answer carries."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from teiten import __version__
from teiten.engine import recorded
from teiten.errors import ForbiddenError, LakeError, TeitenError, UsageError
from teiten.web import api, asked, packing, pages, render, told, who
from teiten.web.live import Live
from teiten.web.model import Part, View
from teiten.web.pool import Pool
from teiten.web.users import routes as own
from teiten.web.users.door import Door, Guard

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from teiten.settings import Settings

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
MOST_SENT: Final = 256 << 10
"""bytes of a form"""
HEADERS: Final = {
    b"content-security-policy": CSP.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
}


class Headers:
    """Puts on every answer what keeps a browser to this page; refuses names of hosts that are not ours (DNS rebinding)."""

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] = ()) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if any(k == b"transfer-encoding" for k, _ in scope["headers"]):
            # no page takes a body without a length, and two readers of one such request may see two requests
            refused = Response("Content-Length is wanted.\n", 411, {"connection": "close"}, "text/plain")
            await refused(scope, receive, send)
            return
        host = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"host"), "")
        if self.hosts and not _ours(_name(host), self.hosts, scope):
            await Response("This station is called otherwise.\n", 421, media_type="text/plain")(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {k.lower() for k, _ in message["headers"]}
                message["headers"] = [*message["headers"], *((k, v) for k, v in HEADERS.items() if k not in known)]
            await send(message)

        await self.app(scope, receive, with_headers)


def _name(host: str) -> str:
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return name.lower().removesuffix(".")


def _ours(name: str, hosts: tuple[str, ...], scope: Scope) -> bool:
    """Is it one of these, or the very address that was connected to? No name of elsewhere is an address."""
    server = str((scope.get("server") or ("",))[0])
    return name in hosts or (server != "" and name.strip("[]") == server)


def create(settings: Settings, *, hosts: tuple[str, ...] = (), workers: int | None = None) -> Starlette:
    """The application for that configuration. hosts: names by which it is called; none: any."""
    guard = Guard(settings)
    pool = Pool(settings, workers=workers)
    live = Live(pool)

    @contextlib.asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        yield
        live.close()
        pool.close()

    routes = [Route("/static/{name}", packing.static), Route("/live", live.listen)]
    for module in found(pages):
        methods = ["GET", "POST"] if hasattr(module, "act") else ["GET"]
        routes.append(Route(module.PATH, _page(module), name=module.__name__.rpartition(".")[2], methods=methods))
    for module in found(api):
        for path, handler in module.ROUTES.items():
            routes.append(Route(f"/api/v1{path}", _guarded(handler, getattr(module, "SCOPES", {}).get(path))))
    for path, (answer, kinds, role) in own.ROUTES.items():
        routes.append(Route(path, _own(answer, role), methods=list(kinds)))
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Headers, hosts=hosts), Middleware(Door, guard=guard), packing.middleware()],
        lifespan=life,
        exception_handlers={404: _nothing},
    )
    app.state.pool, app.state.settings = pool, settings
    app.state.desk = own.Desk(guard, settings, _shown, form_of)
    return app


def found(package: ModuleType) -> list[ModuleType]:
    """The modules of pages/ or api/, in order of names."""
    names = [one.name for one in pkgutil.iter_modules(package.__path__) if not one.name.startswith("_")]
    return [importlib.import_module(f"{package.__name__}.{name}") for name in sorted(names)]


async def request_of(request: Request) -> asked.Asked:
    """What a request asks for. UsageError."""
    pool: Pool = request.app.state.pool
    extent = await pool.ask("extent", recorded.extent)
    return asked.read(
        request.app.state.settings,
        request.url.path,
        dict(request.query_params),
        extent=extent,
        told={k: str(v) for k, v in request.path_params.items()},
        accept=request.headers.get("accept-language", ""),
        cookie=request.cookies.get("lang"),
    )


async def fields_of(request: Request) -> dict[str, str]:
    """The fields of a form that was sent. UsageError for what is none, or too much."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > MOST_SENT:
        raise UsageError("That is more than a form holds.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise UsageError("That is no form of a page of this station.")
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise UsageError("That is more than a form holds.") from None


async def form_of(request: Request, needs: str) -> dict[str, str]:
    """The fields of a form that was sent, once its word shows that it was ours and its sender may. ForbiddenError."""
    sent, asks = await fields_of(request), who.of(request)
    guard: Guard = request.app.state.desk.guard
    if not asks.word or not packing.same(sent.pop("word", ""), asks.word):
        guard.tell("form refused", asks.name, request.scope, path=request.url.path)
        raise ForbiddenError(
            "This form was not sent from a page of this station.", hint="Open the page again, and send it from there."
        )
    _may(request, needs)
    guard.tell("form", asks.name, request.scope, path=request.url.path)
    return sent


def _may(request: Request, role: str) -> None:
    """ForbiddenError where whoever asks has not that role."""
    if not who.of(request).may(role):
        raise ForbiddenError("Your role does not allow that.", hint=f"It wants the role of {role}.")


def _page(module: ModuleType) -> Callable[[Request], Awaitable[Response]]:
    async def show(request: Request) -> Response:
        pool: Pool = request.app.state.pool
        try:
            _may(request, sees(module))
            wanted = await request_of(request)
            if getattr(module, "TOLD", "") and wanted.words.get("q"):
                _tell(request, module.TOLD, query=wanted.words["q"])
            if request.method == "POST":
                view: View | Response = await module.act(
                    wanted, pool, await form_of(request, getattr(module, "NEEDS", "analyst"))
                )
            else:
                view = await module.build(wanted, pool)
            above = None if isinstance(view, Response) else await told.of(wanted, pool)
        except TeitenError as error:
            return _trouble(request, error)
        if isinstance(view, Response):
            return view
        if "redirect" in view.more:
            return RedirectResponse(view.more["redirect"], 303)
        return _shown(request, getattr(module, "TEMPLATE", "view.html"), wanted, view, module.PATH, above)

    return show


def sees(module: ModuleType) -> str:
    """The role that a page is for; one that says nothing is for administrators."""
    role: str = getattr(module, "SEES", "administrator")
    return role


def _own(answer: Callable[[Request], Awaitable[Response]], role: str) -> Callable[[Request], Awaitable[Response]]:
    """A page of the door itself: no lake, no question."""

    async def show(request: Request) -> Response:
        try:
            _may(request, role)
            return await answer(request)
        except TeitenError as error:
            return _trouble(request, error)

    return show


def _tell(request: Request, kind: str, **more: str) -> None:
    """A line of the audit log."""
    request.app.state.desk.guard.tell(kind, who.of(request).name, request.scope, **more)


def _shown(
    request: Request, template: str, wanted: asked.Asked, view: View, here: str = "", above: told.Told | None = None
) -> Response:
    """The page of a view for whoever asks. above: what stands above its parts."""
    asks = who.of(request)
    text = render.page(template, wanted, view, told=above, nav=_nav(asks), here=here, version=__version__, who=asks)
    return _html(request, text, view.status)


def _html(request: Request, text: str, status: int) -> Response:
    """A page with the hash of its bytes as ETag: what has not changed is not sent again."""
    data = text.encode("utf-8", "replace")
    tag = f'"{hashlib.blake2b(data, digest_size=12).hexdigest()}"'
    word = who.of(request).word.encode()
    if word and word in data:
        data = data.replace(word, packing.covered(word.decode()).encode())
    headers = {"etag": tag, "cache-control": "no-cache", "vary": "Accept-Language, Cookie"}
    if status == 200 and request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return HTMLResponse(data, status, headers)


def _nav(asks: who.Who) -> list[tuple[str, str]]:
    """Word's key and path of each page that the bar leads to and they may see, in order."""
    mine = [(module.NAV, module.PATH) for module in found(pages) if getattr(module, "NAV", None) and asks.may(sees(module))]
    return [(key, path) for (order, key), path in sorted(mine)]


def _status(error: TeitenError) -> int:
    kinds = ((ForbiddenError, 403), (UsageError, 400), (LakeError, 503))
    return next((status for kind, status in kinds if isinstance(error, kind)), 500)


def _trouble(request: Request, error: TeitenError) -> Response:
    """A page that says what is wrong, and leads back."""
    view = View(title=error.message, parts=[Part("trouble", "", sentences=[error.hint or ""])], status=_status(error))
    return _shown(request, "trouble.html", replace(own.asks(request), path="/"), view)


async def _nothing(request: Request, _: Exception) -> Response:
    error = UsageError("There is no such page here.", hint="The search finds ports, countries, AS and addresses.")
    answer = _trouble(request, error)
    answer.status_code = 404
    return answer


def _guarded(handler: Callable[..., Awaitable[Response]], scope: str | None) -> Callable[[Request], Awaitable[Response]]:
    """An address of the API: what is wrong comes as JSON. scope: what a token needs for it; None: nobody said, nobody may."""
    from starlette.responses import JSONResponse

    async def answer(request: Request) -> Response:
        try:
            if scope is None or not who.of(request).reads(scope):
                raise ForbiddenError("That is not for this token, or this role.", hint=f"It wants the scope {scope}.")
            wanted = await request_of(request)
            if scope == "sql":
                _tell(request, "sql", path=request.url.path, query=wanted.words.get("q", ""))
            given = await handler(request, wanted, request.app.state.pool)
            if "attachment" in given.headers.get("content-disposition", ""):
                _tell(request, "export", path=request.url.path, query=request.url.query)
            return given
        except TeitenError as error:
            return JSONResponse({"error": error.message, "hint": error.hint}, _status(error))

    return answer


__all__ = ["CSP", "create", "fields_of", "found", "request_of", "sees"]
