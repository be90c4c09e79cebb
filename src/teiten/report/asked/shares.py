"""What the packets of a quarter are made of: TCP and UDP by destination port, and all by source country in three ways.

Each with the period before, so that a rank and a share can be held against it. Packets alone are counted: hosts of a
quarter by port would cost more than all the rest of a report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from teiten.engine.filters import timestamp
from teiten.engine.questions import Rows
from teiten.report.answers import Answers, Key

Way = Literal["all", "scanners", "without"]
WAYS: Final[tuple[Way, ...]] = ("all", "scanners", "without")
"""NICTER's three: all packets, those of research scanners, and what is left without them"""
TCP_AND_UDP: Final = (6, 17)
KEPT: Final = 1000
"""rows of a ranking that go to CSV"""


@dataclass(frozen=True, slots=True)
class Share:
    """One row. rank None: unknown, or nothing of it now. What tells of the period before is None where nobody watched then."""

    key: Any
    rank: int | None
    packets: int
    share: float
    rank_before: int | None = None
    packets_before: int | None = None
    share_before: float | None = None


@dataclass(frozen=True, slots=True)
class Shares:
    """A ranking by packets, the unknown last; `total`: of what the shares are shares."""

    all: tuple[Share, ...]
    total: int
    total_before: int | None
    rows: Rows

    def first(self, n: int) -> list[Share]:
        """The first so many that are known."""
        return [row for row in self.all if row.rank is not None][:n]

    @property
    def unknown(self) -> Share | None:
        return next((row for row in self.all if row.rank is None and row.packets and _nobody(row.key)), None)


def _nobody(key: Any) -> bool:
    return key is None or (isinstance(key, tuple) and key[1] is None)


def ports(answers: Answers) -> Shares | None:
    """TCP and UDP by destination port (key: `Key`); None where the report's filters leave neither."""
    wanted = answers.filters.protocol
    either = tuple(p for p in TCP_AND_UDP if not wanted or p in wanted)
    if not either:
        return None
    span = replace(answers.filters, protocol=either).between(answers.before.start, answers.period.end)
    rows = answers.ask(PORTS_SQL, span, start=timestamp(answers.period.start), most=str(KEPT))
    return _shares(answers, rows, rows, lambda row: (row["protocol"], row["dst_port"]))


def countries(answers: Answers) -> dict[Way, Shares]:
    """All packets by source country (key: its code), in three ways."""
    span = answers.filters.between(answers.before.start, answers.period.end)
    rows = answers.ask(COUNTRIES_SQL, span, start=timestamp(answers.period.start))
    return {way: _shares(answers, [r for r in rows if r["way"] == way], rows, lambda row: row["country"]) for way in WAYS}


def _shares(answers: Answers, some: Iterable[Mapping[str, Any]], rows: Rows, key: Any) -> Shares:
    before = answers.ranked_before
    found = list(some)
    shares = tuple(
        Share(
            key(row), row["rank"], row["packets"], row["share"] or 0.0,
            *((row["rank_before"], row["packets_before"], row["share_before"]) if before else ()),
        )
        for row in found
    )  # fmt: skip
    whole = found[0] if found else {"share_of": 0, "share_of_before": 0}
    return Shares(shares, whole["share_of"] or 0, (whole["share_of_before"] or 0) if before else None, rows)


__all__ = ["WAYS", "Key", "Share", "Shares", "Way", "countries", "ports"]

PORTS_SQL: Final = """
WITH counted AS (
  SELECT CASE WHEN dst_port IS NULL THEN NULL ELSE protocol END AS protocol, dst_port, dst_port IS NOT NULL AS known,
         coalesce(sum(packets) FILTER (time >= {start}), 0)::BIGINT AS packets,
         coalesce(sum(packets) FILTER (time < {start}), 0)::BIGINT AS packets_before
  FROM {events}
  WHERE {where}
  GROUP BY ALL
), ranked AS (
  SELECT *, rank() OVER (PARTITION BY known ORDER BY packets DESC) AS place,
         rank() OVER (PARTITION BY known ORDER BY packets_before DESC) AS place_before,
         sum(packets) OVER ()::BIGINT AS share_of, sum(packets_before) OVER ()::BIGINT AS share_of_before
  FROM counted
)
SELECT CASE WHEN known AND packets > 0 THEN place END AS rank, dst_port, protocol, packets,
       packets / nullif(share_of, 0) AS share, share_of,
       CASE WHEN known AND packets_before > 0 THEN place_before END AS rank_before, packets_before,
       packets_before / nullif(share_of_before, 0) AS share_before, share_of_before
FROM ranked
QUALIFY row_number() OVER (PARTITION BY known ORDER BY packets DESC, packets_before DESC, dst_port, protocol) <= {most}
ORDER BY known DESC, packets DESC, packets_before DESC, dst_port, protocol
"""

COUNTRIES_SQL: Final = """
WITH counted AS (
  SELECT country, research_scanner AS scans,
         coalesce(sum(packets) FILTER (time >= {start}), 0)::BIGINT AS packets,
         coalesce(sum(packets) FILTER (time < {start}), 0)::BIGINT AS packets_before
  FROM {events}
  WHERE {where}
  GROUP BY ALL
), ways AS (
  SELECT 'all' AS way, country, sum(packets)::BIGINT AS packets, sum(packets_before)::BIGINT AS packets_before
  FROM counted GROUP BY ALL
  UNION ALL
  SELECT CASE WHEN scans THEN 'scanners' ELSE 'without' END, country, packets, packets_before
  FROM counted
), ranked AS (
  SELECT *, country IS NOT NULL AS known,
         rank() OVER (PARTITION BY way, country IS NOT NULL ORDER BY packets DESC) AS place,
         rank() OVER (PARTITION BY way, country IS NOT NULL ORDER BY packets_before DESC) AS place_before,
         sum(packets) OVER (PARTITION BY way)::BIGINT AS share_of,
         sum(packets_before) OVER (PARTITION BY way)::BIGINT AS share_of_before
  FROM ways
)
SELECT way, CASE WHEN known AND packets > 0 THEN place END AS rank, country, packets,
       packets / nullif(share_of, 0) AS share, share_of,
       CASE WHEN known AND packets_before > 0 THEN place_before END AS rank_before, packets_before,
       packets_before / nullif(share_of_before, 0) AS share_before, share_of_before
FROM ranked
ORDER BY way, known DESC, packets DESC, packets_before DESC, country
"""
