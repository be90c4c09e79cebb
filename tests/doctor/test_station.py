"""Checks of a station, before one that is well and before one of each kind of trouble."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import teiten
from teiten import settings
from teiten.doctor import Patient, Result, lake, station
from teiten.station import made

NOW = dt.datetime(2026, 4, 5, 3, 0, tzinfo=dt.UTC)
AT = NOW.timestamp()
CHECKS = {
    "station": station.check_station, "inputs": station.check_inputs, "losses": station.check_losses,
    "buffers": station.check_buffers, "current": station.check_current, "spool": station.check_spool,
    "remote sensors": station.check_remote_sensors, "rights": station.check_rights,
    "tasks": station.check_tasks, "synchronised": station.check_synchronised,
}  # fmt: skip


def status(**more: Any) -> dict[str, Any]:
    """A station that is well."""
    feed = {"queued": 0, "trouble": None, "received": 1000, "bytes": 9}
    return {
        "program": teiten.__version__, "pid": 7, "uid": 990, "at": AT - 3, "began": AT - 7200, "ended": False,
        "inputs": {
            "udp": {
                "kind": "syslog_udp", "trouble": None, "ended": False, "last": AT - 60, "feeds": {"home": feed},
                "state": {"listen": "0.0.0.0:514", "buffer": 33554432, "buffer_wanted": 33554432, "strangers": 0},
            }
        },
        "maker": {"running": True, "starts": 1, "trouble": None},
        "tasks": {"detect": {"command": "detect", "running": False, "ended": AT - 300, "code": 0, "failures": 0, "said": []}},
        **more,
    }  # fmt: skip


def udp(**more: Any) -> dict[str, Any]:
    """The same with another input of that name."""
    one = status()["inputs"]["udp"]
    for key, value in more.items():
        one[key] = {**one[key], **value} if isinstance(value, dict) and key == "state" else value
    return status(inputs={"udp": one})


def collect(**sensor: Any) -> dict[str, Any]:
    """A collector with one sensor, a."""
    one = {"kind": "collect", "trouble": None, "ended": False, "feeds": {}, "state": {"_sensors": {"a": sensor}}}
    return status(inputs={"collect": one})


def examine(folder: Path, said: dict[str, Any] | None, last: made.Made | None = None) -> dict[str, list[Result]]:
    (folder / "teiten.toml").write_text('zone = "UTC"\n[station.input.udp]\nkind = "syslog_udp"\nlisten = "0.0.0.0:514"\n')
    spool = folder / "teiten-spool"
    if said is not None:
        (spool / "streams").mkdir(parents=True, mode=0o750, exist_ok=True)
        spool.chmod(0o750)
        (spool / "status.json").write_text(json.dumps(said))
        made.write(spool, last or made.Made(at=AT - 5, took=0.1, behind=0))
    patient = Patient(settings.load(config=folder / "teiten.toml"), NOW)
    out: dict[str, list[Result]] = {}
    for name, check in CHECKS.items():
        found = check(patient)
        out[name] = [found] if isinstance(found, Result) else found or []
    return out


def test_one_that_is_well(tmp_path: Path) -> None:
    found = examine(tmp_path, status())
    del found["synchronised"], found["remote sensors"]  # this machine's own; a collector's
    assert {r.state for results in found.values() for r in results} == {"ok"}
    assert all(found.values())
    assert found["inputs"][0].seen == "udp (syslog_udp): 1,000 since the station began, the last 60 s ago"
    assert found["current"][0].seen == "made 5 s ago, in 0.1 s; 0 bytes are not in it yet"


CASES: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("station", status(at=AT - 600), "wrong", "gave its last sign of life at 2026-04-05 02:50, 10 minutes ago", "systemctl"),
    ("station", status(ended=True), "wrong", "does not run: it ended", "teiten watch --config"),
    ("station", status(program="0.0.9"), "look", "teiten 0.0.9", "restart"),
    ("inputs", udp(trouble="Permission denied"), "wrong", "does not run: Permission denied", "again"),
    ("inputs", udp(feeds={"home": {"trouble": "No space left on device"}}), "wrong", "the disk takes nothing", "Make room"),
    ("inputs", udp(state={"waits": "kern.log is not there"}), "look", "it waits: kern.log is not there", "Check the name"),
    ("inputs", udp(last=None, feeds={}), "look", "0 since the station began, nothing for 2 hours", "tcpdump -ni any port 514"),
    ("inputs", udp(last=AT - 9000), "look", "the last 2 hours ago", "tcpdump"),
    ("inputs", udp(feeds={}, state={"strangers": 12}), "wrong", "12 messages came from peers that it does not know", "peers"),
    ("losses", udp(feeds={"": {"dropped_kernel": 5}, "a": {"received": 995}}), "look", "5 lost by the kernel (0.5 %", "buffer"),
    ("losses", udp(feeds={"home": {"received": 100, "dropped_queue": 2}}), "wrong", "2 found the queue full (2.0 %)", "disk"),
    ("losses", udp(feeds={"home": {"received": 100, "refused": 2}}), "look", "2 refused", "report"),
    ("buffers", udp(state={"buffer": 212992}), "look", "212,992 bytes of 33,554,432", "sysctl -w net.core.rmem_max=33554432"),
    ("current", status(maker={"running": False, "starts": 3, "trouble": "ended with code 1"}), "wrong", "code 1", "journalctl"),
    ("rights", status(uid=0), "look", "runs as root", "user of its own"),
    ("remote sensors", collect(last=AT - 3000), "wrong", "a: heard 50 minutes ago", "There: teiten doctor"),
    ("remote sensors", collect(last=None), "wrong", "a: never heard", "There: teiten doctor"),
    ("remote sensors", collect(last=AT - 30, skew=0.2, behind=0), "ok", "a: heard 30 s ago", ""),
    ("remote sensors", collect(last=AT - 30, skew=-90.0, behind=7), "look", "7 records behind; its clock is 90.0 s ahead", ""),
    (
        "tasks",
        status(tasks={"daily": {"command": "report daily", "ended": AT - 60, "failures": 2, "said": ["no lake"]}}),
        "wrong", "daily (teiten report daily) failed 2 times in a row, the last time 60 s ago: no lake", "teiten report daily",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "said", "state", "seen", "mend"), CASES, ids=lambda v: v if isinstance(v, str) else "")
def test_each_trouble_is_seen_and_mended(
    name: str, said: dict[str, Any], state: str, seen: str, mend: str, tmp_path: Path
) -> None:
    [found] = examine(tmp_path, said)[name]
    assert (found.state, seen in found.seen, mend in found.mend) == (state, True, True), found


@pytest.mark.parametrize(
    ("last", "state", "seen"),
    [
        (made.Made(at=AT - 300, took=1, behind=5000), "look", "made 5 minutes ago, in 1.0 s; 5,000 bytes are not in it yet"),
        (made.Made(at=AT - 3000, took=1), "wrong", "made 50 minutes ago"),
        (made.Made(at=AT - 3, trouble="the lake is torn"), "wrong", "the lake is torn"),
    ],
)
def test_a_lake_that_is_behind(last: made.Made, state: str, seen: str, tmp_path: Path) -> None:
    [found] = examine(tmp_path, status(), last)["current"]
    assert found.state == state and seen in found.seen and found.mend


@pytest.mark.parametrize(
    ("kept", "state", "seen"),
    [
        ({"used": 17 * 10**9, "next": AT - 86400}, "look", "17,000,000,000 bytes of 20,000,000,000"),
        ({"used": 20 * 10**9, "full": "the budget is used up"}, "wrong", "intake waits: the budget is used up"),
        ({"used": 5, "damaged": ["a/00000001"]}, "wrong", "damaged: a/00000001"),
        ({"used": 5}, "ok", "5 bytes of"),
        ({}, "ok", "0 bytes of"),
    ],
)
def test_the_spools_disk(kept: dict[str, Any], state: str, seen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 60 * 10**9}))
    examine(tmp_path, status())
    (tmp_path / "teiten-spool" / "keeping.json").write_text(json.dumps({"disk": 20 * 10**9, **kept}))
    found = station.check_spool(Patient(settings.load(config=tmp_path / "teiten.toml"), NOW))
    assert found is not None and (found.state, seen in found.seen) == (state, True), found


def test_a_spool_that_everybody_can_read(tmp_path: Path) -> None:
    examine(tmp_path, status())
    (tmp_path / "teiten-spool").chmod(0o755)
    patient = Patient(settings.load(config=tmp_path / "teiten.toml"), NOW)
    [found] = station.check_rights(patient) or []
    assert found.state == "look" and "everybody on this machine can read" in found.seen and "chmod -R o=" in found.mend


def test_before_it_ever_ran_and_where_there_is_none(tmp_path: Path) -> None:
    found = examine(tmp_path, None)
    assert found["station"][0].state == "wrong" and "no station has run here yet" in found["station"][0].seen
    assert not any(results for name, results in found.items() if name not in ("station", "synchronised"))
    (tmp_path / "teiten.toml").write_text('zone = "UTC"\n')
    patient = Patient(settings.load(config=tmp_path / "teiten.toml"), NOW)
    assert all(check(patient) in (None, []) for check in CHECKS.values())


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"at": "x"}', '{"at": 1}'])
def test_a_status_that_cannot_be_read_stops_no_check(text: str, tmp_path: Path) -> None:
    examine(tmp_path, status())
    (tmp_path / "teiten-spool" / "status.json").write_text(text)
    patient = Patient(settings.load(config=tmp_path / "teiten.toml"), NOW)
    for check in CHECKS.values():
        check(patient)


def test_a_station_makes_its_lake_by_itself(tmp_path: Path) -> None:
    examine(tmp_path, status())
    (tmp_path / "teiten.toml").write_text(f'zone = "UTC"\nlake = {{ path = "{tmp_path / "lake"}" }}\n')
    for said, state in ((status(), "look"), (status(ended=True), "wrong")):
        (tmp_path / "teiten-spool" / "status.json").write_text(json.dumps(said))
        found = lake.check_lake(Patient(settings.load(config=tmp_path / "teiten.toml"), NOW))
        assert (found.state, "of the first lines" in found.mend) == (state, state == "look")


def test_the_kernels_clock_is_asked() -> None:
    known = station._kernel_clock()
    assert known is None or (isinstance(known[0], bool) and known[1] >= 0)
