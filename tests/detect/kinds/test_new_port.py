"""New ports: what hosts try that hardly ever came before, beside what scanners of all ports bring every day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from teiten.detect.kinds import new_port
from teiten.detect.model import BURST, NEW_PORT, About, Detection, Part
from teiten.detect.view import View

Made = Callable[..., View]
QUIET: dict[tuple[int, str], Any] = {(23, "CN"): 200, (445, "VN"): 80}


def last(packets: float, days: int = 36) -> list[float]:
    return [0.0] * (days - 1) + [packets]


def test_a_port_that_many_try_is_told_with_who_did(days_of: Made) -> None:
    view = days_of({**QUIET, (9530, "TW"): last(60), (9530, "KR"): last(30)})
    (one,) = new_port.find(view, [])
    assert one.about.text() == "9530/6||||"
    assert [part.key for part in one.parts if part.what == "country"] == ["TW", "KR"]
    assert one.usual == 0 and one.times is None and one.packets > 60
    assert one.start >= view.bounds(view.day)[0] and one.end is None


@pytest.mark.parametrize("course", [[0.0] * 20 + [5.0] * 15 + [60.0], last(6)], ids=["known before", "hardly any packets"])
def test_what_is_not_new(days_of: Made, course: list[float]) -> None:
    assert new_port.find(days_of({**QUIET, (9530, "TW"): course}), []) == []


def test_ports_as_every_day_brings_them_are_not_told(days_of: Made) -> None:
    random = np.random.default_rng(3)
    rates: dict[tuple[int, str], Any] = dict(QUIET)
    for day in range(36):
        for port in random.choice(np.arange(10000, 60000), 3, replace=False):
            course = [0.0] * 36
            course[day] = 20 * (1 + random.pareto(2.0))
            rates[int(port), "US"] = course
    assert new_port.find(days_of(rates), []) == []


@pytest.mark.parametrize("days", [1, 3, 7])
def test_within_the_first_week_nothing_is_new(days_of: Made, days: int) -> None:
    assert new_port.find(days_of({**QUIET, (9530, "TW"): last(60, days)}, days), []) == []


def test_nothing_at_all(days_of: Made) -> None:
    assert new_port.find(days_of({}), []) == []


def test_hundreds_of_ports_of_one_as_are_one_change() -> None:
    start = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)

    def new(port: int, asn: str, share: float = 1.0) -> Detection:
        parts = (Part("country", "NL", 50, 1.0), Part("asn", asn, 50, share))
        return Detection(NEW_PORT, About(((6, port),)), start.date(), start, packets=1000.0 - port, usual=0.5, parts=parts)

    scan, other = [new(port, "64500") for port in range(1, 601)], new(700, "64501")
    whole, alone = new_port._once([*scan, other], [])
    assert whole.about == About(tuple((6, n) for n in range(1, 6)), "NL", 64500) and alone == other
    assert whole.packets == sum(one.packets for one in scan) and whole.usual == 300 and whole.reason["ports"] == 600
    told = Detection(BURST, About((), "NL", 64500), start.date(), start)
    assert new_port._once([*scan, other], [told]) == [other]
    assert len(new_port._once([new(n, "64500", 0.5) for n in range(9)], [])) == len(new_port._once(scan[:3], [])) * 3 == 9
