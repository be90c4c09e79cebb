"""teiten sql: one SELECT, in every format; the views with their meaning."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from teiten import event
from teiten.cli import main
from teiten.engine import judged

LINE = (
    "2026-04-01T00:00:{n:02d}+09:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC=203.0.113.{n} DST=198.51.100.1 LEN=40 TOS=0x00 "
    "PREC=0x00 TTL=50 ID={n} PROTO=TCP SPT=40000 DPT=23 SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("sql")
    (folder / "a.log").write_text("".join(LINE.format(n=n) for n in range(7)))
    assert main(["ingest", "--lake", str(folder / "lake"), "--tz", "Asia/Tokyo", str(folder / "a.log")]) == 0
    return str(folder / "lake")


def test_rows_with_the_zones_times_and_addresses_as_text(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT time, src_ip FROM events ORDER BY time LIMIT 1"
    assert main(["sql", "--lake", lake, "--tz", "Asia/Tokyo", "--output", "json", query]) == 0
    row = json.loads(capsys.readouterr().out)[0]
    assert row["src_ip"] == "203.0.113.0"
    assert row["time"].startswith("2026-04-01T00:00:00") and row["time"].endswith("+09:00")


def test_from_stdin_as_a_table(lake: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT count(*) AS n FROM events;\n"))
    assert main(["sql", "--lake", lake, "-"]) == 0
    assert capsys.readouterr().out.split() == ["n", "7"]


def test_sources_say_where_events_came_from(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT s.source, count(*) AS n FROM events e JOIN sources s USING (source_id) GROUP BY ALL"
    assert main(["sql", "--lake", lake, "--output", "json", query]) == 0
    row = json.loads(capsys.readouterr().out)[0]
    assert Path(row["source"]).name == "a.log" and row["n"] == 7


def test_views(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", "--views", "--output", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [r["column"] for r in rows if r["view"] == "events"] == [*event.NAMES, *judged.JOINED]
    assert all(r["en"] and r["ja"] for r in rows)


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("DROP VIEW events", 2, "one SELECT"),
        ("SELECT 1; SELECT 2", 2, "2 statements"),
        ("SELEC 1", 2, "syntax error"),
        ("SELECT nothing FROM events", 2, "nothing"),
        ("SELECT * FROM '/etc/passwd'", 2, "/etc/passwd"),
        ("", 2, "no query"),
    ],
)
def test_what_is_refused(lake: str, capsys: pytest.CaptureFixture[str], query: str, code: int, said: str) -> None:
    assert main(["sql", "--lake", lake, query]) == code
    assert said in capsys.readouterr().err


def test_it_ends_quietly(lake: str) -> None:
    """Nothing is said beside the rows (duckdb is not to complain at exit), and a closed pipe is no failure."""
    command = [sys.executable, "-m", "teiten", "sql", "--lake", lake]
    done = subprocess.run([*command, "SELECT src_ip FROM events"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 8)
    wrong = subprocess.run([*command, "SELECT nothing"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and "nanobind" not in wrong.stderr
