"""What rules are given: counts of the days asked for, events in parts that hold a source whole, pieces of many verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.classify import examples
from tests.classify.examples import DARK, TOKYO, event, judged, lake_of

from teiten import classify
from teiten.classify import material, verdicts, watchlists
from teiten.classify.material import COUNTS, Events, Material
from teiten.engine.duckdb import Session
from teiten.lake import _daily

ROWS = [event(n, f"192.0.2.{n % 7}", DARK + n, dst_port=23 if n % 7 < 3 else n) for n in range(700)]


def asked(session: Session) -> Events:
    day = f"DATE '{examples.DAY}'"
    return Events(session, day, "true", [name for name in COUNTS if name not in ("packets", "events")], 10)


def test_counts_are_those_of_the_events(tmp_path: Path) -> None:
    with Session(lake_of(tmp_path, ROWS), TOKYO) as session:
        events = asked(session)
        assert events.height == 7
        (frame,) = events.frames(list(COUNTS))
        assert dict(frame.schema) == material.SOURCES
        assert frame.drop("src_ip", "day", "first", "last", "ports").null_count().sum_horizontal().item() == 0
        by_source = {row["src_ip"][3]: row for row in frame.to_dicts()}
        assert by_source[0]["events"] == by_source[0]["telnet"] == by_source[0]["asks"] == 100
        assert (by_source[0]["ports"], by_source[5]["ports"]) == (1, 100)
        assert by_source[5]["telnet"] == 0
        chosen = events.choose("ports > 1", ["ports"])
        assert sorted(chosen["src_ip"].bin.slice(3).to_list()) == [b"\3", b"\4", b"\5", b"\6"]
        events.close()
        assert session.query("SELECT count(*) AS n FROM events")[0]["n"] == 700


@pytest.mark.parametrize("most", [None, 3])
def test_parts_hold_a_source_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int | None) -> None:
    monkeypatch.setattr(material, "PART_EVENTS", 150)
    with Session(lake_of(tmp_path, ROWS), TOKYO) as session:
        events = asked(session)
        events.choose("ports > 1", [])
        given = Material(pl.DataFrame(), watchlists.load(), None, TOKYO, [examples.DAY], asked=events, restricted=True)
        parts = list(given.events(["src_ip", "day", "dst_port AS port"], "dst_port <> 3", most=most))
        assert len(parts) > 1
        sources = [set(part["src_ip"]) for part in parts]
        assert sum(map(len, sources)) == len(set.union(*sources)) == 4
        whole = pl.concat(parts)
        assert whole.columns == ["src_ip", "day", "port"]
        assert whole.height == (4 * 100 - 1 if most is None else 12)
        assert 3 not in whole["port"]


def test_a_rule_on_counts_has_no_events() -> None:
    with pytest.raises(RuntimeError, match="has no events"):
        Material(pl.DataFrame(), watchlists.load(), None, TOKYO).ask("SELECT 1")


def test_many_verdicts_go_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[dict[str, Any]] = [
        event(n, f"203.0.{src // 250}.{src % 250}", dst_port=1 + n) for src in range(300) for n in range(10)
    ]
    (tmp_path / "whole").mkdir()
    whole, _ = judged(tmp_path / "whole", rows)
    for name, number in (("PIECE_ROWS", 50), ("STORE_ROWS", 80)):
        monkeypatch.setattr(verdicts, name, number)
    monkeypatch.setattr(material, "PART_SOURCES", 40)
    monkeypatch.setattr(_daily, "ROWS", 100)
    lake, result = judged(tmp_path, rows)
    assert result.labels["port_scanner"] == 300
    assert lake.verdicts().height == whole.verdicts().height
    columns = ["src_ip", "day", "label", "value", "rule", "evidence"]
    assert lake.verdicts().select(columns).sort(columns).equals(whole.verdicts().select(columns).sort(columns))
    # judged again, the day's many files are replaced
    assert classify.run(lake, TOKYO.__class__("Asia/Tokyo", "flag", thresholds={"port_scanner_ports": 11.0})).days
    assert lake.verdicts().filter(pl.col("label") == "port_scanner").height == 0
