"""Promise 14: texts of attackers in every field that a page, a report, a feed or a mail shows, in a real browser.

No script runs (a function of the browser's own would tell), nothing is fetched from elsewhere, the policy has nothing to
refuse, and no element or handler comes to be that a text asked for. See `payloads.py`.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from teiten import classify, intake, periods, settings
from teiten.alerts import feeds
from teiten.alerts.channels import Message, mail
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.enrich import columns
from teiten.enrich._ready import Texts
from teiten.lake import Lake
from teiten.report import edition
from teiten.settings import Settings
from teiten.web import elsewhere

from .conftest import Client, served
from .payloads import BYTES, PAYLOADS

pytestmark = [pytest.mark.browser, pytest.mark.full, pytest.mark.timeout(3600)]
DAY = "2019-10-22"
FIELDS: dict[str, set[str]] = {}
"""field -> the payloads that were shown in it"""
WATCH = """
window.__ran = [];
const told = (what) => { window.__ran.push(what); };
for (const name of ['canary', 'alert', 'confirm', 'prompt', 'print', 'open'])
  Object.defineProperty(window, name, { value: () => told(name), writable: false });
addEventListener('securitypolicyviolation', (e) => told('policy: ' + e.violatedDirective + ' ' + e.blockedURI));
"""
STRANGE = """(() => {
  const own = new Set(['http:', 'https:', 'file:', 'mailto:']), out = [];
  for (const e of document.querySelectorAll('*')) {
    if (['IFRAME', 'OBJECT', 'EMBED', 'BASE', 'APPLET', 'FRAME', 'PORTAL', 'MARQUEE', 'VIDEO', 'AUDIO', 'MATH', 'IMAGE',
         'FOREIGNOBJECT', 'XSS', 'X'].includes(e.tagName.toUpperCase())) out.push(e.tagName);
    if (e.tagName === 'SCRIPT' && !e.getAttribute('src')?.startsWith('/static/')) out.push('script ' + e.textContent);
    if (e.tagName === 'META' && e.httpEquiv === 'refresh') out.push('meta refresh');
    for (const a of e.attributes) if (/^on|^srcdoc$|^ping$/i.test(a.name)) out.push(e.tagName + ' ' + a.name);
    if (e.tagName === 'IMG' && /canary/.test(e.getAttribute('src') || '')) out.push('img');
    const to = e.getAttribute('href') ?? e.getAttribute('xlink:href') ?? e.getAttribute('action');
    if (to !== null && !to.startsWith('#')) {
      let url; try { url = new URL(to, location.href); } catch { out.push('address ' + to.slice(0, 60)); continue; }
      if (!own.has(url.protocol) || /canary/.test(url.host)) out.push(e.tagName + ' ' + to.slice(0, 60));
    }
  }
  return out.slice(0, 5);
})()"""


@pytest.fixture(scope="module")
def tab(tab: Any) -> Any:
    tab.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    return tab


def addresses(n: int) -> list[str]:
    """So many public addresses, far from each other."""
    return [f"{1 + i % 9 + i // 900}.{(i * 37) % 250}.{(i * 91) % 250}.{1 + i % 250}" for i in range(n)]


def line(i: int, at: dt.datetime, src: str, prefix: bytes, interface: bytes) -> bytes:
    return (
        f"{at.isoformat()} gw kernel: ".encode() + prefix + b"IN=" + interface + f" OUT= MAC= SRC={src} DST=198.51.100.23 "
        f"LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID={i % 65536} PROTO=TCP SPT=40000 DPT={23 + i % 5} SEQ=1 ACK=0 "
        "WINDOW=1024 RES=0x00 SYN URGP=0\n".encode()
    )  # fmt: skip


@pytest.fixture(scope="module")
def stuffed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake whose every text is one of them: sensors, prefixes and interfaces of the log, AS, PTR names, lists, notes."""
    folder = tmp_path_factory.mktemp("hostile")
    begin = dt.datetime(2019, 10, 22, tzinfo=periods.zone("Asia/Tokyo"))
    sources = addresses(2400)
    told = [text.replace("\n", " ").encode() for text in PAYLOADS] + list(BYTES)
    rows = [
        line(
            i,
            begin + dt.timedelta(seconds=30 * i),
            sources[i],
            told[i % len(told)] + b" ",
            told[i % len(told)].replace(b" ", b"/")[:60],
        )
        for i in range(len(sources))
    ]
    (folder / "router.log").write_bytes(b"".join(rows))
    config = [
        'zone = "Asia/Tokyo"',
        'lake = "lake"',
        'watchlists = ["list.json"]',
        'ptr_names = "names.csv"',
        "[sensor.home]",
        'paths = ["router.log"]',
    ]
    names = [text for text in PAYLOADS if not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", text) and len(text) < 200][::4]
    for at, name in enumerate(names):
        (folder / f"s{at}.log").write_bytes(line(at, begin + dt.timedelta(hours=23, seconds=at), sources[at], b"x ", b"ppp0"))
        config += [
            f"[sensor.{json.dumps(name, ensure_ascii=False)}]",
            f'paths = ["s{at}.log"]',
            f"group = {json.dumps(name, ensure_ascii=False)}",
        ]
    (folder / "teiten.toml").write_text("\n".join(config) + "\n", encoding="utf-8")
    with (folder / "names.csv").open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows(
            [*((sources[i], f"h{i}.example.org") for i in range(1200)), *zip(sources, PAYLOADS, strict=False)]
        )
    entries = [
        {"organisation": f"Org{at}", "en": text, "ja": text, "prefixes": [f"{sources[at]}/32"]}
        for at, text in enumerate(PAYLOADS)
    ]  # fmt: skip
    (folder / "list.json").write_text(
        json.dumps({"format": 1, "list": "hostile", "date": "2019-10-01", "source": "x", "entries": entries}), encoding="utf-8"
    )
    chosen = settings.load(config=folder / "teiten.toml")
    lake = Lake.open_or_create(chosen.lake, "Asia/Tokyo")
    plain = columns._texts

    def named(look: Any, places: Any) -> Any:
        found = plain(look, places)
        if len(look.texts) < 1000:  # countries
            return found
        return replace(found, texts=Texts.of([PAYLOADS[i % len(PAYLOADS)] for i in range(len(look.texts))]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "_texts", named)
        result = intake.ingest(
            lake, [str(folder / "router.log"), *(str(folder / f"s{at}.log") for at in range(len(names)))], chosen
        )
    assert not result.failed
    for first in range(0, len(PAYLOADS), 12):
        text = "\n".join(PAYLOADS[first : first + 12])
        lake.add_note(
            "note", period=DAY, text=text, author=PAYLOADS[first], day_from=dt.date(2019, 10, 22), day_to=dt.date(2019, 10, 22)
        )
    for first in range(0, 36, 12):
        lake.add_note("addendum", period=DAY, text="\n".join(PAYLOADS[first::36]))
    classify.refresh(lake, chosen)
    place = elsewhere.folder(chosen.lake)
    place.mkdir()
    short = [text for text in PAYLOADS if len(text) < 180 and "\n" not in text and "\r" not in text and "\0" not in text]
    with (place / "hostile.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["source", "period", "thing", "name", "rank", "url"])
        for text in short:
            writer.writerows([text, DAY, "port", f"{23 + at}/tcp", at + 1, text] for at in range(2))
    return chosen


@pytest.fixture(scope="module")
def client(stuffed: Settings) -> Iterator[Client]:
    with served(stuffed, workers=2) as made:
        yield made


def held(tab: Any, address: str | Path, own: str, where: str = "") -> None:
    """Opens it, and asks what the browser noticed."""
    tab.open(address, 1280)
    where = where or str(address)[:300]
    assert tab.ask("window.__ran") == [], where
    assert all(url.startswith((own, "data:")) for url in tab.requests), (where, tab.requests)
    complaints = [one for one in tab.complaints if "status of 4" not in one and "status of 5" not in one]
    assert complaints == [], (where, complaints)
    assert tab.ask(STRANGE) == [], where


def shown(tab: Any, field: str, texts: tuple[str, ...] = PAYLOADS) -> None:
    """Notes which of the payloads stand on the page as text: without what no page shows (control characters)."""
    body = re.sub(r"\s+", " ", tab.ask("document.body.textContent"))
    seen = {text for text in texts if len(text) > 3 and re.sub(r"\s+", " ", text) in body}
    FIELDS.setdefault(field, set()).update(seen)


PLACES = {
    "AS names": "/asns?period={d}&n=1000", "sensor names": "/sensors?period={d}&n=1000", "events": "/events?period={d}&n=1000",
    "organisations": "/scanners?period={d}&n=1000", "sources": "/sources?period={d}&n=300", "ports": "/ports?period={d}",
    "overview": "/?period={d}", "stories": "/stories?period={d}", "published figures": "/compare?own={d}",
}  # fmt: skip


@pytest.mark.parametrize("code", ["ja", "en"])
def test_pages_of_a_hostile_lake(tab: Any, client: Client, code: str) -> None:
    own = f"http://127.0.0.1:{client.port}"
    for field, place in PLACES.items():
        held(tab, f"{own}{place.format(d=DAY)}&lang={code}", own)
        shown(tab, field)


def test_pages_of_single_things(tab: Any, client: Client) -> None:
    """A source with its PTR name, AS and notes; an event with its raw line; a sensor; an AS."""
    own = f"http://127.0.0.1:{client.port}"
    for source in addresses(2400)[:: 2400 // 24]:
        held(tab, f"{own}/source/{source}?period={DAY}", own)
        shown(tab, "a source")
    rows = client.get(f"/api/v1/events?period={DAY}&n=1000").json()
    lines = 0
    for row in rows[::25]:
        micros = (dt.datetime.fromisoformat(row["time"]) - dt.datetime.fromtimestamp(0, dt.UTC)) // dt.timedelta(microseconds=1)
        held(tab, f"{own}/event/{micros}.{row['source_id']}.{row['source_pos']}", own)
        # a line that could name the observer after masking is not shown at all
        lines += tab.ask("document.querySelectorAll('pre.raw').length")
        shown(tab, "raw lines")
    assert lines >= 5
    sensors = sorted({row["sensor"] for row in rows if row["sensor"] != "home"})
    for name in sensors[::6]:
        held(tab, f"{own}/sensor/{quote(name, safe='')}?period={DAY}", own)
        shown(tab, "a sensor")
    for number in sorted({row["asn"] for row in rows if row["asn"]})[::30]:
        held(tab, f"{own}/asn/{number}?period={DAY}", own)
        shown(tab, "an AS")


@pytest.mark.parametrize("part", range(4))
def test_every_payload_in_addresses(tab: Any, client: Client, part: int) -> None:
    """Search, filters, parts of paths: pages, and pages that say what is wrong."""
    own = f"http://127.0.0.1:{client.port}"
    places = (
        "/search?q={}",
        "/ports?sensor={0}&scanner={0}&group={0}&tool={0}&hide={0}&lang=ja",
        "/story/{}",
        "/port/{}",
        "/{}",
    )
    for at, text in enumerate(PAYLOADS[part::4]):
        told = quote(text, safe="", errors="surrogatepass")
        for place in (places[0], places[1 + (at + part) % 4]):
            held(tab, own + place.format(told), own)
        shown(tab, "addresses", (text,))
    for raw in BYTES:
        told = "".join(f"%{b:02X}" for b in raw)
        for place in places:
            held(tab, own + place.format(told), own)


def test_every_payload_in_answers_of_sql(tab: Any, client: Client) -> None:
    """As a value, as the name of a column, as a label of a chart, in a query that is wrong."""
    own = f"http://127.0.0.1:{client.port}"

    def asked(query: str, **more: str) -> str:
        return f"{own}/sql?" + urlencode({"q": query, **more}, errors="surrogatepass")

    texts = [text.replace("\0", "") for text in PAYLOADS if len(text) < 300]
    for first in range(0, len(texts), 60):
        part = texts[first : first + 60]
        values = ", ".join("('" + text.replace("'", "''") + f"', {at + 1})" for at, text in enumerate(part))
        held(tab, asked(f"SELECT a, n FROM (VALUES {values}) t(a, n)", chart="bar"), own)
        shown(tab, "values of SQL")
        names = ", ".join(f'{at} AS "' + text.replace('"', '""') + '"' for at, text in enumerate(part) if text)
        held(tab, asked(f"SELECT {names}"), own)
        shown(tab, "columns of SQL")
    for text in texts[::25]:
        held(tab, asked(f'SELECT "{text}" FROM events'), own)
        held(tab, asked(text), own)
        shown(tab, "wrong queries")
    held(tab, asked("SELECT DISTINCT interface, as_name FROM events", n="1000"), own)
    shown(tab, "interfaces")
    held(tab, asked("SELECT text, author FROM notes", n="1000"), own)


def test_answers_of_the_api(tab: Any, client: Client) -> None:
    own = f"http://127.0.0.1:{client.port}"
    for place in ("/rank/asns", "/rank/sensors", "/events", "/notes", "/sensors", "/watchlists"):
        words = {} if place in ("/watchlists", "/sensors", "/notes") else {"period": DAY, "n": "1000"}
        for form in ("json", "csv"):
            answer = client.get(f"/api/v1{place}?" + urlencode({**words, "format": form}))
            assert answer.status == 200 and "html" not in answer.headers["content-type"], place
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", answer.content), place
        held(tab, f"{own}/api/v1{place}?" + urlencode(words), own)


def test_reports(tab: Any, stuffed: Settings, tmp_path: Path) -> None:
    """The page; the text for a blog, made a page by a program that lets HTML through; the figures alone."""
    markdown_it = pytest.importorskip("markdown_it")
    with open_session(Lake.open(stuffed.lake), stuffed) as session:
        places = {code: tmp_path / code for code in ("ja", "en")}
        edition.make(
            session, stuffed, periods.parse("daily", DAY, stuffed.zone), Filters(), places, "teiten report", pictures=False
        )
    for place in places.values():
        held(tab, place / "index.html", place.resolve().as_uri())
        shown(tab, "reports")
        text = (place / "report.md").read_text(encoding="utf-8")
        page = tmp_path / f"{place.name}.html"
        rendered = markdown_it.MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").render(text)
        page.write_text(f"<!DOCTYPE html><meta charset=utf-8><title>x</title><body>{rendered}", encoding="utf-8")
        tab.open(page, 1280)
        assert tab.ask("window.__ran") == []
        assert [url for url in tab.requests if not url.startswith(("file:", "data:"))] == []
        assert (
            tab.ask("document.querySelectorAll('script, iframe, object, embed, svg [onload], [onerror], [onclick]').length")
            == 0
        )
        strange = "/^(javascript|data|vbscript)/.test(a.protocol) || /canary/.test(a.host)"
        assert tab.ask(f"[...document.links].filter(a => {strange}).length") == 0
        shown(tab, "texts for a blog")
        for file in sorted(place.rglob("*.svg"))[:12]:
            tab.open(file, 1280)
            assert (
                tab.ask("window.__ran") == []
                and tab.ask("document.querySelectorAll('script, image, foreignObject').length") == 0
            )


def test_feeds_and_mails(tab: Any, tmp_path: Path) -> None:
    """A feed's texts as a reader puts them into a page; a mail is plain text, and its headers hold."""
    now = dt.datetime(2019, 10, 22, tzinfo=dt.UTC)
    entry = feeds.Entry(
        "i", "urn:uuid:11111111-2222-3333-4444-555555555555", "burst", "", "", now, None, now, 1, True, False, {}
    )
    found = [replace(entry, title=text, text=text) for text in PAYLOADS]
    feed = feeds.Feed(PAYLOADS[0], "en", PAYLOADS[1], "11111111-2222-3333-4444-555555555555", "https://example.org/s.xml")
    data = feeds.atom(found, feed)
    (tmp_path / "s.xml").write_bytes(data)
    tab.open(tmp_path / "s.xml", 1280)
    assert tab.ask("window.__ran || []") == []
    root, parts = ET.fromstring(data), []
    for one in root.iter():
        if one.tag.endswith(("}title", "}content", "}summary", "}name")) and one.text:
            kind = one.get("type", "text")
            assert kind in ("text", "html"), kind
            parts.append(one.text if kind == "html" else "")
    page = tmp_path / "reader.html"
    page.write_text("<!DOCTYPE html><meta charset=utf-8><title>x</title><body>" + "\n".join(parts), encoding="utf-8")
    held(tab, page, page.resolve().as_uri())
    FIELDS["feeds"] = set(PAYLOADS)

    from teiten.alerting import Channel

    channel = Channel(name="m", kind="mail", server="127.0.0.1", sender="a@example.org", to=("b@example.org",))
    for text in PAYLOADS:
        made = mail.made(channel, Message("1", now.isoformat(), "en", text, text))
        assert made.get_content_type() == "text/plain" and not made.is_multipart()
        assert "canary" not in str(made.get("Set-Cookie", "")) and len(made.get_all("Subject") or ()) == 1
    FIELDS["mails"] = set(PAYLOADS)


def test_the_figure(figure: Callable[..., None]) -> None:
    """What was shown where; the sum of the tests above."""
    told = {field: len(texts) for field, texts in FIELDS.items()}
    assert len(PAYLOADS) >= 500
    for field in ("AS names", "sensor names", "organisations", "addresses", "values of SQL", "reports", "raw lines"):
        assert told.get(field), (field, told)
    places = ", ".join(f"{field} ({n})" for field, n in sorted(told.items()) if n)
    figure(
        14,
        f"{len(PAYLOADS)} payloads and {len(BYTES)} in bytes that are no UTF-8, in Chromium: no script ran, no request left, "
        f"the policy had nothing to refuse; as text they stood in {places}",
    )
