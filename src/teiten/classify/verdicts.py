"""Verdicts made and kept: which days are stale, every rule over those days' sources, the answers into the lake.

A day is stale where a batch brought events of it since it was judged, or where what it was judged by (versions of lists,
thresholds, rules, names) has changed: its `basis`, which the lake keeps with the day.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from teiten.classify import names, rules, watchlists
from teiten.classify.rules import FOUND, Material, Part
from teiten.classify.watchlists import Watchlists
from teiten.engine import filters
from teiten.errors import LakeError, TeitenError
from teiten.lake import verdict
from teiten.settings import Settings

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.lake import Lake

CHUNK_EVENTS: Final = 500_000
"""events that are judged at once: what bounds memory, with the distinct sources among them"""
CHUNK_DAYS: Final = 31
STORE_ROWS: Final = 100_000
STORE_DAYS: Final = 366
"""verdicts, or days, that are put into the lake at once"""
PATIENCE: Final = 2.0
"""seconds that a report or a ranking waits for an ingest to end before it goes by the verdicts that there are"""
MEMORY_MB: Final = 96
SCOPE: Final = "all"
_DAY: Final = 86_400_000_000
_EPOCH: Final = dt.date(1970, 1, 1)

VERDICT_SCHEMA: Final[dict[str, pl.DataType]] = {
    name: dtype for name, dtype in verdict.SCHEMA.items() if name not in ("zone", "made", "last_batch", "basis")
}
"""a verdict as it is judged; what the lake adds when it is stored is left out"""
Progress = Callable[[int, int], None]
"""called with the days judged so far, and how many there are to judge"""


@dataclass(slots=True)
class Result:
    """What a run did: the days that it judged, the sources that it looked at, and the verdicts by label."""

    days: list[dt.date] = field(default_factory=list)
    sources: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    trouble: TeitenError | None = None
    """why days stayed as they were (the lake is being written, or cannot be): only `refresh` says so, `run` raises it"""
    stale: list[dt.date] = field(default_factory=list)
    """days that stayed stale"""
    notes: list[str] = field(default_factory=list)
    """what is to be said of the lists and names that were used"""


@dataclass(frozen=True, slots=True)
class Basis:
    """What days are judged by."""

    settings: Settings
    watchlists: Watchlists
    names: names.Names | None

    @classmethod
    def load(cls, settings: Settings) -> Basis:
        """Lists and names at hand. UsageError, DataError."""
        lists = watchlists.load(settings)
        return cls(settings, lists, names.at_hand(settings, lists))

    def of_day(self, day: dt.date) -> str:
        """The basis of that day, as the lake keeps it: JSON, equal where nothing that matters has changed."""
        lists = {one.name: [one.version, one.date.isoformat(), one.digest] for one in self.watchlists.of_day(day)}
        return self._text(tuple((name, *said) for name, said in sorted(lists.items())), self.names_of_day(day))

    def names_of_day(self, day: dt.date) -> str | None:
        """What PTR names say on that day, shortened; None where there are none."""
        return (self.names.digest_of(day) or None) if self.names is not None else None

    def _text(self, lists: tuple[tuple[str, ...], ...], told_by_names: str | None) -> str:
        wanted = sorted({name for part in rules.parts() for name in part.rule.thresholds})
        told = {
            "lists": {name: rest for name, *rest in lists},
            "thresholds": {name: self.settings.threshold(name) for name in wanted},
            "rules": [part.rule.id for part in rules.parts()],
            "names": told_by_names,
        }
        return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


# which days ---------------------------------------------------------------------------------------------------------


def stale_days(lake: Lake, basis: Basis, days: Iterable[dt.date] | None = None, upto: int | None = None) -> dict[dt.date, str]:
    """Days (of the settings' zone) with events that are not judged, or not by this basis or not from all events -> basis.

    `days`: only these. `upto`: the last batch that counts.
    """
    newest = _newest(lake, basis.settings, upto)
    wanted = newest.keys() if days is None else newest.keys() & set(days)
    known = {
        day: (batch, told)
        for day, batch, told in lake.verdict_state(basis.settings.zone_name).select("day", "last_batch", "basis").iter_rows()
    }
    out = {}
    told: dict[tuple[tuple[int, ...], str | None], str] = {}
    for day in sorted(wanted):
        key = tuple(n for n, w in enumerate(basis.watchlists.windows) if w.holds(day, day)), basis.names_of_day(day)
        if key not in told:
            told[key] = basis.of_day(day)
        judged = known.get(day)
        if judged is None or judged[0] < newest[day] or judged[1] != told[key]:
            out[day] = told[key]
    return out


def touched_days(lake: Lake, settings: Settings, after: int) -> list[dt.date]:
    """The days (of the settings' zone) that batches after that one touch."""
    return [day for day, batch in _newest(lake, settings, None).items() if batch > after]


def last_day(lake: Lake, settings: Settings) -> dt.date | None:
    """The last day with events, by the batches; None where there is none."""
    return max(_newest(lake, settings, None), default=None)


def _newest(lake: Lake, settings: Settings, upto: int | None) -> dict[dt.date, int]:
    """Day -> the last batch whose span of time touches it."""
    rows = lake.batches(["batch", "t_min", "t_max"], upto).drop_nulls()
    if not rows.height:
        return {}
    local = rows.select("batch", pl.col("t_min", "t_max").dt.convert_time_zone(settings.zone_name).dt.date().to_physical())
    low: Any = local["t_min"].min()
    high: Any = local["t_max"].max()
    last = np.full(high - low + 1, -1, dtype=np.int64)
    for batch, first, end in local.sort("batch").iter_rows():
        last[first - low : end - low + 1] = batch
    there = np.flatnonzero(last >= 0)
    return {_EPOCH + dt.timedelta(days=int(n) + low): int(last[n]) for n in there}


# judging ------------------------------------------------------------------------------------------------------------


def judge(session: Session, basis: Basis, days: Sequence[dt.date]) -> Iterator[tuple[list[dt.date], int, pl.DataFrame]]:
    """Days in order, some at a time, with how many sources they have and their verdicts (VERDICT_SCHEMA).

    The session decides which events there are; nothing is stored.
    """
    parts = rules.parts()
    for some in _chunks(session, sorted(set(days))):
        found, count = [], 0
        for sources in _sources(session, some):
            count += sources.height
            found.append(_by_rules(parts, Material(sources, basis.watchlists, basis.names, basis.settings)))
        yield some, count, pl.concat(found) if found else pl.DataFrame(schema=VERDICT_SCHEMA)


def _by_rules(parts: Sequence[Part], material: Material) -> pl.DataFrame:
    """Every rule's rows; of two with one label on one source and day that of the earlier rule."""
    out = [pl.DataFrame(schema=VERDICT_SCHEMA)]
    for part in parts:
        rows = part.judge(material)
        if rows.height:
            full = rows.select(list(FOUND)).with_columns(
                (pl.col("src_ip").bin.size() * 8).cast(pl.Int16).alias("prefix_len"),
                pl.lit(SCOPE).alias("scope"),
                pl.lit(part.rule.label).alias("label"),
                pl.lit(part.rule.id).alias("rule"),
            )
            out.append(full.select(pl.col(name).cast(dtype) for name, dtype in VERDICT_SCHEMA.items()))
    return pl.concat(out).unique(["src_ip", "day", "label"], keep="first", maintain_order=True)


def _chunks(session: Session, days: list[dt.date]) -> Iterator[list[dt.date]]:
    """Runs of neighbouring days of 24 hours at one offset, with not too many events; a day with another length by itself."""
    run: list[dt.date] = []
    for day in days:
        start, end = _bounds(session, [day])
        whole = end - start == dt.timedelta(days=1)
        if run:
            follows = day - run[-1] == dt.timedelta(days=1) and whole and _offset(session, day) == _offset(session, run[0])
            if not follows or len(run) == CHUNK_DAYS or _events(session, _bounds(session, run)[0], end) > CHUNK_EVENTS:
                yield run
                run = []
        run.append(day)
        if not whole:
            yield run
            run = []
    if run:
        yield run


def _events(session: Session, start: dt.datetime, end: dt.datetime) -> int:
    """Events of the files that may hold some of [start, end): never fewer than there are."""
    return sum(f.rows for f in session.files if f.t_min and f.t_max and f.t_min < end and f.t_max >= start)


def _bounds(session: Session, days: Sequence[dt.date]) -> tuple[dt.datetime, dt.datetime]:
    """First instant of the first day and of the day after the last, in UTC (so that their difference is true)."""
    start = dt.datetime.combine(days[0], dt.time(), session.zone)
    end = dt.datetime.combine(days[-1] + dt.timedelta(days=1), dt.time(), session.zone)
    return start.astimezone(dt.UTC), end.astimezone(dt.UTC)


def _offset(session: Session, day: dt.date) -> dt.timedelta | None:
    return dt.datetime.combine(day, dt.time(), session.zone).utcoffset()


def _sources(session: Session, days: list[dt.date]) -> Iterator[pl.DataFrame]:
    """SOURCES of neighbouring days; where there are very many events a part of the sources at a time."""
    start, end = _bounds(session, days)
    offset = _offset(session, days[0]) or dt.timedelta()
    day = str((days[0] - _EPOCH).days)
    if len(days) > 1:
        day = f"((epoch_us(time) + {offset // dt.timedelta(microseconds=1)}) // {_DAY})"
    slices = max(1, -(-_events(session, start, end) // (2 * CHUNK_EVENTS)))
    where = filters.Filters(start=start, end=end).conditions(raw=True)
    for n in range(slices):
        part = [f"hash(src_ip) % {slices} = {n}"] if slices > 1 else []
        frame = _ask(session, day, " AND ".join([*where, *part]))
        if frame.height:
            yield frame


def _ask(session: Session, day: str, where: str) -> pl.DataFrame:
    """SOURCES of the events for which `where` holds; `day` is the SQL of their day."""
    least = max(1, math.ceil(session.settings.threshold("port_scanner_ports")))
    whole = session.frame(
        f"SELECT src_ip, ({day})::INTEGER AS day, sum(packets)::BIGINT AS packets, count(*) AS events"
        f" FROM raw_events WHERE {where} GROUP BY ALL"
    )
    ports = pl.lit(None, dtype=pl.Int64).alias("ports")
    often = whole.filter(pl.col("events") >= least)["src_ip"].unique()
    if len(often):
        counted = session.frame(
            "SELECT src_ip, day, count(*) AS ports FROM ("
            f"SELECT DISTINCT src_ip, ({day})::INTEGER AS day, protocol, dst_port FROM raw_events WHERE {where}"
            " AND protocol IN (6, 17) AND dst_port IS NOT NULL AND src_ip IN (SELECT unnest($often))) GROUP BY src_ip, day",
            {"often": often.to_list()},
        )
        whole = whole.join(counted, on=["src_ip", "day"], how="left", maintain_order="left")
        ports = pl.when(pl.col("events") >= least).then(pl.col("ports").fill_null(0)).alias("ports")
    return whole.select("src_ip", pl.col("day").cast(pl.Date), pl.col("packets").cast(pl.Int64), ports.cast(pl.Int64))


# keeping ------------------------------------------------------------------------------------------------------------


def run(
    lake: Lake,
    settings: Settings,
    days: Iterable[dt.date] | None = None,
    progress: Progress | None = None,
    *,
    basis: Basis | None = None,
) -> Result:
    """Judges the stale days (of `days`; None: of the whole lake) and puts their verdicts into the lake.

    LakeError where the lake cannot be written (LakeBusyError: somebody else is), UsageError and DataError for lists.
    """
    from teiten.engine.duckdb import Session

    basis = basis or Basis.load(settings)
    stale = stale_days(lake, basis, days)
    result = Result()
    if not stale:
        return result
    if basis.names is not None and basis.names.rejected:
        result.notes.append(f"{basis.names.rejected:,} lines of names could not be read, the first {basis.names.first}.")
    ordered = sorted(stale)
    start = dt.datetime.combine(ordered[0], dt.time(), settings.zone)
    end = dt.datetime.combine(ordered[-1] + dt.timedelta(days=1), dt.time(), settings.zone)
    held: list[pl.DataFrame] = []
    waiting: list[dt.date] = []
    with Session(lake, settings, start=start, end=end, memory_mb=MEMORY_MB) as session:
        for some, count, frame in judge(session, basis, ordered):
            held.append(frame)
            waiting += some
            result.days += some
            result.sources += count
            for label, n in frame.group_by("label").len().iter_rows():
                result.labels[label] = result.labels.get(label, 0) + n
            if sum(f.height for f in held) >= STORE_ROWS or len(waiting) >= STORE_DAYS:
                _store(lake, settings, session.last_batch, stale, waiting, held)
            if progress is not None:
                progress(len(result.days), len(ordered))
        _store(lake, settings, session.last_batch, stale, waiting, held)
    return result


def _store(
    lake: Lake, settings: Settings, last: int, stale: dict[dt.date, str], days: list[dt.date], frames: list[pl.DataFrame]
) -> None:
    """The days' verdicts into the lake, one entry in its log for those of one basis; both lists are emptied."""
    if not days:
        return
    whole = pl.concat(frames)
    by_basis: dict[str, list[dt.date]] = {}
    for day in days:
        by_basis.setdefault(stale[day], []).append(day)
    for told, mine in by_basis.items():
        rows = whole.filter(pl.col("day").is_in(mine))
        lake.replace_verdicts(mine, settings.zone_name, rows, last_batch=last, basis=told)
    days.clear()
    frames.clear()


def refresh(
    lake: Lake,
    settings: Settings,
    days: Iterable[dt.date] | None = None,
    progress: Progress | None = None,
    *,
    wait: float | None = PATIENCE,
) -> Result:
    """`run` for what can go on without: where the lake cannot be written now, its verdicts stay and `trouble` says why.

    `wait`: seconds that it waits for another writer to end (None: as long as every writer does).
    """
    basis = Basis.load(settings)
    stale = stale_days(lake, basis, days)
    if not stale:
        return Result()
    try:
        with lake.writer(wait):
            pass  # it is known before the work is done whether it can be kept
        return run(lake, settings, days, progress, basis=basis)
    except LakeError as error:
        return Result(trouble=error, stale=sorted(stale))


def lists_used(lake: Lake, zone: str, days: Iterable[dt.date]) -> dict[str, list[tuple[str, str]]]:
    """List -> its versions, each with its date, by which those days of that zone were judged, oldest first."""
    wanted = set(days)
    found: dict[str, set[tuple[str, str]]] = {}
    state = lake.verdict_state(zone)
    for told in state.filter(pl.col("day").is_in(list(wanted)))["basis"].unique().drop_nulls():
        for name, said in json.loads(told or "{}").get("lists", {}).items():
            found.setdefault(name, set()).add((said[0], said[1]))
    return {name: sorted(said, key=lambda one: (one[1], one[0])) for name, said in sorted(found.items())}
