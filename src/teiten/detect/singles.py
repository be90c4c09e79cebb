"""How the lake answers about single sources for detection: verdicts of several days with countries, names, arrivals."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import polars as pl

from teiten.classify import few_many as by_ports
from teiten.classify import names as ptr_names
from teiten.classify import ptr
from teiten.classify.arrivals import ARRIVAL
from teiten.classify.arrivals import arrivals as stretches
from teiten.classify.attacks import Rule
from teiten.detect.model import About
from teiten.engine.filters import Filters, PortRange
from teiten.enrich import geo

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session

JUDGED: Final[dict[str, pl.DataType]] = {
    "day": pl.Date(),
    "label": pl.String(),
    "src_ip": pl.Binary(),
    "value": pl.String(),
    "confidence": pl.Float64(),
    "evidence": pl.String(),
    "country": pl.String(),
    "asn": pl.Int64(),
    "as_name": pl.String(),
}
"""verdicts of single addresses; country and AS by the data of the last day asked about"""
FEW_MANY: Final[dict[str, pl.DataType]] = {
    name: pl.String() if name in ("country", "pattern") else pl.Int64() for name in by_ports.COLUMNS
}
NAMED: Final[dict[str, pl.DataType]] = {"src_ip": pl.Binary(), "name": pl.String()}


def judged(session: Session, labels: Sequence[str], first: dt.date, last: dt.date) -> pl.DataFrame:
    """JUDGED: what was found of the days from `first` to `last`, of those labels; the whole network's words, no prefixes."""
    said = ", ".join("'" + label.replace("'", "''") + "'" for label in labels)
    rows = session.frame(f"""
SELECT day, label, src_ip, value, confidence, evidence FROM _verdicts
WHERE scope = 'all' AND label IN ({said}) AND day BETWEEN DATE '{first.isoformat()}' AND DATE '{last.isoformat()}'
  AND prefix_len = 8 * octet_length(src_ip)
ORDER BY day, label, src_ip, value""")
    if not rows.height:
        return pl.DataFrame(schema=JUDGED)
    rows = rows.with_columns(geo.located(rows["src_ip"], last).get_columns())
    return rows.select(pl.col(name).cast(dtype) for name, dtype in JUDGED.items())


def arrivals(session: Session, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
    """ARRIVAL: DoS-like arrivals at the sensors' own services. `goes_on`: until the end of what the lake holds."""
    settings = session.settings
    if not any(sensor.services for sensor in settings.sensors):
        return pl.DataFrame(schema=ARRIVAL)
    return stretches(session, settings, Filters(start=start, end=end), Rule.of(settings))


def arriving(session: Session, about: About, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
    """country, packets, hosts of what came to those ports of that sensor, let in or not, without answers; most first."""
    asked = Filters(
        start=start, end=end, sensor=(about.sensor,) if about.sensor is not None else (), all_events=True,
        port=tuple(PortRange(port, port, protocol) for protocol, port in about.ports if port is not None),
    )  # fmt: skip
    where = " AND ".join([*asked.conditions(raw=True), "kind IS DISTINCT FROM 'backscatter'", "coalesce(interface, '?') <> ''"])
    return session.work(f"""
SELECT country, sum(packets)::BIGINT AS packets, count(DISTINCT src_ip) AS hosts FROM raw_events WHERE {where}
GROUP BY country ORDER BY packets DESC, country NULLS LAST""")


def few_many(session: Session, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
    """FEW_MANY: of each country how its hosts with many ports and those with few stand to each other (`classify.few_many`)."""
    rows: list[dict[str, Any]] = list(by_ports.by_country(session, session.settings, Filters(start=start, end=end)))
    return pl.DataFrame(rows, schema=FEW_MANY, orient="row") if rows else pl.DataFrame(schema=FEW_MANY)


class Breadth(NamedTuple):
    """Sources of something: how many, their packets; and of these those that tried few ports in all in the same time."""

    hosts: int
    packets: int
    hosts_few: int
    packets_few: int


def breadth(session: Session, mine: str, whole: str) -> Breadth:
    """Of the sources of what `mine` says (SQL), in the time of `whole`."""
    few = round(session.settings.threshold("few_ports"))
    rows = session.work(f"""
WITH mine AS (
  SELECT src_ip, sum(packets)::BIGINT AS packets FROM raw_events WHERE {mine} GROUP BY src_ip
), tried AS (
  SELECT src_ip, count(DISTINCT (protocol, dst_port)) <= {few} AS few FROM raw_events
  WHERE {whole} AND src_ip IN (SELECT src_ip FROM mine) GROUP BY src_ip
)
SELECT count(*) AS hosts, coalesce(sum(packets), 0)::BIGINT AS packets, count(*) FILTER (few) AS hosts_few,
       coalesce(sum(packets) FILTER (few), 0)::BIGINT AS packets_few
FROM mine JOIN tried USING (src_ip)""")
    return Breadth(*(int(rows[name][0]) for name in Breadth._fields))


@functools.lru_cache(maxsize=1)
def _table(path: Path, _changed: int) -> ptr_names.Names:
    """The user's names, read once for all days."""
    return ptr_names.load(path)


def names(session: Session, addresses: Sequence[bytes], day: dt.date) -> pl.DataFrame:
    """NAMED: PTR names of those addresses on that day, from the user's table and from the names that were looked up."""
    settings = session.settings
    wanted = pl.DataFrame({"src_ip": list(addresses)}, schema={"src_ip": pl.Binary()})
    found = [pl.DataFrame(schema=NAMED)]
    if settings.ptr_names is not None:
        table = _table(settings.ptr_names, settings.ptr_names.stat().st_mtime_ns if settings.ptr_names.is_file() else 0)
        found.append(table.of(wanted.with_columns(pl.lit(day).alias("day"))).select(list(NAMED)))
    if ptr.place(settings).is_file():
        window = dt.timedelta(days=settings.names.cache_days)
        with ptr.Cache(ptr.place(settings)) as cache:
            kept = cache.names(confirmed=True).join(wanted, on="src_ip", how="semi")
        held = (pl.col("first") - window <= day) & (pl.col("last") + window >= day)
        found.append(kept.filter(held).select(list(NAMED)))
    return pl.concat(found).unique().sort("src_ip", "name")
