"""teiten watch: from a log, without a configuration, to rows of a lake; wrong words told before anything begins."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from teiten import cli
from teiten.lake import Lake

LINE = (
    "Nov {day:02d} 03:{minute:02d}:01 gw kernel: IN=eth0 OUT= MAC= SRC=192.0.2.{host} DST=198.51.100.2 LEN=40 TTL=50 ID=1"
    " PROTO=TCP SPT=1 DPT=23 WINDOW=1 RES=0x00 SYN URGP=0\n"
)


def log(path: Path, first: int, many: int) -> None:
    with path.open("a", encoding="ascii") as out:
        for number in range(first, first + many):
            out.write(LINE.format(day=3, minute=number % 60, host=number % 250))


def rows(lake: Path) -> int:
    return Lake.open(lake).holdings("events").rows


def test_a_log_becomes_rows_without_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log(tmp_path / "kern.log", 0, 30)
    before = os.umask(0o022)
    try:
        assert cli.main(["watch", "kern.log", "--once", "--tz", "UTC"]) == 0
        assert rows(tmp_path / "teiten-lake") == 30
    finally:
        os.umask(before)
    spooled = list((tmp_path / "teiten-spool").rglob("*.data"))
    assert cli.main(["watch", "--alive"]) == 1
    status = json.loads((tmp_path / "teiten-spool" / "status.json").read_text())
    (tmp_path / "teiten-spool" / "status.json").write_text(json.dumps(status | {"at": time.time(), "ended": False}))
    assert cli.main(["watch", "--alive"]) == 0
    assert spooled and all(path.stat().st_mode & 0o007 == 0 for path in spooled), "others can read what came in"


CONFIGURED = """
zone = "UTC"
[station]
every = 1
{more}
[station.input.kern]
kind = "file"
path = "kern.log"
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Nothing is to come in."),
        (["--sensor", "office"], "--sensor is of what comes in by flags."),
        (["no/such/folder/kern.log"], "There is no folder no/such/folder"),
        (["--syslog", "5514"], "must be an address and a port"),
    ],
)
def test_wrong_words(words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> None:
    monkeypatch.chdir(tmp_path)
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    assert cli.main(["watch", *words]) == 2
    assert said in errors.getvalue()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ('command = "report dayly"\nat = "06:10"', "[station.task.x]: teiten report dayly: argument span: invalid choice"),
        ('command = "watch"\nevery = 60', "teiten watch is no task"),
        ('command = "nothing"\nevery = 60', "teiten nothing: argument COMMAND: invalid choice"),
        ('command = "detect"', "needs every or at"),
    ],
)
def test_a_task_is_checked_before_it_is_due(task: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    (tmp_path / "teiten.toml").write_text(CONFIGURED.format(more="") + f"[station.task.x]\n{task}\n")
    assert cli.main(["watch"]) == 2
    assert said in errors.getvalue()


@pytest.mark.full
def test_a_station_that_is_killed_again_and_again(tmp_path: Path) -> None:
    """A real process, killed (-9) with its maker at work, ended and started: every line once."""
    (tmp_path / "teiten.toml").write_text(CONFIGURED.format(more=""))
    command = [sys.executable, "-m", "teiten", "watch", "--config", "teiten.toml", "--lake", "lake", "--no-tasks"]
    total = 0
    for number, how in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGINT)):
        with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) as station:
            for _ in range(4):
                log(tmp_path / "kern.log", total, 50)
                total += 50
                time.sleep(0.5 + 0.2 * number)
            station.send_signal(how)
            station.communicate(timeout=60)
    assert cli.main(["watch", "--config", str(tmp_path / "teiten.toml"), "--lake", str(tmp_path / "lake"), "--once"]) == 0
    assert rows(tmp_path / "lake") == total


@pytest.mark.full
def test_two_stations_on_one_lake_of_which_one_is_killed(tmp_path: Path) -> None:
    """Each has its spool; their makers take turns at the lake: every line of both, once."""
    stations = []
    for name in ("a", "b"):
        text = CONFIGURED.format(more=f'spool = "spool-{name}"').replace("kern.log", f"{name}.log")
        (tmp_path / f"{name}.toml").write_text(f'{text}sensor = "{name}"\n')
        log(tmp_path / f"{name}.log", 0, 100)
        command = [sys.executable, "-m", "teiten", "watch", "--config", f"{name}.toml", "--lake", "lake", "--no-tasks"]
        stations.append(subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL))
    for number in range(6):
        time.sleep(0.7)
        for name in ("a", "b"):
            log(tmp_path / f"{name}.log", 100 + 50 * number, 50)
    stations[0].kill()
    stations[1].terminate()
    for one in stations:
        one.wait(60)
    for name in ("a", "b"):
        assert cli.main(["watch", "--config", str(tmp_path / f"{name}.toml"), "--lake", str(tmp_path / "lake"), "--once"]) == 0
    assert rows(tmp_path / "lake") == 800
