"""A small day of everything mixed, judged by the real commands and held against its truth."""

from __future__ import annotations

import pytest

from teiten.bench import classify
from teiten.bench.classify import World


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, float], str]:
    small = World("p24", ("telescope",), (1,), (), ("--days", "1", "--events", "60000"), targets=16)
    figures, words = classify.run_world(small, tmp_path_factory.mktemp("classify"), True)
    return figures, "\n".join(words)


def test_every_packet_has_its_cause_and_every_cause_its_packet(day: tuple[dict[str, float], str]) -> None:
    figures, _ = day
    assert figures["p24.packets"] > 50_000 and figures["p24.strays"] == 0
    assert figures["p24.mirai.above"] > 500 and figures["p24.spoofed-flood.all"] > 1000


def test_the_table_says_the_goal_beside_the_figure(day: tuple[dict[str, float], str]) -> None:
    rows = classify._world_table(classify.WORLDS[0], {"p24.mirai.right": 9, "p24.mirai.precision": 0.98} | day[0])
    (mirai,) = [row for row in rows if row.startswith("  mirai")]
    assert "0.99" in mirai and "3 packets" in mirai
