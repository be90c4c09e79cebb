"""teiten forget: counted, asked back, taken out."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from teiten.cli import main

LINE = (
    "2026-04-01T12:00:{n:02d}+09:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST=198.51.100.1 LEN=40 TOS=0x00 "
    "PREC=0x00 TTL=50 ID={n} PROTO=TCP SPT=40000 DPT=23 SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


@pytest.fixture
def lake(tmp_path: Path, once: Callable[[Callable[[Path], object], Path], Path]) -> list[str]:
    return ["--lake", str(once(_three_lines, tmp_path) / "lake"), "--tz", "Asia/Tokyo"]


def _three_lines(folder: Path) -> None:
    log = folder / "a.log"
    log.write_text("".join(LINE.format(n=n, src=src) for n, src in enumerate(["192.0.2.1", "192.0.2.7", "192.0.2.7"])))
    assert main(["ingest", "--lake", str(folder / "lake"), "--tz", "Asia/Tokyo", str(log)]) == 0


def sources(lake: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert main(["sql", *lake, "--output", "json", "SELECT src_ip FROM events ORDER BY ALL"]) == 0
    return [row["src_ip"] for row in json.loads(capsys.readouterr().out)]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_is_counted_and_taken_out(lake: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forget", "192.0.2.7", "--yes", *lake]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "holds of 192.0.2.7, as a source: 2 events" in said.err
    assert "2026-04-01 12:00 to 2026-04-01 12:00 (home), in 1 file that is written anew" in said.err
    assert "Out of reach: reports" in said.err and "Taken out: 2 events" in said.err
    assert sources(lake, capsys) == ["192.0.2.1"]
    assert main(["forget", "192.0.2.7", *lake]) == 0
    assert "holds nothing of 192.0.2.7" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 1), ("n\n", 1, 3), ("", 1, 3)])
def test_a_terminal_is_asked(
    lake: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert main(["forget", "192.0.2.7", *lake]) == code
    assert "cannot be undone" in capsys.readouterr().err
    assert len(sources(lake, capsys)) == left


def test_without_a_terminal_nothing_goes(
    lake: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert main(["forget", "192.0.2.0/24", *lake]) == 2
    assert "--yes" in capsys.readouterr().err
    assert len(sources(lake, capsys)) == 3


def test_a_destination(lake: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forget", "198.51.100.1", *lake]) == 0
    assert "3 events have it as their destination: they stay" in capsys.readouterr().err
    assert main(["forget", "198.51.100.1", "--destination", "--yes", *lake]) == 0
    assert sources(lake, capsys) == []


def test_a_log_with_the_address_in_its_name(lake: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "host-192.0.2.9.log"
    log.write_text(LINE.format(n=9, src="192.0.2.9"))
    assert main(["ingest", *lake, str(log)]) == 0
    assert main(["forget", "192.0.2.9", "--yes", *lake]) == 0
    said = capsys.readouterr().err
    assert "names of your log files, which stay" in said and "host-192.0.2.9.log" in said


@pytest.mark.parametrize(("who", "code", "said"), [("example.org", 2, "is no address"), ("1.2.3.4/40", 2, "is no address")])
def test_what_is_wrong_is_said(lake: list[str], capsys: pytest.CaptureFixture[str], who: str, code: int, said: str) -> None:
    assert main(["forget", who, *lake]) == code
    assert said in capsys.readouterr().err


def test_no_lake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forget", "192.0.2.7", "--yes", "--lake", str(tmp_path / "none")]) == 1
    assert "does not exist" in capsys.readouterr().err
