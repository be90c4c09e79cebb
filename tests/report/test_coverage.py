"""Coverage from gaps: shares, reasons, what is common to all sensors, what is one sensor's own."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from teiten import periods
from teiten.engine.gaps import NOT_OBSERVED, SILENT
from teiten.report.coverage import coverage

TOKYO = ZoneInfo("Asia/Tokyo")
DAY = periods.parse("daily", "2019-10-22", TOKYO)


def at(hour: float) -> dt.datetime:
    return DAY.start + dt.timedelta(hours=hour)


def gap(sensor: str, start: float, end: float, reason: str = SILENT) -> dict[str, object]:
    return {"sensor": sensor, "start": at(start), "end": at(end), "reason": reason}


def test_none() -> None:
    found = coverage(["a"], [], DAY)
    assert (found.sensors, found.share, found.gaps, found.partial) == (("a",), 1.0, (), 0)


def test_nobody() -> None:
    found = coverage([], [], DAY)
    assert not found.observed() and found.sensors == ()


def test_one_sensor() -> None:
    found = coverage(["a"], [gap("a", -3, 3, NOT_OBSERVED), gap("a", 10, 12), gap("a", 21, 30, NOT_OBSERVED)], DAY)
    assert [(g.start, g.end, g.reason) for g in found.gaps] == [
        (at(0), at(3), "before"),
        (at(10), at(12), "silent"),
        (at(21), at(24), "after"),
    ]
    assert found.share == pytest.approx(16 / 24)


def test_a_sensor_that_was_not_there_is_not_counted() -> None:
    found = coverage(["a", "b"], [gap("b", -9, 40, NOT_OBSERVED)], DAY)
    assert (found.sensors, found.share) == (("a",), 1.0)


def test_gaps_of_one_while_others_watch() -> None:
    found = coverage(["a", "b"], [gap("a", 1, 5), gap("b", 3, 7), gap("b", 20, 22)], DAY)
    assert [(g.start, g.end) for g in found.gaps] == [(at(3), at(5))]
    assert found.partial == 1
    assert found.share == pytest.approx(1 - 10 / 48)


def test_lengths_across_a_change_of_the_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    day = periods.parse("daily", "2019-10-27", berlin)
    found = coverage(["a"], [{"sensor": "a", "start": day.start, "end": day.end, "reason": SILENT}][:0], day)
    assert found.share == 1.0
    rows = [{"sensor": "a", "start": day.start + dt.timedelta(hours=12), "end": day.end, "reason": SILENT}]
    assert coverage(["a"], rows, day).gaps[0].length == dt.timedelta(hours=12)
