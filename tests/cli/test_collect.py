"""teiten collect: credentials by command, and both ends as processes: what goes in at the sensor is in the lake."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.station.remote import files, until

from teiten.cli import main
from teiten.station.spool import Spool

Said = pytest.CaptureFixture[str]
LINE = (
    b"2026-04-01T00:00:%02d+00:00 gw kernel: DROP IN=ppp0 OUT= MAC= SRC=192.0.2.7 DST=198.51.100.1 LEN=40 TOS=0x00 PREC=0x00 "
    b"TTL=240 ID=%d PROTO=TCP SPT=40000 DPT=23 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = tmp_path / "teiten.toml"
    path.write_text(f'zone = "UTC"\n[station]\n[station.collect]\nlisten = "127.0.0.1:{port}"\nnames = ["127.0.0.1"]\n')
    return path


def test_credentials_by_command(config: Path, capsys: Said) -> None:
    def run(*words: str) -> tuple[int, str]:
        code = main(["collect", *words, "--config", str(config)])
        return code, "".join(capsys.readouterr())

    assert "no credential yet" in run("list")[1]
    code, text = run("add", "home")
    table = tomllib.loads(text)["station"]["collector"]
    assert code == 0 and table["credential"].startswith("home.") and table["pin"].startswith("sha256:")
    assert table["url"].startswith("https://127.0.0.1:")
    assert run("add", "home")[0] == 2 and run("add")[0] == 2 and run("list", "home")[0] == 2 and run("revoke", "x")[0] == 2
    second = tomllib.loads(run("rotate", "home", "--grace", "1h")[1])["station"]["collector"]
    assert second["credential"] != table["credential"] and second["pin"] == table["pin"]
    rows = [line.split() for line in run("list")[1].splitlines()]
    assert [row[0] for row in rows] == ["sensor", "home", "home"] and rows[1][4] == "until" and rows[2][4] == "yes"
    assert "2 credentials revoked" in run("revoke", "home")[1]
    assert run("list")[1].count("revoked") == 2
    assert table["credential"].rpartition(".")[2] not in "".join(p.read_text() for p in config.parent.rglob("*.json"))


@pytest.mark.full
def test_both_ends(config: Path, tmp_path: Path, capsys: Said) -> None:
    main(["collect", "add", "home", "--config", str(config)])
    table = capsys.readouterr().out
    there = tmp_path / "there"
    there.mkdir()
    (there / "teiten.toml").write_text(f'[station.input.pipe]\nkind = "stdin"\nsensor = "home"\n{table}every = 0.2\n')
    program = [sys.executable, "-m", "teiten"]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    collect = subprocess.Popen([*program, "collect", "--no-tasks"], cwd=tmp_path, stderr=subprocess.PIPE, env=environment)
    try:
        assert collect.stderr is not None
        while b"listening" not in (line := collect.stderr.readline()):
            assert line
        lines = b"".join(LINE % (n % 60, n) for n in range(1000))
        sensor = subprocess.run(
            [*program, "sensor"], cwd=there, input=lines, capture_output=True, timeout=60, env=environment, check=False
        )
        assert sensor.returncode == 0, sensor.stderr
        sent, kept = Spool(there / "teiten-spool"), Spool(tmp_path / "teiten-spool")
        assert until(lambda: files(sent) == {k: v for k, v in files(kept).items() if k.startswith("pipe.")})
        assert b"".join(v for k, v in files(kept).items() if k.endswith(".data")) == lines
    finally:
        collect.send_signal(signal.SIGTERM)
        said = collect.communicate(timeout=120)[1]
    assert collect.returncode == 0, said.decode()
    capsys.readouterr()
    query = "SELECT sensor, count(*) AS n, count(DISTINCT ip_id) AS ids FROM events GROUP BY ALL"
    assert main(["sql", query, "--output", "csv", "--lake", str(tmp_path / "teiten-lake")]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["home,1000,1000"]
