"""teiten ingest: what it prints adds up; what is wrong is one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from teiten.cli import main

LINE = (
    "2026-04-01T00:00:{n:02d}+09:00 router kernel: {what} IN=ppp0 OUT= MAC= SRC=203.0.113.{n} DST=198.51.100.1 LEN=40 TOS=0x00 "
    "PREC=0x00 TTL=50 ID={n} PROTO=TCP SPT=40000 DPT={port} SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


def written(path: Path, count: int, what: str = "DROP") -> str:
    path.write_text("".join(LINE.format(n=n, what=what, port=23 if n % 3 else 445) for n in range(count)))
    return str(path)


def test_it_says_what_became_of_every_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = written(tmp_path / "a.log", 10)
    with open(log, "a") as more:  # noqa: PTH123
        more.write("Apr  1 00:00:59 router dnsmasq[1]: query\n")
        more.write(LINE.format(n=11, what="DROP", port=23).replace("SPT=40000", "SPT=99999"))
    lake = str(tmp_path / "lake")
    assert main(["ingest", "--lake", lake, log]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    found = re.search(
        r"(\d+) lines = (\d+) with events \+ (\d+) rejected \(.*\) \+ (\d+) ignored \(.*\); (\d+) events", said.err
    )
    assert found is not None, said.err
    assert [int(g) for g in found.groups()] == [12, 10, 1, 1, 10]
    assert f"10 events stored in {lake}" in said.err
    assert main(["ingest", "--lake", lake, log]) == 0
    assert "12 had already" in capsys.readouterr().err


def test_rejected_lines_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "a.log"
    log.write_text(LINE.format(n=1, what="DROP", port=23) + LINE.format(n=2, what="DROP", port=99999))
    assert main(["ingest", "--lake", str(tmp_path / "lake"), "--rejected", str(tmp_path / "r.jsonl"), str(log)]) == 0
    assert "DPT=99999" in (tmp_path / "r.jsonl").read_text()


def test_an_absent_input_makes_no_lake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", "--lake", str(tmp_path / "lake"), str(tmp_path / "absent.log")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("teiten ingest: There is no file") and len(said.splitlines()) == 1
    assert not (tmp_path / "lake").exists()


def test_one_bad_input_of_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = written(tmp_path / "a.log", 3)
    assert main(["ingest", "--lake", str(tmp_path / "lake"), log, str(tmp_path / "absent.log")]) == 1
    said = capsys.readouterr().err
    assert "There is no file" in said and "3 events stored" in said


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--tz", "Moon/Base"], "'Moon/Base' is no time zone"),
        (["--year", "20"], "--year 20 is no year"),
        (["--format", "runes"], "'runes' is no format"),
        (["--config", "absent.toml"], "no configuration file"),
        (["--boot-time", "noon"], "'noon' is no time"),
    ],
)
def test_wrong_words(tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], said: str) -> None:
    log = written(tmp_path / "a.log", 1)
    assert main(["ingest", "--lake", str(tmp_path / "lake"), *flags, log]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "lake").exists()
