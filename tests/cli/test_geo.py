"""teiten geo as it is typed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from teiten import cli
from teiten.enrich import datasets


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TEITEN_DATA", str(tmp_path / "own"))
    monkeypatch.chdir(tmp_path)
    datasets.forget()
    yield tmp_path / "own" / "geo"
    datasets.forget()


def out(capfdbinary: pytest.CaptureFixture[bytes]) -> tuple[str, str]:
    found = capfdbinary.readouterr()
    return found.out.decode(), found.err.decode()


def test_status_tells_dates_ages_and_licences(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main(["geo", "status", "--output", "json"]) == 0
    text, said = out(capfdbinary)
    rows = json.loads(text)
    assert [r["kind"] for r in rows] == ["country", "asn"]
    for row in rows:
        assert row["licence"] == "CC BY 4.0"
        assert row["whose"] == "package"
        assert row["age_days"] > 0
    old = any(row["age_days"] > 90 for row in rows)
    assert ("days old" in said) is old


def test_status_as_a_table_fits_the_terminal(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main(["geo", "status"]) == 0
    text, _ = out(capfdbinary)
    assert "dbip-lite" in text
    assert max(map(len, text.splitlines())) <= 80


def test_import_then_status_then_lookup(tmp_path: Path, own_folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("9.0.0.0/8,JP\n2a00::/16,FR\n")
    assert cli.main(["geo", "import", str(path), "--name", "mine", "--date", "2026-10-01"]) == 0
    text, said = out(capfdbinary)
    assert text == ""
    assert f"country mine-2026-10-01: 3 stretches of IPv4, 3 of IPv6, in {own_folder}" in said
    assert cli.main(["geo", "status", "--output", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(out(capfdbinary)[0])))
    assert [(r["name"], r["whose"]) for r in rows if r["kind"] == "country"] == [("dbip-lite", "package"), ("mine", "yours")]
    assert cli.main(["geo", "lookup", "9.9.9.9", "2a00::1", "--lang", "ja", "--output", "jsonl"]) == 0
    found = [json.loads(line) for line in out(capfdbinary)[0].splitlines()]
    mine = [r for r in found if r["data"] == "mine-2026-10-01"]
    assert [(r["address"], r["country"], r["name"]) for r in mine] == [("9.9.9.9", "JP", "日本"), ("2a00::1", "FR", "フランス")]
    assert {r["asn"] for r in found if r["data"].startswith("asn-") and r["address"] == "9.9.9.9"} == {19281}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["lookup", "nowhere"], 2, "'nowhere' is no address"),
        (["import", "missing.mmdb"], 1, "missing.mmdb cannot be read: No such file"),
        (["import", "{file}", "--date", "yesterday"], 2, "'yesterday' is no day"),
        (["import", "{file}", "--name", "No Name"], 2, "cannot name a data set"),
        (["import", "{file}", "--kind", "asn"], 1, "tells no asn"),
        (["import", "."], 1, "Is a directory"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], words: list[str], code: int, said: str
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("9.0.0.0/8,JP\n")
    assert cli.main(["geo", *(w.format(file=path) for w in words)]) == code
    text, error = out(capfdbinary)
    assert text == ""
    assert said in error
    assert "Traceback" not in error


def test_a_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "mine.csv").write_text("9.0.0.0/8,JP\n")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TEITEN_DATA", str(tmp_path / "file"))
    assert cli.main(["geo", "import", "mine.csv"]) == 1
    assert "cannot be written" in out(capfdbinary)[1]


def test_without_an_action_it_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["geo"])
    assert stopped.value.code == 2
