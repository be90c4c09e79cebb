"""A lake is a folder: `lake.toml`, Delta tables (`events`, `batches`, `verdicts`, `notes`) and a lock for its one writer."""

from __future__ import annotations

import bisect
import contextlib
import datetime as dt
import secrets
import tomllib
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from teiten import event, periods, storing
from teiten.errors import LakeChangedError, LakeError
from teiten.frame import SCHEMA as EVENTS_SCHEMA
from teiten.lake import (
    _daily,
    _delta,
    _mirror,
    activity,
    batch,
    changes,
    check,
    coverage,
    device,
    mend,
    migrations,
    note,
    retention,
    rollup,
    verdict,
    watching,
)
from teiten.lake import forget as forgetting
from teiten.lake._lock import Lock
from teiten.lake._writer import Writer, batch_number

SCHEMA_VERSION: Final = 8
"""of the lake's layout, apart from the program's release; `migrations/` has a step for every older one"""
META: Final = "lake.toml"
COPY: Final = META + ".copy"
"""what stands in `META`, once more: without the key in it the lake's own lines would not be known again"""
_OURS: Final = {
    "events",
    "batches",
    "verdicts",
    "notes",
    "coverage",
    "watching",
    "devices",
    *rollup.TABLES,
    *changes.TABLES,
    ".lock",
    storing.NAME,
    META,
    META + ".new",
    COPY,
    COPY + ".new",
}
SMALL: Final = 20_000
"""rows below which a file is small"""
_PATIENCE: Final = 2.0
"""seconds that opening an older lake waits for its writer to end, before it is read as it is"""


@dataclass(frozen=True, slots=True)
class LakeMeta:
    """What `lake.toml` says. `hash_key` keys the hashes of lines, so that nobody can prepare equal ones."""

    schema_version: int
    id: str
    hash_key: int
    zone: str
    created: str
    kept_since: str | None = None
    """events before this moment (UTC) are not kept; None: they are, for good"""

    def text(self) -> str:
        return (
            "# A lake of teiten: a https://delta.io table in each folder. Written by the program; do not edit.\n"
            f'schema_version = {self.schema_version}\nid = "{self.id}"\nhash_key = "{self.hash_key:016x}"\n'
            f'zone = "{self.zone}"\ncreated = "{self.created}"\n'
            + (f'kept_since = "{self.kept_since}"\n' if self.kept_since else "")
        )


@dataclass(frozen=True, slots=True)
class LiveFile:
    """One Parquet file of the events table, with its bounds in time (UTC, inclusive)."""

    path: Path
    rows: int
    t_min: dt.datetime | None
    t_max: dt.datetime | None

    @property
    def batch(self) -> int | None:
        """The batch that it holds; None where it holds several."""
        return batch_number(self.path.name)


@dataclass(frozen=True, slots=True)
class Holdings:
    """A table in numbers: rows, live files, how many of these have few rows, bytes, and the first and last time of events.

    loose, loose_files: rows and files of events that `teiten lake compact` would put together.
    """

    rows: int = 0
    files: int = 0
    small: int = 0
    bytes: int = 0
    low: Any = None
    high: Any = None
    loose: int = 0
    loose_files: int = 0


class Lake:
    """An opened lake. Reading needs no lock; `writer()` takes it."""

    def __init__(self, path: Path, meta: LakeMeta) -> None:
        self.path = path
        self.meta = meta
        self._opened: dict[str, tuple[_delta.Table, tuple[str, int, int] | None]] = {}
        """tables, and the newest entry of their logs when they were opened"""

    @property
    def name(self) -> str:
        """Where it is, for people: its folder, or s3://BUCKET/NAME."""
        mirror = _mirror.of(self.path)
        return mirror.objects.url if mirror is not None and mirror.path == self.path.absolute() else str(self.path)

    @property
    def hash_key(self) -> int:
        return self.meta.hash_key

    @property
    def zone_name(self) -> str:
        """The zone that the lake was made in; asking may use another."""
        return self.meta.zone

    @classmethod
    def create(cls, path: str | Path, zone_name: str) -> Lake:
        """A new lake in a new or empty folder (or what an interrupted `create` left). LakeError otherwise."""
        path = Path(path)
        try:
            _make_folder(path)
            _mirror.attach(path)
            strangers = sorted(p.name for p in path.iterdir() if p.name not in _OURS)
            if strangers:
                raise LakeError(
                    f"{path} is a folder with other things in it ({strangers[0]}), so I make no lake there.",
                    hint="Name a new or empty folder with --lake.",
                )
            with Lock(path):
                if (path / META).exists():
                    return cls.open(path)
                _refuse_half(path)
                for name, schema in _tables().items():
                    _delta.mend(path / name)
                    if not _delta.Table.exists(path / name):
                        _delta.Table.create(path / name, schema)
                now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
                meta = LakeMeta(SCHEMA_VERSION, str(uuid.uuid4()), secrets.randbits(64), zone_name, now)
                write_meta(path, meta)
                return cls(path, meta)
        except _delta.ERRORS as error:
            raise LakeError(f"The lake {path} cannot be made: {_why(error)}.", hint=_advice(error)) from error

    @classmethod
    def open(cls, path: str | Path) -> Lake:
        """The lake in that folder. LakeError where there is none, or a newer one.

        An older one is migrated first. Where it cannot be written, or somebody writes it, it is opened as it is: then what
        its version has not is empty, and its next writer migrates it.
        """
        path = Path(path)
        if (mirror := _mirror.attach(path)) is not None:
            mirror.look()
        meta = read_meta(path)
        if meta.schema_version > SCHEMA_VERSION:
            raise LakeError(
                f"The lake {path} is of version {meta.schema_version}; this program knows versions up to {SCHEMA_VERSION}.",
                hint="Use the newer teiten that wrote it.",
            )
        if meta.schema_version < SCHEMA_VERSION:
            with contextlib.ExitStack() as held:
                try:
                    held.enter_context(Lock(path, _PATIENCE))
                except LakeError:
                    return cls(path, meta)
                meta = _migrate(path)
        return cls(path, meta)

    @classmethod
    def open_or_create(cls, path: str | Path, zone_name: str) -> Lake:
        """The lake in that folder, made if there is none yet."""
        if (mirror := _mirror.attach(Path(path))) is not None:
            mirror.look()
        return cls.open(path) if (Path(path) / META).is_file() else cls.create(path, zone_name)

    @contextlib.contextmanager
    def writer(self, wait: float | None = None) -> Iterator[Writer]:
        """The lake's one writer, with what an earlier one left half-done taken away (a batch) or completed (`forget`).

        LakeBusyError after `wait` seconds.
        """
        try:
            with Lock(self.path, wait):
                if self.meta.schema_version < SCHEMA_VERSION:
                    self.meta = _migrate(self.path)
                self.meta = read_meta(self.path)  # what another writer has put there since
                writer = Writer(self.path)
                if self.meta.kept_since:
                    retention.finish(self.path, dt.datetime.fromisoformat(self.meta.kept_since))
                if any([forgetting.finish(self.path, self.hash_key), mend.finish(self.path)]):
                    writer = Writer(self.path)
                keep_copy(self.path, read_meta(self.path))
                yield writer
        except _delta.ERRORS as error:
            if damage := self._damage(error):
                raise damage from error
            raise LakeError(f"The lake {self.path} could not be written: {_why(error)}.", hint=_advice(error)) from error

    def live_files(
        self, start: dt.datetime | None = None, end: dt.datetime | None = None, upto: int | None = None
    ) -> tuple[list[LiveFile], int]:
        """The files that may hold events of [start, end), by Delta's statistics, and the number of the last whole batch.

        With `upto`, those with events of batches up to that number, which is the second answer then.
        """
        since = self.kept_since()
        table = self._table("events")
        live = table.live()
        if "min.time" not in live.columns:
            live = live.with_columns(pl.lit(None).alias("min.time"), pl.lit(None).alias("max.time"))
        files = []
        for path, rows, low, high in live.select("path", "num_records", "min.time", "max.time").sort("path").iter_rows():
            # Delta's statistics may be cut to milliseconds: a millisecond of slack at the upper end
            if since is not None and high is not None and high + dt.timedelta(milliseconds=1) < since:
                continue
            late = start is not None and high is not None and high + dt.timedelta(milliseconds=1) < start
            early = end is not None and low is not None and low >= end
            if not late and not early:
                files.append(LiveFile(self.path / "events" / path, rows or 0, low, high))
        last = table.transaction()
        if upto is not None and upto < last:
            files, last = [f for f in files if (f.batch or 0) <= upto], upto
        table.fetched(f.path for f in files)
        return files, last

    def holdings(self, name: str) -> Holdings:
        """What the table of that name (`events`, `batches`, `verdicts`, `notes`) holds."""
        from teiten.lake import compact

        table = self._table(name)
        live = table.live()
        if not live.height:
            return Holdings()
        loose = compact.loose(compact.files(table)) if name == "events" else []
        small = (live["num_records"] < SMALL).sum()
        low, high = (live[side].drop_nulls() if side in live.columns else live.head(0) for side in ("min.time", "max.time"))
        return Holdings(
            int(live["num_records"].sum() or 0), live.height, int(small), int(live["size_bytes"].sum() or 0),
            low.min() if len(low) else None, high.max() if len(high) else None, sum(f.rows for f in loose), len(loose),
        )  # fmt: skip

    def sweep(self, name: str, grace: float) -> dict[Path, int]:
        """Deletes files that the table does not name any more, `grace` seconds after they were replaced: path, bytes.

        For the one who holds the lake's `writer`."""
        table = self._table(name)
        sizes = {file: file.stat().st_size for file in table.path.glob("*.parquet")}
        return {table.path / file: sizes.get(table.path / file, 0) for file in table.sweep(grace=grace)}

    def written(self) -> object:
        """What is another value after anybody has written batches, or taken some out. Costs little; no lock is needed."""
        if (mirror := _mirror.of(self.path)) is not None:
            mirror.look()
        return _delta.newest(self.path / "batches")

    def batch_files(self) -> list[Path]:
        """The Parquet files of the table `batches`; rows numbered above `live_files`' second answer do not count."""
        return self._table("batches").files()

    def verdict_files(self) -> list[Path]:
        """The Parquet files of the table `verdicts`; rows without a label only tell that their day was judged."""
        return self._table("verdicts").files() if self.meta.schema_version >= 2 else []

    def note_files(self) -> list[Path]:
        """The Parquet files of the table `notes`."""
        return self._table("notes").files() if self.meta.schema_version >= 2 else []

    def kept_since(self) -> dt.datetime | None:
        """Events before this moment are no longer kept (`lake/retention.py`); None: all are."""
        told = read_meta(self.path).kept_since
        return dt.datetime.fromisoformat(told) if told else None

    def drop_before(self, moment: dt.datetime, holds: Callable[[], bool], *, grace: float | None = None) -> int:
        """Events before that moment (with a zone) are kept no longer, and none is taken in again; how many went.

        Takes the lake's lock; then `holds` is asked whether all is there that is to stay of them. LakeError where it is not.
        Once written down it is carried through, by the next writer if need be. It never goes back to an earlier moment.
        """
        with self.writer():
            if not holds():
                raise LakeError(
                    f"No events were dropped: what is to stay of them was changed meanwhile ({self.path}).", hint="Try again."
                )
            known = self.kept_since()
            since = max(moment, known) if known else moment
            if since != known:
                self.meta = replace(self.meta, kept_since=since.astimezone(dt.UTC).isoformat())
                write_meta(self.path, self.meta)
                keep_copy(self.path, self.meta)
            return retention.finish(self.path, since, _delta.GRACE if grace is None else grace)

    def tables(self) -> list[str]:
        """The names of its tables; some are made when they are first written."""
        every = ("events", "batches", "verdicts", "notes", "coverage", "watching", "devices", *rollup.TABLES, *changes.TABLES)
        return [name for name in every if _delta.Table.exists(self.path / name)]

    def dropped_days(self, zone: str) -> set[dt.date]:
        """The days of that zone on which something was recorded of which events are no longer kept, wholly or in part."""
        since = self.kept_since()
        if since is None:
            return set()
        kept = self.batches(["activity"])["activity"].drop_nulls()
        low, _ = activity.times(activity.merged([activity.unpacked(kept)]))
        local = pl.Series(low, dtype=pl.Int64).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(zone)
        last = since.astimezone(periods.zone(zone)) - dt.timedelta(microseconds=1)
        return {day for day in local.dt.date().unique() if day <= last.date()}

    def coverage_files(self) -> list[Path]:
        """The Parquet files of the table `coverage`, which is made when it is first written."""
        return self._table("coverage").files() if _delta.Table.exists(self.path / "coverage") else []

    def coverage(self, zone: str | None = None) -> pl.DataFrame:
        """The rows of `coverage` (`coverage.SCHEMA`), of one zone or of all; those without a sensor say that a day was made."""

        def read() -> pl.DataFrame:
            return pl.concat([pl.DataFrame(schema=coverage.SCHEMA), *map(pl.read_parquet, self.coverage_files())])

        rows = self._steady("coverage", read)
        return rows if zone is None else rows.filter(pl.col("zone") == zone)

    def watching_files(self) -> list[Path]:
        """The Parquet files of the table `watching`."""
        return self._table("watching").files() if _delta.Table.exists(self.path / "watching") else []

    def watching(self) -> pl.DataFrame:
        """When a station was taking in what, and what it lost (`watching.SCHEMA`), in the order of each stream."""
        return self._steady("watching", lambda: watching.read([str(file) for file in self.watching_files()]))

    def put_watching(self, frame: pl.DataFrame, wait: float | None = None) -> None:
        """Stores such rows, in place of those of the same streams from their first record on. Takes the lake's lock."""
        with self.writer(wait) as writer:
            watching.replace(self._table("watching"), frame.with_columns(pl.lit(writer.last).alias("last_batch")))

    def device_files(self) -> list[Path]:
        """The Parquet files of the table `devices`; rows of an id alone say that one was forgotten or dropped."""
        return self._table("devices").files() if _delta.Table.exists(self.path / "devices") else []

    def devices(self, columns: Iterable[str] = tuple(device.SCHEMA)) -> pl.DataFrame:
        """Evidence of what stands behind addresses (`device.SCHEMA`), in order of address and time."""
        return self._steady("devices", lambda: device.read(self.device_files(), columns))

    def add_devices(self, rows: Iterable[Mapping[str, Any]], wait: float | None = None) -> int:
        """Stores rows of evidence (`device.GIVEN`) that the lake has not yet; how many were new. Takes the lake's lock."""
        now = dt.datetime.now(dt.UTC)
        made = {number: {**row, "id": number, "added": now} for row in rows if (number := device.identify(row, self.hash_key))}
        with self.writer(wait):
            known = device.known(self.device_files())
            new = [row for number, row in made.items() if number not in known]
            if new:
                device.add(self._table("devices"), pl.DataFrame(new, schema=device.SCHEMA, orient="row"))
        return len(new)

    def drop_devices(self, before: dt.datetime) -> int:
        """Evidence from before that moment (with a zone) is kept no longer, and none of it is taken in again: how much went.

        Takes the lake's lock. The files that held it are deleted at once."""
        with self.writer():
            return forgetting.drop_devices(self.path, pl.col("time") < before)

    def replace_coverage(
        self, basis: Mapping[dt.date, str], zone: str, frame: pl.DataFrame, *, last_batch: int, wait: float | None = None
    ) -> None:
        """The coverage of days of that zone becomes that of the frame (`coverage.GIVEN`), all at once. Takes the lock.

        basis: each of the days, and what the configuration said of it.
        """
        with self.writer(wait):
            if not _delta.Table.exists(self.path / "coverage"):
                _delta.Table.create(self.path / "coverage", _delta.schema_of(coverage.SCHEMA, coverage.REQUIRED))
            coverage.replace(self._table("coverage"), basis, zone, frame, last_batch=last_batch)

    def verdicts(self, days: Iterable[dt.date] | None = None, zone: str | None = None) -> pl.DataFrame:
        """The machine's verdicts (`verdict.SCHEMA`) of those days and that zone, in order of day and source.

        An analyst's corrections are notes; the engine's view `verdicts` brings both together.
        """
        return self._verdict_rows(days, zone).filter(pl.col("label").is_not_null())

    def verdict_state(self, zone: str | None = None) -> pl.DataFrame:
        """Which days were judged (`verdict.STATE`): day, zone, last_batch, basis, made; days without a verdict too."""

        def read() -> pl.DataFrame:
            files = self.verdict_files()
            if not files:
                return pl.DataFrame(schema=verdict.STATE)
            # asked at every ingest: only these columns are read, not years of evidence
            rows = pl.scan_parquet(files).filter(pl.col("label").is_null())
            return rows.select(list(verdict.STATE)).collect().sort("day", "zone")

        rows = self._steady("verdicts", read)
        return rows if zone is None else rows.filter(pl.col("zone") == zone)

    def _verdict_rows(self, days: Iterable[dt.date] | None, zone: str | None) -> pl.DataFrame:
        def read() -> pl.DataFrame:
            frames = [pl.read_parquet(file) for file in self.verdict_files()]
            return pl.concat([pl.DataFrame(schema=verdict.SCHEMA), *frames])

        rows = self._steady("verdicts", read)
        if zone is not None:
            rows = rows.filter(pl.col("zone") == zone)
        if days is not None:
            rows = rows.filter(pl.col("day").is_in(list(days)))
        return rows.sort("day", "src_ip", "label", maintain_order=True)

    def replace_verdicts(
        self,
        days: Iterable[dt.date],
        zone: str,
        frame: pl.DataFrame | Iterable[pl.DataFrame],
        *,
        last_batch: int | None = None,
        basis: str = "",
    ) -> None:
        """The machine's verdicts on those days of that zone become those of the frame (`verdict.GIVEN`), all at once.

        Where there are many: of several frames, of which one is held at a time.

        `last_batch`: the lake's last batch when its events were read (default: the last there is); `basis`: a digest of the
        lists and thresholds. Both are kept for every day, also for those on which nothing was found. Takes the lake's lock.
        ValueError for rows of other days, and for what cannot be a verdict.
        """
        with self.writer() as writer:
            number = writer.last if last_batch is None else last_batch
            verdict.replace(self._table("verdicts"), days, zone, frame, last_batch=number, basis=basis)

    def rollup_files(self, name: str) -> list[Path]:
        """The Parquet files of that table of `rollup.TABLES`; rows with a basis only tell that their day was counted."""
        return self._table(name).files() if _delta.Table.exists(self.path / name) else []

    def rollup_state(self, name: str, zone: str) -> pl.DataFrame:
        """Which days of that zone the table has (`_daily.STAMPS`)."""
        return self._steady(name, lambda: _daily.state(self.rollup_files(name))).filter(pl.col("zone") == zone)

    def replace_rollup(
        self, name: str, basis: Mapping[dt.date, str], zone: str, frames: Iterable[pl.DataFrame], *, last_batch: int
    ) -> None:
        """The rows of the days of `basis` in that table become those of the frames (`rollup.TABLES`, and `day`), all at once.

        The table is made where there is none yet. Takes the lake's lock.
        """
        self._replace_days(name, rollup.schema(name), rollup.ORDER[name], basis, zone, frames, last_batch, None)

    def changes_files(self, name: str) -> list[Path]:
        """The Parquet files of that table of `changes.TABLES`; rows with a basis only tell that their day was made."""
        return self._table(name).files() if _delta.Table.exists(self.path / name) else []

    def changes_state(self, name: str, zone: str) -> pl.DataFrame:
        """Which days of that zone the table has (`_daily.STAMPS`)."""
        return self._steady(name, lambda: _daily.state(self.changes_files(name))).filter(pl.col("zone") == zone)

    def changes(self, name: str, zone: str, days: Iterable[dt.date] | None = None) -> pl.DataFrame:
        """The rows of that table of `changes.TABLES` of that zone, and of those days (None: all), in order."""
        wanted = None if days is None else sorted(set(days))

        def read() -> pl.DataFrame:
            files = self.changes_files(name)
            if not files:
                return pl.DataFrame(schema=changes.schema(name))
            rows = pl.scan_parquet(files).filter(pl.col("basis").is_null() & (pl.col("zone") == zone))
            if wanted is not None:
                rows = rows.filter(pl.col("day").is_in(wanted))
            return rows.collect()

        return self._steady(name, read).sort("day", *changes.ORDER[name], nulls_last=True)

    def replace_changes(
        self,
        name: str,
        basis: Mapping[dt.date, str],
        zone: str,
        frames: Iterable[pl.DataFrame],
        *,
        last_batch: int,
        wait: float | None = None,
    ) -> None:
        """The rows of the days of `basis` in that table become those of the frames (`changes.TABLES`, and `day`), all at once.

        Takes the lake's lock.
        """
        self._replace_days(name, changes.schema(name), changes.ORDER[name], basis, zone, frames, last_batch, wait)

    def _replace_days(
        self,
        name: str,
        schema: Mapping[str, pl.DataType],
        order: tuple[str, ...],
        basis: Mapping[dt.date, str],
        zone: str,
        frames: Iterable[pl.DataFrame],
        last_batch: int,
        wait: float | None,
    ) -> None:
        with self.writer(wait):
            path = self.path / name
            _delta.mend(path)
            if not _delta.Table.exists(path):
                _delta.Table.create(path, _delta.schema_of(schema, changes.REQUIRED))
            _daily.replace(
                self._table(name), sorted(basis), zone, frames,
                schema=schema, order=("day", *order), last_batch=last_batch, basis=basis,
            )  # fmt: skip

    def notes(self, *, every: bool = False) -> pl.DataFrame:
        """The notes that hold (`note.SCHEMA`), oldest first; with `every`, those withdrawn and replaced as well."""
        found = self._steady("notes", lambda: note.read(self.note_files()))
        return found if every else note.effective(found)

    def add_note(self, kind: str, **given: Any) -> str:
        """Stores a note of `note.KINDS` with columns of `note.GIVEN`; its id. Takes the lake's lock. UsageError."""
        made = note.row(kind, given)
        with self.writer():
            return note.add(self._table("notes"), made)

    def withdraw_note(self, number: str, author: str | None = None) -> str:
        """Takes back the note of that id, by a further row, whose id is returned. UsageError where no such note holds."""
        with self.writer():
            return note.add(self._table("notes"), note.withdrawal(self.notes(), number, author))

    def look_for(self, network: forgetting.Network, *, destination: bool = False) -> forgetting.Held:
        """What the lake holds of that address or prefix as a source of events (or their destination)."""
        wish = forgetting.Wish(network, destination)
        for _ in range(3):
            with contextlib.suppress(FileNotFoundError):
                return forgetting.look(self.path, wish)
        raise self._too_quick("events")

    def forget(self, network: forgetting.Network, *, destination: bool = False) -> forgetting.Held:
        """Takes it out for good, as `lake/forget.py` says; returns what was taken out. Takes the lake's lock.

        Once begun it is completed, by the next writer if need be.
        """
        wish = forgetting.Wish(network, destination)
        with self.writer():
            held = forgetting.look(self.path, wish)
            if not held.nothing:
                forgetting.begin(self.path, wish, held)
                forgetting.finish(self.path, self.hash_key)
        return held

    def is_forgetting(self) -> bool:
        """Was a `forget` begun and not completed yet? The next writer completes it."""
        return (self.path / forgetting.JOURNAL).exists()

    def forgotten(self) -> int:
        """How many events `teiten forget` took out of the lake in all; other answers come of it for the same batches."""
        return int(self.batches(["forgotten"])["forgotten"].sum() or 0)

    def _steady(self, name: str, read: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        """What `read` gives; again where a file went away between the list and its reading, since another is in its place."""
        try:
            for _ in range(3):
                with contextlib.suppress(FileNotFoundError):
                    return read()
        except pl.exceptions.PolarsError as error:
            raise self.damage(whole=True) or LakeError(
                f"The lake {self.path} cannot be read: its table {name} ({_why(error)})."
            ) from error
        raise self.damage() or self._too_quick(name)

    def damage(self, *, whole: bool = False) -> LakeError | None:
        """What is lost or cut short of the lake's files, as one sentence; `whole`: every file is read for it."""
        return check.damaged(self.path, whole=whole)

    def _damage(self, error: BaseException) -> LakeError | None:
        """The same for an error of a reader; none where the disk is at fault."""
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            return None
        try:
            return check.damaged(self.path, whole=isinstance(error, pl.exceptions.ComputeError))
        except LakeError as told:
            return told

    def take_out(self, choose: Callable[[Path], mend.Plan]) -> tuple[mend.Plan, Path]:
        """Takes batches out for good, as `lake/mend.py` says: what was taken, and where what could be read of it is kept.

        choose: called under the lake's lock with the lake's folder. Once begun it is completed, by the next writer if need be.
        """
        try:
            with Lock(self.path):
                Writer(self.path).events.files()  # takes away what an earlier one left half-done, and fetches what is elsewhere
                mend.finish(self.path)
                wanted = choose(self.path)
                aside = self.path / mend.JOURNAL
                if not wanted.nothing:
                    aside = mend.begin(self.path, wanted)
                    mend.finish(self.path)
                return wanted, aside
        except _delta.ERRORS as error:
            raise LakeError(f"The lake {self.path} could not be written: {_why(error)}.", hint=_advice(error)) from error

    def _too_quick(self, name: str) -> LakeChangedError:
        return LakeChangedError(f"The lake {self.path} changes too quickly to be read (its table {name}).", hint="Try again.")

    def batches(self, columns: list[str] | None = None, upto: int | None = None, where: pl.Expr | None = None) -> pl.DataFrame:
        """Rows of the table `batches` (where `where` holds), oldest first; those of unfinished commits are not among them."""
        if upto is None:
            upto = self._table("events").transaction()
        most = upto
        return self._steady("batches", lambda: read_batches(self._table("batches"), columns, most, where))

    def line_hashes(self, numbers: list[int]) -> dict[int, bytes]:
        """Batch number -> the hashes of its new lines, 8 bytes (little-endian) each."""
        wanted, found = sorted(numbers), dict[int, bytes]()
        live = self._table("batches").live()
        if not wanted or not live.height:
            return found
        bounds = [
            live[f"{side}.batch"].to_list() if f"{side}.batch" in live.columns else [None] * live.height
            for side in ("min", "max")
        ]
        for name, low, high in zip(live["path"], *bounds, strict=True):
            if low is not None and high is not None:
                at = bisect.bisect_left(wanted, low)
                if at == len(wanted) or wanted[at] > high:
                    continue
            file = self.path / "batches" / name
            frame = pl.read_parquet(file, columns=["batch", "line_hashes"]).filter(pl.col("batch").is_in(numbers))
            found.update(frame.iter_rows())
        return found

    def _table(self, name: str) -> _delta.Table:
        """The table as its log is now. Opened anew only where the log went on: it costs 10 ms, and an ingest asks 40 times."""
        if (mirror := _mirror.of(self.path)) is not None:
            mirror.look()
        newest = _delta.newest(self.path / name)
        table, seen = self._opened.get(name, (None, None))
        if table is None or newest is None or newest != seen:
            table = self._open_table(name)
            self._opened[name] = (table, newest)
        return table

    def _open_table(self, name: str) -> _delta.Table:
        try:
            return _delta.Table(self.path / name)
        except _delta.ERRORS as error:
            # a torn last entry is mended by the next writer; try that now, if nobody is writing, and this may
            with contextlib.suppress(LakeError, *_delta.ERRORS), Lock(self.path, 0):
                if _delta.mend(self.path / name):
                    return _delta.Table(self.path / name)
            raise check.broken_log(self.path, name, error) from error


def read_batches(table: _delta.Table, columns: list[str] | None, upto: int, where: pl.Expr | None = None) -> pl.DataFrame:
    """The table's rows up to that batch number (where `where` holds), oldest first, with the columns asked for."""
    wanted = columns or list(batch.SCHEMA)
    files = table.files()
    if not files:
        return pl.DataFrame(schema={name: batch.SCHEMA[name] for name in wanted})
    # files of an older version have not every column
    found = pl.scan_parquet(files, schema=batch.SCHEMA, missing_columns="insert", extra_columns="ignore")
    chosen = pl.col("batch") <= upto
    if where is not None:
        chosen &= where
        return found.filter(chosen).select(sorted({*wanted, "batch"})).sort("batch").select(wanted).collect()
    return found.select(sorted({*wanted, "batch"})).filter(chosen).sort("batch").select(wanted).collect()


def _migrate(path: Path) -> LakeMeta:
    """Step by step to this program's version, under the lake's lock. LakeError where that cannot be."""
    meta = read_meta(path)
    for version in migrations.run(path, meta.schema_version, SCHEMA_VERSION):
        meta = replace(meta, schema_version=version)
        write_meta(path, meta)
    return meta


def _make_folder(path: Path) -> None:
    """The folder, and those above it that are missing, with their names on the disk."""
    above = [path.absolute(), *path.absolute().parents]
    missing = [folder for folder in above if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing or above[:1]:
        with contextlib.suppress(PermissionError):  # a folder that may be entered and not read
            _delta.fsync(folder.parent)


def _tables() -> dict[str, Any]:
    required = [c.name for c in event.COLUMNS if c.required]
    return {
        "events": _delta.schema_of(EVENTS_SCHEMA, required),
        "batches": _delta.schema_of(batch.SCHEMA, ["batch", "source_id", "sensor", "start", "end"]),
        "verdicts": _delta.schema_of(verdict.SCHEMA, verdict.REQUIRED),
        "notes": _delta.schema_of(note.SCHEMA, note.REQUIRED),
        "watching": _delta.schema_of(watching.SCHEMA, watching.REQUIRED),
        "devices": _delta.schema_of(device.SCHEMA, device.REQUIRED),
        **{name: _delta.schema_of(changes.schema(name), changes.REQUIRED) for name in changes.SHOWN},
    }


def _refuse_half(path: Path) -> None:
    """LakeError where there are events and no `lake.toml`: under a new key their lines would be stored a second time."""
    if _delta.Table.exists(path / "events") and _delta.Table(path / "events").transaction():
        raise _without_meta(path, f"has events, and no {META}")


def _without_meta(path: Path, what: str) -> LakeError:
    if _copy(path) is not None:
        hint = f"teiten lake mend --lake {path} puts its copy back, {COPY}."
    else:
        hint = f"Put {META} back from a copy of the lake: the key in it tells the lake's lines from new ones."
    return LakeError(f"The lake {path} {what}.", hint=hint)


def _copy(path: Path) -> LakeMeta | None:
    try:
        return _meta((path / COPY).read_text(encoding="utf-8"))
    except (OSError, KeyError, ValueError, TypeError):
        return None


def keep_copy(path: Path, meta: LakeMeta) -> None:
    """A copy of `lake.toml` beside it, where there is none that says the same."""
    if _copy(path) != meta:
        with contextlib.suppress(OSError):
            _write(path / COPY, meta)


def restore_meta(path: Path) -> bool:
    """Puts the copy of `lake.toml` in its place, if that is missing or garbled: whether it was. LakeError without one."""
    try:
        _meta((path / META).read_text(encoding="utf-8"))
        return False
    except (OSError, KeyError, ValueError, TypeError):
        meta = _copy(path)
    if meta is None:
        if not (path / "events").is_dir():
            read_meta(path)
        raise _without_meta(path, f"has no {META} that can be read, and no copy of it")
    with Lock(path):
        write_meta(path, meta)
    return True


def _meta(text: str) -> LakeMeta:
    table = tomllib.loads(text)
    return LakeMeta(
        int(table["schema_version"]),
        str(table["id"]),
        int(table["hash_key"], 16),
        str(table["zone"]),
        str(table["created"]),
        dt.datetime.fromisoformat(table["kept_since"]).isoformat() if "kept_since" in table else None,
    )


def read_meta(path: Path) -> LakeMeta:
    """What `lake.toml` says. LakeError where the folder is no lake, half of one, or its description is unreadable."""
    file = path / META
    try:
        return _meta(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        _refuse_half(path)
        if (path / "events").is_dir():
            raise LakeError(
                f"The lake {path} is only half made (it has no {META}).",
                hint="Run teiten ingest again; it finishes the making.",
            ) from None
        what = "is no lake" if path.exists() else "does not exist"
        raise LakeError(
            f"{path} {what}.", hint="Make one with: teiten ingest --lake DIR FILE, or name another with --lake."
        ) from None
    except (KeyError, ValueError, TypeError) as error:
        raise _without_meta(path, f"has a {META} that cannot be understood ({error})") from None
    except OSError as error:
        raise LakeError(f"{file} cannot be read: {error.strerror}.") from None


def write_meta(path: Path, meta: LakeMeta) -> None:
    """`lake.toml`, whole or not at all."""
    _write(path / META, meta)
    keep_copy(path, meta)


def _write(file: Path, meta: LakeMeta) -> None:
    new = file.with_name(file.name + ".new")
    new.write_text(meta.text(), encoding="utf-8")
    _delta.fsync(new)
    new.replace(file)
    _delta.fsync(file.parent)


def _why(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__


def _advice(error: BaseException) -> str:
    text = str(error)
    if "No space" in text or "os error 28" in text or "File too large" in text or "os error 27" in text:
        return "Make room and run the same command again: what was stored is whole, and it goes on from there."
    return "What was stored is whole; run the same command again when the cause is gone."
