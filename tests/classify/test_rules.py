"""Every rule is held to its contract, on events made for it; then what the rules on announced scanners and ports say."""

from __future__ import annotations

import ipaddress
import json
import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from tests.classify import examples
from tests.classify.examples import TOKYO, event, judged

from teiten import correcting
from teiten.classify import rules
from teiten.classify.material import COUNTS
from teiten.classify.rules import Part
from teiten.lake import Lake
from teiten.settings import LANGUAGES, THRESHOLDS

PARTS = rules.parts()
RETIRED: set[str] = set()
IDS = {
    "announced_prefix": "announced_scanner", "announced_name": "announced_scanner", "port_scanner": "port_scanner",
    "tool_mirai": "tool", "tool_masscan": "tool", "tool_zmap_mark": "tool", "tool_nmap": "tool", "tool_hping3": "tool",
    "tool_zmap_order": "tool", "mirai_ports": "mirai_ports", "telnet_without_mirai": "telnet_without_mirai",
    "mirai_wide": "mirai_wide",
    "large_scanner": "large_scanner",
    "backscatter": "backscatter", "attack_victim": "attack_victim", "spoofed_flood": "spoofed_flood", "port_run": "port_run",
    "many_ports": "many_ports", "misconfiguration": "misconfiguration",
}  # fmt: skip
"""id -> label, as they stand in lakes: an entry here is never changed, only added"""


def named(lake: Lake, number: str) -> dict[str, set[str | None]]:
    """Source -> values, of that rule's verdicts."""
    found: dict[str, set[str | None]] = defaultdict(set)
    for src, rule, value in lake.verdicts().select("src_ip", "rule", "value").rows():
        if rule == number:
            found[str(ipaddress.ip_address(src))].add(value)
    return dict(found)


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
    assert set(rule.counts) <= set(COUNTS)
    assert (part.choose is not None) == (rule.over == "chosen")
    for text in rule.because.values():
        assert set(re.findall(r"\{(\w+)\}", text)) <= set(rule.thresholds)
    assert rules.rule(rule.id) == rule
    assert {rules.because(rule.id, code, TOKYO) for code in LANGUAGES}


def test_a_count_that_no_rule_names_is_not_there() -> None:
    assert set(COUNTS) - {"packets", "events"} == {name for part in PARTS for name in part.rule.counts}


def test_every_verdict_can_be_corrected() -> None:
    assert {part.rule.label for part in PARTS} == set(correcting.LABELS)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.rule.id)
def test_a_rule_keeps_the_contract(part: Part, tmp_path: Path) -> None:
    given = examples.of(part.rule.id, tmp_path)
    lake, result = judged(tmp_path, given.events, given.settings)
    assert named(lake, part.rule.id) == given.named
    mine = [row for row in lake.verdicts().to_dicts() if row["rule"] == part.rule.id]
    assert result.labels[part.rule.label] >= len(mine) > 0
    assert len({(row["src_ip"], row["day"], row["value"]) for row in mine}) == len(mine)
    destinations = {row["dst_ip"] for row in given.events}
    for row in mine:
        assert 0 <= row["confidence"] <= 1
        assert row["label"] == part.rule.label
        counts = json.loads(row["evidence"])
        assert counts["packets"] > 0
        assert not [dst for dst in destinations if dst in row["evidence"]], "evidence names a sensor's address"
        if "lists" in part.rule.needs:
            assert row["list"]
            assert row["list_version"]
    # whatever the order in which the events are kept
    (tmp_path / "again").mkdir()
    again, _ = judged(tmp_path / "again", given.events[::-1], given.settings)
    columns = ["src_ip", "day", "label", "value", "rule", "confidence", "evidence"]
    assert sorted(again.verdicts().select(columns).rows(), key=repr) == sorted(lake.verdicts().select(columns).rows(), key=repr)


def test_an_ordinary_day_gives_no_verdict(tmp_path: Path) -> None:
    """A thousand hosts that try a port or two."""
    rows = [
        event(n, f"203.0.{n % 250}.{n // 250}", 0x2C0B0000 + n * 37 % 65536, dst_port=(23, 22, 445)[n % 3]) for n in range(1000)
    ]
    rows += [event(5000 + n, "2001:db8::9", dst_ip="2001:db8:1::1", dst_port=22) for n in range(3)]
    lake, result = judged(tmp_path, rows)
    assert result.sources == 1001
    assert lake.verdicts().height == 0


def test_port_scanner_goes_by_its_setting(tmp_path: Path) -> None:
    given = examples.of("port_scanner", tmp_path)
    more = replace(TOKYO, thresholds={"port_scanner_ports": 20.0})
    lake, _ = judged(tmp_path, given.events, more)
    assert named(lake, "port_scanner") == {"2001:db8::1": {None}}
    assert rules.because("port_scanner", "en", more).startswith("it tried 20 ports")  # type: ignore[union-attr]


def test_without_names_nothing_is_announced_by_name(tmp_path: Path) -> None:
    given = examples.of("announced_name", tmp_path)
    lake, _ = judged(tmp_path, given.events)
    assert named(lake, "announced_name") == {}


def test_evidence_says_what_else_the_lists_say(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("prefix,organisation,from\n153.231.216.0/24,Somebody,2019-01-01\n")
    given = examples.of("announced_prefix", tmp_path)
    lake, _ = judged(tmp_path, given.events, replace(TOKYO, watchlists=(tmp_path / "o.csv",)))
    (row,) = [row for row in lake.verdicts().to_dicts() if row["rule"] == "announced_prefix"]
    said = json.loads(row["evidence"])
    assert row["value"] == "NOTICE"  # the longer prefix
    assert said["prefix"] == "153.231.216.176/29"
    assert [text.partition(" ")[0] for text in said["also"]] == ["Somebody"]
