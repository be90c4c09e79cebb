"""Events forwards and back, an event's own line or packet, a source, notes by form, reports: pages of one thing."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import re
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest

from teiten import intake, settings
from teiten.lake import Lake
from teiten.publish import hexes
from teiten.report import manifest
from teiten.settings import Settings
from teiten.web import reporting

from .conftest import OWN, Answer, Client, line, served

BEGIN = dt.datetime(2019, 10, 22, tzinfo=dt.UTC)
PACKED = bytes(map(int, OWN.split(".")))


def packet(src: bytes, payload: bytes) -> bytes:
    """UDP to the observer, port 53."""
    udp = struct.pack(">HHHH", 4000, 53, 8 + len(payload), 0xBEEF) + payload
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 7, 0, 60, 17, 0xCAFE) + src + PACKED + udp


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A log in which a line is repeated thirty times, and a capture whose payload spells the observer's address."""
    folder = tmp_path_factory.mktemp("things")
    lines = [line(BEGIN + dt.timedelta(minutes=n), f"8.8.4.{n % 7}", 23) for n in range(40)]
    at = BEGIN + dt.timedelta(minutes=40)
    lines += [line(at, "8.8.4.4", 445), f"{at.isoformat()} gw last message repeated 30 times\n"]
    (folder / "router.log").write_text("".join(lines))
    shown = packet(bytes((8, 8, 4, 9)), b"to " + OWN.encode())
    moment = int((BEGIN + dt.timedelta(hours=2)).timestamp())
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    (folder / "net.pcap").write_bytes(header + struct.pack("<IIII", moment, 0, len(shown), len(shown)) + shown)
    text = 'zone = "UTC"\nlake = "lake"\npdf = false\n[serve]\nreports = "reports"\n[sensor.home]\n'
    (folder / "teiten.toml").write_text(text)
    found = settings.load(config=folder / "teiten.toml")
    lake = Lake.open_or_create(found.lake, "UTC")
    paths = [str(folder / "router.log"), str(folder / "net.pcap")]
    assert not intake.ingest(lake, paths, found, sensor="home").failed
    return found


@pytest.fixture(scope="module")
def client(chosen: Settings) -> Iterator[Client]:
    with served(chosen, workers=1) as made:
        yield made


def events_of(text: str) -> list[str]:
    return re.findall(r'href="/event/([0-9.]+)\?', text)


def link(text: str, words: str) -> str | None:
    found = re.search(rf'href="([^"]+)">{re.escape(words)}</a>', text)
    return unescape(found[1]) if found else None


def test_events_are_paged_there_and_back(client: Client) -> None:
    """Thirty events of one line lie across the edges of pages: none is lost, none shown twice, and back is the same."""
    place, pages = "/events?lang=en&n=9&port=23/tcp,445/tcp", []
    while place:
        text = client.get(place).text
        pages.append(events_of(text))
        place = link(text, "Older") or ""
    assert sum(map(len, pages)) == 71 and all(len(page) == 9 for page in pages[:-1])
    assert len(set().union(*pages)) == 42
    back = link(text, "Newer")
    for page in reversed(pages[:-1]):
        assert back is not None
        text = client.get(back).text
        assert events_of(text) == page
        back = link(text, "Newer")
    assert back is None


def test_an_event_shows_its_line_and_hides_the_observer(client: Client) -> None:
    place = events_of(client.get("/events?lang=en&n=9&port=23/tcp").text)[0]
    text = client.get(f"/event/{place}?lang=en").text
    assert "PROTO=TCP SPT=40000 DPT=23" in text and "DST=***.***.***.***" in text and "SEQ=**********" in text
    assert "The line it came from" in text and OWN not in text


def test_an_event_shows_its_packet_and_hides_the_observer(client: Client) -> None:
    place = events_of(client.get("/events?lang=en&port=53/udp").text)[0]
    text = client.get(f"/event/{place}?lang=en").text
    raw = unescape(text.partition('<pre class="raw"')[2].partition("</pre>")[0])
    assert "0000  45 00" in raw and "08 08 04 09" in raw
    assert PACKED.hex(" ") not in raw and "ca fe" not in raw and "be ef" not in raw
    assert OWN not in text and "198.51" not in raw and OWN.encode().hex(" ") not in raw


def test_a_packet_that_tells_nothing_keeps_its_payload() -> None:
    shown = "\n".join(hexes.show(packet(bytes((8, 8, 4, 9)), b"hello there")))
    assert "hell" in shown and "o there" in shown and PACKED.hex(" ") not in shown
    six = b"\x60\0\0\0\0\x08\x3a\x40" + bytes(range(16)) + bytes(range(100, 116)) + b"\x80\0\x12\x34\0\x01\0\x02"
    assert bytes(range(100, 116)).hex(" ")[:20] not in "\n".join(hexes.show(six)) and "12 34" not in "\n".join(hexes.show(six))
    assert hexes.show(b"") == []


def test_a_line_that_is_gone_is_rebuilt_and_says_so(client: Client, chosen: Settings) -> None:
    assert chosen.file is not None
    log = chosen.file.parent / "router.log"
    place = events_of(client.get("/events?lang=en&n=9&port=23/tcp&src=8.8.4.1").text)[0]
    log.rename(log.with_name("away"))
    try:
        text = client.get(f"/event/{place}?lang=en").text
    finally:
        log.with_name("away").rename(log)
    assert "rebuilt" in text and "no longer where it was read" in text and OWN not in text


def send(client: Client, place: str, **fields: str) -> Answer:
    """Posts a form of that page, with the word that it carries."""
    word = unescape(re.search(r'name="word" value="([^"]*)"', client.get(place).text)[1])  # type: ignore[index]
    link = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    link.request("POST", place, urlencode({"word": word, **fields}), headers)
    answer = link.getresponse()
    out = Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    link.close()
    return out


def test_a_source_and_what_is_said_of_it(client: Client) -> None:
    place = "/source/8.8.4.4?lang=en&period=month"
    text = client.get(place).text
    assert ("22 October 2019" in text and "There is no verdict on it." in text) or "verdict" in text
    assert re.search(r"445/tcp", text) and "Sessions" in text and OWN not in text
    said = "<b>our</b> own test"
    answer = send(client, place, what="correction", label="announced_scanner", value="Shodan", text=said)
    assert answer.status == 303 and answer.headers["location"].endswith("#notes")
    text = client.get(place).text
    assert "&lt;b&gt;our&lt;/b&gt; own test" in text and "[correction]" in text and "<b>our" not in text
    rows = client.get("/api/v1/rank/scanners?period=month").json()
    assert [row["scanner"] for row in (rows["rows"] if isinstance(rows, dict) else rows)] == ["Shodan"]
    assert "Shodan" in client.get("/scanners?lang=en&period=month").text


def test_forms_say_what_is_wrong(client: Client) -> None:
    place = "/source/8.8.4.4?lang=ja&period=month"
    corrected = {"what": "correction", "text": "x"}
    for fields in (
        {"what": "note", "text": " "}, {"what": "note", "text": "x", "from": "soon"}, {**corrected, "label": "tool"},
        {**corrected, "label": "nonsense"},
    ):  # fmt: skip
        answer = send(client, place, **fields)
        assert answer.status == 400 and not answer.text.partition("<h1>")[2].partition("</h1>")[0].isascii(), fields


def test_a_network_and_what_is_said_of_it(client: Client) -> None:
    place = "/asn/AS15169?lang=en&period=month"
    assert "Write a note" in client.get(place).text
    answer = send(client, place, what="note", text="told by <b>them</b>")
    assert answer.status == 303 and answer.headers["location"].startswith("/asn/AS15169?")
    text = client.get(place).text
    assert "told by &lt;b&gt;them&lt;/b&gt;" in text and "AS15169" in text
    assert "told by" not in client.get("/asn/3356?lang=en&period=month").text
    assert "Write a note" not in client.get("/asn/unknown?lang=en&period=month").text
    rows = client.get("/api/v1/notes").json()
    assert 15169 in [row["asn"] for row in (rows["rows"] if isinstance(rows, dict) else rows)]


def test_an_organisation_shows_its_sessions(client: Client) -> None:
    """By an analyst's word one source is an organisation's: its sessions are on the organisation's page."""
    send(client, "/source/8.8.4.5?lang=en", what="correction", label="announced_scanner", value="Shodan", text="said")
    text = client.get("/scanner/Shodan?lang=en&period=month").text
    part = text.partition('id="sessions"')[2]
    assert "8.8.4.5" in part and "23/tcp" in part and "Sessions" in part and OWN not in text


def test_an_hour_is_drawn_by_the_minute(client: Client) -> None:
    text = client.get("/ports?lang=en&from=2019-10-22T00:00&to=2019-10-22T00:50").text
    told = json.loads(unescape(re.search(r'data-values="([^"]*)"', text)[1]))  # type: ignore[index]
    names, values = told["names"].split("|"), {name: counts for name, _, counts in told["series"]}
    assert "packets a minute" in text and len(names) == 50 and names[40].endswith("00:40")
    assert values["23/tcp"][:41] == [1] * 40 + [0] and values["445/tcp"][40] == 31
    rows = client.get("/api/v1/series/total?step=minute&from=2019-10-22T00:00&to=2019-10-22T00:50").json()
    assert sum(row["packets"] for row in (rows["rows"] if isinstance(rows, dict) else rows)) == 71
    assert client.get("/api/v1/series/total?step=minute&period=month").status == 400


def test_a_sensor_and_one_that_is_not(client: Client) -> None:
    text = client.get("/sensor/home?lang=en&period=week").text
    assert "Time watched" in text and "Day by day" in text and OWN not in text
    answer = client.get("/sensor/moon?lang=ja")
    assert answer.status == 400 and "moon" in answer.text and "home" in answer.text


# reports --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(chosen: Settings, tmp_path: Path) -> Path:
    """A folder with a report of two files, a link in it, and a file that its manifest does not name."""
    own = tmp_path / "reports" / "daily-2019-10-22-en"
    (own / "charts").mkdir(parents=True)
    (own / "index.html").write_text("<h1>made</h1>")
    (own / "secret.html").write_text("not named")
    (tmp_path / "outside.html").write_text("outside")
    (own / "link.html").symlink_to(tmp_path / "outside.html")
    (own.parent / "linked").symlink_to(own)
    table = {
        "manifest": manifest.VERSION,
        "report": {"kind": "daily", "period": "2019-10-22", "zone": "UTC", "zone_from": "x", "language": "en", "filters": {},
                   "notice": ""},
        "edition": {"number": 1, "made": "2019-10-23T00:00:00+00:00"},
        "lake": {"id": "x", "last_batch": 1, "events": 1}, "notes": [], "thresholds": {},
        "files": {name: {"size": 1, "sha256": "x"} for name in ("index.html", "link.html", "../outside.html")},
    }  # fmt: skip
    (own / manifest.NAME).write_text(json.dumps(table))
    return own.parent


def test_only_files_of_a_manifest_are_given(folder: Path) -> None:
    assert [one.name for one in reporting.listed(folder)] == ["daily-2019-10-22-en"]
    assert reporting.file(folder, "daily-2019-10-22-en", "index.html") == (b"<h1>made</h1>", "text/html; charset=utf-8")
    for report, name in (
        ("daily-2019-10-22-en", "secret.html"), ("daily-2019-10-22-en", "link.html"), ("linked", "index.html"),
        ("daily-2019-10-22-en", "../outside.html"), ("..", "outside.html"), ("daily-2019-10-22-en", ""), ("none", "index.html"),
        ("daily-2019-10-22-en", "charts"),
    ):  # fmt: skip
        with pytest.raises(settings.UsageError):
            reporting.file(folder, report, name)


def test_a_report_is_given_with_rules_of_its_own(chosen: Settings, folder: Path) -> None:
    with served(replace(chosen, serving=replace(chosen.serving, reports=folder)), workers=1) as other:
        answer = other.get("/reports/daily-2019-10-22-en/index.html")
        assert answer.content == b"<h1>made</h1>" and answer.headers["content-security-policy"] == reporting.CSP
        assert "script" not in reporting.CSP and "unsafe" not in reporting.CSP
        assert "/reports/daily-2019-10-22-en/index.html" in other.get("/reports?lang=en").text
        assert other.get("/reports/daily-2019-10-22-en/%2e%2e/%2e%2e/outside.html").status == 400


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_report_is_made_on_demand(client: Client) -> None:
    """By a process of its own, one at a time, with what it is at, until it can be opened."""
    assert send(client, "/reports?lang=en", kind="daily", period="2019-10-22", language="en").status == 303
    assert send(client, "/reports?lang=en", kind="daily", period="2019-10-21", language="en").status == 400
    assert "is being made" in client.get("/reports?lang=en").text
    deadline = time.monotonic() + 500
    while "is being made" in (text := client.get("/reports?lang=en").text) and time.monotonic() < deadline:
        time.sleep(1)
    assert "It is there" in text
    page = client.get("/reports/daily-2019-10-22-en/index.html")
    assert page.status == 200 and OWN not in page.text
    assert send(client, "/reports?lang=en", kind="yearly", period="2019", language="en").status == 400
