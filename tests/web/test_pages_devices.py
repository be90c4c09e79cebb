"""The page of devices and its rows: what is unknown is there, titles of devices are text, own addresses are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from teiten.lake import Lake, device

from .conftest import BEGIN, OWN, Client, lake_of, served


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Ten hosts a day for two days, three of which answered."""
    folder: Path = tmp_path_factory.mktemp("devices")
    chosen = lake_of(folder)
    rows: list[dict[str, Any]] = [
        {**dict.fromkeys(device.GIVEN), "src_ip": bytes((8, 8, 8, n)), "time": BEGIN, "origin": "nmap", **told}
        for n, told in (
            (1, {"title": "NETSurveillance WEB", "uuid": "12345678-1234-1234-1234-123456789abc"}),
            (2, {"title": "<script>alert(1)</script>"}),
            (3, {"manufacturer": "Logitec"}),
        )
    ]
    Lake.open(chosen.lake).add_devices(rows)
    with served(chosen, workers=1) as made:
        yield made


@pytest.mark.parametrize(
    ("lang", "words"), [("en", ("Xiongmai", "Logitec router", "unknown")), ("ja", ("Xiongmai製", "ロジテック", "不明"))]
)
def test_the_page(devices: Client, lang: str, words: tuple[str, ...]) -> None:
    answer = devices.get(f"/devices?lang={lang}&period=month")
    assert answer.status == 200
    for word in words:
        assert word in answer.text
    assert OWN not in answer.text and "<script>alert" not in answer.text


def test_the_rows(devices: Client) -> None:
    rows = devices.get("/api/v1/devices?from=2019-10-21&to=2019-10-22").json()
    assert {row["family"]: row["hosts"] for row in rows} == {"xiongmai": 1, "logitec": 1, "unnamed": 1, "unknown": 7}
    assert all(row["hosts_of_day"] == 10 for row in rows)


def test_without_evidence_the_page_says_what_to_do(client: Client) -> None:
    answer = client.get("/devices?lang=en&period=month")
    assert answer.status == 200 and "teiten devices import" in answer.text
