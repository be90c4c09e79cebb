"""What stands out in one country: by packets and sources, newly, and not where the whole port is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from teiten.detect.kinds import stands_out
from teiten.detect.model import RISING, About, Detection
from teiten.detect.view import View

Made = Callable[..., View]
QUIET: dict[tuple[int, str], Any] = {(23, "CN"): 300, (445, "US"): 200, (23, "NL"): 40, (3306, "US"): 20, (3306, "NL"): 2}


def last(*rates: float) -> list[float]:
    return [2.0] * (36 - len(rates)) + list(rates)


def told(view: View, found: tuple[Detection, ...] = ()) -> list[str]:
    return [one.about.text() for one in stands_out.find(view, found)]


def test_a_port_that_comes_to_be_a_countrys_own_is_told_with_its_shares(days_of: Made) -> None:
    (one,) = stands_out.find(days_of({**QUIET, (3306, "NL"): last(60, 60, 60)}), [])
    assert one.about.text() == "3306/6|NL|||"
    assert one.reason["share"] == pytest.approx(0.6, abs=0.1)
    assert one.reason["share_all"] < 0.2


@pytest.mark.parametrize(
    "course", [last(), last(60, 60, 0), [60.0] * 36, last(8, 8, 8)], ids=["as ever", "over", "always", "hardly more"]
)
def test_what_does_not_stand_out_newly(days_of: Made, course: list[float]) -> None:
    assert told(days_of({**QUIET, (3306, "NL"): course})) == []


def test_one_source_is_no_country(days_of: Made) -> None:
    view = days_of({**QUIET, (3306, "NL"): [0.0] * 35 + [6000.0]}, seed=None, per_host=6000.0)
    assert told(view.until(view.hours[-23])) == []


def test_a_port_that_is_told_as_a_whole_is_not_told_again(days_of: Made) -> None:
    view = days_of({**QUIET, (3306, "NL"): last(60, 60, 60)})
    assert told(view, (Detection(RISING, About(ports=((6, 3306),)), view.day, view.hours[-1]),)) == []


def test_few_days(days_of: Made) -> None:
    assert told(days_of(QUIET, 8)) == [] == told(days_of({}))
