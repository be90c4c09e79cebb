"""Chains become stretches: runs, silences, clocks that jump, hours; and the same rows wherever a maker went on."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from typing import Any

import polars as pl
import pytest

from teiten.lake import watching
from teiten.station.alive import Alive
from teiten.station.spool import START, About, Record

T0 = dt.datetime(2026, 11, 3, 10, tzinfo=dt.UTC).timestamp()
ABOUT = About("udp.home.0000000000000000", "home", "udp")


class Chain:
    """Records, one after the other, `at` and `up` in seconds after T0."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def add(self, at: float, up: float | None = None, **more: Any) -> None:
        counts = more.pop("counts", {})
        self.records.append(
            Record(len(self.records) + 1, T0 + at, at if up is None else up, 0, "", START, counts, None, more)
        )  # fmt: skip

    def rows(self, about: About = ABOUT) -> list[dict[str, Any]]:
        alive = Alive(about)
        alive.add(1, self.records)
        return alive.take()

    def spans(self) -> list[tuple[float, float]]:
        return [(row["start"].timestamp() - T0, row["end"].timestamp() - T0) for row in self.rows()]


def beats(chain: Chain, start: float, end: float, step: float = 60.0, shift: float = 0.0) -> None:
    at = start
    while at <= end:
        chain.add(at + shift, at)
        at += step


RUN = {"start": {"run": "a", "heartbeat": 60}}
SLOW = {"start": {"run": "b", "heartbeat": 240}}


def test_a_run_lasts_from_its_start_to_its_last_record() -> None:
    chain = Chain()
    chain.add(0, **RUN)
    beats(chain, 60, 600)
    chain.add(630, stop=True)
    chain.add(3000, **RUN)
    chain.add(3050)
    assert chain.spans() == [(0, 630), (3000, 3050)]


@pytest.mark.parametrize(("silence", "stretches"), [(119, 1), (121, 2)])
def test_a_silence_of_more_than_two_heartbeats_ends_a_stretch(silence: float, stretches: int) -> None:
    chain = Chain()
    chain.add(0, **RUN)
    chain.add(60)
    chain.add(60 + silence)
    assert len(chain.spans()) == stretches


def test_rows_are_cut_at_hours_and_hold_what_was_counted_in_them() -> None:
    chain = Chain()
    chain.add(3000, **RUN)
    for n in range(3060, 8000, 60):
        chain.add(n, counts={"received": 2, "dropped_kernel": 1, "mine": 5})
    rows = chain.rows()
    assert chain.spans() == [(3000, 3600), (3600, 7200), (7200, 7980)]
    assert [row["goes_on"] for row in rows] == [False, True, True]
    assert [row["received"] for row in rows] == [18, 120, 28] and sum(row["dropped_kernel"] for row in rows) == 83
    assert rows[1]["record"] == next(n for n, one in enumerate(chain.records, 1) if one.at >= T0 + 3600)


@pytest.mark.parametrize(
    ("shift", "spans"),
    [
        (1800, [(0, 3060)]),  # put forward by half an hour: nobody was away
        (-1800, [(0, 600), (-1140, 60 + 1200 - 1800 + 0)]),
        (5 * 86400, [(0, 600), (5 * 86400 + 660, 5 * 86400 + 1260)]),  # it was wrong by days: what lies between is not known
    ],
    ids=["forward", "back", "by days"],
)
def test_a_clock_that_jumps(shift: float, spans: list[tuple[float, float]]) -> None:
    chain = Chain()
    chain.add(0, **RUN)
    beats(chain, 60, 600)
    beats(chain, 660, 1260, shift=shift)
    found = chain.spans()
    assert found[0][0] == 0
    if shift == 1800:
        assert (found[0][0], found[-1][1]) == (0, 3060) and all(a[1] == b[0] for a, b in itertools.pairwise(found))
    elif shift < 0:
        assert found[0] == (0, 600) and found[1] == (-1140, -540)
    else:
        assert found == spans


def test_the_machine_slept() -> None:
    chain = Chain()
    chain.add(0, **RUN)
    chain.add(60)
    chain.add(7000, 7000)  # the clock that nobody sets counts sleep
    assert chain.spans() == [(0, 60), (7000, 7000)]


def test_a_clock_before_all_time_and_after_it() -> None:
    chain = Chain()
    chain.add(-1e12, 0, **RUN)
    chain.add(1e12, 60)
    assert len(chain.rows()) == 2


@pytest.mark.parametrize("seed", range(6))
def test_rows_are_the_same_wherever_a_maker_went_on(seed: int) -> None:
    chance = random.Random(seed)
    chain, at, up = Chain(), 0.0, 0.0
    for n in range(300):
        step = chance.choice([0.2, 30, 60, 60, 60, 119, 500 if chance.random() < 0.2 else 1])
        at, up = at + step + chance.choice([0, 0, 0, 0, 0, 0, 900, -900]) * (chance.random() < 0.1), up + step
        told = (
            chance.choice([RUN, SLOW]) if n == 0 or chance.random() < 0.03 else {"stop": True} if chance.random() < 0.01 else {}
        )
        chain.add(at, up, counts={"received": chance.randrange(3)}, **told)
    whole = pl.DataFrame(chain.rows(), schema={k: v for k, v in watching.SCHEMA.items() if k != "last_batch"})
    kept = whole.clear()
    place = 0
    while place < 300:
        alive = Alive(ABOUT)
        if kept.height:
            row = kept.row(-1, named=True)
            alive.go_on_from(row)
            kept, place = kept.head(-1), row["record"] - 1
        upto = min(300, place + chance.randrange(1, 80))
        alive.add(1, chain.records[place:upto])
        kept = pl.concat([kept, pl.DataFrame(alive.take(), schema=whole.schema)])
        if upto == 300:
            break
        place = upto
    assert kept.equals(whole)
