"""teiten payloads: the table, one group with what its hosts did besides, credentials, rows for programs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from tests.payloads import talks

from teiten import cli


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("payloads")
    talks.lake_of(made)
    return made


def told(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.main(["payloads", "--config", str(folder / "teiten.toml"), *words]) == 0
    return capsys.readouterr().out


def test_the_table_fits_and_has_a_course(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(folder, capsys)
    assert "CVE-2017-17215 Huawei HG532 SOAP" in text and "·····" in text and "█" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text and talks.OWN not in text and "http://" not in text


def test_one_group_and_what_its_hosts_did_besides(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(told(folder, capsys, "--port", "81/tcp", "--output", "json"))
    text = told(folder, capsys, "--show", rows[0]["group"][:8])
    assert "The 10 hosts also tried:" in text
    assert "37215/tcp          6 hosts (60.0%)" in text and "52869/tcp         10 hosts (100.0%)" in text
    assert "by day" in text and "8.8.4.10" in text and talks.OWN not in text
    one = json.loads(told(folder, capsys, "--show", rows[0]["group"][:8], "--output", "json"))[0]
    assert one["other_ports"] == "52869/tcp:10 37215/tcp:6" and one["senders"] == 10


def test_credentials(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(told(folder, capsys, "--credentials", "--output", "json"))
    assert [(row["user"], row["password"], row["hosts"]) for row in rows] == [
        ("admin", "admin", 10), ("root", "xc3511", 10), ("admin", "1234", 1),
    ]  # fmt: skip
    assert "xc3511" in told(folder, capsys, "--credentials")


@pytest.mark.parametrize("output", ["json", "jsonl", "csv"])
def test_rows_name_no_sensor_and_hold_no_link(folder: Path, capsys: pytest.CaptureFixture[str], output: str) -> None:
    text = told(folder, capsys, "--output", output)
    for own in (talks.OWN, talks.SECOND, talks.OWN.replace(".", "[.]"), "c6336417", "C6336417"):
        assert own not in text
    assert "http://" not in text and "\x1b" not in text
    if output == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) == 11 and not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
