"""The SQL console as a visitor has it: rows, charts, files, what is wrong with its place, who may set it to work."""

from __future__ import annotations

import contextlib
import datetime as dt
import html
import http.client
import io
import json
import re
import socket
import threading
import time
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from teiten.report import figures
from teiten.settings import Settings
from teiten.web import asking
from teiten.web.pages import _charted, _frames

from .conftest import OWN, Client, served

TOKYO = ZoneInfo("Asia/Tokyo")
COUNTS = "SELECT dst_port, sum(packets) AS packets, sum(packets) / 3.0 AS third FROM events GROUP BY 1 ORDER BY 2 DESC"
BROWSER = {"user-agent": "Mozilla/5.0", "sec-fetch-site": "none"}


def place(query: str, **more: str) -> str:
    return "/sql?" + urlencode({"q": query, "lang": "en", **more})


def test_rows_chart_and_files(client: Client) -> None:
    """One query, asked once: its table, its chart, its files."""
    first = client.get(place(COUNTS))
    assert first.status == 200 and "3 rows, after" in first.text
    assert re.findall(r'<td class="number">(\d+)</td>', first.text)[:2] == ["23", "144"]
    assert "<svg" in first.text and 'aria-current="true">bars' in first.text
    assert "as answered before" in client.get(place(COUNTS, chart="none")).text
    assert "<svg" not in client.get(place(COUNTS, chart="none")).text
    assert "third" in re.findall(r"<svg.*?</svg>", client.get(place(COUNTS, y="third")).text, re.S)[0]
    links = [html.unescape(one) for one in re.findall(r'<a href="([^"]+format=\w+)"', first.text)]
    assert len(links) == 3
    rows = [(23, 144, 48.0), (445, 96, 32.0), (80, 48, 16.0)]
    assert pl.read_csv(io.BytesIO(client.get(links[0]).content)).rows() == rows
    assert [tuple(row.values()) for row in client.get(links[1]).json()] == rows
    answer = client.get(links[2])
    assert pl.read_parquet(io.BytesIO(answer.content)).rows() == rows
    assert answer.headers["content-disposition"] == 'attachment; filename="query.parquet"'


def test_who_was_led_here_by_another_site_asks_for_himself(client: Client) -> None:
    query = "SELECT 41 + 1 AS answered"
    for told in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"user-agent": "Mozilla/5.0"}):
        for form in ({}, {"format": "csv"}):
            answer = client.get(place(query, **form), {"user-agent": "Mozilla/5.0", **told})
            assert "<td" not in answer.text and "Another page led here" in answer.text, told
    word = re.findall(r'name="word" value="([^"]+)"', answer.text)[0]
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)) as link:
        sent = {"content-type": "application/x-www-form-urlencoded", "user-agent": "Mozilla/5.0"}
        link.request("POST", "/sql", urlencode({"q": query, "word": "guessed"}), sent)
        refused = link.getresponse()
        assert refused.status == 403 and refused.read()
        link.request("POST", "/sql", urlencode({"q": query, "word": html.unescape(word)}), sent)
        led = link.getresponse()
        assert led.status == 303 and led.read() == b""
        where = str(led.getheader("location"))
    assert "42" in re.findall(r"<td[^>]*>([^<]*)", client.get(where, {"user-agent": "Mozilla/5.0"}).text)


def test_what_is_wrong_is_marked(client: Client) -> None:
    answer = client.get(place("SELECT time,\n  dst_prt\nFROM events"))
    assert answer.status == 400
    assert "<mark>dst_prt</mark>" in answer.text and "Line 2, character 3:" in answer.text
    assert "Names like it: dst_port" in answer.text


@pytest.mark.full
def test_nothing_tells_where_the_lake_lies(client: Client, chosen: Settings) -> None:
    folder = str(chosen.lake.parent)
    for query in (
        "SELECT * FROM sources",
        "SELECT * FROM batches",
        "SELECT path FROM sources",
        "SELECT * FROM duckdb_settings()",
    ):
        for form in ({}, {"format": "csv"}):
            answer = client.get(place(query, **form))
            assert folder not in answer.text and "/tmp" not in answer.text, query


@pytest.mark.full
@pytest.mark.parametrize("code", ["ja", "en"])
def test_every_example_is_answered(client: Client, code: str) -> None:
    text = client.get(f"/sql?lang={code}").text
    links = [html.unescape(one) for one in re.findall(r'<li><a href="(/sql\?[^"]*q=[^"]+)"', text)]
    assert len(links) >= 10
    for link in links:
        answer = client.get(link)
        assert answer.status == 200 and 'id="answer"' in answer.text, (link, re.findall(r"<p>.*?</p>", answer.text))
        assert OWN not in answer.text


@pytest.mark.full
def test_the_busy_are_told_so(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.5)
    slow = "SELECT count(*) FROM range(1000000000000) a WHERE hash(a.range) % 7 = {n}"
    with served(chosen, workers=1) as own:
        links = []
        for n in range(asking.AT_ONCE):
            link = socket.create_connection(("127.0.0.1", own.port))
            link.sendall(f"GET {quote(place(slow.format(n=n)), safe='/?&=%+')} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            links.append(link)
        time.sleep(1.5)
        busy = own.get(place("SELECT 1"))
        assert busy.status == 503 and "Ask again in a moment" in busy.text
        assert own.get("/ports?lang=en").status == 200
        # they leave: their queries end, long before the deadline, and there is room again
        for link in links:
            link.close()
        deadline = time.monotonic() + 12
        while (answer := own.get(place("SELECT 1 AS one"))).status == 503 and time.monotonic() < deadline:
            time.sleep(0.3)
        assert answer.status == 200


def test_shapes() -> None:
    days = pl.date_range(dt.date(2026, 1, 1), dt.date(2026, 1, 9), eager=True)
    moments = pl.datetime_range(dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 2), "1h", time_zone="Asia/Tokyo", eager=True)
    told: dict[str, tuple[pl.DataFrame, tuple[str, ...]]] = {
        "days and numbers": (pl.DataFrame({"day": days, "n": range(9), "m": range(9)}), ("line",)),
        "hours": (pl.DataFrame({"hour": moments, "n": range(25)}), ("line",)),
        "minutes": (pl.DataFrame({"t": moments.dt.offset_by("1m"), "u": moments, "n": range(25)}).drop("u"), ("line",)),
        "seconds": (pl.DataFrame({"t": [dt.datetime(2026, 1, 1, 0, 0, n) for n in range(9)], "n": range(9)}), ()),
        "names": (pl.DataFrame({"country": ["CN", "US", None], "n": [3, 2, 1]}), ("bar",)),
        "ports": (pl.DataFrame({"dst_port": [23, 445], "protocol": [6, 6], "n": [3, 2]}), ("bar",)),
        "a name twice": (pl.DataFrame({"country": ["CN", "CN", "US"], "n": [3, 2, 1]}), ()),
        "below zero": (pl.DataFrame({"country": ["CN", "US"], "n": [3, -2]}), ()),
        "one row": (pl.DataFrame({"country": ["CN"], "n": [3]}), ()),
        "no number": (pl.DataFrame({"a": ["x", "y"], "b": ["x", "y"]}), ()),
        "days and names": (pl.DataFrame({"day": [*days, *days], "c": ["CN"] * 9 + ["US"] * 9, "n": range(18)}), ("line",)),
        "a day twice": (pl.DataFrame({"day": [*days, *days], "n": range(18)}), ()),
        "nothing": (pl.DataFrame({"country": [], "n": []}, schema={"country": pl.String, "n": pl.Int64}), ()),
    }
    for what, (frame, kinds) in told.items():
        found = _charted.shape(frame)
        assert found.kinds == kinds, what
        for kind in kinds:
            for lang in ("ja", "en"):
                drawn = _charted.figure(frame, found, kind, found.numbers[0], what, TOKYO, lang)
                assert "<svg" in figures.draw(drawn, width=380, lang=lang)


def test_a_missing_moment_is_no_zero() -> None:
    days = [dt.date(2026, 1, 1), dt.date(2026, 1, 2), dt.date(2026, 1, 5)]
    frame = pl.DataFrame({"day": days, "n": [1, 2, 3]})
    drawn: Any = _charted.figure(frame, _charted.shape(frame), "line", "n", "x", TOKYO, "en")
    assert list(drawn.series[0].values) == [1.0, 2.0, None, None, 3.0]


def test_files_keep_values_and_are_no_formulas() -> None:
    texts, floats = ["=1+1", "-x", "a\x1b[31m"], [-1.5, 1 / 3, float("nan")]
    frame = pl.DataFrame({"=cmd": texts, "f": floats, "l": [[1], [], None], "b": [b"\x00\xff", None, b""]})
    text = _frames.file(frame, "csv").decode()
    assert text.splitlines()[0].startswith("'=cmd,f") and "'=1+1,-1.5," in text and "'-x,0.3333333333333333" in text
    assert "\x1b" not in text and "00ff" in text
    rows = json.loads(_frames.file(frame, "json"))
    assert [row["f"] for row in rows] == [-1.5, 1 / 3, None] and rows[0]["l"] == [1]
    assert pl.read_parquet(io.BytesIO(_frames.file(frame, "parquet"))).equals(frame, null_equal=True)


def test_a_query_has_its_length(client: Client) -> None:
    answer = client.get(place("SELECT " + "1," * 5000 + "1"))
    assert answer.status == 400 and "8,000 characters" in answer.text


def test_one_who_stops_stops_alone(chosen: Settings) -> None:
    from teiten.engine import console

    stop = threading.Event()
    threading.Timer(1.0, stop.set).start()
    began = time.monotonic()
    with pytest.raises(console.StoppedError):
        console.ask(
            chosen.lake, chosen, "SELECT count(*) FROM range(1000000000000) a WHERE hash(a.range) % 7 = 1",
            console.Limits(60), stranger=True, stop=stop,
        )  # fmt: skip
    assert time.monotonic() - began < 20  # a watchdog, not a figure


def test_a_program_asks_over_the_api(client: Client) -> None:
    query = "SELECT dst_port, sum(packets) AS packets FROM events GROUP BY 1 ORDER BY 2 DESC"
    address = "/api/v1/sql?" + urlencode({"q": query})
    rows = [{"dst_port": 23, "packets": 144}, {"dst_port": 445, "packets": 96}, {"dst_port": 80, "packets": 48}]
    assert client.get(address).json() == rows
    assert [json.loads(line) for line in client.get(f"{address}&format=jsonl").text.splitlines()] == rows
    assert pl.read_ipc_stream(io.BytesIO(client.get(f"{address}&format=arrow").content)).to_dicts() == rows
    assert client.get("/api/v1/sql?" + urlencode({"q": "SELECT * FROM duckdb_settings()"})).status == 400
    assert client.get(address, {"user-agent": "Mozilla/5.0", "sec-fetch-site": "cross-site"}).status == 403
