"""The API: the same rows in every form, pages that hold still, what is wrong as JSON, and a description that is true."""

from __future__ import annotations

import io
import re
from typing import Any

import polars as pl
import pytest

from teiten.web import api, app
from teiten.web.api import openapi

from .conftest import OWN, Client

ADDRESSES = (
    "/rank/ports?period=week", "/series/ports?period=week", "/events?n=5", "/coverage?period=week", "/stories?period=week",
    "/dshield/port/23?period=week", "/dshield/topports?period=week", "/dshield/ip/8.8.8.3?period=week", "/openapi.json", "/compare",
)  # fmt: skip


@pytest.mark.parametrize("place", ADDRESSES)
def test_every_address_answers(client: Client, place: str) -> None:
    answer = client.get(f"/api/v1{place}")
    assert answer.status == 200, answer.text[:300]
    assert answer.headers["content-type"].startswith("application/json")
    answer.json()
    assert OWN not in answer.text


def test_every_address_is_tried_and_described() -> None:
    described = openapi.described()["paths"]
    for module in app.found(api):
        assert set(module.ROUTES) == set(module.DESCRIBED)
        for path in module.ROUTES:
            pattern = re.compile(re.sub(r"\{[a-z]+\}", "[^/?]+", path))
            assert any(pattern.fullmatch(one.partition("?")[0]) for one in ADDRESSES), path
            assert f"/api/v1{path}" in described
    for path, told in described.items():
        named = {one["name"] for one in told["get"]["parameters"] if one["in"] == "path"}
        assert named == set(re.findall(r"\{([a-z]+)\}", path))


def test_the_same_rows_in_every_form(client: Client) -> None:
    place = "/api/v1/rank/ports?period=week"
    rows = client.get(place).json()
    assert [(row["dst_port"], row["packets"], row["hosts"]) for row in rows] == [(23, 144, 10), (445, 96, 10), (80, 48, 10)]
    frames: dict[str, Any] = {
        "csv": pl.read_csv(io.BytesIO(client.get(f"{place}&format=csv").content)),
        "parquet": pl.read_parquet(io.BytesIO(client.get(f"{place}&format=parquet").content)),
        "arrow": pl.read_ipc_stream(io.BytesIO(client.get(f"{place}&format=arrow").content)),
    }
    for form, frame in frames.items():
        assert frame.select("rank", "dst_port", "packets", "hosts").rows() == [
            (row["rank"], row["dst_port"], row["packets"], row["hosts"]) for row in rows
        ], form
    assert "attachment" in client.get(f"{place}&format=csv").headers["content-disposition"]
    assert client.get(place, {"accept": "text/csv"}).text.startswith("rank,")


def test_pages_of_events_hold_every_one_once(client: Client) -> None:
    place, seen = "/api/v1/events?period=week&n=100&src=8.8.8.0/28", []
    while place:
        answer = client.get(place)
        seen += [(row["source_id"], row["source_pos"]) for row in answer.json()]
        found = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("link", ""))
        place = found[1] if found else ""
    assert len(seen) == len(set(seen)) == 288


def test_counts_in_the_form_of_dshield(client: Client) -> None:
    found = client.get("/api/v1/dshield/port/23?period=week").json()
    assert (found["number"], found["data"]["records"], found["data"]["sources"], found["data"]["targets"]) == (23, 144, 10, 1)
    top = client.get("/api/v1/dshield/topports?period=week").json()
    assert (top["0"]["targetport"], top["0"]["records"], top["limit"], top["date"]) == (23, 144, "3", "2019-10-22")
    one = client.get("/api/v1/dshield/ip/8.8.8.3?period=week").json()["ip"]
    assert (one["number"], one["mindate"], one["maxdate"]) == ("8.8.8.3", "2019-10-21", "2019-10-22") and one["count"] > 20


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("/rank/bananas", "cannot be ranked"),
        ("/rank/ports?format=xml", "format 'xml' is unknown"),
        ("/rank/ports?country=Atlantis", "Atlantis"),
        ("/dshield/port/0", "is no port"),
        ("/dshield/ip/1.2.3", "no address"),
        ("/events?after=x", "no place"),
    ],
)
def test_what_is_wrong_comes_as_json(client: Client, place: str, why: str) -> None:
    answer = client.get(f"/api/v1{place}")
    assert answer.status == 400 and why in answer.json()["error"]


def test_what_has_not_changed_is_not_sent_again(client: Client) -> None:
    first = client.get("/api/v1/rank/ports?period=week")
    again = client.get("/api/v1/rank/ports?period=week", {"if-none-match": first.headers["etag"]})
    assert (again.status, again.content) == (304, b"")
