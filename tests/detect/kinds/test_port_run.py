"""Runs of ports: each told once however many sources carry it; a country where they are usual is not told."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.detect.kinds.tables import DAY, Tables, at, verdict, view

from teiten.detect.kinds import port_run


def run(src: int, first: int, hour: float, country: str | None, day: dt.date = DAY) -> dict[str, Any]:
    return verdict(day, "port_run", src, country, f"{first}-{first + 59}", packets=30, ports=60,
                   start=at(hour, day).isoformat(), end=at(hour + 0.4, day).isoformat(), answers=7)  # fmt: skip


def test_more_runs_than_usual() -> None:
    rows = [run(n, 1000 * k, 3 + k, "NL") for k in (1, 2, 3) for n in (1, 2)]
    rows += [run(9, 5000, 4, "US", DAY - dt.timedelta(days=d)) for d in range(29)]
    [one] = port_run.find(view(Tables(verdicts_=rows)), [])
    assert (one.about.country, one.packets, one.hosts, one.start, one.end) == ("NL", 180.0, 2.0, at(4), at(7))
    assert {k: one.reason[k] for k in ("runs", "ports", "first", "last", "answers")} == {
        "runs": 3, "ports": 180, "first": 1000, "last": 3059, "answers": 21,
    }  # fmt: skip


def test_one_run_of_no_known_country() -> None:
    assert not port_run.find(view(Tables(verdicts_=[run(1, 1000, 3, None)])), [])
    several = [run(1, 1000 * k, 3, None) for k in range(1, 5)]
    assert port_run.find(view(Tables(verdicts_=several)), [])[0].about.country == ""
    assert not port_run.find(view(None), [])
