"""Four days of all kinds of events, around the day on which clocks change in Europe."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any
from zoneinfo import ZoneInfo

from making import batch, events

from teiten.lake import Lake

FIRST = dt.date(2026, 3, 28)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(4)]


def span(zone: str, first: int, after: int) -> tuple[dt.datetime, dt.datetime]:
    start, end = (dt.datetime.combine(FIRST + dt.timedelta(days=n), dt.time(), ZoneInfo(zone)) for n in (first, after))
    return start, end


def rows(count: int, zone: str, seed: int) -> list[dict[str, Any]]:
    """Four days of all kinds of events."""
    chance = random.Random(seed)
    start, end = (moment.astimezone(dt.UTC) for moment in span(zone, 0, 4))
    out = []
    for n in range(count):
        source = chance.choice([f"203.0.113.{chance.randrange(40)}", f"2001:db8::{chance.randrange(1, 9):x}"])
        country = None if source.endswith("3") else "JP" if ":" in source else ("US", "CN", "NL")[ord(source[-1]) % 3]
        row: dict[str, Any] = {
            "time": start + (end - start) * chance.random(),
            "sensor": chance.choice(["home", "home", "far"]),
            "src_ip": source,
            "dst_ip": f"198.51.100.{chance.randrange(9)}",
            "dst_port": chance.choice([23, 23, 23, 445, 80, 2323, None]),
            "country": country,
            "asn": ord(country[0]) if country else None,
            "as_name": f"Network {country}" if country else None,
            "geo_db": chance.choice(["geo-2026-03", "geo-2026-04"]),
            "time_basis": chance.choice(["stated", "stated", "year inferred"]),
            "action": chance.choice(["drop", "drop", "drop", None, "accept", "reject", "audit"]),
            "interface": chance.choice(["ppp0", "ppp0", None, ""]),
            "packets": chance.choice([1, 1, 1, 3]),
            "tcp_flags": chance.choice([2, 2, 18, None]),
            "source_pos": n,
        }
        kind = chance.random()
        if kind < 0.15:
            row |= {"protocol": 1, "dst_port": None, "src_port": None, "tcp_flags": None}
        elif kind < 0.3:
            row |= {"protocol": 17, "dst_port": chance.choice([53, 23]), "tcp_flags": None}
        elif kind < 0.33:
            row |= {"protocol": None, "dst_port": None, "tcp_flags": None}
        out.append(row)
    return out


def store(lake: Lake, made: list[dict[str, Any]]) -> None:
    """Stores them as one batch a sensor, as intake does."""
    with lake.writer() as writer:
        for n, sensor in enumerate(sorted({row["sensor"] for row in made}), 1):
            own = events({**row, "source_id": n} for row in made if row["sensor"] == sensor)
            low, high = own["time"].min(), own["time"].max()
            writer.commit(batch(own.height, sensor=sensor, source_id=n, t_min=low, t_max=high), own)
