"""However the same packets come, in which files, in which order, at once or in turn: no figure of the report changes."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pytest
import truth as golden
from test_quarter import report

from teiten import intake, settings
from teiten.lake import Lake
from teiten.readers import _input

SENSORS = 3
DAYS = ("2021-08-16", "2021-08-19")
"""with the flood, and a day of each kind of scanner"""


@pytest.fixture(scope="module")
def packets() -> pl.DataFrame:
    whole = golden.golden(4, SENSORS, 1.0)
    return whole.filter(pl.col("day").is_between(*(pl.lit(day).str.to_date() for day in DAYS)))


def tables(folder: Path, packets: pl.DataFrame, by: tuple[str, ...], *, turns: int = 1, seed: int = 0) -> dict[str, bytes]:
    """The report's CSVs of a lake that was made of those files, shuffled, in so many turns."""
    config = golden.write_logs(packets, folder / "in", SENSORS, by=by)
    chosen = settings.load(config=config)
    lake = Lake.create(folder / "lake", chosen.zone_name)
    paths = sorted(str(path) for path in (folder / "in").glob("*.log"))
    random.Random(seed).shuffle(paths)
    for turn in range(turns):
        result = intake.ingest(lake, list(_input.inputs(paths[turn::turns], chosen.reading)), chosen)
        assert not result.failed
    out = report(lake, config, folder / "report")
    return {path.name: path.read_bytes() for path in sorted((out / "data").glob("*.csv"))}


@pytest.fixture(scope="module")
def whole(packets: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return tables(tmp_path_factory.mktemp("whole"), packets, ("sensor",))


@pytest.mark.full
@pytest.mark.parametrize(
    ("by", "turns"),
    [
        (("sensor", "day"), 1),
        pytest.param(("sensor", "piece"), 3, marks=pytest.mark.full),
        pytest.param(("sensor", "day", "piece"), 2, marks=pytest.mark.full),
    ],
    ids=["days", "files in turn", "days and files in turn"],
)
def test_no_figure_changes(
    packets: pl.DataFrame, whole: dict[str, bytes], by: tuple[str, ...], turns: int, tmp_path: Path
) -> None:
    pieces = packets.with_columns(piece=pl.int_range(pl.len()) * 5 // pl.len())
    split = tables(tmp_path, pieces, by, turns=turns, seed=7)
    assert split.keys() == whole.keys()
    assert [name for name in whole if split[name] != whole[name]] == []
