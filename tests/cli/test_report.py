"""teiten report from the command line: one command from a log, the last period by default, clear errors, exit codes."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest

from teiten.cli import main


def log(path: Path, *, days: int = 3) -> Path:
    begin = dt.datetime(2019, 10, 20, tzinfo=dt.timezone(dt.timedelta(hours=9)))
    with path.open("w") as sink:
        for n in range(days * 24 * 20):
            at = begin + dt.timedelta(minutes=3 * n)
            port = (23, 445, 22)[n % 3]
            sink.write(
                f"{at.isoformat()} gw kernel: DROP IN=ppp0 OUT= MAC= SRC=1.80.0.{n % 50} DST=198.51.100.23 LEN=40 TOS=0x00 "
                f"PREC=0x00 TTL=50 ID=7 PROTO=TCP SPT=40000 DPT={port} WINDOW=1024 RES=0x00 SYN URGP=0\n"
            )
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("TEITEN_CONFIG", raising=False)
    return tmp_path


@pytest.mark.full
def test_from_log_in_one_command(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log(here / "router.log")
    assert main(["report", "monthly", "--from-log", "router.log"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "1,440 lines = 1,440 with events" in said.err
    assert "The last period with events is 2019-10 (Asia/Tokyo)" in said.err
    assert said.err.splitlines()[-1].endswith("teiten-report/monthly-2019-10-en/index.html")
    page = here / "teiten-report/monthly-2019-10-en/index.html"
    assert "October 2019" in page.read_text(encoding="utf-8")
    assert len(list((page.parent / "charts").glob("*.gif"))) == 3
    assert (page.parent / "report.pdf").read_bytes().startswith(b"%PDF-1.7")

    # without moving pictures and PDF, and the page says how it was made
    assert main(["report", "monthly", "--no-animations", "--no-pdf", "--out", "still"]) == 0
    assert not (here / "still/report.pdf").exists()
    assert not [p for p in (here / "still/charts").iterdir() if p.suffix in (".gif", ".webp", ".apng")]
    still = (here / "still/index.html").read_text(encoding="utf-8")
    assert "--no-animations --no-pdf" in still and ".gif" not in still and 'id="figure-days-ports"' in still

    # the lake is there now; a day of it, and a week, in the other language, in a place of one's own
    assert main(["report", "daily", "2019-10-21", "--lang", "ja", "--out", "day"]) == 0
    assert "2019年10月21日" in (here / "day/index.html").read_text(encoding="utf-8")
    assert main(["report", "weekly", "--port", "23/tcp", "--out", "week"]) == 0
    text = (here / "week/report.md").read_text(encoding="utf-8")
    assert "port=23/tcp" in text and "445/tcp" not in text
    assert "--port 23/tcp" in text


@pytest.mark.full
def test_filters_of_verdicts(here: Path) -> None:
    """What verdicts say can be asked for; an organisation that the filter leaves out is not called silent."""
    lines = log(here / "router.log", days=1).read_text().splitlines(keepends=True)
    notice = lines[0].replace("SRC=1.80.0.0", "SRC=153.231.226.170")
    (here / "router.log").write_text("".join([notice, notice, *lines]))
    day = ["report", "daily", "2019-10-20", "--out"]
    assert main([*day, "all", "--from-log", "router.log"]) == 0

    def text(folder: str) -> str:
        return (here / folder / "report.md").read_text(encoding="utf-8")

    assert main([*day, "out", "--scanners", "out"]) == 0
    assert "scanners=out" in text("out") and "480" in text("out")
    assert "NOTICE" in text("all") and "NOTICE" not in text("out")
    assert main([*day, "only", "--scanner", "notice"]) == 0
    assert "scanner=notice" in text("only") and "NOTICE" in text("only")
    assert main([*day, "none", "--scanner", "Shodan"]) == 1
    assert main([*day, "syn", "--kind", "syn", "--tool", "unknown", "--spoofed", "out"]) == 0
    assert {"kind=syn", "tool=unknown", "spoofed=out"} <= set(text("syn").replace(",", " ").replace(".", " ").split())


def test_errors(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log(here / "router.log", days=1)
    assert main(["report", "monthly"]) == 1  # no lake
    assert main(["report", "monthly", "--from-log", "nowhere.log"]) == 1
    assert not (here / "teiten-lake").exists()
    capsys.readouterr()
    assert main(["report", "monthly", "2019-10-22", "--from-log", "router.log"]) == 2
    assert "Write it like 2019-10" in capsys.readouterr().err
    assert not (here / "teiten-lake").exists(), "a wrong word is told before a long log is read"
    assert main(["report", "monthly", "2018-01", "--from-log", "router.log"]) == 1
    said = capsys.readouterr().err
    assert "There is nothing to report of 2018-01" in said and "2019-10-20" in said
    assert main(["report", "daily", "--country", "Atlantis"]) == 2
    assert main(["report", "daily", "--tz", "Mars/Base"]) == 2
    (here / "full").mkdir()
    (here / "full" / "mine.txt").write_text("x")
    assert main(["report", "daily", "--out", "full"]) == 1
    assert "other things" in capsys.readouterr().err
    assert main(["report", "daily", "--out", "router.log"]) == 1
    with pytest.raises(SystemExit) as stop:
        main(["report", "yearly"])
    assert stop.value.code == 2


@pytest.mark.full
def test_a_place_that_cannot_be_written_keeps_the_old_report(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log(here / "router.log", days=1)
    assert main(["report", "daily", "--from-log", "router.log", "--out", "day"]) == 0
    before = (here / "day/index.html").read_bytes()

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert main(["report", "daily", "--out", "day", "--lang", "ja"]) == 1
    assert (here / "day/index.html").read_bytes() == before
    assert sorted(p.name for p in here.iterdir() if p.name.startswith(".")) == []


@pytest.mark.full
def test_again(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same files from a manifest, after the log grew; 1 and what is different where they are not to be had."""
    log(here / "router.log")
    assert main(["report", "daily", "2019-10-21", "--from-log", "router.log", "--port", "23/tcp", "--out", "day"]) == 0
    log(here / "router.log", days=5)
    assert main(["ingest", "router.log"]) == 0
    capsys.readouterr()
    assert main(["report", "--again", "day/manifest.json"]) == 0
    said = capsys.readouterr().err
    assert "files are the same, byte for byte" in said and "day-again" in said
    for path in (p for p in (here / "day").rglob("*") if p.is_file()):
        assert (here / "day-again" / path.relative_to(here / "day")).read_bytes() == path.read_bytes()
    assert main(["forget", "1.80.0.3", "--yes"]) == 0
    capsys.readouterr()
    assert main(["report", "--again", "day", "--out", "third"]) == 1
    said = capsys.readouterr().err
    assert "files are not the same as then: " in said and "have been taken out of the lake (teiten forget)" in said

    assert main(["report", "--again", "nowhere.json"]) == 1
    assert main(["report", "--again", "day", "--lang", "ja"]) == 2
    assert main(["report", "daily", "--again", "day"]) == 2
    assert main(["report"]) == 2
    assert "What kind of report?" in capsys.readouterr().err


@pytest.mark.full
def test_a_second_edition(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log(here / "router.log")
    words = ["report", "daily", "2019-10-21", "--out", "day"]
    assert main([*words, "--from-log", "router.log"]) == 0
    assert main(["note", "add", "--kind", "addendum", "--period", "2019-10-21", "--lang", "en", "It went on."]) == 0
    assert main(words) == 0
    assert "daily report of 2019-10-21, edition 2, in" in capsys.readouterr().err
    text = (here / "day/report.md").read_text(encoding="utf-8")
    assert "One addendum was written." in text and "It went on." in text
    assert main([*words, "--fresh"]) == 0
    assert not (here / "day/editions").exists() and "It went on." in (here / "day/report.md").read_text(encoding="utf-8")


@pytest.mark.full
def test_a_month_of_200_000_events(here: Path) -> None:
    """The goal of issue 3: pictures of such a month within 45 s, each GIF under 400 kB at 800 px."""
    words = [
        "--scenario",
        "home",
        "--seed",
        "5",
        "--start",
        "2026-05-01",
        "--days",
        "31",
        "--events",
        "200000",
        "--out",
        "month",
    ]
    assert main(["simulate", *words]) == 0
    assert main(["ingest", "--config", "month/teiten.toml", "--lake", "lake", "month"]) == 0
    for code in ("ja", "en"):
        begun = time.process_time()
        assert main(["report", "monthly", "2026-05", "--lake", "lake", "--lang", code, "--out", code]) == 0
        assert time.process_time() - begun < 45
        found = {p.name: p.stat().st_size for p in (here / code / "charts").iterdir() if p.suffix in (".gif", ".webp", ".apng")}
        assert len(found) == 9 and max(found.values()) < 400_000, found
