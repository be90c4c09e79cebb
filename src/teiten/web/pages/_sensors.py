"""What is asked of sensors beside each other: watched, lost, the leading ports of each, and what only one of them sees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from teiten import coverage
from teiten.engine import gaps, losses, recorded, series
from teiten.engine.questions import Query
from teiten.lake import activity
from teiten.report.asked.sensors import DEPTH, agreement
from teiten.web.asked import Asked

Port = tuple[int | None, int | None]

_PORTS: Final = """
WITH counted AS (
  SELECT sensor, protocol, dst_port, sum(packets)::BIGINT AS packets
  FROM {events}
  WHERE {where} AND dst_port IS NOT NULL
  GROUP BY ALL
), seen AS (
  SELECT protocol, dst_port, count(*) AS sensors FROM counted GROUP BY ALL
)
SELECT sensor, protocol, dst_port, packets, sensors
FROM counted JOIN seen USING (protocol, dst_port)
QUALIFY row_number() OVER (PARTITION BY sensor ORDER BY packets DESC, dst_port, protocol) <= {depth}
ORDER BY sensor, packets DESC, dst_port, protocol
"""


@dataclass(frozen=True, slots=True)
class One:
    """A sensor in the span. watched: 0 to 1; rate: packets of an address and day watched; None where nobody was watching.

    alike: rank-biased overlap of its leading ports with those of all others together, 0 to 1; only_here: leading ports that no
    other sensor saw.
    """

    name: str
    group: str | None
    country: str | None
    addresses: float
    bases: tuple[str, ...]
    watched: float
    packets: int
    rate: float | None
    lost: losses.Losses
    last: dt.datetime | None
    ports: tuple[Port, ...]
    only_here: tuple[Port, ...]
    alike: float | None


def addresses(number: float) -> str:
    """So many addresses, in the mean over the span: one decimal where there are few and they were not always as many."""
    return f"{number:,.0f}" if number >= 100 or number == round(number) else f"{number:,.1f}"


def names(session: Any, settings: Any, only: Sequence[str] = ()) -> list[str]:
    """The sensors that the configuration or the lake knows, those of a group beside each other."""
    known = {one.name: one.group or "" for one in settings.sensors}
    every = {*known, *(recorded.activities(session) or ())}
    chosen = [name for name in every if not only or name in only]
    return sorted(chosen, key=lambda name: (known.get(name, "") == "", known.get(name, ""), name))


def compared(session: Any, asked: Asked) -> list[One]:
    """Every sensor that the filters let through."""
    end = max(asked.start, min(asked.end, asked.now))
    stretches = coverage.watched(session, asked.start, end, asked.filters.sensor) if asked.start < end else []
    counted = {row["sensor"]: row["packets"] for row in _packets(session, asked)}
    wanted = asked.filters.between(asked.start, asked.end)
    rows = Query(_PORTS, {"where": wanted}, grain="day", depth=str(DEPTH)).rows(session)
    leading: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        leading.setdefault(row["sensor"], []).append(row)
    held = recorded.activities(session) or {}
    out = []
    for name in names(session, asked.settings, asked.filters.sensor):
        own = [one for one in stretches if one.sensor == name]
        known = asked.settings.sensor(name)
        told = coverage.denominator(own)
        length = sum((one.end - one.start for one in own), dt.timedelta())
        ports = tuple((row["protocol"], row["dst_port"]) for row in leading.get(name, ()))
        only_here = tuple((row["protocol"], row["dst_port"]) for row in leading.get(name, ()) if row["sensors"] == 1)
        packets = counted.get(name, 0)
        out.append(
            One(
                name, known.group if known else None, known.country if known else None, told.addresses, told.bases,
                length / (end - asked.start) if end > asked.start else 0.0, packets, told.rate(packets),
                losses.losses(session, asked.start, end, [name], every=False) if end > asked.start else losses.Losses(),
                _last(held.get(name)), ports, only_here if len(counted) > 1 else (), _alike(name, leading),
            )
        )  # fmt: skip
    return out


def _packets(session: Any, asked: Asked) -> list[dict[str, Any]]:
    from teiten.engine import questions

    return list(questions.rank(session, "sensors", asked.start, asked.end, filters=asked.filters))


def _last(hours: Any) -> dt.datetime | None:
    return recorded.moment(activity.times(hours)[1][-1]) if hours is not None and len(hours) else None


def _alike(name: str, leading: Mapping[str, list[dict[str, Any]]]) -> float | None:
    """Its ranking held against that of the others together."""
    sums: dict[Port, int] = {}
    for other, rows in leading.items():
        for row in rows if other != name else ():
            key = row["protocol"], row["dst_port"]
            sums[key] = sums.get(key, 0) + row["packets"]
    others = sorted(sums, key=lambda key: -sums[key])[:DEPTH]
    return agreement([(row["protocol"], row["dst_port"]) for row in leading.get(name, ())], others)


def through_time(session: Any, asked: Asked, most: int) -> tuple[Any, list[dt.datetime], dict[str, list[dict[str, Any]]]]:
    """Series of each sensor, the beginnings of the steps, and each one's gaps."""
    rows = series.series(session, "sensors", asked.start, asked.end, asked.step, top=most, filters=asked.filters)
    missing: dict[str, list[dict[str, Any]]] = {}
    for gap in gaps.gaps(session, asked.start, asked.end, sensors=asked.filters.sensor):
        missing.setdefault(gap["sensor"], []).append(gap)
    return rows, series.starts(session, asked.start, asked.end, asked.step), missing
