"""What the site is counted from: of each day, packets and hosts of every sensor to each port, from each country, AS, network.

These counts tell sensors apart, so they stay in the house: in a folder of the user's own data, by day, and are counted again
only where the day's events have changed. Days of which events are no longer kept stand by what was counted of them before.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from teiten.coverage import watched
from teiten.engine import open_session, questions
from teiten.engine.filters import Filters
from teiten.enrich import datasets
from teiten.errors import TeitenError
from teiten.lake import Lake, rollup

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.settings import Settings

VERSION: Final = 1
SCHEMA: Final[dict[str, Any]] = {
    "what": pl.String(), "key": pl.String(), "sensor": pl.String(), "packets": pl.Int64(), "hosts": pl.Int64(),
}  # fmt: skip
"""what: all, port, country, asn, source, network, watching (then `packets` are the seconds in which the sensor watched)"""
PORTS: Final = ", ".join(questions.THINGS["ports"].keys)
KINDS: Final = {
    "all": "''",
    "port": "concat(coalesce(dst_port::VARCHAR, ''), '/', coalesce(protocol::VARCHAR, ''))",
    "country": "coalesce(country, '')",
    "asn": "coalesce(asn::VARCHAR, '')",
}
OWN: Final = {
    "network": "prefix_text(source_prefix(src_ip))",
    "pseudonym": "address_text(src_ip)",
    "address": "address_text(src_ip)",
}
"""the key of a source, by how sources are told (`none` is asked nothing)"""
_NAME: Final = re.compile(r"(\d{4}-\d\d-\d\d)\.([0-9a-z-]+)\.parquet", re.ASCII)


@dataclass(frozen=True, slots=True)
class Day:
    """The counts of a day."""

    day: dt.date
    frame: pl.DataFrame
    """of `SCHEMA`"""


def folder(lake: Lake, settings: Settings) -> Path:
    """Where the counts and the site's key lie: with the user's own data, by the lake's id and the zone of its days."""
    return datasets.user_folder().parent / "publish" / f"{lake.meta.id}-{settings.zone_name.lower().replace('/', '-')}"


def days(lake: Lake, settings: Settings, today: dt.date) -> list[dt.date]:
    """The days, in order, that may be published today: those with events (or kept counts), older than the delay."""
    last = today - dt.timedelta(days=settings.publishing.delay + 1)
    found = set(rollup.wanted(lake, settings.zone_name)) | set(_kept(folder(lake, settings)))
    return sorted(day for day in found if day <= last)


def of(
    lake: Lake, settings: Settings, wanted: Iterable[dt.date], progress: Callable[[int, int], None] | None = None
) -> dict[dt.date, Day]:
    """The counts of those days, from what was kept or from events. TeitenError where they cannot be kept."""
    place = folder(lake, settings)
    asked = sorted(set(wanted))
    basis = rollup.wanted(lake, settings.zone_name, days=set(asked))
    gone = lake.dropped_days(settings.zone_name)
    kept = _kept(place)
    how = settings.publishing.sources
    out: dict[dt.date, Day] = {}
    for done, day in enumerate(asked):
        if progress:
            progress(done, len(asked))
        mark = f"{VERSION}-{how}-{basis[day].batch}-{basis[day].forgotten}" if day in basis else ""
        name, file = kept.get(day, ("", None))
        if file is not None and (name == mark or day in gone or not mark):
            out[day] = Day(day, pl.read_parquet(file))
            continue
        if day in gone:
            continue  # nobody counted it while its events were there
        frame = count(lake, settings, day)
        _keep(place, day, mark, frame, file)
        out[day] = Day(day, frame)
    return out


def _kept(place: Path) -> dict[dt.date, tuple[str, Path]]:
    if not place.is_dir():
        return {}
    found = {}
    for path in place.iterdir():
        if match := _NAME.fullmatch(path.name):
            found[dt.date.fromisoformat(match[1])] = (match[2], path)
    return found


def _keep(place: Path, day: dt.date, mark: str, frame: pl.DataFrame, older: Path | None) -> None:
    """The day's counts, whole or not at all."""
    path = place / f"{day}.{mark}.parquet"
    part = place / f".{day}.part"
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        frame.write_parquet(part, compression="zstd")
        part.replace(path)
        if older is not None and older != path:
            older.unlink(missing_ok=True)
    except OSError as error:
        raise TeitenError(
            f"{place} cannot be written: {error.strerror}.",
            hint="It holds the counts of each day; set $TEITEN_DATA to another place.",
        ) from None


def count(lake: Lake, settings: Settings, day: dt.date) -> pl.DataFrame:
    """The counts of one day (`SCHEMA`) from its events: attempts from outside alone."""
    start = dt.datetime.combine(day, dt.time(), settings.zone)
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), settings.zone)
    where = " AND ".join(Filters(start=start, end=end).conditions(raw=True))
    kinds = {**KINDS, **({"source": OWN[settings.publishing.sources]} if settings.publishing.sources in OWN else {})}
    with open_session(lake, settings, start=start - dt.timedelta(days=1), end=end + dt.timedelta(days=1)) as session:
        session.work(f"CREATE OR REPLACE TEMP TABLE _day AS {_DAY.format(ports=PORTS, where=where)}")
        frames = [
            session.work(
                f"SELECT '{what}' AS what, {key} AS key, sensor, sum(packets)::BIGINT AS packets,"
                " count(DISTINCT src_ip)::BIGINT AS hosts FROM _day GROUP BY ALL"
            )
            for what, key in kinds.items()
        ]
        frames.append(_watching(session, start, end))
    return pl.concat([frame.select(pl.col(c).cast(t) for c, t in SCHEMA.items()) for frame in frames]).sort(
        "what", "key", "sensor"
    )


_DAY: Final = "SELECT sensor, src_ip, {ports}, country, asn, packets FROM raw_events WHERE {where}"


def _watching(session: Session, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
    """How long each sensor watched on the day, in seconds."""
    seconds: dict[str, float] = {}
    for one in watched(session, start, end):
        seconds[one.sensor] = seconds.get(one.sensor, 0.0) + (one.end - one.start).total_seconds()
    rows = [("watching", "", name, round(value), 0) for name, value in seconds.items()]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
