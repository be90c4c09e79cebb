"""Cells of days: each count in its hour, hosts counted exactly, the rarest put together without losing any."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import manyfold
import polars as pl
import pytest
from making import T0, fill

from teiten.engine import open_session
from teiten.lake import Lake, changes
from teiten.rollup import cells
from teiten.settings import Settings, load

ZONE = "Asia/Tokyo"
KEY = ("protocol", "dst_port", "country", "asn", "scanner")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = Lake.create(tmp_path_factory.mktemp("cells") / "lake", ZONE)
    manyfold.store(made, manyfold.rows(1500, ZONE, 7))
    return made


def settings(lake: Lake, **thresholds: float) -> Settings:
    found = load(zone=ZONE, lake=str(lake.path))
    found.thresholds.update(thresholds)
    return found


def counted(lake: Lake, chosen: Settings) -> tuple[pl.DataFrame, dict[dt.date, cells.Least]]:
    with open_session(lake, chosen, counted=False) as session:
        return cells.count(session, manyfold.DAYS)


def by_hand(zone: str) -> dict[tuple[Any, ...], tuple[int, int]]:
    """Attempts of the same rows, counted one by one: packets and sources of each cell."""
    packets: dict[tuple[Any, ...], int] = {}
    sources: dict[tuple[Any, ...], set[str]] = {}
    for row in manyfold.rows(1500, zone, 7):
        if row["action"] in ("accept", "audit") or row["interface"] == "":
            continue
        hour = row["time"].replace(minute=0, second=0, microsecond=0)
        day = row["time"].astimezone(ZoneInfo(zone)).date()
        key = (day, hour, row["sensor"], row.get("protocol", 6), row["dst_port"], row["country"], row["asn"])
        packets[key] = packets.get(key, 0) + row["packets"]
        sources.setdefault(key, set()).add(row["src_ip"])
    return {key: (n, len(sources[key])) for key, n in packets.items()}


def test_each_cell_has_its_packets_and_hosts(lake: Lake) -> None:
    frame, least = counted(lake, settings(lake))
    assert least == {} and frame["part"].unique().to_list() == [changes.WHOLE]
    found = {
        (r["day"], r["time"], r["sensor"], r["protocol"], r["dst_port"], r["country"], r["asn"]): (r["packets"], r["hosts"])
        for r in frame.iter_rows(named=True)
    }
    assert found == by_hand(ZONE)


@pytest.mark.parametrize("most", [1, 5, 40, 150])
def test_what_is_put_together_is_kept_by_each_of_its_columns(lake: Lake, most: int) -> None:
    whole, _ = counted(lake, settings(lake))
    frame, least = counted(lake, settings(lake, detect_cells=most))
    assert set(least) == set(manyfold.DAYS)
    kept = frame.filter(pl.col("part") == changes.WHOLE)
    assert all(own.height <= most for own in kept.partition_by("day"))
    totals = whole.group_by("day", *KEY).agg(pl.col("packets").sum().alias("n"))
    rare = whole.join(totals, on=["day", *KEY], nulls_equal=True).filter(
        pl.col("n") < pl.col("day").replace_strict({day: one.cell for day, one in least.items()}, return_dtype=pl.Int64)
    )
    for part, columns in changes.PARTS.items():
        tail = frame.filter(pl.col("part") == part)
        for measure in ("packets", "hosts"):
            # nothing is lost, and nothing is there twice
            assert kept[measure].sum() + tail[measure].sum() == whole[measure].sum()
        one = next(iter({"dst_port", "asn"} & set(columns)), None)
        named = tail if one is None else tail.filter((pl.col(one) != changes.OTHERS).fill_null(True))
        by = ["day", *columns]
        truth = rare.group_by(by).agg(pl.col("packets", "hosts").sum())
        same = named.select(*by, "packets", "hosts").join(truth, on=[*by, "packets", "hosts"], nulls_equal=True)
        # what keeps a row of its own has all its counts but where others of it are kept apart on the same day
        assert same.height == named.height


def test_cells_are_made_again_when_something_changed(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", "UTC")
    fill(lake, [{"time": T0 + dt.timedelta(hours=n)} for n in range(30)])
    chosen = load(zone="UTC", lake=str(lake.path))
    first, second = T0.date(), T0.date() + dt.timedelta(days=1)
    assert cells.ensure(lake, chosen, [first, second]) == [first, second]
    assert cells.stale(lake, chosen) == {} and cells.ensure(lake, chosen, [first, second]) == []
    assert lake.changes("cells", "UTC", [first])["packets"].sum() == 24
    fill(lake, [{"time": T0 + dt.timedelta(hours=25), "source_id": 2}])
    assert list(cells.stale(lake, chosen)) == [second]
    assert cells.ensure(lake, chosen, [first, second]) == [second]
    assert lake.changes("cells", "UTC", [second])["packets"].sum() == 7
    chosen.thresholds["detect_cells"] = 10
    assert sorted(cells.stale(lake, chosen)) == [first, second]


def test_a_zone_of_half_hours_has_its_days(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", "Asia/Kolkata")
    midnight = dt.datetime(2026, 4, 1, 18, 30, tzinfo=dt.UTC)
    fill(lake, [{"time": midnight + dt.timedelta(minutes=m)} for m in (-1, 0, 10)])
    chosen = load(zone="Asia/Kolkata", lake=str(lake.path))
    days = [dt.date(2026, 4, 1), dt.date(2026, 4, 2)]
    with open_session(lake, chosen) as session:
        frame, _ = cells.count(session, days)
    hour = midnight.replace(minute=0)
    assert frame.select("day", "time", "packets").rows() == [(days[0], hour, 1), (days[1], hour, 2)]
