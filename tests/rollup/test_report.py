"""A month's report from aggregates: the same files as from events; and what is left when the events are gone."""

from __future__ import annotations

import csv
import datetime as dt
import ipaddress
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from manyfold import rows, store

from teiten import periods, rollup
from teiten.engine import filters, pairs, questions
from teiten.engine.duckdb import Session
from teiten.lake import Lake, _delta
from teiten.lake import rollup as rollups
from teiten.lake._lake import write_meta
from teiten.periods import PeriodKind
from teiten.report import edition
from teiten.settings import Settings

ZONE = "Asia/Tokyo"
NOW = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Settings, dict[str, Path]]:
    """A lake of three days of March and one of April, and its March from events, from aggregates, and with the events gone."""
    folder = tmp_path_factory.mktemp("counted")
    lake, settings = Lake.create(folder / "lake", ZONE), Settings(ZONE, "flag", animations=False, country="US")
    store(lake, rows(1500, ZONE, 4))
    lake.add_note("correction", src="203.0.113.7", label="announced_scanner", value="Alpha")
    lake.add_note("correction", src="203.0.113.9", label="tool", value="zmap")
    rollup.ensure(lake, settings, rollup.stale(lake, settings))
    out = {name: folder / name for name in ("events", "aggregates", "gone")}
    report(lake, settings, out["events"], counted=False)
    report(lake, settings, out["aggregates"], counted=True)
    since = dt.datetime(2026, 4, 1, tzinfo=periods.zone(ZONE))
    table = _delta.Table(lake.path / "events")
    with lake.writer():
        table.commit(remove=[file.name for file in table.files()])
    write_meta(lake.path, replace(lake.meta, kept_since=since.astimezone(dt.UTC).isoformat()))
    lake = Lake.open(lake.path)
    report(lake, settings, out["gone"], counted=True)
    return lake, settings, out


def report(
    lake: Lake, settings: Settings, out: Path, *, counted: bool, kind: PeriodKind = "monthly", name: str = "2026-03"
) -> None:
    period = periods.parse(kind, name, settings.zone)
    with Session(lake, settings, counted=counted) as session:
        edition.make(session, settings, period, filters.parse(settings), {"en": out}, "teiten report", fresh=True, now=NOW)
        assert session.has_counted is counted


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def table(folder: Path, name: str) -> list[dict[str, Any]]:
    text = (folder / "data" / f"{name}.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


@pytest.mark.full
def test_the_same_files_come_from_aggregates(made: tuple[Lake, Settings, dict[str, Path]]) -> None:
    _, _, out = made
    events, counted = files(out["events"]), files(out["aggregates"])
    assert events.keys() == counted.keys()
    assert [name for name in events if events[name] != counted[name]] == ["manifest.json"]


@pytest.mark.full
@pytest.mark.parametrize(("kind", "name"), [("monthly", "2026-03"), ("quarterly", "2026-Q1")])
def test_the_same_files_come_where_the_period_was_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: PeriodKind, name: str
) -> None:
    lake, settings = Lake.create(tmp_path / "lake", ZONE), Settings(ZONE, "flag", animations=False, country="US")
    store(lake, rows(1500, ZONE, 4))
    lake.add_note("correction", src="203.0.113.7", label="announced_scanner", value="Alpha")
    report(lake, settings, tmp_path / "events", counted=False, kind=kind, name=name)
    monkeypatch.setattr(pairs, "LEAST", 0)
    report(lake, settings, tmp_path / "once", counted=False, kind=kind, name=name)
    events, once = files(tmp_path / "events"), files(tmp_path / "once")
    assert events.keys() == once.keys()
    assert [name for name in events if events[name] != once[name]] == []


@pytest.mark.full
def test_without_events_the_figures_stay(made: tuple[Lake, Settings, dict[str, Path]]) -> None:
    _, _, out = made
    for name in ("ports", "countries", "hours"):
        assert table(out["gone"], name) == table(out["events"], name)
    said = (out["gone"] / "report.md").read_text(encoding="utf-8")
    assert "no longer kept" in said and "no longer kept" not in (out["events"] / "report.md").read_text(encoding="utf-8")


@pytest.mark.full
def test_nothing_is_counted_again_where_events_are_gone(made: tuple[Lake, Settings, dict[str, Path]]) -> None:
    lake, settings, _ = made
    assert not any(day < dt.date(2026, 4, 1) for day in rollup.stale(lake, settings))
    assert rollup.kept(lake, settings, [dt.date(2026, 3, 30)]) == {dt.date(2026, 3, 30)}


@pytest.mark.full
def test_forgetting_reaches_aggregates_of_days_without_events(made: tuple[Lake, Settings, dict[str, Path]]) -> None:
    lake, settings, _ = made
    one = ipaddress.ip_address("203.0.113.8")

    def held() -> list[int]:
        tables = {name: pl.concat([pl.read_parquet(f) for f in lake.rollup_files(name)]) for name in rollups.TABLES}
        ports, busy = (tables[name]["host"].eq(rollups.hashed(one.packed)).sum() for name in ("rollup_ports", "rollup_busy"))
        named = [tables[name]["src_ip"].to_list().count(one.packed) for name in ("rollup_sources", "rollup_pairs")]
        return [*named, int(ports), int(busy)]

    assert all(held())
    found = lake.forget(ipaddress.ip_network("203.0.113.8"))
    assert found.aggregates
    assert held() == [0, 0, 0, 0]
    start, end = (dt.datetime(2026, month, 1, tzinfo=settings.zone) for month in (3, 4))
    with Session(lake, settings) as session:
        sources = questions.rank(session, "sources", start, end)
        assert sources.counted and str(one) not in [row["src_ip"] for row in sources]
