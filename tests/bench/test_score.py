"""Verdicts held against a small truth made by hand."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from teiten.bench._score import Claim, alarms, chances, examples, held
from teiten.bench._truth import Seen, rsdos

DAY = dt.date(2026, 4, 1)
A, B, C, D = (bytes([192, 0, 2, n]) for n in range(1, 5))


def seen(verdicts: list[tuple[bytes, str, str | None, str]]) -> Seen:
    units = pl.DataFrame(
        [(A, "mirai", 5), (A, "hosts", 2), (B, "mirai", 1), (C, "hosts", 9), (D, "zmap-new", 30)],
        schema={"src_ip": pl.Binary, "cause": pl.String, "packets": pl.Int64},
        orient="row",
    ).with_columns(
        pl.lit(DAY).alias("day"), pl.col("packets").alias("targets"), run=pl.lit(0), telnet=pl.lit(0), marked=pl.lit(1)
    )
    said = pl.DataFrame(
        verdicts, schema={"src_ip": pl.Binary, "label": pl.String, "value": pl.String, "rule": pl.String}, orient="row"
    ).with_columns(pl.lit(DAY).alias("day"), confidence=pl.lit(1.0), evidence=pl.lit("{}"))
    victims = pl.DataFrame(schema={"src_ip": pl.Binary, "day": pl.Date, "packets": pl.Int64, "rsdos": pl.Int64})
    return Seen(units, victims, said, {"mirai": "mirai", "zmap-new": "zmap"}, 47, 0)


MIRAI = Claim("mirai", "tool", "mirai", tool="mirai", floor=3)


def test_right_wrong_and_missing() -> None:
    found = held(MIRAI, seen([(A, "tool", "mirai", "tool_mirai"), (C, "tool", "mirai", "tool_mirai")]))
    score = found.score
    assert (score.right, score.wrong, score.above, score.found, score.all) == (1, 1, 1, 1, 2)
    assert (score.precision, score.recall, score.recall_all) == (0.5, 1.0, 0.5)
    assert found.wrong["src_ip"].to_list() == [C]
    assert held(MIRAI, seen([]), floor=1).missing["src_ip"].sort().to_list() == [A, B]
    assert (score + score).figures()["above"] == 2 and "precision" not in held(MIRAI, seen([])).score.figures()


def test_another_tool_is_wrong_and_leaves_this_one_missing() -> None:
    verdicts = [(A, "tool", "masscan", "tool_masscan")]
    assert held(MIRAI, seen(verdicts)).score.found == 0
    assert held(Claim("masscan", "tool", "masscan", tool="masscan"), seen(verdicts)).score.wrong == 1


@pytest.mark.parametrize(
    ("rule", "wrong", "found"),
    [("tool_zmap_order", 0, 1), ("tool_zmap_mark", 0, 1)],
)
def test_new_zmap_may_be_found_by_either_rule(rule: str, wrong: int, found: int) -> None:
    order = Claim("order", "tool", "zmap", causes=("zmap-new",), rule="tool_zmap_order", measure="targets", floor=16)
    score = held(order, seen([(D, "tool", "zmap", rule)])).score
    assert (score.wrong, score.found, score.above) == (wrong, found, 1)


def test_ordinary_sources_that_are_named_are_told_with_what_they_sent() -> None:
    one = seen([(C, "tool", "nmap", "tool_nmap"), (A, "tool", "mirai", "tool_mirai")])
    plain, named = alarms(one, frozenset({"hosts"}), ("tool",))
    assert plain == 1 and named["src_ip"].to_list() == [C]
    assert chances(one, frozenset({"hosts"})) == 2
    (line,) = examples(one, named)
    assert "192.0.2.3 2026-04-01: hosts 9 packets" in line and "tool=nmap" in line


def test_a_label_of_most_packets_leaves_out_who_sends_more_of_something_else() -> None:
    claim = Claim("mirai", "tool", "mirai", tool="mirai", share=0.8)
    for verdicts in ([], [(A, "tool", "mirai", "tool_mirai")]):
        score = held(claim, seen(verdicts)).score
        assert (score.all, score.wrong) == (1, 0), "A: 5 of 7 packets are Mirai's, which may be said or not"


@pytest.mark.parametrize(
    ("times", "is_one"),
    [
        ([i * 2.0 for i in range(31)], True),
        ([i * 1.9 for i in range(31)], False),  # over in less than a minute
        ([i * 2.2 for i in range(100)], False),  # never thirty within a minute
        ([i * 2.0 for i in range(20)] + [400 + i * 2.0 for i in range(20)], False),  # two, each too short
        ([i * 400.0 for i in range(5)] + [2000 + i * 2.0 for i in range(31)], True),
        ([], False),
    ],
)
def test_an_attack_by_caidas_rule(times: list[float], is_one: bool) -> None:
    assert rsdos(times) is is_one
