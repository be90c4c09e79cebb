"""Before every request: who is it, and may they come in at all? Nothing but the login and the style is for strangers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from teiten.web import who
from teiten.web.users.audit import Audit
from teiten.web.users.limits import WITHIN, Failures
from teiten.web.users.proxies import Proxies, loopback
from teiten.web.users.sessions import Sessions
from teiten.web.users.store import Known, Store, Token, UsersError, folder_of
from teiten.web.who import Who

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from teiten.settings import Settings

LOGIN: Final = "/login"
HSTS: Final = b"max-age=31536000"
_AT_ONCE: Final = 2
"""passwords that are looked at side by side: each takes 64 MiB"""
_WAITING: Final = 16
_TOLD: Final = 10_000
_FAR: Final = 2000
"""characters of an address that is gone back to after the login"""
UNSAFE: Final = "The list of users is damaged: nobody is let in until it is mended. The server's own messages say more.\n"
_PROXY: Final = (
    "This request came through a proxy, and this dashboard asks nobody who they are. Name the proxy under [serve], behind, "
    "and make users: teiten users add.\n"
)
_PLAIN: Final = "Only by TLS: the proxy in front has to say X-Forwarded-Proto: https.\n"


class Guard:
    """All that is known of users, for one application. UsageError where a proxy's secret does not fit, UsersError."""

    def __init__(self, settings: Settings) -> None:
        serving = settings.serving
        folder = folder_of(settings)
        self.serving = serving
        self.store, self.audit = Store(folder), Audit(folder)
        self.origins = bool(settings.api.origins)
        self.sessions = Sessions(serving.idle, serving.longest)
        self.failures, self.proxies = Failures(), Proxies(serving.behind, serving.identity)
        self.hashing = asyncio.Semaphore(_AT_ONCE)
        self.waiting = 0
        self._key = secrets.token_bytes(32)
        self._told: OrderedDict[Hashable, float] = OrderedDict()
        self._shut = serving.identity is not None or bool(serving.behind)
        if serving.identity is not None:
            self.store.begin()  # the audit log wants its folder
        self._trouble = ""

    def known(self) -> Known:
        """Users and tokens as they are now. UsersError."""
        try:
            found = self.store.known()
        except UsersError as error:
            if self._trouble != error.message:
                self._trouble = error.message
                print(f"teiten serve: {error}", file=sys.stderr, flush=True)
            self._shut = True
            raise
        self._trouble = ""
        if found is not None and found.users:
            # once there were users, only a new start opens the doors to everybody on this machine
            self._shut = True
        return found or Known()

    @property
    def shut(self) -> bool:
        """Is somebody asked who they are?"""
        return self._shut

    @property
    def busy(self) -> bool:
        """Do so many passwords wait that another is not taken?"""
        return self.waiting >= _WAITING

    def door_word(self, nonce: str) -> str:
        """What the form of the login carries, for the browser that has this cookie."""
        return hmac.new(self._key, nonce.encode(), hashlib.sha256).hexdigest()

    def tell(self, kind: str, name: str, scope: Scope, /, **more: Any) -> None:
        """A line of the audit log, where there is one: without users nothing is written."""
        if self._shut:
            self.audit.tell(kind, name, str((scope.get("client") or ("",))[0]), **more)

    def seldom(self, key: Hashable, within: float = WITHIN) -> bool:
        """Is it so long since this was told that it may be told again?"""
        now = time.monotonic()
        if key in self._told and now - self._told[key] < within:
            return False
        self._told[key] = now
        self._told.move_to_end(key)
        while len(self._told) > _TOLD:
            self._told.popitem(last=False)
        return True


class Door:
    """The layer in front of all pages: sets `teiten.who`, or answers itself."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self.app, self.guard = app, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        inner, said = self.guard.proxies.cleaned(scope)
        send = _sent(send, inner, self.guard)
        try:
            known = self.guard.known()
        except UsersError:
            await PlainTextResponse(UNSAFE, 503)(inner, receive, send)
            return
        if not self.guard.shut and _both_here(scope):
            if said.through:
                await PlainTextResponse(_PROXY, 403)(inner, receive, send)
                return
            found, still = who.OWNER, _always
        else:
            if self.guard.serving.behind and inner["scheme"] != "https" and not loopback(inner["client"][0]):
                await PlainTextResponse(_PLAIN, 403)(inner, receive, send)
                return
            found, still = self._who(inner, known, said)
        inner["teiten.who"] = found
        who.asking(found)
        path = inner["path"]
        # a browser asks so for another page's sake, without saying for whom; the answer says nothing of the lake
        beforehand = self.guard.origins and inner["method"] == "OPTIONS" and path.startswith("/api/")
        if found.role == who.NOBODY and path != LOGIN and not path.startswith("/static/") and not beforehand:
            await self._turned_away(inner, said.refused)(inner, receive, send)
            return
        receive, send = _while(still, receive, send)
        await self.app(inner, receive, send)

    def _who(self, scope: dict[str, Any], known: Known, said: Any) -> tuple[Who, Callable[[], bool]]:
        """Who it is, and what tells whether they still are."""
        guard, client = self.guard, scope["client"][0] if scope.get("client") else ""
        if said.refused and guard.seldom(("identity", client, said.refused)):
            guard.tell("identity refused", said.user, scope, why=said.refused)
        if said.role:
            if guard.seldom(("identity", said.user, client), guard.serving.idle):
                guard.tell("identity", said.user, scope, role=said.role)
            return Who(said.user, said.role, guard.proxies.word(said.user), "proxy"), _always
        bearer = _header(scope, b"authorization")
        if bearer and scope["path"].startswith("/api/"):
            return self._program(scope, known, bearer)
        id = cookies(scope).get(cookie(scope), "")
        acts = not _header(scope, b"x-live") and scope["path"] != "/live"
        session = guard.sessions.find(id, known, acts=acts) if id else None
        if session is None:
            return who.STRANGER, _always
        return Who(session.user, known.users[session.user].role, session.word, "session"), lambda: self._stays(id)

    def _program(self, scope: dict[str, Any], known: Known, bearer: str) -> tuple[Who, Callable[[], bool]]:
        guard, text = self.guard, bearer[7:].strip() if bearer[:7].lower() == "bearer " else ""
        token = known.token(text, time.time())
        if token is None:
            if guard.seldom(("token", scope["client"][0])):
                guard.tell("token refused", "", scope)
            return who.STRANGER, _always
        if token.used is None and guard.seldom(("used", token.id)):
            self._first(token, scope)
        found = Who(token.user, known.users[token.user].role, secrets.token_urlsafe(24), "token", frozenset(token.scopes))
        return found, lambda: self._holds(text)

    def _first(self, token: Token, scope: dict[str, Any]) -> None:
        try:
            self.guard.store.used(token.id, time.time())
        except UsersError as error:
            print(f"teiten serve: {error}", file=sys.stderr, flush=True)
        self.guard.tell("token first used", token.user, scope, token=token.id, name=token.label)

    def _stays(self, id: str) -> bool:
        try:
            return self.guard.sessions.find(id, self.guard.known(), acts=False) is not None
        except UsersError:
            return False

    def _holds(self, text: str) -> bool:
        try:
            return self.guard.known().token(text, time.time()) is not None
        except UsersError:
            return False

    def _turned_away(self, scope: dict[str, Any], refused: str) -> Response:
        path = scope["path"]
        if refused:
            return PlainTextResponse(f"You are not let in: {refused}.\n", 403)
        if path.startswith("/api/"):
            told = {"error": "This wants a token, or a login.", "hint": "Authorization: Bearer TOKEN; see your account's page."}
            return JSONResponse(told, 401, {"www-authenticate": 'Bearer realm="teiten"'})
        if path == "/live" or _header(scope, b"x-live") or scope["method"] not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("Log in first.\n", 401)
        query = scope["query_string"].decode("latin-1")
        back = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "") if scope["method"] != "POST" else "/"
        words = {"next": back} if back != "/" and len(back) <= _FAR else {}
        words |= {key: value for key, value in parse_qsl(query) if key == "lang"}
        return RedirectResponse(LOGIN + (f"?{urlencode(words)}" if words else ""), 303)


def cookie(scope: Scope, more: str = "") -> str:
    """The name of the login's cookie: bound to this host under TLS, and to this port, which cookies do not tell apart."""
    port = (scope.get("server") or ("", 0))[1]
    return f"{'__Host-' if scope['scheme'] == 'https' else ''}teiten-{port}{more}"


def cookies(scope: Scope) -> dict[str, str]:
    """The request's cookies; a name that comes twice has none (somebody else may have set it)."""
    out: dict[str, str] = {}
    for text in (value.decode("latin-1") for key, value in scope["headers"] if key == b"cookie"):
        for part in text.split(";"):
            name, _, value = part.strip().partition("=")
            out[name] = "" if name in out else value
    return out


def set_cookie(scope: Scope, name: str, value: str, *, strict: bool = False) -> str:
    """The header that sets it, or with no value takes it away."""
    try:
        made: SimpleCookie = SimpleCookie({name: value})
    except CookieError as error:
        raise AssertionError from error
    own = made[name]
    own["path"], own["httponly"], own["samesite"] = "/", True, "Strict" if strict else "Lax"
    if scope["scheme"] == "https":
        own["secure"] = True
    if not value:
        own["max-age"] = 0
    return own.OutputString()


def _header(scope: Scope, name: bytes) -> str:
    found = [value for key, value in scope["headers"] if key == name]
    return found[0].decode("latin-1") if len(found) == 1 else ""


def _always() -> bool:
    return True


def _both_here(scope: Scope) -> bool:
    """Do both ends of the connection lie on this machine?"""
    ends = (scope.get("client"), scope.get("server"))
    return all(one is not None and loopback(str(one[0])) for one in ends)


def _sent(send: Send, scope: dict[str, Any], guard: Guard) -> Send:
    """What every answer carries where somebody is asked who they are: nothing of it is kept for others."""

    async def own(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message["headers"])
            if guard.shut and not (scope["path"].startswith("/static/") and message["status"] == 200):
                page = any(key.lower() == b"content-type" and value.startswith(b"text/html") for key, value in headers)
                leave = {b"cache-control", b"etag"} if page else {b"cache-control"}
                store = (
                    page
                    or (message["status"] >= 300 and message["status"] != 304)
                    or (b"cache-control", b"no-store") in headers
                )
                headers = [(key, value) for key, value in headers if key.lower() not in leave]
                headers.append((b"cache-control", b"no-store" if store else b"private, no-cache"))
                headers.append((b"vary", b"Cookie, Authorization"))
            if scope["scheme"] == "https":
                headers.append((b"strict-transport-security", HSTS))
            message = {**message, "headers": headers}
        await send(message)

    return own


def _while(still: Callable[[], bool], receive: Receive, send: Send) -> tuple[Receive, Send]:
    """The same, until whoever asked no longer may: then a long answer ends, and says nothing more."""
    begun = ended = False

    async def told() -> Message:
        return {"type": "http.disconnect"} if ended else await receive()

    async def own(message: Message) -> None:
        nonlocal begun, ended
        if ended:
            return
        if message["type"] == "http.response.body":
            if begun and not still():
                ended = True
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            begun = True
        await send(message)

    return told, own
