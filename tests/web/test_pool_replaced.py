"""A lake that is brought up to date, moved away, or brought back from a copy while it is served: old or new, never a fault."""

from __future__ import annotations

import datetime as dt
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from teiten import backup, intake
from teiten.lake import SCHEMA_VERSION, Lake, _delta, _lake, note
from teiten.web import pool as pools

from .conftest import Client, lake_of, line, served

PLACES = (
    "/?lang=en&period=week",
    "/ports?lang=en&period=week",
    "/api/v1/totals?period=week",
    "/events?lang=en",
    "/sources?lang=en",
)


def packets(client: Client) -> int:
    rows = client.get("/api/v1/totals?from=2019-10-21&to=2019-10-24").json()
    return int((rows["rows"] if isinstance(rows, dict) else rows)[0]["packets"])


def until(client: Client, wanted: int) -> None:
    deadline = time.monotonic() + 30
    while packets(client) != wanted:
        assert time.monotonic() < deadline, (packets(client), wanted)
        time.sleep(0.2)


@pytest.mark.full
def test_a_copy_is_brought_back_under_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lake of the copy takes the place of one that went on since; and for a while there is none at all."""
    monkeypatch.setattr(pools, "LOOK_EVERY", 0.1)
    chosen = lake_of(tmp_path)
    copied = backup.make(tmp_path / "copies", chosen.lake, None, None)
    fresh = tmp_path / "more.log"
    fresh.write_text("".join(line(dt.datetime(2019, 10, 22, 23, 30 + n, tzinfo=chosen.zone), "8.8.8.9", 23) for n in range(5)))
    assert not intake.ingest(Lake.open(chosen.lake), [str(fresh)], chosen, sensor="home", judge=False).failed
    statuses: list[int] = []
    with served(chosen, workers=2) as client:
        until(client, 293)
        stop = threading.Event()

        def visit() -> None:
            while not stop.is_set():
                for place in PLACES:
                    answer = client.get(place)
                    statuses.append(answer.status)
                    assert "Traceback" not in answer.text

        visitors = [threading.Thread(target=visit) for _ in range(2)]
        for one in visitors:
            one.start()
        chosen.lake.rename(tmp_path / "away")
        time.sleep(1.5)
        backup.restore(copied.path, {"lake": chosen.lake})
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            answer = client.get("/api/v1/totals?from=2019-10-21&to=2019-10-24")
            if answer.status == 200 and answer.json() and packets(client) == 288:
                break
            time.sleep(0.2)
        stop.set()
        for one in visitors:
            one.join(60)
        assert packets(client) == 288
        assert {client.get(place).status for place in PLACES} == {200}
    assert set(statuses) <= {200, 503}, sorted(set(statuses))


@pytest.mark.full
def test_a_lake_is_migrated_under_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lake of the version before is brought up to date by who opens it first; what the new version has is served then."""
    monkeypatch.setattr(pools, "LOOK_EVERY", 0.1)
    chosen = lake_of(tmp_path)
    older = {name: kind for name, kind in note.SCHEMA.items() if name != "asn"}
    shutil.rmtree(chosen.lake / "notes")
    _delta.Table.create(chosen.lake / "notes", _delta.schema_of(older, note.REQUIRED))
    meta = _lake.read_meta(chosen.lake)
    for name in ("lake.toml", "lake.toml.copy"):
        (chosen.lake / name).unlink(missing_ok=True)
    _lake.write_meta(chosen.lake, replace(meta, schema_version=SCHEMA_VERSION - 1))
    with served(chosen, workers=2) as client:
        until(client, 288)
        assert {client.get(place).status for place in PLACES} == {200}
        lake = Lake.open(chosen.lake)
        assert lake.meta.schema_version == SCHEMA_VERSION
        lake.add_note("note", text="told after", asn=15169)
        deadline = time.monotonic() + 30
        while "told after" not in client.get("/asn/15169?lang=en&period=week").text and time.monotonic() < deadline:
            time.sleep(0.2)
        assert "told after" in client.get("/asn/15169?lang=en&period=week").text
        assert {client.get(place).status for place in PLACES} == {200} and packets(client) == 288
