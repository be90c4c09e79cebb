"""teiten sessions: the listing in both languages, rows in every format, from a lake and from logs; what is asked wrongly."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pytest

from teiten import cli

sys.path.insert(0, str(Path(__file__).parents[1] / "sessions"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import notice

    folder = tmp_path_factory.mktemp("sessions")
    (folder / "router.log").write_text(notice.log(others=False), encoding="utf-8")
    assert cli.main(["ingest", "--lake", str(folder / "lake"), "--tz", "Asia/Tokyo", str(folder / "router.log")]) == 0
    return folder


def run(capsys: pytest.CaptureFixture[str], place: Path, *argv: str) -> tuple[str, str]:
    capsys.readouterr()
    assert cli.main(["sessions", "--lake", str(place / "lake"), "--tz", "Asia/Tokyo", *argv]) == 0
    said = capsys.readouterr()
    return said.out, said.err


def test_the_listing_reads_like_the_page(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys, place, "--organisation", "NOTICE", "--period", "2019-02-21", "--lang", "ja", "--lines")
    assert "前日とは異なり、153.231.216.178からのスキャンとなっています。" in out
    assert "…約16秒後\n2019-02-21T12:MM:SS+09:00 router.asus.com kernel: DROP IN=ppp0" in out
    joined = "".join(part.strip() for part in out.splitlines())
    assert "約6時間前と同一のポートに対するスキャンですが、発信元のIPアドレスは153.231.216.178から153.231.215.10に" in joined
    assert "203.0.113.77" not in out
    assert "17分" not in out  # the mask hides minutes wherever they would stand
    assert "2019-02-20" in err
    assert all(len(part) <= 80 for part in out.splitlines() if not part.startswith("2019-"))


def test_without_lines_the_times_are_exact(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, place, "--organisation", "notice", "--lang", "en", "-n", "1")
    assert "Tue 26 Feb, 19:20: 153.231.226.162 tried 443/tcp." in out
    assert "was modest on this day" in " ".join(out.split())
    out, _ = run(capsys, place, "--organisation", "notice", "--lang", "en", "-n", "1", "--mask", "strict")
    assert "Tue 26 Feb: 153.231.226.162 tried 443/tcp." in out


def test_rows(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, place, "--organisation", "NOTICE", "--output", "json")
    rows = json.loads(out)
    assert len(rows) == 14
    burst = rows[3]
    assert burst["key"] == "NOTICE"
    assert burst["ports"].split()[:3] == ["23023/tcp", "443/tcp", "22/tcp"]
    assert (burst["same_ports_after"], burst["same_ports_other_source"], burst["observer_same"]) == (21879, True, True)
    assert burst["detected"] == "psad.1"
    # the log holds nothing else: whether anybody watched from the 22nd to the 24th is not known
    assert rows[4]["silent_days"] == 0
    out, _ = run(capsys, place, "--src", "153.231.226.170", "--output", "csv", "--lines")
    found = list(csv.DictReader(io.StringIO(out)))
    assert [r["key"] for r in found] == ["153.231.226.170"] * 2
    assert found[0]["start"].startswith("2019-02-20T11:00:00")
    assert "DST=***.***.***.***" in found[0]["lines"]


def test_straight_from_a_log(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(
        capsys, place, "--src", "153.231.216.178", "--lang", "en", "--lines", "--mask", "none", str(place / "router.log")
    )
    assert "tried 11 ports within 41 seconds" in " ".join(out.split())
    assert "DST=203.0.113.77" in out
    assert "34 lines = 34 with events" in err


def test_the_busiest_where_nobody_is_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, place, "--output", "jsonl", "-n", "2")
    assert [json.loads(row)["tries"] for row in out.splitlines()] == [11, 11]
    out, _ = run(capsys, place, "--sql")
    assert out.startswith("WITH chosen")


def test_nothing_to_show(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys, place, "--organisation", "NOTICE", "--from", "2020-01-01")
    assert (out, err) == (
        "",
        "There is no session of NOTICE in that time; the last one before began on 2019-02-26 19:20.\n",
    )
    out, err = run(capsys, place, "--src", "192.0.2.1")
    assert (out, err) == ("", "There is no session of 192.0.2.1.\n")
    out, _ = run(capsys, place, "--organisation", "YNU", "--output", "csv")
    assert out.startswith("key,start,end,")


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["--organisation", "NOTIZ"], "No watchlist names 'NOTIZ'"),
        (["--src", "nowhere"], "is no address or prefix"),
        (["-n", "0"], "shows nothing"),
        (["--period", "yesterday"], "names no period"),
        (["--period", "2019-02", "--from", "2019-02-01"], "exclude each other"),
    ],
)
def test_wrong_usage_is_one_sentence(argv: list[str], why: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sessions", "--lake", str(place / "lake"), *argv]) == 2
    assert why in capsys.readouterr().err
    if "NOTIZ" in argv:
        cli.main(["sessions", "--lake", str(place / "lake"), *argv])
        assert "NOTICE" in capsys.readouterr().err
