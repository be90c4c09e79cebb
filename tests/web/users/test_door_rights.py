"""Who may what: every page and every address of the API, asked as nobody, in each role, and with each kind of token."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from starlette.routing import Route

from teiten.web import app, pages, who
from teiten.web.api import _shape
from teiten.web.users import routes

from .conftest import NAMES, House

SAMPLES = {"port": "23", "code": "US", "country": "US", "asn": "15169", "number": "15169", "address": "8.8.8.3", "story": "x",
           "sensor": "x", "name": "x", "what": "ports"}  # fmt: skip
IN, SENT_TO_LOGIN, REFUSED = "in", "to the login", "refused"
ORDER = (who.NOBODY, *NAMES.values())


COUNTED = {"/rank/sources", "/series/sources", "/verdicts", "/notes"}
"""addresses of counts, verdicts and notes that are about sources: for `read` on purpose"""


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)(:path)?\}", lambda m: SAMPLES.get(m[1], "x") + ("/tcp" if m[2] and m[1] == "port" else ""), path)


def became(home: House, path: str, headers: Mapping[str, str], name: str | None = None) -> str:
    """`n=0` means nothing: whoever is let in hears so, which is quick."""
    browser = BROWSERS[name] if name else home.browser()
    answer = browser.get(f"{path}?n=0", headers)
    if answer.status == 303 and answer.headers["location"].startswith("/login"):
        return SENT_TO_LOGIN
    if answer.status in (401, 403):
        assert "8.8.8." not in answer.text and "23/tcp" not in answer.text
        return REFUSED
    assert answer.status in (200, 400, 404), (path, answer.status, answer.text[:300])
    return IN


BROWSERS: dict[str, object] = {}


@pytest.fixture(scope="module", autouse=True)
def browsers(home: House) -> None:
    BROWSERS.update({name: home.browser(name) for name in NAMES})


def test_every_page_says_for_whom_it_is() -> None:
    for module in app.found(pages):
        assert getattr(module, "SEES", None) in who.ROLES, f"{module.__name__} has no SEES"
        if hasattr(module, "act"):
            assert getattr(module, "NEEDS", "analyst") in who.ROLES
    for one in _shape.found():
        assert one.scope in who.SCOPES, one.path
        if one.scope == "read":
            told = {column.name for column in (*one.columns, *one.more)} & {"src_ip", "source", "source_id", "raw", "line"}
            assert not told or one.path in COUNTED, f"{one.path} tells of single sources: {told}. Is its scope events?"


def test_nothing_answers_without_a_decision(home: House) -> None:
    """Every route of the application is a page, an address of the API, one of the door's own, or one of two named here."""
    decided = {module.PATH for module in app.found(pages)} | set(routes.ROUTES)
    decided |= {one.whole for one in _shape.found()}
    made = app.create(home.settings, workers=1)
    there = {route.path for route in made.routes if isinstance(route, Route)}
    assert len(there) == len(made.routes), "mounts would be let in without a look"
    assert there - decided == {"/static/{name}", "/live", "/api/{rest:path}"}
    made.state.pool.close()


def test_pages(home: House) -> None:
    """A person is let in where the role suffices; a token never, at pages."""
    token = home.store.token("ada", "all", ("read", "events", "sql"), 1)[1]
    for module in app.found(pages):
        path = filled(module.PATH)
        assert became(home, path, {}) == SENT_TO_LOGIN, path
        assert became(home, path, {"authorization": f"Bearer {token}"}) == SENT_TO_LOGIN, path
        for name, role in NAMES.items():
            suffices = ORDER.index(role) >= ORDER.index(module.SEES)
            assert became(home, path, {}, name) == (IN if suffices else REFUSED), (path, role)


def test_the_doors_own_pages(home: House) -> None:
    for path, (_, methods, role) in routes.ROUTES.items():
        if "GET" not in methods:
            continue
        assert became(home, path, {}) == (IN if role == who.NOBODY else SENT_TO_LOGIN), path
        for name, own in NAMES.items():
            assert became(home, path, {}, name) == (IN if ORDER.index(own) >= ORDER.index(role) else REFUSED), (path, own)


def test_the_api(home: House) -> None:
    tokens = {(user, scope): home.store.token(user, scope, (scope,), 1)[1] for user in ("vera", "ada") for scope in who.SCOPES}
    for one in _shape.found():
        path = filled(one.whole)
        assert became(home, path, {}) == REFUSED, path
        assert became(home, path, {"authorization": "Bearer teiten_000000000000_" + "A" * 43}) == REFUSED
        for name, role in NAMES.items():
            suffices = ORDER.index(role) >= ORDER.index(who.SCOPES[one.scope])
            assert became(home, path, {}, name) == (IN if suffices else REFUSED), (path, role)
        for (user, own), text in tokens.items():
            suffices = own == one.scope and ORDER.index(NAMES[user]) >= ORDER.index(who.SCOPES[one.scope])
            found = became(home, path, {"authorization": f"Bearer {text}"})
            assert found == (IN if suffices else REFUSED), (path, user, own)


def test_what_is_delicate_stays_with_those_who_look_into_it() -> None:
    found = {module.PATH: module.SEES for module in app.found(pages)}
    assert found["/sql"] == "analyst" and routes.ROUTES["/users"][2] == "administrator"
    assert [path for path, (_, _, role) in routes.ROUTES.items() if role == who.NOBODY] == ["/login"]
    for one in _shape.found():
        if "sql" in one.path:
            assert one.scope == "sql"
        if one.path.startswith(("/events", "/sources")):
            assert one.scope == "events"


def test_live_updates_and_the_style(home: House) -> None:
    stranger = home.browser()
    assert stranger.get("/live").status == 401
    assert stranger.get("/ports", {"x-live": "1"}).status == 401
    assert stranger.get("/static/web.css").status == 200
    assert stranger.get("/nothing").headers["location"] == "/login?next=%2Fnothing"
    assert home.browser("vera").get("/nothing").status == 404


def test_the_bar_leads_where_one_may_go(home: House) -> None:
    assert 'href="/sql' not in home.browser("vera").get("/account").text
    assert 'href="/sql' in home.browser("ana").get("/account").text
    assert "/users" not in home.browser("ana").get("/account").text
    assert "/users" in home.browser("ada").get("/account").text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "PROPFIND"])
def test_other_methods_open_nothing(home: House, method: str) -> None:
    for path in ("/ports", "/users", "/api/v1/rank/ports", "/live"):
        answer = home.browser().ask(method, path, {"x-http-method-override": "GET"})
        assert answer.status in (303, 401, 405), (method, path, answer.status)
        assert "8.8.8." not in answer.text
