"""The report of twenty of whom three lie: its figures hold, it says who differs; words of others stay words."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from teiten import periods, settings
from teiten.bench._federate.lies import moved
from teiten.federation import report as reports
from teiten.federation import store
from teiten.periods import Period
from teiten.report import manifest
from teiten.settings import Settings

from .conftest import DAYS, PLAIN, House, contribution, deny, listed, sketching, stored

SPAN = periods.span(DAYS[5], DAYS[9], ZoneInfo("Asia/Tokyo"))

ENGLISH = replace(settings.load(language="en"), pdf=False)


def files_of(held: store.Store, period: Period, chosen: Settings, out: Path | None = None) -> tuple[dict[str, bytes], int]:
    return reports.files(held, period, chosen, out, pictures=False)


@pytest.fixture(scope="session")
def made(lied: store.Store) -> dict[str, bytes]:
    found, watched = files_of(lied, SPAN, ENGLISH)
    assert watched == 20
    return found


def rows(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[f"data/{name}.csv"].decode())))


def test_the_ranking_is_that_of_the_honest(made: dict[str, bytes], honest: store.Store) -> None:
    true, _ = files_of(honest, SPAN, ENGLISH)
    top = [(row["port"], row["protocol"]) for row in rows(true, "federation-ports")][:6]
    assert [(row["port"], row["protocol"]) for row in rows(made, "federation-ports")][:6] == top
    first = rows(made, "federation-ports")[0]
    # of home-09, which denies it, and of the others
    assert (first["port"], first["members"], first["watched"], first["rank_before"]) == ("23", "19", "20", "1")


def test_it_says_who_differs(made: dict[str, bytes]) -> None:
    text = made["report.md"].decode()
    part = text[text.index("## Members that differ") :]
    assert all(f"- {name}" in part for name in ("home-03", "home-09", "home-15")) and "- home-04" not in part
    assert "whatever 5 of the 20 members say" in text
    assert {row["member"] for row in rows(made, "federation-outliers")} == {"home-03", "home-09", "home-15"}


def test_members_stand_side_by_side(made: dict[str, bytes]) -> None:
    assert len(rows(made, "federation-members")) == 20
    tens = rows(made, "federation-tens")
    assert {row["place"] for row in tens} == {str(n) for n in range(1, 11)} and len({row["member"] for row in tens}) == 20
    heat = rows(made, "federation-heat")
    assert {row["rate"] for row in heat if row["member"] == "home-09" and row["port"] == "23"} == {"0"}
    assert len(rows(made, "federation-coverage")) == 20 * 5


@pytest.mark.full
def test_japanese_says_the_same(lied: store.Store, made: dict[str, bytes]) -> None:
    found, _ = files_of(lied, SPAN, replace(settings.load(language="ja"), pdf=False))
    assert "参加している20か所のうち20か所で観測しました" in found["report.md"].decode()
    assert rows(found, "federation-ports") == rows(made, "federation-ports")


@pytest.mark.full
def test_it_is_the_same_again_and_says_of_what(made: dict[str, bytes], lied: store.Store, tmp_path: Path) -> None:
    for name, content in made.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    found = manifest.read(tmp_path)
    assert found.number == 1 and not found.altered()
    assert len(found.table["federation"]["contributions"]) == 20 and found.table["federation"]["cut"] == 5
    same, _ = files_of(lied, SPAN, ENGLISH, tmp_path)
    assert same == made
    assert json.loads(same[manifest.NAME])["edition"]["number"] == 1


@pytest.mark.full
def test_a_newer_contribution_is_another_edition(houses: list[House], tmp_path: Path) -> None:
    place, out = tmp_path / "s", tmp_path / "r"
    chosen = ENGLISH
    stored(place, listed(houses[:3]), [contribution(h) for h in houses[:3]])
    one, _ = files_of(store.load(place), SPAN, chosen, out)
    for name, content in one.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)
    stored(place, listed(houses[:3]), [contribution(houses[0], sequence=2, previous="0" * 64, lie=deny("23/6"))])
    two, _ = files_of(store.load(place), SPAN, chosen, out)
    assert json.loads(two[manifest.NAME])["edition"]["number"] == 2
    assert "does not follow the number 1" in two["report.md"].decode()


def test_words_of_others_stay_words(houses: list[House], tmp_path: Path) -> None:
    label, region = "<script>alert(1)</script>", "=1+1|[x](javascript:1)"
    files = [contribution(h, label=label, region=region, rules=sketching(h, tmp_path)) for h in houses[:4]]
    stored(tmp_path / "s", listed(houses[:5]), files)
    found, watched = files_of(store.load(tmp_path / "s"), SPAN, ENGLISH)
    assert watched == 4
    page = found["index.html"].decode()
    assert "<script" not in page and "&lt;script&gt;alert(1)" in page and "javascript:1)" in page
    assert "|[x](javascript" not in found["report.md"].decode() and r"\|\[x\](javascript" in found["report.md"].decode()
    assert rows(found, "federation-members")[0]["region"].startswith("'=1+1")
    text = found["report.md"].decode()
    assert "The sketches of 4 members" in text and "Nothing is known of home-05" in text


@pytest.mark.full
def test_one_and_two_members(houses: list[House], tmp_path: Path) -> None:
    """Too few to hold against each other, and said so."""
    for n, words in ((1, "One member cannot be held against others"), (2, "nobody can tell who is right")):
        place = tmp_path / f"s{n}"
        stored(place, listed(houses[:n]), [contribution(h, rules=PLAIN) for h in houses[:n]])
        found, watched = files_of(store.load(place), SPAN, ENGLISH)
        assert watched == n and words in found["report.md"].decode()


def test_a_period_of_which_nobody_tells(lied: store.Store) -> None:
    away = periods.parse("monthly", "2027-03", ZoneInfo("Asia/Tokyo"))
    assert files_of(lied, away, ENGLISH) == ({}, 0)


@pytest.mark.full
def test_copies_clocks_and_days_of_nobody_in_words(houses: list[House], tmp_path: Path) -> None:
    """One tells what another told, one has a clock nine hours ahead, and of four days nobody told anything."""
    copy = contribution(houses[2], by=houses[4].signer, name="home-05")
    files = [contribution(h) for h in houses[:4]] + [copy, contribution(houses[5], lie=lambda rows: moved(rows, 9))]
    stored(tmp_path / "s", listed(houses[:6]), files)
    span = periods.span(DAYS[0], DAYS[-1] + dt.timedelta(days=4), ZoneInfo("Asia/Tokyo"))
    found, _ = files_of(store.load(tmp_path / "s"), span, ENGLISH)
    text = found["report.md"].decode()
    assert "All figures of all its 10 days are those of home-03" in text and "are those of home-05" in text
    assert "once moved by 9 hours: it tells everything later than they do" in text
    assert "Of 4 days nothing is known from anybody" in text and "home-01: nothing known" not in text
    assert {(row["member"], row["other"]) for row in rows(found, "federation-outliers") if row["reason"] == "copied"} == {
        ("home-03", "home-05"), ("home-05", "home-03"),
    }  # fmt: skip
    asns = rows(found, "federation-asns")
    assert any(row["as_name"] for row in asns) and "Names are of data by" in text
    japanese, _ = files_of(store.load(tmp_path / "s"), span, replace(settings.load(language="ja"), pdf=False))
    text = japanese["report.md"].decode()
    assert "この参加者の時刻が進んでいるようです" in text and "4日分は、どの参加者からも報告がありません" in text
