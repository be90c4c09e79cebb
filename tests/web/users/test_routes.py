"""Logging in and out, one's own account, and what attackers try there."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import time
from pathlib import Path

import pytest

from teiten.settings import Settings
from teiten.web.users import limits, routes
from teiten.web.users.store import Store, folder_of

from ..conftest import served
from .conftest import WORD, Browser, House, house


def test_a_login_and_its_end(home: House) -> None:
    browser = home.browser()
    assert browser.get("/ports?lang=ja").headers["location"] == "/login?next=%2Fports%3Flang%3Dja&lang=ja"
    page = browser.get("/login?next=%2Fports%3Flang%3Dja&lang=ja")
    assert page.status == 200 and "パスワード" in page.text and "<script>" not in page.text
    assert page.headers["cache-control"] == "no-store" and "etag" not in page.headers
    word = browser.word("/login")
    answer = browser.post("/login", {"word": word, "name": "Vera", "password": WORD.format("vera"), "next": "/ports?lang=ja"})
    assert (answer.status, answer.headers["location"]) == (303, "/ports?lang=ja")
    own = next(one for one in browser.set if one.startswith(f"teiten-{home.port}="))
    assert "HttpOnly" in own and "SameSite=lax" in own.replace("Lax", "lax") and "Path=/" in own and "Domain" not in own
    page = browser.get("/account?lang=en")
    assert page.status == 200 and "vera, viewer" in page.text and page.headers["cache-control"] == "no-store"
    rows = browser.get("/api/v1/rank/ports?period=week")
    assert rows.status == 200 and rows.headers["cache-control"] == "private, no-cache" and "Cookie" in rows.headers["vary"]
    before = dict(browser.jar)
    word = browser.word("/account")
    assert browser.post("/logout", {}).status == 403, "the word is wanted there too"
    answer = browser.post("/logout", {"word": word})
    assert (answer.status, answer.headers["location"]) == (303, "/login") and not browser.id
    assert Browser(home.port, before).get("/account").status == 303, "what the browser had is worth nothing any more"
    kinds = [json.loads(line)["what"] for line in home.log().splitlines()]
    assert {"login", "logout", "form refused"} <= set(kinds)


def test_each_login_has_an_id_of_its_own(home: House) -> None:
    """Session fixation: what a browser brings along is never what it is known by afterwards."""
    browser = home.browser()
    browser.jar[f"teiten-{home.port}"] = "chosen-by-an-attacker"
    browser.login("vera")
    first = browser.id
    assert first and first != "chosen-by-an-attacker"
    again = browser.login("vera")
    assert again.status == 303 and browser.id != first, again.text
    assert Browser(home.port, {f"teiten-{home.port}": first}).get("/account").status == 303
    twice = browser.get("/account", {"cookie": f"teiten-{home.port}=x; teiten-{home.port}={browser.id}"})
    assert twice.status == 303, "a name that comes twice is somebody else's doing"


@pytest.mark.parametrize(
    "back",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
     "/\t/evil.example",
     "http:evil.example", "///evil.example", "/%0d%0aSet-Cookie: a=b\r\nX: y", "", "evil.example", "/login", "/logout",
     "//evil.example@127.0.0.1/", "/\x00"],
)  # fmt: skip
def test_it_leads_nowhere_else(home: House, back: str) -> None:
    found = routes.within(back)
    assert found.startswith("/") and not found.startswith(("//", "/\\")) and found.isprintable()
    assert "evil" not in found or found.startswith("/%0d")
    answer = home.browser().login("vera", back=back)
    assert answer.status == 303 and answer.headers["location"] == found and "x" not in answer.headers


def test_wrong_names_and_passwords_are_the_same(home: House) -> None:
    def said(name: str, password: str) -> tuple[int, str]:
        answer = home.browser().login(name, password)
        return answer.status, re.sub(r'value="[^"]*"', "", answer.text)

    assert said("vera", "not her password") == said("nobody", "not her password")
    assert said("vera", "not her password")[0] == 403
    log = [json.loads(line) for line in home.log().splitlines()]
    refused = [line["who"] for line in log if line["what"] == "login refused"]
    assert "vera" in refused and "" in refused and "nobody" not in home.log()
    assert "not her password" not in home.log() and WORD.format("vera") not in home.log()


def test_a_form_from_elsewhere_logs_nobody_in(home: House) -> None:
    """Login CSRF: the form belongs to the browser that asked for it."""
    form = {"name": "vera", "password": WORD.format("vera")}
    assert home.browser().post("/login", form).status == 403
    theirs = home.browser().word("/login")
    assert home.browser().post("/login", {"word": theirs, **form}).status == 403
    browser = home.browser()
    word = browser.word("/login")
    assert browser.post("/login", {"word": word, **form}, {"sec-fetch-site": "cross-site"}).status == 403
    plain = browser.ask("POST", "/login", {"content-type": "text/plain"}, f"word={word}&name=vera".encode())
    assert plain.status == 400
    assert browser.post("/login", {"word": word, **form}, {"sec-fetch-site": "same-origin"}).status == 303


def test_too_much_is_refused(home: House) -> None:
    browser = home.browser("ana")
    assert (
        browser.ask("POST", "/account", {"content-type": "application/x-www-form-urlencoded"}, b"a" * (300 << 10)).status == 400
    )
    assert browser.post("/account", {f"f{n}": "x" for n in range(60)}).status == 400
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", home.port, timeout=30)) as link:
        link.request("POST", "/login", iter([b"name=vera"]), {"content-type": "application/x-www-form-urlencoded"})
        assert link.getresponse().status == 411, "chunks tell no length"
    long = home.browser().login("vera", "x" * 100_000)
    assert long.status == 403


def test_failures_are_limited(chosen: Settings, tmp_path: Path) -> None:
    with house(chosen, tmp_path) as own:
        for _ in range(limits.OF_BOTH):
            assert own.browser().login("vera", "not her password").status == 403
        answer = own.browser().login("vera")
        assert answer.status == 429 and int(answer.headers["retry-after"]) > 800, "even with the right one"
        assert own.browser().login("ada").status == 303, "others are not locked out"
        for n in range(limits.OF_ADDRESS):
            answer = own.browser().login(f"guess{n}", "whatever it may be")
        assert answer.status == 429 and own.browser().login("ada").status == 429
        kinds = [json.loads(line)["what"] for line in own.log().splitlines()]
        assert 1 <= kinds.count("login limited") <= 4


def test_another_password_ends_all_logins(home: House) -> None:
    store, name = home.store, "paul"
    store.add(name, "viewer", WORD.format(name))
    one, other = home.browser(name), home.browser(name)
    form = {"do": "password", "new": "another long word", "again": "another long word"}
    wrong = one.post("/account", {**form, "word": one.word("/account"), "password": "a guess, and no more"})
    assert wrong.status == 403 and other.get("/account").status == 200
    short = {"password": WORD.format(name), "new": "short", "again": "short"}
    assert one.post("/account", {**form, "word": one.word("/account"), **short}).status == 400
    uneven = {"password": WORD.format(name), "again": "another long work"}
    assert one.post("/account", {**form, "word": one.word("/account"), **uneven}).status == 400
    done = one.post("/account", {**form, "word": one.word("/account"), "password": WORD.format(name)})
    assert (done.status, done.headers["location"]) == (303, "/account?done=password")
    assert one.get("/account").status == 200 and other.get("/account").status == 303
    # by command, too, and a role counts from the next request on
    store.role(name, "analyst")
    assert "analyst" in one.get("/account?lang=en").text
    store.password(name, "a third long word")
    assert one.get("/account").status == 303
    again = home.browser()
    assert again.login(name, "a third long word").status == 303
    store.remove(name)
    assert again.get("/account").status == 303 and again.get("/api/v1/rank/ports").status == 401


def test_tokens_on_ones_page(home: House) -> None:
    browser, program = home.browser("vera"), home.browser()
    form = {"do": "token", "label": "<b>graph</b>", "scope_read": "1", "days": "30"}
    page = browser.post("/account", {**form, "word": browser.word("/account")})
    text = re.search(r"teiten_[0-9a-f]{12}_[\w-]{43}", page.text)
    assert text and "<b>graph" not in page.text and text[0] not in browser.get("/account").text
    bearer = {"authorization": f"Bearer {text[0]}"}
    assert program.get("/api/v1/rank/ports?period=week", bearer).status == 200
    assert program.get("/api/v1/events?period=week", bearer).status == 403
    assert home.store.known().tokens[-1].used, "when it was first used is kept"  # type: ignore[union-attr]
    kept = (folder_of(home.settings) / "users.json").read_text()
    assert text[0] not in kept and text[0].rpartition("_")[2] not in kept and text[0] not in home.log()
    # nobody makes one that may more than they, nor one for good, nor ends another's
    asked = {**form, "scope_sql": "1"}
    assert browser.post("/account", {**asked, "word": browser.word("/account")}).status == 403
    assert browser.post("/account", {**form, "days": "9999", "word": browser.word("/account")}).status == 400
    id = text[0].split("_")[1]
    other = home.browser("ana")
    assert other.post("/account", {"do": "revoke", "id": id, "word": other.word("/account")}).status == 400
    assert program.get("/api/v1/rank/ports?period=week", bearer).status == 200
    admin = home.browser("ada")
    assert "&lt;b&gt;graph" in admin.get("/users").text
    assert admin.post("/users", {"do": "revoke", "id": id, "word": admin.word("/users")}).status == 200
    assert program.get("/api/v1/rank/ports?period=week", bearer).status == 401
    kinds = [json.loads(line)["what"] for line in home.log().splitlines()]
    assert {"token made", "token first used", "token revoked", "token refused"} <= set(kinds)


def test_words_of_forms_belong_to_a_login(home: House) -> None:
    one, other = home.browser("ada"), home.browser("ada")
    form = {"do": "token", "label": "x", "scope_read": "1", "days": "30"}
    assert one.post("/account", {**form, "word": other.word("/account")}).status == 403
    assert one.post("/account", form).status == 403
    assert one.post("/account", {**form, "word": ""}).status == 403


def test_live_updates_end_with_the_login(chosen: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from teiten.web import live

    monkeypatch.setattr(live, "ALIVE", 0.2)
    with house(chosen, tmp_path) as own:
        browser = own.browser("vera")
        with socket.create_connection(("127.0.0.1", own.port), 20) as link:
            link.sendall(f"GET /live HTTP/1.1\r\nHost: x\r\nCookie: teiten-{own.port}={browser.id}\r\n\r\n".encode())
            link.settimeout(20)
            got = link.recv(4096)
            while b"still here" not in got:
                got += link.recv(4096)
            browser.post("/logout", {"word": browser.word("/account")})
            deadline, rest = time.monotonic() + 15, b""
            while not rest.endswith(b"0\r\n\r\n") and time.monotonic() < deadline:
                rest += link.recv(4096)
            assert rest.endswith(b"0\r\n\r\n"), "the stream has ended"


def test_queries_and_exports_are_written_down(home: House) -> None:
    browser = home.browser("ana")
    browser.get("/sql?q=SELECT%2042%20AS%20answer%20%1b%5b31m")
    browser.get("/api/v1/rank/ports?period=week&format=csv")
    lines = [json.loads(line) for line in home.log().splitlines()]
    asked = [line for line in lines if line["what"] == "sql"]
    assert asked[-1]["who"] == "ana" and asked[-1]["query"].startswith("SELECT 42") and asked[-1]["from"] == "127.0.0.1"
    assert [line["path"] for line in lines if line["what"] == "export"][-1] == "/api/v1/rank/ports"
    assert not re.search(r"[^\x20-\x7e\n]", home.log())
    page = home.browser("ada").get("/users?lang=en").text
    assert "SELECT 42" in page and "\x1b" not in page


def test_what_nobody_thought_of_says_nothing(chosen: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to a fault is made outside of all layers, and carries all the same what they add."""
    from teiten.web import app
    from teiten.web.pages import stories

    async def fails(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(stories, "build", fails)
    with house(chosen, tmp_path) as own:
        answer = own.browser("vera").get("/stories?lang=en")
        assert answer.status == 500 and "secret" not in answer.text and "vera" not in answer.text
        assert answer.headers["content-security-policy"] == app.CSP and answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_without_users_nobody_is_asked(chosen: Settings, tmp_path: Path) -> None:
    from dataclasses import replace

    from teiten import hosting

    made = replace(chosen, serving=hosting.Serving(users=tmp_path / "users"))
    with served(made, workers=1) as client:
        browser = Browser(client.port)
        assert browser.get("/account?lang=en").status == 200 and browser.get("/users").status == 200
        assert browser.get("/login").headers["location"] == "/"
        assert browser.get("/", {"x-forwarded-for": "203.0.113.9"}).status == 403, "somebody put a proxy before it"
        assert browser.get("/", {"x-live": "1"}).status == 200
        assert not (tmp_path / "users").exists(), "nothing is written"
        store = Store(folder_of(made))
        store.add("ada", "administrator", WORD.format("ada"))
        assert browser.get("/").headers["location"] == "/login", "from the next request on"
        store.remove("ada")
        assert browser.get("/").headers["location"] == "/login", "and never open again while it runs"


def test_a_damaged_list_of_users_lets_nobody_in(chosen: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with house(chosen, tmp_path) as own:
        browser, path = own.browser("ada"), folder_of(own.settings) / "users.json"
        whole = path.read_bytes()
        for spoilt in (
            b"",
            b"{}",
            whole[:200],
            whole.replace(b"argon2id", b"argon2xx"),
            b'{"format": 1, "users": [], "tokens": 7}',
        ):
            path.write_bytes(spoilt)
            for place in ("/", "/login", "/api/v1/rank/ports", "/account", "/static/web.css"):
                answer = browser.get(place)
                assert answer.status == 503 and str(tmp_path) not in answer.text, (spoilt[:20], place)
        path.unlink()
        assert browser.get("/").status == 503 and own.browser().get("/").status == 503
        path.write_bytes(whole)
        path.chmod(0o644)
        assert browser.get("/").status == 503
        path.chmod(0o600)
        assert browser.get("/account").status == 200
    assert "users.json" in capfd.readouterr().err
