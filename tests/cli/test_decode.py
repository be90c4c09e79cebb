"""teiten decode as it is typed: every format, the accounting, what goes wrong."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from teiten import cli, event

BODY = (
    "OUT= MAC= SRC=192.0.2.1 DST=198.51.100.7 LEN=40 TOS=0x00 PREC=0x00 TTL=9 ID=1 "
    "PROTO=TCP SPT=1 DPT=23 WINDOW=1 RES=0x00 SYN URGP=0 "
)
TEXT = (
    f"2026-04-01T10:00:00+09:00 router kernel: DROP IN=ppp0 {BODY}\n"
    "2026-04-01T10:00:01+09:00 router dnsmasq: hello\n"
    f"2026-04-01T10:00:02 router kernel: DROP IN==cmd() {BODY}\n"
    f"2026-04-01T10:00:02 router kernel: DROP {BODY}\n"
)
SUMS = (
    "4 lines = 2 with events + 1 rejected (no IN= (its head is cut off, or it is not the kernel's) 1) "
    "+ 1 ignored (other 1); 2 events"
)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x.log"
    path.write_text(TEXT)
    return path


def run(*words: str) -> int:
    return cli.main(["decode", "--tz", "Asia/Tokyo", *words])


def test_jsonl(log: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run("x.log") == 0
    out, err = capfdbinary.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert [list(r) for r in rows] == [[c.name for c in event.DECODED_COLUMNS]] * 2
    assert [r["time"] for r in rows] == ["2026-04-01T01:00:00.000000Z", "2026-04-01T01:00:02.000000Z"]
    assert rows[0]["src_ip"] == "192.0.2.1" and rows[0]["icmp_type"] is None
    assert err.decode() == f"x.log: {SUMS}\n"


def test_json_csv_table(log: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    columns = ("--columns", "dst_port,src_ip,interface")
    assert run("--output", "json", *columns, "x.log") == 0
    assert json.loads(capfdbinary.readouterr().out)[1] == {"dst_port": 23, "src_ip": "192.0.2.1", "interface": "=cmd()"}
    assert run("--output", "csv", *columns, "x.log") == 0
    rows = list(csv.reader(io.StringIO(capfdbinary.readouterr().out.decode())))
    assert rows == [["dst_port", "src_ip", "interface"], ["23", "192.0.2.1", "ppp0"], ["23", "192.0.2.1", "'=cmd()"]]
    assert run("--output", "table", *columns, "x.log") == 0
    assert capfdbinary.readouterr().out.decode().splitlines()[0] == "dst_port  src_ip     interface"


@pytest.mark.parametrize("many", [1, 1500])
def test_parquet_to_a_file(log: Path, many: int) -> None:
    log.write_text(TEXT * many)
    assert run("--output", "parquet", "--out", "y.parquet", "x.log") == 0
    table = pl.read_parquet("y.parquet")
    assert table.columns == [c.name for c in event.DECODED_COLUMNS]
    assert table["src_ip"].to_list() == ["192.0.2.1"] * 2 * many
    assert table["time"].dtype == pl.Datetime("us", "UTC")
    assert sorted(p.name for p in log.parent.iterdir()) == ["x.log", "y.parquet"]


def test_rejected_lines_on_request(log: Path) -> None:
    assert run("--rejected", "r.jsonl", "--out", "y", "x.log") == 0
    (row,) = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert row["input"] == "x.log" and row["offset"] == TEXT.rindex("2026") and "no IN=" in row["reason"]
    assert row["text"] == TEXT.splitlines()[-1]


def test_several_files_have_a_total(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("y.log.gz").write_bytes(gzip.compress(TEXT.encode()))
    assert run("y.log.gz", "x.log") == 0
    err = capfd.readouterr().err.splitlines()
    assert err[0] == f"y.log.gz: {SUMS}" and err[1] == f"x.log: {SUMS}"
    assert err[2].startswith("total: 8 lines = 4 with events")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nothing.log"], 1, "There is no file nothing.log"),
        (["--columns", "port", "x.log"], 2, "'port' is no column"),
        (["--year", "12", "x.log"], 2, "no year that a log can have"),
        (["--boot-time", "soon", "x.log"], 2, "no time that I can read"),
        (["--format", "nonsense", "x.log"], 2, "no format that I read"),
        (["--out", "no/such/place", "x.log"], 1, "no/such/place cannot be written"),
        (["--rejected", "no/such/place", "x.log"], 1, "no/such/place cannot be written"),
        (["picture"], 1, "picture is no log that I can read: it is an image"),
    ],
)
def test_what_goes_wrong(log: Path, capfd: pytest.CaptureFixture[str], words: list[str], code: int, said: str) -> None:
    Path("picture").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9)
    assert run(*words) == code
    assert said in capfd.readouterr().err


def test_a_full_disk_leaves_nothing(log: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert run("--out", "y.jsonl", "x.log") == 1
    assert "nothing was left there" in capfd.readouterr().err
    assert [p.name for p in log.parent.iterdir()] == ["x.log"]


def test_dev_full(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    for form in ("jsonl", "parquet"):
        assert run("--output", form, "--out", "/dev/full", "x.log") == 1
        assert "/dev/full cannot be written" in capfd.readouterr().err


def test_stdin_and_a_broken_pipe(log: Path) -> None:
    command = [sys.executable, "-m", "teiten", "decode", "-"]
    found = subprocess.run(command, input=TEXT.encode() * 30_000, capture_output=True, check=False)
    assert found.returncode == 0 and found.stdout.count(b"\n") == 60_000
    assert b"120,000 lines" in found.stderr
    log.write_text(TEXT * 60_000)
    shell = f"{sys.executable} -m teiten decode x.log | head -n 1"
    short = subprocess.run(["bash", "-c", f"set -o pipefail; {shell}"], capture_output=True, check=False)
    assert short.stdout.count(b"\n") == 1
    assert short.returncode == 0 and b"Traceback" not in short.stderr, short.stderr
