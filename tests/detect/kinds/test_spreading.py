"""Spreading: countries that join a port's rise one after another, and not all at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl

from teiten.detect.kinds import spreading
from teiten.detect.model import HIGH, About, Detection
from teiten.detect.view import View

Made = Callable[..., View]
_PORT = (6, 9001)


def joining(*first: int, days: int = 36) -> dict[tuple[int, str], Any]:
    """Countries that send to 9001/tcp from so many days before the last on."""
    lands = ("TW", "RU", "VN", "BR", "KR")
    rates = {(9001, land): [1.0] * (days - 1 - day) + [40.0] * (day + 1) for land, day in zip(lands, first, strict=False)}
    return {(23, "CN"): 200, **rates}


def found(view: View, since: int) -> list[Detection]:
    start = view.hours[-24 * (since + 1)]
    rise = Detection(HIGH, About(ports=(_PORT,)), view.day, start, packets=100, usual=5, times=20.0, score=3.0)
    return spreading.find(view, [rise])


def test_countries_are_told_in_the_order_in_which_they_joined(days_of: Made) -> None:
    (one,) = found(days_of(joining(4, 3, 2, 0)), 4)
    assert one.about == About(ports=(_PORT,))
    assert [part.key for part in one.parts] == ["TW", "RU", "VN", "BR"]
    times = [part.since for part in one.parts if part.since is not None]
    assert times == sorted(times) and len(times) == 4
    assert one.reason["joined_today"] == ["BR"]
    assert one.times == 20.0


def test_all_at_once_is_no_spreading(days_of: Made) -> None:
    assert found(days_of(joining(2, 2, 2, 2, 2)), 2) == []


def test_a_day_on_which_none_joins_tells_nothing(days_of: Made) -> None:
    assert found(days_of(joining(5, 4, 3, 2)), 5) == []


def test_two_countries_are_too_few(days_of: Made) -> None:
    assert found(days_of(joining(2, 0)), 2) == []


def test_without_days_before_nothing_can_be_said(days_of: Made) -> None:
    assert found(days_of(joining(1, 0, 0, days=3), 3), 1) == []


def test_an_evening_is_no_change_of_rate(days_of: Made) -> None:
    """Countries whose sources come in the evening are there today as on every day, however many they are."""
    view = days_of({(9001, land): 400.0 for land in ("TW", "RU", "VN", "BR")} | {(23, "CN"): 200})
    evening = view.cells.filter(view.cells["time"].dt.hour() >= 20)
    every = replace(view, cells=pl.concat([view.cells.filter(view.cells["time"].dt.hour() < 20), *[evening] * 6]))
    summed = every.cells.group_by(pl.exclude("packets", "hosts")).agg(pl.col("packets", "hosts").sum())
    assert found(replace(view, cells=summed.select(view.cells.columns)), 2) == []
