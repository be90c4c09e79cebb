"""Cells of days: what each hour, sensor, port, country and AS had, for detection. Made once for a day, and kept in the lake.

Where a day has very many (`detect_cells`), those of the rarest combinations of port, country and AS are put together, once by
port, once by country, by AS and by sensor (`lake.changes.PARTS`): counts by one of these stay exact, and by several of them
less than the `least` that the day's basis says is left out of each.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from teiten.engine.filters import Filters
from teiten.lake import changes, rollup

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.lake import Lake
    from teiten.settings import Settings

VERSION: Final = 1
"""of what cells are; days that another version made are made again"""
AT_ONCE: Final = 2_000_000
"""events that are counted in one go: what bounds memory"""
TAIL: Final = 0.5
"""share of `detect_cells` that rows by port, and by AS, of what is put together may take"""
_HOUR: Final = dt.timedelta(hours=1)
_DAY: Final = dt.timedelta(days=1)
_KEY: Final = ("protocol", "dst_port", "country", "asn", "scanner")
_COLUMNS: Final = tuple(name for name in changes.TABLES["cells"] if name != "part")
_COUNT: Final = """
SELECT day, time, sensor, protocol, dst_port, country, asn, scanner, sum(packets)::BIGINT AS packets, count(*) AS hosts
FROM (
  SELECT day_of(time) AS day, make_timestamptz(epoch_us(time) // 3600000000 * 3600000000) AS time, sensor, protocol, dst_port,
         any_value(country) AS country, any_value(asn) AS asn, research_scanner AS scanner, src_ip, sum(packets) AS packets
  FROM raw_events WHERE {where}
  GROUP BY day_of(time), epoch_us(time) // 3600000000, sensor, protocol, dst_port, research_scanner, src_ip
)
GROUP BY ALL"""


class Least(NamedTuple):
    """Packets of a day: of a combination of port, country and AS that has cells of its own, and of a port or AS that has rows
    of its own in what is put together. 1: nothing was put together."""

    cell: int = 1
    alone: int = 1


@dataclass(frozen=True, slots=True)
class Basis:
    """From what a day's cells were made (`rollup.Basis`), how many they may be, and how they were put together (`Least`)."""

    of: rollup.Basis
    most: int
    least: Least

    def text(self) -> str:
        """As the lake keeps it."""
        told = [VERSION, self.of.batch, self.of.forgotten, self.of.verdicts, self.most, *self.least]
        return json.dumps(told, separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> Basis | None:
        """None for what another version made."""
        version, *told = json.loads(text)
        return cls(rollup.Basis(*told[:3]), told[3], Least(*told[4:])) if version == VERSION else None

    def same(self, other: Basis) -> bool:
        return self.of.same(other.of) and self.most == other.most


def stored(lake: Lake, zone: str) -> dict[dt.date, Basis]:
    """Day of that zone -> from what its cells in the lake were made."""
    rows = lake.changes_state("cells", zone).select("day", "basis").iter_rows()
    return {day: basis for day, text in rows if (basis := Basis.read(text)) is not None}


def wanted(
    lake: Lake, settings: Settings, days: Iterable[dt.date] | None = None, upto: int | None = None
) -> dict[dt.date, Basis]:
    """Day with events (of `days`; None: all) -> the basis that its cells should have; of days without events that of what is
    kept of them, where something is."""
    most = round(settings.threshold("detect_cells"))
    chosen = None if days is None else set(days)
    found = rollup.wanted(lake, settings.zone_name, upto, chosen)
    out = {day: Basis(basis, most, Least()) for day, basis in found.items()}
    gone = lake.dropped_days(settings.zone_name)
    if gone & out.keys():
        held = stored(lake, settings.zone_name)
        out = {day: held.get(day, basis) if day in gone else basis for day, basis in out.items()}
    return out


def stale(
    lake: Lake, settings: Settings, days: Iterable[dt.date] | None = None, upto: int | None = None
) -> dict[dt.date, Basis]:
    """Those of the days whose cells are not there, or do not hold -> their basis now. None of which events are not kept."""
    held, gone = stored(lake, settings.zone_name), lake.dropped_days(settings.zone_name)
    now = wanted(lake, settings, days, upto)
    return {day: basis for day, basis in now.items() if day not in gone and not (day in held and held[day].same(basis))}


def ensure(lake: Lake, settings: Settings, days: Iterable[dt.date], *, wait: float | None = None) -> list[dt.date]:
    """Makes the cells of those days where they are not there or do not hold; the days that it made. Verdicts come first.

    LakeError where the lake cannot be written, UsageError and DataError for lists.
    """
    from teiten import classify
    from teiten.engine import open_session

    asked = sorted(set(days))
    if not asked or not stale(lake, settings, asked):
        return []
    judged = classify.refresh(lake, settings, asked, wait=wait)
    if judged.trouble is not None:
        raise judged.trouble
    # what the lake is now is looked at before it is opened: what comes between makes the days stale again
    missing = stale(lake, settings, asked)
    for some in runs(sorted(missing)):
        start, end = bounds(some[0], settings.zone)[0], bounds(some[-1], settings.zone)[1]
        with open_session(lake, settings, start=start, end=end, counted=False) as session:
            for part in pieces(session, some):
                put(lake, session, part, missing, wait=wait)
    return sorted(missing)


def put(
    lake: Lake, session: Session, days: Sequence[dt.date], basis: Mapping[dt.date, Basis], *, wait: float | None = None
) -> tuple[pl.DataFrame, dict[dt.date, Least]]:
    """Counts days that follow each other (`count`) and puts their cells into the lake."""
    frame, least = count(session, days)
    told = {day: Basis(basis[day].of, basis[day].most, least.get(day, Least())).text() for day in days if day in basis}
    kept = frame.filter(pl.col("day").is_in(list(told)))
    lake.replace_changes("cells", told, session.zone_name, [kept], last_batch=session.last_batch, wait=wait)
    return frame, least


def count(session: Session, days: Sequence[dt.date]) -> tuple[pl.DataFrame, dict[dt.date, Least]]:
    """Cells (`day` and `changes.TABLES`) of days that follow each other, from events; and `Least` of those put together."""
    most = max(1, round(session.settings.threshold("detect_cells")))
    begun = False
    for start, end in _stretches(session, days):
        where = " AND ".join(Filters(start=start, end=end).conditions(raw=True))
        query = _COUNT.format(where=where)
        session.make(f"INSERT INTO _cells {query}" if begun else f"CREATE OR REPLACE TEMP TABLE _cells AS {query}", query)
        begun = True
    least = _least(session, "_cells", _KEY, most)
    if not least:
        return _typed(session.work(f"SELECT 0 AS part, * FROM _cells ORDER BY {', '.join(changes.ORDER['cells'])}")), {}
    query, alone = _put_together(session, least, most)
    return _typed(session.work(query)), {day: Least(n, alone.get(day, 1)) for day, n in least.items()}


def _put_together(session: Session, least: Mapping[dt.date, int], most: int) -> tuple[str, dict[dt.date, int]]:
    """The SELECT of all cells, those of combinations below `least` put together; and below which count of a day a port or AS
    has no row of its own there."""
    key, same = ", ".join(_KEY), " AND ".join(f"c.{name} IS NOT DISTINCT FROM k.{name}" for name in ("day", *_KEY))
    rare = (
        f"SELECT day, {key} FROM _cells JOIN {_values(least)} USING (day) GROUP BY ALL HAVING sum(packets) < any_value(least)"
    )
    session.make(f"CREATE OR REPLACE TEMP TABLE _rare AS {rare}", "")
    session.make(f"CREATE OR REPLACE TEMP TABLE _tail AS SELECT c.* FROM _cells c SEMI JOIN _rare k ON {same}", "")
    alone: dict[dt.date, int] = {}
    selects = [f"SELECT 0 AS part, c.* FROM _cells c ANTI JOIN _rare k ON {same}"]
    for part, columns in changes.PARTS.items():
        one = {"dst_port", "asn"} & set(columns)
        table = "_tail"
        if one:
            table, few = _few(session, part, columns, one.pop(), max(1, round(most * TAIL)))
            alone |= {day: max(n, alone.get(day, 1)) for day, n in few.items()}
        shown = ", ".join(name if name in ("day", *columns) else f"NULL AS {name}" for name in ("day", *_COLUMNS[:-2]))
        sums = "sum(packets)::BIGINT AS packets, sum(hosts)::BIGINT AS hosts"
        selects.append(f"SELECT {part} AS part, {shown}, {sums} FROM {table} GROUP BY day, {', '.join(columns)}")
    return " UNION ALL ".join(selects), alone


def _few(session: Session, part: int, columns: Sequence[str], one: str, most: int) -> tuple[str, dict[dt.date, int]]:
    """The name of a table of the tail in which the rarest values of that column have become `changes.OTHERS`, and of each day
    where that is so the least count that has not."""
    name, by = f"_tail_{part}", ", ".join(("day", *columns))
    summed = f"SELECT {by}, sum(packets)::BIGINT AS packets, sum(hosts)::BIGINT AS hosts FROM _tail GROUP BY ALL"
    session.make(f"CREATE OR REPLACE TEMP TABLE {name} AS {summed}", "")
    told = [column for column in columns if column != "time"]
    least = _least(session, name, told, most)
    if not least:
        return name, {}
    window = f"sum(packets) OVER (PARTITION BY day, {', '.join(told)}) < least AND {one} IS NOT NULL"
    rest = ", ".join(f"t.{column}" for column in ("day", *columns, "packets", "hosts") if column != one)
    query = f"SELECT {rest}, CASE WHEN {window} THEN {changes.OTHERS} ELSE {one} END AS {one} FROM {name} t"
    session.make(f"CREATE OR REPLACE TEMP TABLE {name}_few AS {query} LEFT JOIN {_values(least)} USING (day)", "")
    return f"{name}_few", least


def _least(session: Session, table: str, key: Sequence[str], most: int) -> dict[dt.date, int]:
    """Day with more than `most` rows in the table -> the least count of its combinations that keep a row of their own."""
    query = f"""
SELECT day, n, sum(rows)::BIGINT AS rows
FROM (SELECT day, {", ".join(key)}, sum(packets)::BIGINT AS n, count(*) AS rows FROM {table} GROUP BY ALL)
GROUP BY day, n"""
    found = session.work(query).sort("day", "n", descending=[False, True])
    out = {}
    for (day,), own in found.partition_by("day", as_dict=True).items():
        held = own["rows"].cum_sum()
        if held[-1] > most:
            fits = int((held <= most).sum())
            # the count after the last that fits is the first that does not
            out[day] = int(own["n"][fits]) + 1
    return out


def _values(least: Mapping[dt.date, int]) -> str:
    rows = ", ".join(f"(DATE '{day.isoformat()}', {n})" for day, n in least.items())
    return f"(VALUES {rows}) AS l(day, least)"


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    schema = {"day": pl.Date(), **changes.TABLES["cells"]}
    return frame.select(
        pl.col(name).dt.convert_time_zone("UTC").cast(dtype) if name == "time" else pl.col(name).cast(dtype)
        for name, dtype in schema.items()
    )


# days ---------------------------------------------------------------------------------------------------------------


def bounds(day: dt.date, zone: dt.tzinfo) -> tuple[dt.datetime, dt.datetime]:
    """First instant of the day and of the next, in UTC."""
    start, end = (dt.datetime.combine(d, dt.time(), zone) for d in (day, day + _DAY))
    return start.astimezone(dt.UTC), end.astimezone(dt.UTC)


def runs(days: Sequence[dt.date]) -> Iterator[list[dt.date]]:
    """Days in order -> stretches of days one after another."""
    run: list[dt.date] = []
    for day in days:
        if run and day - run[-1] != _DAY:
            yield run
            run = []
        run.append(day)
    if run:
        yield run


def pieces(session: Session, days: Sequence[dt.date]) -> Iterator[list[dt.date]]:
    """Days one after another in parts of not too many events, a day at least."""
    part: list[dt.date] = []
    for day in days:
        start = bounds((part or [day])[0], session.zone)[0]
        if part and _events(session, start, bounds(day, session.zone)[1]) > AT_ONCE:
            yield part
            part = []
        part.append(day)
    if part:
        yield part


def _stretches(session: Session, days: Sequence[dt.date]) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """The time of those days, cut at whole hours into parts of not too many events."""
    start, end = bounds(days[0], session.zone)[0], bounds(days[-1], session.zone)[1]
    parts = min(-(-_events(session, start, end) // AT_ONCE), (end - start) // _HOUR) or 1
    hours = -(-((end - start) // _HOUR) // parts)
    at = start
    while at < end:
        after = min(end, at.replace(minute=0, second=0, microsecond=0) + hours * _HOUR)
        yield at, after
        at = after


def _events(session: Session, start: dt.datetime, end: dt.datetime) -> int:
    """Events of the files that may hold some of [start, end): never fewer than there are."""
    return sum(f.rows for f in session.files if f.t_min and f.t_max and f.t_min < end and f.t_max >= start)
