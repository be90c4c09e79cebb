"""The lake as detection asks it: cells, hours watched, and what single sources did."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

import polars as pl

from teiten import coverage
from teiten.detect import holes, singles
from teiten.detect.model import About, Port
from teiten.detect.view import WATCHED
from teiten.engine import recorded
from teiten.engine.filters import Filters
from teiten.engine.gaps import gaps

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session

_GAPS: Final[dict[str, pl.DataType]] = {
    "sensor": pl.String(),
    "start": pl.Datetime("us", "UTC"),
    "end": pl.Datetime("us", "UTC"),
    "because": pl.String(),
}
_HOUR: Final = dt.timedelta(hours=1)


class Asked(Protocol):
    """Questions about single sources. Periods are [start, end) in UTC; sensors' own addresses are in no answer."""

    def hosts(self, about: About, start: dt.datetime, end: dt.datetime) -> int:
        """Distinct sources."""

    def sources(self, about: About, start: dt.datetime, end: dt.datetime, most: int) -> pl.DataFrame:
        """The sources with most packets: src_ip (binary), country, asn, as_name, packets, ports (how many), first, last."""

    def pairs(self, start: dt.datetime, end: dt.datetime, least: int) -> pl.DataFrame:
        """What each source tried: src_ip, country, asn, protocol, dst_port, packets; of ports with `least` sources or more."""

    def prefix(self, prefix: str, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        """What came from a prefix (192.0.2.0/24): time (hours), sensor, protocol, dst_port, packets."""

    def verdicts(self, day: dt.date) -> pl.DataFrame:
        """That day's verdicts: src_ip, prefix_len, label, value, rule, confidence, evidence (JSON)."""

    def gaps(self, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        """When sensors were not watching, to the second: sensor, start, end, because (the operator's words, or null)."""

    def hole(self, sensors: Sequence[str], start: dt.datetime, end: dt.datetime) -> holes.Known | None:
        """What is known of hours without records, besides the counts."""

    def judged(self, labels: Sequence[str], first: dt.date, last: dt.date) -> pl.DataFrame:
        """Verdicts of single addresses on those days, with country and AS (`singles.JUDGED`)."""

    def arrivals(self, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        """DoS-like arrivals at the services that sensors run (`classify.arrivals.ARRIVAL`); what is let in counts."""

    def arriving(self, about: About, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        """Who arrives there, what is let in with it: country, packets, hosts; most first."""

    def few_many(self, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        """By country, how its hosts with many ports and those with few stand to each other (`singles.FEW_MANY`)."""

    def breadth(self, about: About, start: dt.datetime, end: dt.datetime) -> singles.Breadth:
        """How many sources there are, and how many of them try few ports."""

    def names(self, addresses: Sequence[bytes], day: dt.date) -> pl.DataFrame:
        """PTR names that are at hand of those addresses: src_ip, name."""


class Sources:
    """`Asked` of a session: of events, those that are attempts. Answers are in order of what is most, then of addresses."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def hosts(self, about: About, start: dt.datetime, end: dt.datetime) -> int:
        where = self._where(about, start, end)
        found = self._session.work(f"SELECT count(DISTINCT src_ip) AS hosts FROM raw_events WHERE {where}")
        return int(found["hosts"][0])

    def sources(self, about: About, start: dt.datetime, end: dt.datetime, most: int) -> pl.DataFrame:
        where = self._where(about, start, end)
        return self._utc(
            self._session.frame(f"""
SELECT src_ip, any_value(country) AS country, any_value(asn) AS asn, any_value(as_name) AS as_name,
       sum(packets)::BIGINT AS packets, count(DISTINCT (protocol, dst_port)) AS ports, min(time) AS first, max(time) AS last
FROM raw_events WHERE {where}
GROUP BY src_ip ORDER BY packets DESC, src_ip LIMIT {max(0, int(most))}""")
        )

    def pairs(self, start: dt.datetime, end: dt.datetime, least: int) -> pl.DataFrame:
        where = self._where(About(), start, end)
        return self._session.frame(f"""
WITH pairs AS (
  SELECT src_ip, any_value(country) AS country, any_value(asn) AS asn, protocol, dst_port, sum(packets)::BIGINT AS packets
  FROM raw_events WHERE {where} GROUP BY src_ip, protocol, dst_port
)
SELECT * FROM pairs QUALIFY count(*) OVER (PARTITION BY protocol, dst_port) >= {max(1, int(least))}
ORDER BY protocol, dst_port, src_ip""")

    def prefix(self, prefix: str, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        asked = Filters(start=start, end=end, src=(ipaddress.ip_network(prefix, strict=False),))
        rows = self._session.frame(f"""
SELECT epoch_us(time) // 3600000000 * 3600000000 AS time, sensor, protocol, dst_port, sum(packets)::BIGINT AS packets
FROM raw_events WHERE {" AND ".join(asked.conditions(raw=True))}
GROUP BY ALL ORDER BY ALL""")
        return rows.with_columns(pl.col("time").cast(pl.Int64).cast(pl.Datetime("us", "UTC")))

    def verdicts(self, day: dt.date) -> pl.DataFrame:
        return self._session.frame(f"""
SELECT src_ip, prefix_len, label, value, rule, confidence, evidence FROM _verdicts
WHERE day = DATE '{day.isoformat()}' AND scope = 'all' ORDER BY label, src_ip, value""")

    def gaps(self, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        rows = [
            {
                "sensor": row["sensor"],
                "start": row["start"].astimezone(dt.UTC),
                "end": row["end"].astimezone(dt.UTC),
                "because": row.get("because") or None,
            }
            for row in gaps(self._session, start.astimezone(self._session.zone), end.astimezone(self._session.zone))
        ]
        return pl.DataFrame(rows, schema=_GAPS, orient="row")

    def hole(self, sensors: Sequence[str], start: dt.datetime, end: dt.datetime) -> holes.Known | None:
        return holes.hole(self._session, sensors, start, end)

    def judged(self, labels: Sequence[str], first: dt.date, last: dt.date) -> pl.DataFrame:
        return singles.judged(self._session, labels, first, last)

    def arrivals(self, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        return singles.arrivals(self._session, start, end)

    def arriving(self, about: About, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        return singles.arriving(self._session, about, start, end)

    def few_many(self, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        return singles.few_many(self._session, start, end)

    def breadth(self, about: About, start: dt.datetime, end: dt.datetime) -> singles.Breadth:
        return singles.breadth(self._session, self._where(about, start, end), self._where(About(), start, end))

    def names(self, addresses: Sequence[bytes], day: dt.date) -> pl.DataFrame:
        return singles.names(self._session, addresses, day)

    def _where(self, about: About, start: dt.datetime, end: dt.datetime) -> str:
        sensors = [about.sensor] if about.sensor is not None else []
        if about.group is not None:
            own = [one.name for one in self._session.settings.sensors if one.group == about.group]
            sensors = [name for name in own if not sensors or name in sensors] or [""]
        asked = Filters(
            start=start,
            end=end,
            country=() if about.country is None else (about.country or None,),
            asn=() if about.asn is None else (about.asn or None,),
            sensor=tuple(sensors),
        )
        return " AND ".join([*asked.conditions(raw=True), *_ports(about.ports)])

    @staticmethod
    def _utc(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col("first", "last").dt.convert_time_zone("UTC"))


def _ports(ports: Sequence[Port]) -> list[str]:
    said = [f"protocol = {p} AND dst_port {'IS NULL' if port is None else f'= {port}'}" for p, port in sorted(ports, key=str)]
    return ["(" + " OR ".join(f"({one})" for one in said) + ")"] if said else []


def known_until(session: Session) -> dt.datetime | None:
    """The moment after the last event (UTC); None where there is none. What comes after it is not known, rather than quiet."""
    whole = recorded.extent(session)
    return whole[1].astimezone(dt.UTC) + dt.timedelta(microseconds=1) if whole else None


def watched(session: Session, start: dt.datetime, end: dt.datetime) -> dict[dt.date, pl.DataFrame]:
    """Day (of the session's zone) -> which hours each sensor watched (`view.WATCHED`), of [start, end), UTC."""
    shares: dict[tuple[dt.date, dt.datetime, str], tuple[float, int]] = {}
    for one in coverage.watched(session, start, end):
        day, at = one.start.astimezone(session.zone).date(), one.start
        while at < one.end:
            hour = at.replace(minute=0, second=0, microsecond=0)
            after = min(one.end, hour + _HOUR)
            share, addresses = shares.get((day, hour, one.sensor), (0.0, 0))
            # of several stretches in one hour, with other numbers of addresses, the larger number stands
            shares[day, hour, one.sensor] = (share + (after - at) / _HOUR, max(addresses, one.addresses))
            at = after
    by_day: dict[dt.date, list[tuple[dt.datetime, str, float, int]]] = {}
    for (day, hour, name), (share, addresses) in sorted(shares.items()):
        by_day.setdefault(day, []).append((hour, name, min(1.0, share), addresses))
    return {day: pl.DataFrame(rows, schema=WATCHED, orient="row") for day, rows in by_day.items()}
