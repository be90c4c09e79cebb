"""How many addresses are observed: what thresholds in packets are scaled by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teiten import coverage

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.engine.filters import Filters


def addresses(session: Session, filters: Filters) -> int:
    """The addresses of the sensors with events in the filters' span: as stated, or as many as were seen where nobody states
    them (`coverage.addresses`). At least 1."""
    return coverage.addresses(session, filters.start, filters.end, filters.sensor)
