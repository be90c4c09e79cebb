"""What a lake knows of a hole: by when batches were stored, by the kernel's seconds in the lines beside it, by who was down."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest

from teiten.detect import holes
from teiten.engine.duckdb import Session

T0 = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def batches(*rows: tuple[float, float, float]) -> Session:
    """A session whose batches have these first and last events and were stored then, in hours after T0."""
    frame = pl.DataFrame(
        [{"batch": n, "sensor": "home", "t_min": T0 + a * HOUR, "t_max": T0 + b * HOUR, "committed": T0 + c * HOUR}
         for n, (a, b, c) in enumerate(rows)]
    )  # fmt: skip
    lake = SimpleNamespace(batches=lambda columns, upto: frame)
    return cast(Session, SimpleNamespace(lake=lake, last_batch=9))


@pytest.mark.parametrize(
    ("rows", "known"),
    [
        ([(0, 3, 3.1), (7, 7.2, 7.3)], "received"),
        ([(0, 3, 3.1), (7, 7.2, 3.4)], "received ahead"),
        ([(0, 3, 20), (7, 7.2, 20.1)], None),  # a day's log, taken in in the evening
        ([(0, 3, 3.1), (7, 7.2, 20.1)], None),
        ([(0, 9, 9.1)], None),
        ([(7, 7.2, 7.3), (0, 3, 8)], None),  # what came late
        ([], None),
    ],
)
def test_when_batches_were_stored_tells_whether_time_passed(rows: Any, known: str | None) -> None:
    assert holes._received(batches(*rows) if rows else batches((0, 1, 1)), "home", T0 + 3 * HOUR, T0 + 7 * HOUR) == known


@pytest.mark.full
@pytest.mark.parametrize(
    ("uptime", "known"), [(20.0, "kernel ahead"), (4 * 3600.0, "kernel"), (None, "boot")], ids=["set", "silent", "new"]
)
def test_the_kernels_own_seconds_tell_it(tmp_path: Path, uptime: float | None, known: str) -> None:
    """A log whose lines carry the time since boot, with four hours missing: taken in, and asked."""
    from teiten.cli import main
    from teiten.engine import open_session
    from teiten.lake import Lake
    from teiten.settings import load

    lines, passed = [], 1000.0
    for n in range(300):
        at = T0 + n * 6 * HOUR / 60 + (4 * HOUR if n >= 150 else dt.timedelta(0))
        if n == 150:
            passed = 5.0 if uptime is None else passed + uptime
        passed += 360.0
        lines.append(
            f"{at:%Y-%m-%dT%H:%M:%S}+00:00 router kernel: [{passed:12.6f}] IN=ppp0 OUT= MAC= SRC=203.0.113.{n % 200 + 1} "
            f"DST=198.51.100.1 LEN=40 TOS=0x00 PREC=0x00 TTL=240 ID={n} PROTO=TCP SPT=40000 DPT=23 WINDOW=1024 RES=0x00 SYN "
            "URGP=0"
        )
    log = tmp_path / "router.log"
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["ingest", "--lake", str(tmp_path / "lake"), "--sensor", "home", str(log)]) == 0
    settings = load(zone="UTC", lake=str(tmp_path / "lake"))
    with open_session(Lake.open(tmp_path / "lake"), settings) as session:
        start = T0 + 15 * HOUR
        assert holes._kernel(session, "home", start, start + 4 * HOUR) == known
