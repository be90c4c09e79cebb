"""How many addresses are observed: what thresholds in packets are scaled by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teiten.engine.filters import Filters

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session


def addresses(session: Session, filters: Filters) -> int:
    """The addresses of the sensors with events in the filters' span: as configured (`addresses`), or as many as were seen where
    that is more (a sensor that nobody configured counts what it was sent to). At least 1."""
    wanted = Filters(start=filters.start, end=filters.end, sensor=filters.sensor)
    where = " AND ".join(wanted.conditions(raw=True)) or "true"
    rows = session.query(f"SELECT sensor, count(DISTINCT dst_ip) AS seen FROM raw_events WHERE {where} GROUP BY sensor")
    known = {s.name: s.addresses for s in session.settings.sensors}
    total: int = sum(max(known.get(row["sensor"], 1), row["seen"]) for row in rows)
    return max(1, total)
