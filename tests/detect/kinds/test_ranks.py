"""Places in the ranking of three days: passed beyond chance, and by a change of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from teiten.detect.kinds import ranks
from teiten.detect.model import CLOSING_IN, HIGH, OVERTOOK, About, Detection
from teiten.detect.view import View

Made = Callable[..., View]
QUIET: dict[tuple[int, str], Any] = {(23, "CN"): 900, (445, "VN"): 300, (22, "US"): 60}


def rising(*last: float) -> list[float]:
    return [100.0] * (36 - len(last)) + list(last)


def told(view: View) -> list[tuple[str, str, str]]:
    rises = [Detection(HIGH, About(ports=((6, port),)), view.day, view.bounds(view.day)[0]) for port in (1433, 445)]
    return [(one.kind, one.about.text(), one.reason["other"]) for one in ranks.find(view, rises) if one.about.country is None]


@pytest.mark.parametrize(
    "course,expected",
    [
        (rising(400, 450, 450), [(OVERTOOK, "1433/6||||", "445/6")]),
        (rising(400, 450, 450, 450, 450, 450), []),
        (rising(100, 220, 400), [(CLOSING_IN, "1433/6||||", "445/6")]),
        (rising(280, 280, 280, 280, 280, 280), []),
        (rising(), []),
    ],
    ids=["passes", "passed days ago", "comes near", "near for days", "as ever"],
)
def test_places_change_once(days_of: Made, course: list[float], expected: Any) -> None:
    assert told(days_of({**QUIET, (1433, "CN"): course})) == expected


def test_two_that_are_alike_change_places_without_a_word(days_of: Made) -> None:
    for seed in range(4):
        assert told(days_of({**QUIET, (1433, "CN"): 300}, seed=seed)) == []


def test_in_one_country_only_where_something_was_told_of_the_port(days_of: Made) -> None:
    rates = {**QUIET, (22, "US"): 400, (445, "CN"): 120, (1433, "CN"): [50.0] * 33 + [60.0, 100.0, 500.0]}
    view = days_of(rates)
    assert ranks.find(view, []) == []
    known = Detection(HIGH, About(ports=((6, 1433),)), view.day, view.hours[-24])
    (one,) = ranks.find(view, [known])
    assert (one.about.country, one.reason["rank"], one.reason["rank_before"]) == ("CN", 2, 3)


def test_nothing_and_few_days(days_of: Made) -> None:
    assert told(days_of({})) == []
    assert told(days_of(QUIET, 4)) == []
