"""The one importer of deltalake: tables made, files committed in a durable order, torn log entries taken away."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
from deltalake import CommitProperties, DeltaTable, Field, PostCommitHookProperties, Schema, Transaction
from deltalake.exceptions import DeltaError
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction, RemoveAction

from teiten.lake import _mirror

APP: Final = "intake"
"""the application whose transaction number in the events table is the number of the last whole batch"""
ERRORS: Final = (DeltaError, OSError, pl.exceptions.ComputeError)
"""what reading or writing a table may raise"""
CHECKPOINT_EVERY: Final = 20
"""versions of a table; opening reads the entries since: a commit a minute opens its tables a thousand times a day"""
GRACE: Final = 3600.0
"""seconds for which a file that was replaced stays, for readers that opened the table before"""
_KEPT_IN_MIND: Final = {"delta.deletedFileRetentionDuration": "interval 1 hours"}
"""how long a checkpoint still names what was taken out: Delta's week is ten thousand names where a batch comes a minute"""
_ROW_GROUP: Final = 1 << 18
_HOOKS: Final = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)

_TYPES: Final[tuple[tuple[type[pl.DataType], str], ...]] = (
    (pl.Datetime, "timestamp"),
    (pl.Date, "date"),
    (pl.String, "string"),
    (pl.Binary, "binary"),
    (pl.Boolean, "boolean"),
    (pl.Int16, "short"),
    (pl.Int32, "integer"),
    (pl.Int64, "long"),
    (pl.Float64, "double"),
)


def field_of(name: str, dtype: pl.DataType, required: bool = False) -> Field:
    """A Delta field for a polars type of ours. ValueError for a type that Delta has not."""
    for kind, delta in _TYPES:
        if isinstance(dtype, kind):
            return Field(name, PrimitiveType(delta), nullable=not required)
    raise ValueError(f"Delta Lake has no type for {dtype}")


def schema_of(columns: Mapping[str, pl.DataType], required: Iterable[str] = ()) -> Schema:
    """The Delta schema of those columns; `required` ones are never null."""
    must = set(required)
    return Schema([field_of(name, dtype, name in must) for name, dtype in columns.items()])


def now() -> float:
    """Seconds since 1970: the clock of what is kept for a while."""
    return time.time()


def fsync(path: Path) -> None:
    """Bytes of a file, or names of a folder, onto the disk; what lies directly in a lake's folder, onto its store as well."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    if (mirror := _mirror.of(path)) is not None and mirror.path == path.absolute():
        mirror.put_here()


@dataclass(frozen=True, slots=True)
class Written:
    """A Parquet file that is safely on disk and not yet part of a table."""

    name: str
    size: int
    stats: str

    @property
    def rows(self) -> int:
        """Rows in it."""
        return int(json.loads(self.stats)["numRecords"])


@dataclass(frozen=True, slots=True)
class Made:
    """A Parquet file that was made in memory: its bytes, and what the log says of it.

    low, high: bounds of columns. Never of addresses: what the log says of a file outlives the file, and must not keep what
    was forgotten.
    """

    data: Sequence[bytes | memoryview]
    rows: int
    low: Mapping[str, Any]
    high: Mapping[str, Any]
    nulls: Mapping[str, int]

    def stats(self) -> str:
        low, high = ({name: _plain(value) for name, value in bound.items()} for bound in (self.low, self.high))
        return json.dumps({"numRecords": self.rows, "minValues": low, "maxValues": high, "nullCount": dict(self.nulls)})


def make_parquet(frame: pl.DataFrame, bounds: Iterable[str] = ()) -> Made:
    """A frame's file; minimum and maximum of the columns `bounds` go into its statistics."""
    sink = io.BytesIO()
    frame.write_parquet(sink, compression="zstd", compression_level=1, row_group_size=_ROW_GROUP)
    named = [name for name in bounds if frame.height and frame[name].null_count() < frame.height]
    return Made(
        [sink.getbuffer()],
        frame.height,
        {name: frame[name].min() for name in named},
        {name: frame[name].max() for name in named},
        frame.null_count().row(0, named=True) if frame.height else {},
    )


def write_parquet(frame: pl.DataFrame, folder: Path, name: str, bounds: Iterable[str] = ()) -> Written:
    """Writes and fsyncs one file; minimum and maximum of the columns `bounds` go into its statistics. OSError."""
    # made in memory first (some megabytes), since polars does not say why a file could not be written, and the disk does
    return store(make_parquet(frame, bounds), folder, name)


def lay(made: Made, path: Path) -> None:
    """Writes and fsyncs a file that was made in memory; it is part of nothing. OSError."""
    with path.open("wb") as file:
        file.writelines(made.data)
        file.flush()
        os.fsync(file.fileno())
    fsync(path.parent)


def store(made: Made, folder: Path, name: str) -> Written:
    """Writes and fsyncs a file that was made in memory. OSError."""
    path = folder / name
    try:
        lay(made, path)
        if (mirror := _mirror.of(folder)) is not None:
            mirror.put(path.absolute())
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return Written(name, path.stat().st_size, made.stats())


def take(made: Made, file: Path, folder: Path, name: str) -> Written:
    """Moves a file that is on the disk, whole, into a table's folder of the same file system. OSError."""
    path = folder / name
    file.rename(path)
    fsync(folder)
    if (mirror := _mirror.of(folder)) is not None:
        mirror.put(path.absolute())
    return Written(name, path.stat().st_size, made.stats())


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


def _is_empty(entry: os.DirEntry[str]) -> bool:
    try:
        return not entry.stat().st_size
    except FileNotFoundError:  # trimmed meanwhile
        return False


class Table:
    """One Delta table of the lake: a handle that follows its log."""

    def __init__(self, path: Path) -> None:
        """DeltaError; also for an empty entry of the log, which Delta passes over in silence, with the files that it adds."""
        self.path = path
        self.delta = DeltaTable(path)
        with os.scandir(path / "_delta_log") as entries:
            empty = [entry.name for entry in entries if entry.name.endswith(".json") and _is_empty(entry)]
        if empty:
            raise DeltaError(f"the entry {min(empty)} of the log is empty")

    @staticmethod
    def exists(path: Path) -> bool:
        return DeltaTable.is_deltatable(str(path))

    @classmethod
    def create(cls, path: Path, schema: Schema) -> Table:
        """A new, empty table, whose first log entry is on disk when this returns."""
        path.mkdir(parents=True, exist_ok=True)
        DeltaTable.create(path, schema, configuration=dict(_KEPT_IN_MIND))
        table = cls(path)
        table._sync_log()
        fsync(path)
        return table

    def _sync_log(self) -> None:
        log = self.path / "_delta_log"
        entry = log / f"{self.delta.version():020}.json"
        fsync(entry)
        fsync(log)
        if (mirror := _mirror.of(log)) is not None:
            mirror.put_entry(entry.absolute())

    def transaction(self) -> int:
        """The number of the last whole batch; 0 before the first."""
        return self.delta.transaction_version(APP) or 0

    def live(self) -> pl.DataFrame:
        """The table's files with their statistics (`path`, `num_records`, `min.time`, ...)."""
        return pl.DataFrame(self.delta.get_add_actions(flatten=True))

    def files(self) -> list[Path]:
        """The live Parquet files, in order of their names."""
        live = self.live()
        return self.fetched(self.path / path for path in sorted(live["path"])) if live.height else []

    def fetched(self, files: Iterable[Path]) -> list[Path]:
        """These files of its own, fetched where they are on a store."""
        found = list(files)
        if (mirror := _mirror.of(self.path)) is not None:
            mirror.want(file.absolute() for file in found)
        return found

    def sweep(self, replaced: Iterable[str] = (), grace: float = GRACE) -> list[str]:
        """Deletes Parquet files that are not the table's, `grace` seconds after they were replaced; under the lake's lock.

        `replaced`: those that the last commit took out; their time begins now. Names of what was deleted.
        """
        moment, alive, gone = now(), {file.name for file in self.files()}, []
        for name in replaced:
            with contextlib.suppress(OSError):
                os.utime(self.path / name, (moment, moment))
        for file in self.path.glob("*.parquet"):
            with contextlib.suppress(OSError):
                if file.name not in alive and file.stat().st_mtime <= moment - grace:
                    file.unlink()
                    gone.append(file.name)
        if (mirror := _mirror.of(self.path)) is not None:
            gone += self._sweep_store(mirror, alive, gone, moment - grace)
        return gone

    def _sweep_store(self, mirror: _mirror.Mirror, alive: set[str], gone: Iterable[str], before: float) -> list[str]:
        """Objects that are none of its files. A question has fetched what it wants; who comes too late is told to ask again."""
        mirror.gone((self.path / name).absolute() for name in gone)
        left = [one for one in mirror.strangers(self.path.name, alive) if one.put.timestamp() <= before]
        mirror.objects.delete(one.name for one in left)
        return sorted({one.name.rpartition("/")[2] for one in left} - set(gone))

    def refresh(self) -> None:
        self.delta.update_incremental()

    def commit(
        self, add: Iterable[Written] = (), remove: Iterable[str] = (), number: int | None = None, *, change: bool = True
    ) -> None:
        """One durable log entry: files in, files out, and the application's transaction number. OSError and its like.

        `change`: False where the rows are the same as before, in other files.
        """
        moment = int(now() * 1000)
        actions: list[Any] = [AddAction(w.name, w.size, {}, moment, change, w.stats) for w in add]
        actions += [RemoveAction(path, data_change=change, deletion_timestamp=moment) for path in remove]
        transactions = [Transaction(APP, number)] if number is not None else None
        if (self.path / "_delta_log" / f"{self.delta.version() + 1:020}.json").exists():
            self.refresh()  # another handle has written since
        self.delta.create_write_transaction(
            actions,
            "append",
            self.delta.schema(),
            commit_properties=CommitProperties(app_transactions=transactions),
            post_commithook_properties=_HOOKS,
        )
        self.refresh()
        self._sync_log()
        if self.delta.version() % CHECKPOINT_EVERY == 0:
            self._checkpoint()

    def _checkpoint(self) -> None:
        if any(self.delta.metadata().configuration.get(name) != value for name, value in _KEPT_IN_MIND.items()):
            self.delta.alter.set_table_properties(dict(_KEPT_IN_MIND))  # a table of an older program
            self.refresh()
            self._sync_log()
        self.delta.create_checkpoint()
        log = self.path / "_delta_log"
        for name in (f"{self.delta.version():020}.checkpoint.parquet", "_last_checkpoint"):
            if (log / name).exists():
                fsync(log / name)
        fsync(log)
        if (mirror := _mirror.of(log)) is not None:
            mirror.put((log / f"{self.delta.version():020}.checkpoint.parquet").absolute())
            mirror.put((log / "_last_checkpoint").absolute())
        self._trim()

    def _trim(self) -> None:
        """Takes away log entries and checkpoints older than the checkpoint before the last: nobody reads them any more."""
        log = self.path / "_delta_log"
        checkpoints = sorted(log.glob("*.checkpoint.parquet"))
        if len(checkpoints) < 2:
            return
        floor = checkpoints[-2].name[:20]
        old = [file for file in log.iterdir() if _NUMBERED.match(file.name) and file.name[:20] < floor]
        for file in old:
            file.unlink(missing_ok=True)
        if (mirror := _mirror.of(log)) is not None:
            mirror.gone(file.absolute() for file in old)

    def add_column(self, name: str, dtype: pl.DataType) -> None:
        """A new nullable column; old files answer null (for migrations)."""
        self.delta.alter.add_columns([field_of(name, dtype)], post_commithook_properties=_HOOKS)
        self.refresh()
        self._sync_log()


_NUMBERED: Final = re.compile(r"\d{20}\.(json|checkpoint\.parquet)$")
_ENTRY: Final = re.compile(r"\d{20}\.json")


def newest(path: Path) -> tuple[str, int, int] | None:
    """What tells the newest entry of a table's log from any other: name, inode, time of change (ns). None without one."""
    try:
        entry = max(
            (e for e in os.scandir(path / "_delta_log") if _ENTRY.fullmatch(e.name)), key=lambda e: e.name, default=None
        )
        if entry is None:
            return None
        found = entry.stat()
    except OSError:
        return None
    return entry.name, found.st_ino, found.st_mtime_ns


def mend(path: Path) -> list[str]:
    """Takes away what a power cut may leave at the log's end: a last entry that is empty or torn, half-made checkpoints.

    Such an entry was never acknowledged, since a commit returns only after its entry was synced; and what a checkpoint holds,
    the entries before it still say (`_trim` keeps them until the next but one is synced). Names of what was removed.
    """
    log = path / "_delta_log"
    gone = _mend_checkpoints(log) if log.is_dir() else []
    entries = sorted(p for p in log.glob("*.json") if _ENTRY.fullmatch(p.name)) if log.is_dir() else []
    if entries:
        try:
            text = entries[-1].read_text(encoding="utf-8")
            if not text.strip():
                raise ValueError("empty")
            for line in text.splitlines():
                json.loads(line)
        except ValueError:
            entries[-1].unlink()
            gone.append(entries[-1].name)
            fsync(log)
    return gone


def _mend_checkpoints(log: Path) -> list[str]:
    """Takes away the last checkpoint if it cannot be read whole, and a hint that names none."""
    gone = []
    checkpoints = sorted(log.glob("*.checkpoint.parquet"))
    if checkpoints and not _readable(checkpoints[-1]):
        gone.append(checkpoints.pop())
    hint = log / "_last_checkpoint"
    if hint.exists():
        try:
            named = int(json.loads(hint.read_text(encoding="utf-8"))["version"])
        except (ValueError, KeyError, TypeError):
            named = -1
        if f"{named:020}.checkpoint.parquet" not in {file.name for file in checkpoints}:
            gone.append(hint)
    for file in gone:
        file.unlink()
    if gone:
        fsync(log)
    return [file.name for file in gone]


def _readable(file: Path) -> bool:
    try:
        pl.read_parquet(file)
    except (pl.exceptions.PolarsError, OSError):
        return False
    return True
