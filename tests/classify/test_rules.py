"""Every rule is held to its contract; then what each of them says."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
from pathlib import Path

import polars as pl
import pytest

from teiten.classify import names, rules, watchlists
from teiten.classify.names import Names
from teiten.classify.rules import FOUND, SOURCES, Material, Part
from teiten.settings import LANGUAGES, THRESHOLDS, Settings

DAY = dt.date(2019, 2, 21)
PARTS = rules.parts()
RETIRED: set[str] = set()
IDS = {"announced_prefix": "announced_scanner", "announced_name": "announced_scanner", "port_scanner": "port_scanner"}
"""id -> label, as they stand in lakes: an entry here is never changed, only added"""


def packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def sources(*rows: tuple[str, int, int | None], day: dt.date = DAY) -> pl.DataFrame:
    made = [(packed(src), day, packets, ports) for src, packets, ports in rows]
    return pl.DataFrame(made, schema=SOURCES, orient="row")


def material(frame: pl.DataFrame, known: Names | None = None, chosen: Settings | None = None) -> Material:
    chosen = chosen or Settings("Asia/Tokyo", "flag")
    return Material(frame, watchlists.load(), known, chosen)


def everything() -> Material:
    """Sources on which every rule has something to say."""
    told = pl.DataFrame([(packed("192.0.2.1"), "x.shodan.io", None, None)], schema=names.SCHEMA, orient="row")
    frame = sources(
        ("153.231.216.178", 11, 11),
        ("192.0.2.1", 3, None),
        ("192.0.2.2", 40, 10),
        ("192.0.2.3", 40, 9),
        ("2001:db8::1", 99, 50),
    )
    return material(frame, Names(told, "x"))


def test_ids_are_those_of_the_lakes() -> None:
    found = {part.rule.id: part.rule.label for part in PARTS}
    assert found == {k: v for k, v in IDS.items() if k not in RETIRED}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.rule.id)
def test_a_rule_declares_itself(part: Part) -> None:
    rule = part.rule
    assert re.fullmatch(r"[a-z][a-z0-9_]*", rule.id)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", rule.label)
    assert set(rule.because) == set(LANGUAGES)
    assert all(rule.because.values())
    assert rule.source
    assert set(rule.thresholds) <= set(THRESHOLDS)
    for text in rule.because.values():
        assert set(re.findall(r"\{(\w+)\}", text)) == set(rule.thresholds)
    assert rules.rule(rule.id) == rule


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.rule.id)
def test_a_rule_keeps_the_contract(part: Part) -> None:
    given = everything()
    found = part.judge(given)
    assert found.schema == FOUND
    assert found.height, "the test's sources hold nothing for this rule"
    assert not found.select(pl.struct("src_ip", "day").is_duplicated().any()).item()
    pairs = set(given.sources.select("src_ip", "day").rows())
    assert set(found.select("src_ip", "day").rows()) <= pairs
    assert found["confidence"].is_between(0, 1).all()
    for text in found["evidence"]:
        counts = json.loads(text)
        assert isinstance(counts, dict)
        assert counts["packets"] > 0
    if "lists" in part.rule.needs:
        assert not found["list"].null_count()
        assert not found["list_version"].null_count()


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.rule.id)
def test_a_rule_with_nothing_to_say_says_nothing(part: Part) -> None:
    for frame in (sources(), sources(("192.0.2.9", 1, None), ("2001:db8::9", 1, None))):
        found = part.judge(material(frame))
        assert found.height == 0
        assert found.schema == FOUND


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.rule.id)
def test_a_rule_judges_the_same_whatever_the_order(part: Part) -> None:
    given = everything()
    again = Material(given.sources.reverse(), given.watchlists, given.names, given.settings)
    keys = ["src_ip", "day"]
    assert part.judge(given).sort(keys).equals(part.judge(again).sort(keys))


def judge(number: str, given: Material) -> list[tuple[str, str | None]]:
    part = next(p for p in PARTS if p.rule.id == number)
    found = part.judge(given)
    return sorted((str(ipaddress.ip_address(s)), v) for s, v in found.select("src_ip", "value").rows())


def test_port_scanner_is_ten_ports_or_more() -> None:
    assert judge("port_scanner", everything()) == [("153.231.216.178", None), ("192.0.2.2", None), ("2001:db8::1", None)]


def test_port_scanner_goes_by_its_setting() -> None:
    given = everything()
    more = Settings("Asia/Tokyo", "flag", thresholds={"port_scanner_ports": 20.0})
    found = Material(given.sources, given.watchlists, None, more)
    assert judge("port_scanner", found) == [("2001:db8::1", None)]


def test_announced_by_prefix_and_by_name() -> None:
    assert judge("announced_prefix", everything()) == [("153.231.216.178", "NOTICE")]
    assert judge("announced_name", everything()) == [("192.0.2.1", "Shodan")]


def test_without_names_nothing_is_announced_by_name() -> None:
    assert judge("announced_name", material(everything().sources)) == []


def test_evidence_says_what_else_the_lists_say(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("prefix,organisation,from\n153.231.216.0/24,Somebody,2019-01-01\n")
    chosen = Settings("Asia/Tokyo", "flag", watchlists=(tmp_path / "o.csv",))
    given = Material(sources(("153.231.216.178", 11, 11)), watchlists.load(chosen), None, chosen)
    part = next(p for p in PARTS if p.rule.id == "announced_prefix")
    (row,) = part.judge(given).to_dicts()
    said = json.loads(row["evidence"])
    assert row["value"] == "NOTICE"  # the longer prefix
    assert said["prefix"] == "153.231.216.176/29"
    assert [text.partition(" ")[0] for text in said["also"]] == ["Somebody"]
