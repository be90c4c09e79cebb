"""teiten attacks: rows and table, from a lake and straight from a capture's log; no address of a sensor leaves."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from tests.classify.examples import DARK, address, event, lake_of

from teiten import cli

CONFIG = 'zone = "Asia/Tokyo"\nlake = "lake"\n[sensor.dark]\naddresses = 65536\nservices = ["80/tcp"]\n'


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A lake with an attack on 443/tcp of a victim, and arrivals at 80/tcp."""
    rows = [event(n, "192.0.2.1", DARK + n, seconds=n, src_port=443, dst_port=1024 + n, tcp_flags=18) for n in range(120)]
    rows += [event(n, f"198.51.100.{n % 20}", DARK + 7, seconds=4000 + n / 2, dst_port=80) for n in range(300)]
    lake_of(tmp_path, rows)
    (tmp_path / "teiten.toml").write_text(CONFIG)
    return str(tmp_path / "teiten.toml")


def test_rows(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["attacks", "--config", config, "--output", "json"]) == 0
    out = capsys.readouterr().out
    attack, arrival = json.loads(out)
    assert (attack["kind"], attack["victim"], attack["ports"], attack["answers"]) == (
        "backscatter", "192.0.2.1", "443/tcp", "syn-ack",
    )  # fmt: skip
    assert (attack["start"], attack["seconds"], attack["packets"]) == ("2026-04-01T12:00:00.000000+09:00", 119.0, 120)
    assert (attack["destinations"], attack["days"], attack["goes_on"]) == (120, 1, False)
    assert (arrival["kind"], arrival["sensor"], arrival["ports"], arrival["sources"]) == ("arrival", "dark", "80/tcp", 20)
    assert arrival["goes_on"]
    assert not [n for n in range(120) if address(DARK + n) in out]


def test_table(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["attacks", "--config", config]) == 0
    said = capsys.readouterr()
    assert all(len(line) <= 80 for line in said.out.splitlines())
    assert "192.0.2.1" in said.out
    assert "(dark)" in said.out
    assert "+: goes on" in said.err


@pytest.mark.parametrize(
    ("more", "victims"),
    [
        (["--kind", "backscatter"], ["192.0.2.1"]),
        (["--kind", "arrival"], [""]),
        (["--src", "192.0.2.0/24", "--kind", "backscatter"], ["192.0.2.1"]),
        (["--port", "80/tcp"], [""]),
        (["--from", "2026-04-02"], []),
        (["--period", "2026-04-01", "-n", "1"], [""]),
    ],
)
def test_filters(config: str, more: list[str], victims: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["attacks", "--config", config, "--output", "csv", *more]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["victim"] for row in rows] == victims


def test_nothing_and_mistakes(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["attacks", "--config", config, "--to", "2026-03-01"]) == 0
    assert "no attack" in capsys.readouterr().err
    assert cli.main(["attacks", "--config", config, "--kind", "flood"]) == 2
    assert "no kind of attack" in capsys.readouterr().err
    assert cli.main(["attacks", "--config", config, "-n", "0"]) == 2


def test_straight_from_a_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = (
        "2026-04-01T12:{m:02}:{s:02}+09:00 r kernel: DROP IN=ppp0 OUT= MAC= SRC=192.0.2.1 DST=198.51.100.1 LEN=40 TOS=0x00"
        " PREC=0x00 TTL=50 ID=0 PROTO=TCP SPT=80 DPT={p} WINDOW=0 RES=0x00 ACK RST URGP=0\n"
    )
    log = tmp_path / "router.log"
    log.write_text("".join(line.format(m=n // 60, s=n % 60, p=2000 + n) for n in range(100)))
    assert cli.main(["attacks", str(log), "--tz", "Asia/Tokyo", "--output", "jsonl"]) == 0
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (row["victim"], row["packets"], row["answers"]) == ("192.0.2.1", 100, "rst")
