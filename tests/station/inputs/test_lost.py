"""How many lines a log lost, by how fast it usually grows."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from teiten.station.inputs._lost import Rate, copied, removed


def part(name: str, at: float, size: int = 0) -> Any:
    return SimpleNamespace(path=Path(name), info=SimpleNamespace(st_mtime=at, st_size=size))


def test_the_window_is_from_the_copy_to_the_end() -> None:
    lines, said = copied(part("kern.log", 100.0), [part("kern.log.1", 99.5)], 0.0, Rate(10, 1000))
    assert lines == 5
    assert "about 5 lines, by its usual 10 a second" in said
    # it has grown by 200 bytes since, which took 0.2 s; all was read 0.1 s after the copy was made
    assert copied(part("kern.log", 100.0, 200), [part("kern.log.1", 99.0)], 99.1, Rate(10, 1000))[0] == 7


def test_what_is_not_known_is_said() -> None:
    lines, said = removed("kern.log", 0.0, 60.0, Rate(), cut=True)
    assert (lines, "how many lines is not known" in said) == (0, True)
    assert removed("kern.log", 0.0, 60.0, Rate(0.5, 50), cut=False)[0] == 30


def test_estimates_that_are_now_too_many_and_now_too_few_are_right_together() -> None:
    chance, rate = random.Random(1), Rate(10, 1000)
    wrong = [chance.gauss(0, 1) for _ in range(400)]
    found = sum(rate.estimate(0.3 + error) for error in wrong)
    assert abs(found - 10 * sum(0.3 + error for error in wrong)) < 40
