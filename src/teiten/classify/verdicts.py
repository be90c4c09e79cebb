"""Verdicts made and kept: which days are stale, every rule over those days' sources, the answers into the lake.

A day is stale where a batch brought events of it since it was judged, or where what it was judged by (versions of lists,
thresholds, rules, names) has changed: its `basis`, which the lake keeps with the day.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from teiten import coverage
from teiten.classify import names, rules, watchlists
from teiten.classify.material import KEPT, SOURCES, Events, Material
from teiten.classify.rules import FOUND, SEVERAL, Part
from teiten.classify.watchlists import Watchlists
from teiten.engine import filters
from teiten.errors import LakeError, TeitenError
from teiten.lake import verdict
from teiten.settings import Sensor, Settings

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
PIECE_ROWS: Final = 100_000
"""verdicts that are held in memory at once"""
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
        wanted = sorted({name for part in rules.parts() for name in part.rule.thresholds})
        told = {
            "addresses": sum(stated(one, self.settings, day) or 1 for one in watching(self.settings, day)),
            "lists": dict(sorted(lists.items())),
            "thresholds": {name: self.settings.threshold(name) for name in wanted},
            "rules": [part.rule.id for part in rules.parts()],
            "names": self.names_of_day(day),
        }
        return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    def names_of_day(self, day: dt.date) -> str | None:
        """What PTR names say on that day, shortened; None where there are none."""
        return (self.names.digest_of(day) or None) if self.names is not None else None


def watching(settings: Settings, day: dt.date) -> list[Sensor]:
    """The configured sensors that were watching at some time of that day, by what the configuration says."""
    return [one for one in settings.sensors if one.running(*_day(settings, day), settings.zone)]


def stated(sensor: Sensor, settings: Settings, day: dt.date) -> int | None:
    """The most addresses that the configuration says it watched on that day; None where it says nothing."""
    return max((count or 0 for *_, count in sensor.running(*_day(settings, day), settings.zone)), default=0) or None


def _day(settings: Settings, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    start = dt.datetime.combine(day, dt.time(), settings.zone)
    return start, dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), settings.zone)


# which days ---------------------------------------------------------------------------------------------------------


def stale_days(lake: Lake, basis: Basis, days: Iterable[dt.date] | None = None, upto: int | None = None) -> dict[dt.date, str]:
    """Days (of the settings' zone) with events that are not judged, or not by this basis or not from all events -> basis.

    `days`: only these. `upto`: the last batch that counts.
    """
    newest = _newest(lake, basis.settings, upto)
    wanted = newest.keys() if days is None else newest.keys() & set(days)
    # what their events were cannot be looked at again: their verdicts stay as they are
    wanted = wanted - lake.dropped_days(basis.settings.zone_name)
    known = {
        day: (batch, told)
        for day, batch, told in lake.verdict_state(basis.settings.zone_name).select("day", "last_batch", "basis").iter_rows()
    }
    out = {}
    told: dict[tuple[Any, ...], str] = {}
    for day in sorted(wanted):
        lists = tuple(n for n, w in enumerate(basis.watchlists.windows) if w.holds(day, day))
        key = (lists, tuple(one.name for one in watching(basis.settings, day)), basis.names_of_day(day))
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


def judge(
    session: Session, basis: Basis, days: Sequence[dt.date], notes: list[str] | None = None
) -> Iterator[tuple[list[dt.date], int, pl.DataFrame]]:
    """Days in order, some at a time, with how many sources they have, and verdicts (VERDICT_SCHEMA).

    Where there are many, they come in several pieces: the last of them has the days and the number of sources, those before
    it have none. The session decides which events there are; nothing is stored. `notes` gets what rules have to say.
    """
    parts = rules.parts()
    told = notes if notes is not None else []
    ordered = sorted(set(days))
    if len(ordered) > CHUNK_DAYS:
        # a clock that went wrong makes a batch span decades, in which hardly a day has events
        seen = _seen(session, ordered)
        yield [day for day in ordered if day not in seen], 0, pl.DataFrame(schema=VERDICT_SCHEMA)
        ordered = [day for day in ordered if day in seen]
    for some in _chunks(session, ordered):
        asked = _asked(session, some, parts)
        if asked is None:
            yield some, 0, pl.DataFrame(schema=VERDICT_SCHEMA)
            continue
        try:
            held: list[pl.DataFrame] = []
            for rows in _by_rules(parts, asked, some, basis, told):
                held.append(rows)
                if sum(f.height for f in held) >= PIECE_ROWS:
                    yield [], 0, pl.concat(held)
                    held = []
            yield some, asked.height, pl.concat(held) if held else pl.DataFrame(schema=VERDICT_SCHEMA)
        finally:
            asked.close()


def _seen(session: Session, days: list[dt.date]) -> set[dt.date]:
    """The days from the first to the last on which there are events."""
    start, end = _bounds(session, days)
    where = " AND ".join(filters.Filters(start=start, end=end).span())
    found = session.work(f"SELECT DISTINCT day_of(time) AS day FROM raw_events WHERE {where}")["day"].cast(pl.Date)
    return set(found.to_list())


def _asked(session: Session, days: list[dt.date], parts: Sequence[Part]) -> Events | None:
    """The events of neighbouring days and the counts that rules want; None where the lake holds no events near them."""
    start, end = _bounds(session, days)
    if not _events(session, start, end):
        return None
    day = f"DATE '{days[0].isoformat()}'"
    if len(days) > 1:
        offset = (_offset(session, days[0]) or dt.timedelta()) // dt.timedelta(microseconds=1)
        day = f"(DATE '1970-01-01' + ((epoch_us(time) + {offset}) // {_DAY})::INTEGER)"
    where = " AND ".join(filters.Filters(start=start, end=end).conditions(raw=True))
    counts = {name for part in parts for name in part.rule.counts}
    named = {name for part in parts if "ports" in part.rule.counts for name in part.rule.thresholds if name.endswith("_ports")}
    least = min((session.settings.threshold(name) for name in named), default=1)
    return Events(session, day, where, sorted(counts), max(1, math.ceil(least)))


def _by_rules(
    parts: Sequence[Part], asked: Events, days: list[dt.date], basis: Basis, notes: list[str]
) -> Iterator[pl.DataFrame]:
    """Every rule's rows, in the rules' order; of two with one label on one address and day that of the earlier rule."""
    addresses = coverage.by_day(asked.session, days)
    shared = _shared(parts)
    kept = pl.DataFrame(schema=KEPT)

    def material(sources: pl.DataFrame, rule: rules.Rule, events: Events | None) -> Material:
        known = kept.filter(pl.col("label").is_in(list(rule.knows)))
        chosen = rule.over == "chosen"
        return Material(
            sources,
            basis.watchlists,
            basis.names,
            basis.settings,
            days,
            addresses,
            known,
            asked.height,
            notes,
            events,
            restricted=chosen,
        )

    simple = [part for part in parts if part.rule.over == "sources"]
    counts = sorted({name for part in simple for name in part.rule.counts})
    for sources in asked.frames(counts) if simple else ():
        found = [_full(part, rows) for part in simple for rows in _rows(part, material(sources, part.rule, None))]
        whole = _first(pl.concat(found)) if found else pl.DataFrame(schema=VERDICT_SCHEMA)
        kept = pl.concat([kept, whole.filter(pl.col("label").is_in(shared)).select(list(KEPT))])
        yield whole
    for part in parts:
        if part.rule.over == "sources":
            continue
        sources = pl.DataFrame(schema=SOURCES)
        if part.choose is not None:
            sources = asked.choose(part.choose(material(sources, part.rule, None)), part.rule.counts)
            if not sources.height:
                continue
        for rows in _rows(part, material(sources, part.rule, asked)):
            whole = _first(_full(part, rows))
            if part.rule.label in shared:
                whole = whole.join(kept, on=_key(part.rule.label), how="anti", nulls_equal=True)
                kept = pl.concat([kept, whole.select(list(KEPT))])
            yield whole


def _shared(parts: Sequence[Part]) -> list[str]:
    """Labels that later rules go by, or that several rules give: what of them was found is remembered."""
    labels = [part.rule.label for part in parts]
    known = {label for part in parts for label in part.rule.knows}
    return sorted({label for label in labels if labels.count(label) > 1 or label in known})


def _rows(part: Part, material: Material) -> Iterator[pl.DataFrame]:
    found = part.judge(material)
    for rows in [found] if isinstance(found, pl.DataFrame) else found:
        if rows.height:
            yield rows


def _full(part: Part, rows: pl.DataFrame) -> pl.DataFrame:
    """What a rule answered, as VERDICT_SCHEMA."""
    full = rows.select(list(FOUND)).with_columns(
        (pl.col("src_ip").bin.size() * 8).cast(pl.Int16).alias("prefix_len"),
        pl.lit(SCOPE).alias("scope"),
        pl.lit(part.rule.label).alias("label"),
        pl.lit(part.rule.id).alias("rule"),
    )
    return full.select(pl.col(name).cast(dtype) for name, dtype in VERDICT_SCHEMA.items())


def _key(label: str) -> list[str]:
    return ["src_ip", "day", "label", *(["value"] if label in SEVERAL else [])]


def _first(rows: pl.DataFrame) -> pl.DataFrame:
    """The first row of each address, day and label; where a label may stand there several times, of each value."""
    value = pl.when(pl.col("label").is_in(list(SEVERAL))).then(pl.col("value")).alias("_value")
    unique = rows.with_columns(value).unique(["src_ip", "day", "label", "_value"], keep="first", maintain_order=True)
    return unique.drop("_value")


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
    from teiten.engine import open_session

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
    waiting: list[dt.date] = []
    with open_session(lake, settings, start=start, end=end, memory_mb=MEMORY_MB) as session, _Held() as held:
        for some, count, frame in judge(session, basis, ordered, result.notes):
            held.add(frame)
            waiting += some
            result.days += some
            result.sources += count
            for label, n in frame.group_by("label").len().iter_rows():
                result.labels[label] = result.labels.get(label, 0) + n
            if waiting and some and (held.rows >= STORE_ROWS or len(waiting) >= STORE_DAYS):
                _store(lake, settings, session.last_batch, stale, waiting, held)
            if progress is not None and some:
                progress(len(result.days), len(ordered))
        _store(lake, settings, session.last_batch, stale, waiting, held)
    return result


class _Held:
    """Verdicts that wait to be stored, in memory, and beyond PIECE_ROWS in files of a temporary folder."""

    def __init__(self) -> None:
        self.rows = 0
        self._frames: list[pl.DataFrame] = []
        self._files: list[Path] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def add(self, frame: pl.DataFrame) -> None:
        self._frames.append(frame)
        self.rows += frame.height
        if sum(f.height for f in self._frames) > PIECE_ROWS:
            self._folder = self._folder or tempfile.TemporaryDirectory(prefix="teiten-")
            self._files.append(Path(self._folder.name) / f"{len(self._files)}.parquet")
            pl.concat(self._frames).write_parquet(self._files[-1], compression="zstd", compression_level=1)
            self._frames.clear()

    def of(self, days: list[dt.date]) -> Iterator[pl.DataFrame]:
        """Those of these days, in pieces."""
        for file in self._files:
            yield pl.read_parquet(file).filter(pl.col("day").is_in(days))
        for frame in self._frames:
            yield frame.filter(pl.col("day").is_in(days))

    def clear(self) -> None:
        for file in self._files:
            file.unlink()
        self._files.clear()
        self._frames.clear()
        self.rows = 0

    def __enter__(self) -> _Held:
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()


def _store(lake: Lake, settings: Settings, last: int, stale: dict[dt.date, str], days: list[dt.date], held: _Held) -> None:
    """The days' verdicts into the lake, one entry in its log for those of one basis; days and verdicts are emptied."""
    if not days:
        return
    by_basis: dict[str, list[dt.date]] = {}
    for day in days:
        by_basis.setdefault(stale[day], []).append(day)
    for told, mine in by_basis.items():
        lake.replace_verdicts(mine, settings.zone_name, held.of(mine), last_batch=last, basis=told)
    days.clear()
    held.clear()


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
