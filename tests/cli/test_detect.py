"""teiten detect and teiten explain: stories listed, made, and why they were told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.detect.test_kept import BURST, DAYS, filled

from teiten.cli import main


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("cli") / "lake", DAYS).path


def run(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> tuple[str, str]:
    assert main(args) == code
    out, err = capsys.readouterr()
    return out, err


@pytest.mark.full
def test_stories_are_made_and_listed(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("detect", "--lake", str(lake), "--tz", "UTC", "--lang", "en", "--day", BURST.isoformat())
    out, err = run(capsys, *asked)
    assert "9530/tcp" in out and "Taiwan" in out and all(len(line) <= 80 for line in out.splitlines())
    assert "days made" in err
    out, err = run(capsys, *asked, "--output", "json")
    rows = json.loads(out)
    mine = next(row for row in rows if row["ports"] == "9530/tcp")
    assert (mine["country"], mine["day"], mine["id"]) == ("TW", BURST.isoformat(), mine["id"]) and "days made" not in err
    several, _ = run(capsys, *asked[:7], "--from", BURST.isoformat(), "--kind", mine["kind"], "--output", "jsonl", "--all")
    assert [json.loads(line)["id"] for line in several.splitlines()].count(mine["id"]) == 1

    told, _ = run(capsys, "explain", mine["id"][:6], "--lake", str(lake), "--tz", "UTC", "--lang", "en")
    for word in (
        "9530/tcp",
        "Taiwan",
        "05:00",
        "60",
        "detect_packets",
        "by hour",
        "by day",
        "teiten top sources",
        "--country TW",
    ):
        assert word in told, word
    hour = next(line for line in told.splitlines() if line.strip().startswith("* 05:00"))
    assert hour.count("#") > 20 and "60" in hour
    whole, _ = run(capsys, "explain", mine["id"], "--json", "--lake", str(lake), "--tz", "UTC")
    found = json.loads(whole)
    assert found["story"][0]["id"] == mine["id"] and found["detections"][0]["reason"]


def test_the_command_that_explain_shows_ranks_what_is_behind_it(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "detect", "--lake", str(lake), "--tz", "UTC", "--day", BURST.isoformat(), "--output", "json")
    mine = next(row for row in json.loads(out) if row["ports"] == "9530/tcp")
    told, _ = run(capsys, "explain", mine["id"], "--lake", str(lake), "--tz", "UTC")
    command = next(line for line in told.splitlines() if "teiten top" in line).split("teiten ", 1)[1].split()
    ranked, _ = run(capsys, *command, "--tz", "UTC", "--output", "json", "-n", "100")
    assert sum(row["packets"] for row in json.loads(ranked)) == 60


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("detect", "--kind", "storm"), "'storm' is no kind of detection"),
        (("detect", "--day", "yesterday"), "'yesterday' is no day"),
        (("detect", "--day", "2026-04-01", "--to", "2026-04-02"), "exclude each other"),
        (("detect", "--from", "2026-04-03", "--to", "2026-04-03"), "is not before"),
        (("detect", "-n", "0"), "-n 0 shows nothing"),
        (("explain", "zzz"), "There is no story or detection zzz"),
        (("explain", " "), "There is no story or detection"),
    ],
)
def test_what_cannot_be_asked(lake: Path, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], said: str) -> None:
    _, err = run(capsys, *args, "--lake", str(lake), code=2)
    assert said in err


def test_of_few_days_it_is_said_that_they_are_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = filled(tmp_path / "lake", DAYS[:2])
    out, err = run(capsys, "detect", "--lake", str(few.path), "--tz", "UTC")
    assert not out and "Nothing has changed that stands out." in err
    assert f"Too little data to say what is usual: 1 day comes before {DAYS[1]}, and 3 are needed" in err
