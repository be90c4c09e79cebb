"""Days of simulated lines, as their overviews are read: a household's, three sensors', and the October of a daily overview."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.report.words import reading

from teiten import cli, periods, settings
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.report import edition
from teiten.report.answers import Answers
from teiten.report.model import Report

CODES = ("ja", "en")
OPERATOR = ("データ処理用サーバーのメンテナンス(更新プログラムの適用)",)
"""what the operator of the October line says of its gap"""
LINES = {
    "home": ["--scenario", "home", "--seed", "5", "--days", "24"],
    "sensors": ["--scenario", "sensors", "--sensors", "3", "--seed", "3", "--days", "24", "--events", "90000"],
    "overview": ["--scenario", "overview2019", "--seed", "2"],
}


@pytest.fixture(scope="module", params=sorted(LINES))
def line(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Path]:
    """A lake of that line, and the settings that go with it."""
    folder = tmp_path_factory.mktemp(request.param) / "line"
    assert cli.main(["simulate", *LINES[request.param], "--out", str(folder)]) == 0
    config = folder / "teiten.toml"
    assert cli.main(["ingest", "--config", str(config), str(folder)]) == 0
    assert cli.main(["detect", "--config", str(config)]) == 0
    return Lake.open(settings.load(config=config).lake), config


def pages(lake: Lake, config: Path) -> Iterator[Report]:
    """Each day's, in each language."""
    chosen = settings.load(config=config)
    with open_session(lake, chosen) as session:
        first, last = Answers(session, periods.parse("daily", "2019-10-01", chosen.zone), Filters(), {}).extent or (None, None)
        assert first is not None and last is not None
        for n in range((last.date() - first.date()).days + 1):
            day = first.date() + dt.timedelta(days=n)
            answers = Answers(session, periods.parse("daily", day.isoformat(), chosen.zone), Filters(), chosen.thresholds)
            answers.stories_of = edition._stories(session, chosen)
            for code in CODES:
                yield edition.compose(answers, settings.load(config=config, language=code), code, "teiten report daily")


@pytest.mark.full
def test_thirty_days_read_well(line: tuple[Lake, Path]) -> None:
    found, read = [], 0
    for report in pages(*line):
        read += 1
        found += [f"{report.title}: {fault}" for fault in reading.page_faults(report, OPERATOR)]
    assert read >= 48 and not found, "\n".join(found[:40])
