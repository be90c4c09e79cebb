"""The application: routes found in pages/ and api/, and what every answer carries."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
import hashlib
import importlib
import pkgutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
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
from teiten.errors import ForbiddenError, LakeError, LimitError, TeitenError, UsageError
from teiten.web import asked, packing, pages, render, told, who, wrong
from teiten.web.api import _door
from teiten.web.live import Live
from teiten.web.model import Part, View
from teiten.web.pool import Pool, lenient, whole
from teiten.web.shown import PAGES, Shown
from teiten.web.users import routes as own
from teiten.web.users.door import UNSAFE, Door, Guard
from teiten.web.users.store import UsersError
from teiten.web.warming import Warming

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from teiten.settings import Settings

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
MOST_SENT: Final = 256 << 10
"""bytes of a form"""
Moments = Sequence[dt.datetime]
RETRY: Final = "10"
"""seconds after which who was refused may come again"""
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


def create(settings: Settings, *, hosts: tuple[str, ...] = (), workers: int | None = None, warming: bool = False) -> Starlette:
    """The application for that configuration. hosts: names by which it is called; none: any. warming: is what is usual asked
    beforehand?"""
    guard = Guard(settings)
    pool = Pool(settings, workers=workers)
    live = Live(pool)

    @contextlib.asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        warm = asyncio.create_task(Warming(pool, settings, found(pages)).run()) if warming else None
        yield
        if warm is not None:
            warm.cancel()
        live.close()
        pool.close()

    routes = [Route("/static/{name}", packing.static), Route("/live", live.listen)]
    for module in found(pages):
        methods = ["GET", "POST"] if hasattr(module, "act") else ["GET"]
        routes.append(Route(module.PATH, _page(module), name=module.__name__.rpartition(".")[2], methods=methods))
    routes += _door.routes(settings)
    for path, (answer, kinds, role) in own.ROUTES.items():
        routes.append(Route(path, _own(answer, role), methods=list(kinds)))
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Headers, hosts=hosts), Middleware(Door, guard=guard), packing.middleware()],
        lifespan=life,
        exception_handlers={404: _nothing, 500: _unforeseen},
    )
    app.state.pool, app.state.settings, app.state.shown, app.state.live = pool, settings, Shown(pool), live
    app.state.desk = own.Desk(guard, settings, _shown, form_of)
    return app


@functools.cache
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
    """The fields of a form that was sent, once its word shows that it was ours and its sender may; `by` is the sender's name.

    ForbiddenError, UsageError."""
    sent, asks = await fields_of(request), who.of(request)
    guard: Guard = request.app.state.desk.guard
    if not asks.word or not packing.same(sent.pop("word", ""), asks.word):
        guard.tell("form refused", asks.name, request.scope, path=request.url.path)
        raise ForbiddenError(
            "This form was not sent from a page of this station.", hint="Open the page again, and send it from there."
        )
    _may(request, needs)
    guard.tell("form", asks.name, request.scope, path=request.url.path)
    return {**sent, "by": asks.name}


def _may(request: Request, role: str) -> None:
    """ForbiddenError where whoever asks has not that role."""
    if not who.of(request).may(role):
        raise ForbiddenError("Your role does not allow that.", hint=f"It wants the role of {role}.")


def _page(module: ModuleType) -> Callable[[Request], Awaitable[Response]]:
    keeps = module.__name__.rpartition(".")[2] in PAGES and not hasattr(module, "build_for")

    async def show(request: Request) -> Response:
        pool: Pool = request.app.state.pool
        shown: Shown = request.app.state.shown
        key = _kept_as(request) if keeps and request.method == "GET" else None
        state = shown.state()
        with whole(), lenient() as held:
            try:
                _may(request, sees(module))
                if key is not None and (text := shown.get(key)) is not None:
                    return _html(request, text, 200)
                made = await answer(request, pool)
            except TeitenError as error:
                return _trouble(request, error)
            if isinstance(made, Response):
                if "attachment" in made.headers.get("content-disposition", ""):
                    _tell(request, "export", path=request.url.path, query=request.url.query)
                return made
            wanted, view, above = made
            text = _text(request, getattr(module, "TEMPLATE", "view.html"), wanted, view, module.PATH, above, held)
        if key is not None and view.status == 200:
            shown.put(key, text, state)
        return _html(request, text, view.status)

    async def answer(request: Request, pool: Pool) -> Response | tuple[asked.Asked, View, told.Told]:
        wanted = await request_of(request)
        if getattr(module, "STILL", False):
            wanted = replace(wanted, live=False)
        if getattr(module, "TOLD", "") and wanted.words.get("q"):
            _tell(request, module.TOLD, query=wanted.words["q"])
        if request.method == "POST":
            view: View | Response = await module.act(wanted, pool, await form_of(request, getattr(module, "NEEDS", "analyst")))
            pool.look_again()
        elif hasattr(module, "build_for"):
            view = await module.build_for(request, wanted, pool)
        else:
            view = await module.build(wanted, pool)
        if isinstance(view, Response):
            return view
        if "redirect" in view.more:
            return RedirectResponse(view.more["redirect"], 303)
        return wanted, view, await told.of(wanted, pool)

    return show


def _kept_as(request: Request) -> Hashable:
    """What a page's text depends on, besides the lake and the time."""
    asks = who.of(request)
    language = request.headers.get("accept-language", ""), request.cookies.get("lang")
    return request.url.path, request.url.query, language, asks


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
        except UsersError as error:
            # where the file is, and what is wrong with it, is for whoever runs the server
            print(f"teiten serve: {error}", file=sys.stderr, flush=True)
            return Response(UNSAFE, 503, media_type="text/plain")
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
    return _html(request, _text(request, template, wanted, view, here, above), view.status)


def _text(
    request: Request, template: str, wanted: asked.Asked, view: View, here: str, above: told.Told | None, held: Moments = ()
) -> str:
    """The same as text. held: until when answers held that hold no longer; none: all do."""
    asks, until = who.of(request), min(held, default=None)
    return render.page(template, wanted, view, told=above, nav=_nav(asks), here=here, version=__version__, who=asks, held=until)


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
    kinds = ((ForbiddenError, 403), (UsageError, 400), (LakeError, 503), (LimitError, 503))
    return next((status for kind, status in kinds if isinstance(error, kind)), 500)


def _trouble(request: Request, error: TeitenError, *, nothing: bool = False) -> Response:
    """A page that says what is wrong, in the reader's language, and leads back."""
    asks = replace(own.asks(request), path="/")
    title, sentences = wrong.said(error, asks.lang)
    ways = wrong.ways(request.url.path, "" if nothing else request.url.query, asks.lang)
    view = View(title=title, parts=[Part("trouble", "", sentences=sentences, links=ways)], status=_status(error))
    made = _shown(request, "trouble.html", asks, view)
    if view.status == 503:
        made.headers["retry-after"] = RETRY
    return made


async def _unforeseen(request: Request, error: Exception) -> Response:
    """What nobody thought of: the page says that, and the program's own log says what."""
    hint = "The log of `teiten serve` says what."
    answer = _trouble(request, TeitenError("Something went wrong here that should not have.", hint=hint))
    # this answer is made outside of all layers: none of them adds to it
    answer.raw_headers += list(HEADERS.items())
    answer.headers["cache-control"] = "no-store"
    return answer


async def _nothing(request: Request, _: Exception) -> Response:
    error = UsageError("There is no such page here.", hint="The search finds ports, countries, AS and addresses.")
    answer = _trouble(request, error, nothing=True)
    answer.status_code = 404
    return answer


__all__ = ["CSP", "create", "fields_of", "found", "request_of", "sees"]
