"""teiten lake: status, compact, vacuum by the real command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from teiten.cli import main
from teiten.lake import Lake

LINE = (
    "2026-04-{d:02d}T00:00:{n:02d}+09:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC=203.0.113.{n} DST=198.51.100.1 LEN=40 "
    "TTL=50 ID={n} PROTO=TCP SPT=40000 DPT=23 SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


@pytest.fixture
def lake(tmp_path: Path) -> str:
    for day in range(11, 14):
        log = tmp_path / f"messages-{day}"
        log.write_text("".join(LINE.format(d=day, n=n) for n in range(5)))
    assert main(["ingest", "--lake", str(tmp_path / "lake"), "--tz", "UTC", *map(str, tmp_path.glob("messages-*"))]) == 0
    return str(tmp_path / "lake")


def status(lake: str, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    capsys.readouterr()
    assert main(["lake", "status", "--lake", lake, "--output", "json"]) == 0
    return {row["table"]: row for row in json.loads(capsys.readouterr().out)}


def test_status_compact_vacuum(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = status(lake, capsys)["events"]
    assert (before["rows"], before["files"], before["small_files"], before["bytes_replaced"]) == (15, 3, 3, 0)
    assert before["loose_rows"] == 15
    assert main(["lake", "compact", "--lake", lake]) == 0
    assert "15 events in 1 files" in capsys.readouterr().err
    after = status(lake, capsys)["events"]
    assert (after["rows"], after["files"], after["bytes_replaced"], after["loose_rows"]) == (15, 1, before["bytes"], 0)
    # what a killed writer left of any table goes too
    strays = [log.parent / "stray.parquet" for log in Path(lake).glob("*/_delta_log")]
    assert {stray.parent.name for stray in strays} >= {"events", "batches", "verdicts", "notes", "coverage"}
    for stray in strays:
        stray.write_bytes(b"half a file")
    assert main(["lake", "vacuum", "--lake", lake, "--hours", "0"]) == 0
    assert "files taken away" in capsys.readouterr().err
    assert not any(stray.exists() for stray in strays)
    assert status(lake, capsys)["events"]["bytes_replaced"] == 0
    assert main(["lake", "compact", "--lake", lake]) == 0
    assert "nothing to put together" in capsys.readouterr().err
    assert main(["sql", "--lake", lake, "--output", "json", "SELECT count(*) AS n FROM events"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"n": 15}]


def test_what_was_stored_without_conclusions_is_judged(lake: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As `ingest` does by itself: the same days are judged, and the same times watched."""
    logs = [str(path) for path in tmp_path.glob("messages-*")]
    assert main(["ingest", "--lake", str(tmp_path / "bare"), "--tz", "UTC", "--no-verdicts", *logs]) == 0
    bare, whole = Lake.open(tmp_path / "bare"), Lake.open(Path(lake))
    assert not bare.verdict_state("UTC").height and not bare.coverage("UTC").height
    for _ in range(2):  # the second time there is nothing to do
        assert main(["lake", "judge", "--lake", str(tmp_path / "bare"), "--tz", "UTC"]) == 0
        bare = Lake.open(tmp_path / "bare")
        assert bare.verdict_state("UTC")["day"].to_list() == whole.verdict_state("UTC")["day"].to_list()
        columns = ["day", "sensor", "start", "end"]
        assert bare.coverage("UTC").select(columns).equals(whole.coverage("UTC").select(columns))


def test_wrong_words(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lake", "vacuum", "--lake", lake, "--hours", "-1"]) == 2
    assert main(["lake", "status", "--lake", lake + "x"]) == 1
    assert "does not exist" in capsys.readouterr().err
