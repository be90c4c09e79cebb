"""teiten scans: scan events and countries' patterns, as rows and as tables that fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.classify.examples import DARK, address, event, lake_of

from teiten import cli


@pytest.fixture
def config(tmp_path: Path) -> str:
    rows = [event(n, "192.0.2.1", DARK + n, seconds=n, country="RU") for n in range(300)]
    rows += [event(n, "2001:db8::1", dst_ip=f"2001:db8:1::{n}", seconds=n, country="JP", dst_port=22) for n in range(20)]
    lake_of(tmp_path, rows)
    (tmp_path / "teiten.toml").write_text('zone = "Asia/Tokyo"\nlake = "lake"\n[sensor.dark]\naddresses = 65536\n')
    return str(tmp_path / "teiten.toml")


def test_rows(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scans", "--config", config, "--output", "jsonl"]) == 0
    said = capsys.readouterr()
    other, one = map(json.loads, said.out.splitlines())
    assert (one["src_ip"], one["port"], one["destinations"], one["country"]) == ("192.0.2.1", 23, 300, "RU")
    assert (other["src_ip"], other["port"], other["destinations_24"]) == ("2001:db8::1", 22, 1)
    assert "65,536 addresses are observed" in said.err
    assert not [n for n in range(300) if address(DARK + n) in said.out]


def test_tables_fit(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--by-country"], ["--by-country", "--lang", "ja"]):
        assert cli.main(["scans", "--config", config, *more]) == 0
        out = capsys.readouterr().out
        assert out
        assert all(len(line) <= 80 for line in out.splitlines())


def test_filters(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scans", "--config", config, "--output", "json", "--country", "JP"]) == 0
    assert [row["port"] for row in json.loads(capsys.readouterr().out)] == [22]
    assert cli.main(["scans", "--config", config, "--output", "json", "-n", "1", "--scanners", "out"]) == 0
    assert [row["port"] for row in json.loads(capsys.readouterr().out)] == [23]
    assert cli.main(["scans", "--config", config, "--by-country", "--output", "json", "--src", "192.0.2.1"]) == 0
    assert [row["country"] for row in json.loads(capsys.readouterr().out)] == ["RU"]
