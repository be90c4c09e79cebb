"""Takes batches out of the lake, whole, so that their inputs can be ingested again: those of damaged files, or ones named.

What is to be done is written down first (`mend.json`, on disk before anything else) and from then on carried through, by
the lake's next writer if need be; every step may be done again. First the rows of `batches` go; then every event that no
batch covers any more, in one entry of the log. Events that could still be read are kept aside, in `taken-out-*.parquet`, for
the case that their input is no more. The other batches of the same inputs stay, but are not gone on from: the input is
read from its beginning, and its lines (or packets) are told from those that are there as those of an overlapping log are
(`overlap`), so that exactly what was taken out comes back.

Of the days that lost events, what was concluded goes too (verdicts, aggregates): it is made again when it is asked for.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import tomllib
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from teiten.errors import LakeError, UsageError
from teiten.lake import _delta, activity, check
from teiten.lake._gather import BOUNDS
from teiten.lake._writer import batch_number
from teiten.lake.batch import SCHEMA

JOURNAL: Final = "mend.json"
_KEPT: Final = ("events", "batches", "notes", "devices")
"""tables whose rows stand for themselves; all others can be made again from these"""
_PLACES: Final = [
    "batch",
    "source_id",
    "source",
    "path",
    "sensor",
    "start",
    "end",
    "tail_made",
    "events",
    "forgotten",
    "t_min",
    "t_max",
]


@dataclass(frozen=True, slots=True)
class Lost:
    """What must be ingested again: an input, and how many events of it were taken out."""

    source: str
    path: str | None
    sensor: str
    batches: int
    events: int
    first: dt.datetime | None
    last: dt.datetime | None


@dataclass(slots=True)
class Plan:
    """What is to be taken out: damaged files of each table, and batches by number."""

    files: dict[str, list[str]] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)
    orphans: bool = False
    """rows of `batches` are lost, nobody knows which: every file of events is looked through"""
    late: list[int] = field(default_factory=list)
    """batches whose first line's event is not theirs: it was made before, while the line had no end yet"""
    inputs: list[Lost] = field(default_factory=list)
    unknown: int = 0
    """events whose input nobody knows any more, since the row of their batch is lost"""
    notes: int = 0
    forgotten: int = 0
    """events that `forget` had taken out of those batches: the keyed hashes that keep them out go with the batches"""

    @property
    def nothing(self) -> bool:
        return not self.files and not self.batches

    @property
    def events(self) -> int:
        """All that goes."""
        return sum(one.events for one in self.inputs) + self.unknown


# what goes --------------------------------------------------------------------------------------------------------------


def plan(path: Path, damage: Sequence[check.Damage]) -> Plan:
    """What must go so that the lake is whole without the damaged files."""
    found = Plan()
    for one in damage:
        found.files.setdefault(one.table, []).append(one.name)
    found.orphans = "batches" in found.files
    rows = _batches(path, found.files.get("batches", []))
    found.late = _late(rows)
    found.notes = sum(one.rows for one in damage if one.table == "notes")
    lost = [one for one in damage if one.table == "events"]
    numbers = {number for one in lost if (number := batch_number(one.name)) is not None}
    several = [one for one in lost if batch_number(one.name) is None]
    if several or found.orphans:
        held = _held(path, rows, found, several)
        found.unknown = held.pop(-1, 0)
        near = rows.filter(_touching(several)) if several else rows.head(0)
        numbers |= {
            row["batch"] for row in near.iter_rows(named=True)
            if held.get(row["batch"], 0) < row["events"] - (row["forgotten"] or 0)
        }  # fmt: skip
    found.batches = sorted(numbers & set(rows["batch"]))
    _tell(found, rows)
    return found


def of_inputs(path: Path, names: Iterable[str], sensor: str | None = None) -> Plan:
    """All batches of the inputs of these names, paths or numbers. UsageError where the lake has none of that name."""
    rows, found = _batches(path, []), Plan()
    numbers: set[int] = set()
    for name in names:
        there = Path(name)
        spelled = [name, *([str(there.resolve())] if there.exists() else [])]
        fits = pl.col("source").is_in(spelled) | pl.col("path").is_in(spelled)
        if name.isdigit():
            fits = fits | (pl.col("source_id") == int(name))
        own = rows.filter(fits & (pl.lit(True) if sensor is None else pl.col("sensor") == sensor))
        if own.is_empty():
            raise UsageError(
                f"The lake {path} has no input '{name}'{f' of the sensor {sensor}' if sensor else ''}.",
                hint="teiten sql 'SELECT source_id, source, path, sensor FROM sources' lists them.",
            )
        numbers |= set(own["batch"])
    found.batches, found.late = sorted(numbers), _late(rows)
    _tell(found, rows)
    return found


def _tell(found: Plan, rows: pl.DataFrame) -> None:
    out = rows.filter(pl.col("batch").is_in(found.batches))
    found.forgotten = int(out["forgotten"].sum() or 0)
    for (_, sensor), own in out.group_by(["source_id", "sensor"], maintain_order=True):
        events = int((own["events"] - own["forgotten"].fill_null(0)).sum())
        last = own.row(-1, named=True)
        found.inputs.append(Lost(last["source"], last["path"], str(sensor), own.height, events, *_ends(own)))


def _batches(path: Path, without: Iterable[str]) -> pl.DataFrame:
    table, gone = _delta.Table(path / "batches"), set(without)
    files = [file for file in table.files() if file.name not in gone]
    if not files:
        return pl.DataFrame(schema={name: SCHEMA[name] for name in _PLACES})
    rows = pl.scan_parquet(files, schema=SCHEMA, missing_columns="insert", extra_columns="ignore")
    since = _kept_since(path)
    if since is None:
        still = pl.col("events")
    else:
        # of batches that began before, those events that are kept still
        kept = pl.col("activity").map_elements(lambda packed: _since(packed, since), return_dtype=pl.Int64, skip_nulls=True)
        still = pl.when((pl.col("t_min") < since).fill_null(False)).then(kept.fill_null(0)).otherwise(pl.col("events"))
    rows = rows.with_columns(still.alias("events"))
    last = _delta.Table(path / "events").transaction()
    return rows.select(_PLACES).filter(pl.col("batch") <= last).sort("batch").collect()


def _kept_since(path: Path) -> dt.datetime | None:
    """Before which events are not kept any more (`retention`)."""
    told = tomllib.loads((path / "lake.toml").read_text(encoding="utf-8")).get("kept_since")
    return None if told is None else dt.datetime.fromisoformat(told)


def _since(packed: bytes, since: dt.datetime) -> int:
    """Events of an activity at or after that moment, which is a whole hour."""
    rows = activity.unpacked([packed])
    return int(rows["events"][rows["hour"] >= since.timestamp() // 3600].sum())


def _touching(damage: Sequence[check.Damage]) -> pl.Expr:
    """Batches with times within those of the files; all with events where a file's times are not known."""
    fits = pl.lit(False)
    for one in damage:
        if one.low is None or one.high is None:
            return pl.col("events") > 0
        fits = fits | ((pl.col("t_min") <= one.high + _SLACK) & (pl.col("t_max") >= one.low - _SLACK))
    return fits


_SLACK: Final = dt.timedelta(milliseconds=1)
"""Delta's statistics may be cut to milliseconds"""


def _held(path: Path, rows: pl.DataFrame, found: Plan, near: Sequence[check.Damage]) -> dict[int, int]:
    """Batch -> its events in the files that can be read; -1 -> events of no batch. Adds to `late` what only numbers tell."""
    counts = _counted(path, rows, found, near)
    if found.orphans:
        after = set(_with_holes(rows)["batch"])
        more = {
            row["batch"] for row in rows.iter_rows(named=True)
            if row["batch"] in after and counts.get(row["batch"], 0) > row["events"] - (row["forgotten"] or 0)
        }  # fmt: skip
        if more:
            found.late += sorted(more)
            counts = _counted(path, rows, found, near)
    return counts


def _with_holes(rows: pl.DataFrame) -> pl.DataFrame:
    """Batches before which some stretch of their input is in no batch: the row of that one was lost."""
    before = pl.col("end").shift(1, fill_value=0).over("source_id")
    return rows.sort("source_id", "batch").filter(pl.col("start") != before)


def _counted(path: Path, rows: pl.DataFrame, found: Plan, near: Sequence[check.Damage]) -> dict[int, int]:
    missing, places, every = set(found.files.get("events", [])), _places(rows, found.late), found.orphans
    counts: dict[int, int] = {}
    spans = rows.filter(_touching(near)) if near else rows.head(0)
    low, high = _ends(spans)
    for name, first, last in _files(_delta.Table(path / "events")):
        apart = first is not None and low is not None and high is not None and (first > high + _SLACK or last < low - _SLACK)
        if name in missing or (apart and not every):
            continue
        for number, count in _covering(path / "events" / name, places).group_by("batch").len().iter_rows():
            counts[number] = counts.get(number, 0) + count
    return counts


def _ends(rows: pl.DataFrame) -> tuple[dt.datetime | None, dt.datetime | None]:
    """First and last time of some batches' events."""
    low, high = rows["t_min"].min(), rows["t_max"].max()
    return (low if isinstance(low, dt.datetime) else None), (high if isinstance(high, dt.datetime) else None)


def _files(table: _delta.Table) -> list[tuple[str, Any, Any]]:
    live = table.live()
    if "min.time" not in live.columns:
        live = live.with_columns(pl.lit(None).alias("min.time"), pl.lit(None).alias("max.time"))
    return list(live.select("path", "min.time", "max.time").sort("path").iter_rows()) if live.height else []


def _late(rows: pl.DataFrame) -> list[int]:
    """Batches that begin with a line of which the batch before made the event, while it had no line end yet."""
    tail = pl.col("tail_made").fill_null(False).shift(1, fill_value=False).over("source_id")
    before = pl.col("end").shift(1).over("source_id") == pl.col("start")
    return rows.sort("source_id", "batch").filter(tail & before.fill_null(False))["batch"].to_list()


def _places(rows: pl.DataFrame, late: Iterable[int]) -> pl.DataFrame:
    """Stretches [begin, stop) of inputs and their batches, in order.

    An event of a last line that had no line end lies at its batch's `end`, where the next batch of the input begins.
    """
    tail = pl.col("tail_made").fill_null(False).cast(pl.Int64)
    after = pl.col("batch").is_in(list(late)).cast(pl.Int64)
    made = rows.with_columns((pl.col("start") + after).alias("begin"), (pl.col("end") + tail).alias("stop"))
    return made.select("source_id", "begin", "stop", "batch").sort("source_id", "begin")


def _covering(file: Path, places: pl.DataFrame) -> pl.DataFrame:
    """For each event of the file, in its order, the batch that it came with; -1 where there is none."""
    number = batch_number(file.name)
    events = pl.read_parquet(file, columns=["source_id", "source_pos"]).with_row_index("row")
    if number is not None:
        own = number if (places["batch"] == number).any() else -1
        return events.select("row", pl.lit(own, dtype=pl.Int64).alias("batch"))
    ordered = events.sort("source_pos")
    found = ordered.join_asof(
        places.sort("begin"),
        left_on="source_pos",
        right_on="begin",
        by="source_id",
        strategy="backward",
        check_sortedness=False,
    )
    inside = pl.col("batch").is_not_null() & (pl.col("source_pos") < pl.col("stop"))
    return found.sort("row").select("row", pl.when(inside).then(pl.col("batch")).otherwise(-1).alias("batch"))


# taking it out ----------------------------------------------------------------------------------------------------------


def begin(path: Path, wanted: Plan) -> Path:
    """Writes down what is to be taken out; from here on it will be. Under the lake's lock. Where readable events are kept."""
    every = _batches(path, wanted.files.get("batches", []))
    rows = every.filter(pl.col("batch").is_in(wanted.batches))
    low, high = _ends(rows)
    aside = f"taken-out-{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:8]}.parquet"
    told = {
        "files": wanted.files,
        "batches": wanted.batches,
        "sources": sorted({*rows["source_id"], *_with_holes(every)["source_id"]}),
        "late": wanted.late,
        "every": wanted.orphans,
        "first": low and low.isoformat(),
        "last": high and high.isoformat(),
        "aside": aside,
    }
    new = path / (JOURNAL + ".new")
    new.write_text(json.dumps(told), encoding="utf-8")
    _delta.fsync(new)
    new.replace(path / JOURNAL)
    _delta.fsync(path)
    return path / aside


def finish(path: Path) -> bool:
    """Does what is written down, if there is any; all of it may be done again. Under the lake's lock. OSError and its like."""
    journal = path / JOURNAL
    if not journal.exists():
        return False
    try:
        told = json.loads(journal.read_text(encoding="utf-8"))
        files = {str(table): set(names) for table, names in told["files"].items()}
        numbers, sources, late = ([int(n) for n in told[name]] for name in ("batches", "sources", "late"))
        first, last = (None if told[name] is None else dt.datetime.fromisoformat(told[name]) for name in ("first", "last"))
        every, aside = bool(told["every"]), str(told["aside"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LakeError(
            f"{journal} cannot be understood ({error}).", hint="Remove it and run teiten lake mend again."
        ) from None

    def known(frame: pl.DataFrame) -> pl.DataFrame:
        left = frame.filter(~pl.col("batch").is_in(numbers))
        again = pl.when(pl.col("source_id").is_in(sources)).then(pl.lit("")).otherwise(pl.col("first_line"))
        return left.with_columns(again.alias("first_line"))

    _rewrite(path, "batches", files, ("batch", "sensor", "t_min", "t_max"), known)
    _events(path, files.get("events", set()), numbers, late, None if every else (first, last), aside)
    for name in check.tables(path):
        if name not in _KEPT:
            _conclusions(path, name, files, first, last)
        elif name in ("notes", "devices"):
            _rewrite(path, name, files, ("created",) if name == "notes" else ("time",), lambda frame: frame)
    journal.unlink()
    _delta.fsync(path)
    return True


def _rewrite(
    path: Path, name: str, gone: dict[str, set[str]], bounds: Iterable[str], change: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    """A table without its damaged files, its others changed where the change makes a difference, in one entry of its log."""
    table = _delta.Table(path / name)
    damaged = gone.get(name, set())
    removed, written = [], []
    for file in table.files():
        if file.name in damaged:
            removed.append(file.name)
            continue
        frame = pl.read_parquet(file)
        left = change(frame)
        if left.equals(frame):
            continue
        removed.append(file.name)
        if left.height:
            written.append(_delta.write_parquet(left, table.path, _another(file.name), bounds))
    if removed:
        table.commit(written, removed)
        table.sweep(removed)


def _another(name: str) -> str:
    """The same name with another uuid: what stands before it tells which batch or month it is."""
    stem = name.removesuffix(".parquet")
    return f"{stem[:-36]}{uuid.uuid4()}.parquet"


def _events(path: Path, gone: set[str], numbers: list[int], late: list[int], span: tuple[Any, Any] | None, aside: str) -> None:
    """Events that no batch covers go; those that can be read are kept aside. `span`: where alone such may lie."""
    table, places = _delta.Table(path / "events"), _places(_batches(path, []), late)
    removed, written, out = [], [], []
    wanted = set(numbers)
    for name, low, high in _files(table):
        if name in gone:
            removed.append(name)
            continue
        number = batch_number(name)
        near = span is None or low is None or None in span or (low <= span[1] + _SLACK and high >= span[0] - _SLACK)
        if (number is not None and span is not None and number not in wanted) or (number is None and not near):
            continue
        cover = _covering(path / "events" / name, places)["batch"]
        if not (cover == -1).any():
            continue
        frame = pl.read_parquet(path / "events" / name)
        out.append(frame.filter(cover == -1))
        left = frame.filter(cover != -1)
        removed.append(name)
        if left.height:
            written.append(_delta.write_parquet(left, table.path, _another(name), BOUNDS))
    if out:
        _delta.write_parquet(pl.concat(out, how="diagonal"), path, aside)
    if removed:
        table.commit(written, removed)
        table.sweep(removed)


def _conclusions(path: Path, name: str, gone: dict[str, set[str]], first: Any, last: Any) -> None:
    """What was concluded of the days that lost events goes; it is made again."""
    table = _delta.Table(path / name)
    columns = {field.name for field in table.delta.schema().fields}
    days = (first.date() - dt.timedelta(days=1), last.date() + dt.timedelta(days=1)) if first and last else None
    since = _kept_since(path)
    if days is not None and since is not None:  # of days whose events were dropped nothing can be made again
        days = max(days[0], since.date() + dt.timedelta(days=1)), days[1]

    def left(frame: pl.DataFrame) -> pl.DataFrame:
        if days is None or "day" not in columns:
            return frame
        return frame.filter(~pl.col("day").is_between(*days).fill_null(False))

    bounds = [one for one in ("day", "zone") if one in columns]
    with contextlib.suppress(FileNotFoundError):
        _rewrite(path, name, gone, bounds, left)
