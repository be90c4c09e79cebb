"""The pages of the door itself: log in, log out, one's own account with its tokens, the administrator's view of all."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from teiten import lang
from teiten.errors import ForbiddenError, TeitenError, UsageError
from teiten.web import asked, packing, who
from teiten.web.asked import Asked
from teiten.web.model import View
from teiten.web.users import passwords
from teiten.web.users.door import LOGIN, Guard, cookie, cookies, set_cookie
from teiten.web.users.store import MOST_DAYS, SCOPES, User, UsersError, day

DAYS: Final = (30, 90, 366)
AUDIT_LINES: Final = 100
Show = Callable[[Request, str, Asked, View], Response]
Form = Callable[[Request, str], Awaitable[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Desk:
    """What these pages need of the application: `show` writes one from its template, `form` reads one that was sent."""

    guard: Guard
    settings: Any
    show: Show
    form: Form


def asks(request: Request) -> Asked:
    """The request of a page that asks the lake nothing."""
    words = {key: value for key, value in request.query_params.items() if key in ("lang", "next")}
    found = asked.read(
        request.app.state.settings, request.url.path, words, extent=None,
        accept=request.headers.get("accept-language", ""), cookie=request.cookies.get("lang"),
    )  # fmt: skip
    return replace(found, live=False)


def within(text: str) -> str:
    """Where it leads after the login: a path of this station, whatever was asked for."""
    parts = urlsplit(text) if text.isascii() and text.isprintable() and "\\" not in text else None
    if parts is None or parts.scheme or parts.netloc or not text.startswith("/") or text.startswith("//"):
        return "/"
    return "/" if parts.path in (LOGIN, "/logout") else text


async def login(request: Request) -> Response:
    """The form (GET), and what was written into it (POST)."""
    desk: Desk = request.app.state.desk
    if not desk.guard.shut or who.of(request).by == "proxy":
        return RedirectResponse(within(request.query_params.get("next", "/")), 303)
    if request.method != "POST":
        return _form(request, "", within(request.query_params.get("next", "/")))
    sent = await _sent(request)
    back = within(sent.get("next", "/"))
    nonce = cookies(request.scope).get(cookie(request.scope, "-door"), "")
    right = packing.same(sent.get("word", ""), desk.guard.door_word(nonce))
    if not nonce or not right or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return _form(request, "stale", back, 403)
    name, address = sent.get("name", "").strip().lower()[:80], str(request.scope["client"][0])
    if desk.guard.busy:
        return _form(request, "busy", back, 503, wait=5)
    known = desk.guard.known()
    wait = desk.guard.failures.wait(name, address)
    if wait:
        if desk.guard.seldom(("limited", address)):
            desk.guard.tell("login limited", name if name in known.users else "", request.scope)
        return _form(request, "limited", back, 429, wait=int(wait) + 1)
    user = known.users.get(name)
    if not await _matches(desk.guard, user.hash if user else None, sent.get("password", "")) or user is None:
        # a name that nobody has may be a password, typed into the wrong line
        desk.guard.tell("login refused", name if user else "", request.scope)
        return _form(request, "wrong", back, 403)
    desk.guard.failures.succeeded(name, address)
    await _renewed(desk.guard, user, sent["password"])
    before = cookies(request.scope).get(cookie(request.scope))
    id = desk.guard.sessions.begin(user, address, before)
    desk.guard.tell("login", name, request.scope)
    answer = RedirectResponse(back, 303)
    answer.headers.append("set-cookie", set_cookie(request.scope, cookie(request.scope), id))
    answer.headers.append("set-cookie", set_cookie(request.scope, cookie(request.scope, "-door"), "", strict=True))
    return answer


def _form(request: Request, trouble: str, back: str, status: int = 200, *, wait: int = 0) -> Response:
    desk: Desk = request.app.state.desk
    wanted, name = asks(request), cookie(request.scope, "-door")
    nonce = cookies(request.scope).get(name) or secrets.token_urlsafe(24)
    words = lang.words(wanted.lang)
    more = {"trouble": words(f"web_users.{trouble}", minutes=-(-wait // 60)) if trouble else "", "next": back,
            "word": packing.covered(desk.guard.door_word(nonce))}  # fmt: skip
    answer = desk.show(request, "login.html", wanted, View(words("web_users.login"), [], status=status, more=more))
    answer.headers.append("set-cookie", set_cookie(request.scope, name, nonce, strict=True))
    if wait:
        answer.headers["retry-after"] = str(wait)
    return answer


async def _sent(request: Request) -> dict[str, str]:
    from teiten.web.app import fields_of

    return await fields_of(request)


async def _matches(guard: Guard, kept: str | None, given: str) -> bool:
    guard.waiting += 1
    try:
        async with guard.hashing:
            return await asyncio.to_thread(passwords.matches, kept, given)
    finally:
        guard.waiting -= 1


async def _renewed(guard: Guard, user: User, given: str) -> None:
    """A password that was kept at another cost is kept at today's."""
    if passwords.outdated(user.hash):
        try:
            async with guard.hashing:
                await asyncio.to_thread(guard.store.rehash, user.name, user.stamp, given)
        except UsersError as error:
            print(f"teiten serve: {error}", file=sys.stderr, flush=True)


async def logout(request: Request) -> Response:
    """Ends the login that this browser has."""
    desk: Desk = request.app.state.desk
    await desk.form(request, who.NOBODY)
    asks_ = who.of(request)
    identity = desk.guard.serving.identity
    to = identity.logout if asks_.by == "proxy" and identity is not None and identity.logout else LOGIN
    answer = RedirectResponse(to if asks_.by else "/", 303, {"clear-site-data": '"cache"'})
    if id := cookies(request.scope).get(cookie(request.scope)):
        desk.guard.sessions.end(id)
        answer.headers.append("set-cookie", set_cookie(request.scope, cookie(request.scope), ""))
    if asks_.by:
        desk.guard.tell("logout", asks_.name, request.scope)
    return answer


async def account(request: Request) -> Response:
    """One's own password and tokens."""
    desk: Desk = request.app.state.desk
    me, wanted = who.of(request), asks(request)
    words = lang.words(wanted.lang)
    said: dict[str, str] = {"trouble": "", "done": "", "token": ""}
    status = 200
    if request.method == "POST":
        form = await desk.form(request, "viewer")
        try:
            said |= await _changed(request, me, form, words)
        except TeitenError as error:
            said["trouble"] = str(error)
            status = 403 if isinstance(error, ForbiddenError) else 400
        if said.get("cookie"):
            answer = RedirectResponse("/account?done=password", 303)
            answer.headers.append("set-cookie", said["cookie"])
            return answer
    elif request.query_params.get("done") == "password":
        said["done"] = words("web_users.password_changed")
    own = desk.guard.known().users.get(me.name) is not None and me.by == "session"
    mine = [one for one in _tokens(desk.guard) if one["user"] == me.name] if own else []
    may = [one for one in SCOPES if me.may(who.SCOPES[one])]
    more = {**said, "own": own, "tokens": mine, "scopes": may, "days": DAYS, "shortest": passwords.SHORTEST, "open": not me.by,
            "role": words(f"web_users.{me.role}")}  # fmt: skip
    return desk.show(request, "account.html", wanted, View(words("web_users.account"), [], status=status, more=more))


async def _changed(request: Request, me: who.Who, form: Mapping[str, str], words: Any) -> dict[str, str]:
    guard: Guard = request.app.state.desk.guard
    user = guard.known().users.get(me.name)
    if me.by != "session" or user is None:
        raise ForbiddenError("Passwords and tokens are for users of this station.")
    if form.get("do") == "password":
        return await _password(request, user, form)
    if form.get("do") == "token":
        scopes = tuple(one for one in SCOPES if form.get(f"scope_{one}"))
        if not all(me.may(who.SCOPES[one]) for one in scopes):
            raise ForbiddenError("Your role does not allow that.")
        days = form.get("days", "")
        one, text = await asyncio.to_thread(
            guard.store.token, me.name, form.get("label", ""), scopes, int(days) if days in map(str, DAYS) else 0
        )
        guard.tell(
            "token made", me.name, request.scope, token=one.id, name=one.label, scopes=" ".join(one.scopes), ends=day(one.ends)
        )
        return {"token": text, "done": words("web_users.token_made")}
    if form.get("do") == "revoke":
        gone = await asyncio.to_thread(guard.store.revoke, form.get("id", ""), me.name)
        guard.tell("token revoked", me.name, request.scope, token=gone.id, name=gone.label)
        return {"done": words("web_users.token_revoked", name=gone.label)}
    raise UsageError("This form asks for nothing that is known here.")


async def _password(request: Request, user: User, form: Mapping[str, str]) -> dict[str, str]:
    """Another password, if the one there was is given; ends all logins of the user, and begins this one anew."""
    guard: Guard = request.app.state.desk.guard
    address = str(request.scope["client"][0])
    if guard.busy or guard.failures.wait(user.name, address):
        raise ForbiddenError("That was tried too often.", hint="Wait a quarter of an hour.")
    if not await _matches(guard, user.hash, form.get("password", "")):
        raise ForbiddenError("The present password is another.")
    guard.failures.succeeded(user.name, address)
    if form.get("new", "") != form.get("again", ""):
        raise UsageError("The new password was not written the same way twice.")
    async with guard.hashing:
        await asyncio.to_thread(guard.store.password, user.name, form.get("new", ""))
    guard.tell("password changed", user.name, request.scope)
    fresh = guard.known().users[user.name]
    id = guard.sessions.begin(fresh, address, cookies(request.scope).get(cookie(request.scope)))
    return {"cookie": set_cookie(request.scope, cookie(request.scope), id)}


async def users(request: Request) -> Response:
    """All users and tokens, and what the audit log said last."""
    desk: Desk = request.app.state.desk
    me, wanted = who.of(request), asks(request)
    words = lang.words(wanted.lang)
    said, status = {"trouble": "", "done": ""}, 200
    if request.method == "POST":
        form = await desk.form(request, "administrator")
        try:
            gone = await asyncio.to_thread(desk.guard.store.revoke, form.get("id", ""))
            desk.guard.tell("token revoked", me.name, request.scope, token=gone.id, name=gone.label, of=gone.user)
            said["done"] = words("web_users.token_revoked", name=gone.label)
        except UsageError as error:
            said["trouble"], status = str(error), 400
    found = [
        {"name": one.name, "role": words(f"web_users.{one.role}"), "made": day(one.made), "changed": day(one.changed)}
        for one in sorted(desk.guard.known().users.values(), key=lambda one: one.name)
    ]
    try:
        lines = await asyncio.to_thread(desk.guard.audit.lines, AUDIT_LINES) if desk.guard.shut else []
    except TeitenError as error:
        lines, said["trouble"] = [], str(error)
    log = [_line(words, one) for one in reversed(lines)]
    more = {**said, "users": found, "tokens": _tokens(desk.guard), "log": log, "open": not me.by}
    return desk.show(request, "users.html", wanted, View(words("web_users.users"), [], status=status, more=more))


def _line(words: lang.Words, told: dict[str, Any]) -> dict[str, str]:
    """A line of the audit log as the page shows it."""
    kind = str(told.pop("what", ""))
    key = f"web_users.done.{kind.replace(' ', '_')}"
    out = {name: str(told.pop(name, "")) for name in ("who", "from")}
    out["at"] = str(told.pop("at", ""))[:19].replace("T", " ")
    out["what"] = words(key) if key in words else kind
    out["more"] = ", ".join(f"{name}: {value}" for name, value in told.items())
    return out


def _tokens(guard: Guard) -> list[dict[str, str]]:
    return [
        {"id": one.id, "user": one.user, "label": one.label, "scopes": ", ".join(one.scopes), "made": day(one.made),
         "ends": day(one.ends), "used": day(one.used) if one.used else "–"}
        for one in sorted(guard.known().tokens, key=lambda one: (one.user, one.made))
    ]  # fmt: skip


ROUTES: Final[dict[str, tuple[Callable[[Request], Awaitable[Response]], tuple[str, ...], str]]] = {
    LOGIN: (login, ("GET", "POST"), who.NOBODY),
    "/logout": (logout, ("POST",), "viewer"),
    "/account": (account, ("GET", "POST"), "viewer"),
    "/users": (users, ("GET", "POST"), "administrator"),
}
"""path -> handler, methods, the role that it is for"""
assert max(DAYS) <= MOST_DAYS
