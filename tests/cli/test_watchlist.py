"""teiten watchlist as it is typed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from teiten.cli import main
from teiten.cli._output import width
from teiten.enrich import datasets


@pytest.fixture(autouse=True)
def own_folder(own_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("TEITEN_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    datasets.forget()
    yield own_data / "watchlists"
    datasets.forget()


Said = pytest.CaptureFixture[str]


def test_an_address_on_a_list(capsys: Said) -> None:
    assert main(["watchlist", "check", "153.231.226.170", "--on", "2019-02-20"]) == 0
    assert capsys.readouterr().out == (
        "153.231.226.170  NOTICE  valid on 2019-02-20\n"
        "  prefix:    153.231.226.168/29\n"
        "  list:      notice 2019-02-13 (of 2019-02-13, facts)\n"
        "  validity:  from 2019-02-20, no end stated; confidence 1.0\n"
        "  page:      https://www.nict.go.jp/info/topics/2019/02/13-2.html\n"
    )


def test_an_address_on_none(capsys: Said) -> None:
    assert main(["watchlist", "check", "192.0.2.7", "--on", "2019-02-20"]) == 0
    assert capsys.readouterr().out == "192.0.2.7 is on no list (2019-02-20).\n"
    assert main(["watchlist", "check", "192.0.2.7", "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_without_a_day_what_was_valid_once_is_told(capsys: Said) -> None:
    assert main(["watchlist", "check", "122.1.4.87"]) == 0
    said = capsys.readouterr().out
    assert "122.1.4.87 is on no list that is valid on" in said
    assert "  validity:  from 2018-11-14, to 2019-01-31; confidence 1.0\n" in said


def test_a_name(capsys: Said) -> None:
    words = ["watchlist", "check", "192.0.2.7", "--ptr", "pirate.census.shodan.io", "--on", "2026-06-22", "--output", "json"]
    assert main(words) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["organisation"], row["by"], row["prefix"], row["confidence"]) == ("Shodan", "name", "*.shodan.io", 0.7)
    assert row["valid"] is True


def test_import_status_and_check(tmp_path: Path, own_folder: Path, capsys: Said) -> None:
    (tmp_path / "scanners.txt").write_text("192.0.2.0/24\n192.0.2.1/24\n# none\n198.51.100.0/24\n")
    words = ["--name", "campus", "--organisation", "Campus CERT", "--licence", "CC0-1.0", "--date", "2020-01-02"]
    assert main(["watchlist", "import", "scanners.txt", *words]) == 0
    said = capsys.readouterr()
    assert "rejected: scanners.txt:2: 192.0.2.1/24 has host bits set (its prefix is 192.0.2.0/24)" in said.err
    assert "2 prefixes in 1 lists kept in" in said.err
    assert "1 rejected." in said.err
    assert said.out.splitlines()[1].split() == ["campus", "2020-01-02", "2020-01-02", "2", "0", "CC0-1.0"]
    assert [p.name for p in own_folder.iterdir()] == ["campus--2020-01-02.json"]
    assert main(["watchlist", "check", "192.0.2.9", "--on", "2020-03-01", "--output", "csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["organisation"], row["list"], row["prefix"], row["confidence"]) == (
        "Campus CERT",
        "campus",
        "192.0.2.0/24",
        "0.9",
    )
    assert main(["watchlist", "status", "--output", "json"]) == 0
    said = capsys.readouterr()
    own = next(r for r in json.loads(said.out) if r["list"] == "campus")
    assert (own["whose"], own["licence"], own["prefixes"], own["organisations"]) == ("imported", "CC0-1.0", 2, 1)
    assert "1 of your 1 lists are older than 90 days (campus: 2020-01-02)" in said.err


def test_status_says_where_there_are_only_the_packages(capsys: Said) -> None:
    assert main(["watchlist", "status"]) == 0
    assert "Only the package's own lists are here." in capsys.readouterr().err


def test_list(capsys: Said) -> None:
    assert main(["watchlist", "list", "--output", "json"]) == 0
    rows = {row["organisation"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["NOTICE"]["prefixes"] == 11
    assert rows["YNU"]["ja"] == "横浜国立大学"
    assert main(["watchlist", "list", "notice", "横浜国立大学", "--output", "jsonl"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["organisation"] for row in found] == ["NOTICE"] * 11 + ["YNU"] * 2
    assert main(["watchlist", "list", "NOTICE", "--on", "2019-01-01", "--output", "csv"]) == 0
    assert capsys.readouterr().out == "organisation,prefix,list,version,from,to,page,licence\n"


def test_tables_fit_eighty_columns(shared_data: Path, capsys: Said) -> None:
    real = shared_data / "scanners"
    for words in (
        ["import", str(real / "misp"), str(real / "openfilters_cidr"), "--date", "2026-06-22"],
        ["status"],
        ["status", "--all"],
        ["list"],
        ["list", "NOTICE"],
    ):
        assert main(["watchlist", *words]) == 0
        assert max(map(width, capsys.readouterr().out.splitlines())) <= 80, words


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["check", "x"], 2, "'x' is no address."),
        (["check", "192.0.2.1", "--on", "yesterday"], 2, "'yesterday' is no day. Write --on like 2019-02-20."),
        (["list", "Nobody"], 2, "No watchlist names 'Nobody'."),
        (["import", "absent"], 1, "There is no absent."),
        (["import", "broad.txt"], 2, "broad.txt:1: 0.0.0.0/0 is too broad to be anybody's"),
        (["import", "wrong.csv"], 2, "wrong.csv:2: its validity is the wrong way round (from 2020-01-01 to 2019-01-01)."),
        (["import", "empty.txt"], 1, "empty.txt holds no prefixes that I can read."),
        (["import", "broad.txt", "--name", "../x"], 2, "'../x' cannot name a list."),
    ],
)
def test_misfortunes_are_one_sentence(
    tmp_path: Path, own_folder: Path, capsys: Said, words: list[str], code: int, said: str
) -> None:
    (tmp_path / "broad.txt").write_text("0.0.0.0/0\n")
    (tmp_path / "wrong.csv").write_text("prefix,from,to\n192.0.2.0/24,2020-01-01,2019-01-01\n")
    (tmp_path / "empty.txt").write_text("\n")
    assert main(["watchlist", *words]) == code
    found = capsys.readouterr()
    assert found.err.startswith(f"teiten watchlist: {said}")
    assert found.out == ""
    assert not own_folder.exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    (tmp_path / "a.txt").write_text("192.0.2.0/24\n")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TEITEN_DATA", str(tmp_path / "file"))
    assert main(["watchlist", "import", "a.txt"]) == 1
    assert "cannot be written: Not a directory. Name another place in $TEITEN_DATA." in capsys.readouterr().err
