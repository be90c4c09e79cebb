"""Devices among the sources: every host of a day in one row, evidence of the nearest day, unique devices beside addresses."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from teiten import cli, intake
from teiten.devices import asked
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.lake import Lake, device
from teiten.settings import Settings

SETTINGS = Settings("Asia/Tokyo", "flag")
BEGIN = dt.datetime(2021, 5, 24, 15, tzinfo=dt.UTC)
"""midnight of 25 May in Tokyo"""
LINE = (
    "{at} gw kernel: DROP IN=ppp0 OUT= MAC= SRC=203.0.113.{n} DST=198.51.100.23 LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID=7 "
    "PROTO=TCP SPT=40000 DPT=9530 SEQ=1 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


def uuid(n: int) -> str:
    return f"{n:08x}-1234-1234-1234-123456789abc"


def row(n: int, day: float, **told: Any) -> dict[str, Any]:
    moment = BEGIN + dt.timedelta(days=day)
    return {**dict.fromkeys(device.GIVEN), "src_ip": bytes((203, 0, 113, n)), "time": moment, "origin": "upnp", **told}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Ten hosts on each of three days; on the second, 1 to 4 are two routers, 5 a recorder, 6 two things, 7 has no name."""
    folder = tmp_path_factory.mktemp("asked")
    log = "".join(
        LINE.format(at=(BEGIN + dt.timedelta(days=day, hours=n + 1)).isoformat(), n=n) for day in range(3) for n in range(1, 11)
    )
    (folder / "gw.log").write_text(log)
    lake = Lake.create(folder / "lake", "Asia/Tokyo")
    assert intake.ingest(lake, [str(folder / "gw.log")], SETTINGS, judge=False).total.events == 30
    lake.add_devices(
        [
            *(row(n, 1.1 + n / 24, manufacturer="Logitec", model="LAN-W300N/R", uuid=uuid(7 + n // 3)) for n in (1, 2, 3, 4)),
            row(5, 1.5, title="NETSurveillance WEB"),
            row(6, 1.5, title="NETSurveillance WEB"),
            row(6, 1.5, title="Vigor Login Page", port=8080),
            row(7, 1.5, title="Login"),
            row(8, 9.5, title="NETSurveillance WEB"),
            row(99, 1.5, title="NETSurveillance WEB"),
        ]
    )
    return lake


def found(lake: Lake, settings: Settings = SETTINGS) -> asked.Found:
    with open_session(lake, settings) as session:
        return asked.of(session, Filters(), settings)


def test_every_host_of_a_day_is_in_one_row(lake: Lake) -> None:
    first, second, third = found(lake).days
    assert second.families == {"logitec": 4, "xiongmai": 1, asked.SEVERAL: 1, asked.UNNAMED: 1, asked.UNKNOWN: 3}
    assert all(sum(day.families.values()) == day.hosts == 10 for day in (first, second, third)) and second.answered == 7
    # a day before and a day after it counts, too
    assert first.families == third.families == second.families


def test_evidence_of_another_day_does_not_count_where_the_setting_says_so(lake: Lake) -> None:
    own = replace(SETTINGS, thresholds={"device_days": 0})
    days = found(lake, own).days
    assert [day.answered for day in days] == [0, 7, 0] and days[0].families == {asked.UNKNOWN: 10}


def test_devices_beside_addresses(lake: Lake) -> None:
    whole = found(lake)
    logitec = whole.days[1].by_family["logitec"]
    assert (logitec.addresses, logitec.told, logitec.devices, logitec.low, logitec.high) == (4, 4, 2, 2, 2)
    every = whole.days[1].devices
    assert (every.addresses, every.told, every.devices) == (7, 4, 2) and every.low <= 5 <= every.high
    assert whole.name("logitec", {}, "ja") == "ロジテックのルータ"


def test_the_command(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--lake", str(lake.path), "--tz", "Asia/Tokyo"]
    assert cli.main(["devices", *words]) == 0
    text = capsys.readouterr().out
    assert "Logitec router" in text and "unknown: no evidence" in text
    assert cli.main(["devices", "--period", "2021-05-25", "--output", "csv", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("day,family,vendor,device_kind,hosts,share,hosts_of_day") and len(lines) == 6
    assert cli.main(["devices", "show", "203.0.113.1", *words]) == 0
    assert uuid(7) in capsys.readouterr().out
    assert cli.main(["devices", "show", "203.0.113.77", *words]) == 0
    assert "no evidence" in capsys.readouterr().out
    for wrong in (["devices", "shwo"], ["devices", "show"], ["devices", "import"], ["devices", "drop"], ["devices", "survey"]):
        assert cli.main([*wrong, *words]) == 2
        assert capsys.readouterr().err


def test_hostile_evidence_is_shown_harmless(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = Lake.create(tmp_path / "lake", "UTC")
    lake.add_devices([row(1, 0, title="\x1b[2J<script>", banner="=cmd|'/c calc'!A1\r\nX")])
    for form in ("table", "csv", "json"):
        assert cli.main(["devices", "show", "203.0.113.1", "--lake", str(tmp_path / "lake"), "--output", form]) == 0
        text = capsys.readouterr().out
        assert "\x1b" not in text and (form != "csv" or "'=cmd" in text)
