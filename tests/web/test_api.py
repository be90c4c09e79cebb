"""The API: the same rows in every form, pages that hold still, what is wrong as JSON, and a description that is true."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from teiten import answering
from teiten.settings import Settings
from teiten.web.api import _limits, _shape, openapi

from .conftest import OWN, Answer, Client, served

FOUND = _shape.found()


def place_of(address: _shape.Address, event: tuple[int, int] = (1, 0)) -> str:
    """The address with the examples of its parts in their places."""
    parts = {name: word.example for name, word in address.parts.items()} | dict(
        zip(("source_id", "source_pos"), event, strict=True)
    )
    path = re.sub(r"\{(\w+)\}", lambda found: str(parts[found[1]]), address.whole)
    return f"{path}?{address.example}" if address.example else path


@pytest.fixture(scope="module")
def event(client: Client) -> tuple[int, int]:
    row = client.get("/api/v1/events?period=week&n=1").json()[0]
    return row["source_id"], row["source_pos"]


@pytest.mark.parametrize("address", FOUND, ids=lambda one: one.name + str(len(one.parts)))
def test_every_address_answers_as_it_is_described(client: Client, event: tuple[int, int], address: _shape.Address) -> None:
    answer = client.get(place_of(address, event))
    if address.key in ("story", "report"):  # two quiet days have none
        assert answer.status == 404 and answer.json()["error"].startswith(f"There is no {address.key} ")
        return
    assert answer.status == 200, answer.text[:300]
    assert answer.headers["content-type"].startswith("application/json")
    assert OWN not in answer.text and re.search("[\x00-\x09\x0b-\x1f\x7f]", answer.text) is None
    if address.columns:
        for row in answer.json():
            assert list(row) == [column.name for column in address.columns]
            for column in address.columns:
                value = row[column.name]
                assert value is not None or column.null, column.name
                if value is not None:
                    assert isinstance(value, _TYPES[column.kind]) and isinstance(value, bool) == (column.kind == "bool")


_TYPES: dict[str, Any] = {"int": int, "num": (int, float), "text": str, "bool": bool, "day": str, "moment": str}


def test_the_description_is_whole() -> None:
    told = openapi.described(answering.Api(rows=77))
    assert told["components"]["parameters"]["n"]["schema"]["maximum"] == 77
    named = [one["get"]["operationId"] for one in told["paths"].values()]
    assert len(named) == len(FOUND) and all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in named)
    assert len(set(named)) == len(named)
    for path, one in told["paths"].items():
        parts = {p["name"] for p in one["get"]["parameters"] if p.get("in") == "path"}
        assert parts == set(re.findall(r"\{([a-z_]+)\}", path))
    references = set(re.findall(r"'#/components/(\w+)/(\w+)'", str(told)))
    assert references and all(name in told["components"][kind] for kind, name in references)
    assert openapi.described(language="ja")["paths"].keys() == told["paths"].keys()


def test_the_same_rows_in_every_form(client: Client) -> None:
    place = "/api/v1/rank/ports?period=week"
    rows = client.get(place).json()
    assert [(row["dst_port"], row["packets"], row["hosts"]) for row in rows] == [(23, 144, 10), (445, 96, 10), (80, 48, 10)]
    frames: dict[str, Any] = {
        "csv": pl.read_csv(io.BytesIO(client.get(f"{place}&format=csv").content)),
        "jsonl": pl.read_ndjson(io.BytesIO(client.get(f"{place}&format=jsonl").content)),
        "parquet": pl.read_parquet(io.BytesIO(client.get(f"{place}&format=parquet").content)),
        "arrow": pl.read_ipc_stream(io.BytesIO(client.get(f"{place}&format=arrow").content)),
    }
    for form, frame in frames.items():
        assert frame.select("rank", "dst_port", "packets", "hosts").rows() == [
            (row["rank"], row["dst_port"], row["packets"], row["hosts"]) for row in rows
        ], form
    assert "attachment" in client.get(f"{place}&format=csv").headers["content-disposition"]
    assert client.get(place, {"accept": "text/csv"}).text.startswith("rank,")


def test_columns_have_their_types_where_there_is_no_row(client: Client) -> None:
    data = client.get("/api/v1/events?from=1999-01-01&to=1999-01-02&format=parquet").content
    schema = pl.read_parquet(io.BytesIO(data)).schema
    assert (schema["time"], schema["src_port"], schema["src_ip"]) == (pl.Datetime("us", "UTC"), pl.Int64(), pl.String())
    assert client.get("/api/v1/events?from=1999-01-01&to=1999-01-02&format=csv").text.startswith("time,sensor,src_ip,")


def following(answer: Answer) -> str:
    found = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("link", ""))
    return found[1] if found else ""


def test_pages_of_events_hold_every_one_once(client: Client) -> None:
    place, seen = "/api/v1/events?period=week&n=100&src=8.8.8.0/28", []
    while place:
        answer = client.get(place)
        seen += [(row["source_id"], row["source_pos"]) for row in answer.json()]
        place = following(answer)
    assert len(seen) == len(set(seen)) == 288


def test_counts_in_the_form_of_iscs_api(client: Client) -> None:
    found = client.get("/api/port/23?json").json()
    assert found == {
        "number": 23,
        "data": {"date": "2019-10-22", "records": 72, "targets": 1, "sources": 10, "tcp": 100, "udp": 0,
                 "datein": "2019-10-22", "portin": 23},
        "services": {"udp": {"service": 0, "name": ""}, "tcp": {"service": "Telnet", "name": "Telnet"}},
    }  # fmt: skip
    top = client.get("/api/topports/records/2/2019-10-21?json").json()
    assert top == {
        "0": {"rank": 1, "targetport": 23, "records": 72, "targets": 1, "sources": 10},
        "1": {"rank": 2, "targetport": 445, "records": 48, "targets": 1, "sources": 10},
        "limit": "2", "date": "2019-10-21",
    }  # fmt: skip
    one = client.get("/api/ip/8.8.8.3?json").json()["ip"]
    assert (one["number"], one["mindate"], one["maxdate"], one["attacks"]) == ("8.8.8.3", "2019-10-21", "2019-10-22", 1)
    history = client.get("/api/porthistory/445/2019-10-20/2019-10-22?json").json()
    assert (history["0"]["date"], history["1"]["records"], history["startdate"]) == ("2019-10-21", 48, "2019-10-20")
    sent = Counter(f"8.8.8.{(hour + n) % 10}" for hour in range(24, 48) for n in range(6))
    most = client.get("/api/topips/records/3/2019-10-22?json").json()
    assert [(one["rank"], one["reports"], one["targets"]) for one in most] == [
        (rank, count, 1) for rank, (_, count) in enumerate(sent.most_common(3), 1)
    ]
    assert all(sent[one["source"]] == one["reports"] for one in most)
    assert client.get("/api/ip/1.2.3.4?json").json()["ip"]["count"] is None


def test_iscs_other_forms(client: Client) -> None:
    from xml.etree import ElementTree

    answer = client.get("/api/topports/records/2/2019-10-21")
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    tree = ElementTree.fromstring(answer.text)
    assert tree.tag == "topports" and [one.findtext("targetport") for one in tree.findall("port")] == ["23", "445"]
    assert ElementTree.fromstring(client.get("/api/ip/8.8.8.3").text).findtext("ascountry") == "US"
    assert "targetport: 445\n" in client.get("/api/topports/records/2/2019-10-21?text").text
    assert client.get("/api/port/23?php").status == 400
    assert client.get("/api/port/99999?json").json()["error"] == "bad port number"


@pytest.mark.parametrize(
    ("place", "status", "why"),
    [
        ("/rank/bananas", 404, "There is no /api/v1/rank/bananas"),
        ("/rank/ports?format=xml", 400, "format 'xml' is unknown"),
        ("/rank/ports?country=Atlantis", 400, "Atlantis"),
        ("/rank/ports?contry=JP", 400, "knows no 'contry'"),
        ("/rank/ports?n=5&n=6", 400, "n stands there twice"),
        ("/rank/ports?period=", 400, "period says nothing"),
        ("/rank/ports?sensor=a%00b", 400, "characters that cannot be shown"),
        ("/rank/ports?n=10001", 400, "n is a number from 1 to 10000"),
        ("/rank/ports?from=0001-01-01&to=0001-01-02", 400, "No sensor was there"),
        ("/rank/ports?to=0001-01-01", 400, "No sensor was there"),
        ("/detections?to=0001-01-01", 400, "No sensor was there"),
        ("/detections?from=9999-12-31", 400, "The beginning is not before the end"),
        ("/detections?to=9999-12-31", 400, "No sensor was there"),
        ("/events?after=x", 400, "no place"),
        ("/events/9/9", 404, "no event at 9/9"),
        ("/sources/1.2.3", 404, "no address"),
        ("/watchlists/Nobody", 404, "Nobody"),
    ],
)
def test_what_is_wrong_comes_as_json(client: Client, place: str, status: int, why: str) -> None:
    answer = client.get(f"/api/v1{place}")
    assert (answer.status, set(answer.json())) == (status, {"error", "hint"}) and why in answer.json()["error"]


def test_each_of_a_filters_words_counts(client: Client) -> None:
    rows = client.get("/api/v1/rank/ports?period=week&port=23&port=80").json()
    assert [row["dst_port"] for row in rows if row["packets"]] == [23, 80]


def test_what_has_not_changed_is_not_sent_again(client: Client) -> None:
    first = client.get("/api/v1/rank/ports?period=week")
    for told in (first.headers["etag"], f'"x", W/{first.headers["etag"]}', "*"):
        again = client.get("/api/v1/rank/ports?period=week", {"if-none-match": told})
        assert (again.status, again.content) == (304, b"")
    assert client.get("/api/v1/rank/ports?period=week", {"if-none-match": '"x"'}).status == 200
    head = client.ask("HEAD", "/api/v1/rank/ports?period=week")
    assert (head.status, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])
    assert client.ask("POST", "/api/v1/rank/ports").status == 405


def test_what_is_masked_in_an_event_and_its_line(client: Client, event: tuple[int, int]) -> None:
    place = "/api/v1/events/{}/{}".format(*event)
    shown = client.get(place).json()[0]
    assert not {"dst_ip", "tcp_seq", "ip_id"} & set(shown)
    (line,) = client.get(f"{place}/raw").json()
    assert "DST=***.***.***.***" in line["text"] and OWN not in line["text"]
    # whoever reaches a station without users is its administrator
    assert client.get(f"{place}?mask=none").json()[0]["dst_ip"] == OWN
    assert OWN in client.get(f"{place}/raw?mask=none").json()[0]["text"]


# limits and other origins -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bounded(chosen: Settings) -> Iterator[Client]:
    own = replace(chosen, api=answering.Api(rows=2, requests_per_minute=6, burst=3, origins=("https://grafana.example",)))
    with served(own, workers=1) as made:
        yield made


def test_who_asks_too_much_waits(bounded: Client) -> None:
    origin = {"origin": "https://grafana.example"}
    first = bounded.get("/api/v1/sensors", origin)
    assert (first.headers["x-ratelimit-limit"], first.headers["x-ratelimit-remaining"]) == ("6", "2")
    assert first.headers["access-control-allow-origin"] == "https://grafana.example"
    assert "access-control-allow-origin" not in bounded.get("/api/v1/sensors", {"origin": "https://evil.example"}).headers
    assert bounded.get("/api/v1/rank/ports?n=3").status == 400
    last = bounded.get("/api/v1/sensors")
    assert last.status == 429 and 1 <= int(last.headers["retry-after"]) <= 11 and "requests a minute" in last.json()["error"]
    asked = bounded.ask("OPTIONS", "/api/v1/sensors", origin)
    assert asked.status == 204 and asked.headers["access-control-allow-headers"] == "Authorization, If-None-Match"


def test_no_other_origin_by_default(client: Client) -> None:
    answer = client.get("/api/v1/sensors", {"origin": "https://grafana.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert client.ask("OPTIONS", "/api/v1/sensors").status == 405


def test_buckets_fill_again_and_are_each_clients_own() -> None:
    now = [0.0]
    limits = _limits.Limits(answering.Api(requests_per_minute=60, burst=2, at_once=1, waiting=2), lambda: now[0])

    def ask(client: str) -> int | None:
        with limits.request(client) as left:
            return left

    assert [ask("a"), ask("a")] == [1, 0]
    with pytest.raises(_limits.TooManyError) as error:
        ask("a")
    assert (error.value.status, error.value.wait) == (429, 2) and ask("b") == 1
    now[0] = 1.0
    assert ask("a") == 0
    now[0] = 100.0
    with limits.request("a"), limits.request("b"):
        with pytest.raises(_limits.TooManyError, match="More than 1 requests at once"):
            ask("a")
        with pytest.raises(_limits.TooManyError) as full:
            ask("c")
        assert full.value.status == 503
    assert (limits.flying, limits.refused, limits.asked) == (0, {429: 2, 503: 1}, 9)


def test_clients_that_are_many_cost_little() -> None:
    limits = _limits.Limits(answering.Api())
    for number in range(_limits.CLIENTS + 50):
        limits.left(str(number))
    assert len(limits._clients) == _limits.CLIENTS
