"""Evidence on devices in the lake: each row once, forgotten and dropped for good, migrated, shown to SQL."""

from __future__ import annotations

import datetime as dt
import ipaddress
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from teiten.engine import open_session
from teiten.lake import SCHEMA_VERSION, Lake, _delta, device
from teiten.lake._lake import read_meta, write_meta
from teiten.settings import Settings

SETTINGS = Settings("UTC", "flag")
T = dt.datetime(2026, 4, 1, 12, tzinfo=dt.UTC)


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        **dict.fromkeys(device.GIVEN), "src_ip": bytes((203, 0, 113, number)), "time": T + dt.timedelta(days=number),
        "origin": "nmap", "port": 80, "protocol": 6, "title": f"page {number}", "input": "x.xml", **more,
    }  # fmt: skip


def titles(lake: Lake) -> list[str]:
    return lake.devices()["title"].to_list()


def test_each_row_once(lake: Lake) -> None:
    assert lake.add_devices(row(n) for n in (1, 2, 2)) == 2
    assert lake.add_devices([row(2), row(3), {**row(1), "input": "another.xml"}]) == 1
    assert lake.add_devices([row(3, time=T)]) == 1
    assert titles(lake) == ["page 1", "page 2", "page 3", "page 3"]
    assert lake.holdings("devices").rows == 4 and "devices" in lake.tables()


def test_many_small_files_become_one(lake: Lake) -> None:
    for n in range(1, device.FILES + 3):
        lake.add_devices([row(n)])
    assert len(lake.device_files()) < 5 and len(lake.devices()) == device.FILES + 2


def test_an_address_that_is_forgotten_is_gone_and_does_not_come_back(lake: Lake) -> None:
    who = ipaddress.ip_network("203.0.113.2")
    given = [row(1), row(2), row(3, banner="login on 203.0.113.2:")]
    lake.add_devices(given)
    held = lake.look_for(who)
    assert held.devices == 2 and not held.nothing
    assert lake.forget(who).devices == 2
    assert titles(lake) == ["page 1"] and lake.look_for(who).nothing
    assert lake.add_devices(given) == 0 and titles(lake) == ["page 1"]
    on_disk = b"".join(file.read_bytes() for file in (lake.path / "devices").rglob("*") if file.is_file())
    assert b"page 1" in on_disk and b"page 2" not in on_disk and b"203.0.113.2" not in on_disk


def test_what_is_old_is_dropped_for_good(lake: Lake) -> None:
    given = [row(n) for n in range(1, 6)]
    lake.add_devices(given)
    assert lake.drop_devices(T + dt.timedelta(days=3)) == 2
    assert titles(lake) == ["page 3", "page 4", "page 5"]
    assert lake.add_devices(given) == 0 and lake.drop_devices(T) == 0


def test_sql_sees_addresses_as_text(lake: Lake) -> None:
    lake.add_devices([row(1), row(2)])
    lake.forget(ipaddress.ip_network("203.0.113.1"))
    with open_session(lake, SETTINGS) as session:
        found = session.query("SELECT src_ip, title, time FROM devices")
        assert [(one["src_ip"], one["title"]) for one in found] == [("203.0.113.2", "page 2")]
        assert session.query("SELECT count(*) AS n FROM events e JOIN devices USING (src_ip)") == [{"n": 0}]


def test_a_session_sees_it_as_it_was(lake: Lake) -> None:
    lake.add_devices([row(1)])
    before = dt.datetime.now(dt.UTC)
    lake.add_devices([row(2)])
    with open_session(lake, SETTINGS, as_of=before) as session:
        assert session.query("SELECT title FROM devices") == [{"title": "page 1"}]


def test_a_lake_of_version_7_gets_the_table(lake: Lake) -> None:
    shutil.rmtree(lake.path / "devices")
    write_meta(lake.path, type(lake.meta)(**{**{n: getattr(lake.meta, n) for n in lake.meta.__slots__}, "schema_version": 7}))
    again = Lake.open(lake.path)
    assert read_meta(lake.path).schema_version == SCHEMA_VERSION and again.devices().is_empty()
    assert again.add_devices([row(1)]) == 1


@pytest.mark.parametrize("dies_at", [0, 1, 2])
def test_a_kill_leaves_all_or_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch, dies_at: int) -> None:
    class Killed(BaseException):
        pass

    calls: list[str] = []

    def dying(real: Any) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            if len(calls) == dies_at:
                raise Killed
            calls.append("x")
            return real(*args, **more)

        return call

    lake.add_devices([row(1)])
    with monkeypatch.context() as patch:
        patch.setattr(_delta, "write_parquet", dying(_delta.write_parquet))
        patch.setattr(_delta.Table, "commit", dying(_delta.Table.commit))
        patch.setattr(_delta.Table, "sweep", dying(_delta.Table.sweep))
        with pytest.raises(Killed):
            lake.add_devices([row(2), row(3)])
    assert len(Lake.open(lake.path).devices()) in (1, 3)
    Lake.open(lake.path).add_devices([row(2), row(3)])
    assert Lake.open(lake.path).devices()["src_ip"].to_list() == [bytes((203, 0, 113, n)) for n in (1, 2, 3)]


def test_lakes_do_not_share_ids(tmp_path: Path) -> None:
    """The id is keyed: whoever has two lakes' files cannot tell that both know an address."""
    ids = []
    for name in ("a", "b"):
        one = Lake.create(tmp_path / name, "UTC")
        one.add_devices([row(1)])
        ids.append(pl.concat([pl.read_parquet(file) for file in one.device_files()])["id"].item())
    assert ids[0] != ids[1]
