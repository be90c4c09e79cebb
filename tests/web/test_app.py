"""Every page in both languages; what is wrong is said; what came from a log is only text; nothing is fetched from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from teiten.settings import Settings
from teiten.web import api, app, pages

from .conftest import HOSTILE, OWN, Client, served

SENSOR = f"/sensor/{quote(HOSTILE)}"
PLACES = (
    "/", "/ports", "/port/23/tcp", "/countries", "/country/US", "/country/unknown", "/asns", "/asn/15169", "/sources",
    "/source/8.8.8.3", "/scanners", "/sensors", SENSOR, "/stories", "/events", "/search?q=23", "/sql", "/api", "/compare",
    "/source/8.8.8.0/24", "/scanner/NICT", "/reports", "/payloads", "/notifications", "/devices",
)  # fmt: skip


class Links(HTMLParser):
    """Addresses that a page leads to or takes things from, and what could run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.taken: list[str] = []
        self.scripts = self.handlers = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.scripts += tag == "script" and "src" not in told
        self.handlers += sum(name.startswith("on") or name == "style" for name in told)
        if tag == "a" and told.get("href"):
            self.links.append(str(told["href"]))
        self.taken += [str(told[name]) for name in ("src", "action") if told.get(name)]
        self.taken += [str(told["href"])] if tag == "link" else []


@pytest.mark.parametrize("code", ["ja", pytest.param("en", marks=pytest.mark.full)])
@pytest.mark.parametrize(
    "place",
    [
        one if one in ("/", "/ports", "/port/23/tcp", "/events", "/sql") else pytest.param(one, marks=pytest.mark.full)
        for one in PLACES
    ],
)
def test_every_page(client: Client, place: str, code: str) -> None:
    answer = client.get(f"{place}{'&' if '?' in place else '?'}lang={code}")
    assert answer.status == 200, answer.text[:300]
    assert f'<html lang="{code}">' in answer.text
    found = Links(answer.text)
    assert not found.scripts and not found.handlers
    assert all(one.startswith("/") and not one.startswith("//") for one in found.taken + found.links if not one.startswith("#"))
    assert HOSTILE not in answer.text and OWN not in answer.text
    assert answer.headers["content-security-policy"] == app.CSP and "unsafe" not in app.CSP


def test_every_module_has_a_page_that_is_tried(client: Client) -> None:
    tried = [place.partition("?")[0] for place in PLACES] + [
        "/story/x",
        "/event/x",
        "/feed/x",
        "/payload/x",
        "/reports/x/index.html",
    ]
    for module in app.found(pages):
        pattern = re.compile(re.sub(r"\{[a-z]+(:path)?\}", ".+", module.PATH))
        assert any(pattern.fullmatch(place) for place in tried), module.PATH
    assert app.found(api)


@pytest.mark.full
def test_links_of_pages_work(client: Client) -> None:
    """What the overview and the page of a port lead to is there."""
    for place in ("/?lang=en", "/port/23/tcp?lang=en&period=week"):
        for link in sorted({one.partition("#")[0] for one in Links(client.get(place).text).links} - {""}):
            assert client.get(link).status in (200, 304), link


def test_counts_are_those_of_the_log(client: Client) -> None:
    text = client.get("/ports?from=2019-10-22&to=2019-10-23&lang=en").text
    rows = re.findall(r"<tr>(.*?)</tr>", text, re.S)
    cells = [[re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)] for row in rows]
    assert [row[:4] for row in cells if len(row) == 7] == [
        ["1", "23/tcp", "72", "10"], ["2", "445/tcp", "48", "10"], ["3", "80/tcp", "24", "10"],
    ]  # fmt: skip
    assert "50.0" in cells[1][4] and "Shares are of 144" in text


def test_filters_go_along(client: Client) -> None:
    text = client.get("/port/445/tcp?lang=en&src=8.8.8.3").text
    assert "/source/8.8.8.3?" in text and "port=445%2Ftcp" in text
    rows = client.get("/api/v1/rank/ports?period=week&port=445/tcp,80/tcp").json()
    assert [(r["dst_port"], r["packets"]) for r in rows] == [(445, 96), (80, 48)]


@pytest.mark.parametrize(
    ("place", "status", "words"),
    [
        ("/port/99999", 400, "99999"),
        ("/port/abc", 400, "abc"),
        ("/country/Atlantis", 400, "Atlantis"),
        ("/asn/x", 400, "x"),
        ("/source/1.2.3", 400, "1.2.3"),
        ("/ports?period=never", 400, "names no period"),
        ("/ports?from=2019-10-22&to=2019-10-21", 400, "not before"),
        ("/ports?from=2000-01-01&to=2030-01-01", 400, "ten years"),
        ("/ports?n=0", 400, "n is a number"),
        ("/ports?n=9999999", 400, "n is a number"),
        ("/ports?unit=bananas", 400, "unit"),
        ("/ports?scale=cubic", 400, "scale"),
        ("/ports?form=log", 400, "form"),
        ("/events?after=1.2", 400, "no place"),
        ("/story/nothing", 400, "no story"),
        ("/nothing/here", 404, "no such page"),
        (f"/port/{HOSTILE}", 400, "&lt;script&gt;"),
        ("/country/%00%1b%5b31m", 400, ""),
    ],
)
def test_what_is_wrong_is_said(client: Client, place: str, status: int, words: str) -> None:
    answer = client.get(place)
    assert answer.status == status
    assert words in answer.text and "Traceback" not in answer.text and HOSTILE not in answer.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", answer.text)
    assert 'href="/' in answer.text


def test_what_meets_nothing_says_so(client: Client) -> None:
    for code, words in (("en", "Nothing was observed"), ("ja", "観測されていません")):
        assert words in client.get(f"/ports?country=AQ&lang={code}").text
        assert words in client.get(f"/events?from=2001-01-01&to=2001-01-02&lang={code}").text


def test_what_has_not_changed_is_not_sent_again(client: Client) -> None:
    first = client.get("/ports?lang=en")
    again = client.get("/ports?lang=en", headers={"if-none-match": first.headers["etag"]})
    assert (again.status, again.content) == (304, b"")
    assert client.get("/ports?lang=ja", headers={"if-none-match": first.headers["etag"]}).status == 200


def test_the_browsers_language_counts(client: Client) -> None:
    assert '<html lang="ja">' in client.get("/ports", headers={"accept-language": "fr, ja;q=0.8"}).text
    assert '<html lang="en">' in client.get("/ports", headers={"accept-language": "en-GB,en;q=0.5"}).text


def test_static_files_and_nothing_else(client: Client) -> None:
    for name in ("web.css", "web.js", "teiten-sans.woff2"):
        assert client.get(f"/static/{name}").status == 200
    for name in ("app.py", "../app.py", "%2e%2e%2fapp.py", ".hidden.css", "none.css"):
        assert client.get(f"/static/{name}").status == 404


def test_a_name_that_is_not_ours_is_refused(chosen: Settings) -> None:
    """A page of elsewhere whose name suddenly leads here (DNS rebinding) learns nothing."""
    with served(chosen, hosts=("127.0.0.1",), workers=1) as other:
        assert other.get("/ports", headers={"host": "evil.example"}).status == 421
        assert other.get("/ports", headers={"host": "127.0.0.1:8017"}).status == 200


def test_a_lake_that_is_not_there_is_told(tmp_path: Path) -> None:
    from teiten import settings

    chosen = settings.load(lake=tmp_path / "nothing", zone="UTC")
    with served(chosen, workers=1) as other:
        answer = other.get("/ports")
        assert answer.status == 503 and "nothing" in answer.text and "Traceback" not in answer.text
        assert other.get("/api/v1/rank/ports").json()["error"]


def test_pages_of_modules_are_found() -> None:
    assert all(isinstance(module, type(app)) and module.PATH for module in app.found(pages))
    assert SimpleNamespace(**{m.__name__: m for m in app.found(api)})


def test_filters_stand_where_they_count(client: Client) -> None:
    assert 'class="filters"' in client.get("/ports").text
    assert 'class="filters"' not in client.get("/sql").text
