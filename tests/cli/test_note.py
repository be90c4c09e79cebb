"""teiten note as it is typed."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from teiten.cli import main
from teiten.cli._output import width

LINE = (
    "2019-03-0{day}T12:00:{n:02d}+09:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST=198.51.100.1 LEN=40 TOS=0x00 "
    "PREC=0x00 TTL=50 ID={n} PROTO=TCP SPT=40000 DPT=23 SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)
Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def lake(
    own_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said,
    once: Callable[[Callable[[Path], object], Path], Path],
) -> str:  # fmt: skip
    """Three days: NOTICE, a neighbour of ours, somebody."""
    monkeypatch.chdir(once(_three_days, tmp_path))
    capsys.readouterr()
    return str(tmp_path / "lake")


def _three_days(folder: Path) -> None:
    (folder / "teiten.toml").write_text('zone = "Asia/Tokyo"\nlake = "lake"\n')
    sources = ("153.231.226.170", "192.0.2.7", "8.8.8.8")
    text = "".join(LINE.format(day=day, n=n, src=src) for day in (1, 2, 3) for n, src in enumerate(sources))
    (folder / "x.log").write_text(text)
    with contextlib.chdir(folder):
        assert main(["ingest", "x.log"]) == 0


def note(capsys: Said, *words: str) -> str:
    """The id of the note that was added."""
    assert main(["note", *words]) == 0
    return capsys.readouterr().out.strip()


def listed(capsys: Said, *words: str) -> list[dict[str, Any]]:
    assert main(["note", "list", "--output", "json", *words]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def scanners(capsys: Said) -> dict[str, int]:
    """Organisation -> packets of its scanners."""
    assert main(["top", "scanners", "--output", "json"]) == 0
    return {row["scanner"]: row["packets"] for row in json.loads(capsys.readouterr().out)}


def test_a_note_and_what_it_is_about(capsys: Said) -> None:
    number = note(
        capsys, "add", "Seen again.", "--period", "2019-03", "--kind", "addendum", "--url", "https://example.org/",
        "--lang", "en", "--port", "23/tcp", "--country", "Japan", "--organisation", "notice", "--author", "K",
    )  # fmt: skip
    (row,) = listed(capsys)
    wanted = {
        "id": number, "kind": "addendum", "period": "2019-03", "text": "Seen again.", "url": "https://example.org/",
        "lang": "en", "port": 23, "protocol": 6, "country": "JP", "organisation": "NOTICE", "author": "K", "withdrawn": False,
    }  # fmt: skip
    assert {key: row[key] for key in wanted} == wanted
    assert row["src"] is None


def test_a_gap_has_days(capsys: Said) -> None:
    note(capsys, "add", "--kind", "gap", "--period", "2019-W10", "away")
    note(capsys, "add", "--kind", "gap", "--from", "2019-03-02", "one day")
    assert [(row["day_from"], row["day_to"]) for row in listed(capsys)] == [
        ("2019-03-04", "2019-03-10"),
        ("2019-03-02", "2019-03-02"),
    ]


def test_edit_and_withdraw_keep_what_was(capsys: Said) -> None:
    first = note(capsys, "add", "--period", "2019-03", "Frist.", "--lang", "en")
    second = note(capsys, "edit", first, "First.")
    third = note(capsys, "edit", second, "--url", "https://example.org/")
    (row,) = listed(capsys)
    assert (row["id"], row["text"], row["url"], row["lang"], row["period"]) == (
        third, "First.", "https://example.org/", "en", "2019-03",
    )  # fmt: skip
    assert main(["note", "withdraw", third]) == 0
    assert listed(capsys, "--kind", "note") == []
    assert {row["id"] for row in listed(capsys, "--all")} >= {first, second, third}
    assert main(["note", "withdraw", third]) == 2
    assert "There is no note" in capsys.readouterr().err


def test_a_correction_takes_off(capsys: Said) -> None:
    assert scanners(capsys) == {"NOTICE": 3}
    number = note(capsys, "add", "--correct", "153.231.226.170", "--label", "not_a_scanner", "a test of ours")
    assert scanners(capsys) == {}
    assert main(["note", "withdraw", number]) == 0
    capsys.readouterr()
    assert scanners(capsys) == {"NOTICE": 3}


def test_a_correction_puts_in_on_its_days(capsys: Said) -> None:
    words = ["--label", "announced_scanner", "--value", "Campus CERT", "--from", "2019-03-02", "--to", "2019-03-02"]
    note(capsys, "add", "--correct", "192.0.2.0/24", *words, "told by mail")
    assert scanners(capsys) == {"NOTICE": 3, "Campus CERT": 1}
    assert (
        main(["sql", "--output", "json", "SELECT src_ip, day, rule, confidence FROM verdicts WHERE value = 'Campus CERT'"]) == 0
    )
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["rule"], row["confidence"]) == ("correction", 1.0)


def test_a_correction_outlasts_the_machine(capsys: Said, tmp_path: Path) -> None:
    """New events of a day judge it again; what the analyst said of it stays."""
    note(capsys, "add", "--correct", "153.231.226.170", "--label", "not_announced_scanner", "no")
    (tmp_path / "y.log").write_text(LINE.format(day=3, n=30, src="153.231.226.170"))
    assert main(["ingest", "y.log"]) == 0
    capsys.readouterr()
    assert scanners(capsys) == {}


def test_the_table_fits_eighty_columns(capsys: Said) -> None:
    note(capsys, "add", "--correct", "2001:db8:1234:5678:9abc:def0:1234:5678", "--label", "not_port_scanner", "理由" * 40)
    note(capsys, "add", "x" * 300, "--sensor", "a-sensor-with-a-long-name")
    for words in ([], ["--all"]):
        assert main(["note", "list", *words]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 3
        assert max(map(width, lines)) <= 80


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", " "], "A note without a text says nothing."),
        (["add", "--correct", "192.0.2.7", "why"], "What is it to be taken for?"),
        (["add", "--correct", "x", "--label", "not_a_scanner", "why"], "'x' is no address or prefix."),
        (["add", "--correct", "192.0.2.7", "--label", "announced_scanner", "why"], "An announced scanner is somebody's."),
        (["add", "--correct", "192.0.2.7", "--label", "port_scanner", "--value", "A", "why"], "--label port_scanner takes no"),
        (["add", "--label", "port_scanner", "why"], "--label and --value belong to a correction."),
        (["add", "--kind", "gap", "why"], "Which days was nothing observed?"),
        (["add", "--from", "2019-03-02", "--to", "2019-03-01", "x"], "A note from 2019-03-02 to 2019-03-01 is about no day."),
        (["add", "--period", "March", "x"], "'March' names no period."),
        (["add", "--port", "20-30/tcp", "x"], "'20-30/tcp' is not one port."),
        (["add", "--country", "Atlantis", "x"], "'Atlantis' is no country that I know."),
        (["add", "--organisation", "Nobody", "x"], "No watchlist names 'Nobody'."),
        (["add", "--url", "javascript:alert(1)", "x"], "'javascript:alert(1)' is no address of a page."),
        (["edit", "nothing", "x"], "There is no note nothing"),
        (["withdraw", "nothing"], "There is no note nothing"),
        (["list", "--period", "x"], "'x' names no period."),
        (["list", "--lake", "absent"], "absent does not exist."),
    ],
)
def test_misfortunes_are_one_sentence(capsys: Said, words: list[str], said: str) -> None:
    assert main(["note", *words]) != 0
    found = capsys.readouterr()
    assert found.err.startswith(f"teiten note: {said}")
    assert found.out == ""


def test_hostile_text_stays_text(capsys: Said) -> None:
    note(capsys, "add", "\x1b[31mred\x1b[0m\r\n=cmd|' /C calc'!A0")
    assert main(["note", "list"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    note(capsys, "add", "=1+1")
    assert main(["note", "list", "--output", "csv"]) == 0
    assert "'=1+1" in capsys.readouterr().out


def test_a_note_in_a_section_of_its_report(capsys: Said, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("One paragraph.\n\nAnother^[who says so].\n"))
    number = note(
        capsys, "add", "-", "--period", "2019-03", "--section", "events", "--title", " What  we saw ", "--place", "2"
    )  # fmt: skip
    note(capsys, "add", "More of it.", "--period", "2019-03", "--section", "events", "--place", "1")
    row = next(row for row in listed(capsys) if row["id"] == number)
    assert (row["label"], row["value"]) == ("events", "2")
    assert row["text"] == "# What we saw\n\nOne paragraph.\n\nAnother^[who says so]."
    assert main(["report", "monthly", "2019-03", "--lang", "en", "--out", "told", "--no-animations"]) == 0
    text = (tmp_path / "told" / "report.md").read_text()
    assert text.index("## What was observed in March 2019") < text.index("More of it.") < text.index("## What we saw")
    assert "Another" in text and "who says so" in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--section", "nowhere"), "There is no section 'nowhere' in any report."),
        (("--title", "x"), "--title and --place belong to a note with a section."),
        (("--section", "events", "--kind", "addendum"), "Only a note has a section."),
        (("--section", "events", "--place", "-1"), "'-1' is no place."),
    ],
)
def test_a_section_that_cannot_be(capsys: Said, words: tuple[str, ...], told: str) -> None:
    assert main(["note", "add", "text", "--period", "2019-03", *words]) == 2
    assert told in capsys.readouterr().err
