"""Runs of consecutive ports: with loss, out of order, downwards, by several sources; never from ports in no order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from teiten.classify import port_runs
from teiten.classify.port_runs import Rule, Run

SECOND = 1_000_000


def frame(ports: Sequence[int], sources: Sequence[int] | int = 1, gap: float = 1.0) -> pl.DataFrame:
    """Packets in order, so many seconds apart; a source is a number."""
    own = [sources] * len(ports) if isinstance(sources, int) else sources
    return pl.DataFrame(
        {
            "t": [round(n * gap * SECOND) for n in range(len(ports))],
            "src_ip": [bytes([192, 0, 2, n % 256]) for n in own],
            "port": list(ports), "answer": [False] * len(ports), "packets": [1] * len(ports),
        },
        schema_overrides={"t": pl.Int64(), "port": pl.Int64(), "src_ip": pl.Binary(), "packets": pl.Int64()},
    )  # fmt: skip


def runs(*given: pl.DataFrame) -> list[Run]:
    return port_runs.found_in(pl.concat(given).sort("t", maintain_order=True), Rule())


@settings(max_examples=60, deadline=None)
@example(seed=0, length=60, lost=0.0, late=3.0, down=True)
@example(seed=3308, length=222, lost=0.1875, late=2.0, down=False)
@example(seed=273, length=273, lost=0.0, late=3.0, down=False)
@given(
    seed=st.integers(0, 10**6), length=st.integers(60, 400), lost=st.floats(0, 0.2), late=st.floats(0, 3), down=st.booleans()
)
def test_a_run_is_found_whole(seed: int, length: int, lost: float, late: float, down: bool) -> None:
    rng = np.random.default_rng(seed)
    ports = 3000 + np.flatnonzero(rng.random(length) >= lost)
    ports = ports[np.argsort(np.arange(len(ports)) + rng.uniform(0, late, len(ports)), kind="stable")]
    ports = ports[::-1] if down else ports
    gaps = np.diff(np.sort(ports))
    run, *others = runs(frame(ports.tolist()))
    assert run.down == down
    # beyond `reach` ports that are lost in a row the next ones are another run
    assert not others or gaps.max(initial=1) > Rule().reach - late
    if gaps.max(initial=1) < Rule().reach - 3:
        # what was overtaken at the very beginning may be left out
        assert 0 <= run.first - ports.min() <= 3 * (late > 0)
        assert 0 <= ports.max() - run.last <= 3 * (late > 0)
        assert 0 <= len(ports) - run.ports <= 6 * (late > 0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), width=st.sampled_from([100, 1000, 65535]))
def test_ports_in_no_order_are_no_run(seed: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    assert not runs(frame(rng.permutation(width)[:3000].tolist(), gap=0.1))


def test_thirty_are_a_run_and_29_are_none() -> None:
    assert [run.value for run in runs(frame(range(100, 130)))] == ["100-129"]
    assert not runs(frame(range(100, 129)))
    assert not runs(frame([*range(100, 115)] * 4))
    assert not runs(frame(range(100, 160, 2)))  # every other port: half of the range is not dense enough


def test_a_pause_ends_a_run() -> None:
    first, second = frame(range(100, 150)), frame(range(150, 200)).with_columns(pl.col("t") + 400 * SECOND)
    assert [run.value for run in runs(first, second)] == ["100-149", "150-199"]
    assert [run.value for run in runs(frame(range(100, 200), gap=200.0))] == ["100-199"]


def test_what_comes_between_does_not_end_it() -> None:
    between = frame([23, 80] * 300, sources=1, gap=0.31)
    (run,) = runs(frame(range(5000, 5100)), between)
    assert (run.value, run.packets) == ("5000-5099", 100)


def test_one_of_several_sources() -> None:
    """Port after port, each from another source of a country; beside them hosts that try what they always try."""
    noise = frame([23, 445, 5050] * 60, sources=[100 + n % 50 for n in range(180)], gap=0.4)
    (run,) = runs(frame(range(5000, 5100), sources=[n % 30 for n in range(100)]), noise)
    assert (run.value, run.several, len(run.sources) >= 30) == ("5000-5099", True, True)


def test_two_runs_of_two_sources_at_once_are_theirs() -> None:
    found = runs(frame(range(5000, 5100), sources=1), frame(range(5003, 5103), sources=2))
    assert sorted((run.value, len(run.sources)) for run in found) == [("5000-5099", 1), ("5003-5102", 1)]


@pytest.mark.parametrize("ports", [[], [80], [80] * 1000])
def test_hardly_anything(ports: list[int]) -> None:
    assert not runs(frame(ports))
