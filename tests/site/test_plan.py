"""The site tells what the rules let out, in both languages, and nothing of a single sensor."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import json
import re
from pathlib import Path

import pytest
from tests.site.conftest import ALONE, DAYS, FIRST, SENSORS, TODAY, Site, make

from teiten.errors import TeitenError
from teiten.lake import Lake
from teiten.publish import leaks
from teiten.publishing import Publishing
from teiten.settings import Settings
from teiten.site import check
from teiten.site.plan import plan

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_pages_are_there_in_both_languages(site: Site) -> None:
    for code in ("ja", "en"):
        for place in ("", "weekly/", "ports/", "ports/23-tcp/", "stories/", "reports/", "data/", "about/"):
            assert (site.out / code / place / "index.html").is_file(), place
        assert (site.out / code / "reports" / "weekly-2026-W33" / "index.html").is_file()
        assert "<feed" in (site.out / code / "feed.xml").read_text()
    assert "https://example.org/x/en/ports/23-tcp/index.html" in (site.out / "sitemap.xml").read_text()
    assert "has not stated" in (site.out / "LICENCE.txt").read_text()


def test_it_is_whole_and_keeps_to_itself(site: Site) -> None:
    assert list(check.check(site.out, site.plan.secret)) == []
    assert site.plan.secret == leaks.packed(SENSORS.values())


def test_figures_are_means_of_a_sensor_and_day(site: Site) -> None:
    told = {(r["start"], r["port"]): r for r in rows(site.out / "data" / "ports-daily.csv")}
    one = told[f"{FIRST}", "23"]
    # 30 packets and 15 hosts at each of four sensors, each watching that day from 1 o'clock or all of it
    assert one["state"] == "told" and 28 <= float(one["packets"]) <= 37 and 14 <= float(one["hosts"]) <= 19
    assert float(told[f"{FIRST}", "445"]["packets"]) == pytest.approx(15, abs=3)


def test_what_one_sensor_alone_saw_is_nowhere(site: Site) -> None:
    for path in site.out.rglob("*"):
        if path.suffix in (".html", ".csv", ".json", ".xml", ".ics") and path.name not in ("manifest.json", "edition.json"):
            assert not re.search(rf"(?<![0-9.]){ALONE}(?![0-9])", path.read_text(encoding="utf-8")), path
    assert not any("7777" in path.name for path in site.out.rglob("*"))
    # nor is it in the whole: 46 packets a sensor, not 46 + 300 / 4
    whole = [r for r in rows(site.out / "data" / "daily.csv") if r["group"] == "all"]
    assert len(whole) == DAYS and all(float(r["packets"]) < 60 for r in whole)
    taken = site.plan.taken["port"]
    assert taken.packets_withheld >= 300 * DAYS and taken.withheld >= 2


def test_rare_ports_are_withheld(site: Site) -> None:
    # 81/tcp: 8 packets a day of all sensors
    assert "81" not in {r["port"] for r in rows(site.out / "data" / "ports-daily.csv")}
    text = (site.out / "en" / "index.html").read_text()
    assert "81/tcp" not in text and "1 withheld" in text


def test_groups_of_two_are_not_told_apart(site: Site) -> None:
    assert list(site.plan.book.groups) == [""]
    assert {r["group"] for r in rows(site.out / "data" / "ports-weekly.csv")} == {"all"}


def test_what_is_young_waits(chosen: Settings, tmp_path: Path) -> None:
    early = plan(Lake.open(chosen.lake), chosen, tmp_path / "x", FIRST + dt.timedelta(days=10))
    assert early.book.last() == FIRST + dt.timedelta(days=6)
    with pytest.raises(TeitenError, match="no day older than 3 days"):
        plan(Lake.open(chosen.lake), chosen, tmp_path / "x", FIRST + dt.timedelta(days=2))


def test_other_rules_tell_other_things(chosen: Settings, tmp_path: Path) -> None:
    rules = Publishing(
        sections=("data",), languages=("en",), sensors="alias", sources="network", least_packets=5, least_hosts=1, delay=0,
        ports=0, weeks=4,
    )  # fmt: skip
    made = make(dataclasses.replace(chosen, publishing=rules), tmp_path / "open", TODAY)
    assert {p.name for p in (tmp_path / "open").iterdir() if p.is_dir()} == {"en", "data", "fonts"}
    assert {r["group"] for r in rows(tmp_path / "open" / "data" / "daily.csv")} == {"all", "A", "B", "C", "D"}
    assert {"alias", "delay"} <= {word for text in made.plan.warnings for word in ("alias", "delay") if word in text}
    assert list(check.check(made.out, made.plan.secret)) == []
    # the networks of 23/tcp, by all sensors; 7777's by one alone
    found = {row.key for row in made.plan.book.ranking("source", made.plan.book.span(FIRST, TODAY)).rows}
    assert "8.8.23.0/24" in found and f"8.8.{ALONE % 200}.0/24" not in found


def test_the_manifest_says_the_rules_and_no_place(site: Site) -> None:
    text = (site.out / "manifest.json").read_text()
    told = json.loads(text)
    assert told["rules"]["least_sensors"] == 3 and told["last_day"] == "2026-08-23" and told["sensors"] == 4
    assert str(site.settings.lake) not in text and not any(name in text for name in SENSORS)
