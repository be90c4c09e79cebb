"""teiten top: rankings from the lake and from files, in every format."""

from __future__ import annotations

import csv
import io
import ipaddress
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from teiten.cli import main

LINE = (
    "2026-04-{day:02d}T12:00:{n:02d}+09:00 router kernel: {what} IN=ppp0 OUT= MAC= SRC={src} DST=198.51.100.1 LEN=40 TOS=0x00 "
    "PREC=0x00 TTL=50 ID={n} PROTO=TCP SPT=40000 DPT={port} SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two days: 23/tcp from 3 to 6, 445/tcp from 6 to 3, 80/tcp new; one accepted."""
    rows = [(1, 23)] * 3 + [(1, 445)] * 6 + [(2, 23)] * 6 + [(2, 445)] * 3 + [(2, 80)]
    text = "".join(
        LINE.format(day=day, n=n, what="DROP", src=f"8.8.8.{n % 4}", port=port) for n, (day, port) in enumerate(rows)
    )
    path = tmp_path_factory.mktemp("top") / "router.log"
    path.write_text(text + LINE.format(day=2, n=50, what="ACCEPT", src="8.8.8.8", port=443))
    return str(path)


@pytest.fixture(scope="module")
def lake(log: str) -> str:
    path = str(Path(log).parent / "lake")
    assert main(["ingest", "--lake", path, "--tz", "Asia/Tokyo", log]) == 0
    return path


DAY = ["--tz", "Asia/Tokyo", "--from", "2026-04-02", "--to", "2026-04-03"]


def test_a_table_with_the_period_before(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "ports", "--lake", lake, *DAY]) == 0
    said = capsys.readouterr()
    lines = [line.split() for line in said.out.splitlines()]
    assert lines[0] == ["rank", "was", "port", "packets", "hosts", "share", "before", "change"]
    assert lines[1] == ["1", "2", "23/tcp", "6", "4", "60.0", "%", "3", "+100.0", "%"]
    assert lines[2] == ["2", "1", "445/tcp", "3", "3", "30.0", "%", "6", "-50.0", "%"]
    assert lines[3] == ["3", "-", "80/tcp", "1", "1", "10.0", "%", "0", "-"]
    assert "Shares are of 10 packets." in said.err


@pytest.mark.parametrize("what", ["ports", "countries", "asns", "sources", "sensors", "scanners"])
def test_tables_fit_eighty_columns(lake: str, capsys: pytest.CaptureFixture[str], what: str) -> None:
    from teiten.cli._output import width

    assert main(["top", what, "--lake", lake, *DAY, "--lang", "ja"]) == 0
    assert max(map(width, capsys.readouterr().out.splitlines())) <= 80


def test_the_same_from_the_file_as_from_the_lake(log: str, lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "ports", "--output", "json", *DAY, log]) == 0
    from_file = json.loads(capsys.readouterr().out)
    assert main(["top", "ports", "--output", "json", *DAY, "--lake", lake]) == 0
    assert json.loads(capsys.readouterr().out) == from_file
    assert from_file[0] == {
        "rank": 1, "dst_port": 23, "protocol": 6, "packets": 6, "hosts": 4, "share": 0.6, "share_of": 10, "rank_before": 2,
        "packets_before": 3, "hosts_before": 3, "difference": 3, "change": 100.0,
    }  # fmt: skip


def test_every_format_holds_the_same(lake: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def out(fmt: str) -> str:
        assert main(["top", "countries", "--lake", lake, *DAY, "--output", fmt]) == 0
        return capsys.readouterr().out

    rows = json.loads(out("json"))
    assert [json.loads(line) for line in out("jsonl").splitlines()] == rows
    assert [int(r["packets"]) for r in csv.DictReader(io.StringIO(out("csv")))] == [r["packets"] for r in rows]
    file = tmp_path / "top.parquet"
    assert main(["top", "countries", "--lake", lake, *DAY, "--output", "parquet", "--out", str(file)]) == 0
    assert pl.read_parquet(file)["packets"].to_list() == [r["packets"] for r in rows]


def test_a_calendar_period_is_compared_with_the_one_before(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "ports", "--lake", lake, "--tz", "Asia/Tokyo", "--period", "2026-04-02", "--output", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["packets_before"] == 3
    assert main(["top", "ports", "--lake", lake, "--tz", "Asia/Tokyo", "--period", "2026-04", "--output", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["packets_before"] is None


def test_months_are_compared_with_months() -> None:
    import datetime as dt

    from teiten.cli.top import _earlier

    def day(month: int, day: int = 1) -> dt.datetime:
        return dt.datetime(2026, month, day, tzinfo=dt.UTC)

    assert _earlier(day(3), day(4)) == day(2)
    assert _earlier(day(1), day(4)) == day(10).replace(year=2025)
    assert _earlier(day(4, 8), day(4, 15)) == day(4, 1)


def test_the_sql_gives_the_ranking(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "ports", "--lake", lake, *DAY, "--sql"]) == 0
    query = capsys.readouterr().out
    assert main(["sql", "--lake", lake, "--tz", "Asia/Tokyo", "--output", "json", query]) == 0
    assert [r["dst_port"] for r in json.loads(capsys.readouterr().out)] == [23, 445, 80]


def test_accepted_on_request(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "ports", "--lake", lake, "--action", "accept", "--output", "jsonl"]) == 0
    assert [json.loads(line)["dst_port"] for line in capsys.readouterr().out.splitlines()] == [443]
    assert main(["top", "ports", "--lake", lake, "--all-events", "--output", "jsonl"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_nothing_to_rank(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "ports", "--lake", lake, "--port", "9", "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["top", "ports", "--lake", lake, "--port", "9"]) == 0
    assert "no such events" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--port", "telnet"], 2, "is no port"),
        (["--country", "Narnia"], 2, "is no country"),
        (["--tz", "Moon/Base"], 2, "is no time zone"),
        (["--period", "soon"], 2, "names no period"),
        (["--period", "2026-04", "--from", "2026-04-01"], 2, "exclude each other"),
        (["-n", "0"], 2, "ranks nothing"),
        (["--lake", "nowhere"], 1, "does not exist"),
    ],
)
def test_what_is_wrong_is_said(lake: str, capsys: pytest.CaptureFixture[str], flags: list[str], code: int, said: str) -> None:
    assert main(["top", "ports", "--lake", lake, *flags]) == code
    assert said in capsys.readouterr().err


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """One day: five packets of a survey on a list of our own, two of them from one source, nine of somebody else."""
    folder = tmp_path_factory.mktemp("scanned")
    sources = ["192.0.2.7", "192.0.2.7", "192.0.2.8", "192.0.2.9", "192.0.2.10"] + ["8.8.8.8"] * 9
    log = folder / "router.log"
    log.write_text("".join(LINE.format(day=2, n=n, what="DROP", src=src, port=23) for n, src in enumerate(sources)))
    (folder / "mine.toml").write_text(
        'format = 1\nlist = "mine"\nversion = "1"\ndate = 2026-01-01\n\n[[entries]]\norganisation = "Survey"\n'
        'en = "A survey"\nja = "調査"\nprefixes = ["192.0.2.0/28"]\n'
    )
    (folder / "teiten.toml").write_text(f'zone = "Asia/Tokyo"\nlake = "{folder}/lake"\nwatchlists = ["mine.toml"]\n')
    config = ["--config", str(folder / "teiten.toml")]
    assert main(["ingest", *config, str(log)]) == 0
    return config


def test_scanners_and_their_share_of_all(scanned: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "scanners", *scanned, "--period", "2026-04-02"]) == 0
    said = capsys.readouterr()
    assert [line.split()[:5] for line in said.out.splitlines()] == [
        ["rank", "was", "scanner", "packets", "hosts"], ["1", "-", "Survey", "5", "4"],
    ]  # fmt: skip
    assert "Of all 14 packets, 5 are announced scanners' (35.7 %)." in said.err
    assert main(["top", "scanners", *scanned, "--by", "hosts", "--output", "json"]) == 0
    assert [(r["scanner"], r["hosts"], r["share"]) for r in json.loads(capsys.readouterr().out)] == [("Survey", 4, 0.8)]
    assert main(["top", "scanners", *scanned, "--period", "2026-04-03"]) == 0
    assert "No announced scanner" in capsys.readouterr().err


@pytest.mark.parametrize(("flags", "packets"), [
    (["--scanners", "in"], 14), (["--scanners", "out"], 9), (["--scanners", "only"], 5), (["--scanner", "survey"], 5),
])  # fmt: skip
def test_without_scanners_and_scanners_only(
    scanned: list[str], capsys: pytest.CaptureFixture[str], flags: list[str], packets: int
) -> None:
    assert main(["top", "ports", *scanned, "--output", "json", *flags]) == 0
    assert [r["packets"] for r in json.loads(capsys.readouterr().out)] == [packets]


def test_a_new_list_counts_for_old_days(scanned: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Also in SQL, and back."""
    mine = Path(scanned[1]).with_name("mine.toml")
    before = mine.read_text()
    mine.write_text(before.replace("192.0.2.0/28", "8.8.8.8/32").replace('"1"', '"2"'))
    query = "SELECT scanner, count(*) AS n FROM events GROUP BY ALL ORDER BY n"
    assert main(["sql", *scanned, "--output", "json", query]) == 0
    assert json.loads(capsys.readouterr().out) == [{"scanner": None, "n": 5}, {"scanner": "Survey", "n": 9}]
    mine.write_text(before)
    assert main(["sql", *scanned, "--output", "json", query]) == 0
    assert json.loads(capsys.readouterr().out) == [{"scanner": "Survey", "n": 5}, {"scanner": None, "n": 9}]


def test_scanners_straight_from_files(scanned: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    log = str(Path(scanned[1]).with_name("router.log"))
    assert main(["top", "scanners", *scanned, "--output", "json", log]) == 0
    assert [(r["scanner"], r["packets"]) for r in json.loads(capsys.readouterr().out)] == [("Survey", 5)]


DESTINATION = int(ipaddress.ip_address("198.51.100.1"))
SYN = (
    "2026-04-{day:02d}T00:{n:02d}:00+09:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST=198.51.100.1 LEN=40 TOS=0x00 "
    "PREC=0x00 TTL=50 ID={n} PROTO=TCP SPT=40000 DPT=23 SEQ={seq} ACK=0 WINDOW=1024 RES=0x00 {flags} URGP=0\n"
)


@pytest.fixture(scope="module")
def bots(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two days: six packets of a Mirai host each day, four of somebody else in its /24, three answers of a third."""
    folder = tmp_path_factory.mktemp("bots")
    with (folder / "router.log").open("w") as log:
        for day in (1, 2):
            rows = (
                [("203.0.113.5", DESTINATION, "SYN")] * 6 + [("203.0.113.9", 77, "SYN")] * 4 + [("192.0.2.1", 5, "ACK SYN")] * 3
            )
            log.writelines(SYN.format(day=day, n=n, src=src, seq=seq, flags=flags) for n, (src, seq, flags) in enumerate(rows))
    (folder / "teiten.toml").write_text(f'zone = "Asia/Tokyo"\nlake = "{folder}/lake"\n')
    config = ["--config", str(folder / "teiten.toml")]
    assert main(["ingest", *config, str(folder / "router.log")]) == 0
    return config


@pytest.mark.parametrize("straight", [False, pytest.param(True, marks=pytest.mark.full)])
def test_tools_are_ranked_and_asked_for(bots: list[str], capsys: pytest.CaptureFixture[str], straight: bool) -> None:
    files = [str(Path(bots[1]).with_name("router.log"))] if straight else []

    def ranked(*words: str) -> list[dict[str, Any]]:
        capsys.readouterr()
        assert main(["top", *words, *bots, "--output", "json", *files]) == 0
        found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
        return found

    assert [(r["rank"], r["tool"], r["packets"], r["hosts"]) for r in ranked("tools")] == [
        (1, "mirai", 12, 1),
        (None, None, 14, 2),
    ]
    day = ranked("tools", "--by", "hosts", "--from", "2026-04-02", "--to", "2026-04-03")
    assert [(r["tool"], r["hosts"], r["hosts_before"]) for r in day] == [("mirai", 1, 1), (None, 2, 2)]
    assert [r["packets"] for r in ranked("ports", "--tool", "mirai")] == [12]
    assert [r["packets"] for r in ranked("ports", "--kind", "backscatter")] == [6]
    assert [r["packets"] for r in ranked("ports", "--spoofed", "out")] == [26]
    assert [(r["prefix"], r["packets"], r["hosts"]) for r in ranked("prefixes")] == [
        ("203.0.113.0/24", 20, 2),
        ("192.0.2.0/24", 6, 1),
    ]
    assert [r["prefix"] for r in ranked("prefixes", "--tool", "unknown", "-n", "1", "--by", "hosts")] == ["203.0.113.0/24"]


def test_tools_and_prefixes_as_tables(bots: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "tools", *bots, "--period", "2026-04-02"]) == 0
    said = capsys.readouterr()
    assert [line.split()[:4] for line in said.out.splitlines()] == [
        ["rank", "was", "tool", "packets"], ["1", "1", "mirai", "6"], ["-", "-", "unknown", "7"],
    ]  # fmt: skip
    assert "count for the tool that its verdict of that day names" in said.err
    assert main(["top", "prefixes", *bots, "--lang", "en"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["rank", "prefix"],
        ["1", "203.0.113.0/24"],
        ["2", "192.0.2.0/24"],
    ]
    assert main(["top", "ports", *bots, "--kind", "noise"]) == 2
    assert "no kind of packet" in capsys.readouterr().err
