"""Events made by hand, for tests of the lake and of asking."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from teiten import frame, marks
from teiten.lake import Batch, Lake

T0 = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)

_DEFAULT: dict[str, Any] = {
    "time": T0, "sensor": "home", "src_ip": "203.0.113.5", "dst_ip": "198.51.100.1", "protocol": 6, "src_port": 40000,
    "dst_port": 23, "packets": 1, "source_id": 1, "source_pos": 0, "time_basis": "stated", "action": "drop",
    "interface": "ppp0",
}  # fmt: skip


def events(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """One event a row, with its marks; what a row does not name is a dropped TCP packet to port 23."""
    full = [{**dict.fromkeys(frame.SCHEMA), **_DEFAULT, **row} for row in rows]
    for row in full:
        for name in ("src_ip", "dst_ip"):
            row[name] = ipaddress.ip_address(row[name]).packed
    made = pl.DataFrame(full, schema=frame.SCHEMA, orient="row") if full else pl.DataFrame(schema=frame.SCHEMA)
    return marks.add(made)


def batch(count: int = 0, **more: Any) -> Batch:
    """The accounting of a batch of that many lines, each of one event."""
    given: dict[str, Any] = {
        "source_id": 1, "source": "a.log", "path": "/logs/a.log", "sensor": "home", "format": "netfilter", "start": 0,
        "end": count * 100, "sha256": "0" * 64, "first_line": "1" * 32, "lines": count, "made_events": count, "events": count,
    }  # fmt: skip
    return Batch(**{**given, **more})


def fill(lake: Lake, rows: Iterable[Mapping[str, Any]]) -> None:
    """Stores the rows as one batch."""
    made = events(rows)
    with lake.writer() as writer:
        writer.commit(batch(made.height, t_min=made["time"].min(), t_max=made["time"].max()), made)
