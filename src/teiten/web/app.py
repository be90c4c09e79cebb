"""The application: routes found in pages/ and api/, and what every answer carries."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable
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
from teiten.web import asked, packing, pages, render, who
from teiten.web.api import _door
from teiten.web.live import Live
from teiten.web.model import Part, View
from teiten.web.pool import Pool

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
        host = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"host"), "")
        if self.hosts and _name(host) not in self.hosts:
            await Response("This station is called otherwise.\n", 421, media_type="text/plain")(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {k.lower() for k, _ in message["headers"]}
                message["headers"] = [*message["headers"], *((k, v) for k, v in HEADERS.items() if k not in known)]
            await send(message)

        await self.app(scope, receive, with_headers)


def _name(host: str) -> str:
    return host.rsplit(":", 1)[0] if not host.endswith("]") else host


def create(settings: Settings, *, hosts: tuple[str, ...] = (), workers: int | None = None) -> Starlette:
    """The application for that configuration. hosts: names by which it is called; none: any."""
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
    routes += _door.routes(settings)
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Headers, hosts=hosts), packing.middleware()],
        lifespan=life,
        exception_handlers={404: _nothing},
    )
    app.state.pool, app.state.settings = pool, settings
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


async def form_of(request: Request, needs: str) -> dict[str, str]:
    """The fields of a form that was sent, once its word shows that it was ours and its sender may. ForbiddenError."""
    if int(request.headers.get("content-length") or MOST_SENT + 1) > MOST_SENT:
        raise UsageError("That is more than a form holds.")
    body = (await request.body()).decode("utf-8", "replace")
    try:
        sent = dict(parse_qsl(body, keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise UsageError("That is more than a form holds.") from None
    asks = who.of(request)
    if not packing.same(sent.pop("word", ""), asks.word):
        raise ForbiddenError(
            "This form was not sent from a page of this station.", hint="Open the page again, and send it from there."
        )
    if not asks.may(needs):
        raise ForbiddenError("Your role does not allow that.", hint=f"It wants the role of {needs}.")
    return sent


def _page(module: ModuleType) -> Callable[[Request], Awaitable[Response]]:
    async def show(request: Request) -> Response:
        pool: Pool = request.app.state.pool
        try:
            wanted = await request_of(request)
            if request.method == "POST":
                view: View | Response = await module.act(
                    wanted, pool, await form_of(request, getattr(module, "NEEDS", "analyst"))
                )
            else:
                view = await module.build(wanted, pool)
        except TeitenError as error:
            return _trouble(request, error)
        if isinstance(view, Response):
            return view
        if "redirect" in view.more:
            return RedirectResponse(view.more["redirect"], 303)
        text = render.page(
            getattr(module, "TEMPLATE", "view.html"),
            wanted,
            view,
            nav=_nav(),
            here=module.PATH,
            version=__version__,
            who=who.of(request),
        )
        return _html(request, text, view.status)

    return show


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


def _nav() -> list[tuple[str, str]]:
    """Word's key and path of each page that the bar leads to, in order."""
    own = [(module.NAV, module.PATH) for module in found(pages) if getattr(module, "NAV", None)]
    return [(key, path) for (order, key), path in sorted(own)]


def _status(error: TeitenError) -> int:
    kinds = ((ForbiddenError, 403), (UsageError, 400), (LakeError, 503))
    return next((status for kind, status in kinds if isinstance(error, kind)), 500)


def _trouble(request: Request, error: TeitenError) -> Response:
    """A page that says what is wrong, and leads back."""
    settings: Settings = request.app.state.settings
    status = _status(error)
    wanted = asked.read(settings, "/", {}, extent=None, accept=request.headers.get("accept-language", ""))
    view = View(title=error.message, parts=[Part("trouble", "", sentences=[error.hint or ""])], status=status)
    text = render.page("trouble.html", wanted, view, nav=_nav(), here="", version=__version__, who=who.of(request))
    return _html(request, text, status)


async def _nothing(request: Request, _: Exception) -> Response:
    error = UsageError("There is no such page here.", hint="The search finds ports, countries, AS and addresses.")
    answer = _trouble(request, error)
    answer.status_code = 404
    return answer


__all__ = ["CSP", "create", "found", "request_of"]
