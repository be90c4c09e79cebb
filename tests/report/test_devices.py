"""Devices in words, in a stack with its line, in a table; every host is in it, in both languages."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from teiten import lang
from teiten.devices import signatures
from teiten.devices.asked import UNKNOWN, Day, Found
from teiten.devices.churn import Count
from teiten.report import devices, figures

DAYS = [dt.date(2021, 5, 25), dt.date(2021, 5, 26), dt.date(2021, 5, 27)]


def found() -> Found:
    """Two days on which devices were seen, and one that nobody watched."""
    count = Count(30, 25, 20, 20, 25)
    seen = {"logitec": 20, "xiongmai": 10, UNKNOWN: 70}
    by_family = {"logitec": count, "xiongmai": Count(10, 0, 0, 3, 10)}
    days = [Day(day, 100, Counter(seen), count, by_family) for day in DAYS[:2]]
    families = Counter({"logitec": 25, "xiongmai": 12})
    return Found(
        days, Count(37, 25, 21, 21, 33), families, {"logitec": Count(25, 25, 21, 21, 21)}, signatures.built_in(), "SELECT 1", 2
    )


def context(code: str) -> Any:
    return SimpleNamespace(words=lang.words(code), say=lang.words(code))


def test_the_stack_holds_every_host_and_the_line_only_what_was_told() -> None:
    hosts = {DAYS[0]: 100, DAYS[1]: 110, DAYS[2]: None}
    layers = devices.layers(found(), context("en"), DAYS, hosts)
    assert [one.key for one in layers] == ["logitec", "xiongmai", "unknown"] and layers[-1].kind == "unknown"
    assert [sum(one.values[n] or 0 for one in layers) for n in (0, 1)] == [100, 110]
    assert all(one.values[2] is None for one in layers)
    (line,) = devices.lines(found(), context("en"), DAYS)
    assert list(line.values) == [20.0, 20.0, None]


@pytest.mark.parametrize(
    ("code", "words"),
    [("en", ("Logitec router (40)", "21 devices", "30.0")), ("ja", ("ロジテックのルータ(40)", "21台", "30.0"))],
)
def test_sentences(code: str, words: tuple[str, ...]) -> None:
    said = " ".join(devices.sentences(found(), context(code)))
    assert all(word in said for word in words), said
    assert "{" not in said


def test_the_table_names_the_rest_last() -> None:
    rows = devices.table_rows(found(), lang.words("en"))
    assert [row[0] for row in rows] == ["Logitec router", "Xiongmai recorder or camera", "unknown: no evidence"]
    assert (rows[0][2], rows[0][4]) == ("40", "21") and rows[-1][-1] == "–"


def test_a_stack_with_a_line_draws_it_and_names_it() -> None:
    figure = devices.figure_of(found(), context("en"), "x", DAYS, dt.UTC, title="t", subtitle="s")
    sheet = figures.sheet(figure, width=900, lang="en")
    text = sheet.finish("t", "t", sheet.y)
    assert "unique devices" in text and "unique devices" not in figures.sheet(
        figures.StackFigure(id="y", title="t", times=figure.times, series=figure.series, step="day"), width=900, lang="en"
    ).finish("t", "t", 100)
