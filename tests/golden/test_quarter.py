"""The golden quarter: every figure of every table of the report is the one that a few lines of polars make of the truth."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import truth as golden
from counted import EXPECTED, Truth

from teiten import intake, periods, rollup, settings
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.enrich import datasets, geo
from teiten.lake import Lake
from teiten.readers import _input
from teiten.report import edition

SIZES = {
    "sensors": (6, 1.0, False),
    "30 sensors": (30, 6.0, True),
    "30 sensors, from events": (30, 6.0, False),
    "a /20": (1, 6.0, True),
    "a /20, from events": (1, 6.0, False),
}
"""sensors, how much comes, and whether days' aggregates are used"""


@dataclass(frozen=True)
class Made:
    """A golden quarter, and the folder of its report."""

    truth: Truth
    report: Path

    def rows(self, name: str) -> list[dict[str, str]]:
        text = (self.report / "data" / f"{name}.csv").read_text(encoding="utf-8-sig")
        return list(csv.DictReader(io.StringIO("".join(x for x in text.splitlines(keepends=True) if not x.startswith("#")))))


def land(address: int) -> str | None:
    """The country of an address by the data of those days, which are given; what is counted from them is what is tested."""
    data = datasets.of_day("country", golden.QUARTER)
    return geo.lookup(address.to_bytes(4, "big"), data)[1] if data else None


def report(lake: Lake, config: Path, out: Path, *, counted: bool = False) -> Path:
    """The quarter's report, from finished days' aggregates or from events alone."""
    chosen = settings.load(config=config)
    if counted:
        rollup.ensure(lake, chosen, rollup.stale(lake, chosen))
    with Session(lake, chosen, counted=counted) as session:
        period = periods.parse("quarterly", "2021-Q3", chosen.zone)
        edition.make(session, chosen, period, Filters(), {"en": out}, "teiten report", pictures=False)
        assert session.has_counted is counted
    return out


def stored(config: Path, folder: Path) -> Lake:
    chosen = settings.load(config=config)
    lake = Lake.create(folder / "lake", chosen.zone_name)
    paths = sorted(str(p) for p in config.parent.iterdir() if p != config)
    result = intake.ingest(lake, list(_input.inputs(paths, chosen.reading)), chosen)
    assert not result.failed
    return lake


@pytest.fixture(
    scope="module",
    params=[
        "sensors",
        *(pytest.param(name, marks=[pytest.mark.full, pytest.mark.timeout(1800)]) for name in SIZES if name != "sensors"),
    ],
)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("golden")
    sensors, scale, counted = SIZES[request.param]
    dark = sensors == 1
    packets = golden.golden(1, sensors, scale, dark=dark, land=land)
    write = golden.write_capture(packets, folder / "in") if dark else golden.write_logs(packets, folder / "in", sensors)
    lake = stored(write, folder)
    return Made(
        Truth(packets, sensors, golden.DARK.num_addresses if dark else 1),
        report(lake, write, folder / "report", counted=counted),
    )


def differences(rows: list[dict[str, str]], want: pl.DataFrame, keys: tuple[str, ...]) -> Iterator[str]:
    """What the report says otherwise than the truth, a sentence each."""
    kinds = want.schema
    got = {tuple(value(row[k], kinds[k]) for k in keys): row for row in rows}
    expected = {tuple(row[k] for k in keys): row for row in want.iter_rows(named=True)}
    if len(got) < len(rows):
        yield f"{len(rows) - len(got)} rows have the keys of another"
    for key in expected.keys() ^ got.keys():
        yield f"{key}: {'only in the truth' if key in expected else 'only in the report'}"
    for key in expected.keys() & got.keys():
        for name, right in expected[key].items():
            said = value(got[key][name], kinds[name])
            if said != (pytest.approx(right, rel=1e-5, abs=1e-4) if isinstance(right, float) else right):
                yield f"{key}: {name} is {right}, and the report says {said}"


def value(text: str, kind: Any) -> Any:
    """A cell as that type; empty: null."""
    if text == "":
        return None
    if kind == pl.Date:
        return dt.date.fromisoformat(text[:10])
    if kind == pl.Boolean:
        return text.lower() == "true"
    return int(text) if kind.is_integer() else float(text) if kind.is_float() else text


@pytest.mark.full
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_table_says_what_the_truth_says(made: Made, name: str) -> None:
    if not (made.report / "data" / f"{name}.csv").exists():
        pytest.skip("not in this report")
    keys, make = EXPECTED[name]
    found = list(differences(made.rows(name), make(made.truth), keys))
    assert not found, found[:12]


OTHERWISE = {"summary", "changes", "addenda"}
"""tables without figures of the lake"""


@pytest.mark.full
def test_every_table_is_held_against_the_truth(made: Made) -> None:
    names = {p.stem for p in (made.report / "data").glob("*.csv")}
    assert names
    assert names <= EXPECTED.keys() | OTHERWISE, sorted(names - EXPECTED.keys() - OTHERWISE)


@pytest.mark.full
def test_where_a_port_rose_is_what_was_put_in(made: Made) -> None:
    """9530 rises everywhere, 6666 at home, 7777 at one sensor."""
    if made.truth.sensors < 2:
        pytest.skip("one sensor has nothing to be compared with")
    said = {(row["dst_port"], row["change"]): (row["where"], row["group"]) for row in made.rows("sensors-spread")}
    assert said["9530", "rose"] == ("everywhere", "")
    assert said["6666", "rose"] == ("group", "domestic")
    assert said["7777", "rose"] == ("one", "")
