"""The one importer of duckdb: a session over the lake's live files, locked to them."""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.resources
import json
import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from zoneinfo import ZoneInfo

import duckdb
import nanoarrow
import polars as pl

from teiten import event, periods
from teiten.engine import bytewise, clock, judged, rolled, strangers
from teiten.engine.pairs import Pairs
from teiten.engine.rolled import Span
from teiten.errors import LakeChangedError, LakeError, LimitError, QueryError, TeitenError, UsageError
from teiten.lake import Lake, changes, coverage, device, note, rollup, verdict, watching
from teiten.lake import batch as batches
from teiten.settings import Settings

LEAST_MB: Final = 300
MOST_MB: Final = 1536
SHARE: Final = 0.25
"""what a session takes: this share of the machine's memory within these bounds (MiB), where the settings say nothing"""
_DAY: Final = dt.timedelta(days=1)
_TYPES: Final[dict[event.Kind, str]] = {
    "time": "TIMESTAMPTZ", "text": "VARCHAR", "address": "BLOB", "bool": "BOOLEAN", "bytes": "BLOB",
    "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT",
}  # fmt: skip
_BATCH_TYPES: Final[dict[type[pl.DataType], str]] = {
    pl.Datetime: "TIMESTAMPTZ", pl.String: "VARCHAR", pl.Binary: "BLOB", pl.Boolean: "BOOLEAN", pl.Int64: "BIGINT",
    pl.Date: "DATE", pl.Int16: "SMALLINT", pl.Int32: "INTEGER", pl.Float64: "DOUBLE",
}  # fmt: skip
_INSIDE: Final = ("line_hashes", "hashed", "tail", "tail_made", "reached", "activity")
"""columns of `batches` that are the program's own business"""
_PLACES: Final = ("path",)
"""columns of `batches` and `sources` that tell of this machine's folders"""

SOURCES_SQL: Final = """
SELECT source_id,
       arg_max(source, batch) AS source,
       arg_max(path, batch) AS path,
       arg_max(sensor, batch) AS sensor,
       arg_max(format, batch) AS format,
       max("end") AS read_to,
       arg_max(sha256, batch) AS sha256,
       sum(lines)::BIGINT AS lines,
       sum(events)::BIGINT AS events,
       sum(had_already)::BIGINT AS had_already,
       min(t_min) AS t_min,
       max(t_max) AS t_max,
       max(committed) AS committed
FROM batches GROUP BY source_id ORDER BY source_id"""
_NAME_SQL: Final = "regexp_replace(source, '^[/~.].*/', '')"
_PATH_SQL: Final = "       arg_max(path, batch) AS path,\n"

SOURCE_MEANINGS: Final[dict[str, tuple[str, str]]] = {
    "source_id": ("number of the input; the same in `events`", "入力元の番号"),
    "source": ("its latest name", "入力元の名前"),
    "path": ("where it lay", "入力元のパス"),
    "sensor": ("the sensor's name", "センサー名"),
    "format": ("the reader that read it", "読み取り形式"),
    "read_to": ("bytes of the uncompressed input read so far", "読み終えたバイト数"),
    "sha256": ("SHA-256 of those bytes", "そのSHA-256"),
    "lines": ("lines read from it, in all runs", "読んだ行数"),
    "events": ("events stored from it", "保存したイベント数"),
    "had_already": ("its lines that the lake had already", "保存済みだった行数"),
    "t_min": ("time of its first event", "最初のイベントの時刻"),
    "t_max": ("time of its last event", "最後のイベントの時刻"),
    "committed": ("when it was last added to", "最後に保存した時刻"),
}

_SHOWN: Final = ", ".join(
    f"address_text({c.name}) AS {c.name}" if c.kind == "address" else f'"{c.name}"' for c in event.COLUMNS
)


_OF_FILES: Final = ("parquet", "decompress", "zstd", "thrift", "tprotocol", "corrupt", "snappy")
"""words of DuckDB about files that it cannot read"""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _whole_hours(zone: ZoneInfo) -> bool:
    """Is the zone's offset a whole number of hours, always? Then its hours are UTC's hours."""
    moments = (dt.datetime(year, month, 1, tzinfo=dt.UTC) for year in range(1990, 2040) for month in range(1, 13))
    return all((m.astimezone(zone).utcoffset() or dt.timedelta()) % dt.timedelta(hours=1) == dt.timedelta() for m in moments)


def usual_memory_mb() -> int:
    """MiB that a session takes on this machine, or in this container."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else LEAST_MB << 22
    with contextlib.suppress(OSError, ValueError):
        whole = min(whole, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return max(LEAST_MB, min(MOST_MB, int(whole * SHARE) >> 20))


class Session:
    """Views `events` (addresses as text), `sources`, `batches`, `coverage`, `watching`, `devices`, `verdicts`, `notes`,
    `detections`, `stories`; inside `raw_events` (bytes).

    A session sees the lake as it was when it opened, whatever is written meanwhile. It can read the lake's live files and
    nothing else, and writes nothing; its memory is limited, what does not fit goes to a temporary folder of its own.
    """

    def __init__(
        self,
        lake: Lake,
        settings: Settings,
        *,
        start: dt.datetime | None = None,
        end: dt.datetime | None = None,
        upto: int | None = None,
        as_of: dt.datetime | None = None,
        memory_mb: int | None = None,
        spill_mb: int | None = None,
        counted: bool = True,
        stranger: bool = False,
    ) -> None:
        """upto: the last batch that is seen. as_of: notes written later are not. memory_mb: None for what the settings say;
        spill_mb: what it may put on disk. counted: may questions be answered from aggregates? Else from events alone.
        stranger: whoever asks is to see the documented views alone, without the paths of inputs (`strangers`).
        """
        self.lake = lake
        self.settings = settings
        self.zone_name = settings.zone_name
        self.zone: ZoneInfo = periods.zone(settings.zone_name)
        self.files, self.last_batch = lake.live_files(start, end, upto)
        self.upto = upto
        self.batch_files = lake.batch_files()
        self._verdict_files, self._note_files = lake.verdict_files(), lake.note_files()
        self._coverage_files = lake.coverage_files()
        self.watching_files = lake.watching_files()
        self._device_files = lake.device_files()
        self._as_of = as_of
        self._stranger = stranger
        self._memory_mb = memory_mb = memory_mb or settings.query_memory_mb or usual_memory_mb()
        # where only the events of some days are asked for, so are the verdicts on these
        low, high = (
            (moment + step).astimezone(self.zone).date() if moment else None for moment, step in ((start, -_DAY), (end, _DAY))
        )
        bounds = [f"day >= DATE '{low}'" if low else "", f"day <= DATE '{high}'" if high else ""]
        self._of_days = "WHERE " + " AND ".join(filter(None, bounds)) if any(bounds) else ""
        self._rollup_files = {name: files for name in rollup.TABLES if counted and (files := lake.rollup_files(name))}
        self._rolled: rolled.Rolled | None = None
        self.pairs: Pairs | None = None
        """what is counted once of a span that was expected"""
        self._put_by: dict[str, list[str]] = {}
        self.kept_since = lake.kept_since()
        """events before it are no longer kept; None: all are"""
        self.has_counted = False
        """was a question answered from aggregates?"""
        self._joined: frozenset[str] = frozenset()
        self._scope: list[str] | None = None
        self._schemas: dict[tuple[str, ...], frozenset[str]] = {}
        self._judged = self._covered = self._watching = self._devices = False
        self._changed_views: set[str] = set()
        self._looked_up: set[str] = set()
        self._aggregates: frozenset[str] = frozenset()
        self._spill = tempfile.TemporaryDirectory(prefix="teiten-")
        self._con = duckdb.connect(
            config={
                "memory_limit": f"{memory_mb}MB",
                "threads": max(1, min(os.cpu_count() or 1, 8)),
                "temp_directory": self._spill.name,
                **({"max_temp_directory_size": f"{spill_mb}MB"} if spill_mb is not None else {}),
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "python_enable_replacements": False,
                # where a query is wrong comes as a place in it
                **({"errors_as_json": True} if stranger else {}),
            }
        )
        try:
            self._prepare()
        except duckdb.Error as error:
            self.close()
            if (trouble := self._trouble(error)) is not None:
                raise trouble from None
            raise TeitenError(f"The lake {lake.path} cannot be asked: {_first_line(error)}.") from error

    def _prepare(self) -> None:
        run = self._con.execute
        run(f"SET TimeZone = {_quoted(self.zone_name)}")
        # the lake's files never change under their names: what their ends say is read once, and not for each question
        run("SET parquet_metadata_cache = true")
        run(importlib.resources.files("teiten.engine").joinpath("macros.sql").read_text(encoding="utf-8"))
        # DuckDB's date_trunc joins the two hours that are both called 1 o'clock when summer time ends; these do not
        if _whole_hours(self.zone):
            run("CREATE MACRO hour_start(t) AS make_timestamptz(epoch_us(t) // 3600000000 * 3600000000)")
        else:
            run(
                "CREATE MACRO hour_start(t) AS make_timestamptz((epoch_us(t) // 1000000 - date_part('minute', t) * 60"
                " - date_part('second', t)::BIGINT) * 1000000)"
            )
        run("CREATE MACRO minute_start(t) AS make_timestamptz(epoch_us(t) // 60000000 * 60000000)")
        lows, highs = [f.t_min for f in self.files], [f.t_max for f in self.files]
        known = bool(self.files) and None not in lows and None not in highs
        span = (min(filter(None, lows)), max(filter(None, highs))) if known else (None, None)
        for statement in clock.macros(self.zone, *span):
            run(statement)
        files = [str(f.path) for f in self.files]
        kept = [str(p) for p in self.batch_files]
        later = _later(kept, self.last_batch) if self.upto is not None and any(f.batch is None for f in self.files) else ""
        self._base = (files, {c.name: _TYPES[c.kind] for c in event.COLUMNS}, later)
        self._view("raw_events", *self._base)
        run(f"CREATE VIEW events AS SELECT {_SHOWN} FROM raw_events")
        unseen = (*_INSIDE, *(_PLACES if self._stranger else ()))
        kinds = {name: _BATCH_TYPES[type(dtype)] for name, dtype in batches.SCHEMA.items() if name not in unseen}
        self._view("_batches" if self._stranger else "batches", kept, kinds, f"WHERE batch <= {self.last_batch}")
        if self._stranger:
            run(f"CREATE VIEW batches AS SELECT * REPLACE ({_NAME_SQL} AS source) FROM _batches")
        run(f"CREATE VIEW sources AS {SOURCES_SQL.replace(_PATH_SQL, '') if self._stranger else SOURCES_SQL}")
        allowed = ", ".join(
            _quoted(path)
            for path in [
                *files,
                *kept,
                *map(str, self._verdict_files),
                *map(str, self._note_files),
                str(self._own_verdicts),
                *map(str, self._coverage_files),
                *map(str, self.watching_files),
                *map(str, self._device_files),
            ]
            + [str(path) for paths in self._rollup_files.values() for path in paths]
        )
        run(f"SET allowed_paths = [{allowed}]")
        # tables of detections are opened when a query names them: few do
        folders = [self._spill.name, *(str((self.lake.path / name).absolute()) for name in changes.SHOWN)]
        run(f"SET allowed_directories = [{', '.join(_quoted(folder + '/') for folder in folders)}]")
        run("SET enable_external_access = false")
        run("SET lock_configuration = true")

    def _view(self, name: str, files: list[str], columns: Mapping[str, str], where: str = "") -> None:
        """A view of those columns, in that order; a column that no file has yet is null (files of an older version)."""
        if not files:
            nothing = ", ".join(f'NULL::{kind} AS "{column}"' for column, kind in columns.items())
            self._con.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT {nothing} WHERE false")
            return
        source = f"read_parquet([{', '.join(map(_quoted, files))}], union_by_name = true)"
        there = self._schemas.get(tuple(files))
        if there is None:
            there = frozenset(row[0] for row in self._con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall())
            self._schemas[tuple(files)] = there
        chosen = ", ".join(
            f'"{column}"' if column in there else f'NULL::{kind} AS "{column}"' for column, kind in columns.items()
        )
        self._con.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT {chosen} FROM {source} raw {where}")

    def _ready(self, sql: str, spans: Sequence[Span] | None = None, *, joined: Collection[str] | None = None) -> None:
        """Makes the views that the query asks for; most ask for none of these, and opening is to stay quick. joined: tables of
        verdicts (`judged.TABLES`) that are put beside events; None: those whose columns it names."""
        asked = judged.asks(sql, self._tree) if joined is None else frozenset(joined)
        if (asked or judged.names_views(sql)) and not self._judged:
            then = f"WHERE created <= {_quoted(self._as_of.isoformat())}::TIMESTAMPTZ" if self._as_of else ""
            judging = {
                "_verdict_rows": (self._verdict_files, verdict.SCHEMA, self._of_days),
                "_note_rows": (self._note_files, note.SCHEMA, then),
            }
            for name, (paths, schema, where) in judging.items():
                kinds = {c: _BATCH_TYPES[type(dtype)] for c, dtype in schema.items()}
                self._view(name, [str(p) for p in paths], kinds, where)
            judged.prepare(self._con.execute, _quoted(self.zone_name), self.last_batch)
            self._judged = True
        if not self._covered and _COVERAGE.search(sql):
            columns = {name: _BATCH_TYPES[type(dtype)] for name, dtype in coverage.SCHEMA.items()}
            self._view("_coverage_rows", [str(p) for p in self._coverage_files], columns)
            shown = ", ".join(f'"{name}"' for name in coverage.MEANINGS)
            self._con.execute(
                f"CREATE VIEW coverage AS SELECT {shown} FROM _coverage_rows WHERE sensor IS NOT NULL"
                f" AND zone = {_quoted(self.zone_name)} AND last_batch <= {self.last_batch}"
            )
            self._covered = True
        if not self._watching and _WATCHING.search(sql):
            columns = {name: _BATCH_TYPES[type(dtype)] for name, dtype in watching.SCHEMA.items()}
            self._view("_watching_rows", [str(p) for p in self.watching_files], columns)
            shown = ", ".join(f'"{name}"' for name in watching.MEANINGS)
            self._con.execute(
                f"CREATE VIEW watching AS SELECT {shown} FROM _watching_rows WHERE last_batch <= {self.last_batch}"
            )
            self._watching = True
        if not self._devices and _DEVICES.search(sql):
            columns = {name: _BATCH_TYPES[type(dtype)] for name, dtype in device.SCHEMA.items()}
            then = f" AND added <= {_quoted(self._as_of.isoformat())}::TIMESTAMPTZ" if self._as_of else ""
            self._view("_devices", [str(p) for p in self._device_files], columns, f"WHERE src_ip IS NOT NULL{then}")
            shown = ", ".join(f'"{name}"' for name in device.SHOWN if name != "src_ip")
            self._con.execute(f"CREATE VIEW devices AS SELECT address_text(src_ip) AS src_ip, {shown} FROM _devices")
            self._devices = True
        for name in {found.lower() for found in _CHANGES.findall(sql)} - self._changed_views:
            self._show_changes(name)
        self._arrange(asked)
        self._narrow(spans)

    def _show_changes(self, name: str) -> None:
        """The view of that table of `changes.SHOWN`: what was made of the batches that the session sees."""
        columns = {column: _BATCH_TYPES[type(dtype)] for column, dtype in changes.schema(name).items()}
        self._view(f"_{name}_rows", [str(path.absolute()) for path in self.lake.changes_files(name)], columns)
        shown = ", ".join(f'"{column}"' for column in changes.shown(name))
        self._con.execute(
            f"CREATE VIEW {name} AS SELECT {shown} FROM _{name}_rows WHERE basis IS NULL"
            f" AND zone = {_quoted(self.zone_name)} AND last_batch <= {self.last_batch} ORDER BY day, place"
        )
        self._changed_views.add(name)

    @property
    def _own_verdicts(self) -> Path:
        return Path(self._spill.name) / "verdicts.parquet"

    def use_verdicts(self, frame: pl.DataFrame) -> None:
        """Takes these verdicts (`lake.verdict.SCHEMA`) for those of the lake; before the first question that names them."""
        if self._judged:
            raise RuntimeError("the session has used the lake's verdicts already")
        frame.write_parquet(self._own_verdicts)
        self._verdict_files = [self._own_verdicts]

    @property
    def rolled(self) -> rolled.Rolled | None:
        """The lake's aggregates; None where it has none, or they are not to be used."""
        if self._rolled is None and self._rollup_files:
            own = self._as_of is not None or self._own_verdicts in self._verdict_files
            self._rolled = rolled.Rolled(self, verdicts=not own)
        return self._rolled

    def expect(self, start: dt.datetime, end: dt.datetime) -> None:
        """Says that many questions about [start, end) are to come: what they share is then counted once (`pairs`)."""
        self.pairs = Pairs(self, start, end)

    def put_by(self, name: str, query: str) -> None:
        """Adds the rows of a query (over `_events` and `judged.beside`) to the view of that name, in a file of the session's
        own. Errors as those of `frame`."""
        own = self._put_by.setdefault(name, [])
        path = f"{self._spill.name}/{name}-{len(own)}.parquet"
        self.make(f"COPY ({query}) TO {_quoted(path)} (FORMAT parquet)", query)
        own.append(path)
        self._con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM read_parquet([{', '.join(map(_quoted, own))}])")

    def has_put(self, name: str) -> bool:
        """Was anything put into that view?"""
        return name in self._put_by

    def judge(self) -> None:
        """Makes the views of events have all that verdicts add to them, so that a view of these can be made."""
        self._ready(f"SELECT {', '.join(judged.JOINED)} FROM raw_events")

    def make(self, statement: str, query: str) -> None:
        """Runs a statement that makes a temporary table of that query over the events. Errors as those of `frame`."""
        self._run(statement, (), lambda: self._ready(query))

    def show_rollup(self, name: str, view: str, days: Collection[dt.date], *, fresh: bool, more: str = "") -> None:
        """Makes a view of a table of aggregates: its rows of those days, and those of the temporary table
        `_fresh_<name>`, or of the query `more`."""
        columns = ", ".join(("day", *rollup.TABLES[name]))
        kinds = {c: _BATCH_TYPES[type(dtype)] for c, dtype in rollup.schema(name).items()}
        self._view(f"_{name}", [str(path) for path in self._rollup_files.get(name, ())], kinds)
        told = ", ".join(f"DATE '{day.isoformat()}'" for day in days)
        rows = f"SELECT {columns} FROM _{name} WHERE basis IS NULL AND zone = {_quoted(self.zone_name)} AND day IN ({told})"
        if fresh:
            rows += f" UNION ALL SELECT {columns} FROM _fresh_{name}"
        if more:
            rows += f" UNION ALL SELECT {columns} FROM ({more})"
        self._con.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {rows}")

    def _arrange(self, joined: frozenset[str]) -> None:
        """Makes the views of events have what those tables of verdicts add to them, and nothing else."""
        if joined == self._joined:
            return
        if joined - self._looked_up:
            self._narrow(None)  # sources are looked up among all that were seen
        if not self._looked_up:
            self._view("_events", *self._base)
        for table in sorted(joined - self._looked_up):
            judged.look_up(self._con.execute, table)
            self._looked_up.add(table)
        judged.arrange(self._con.execute, _SHOWN, joined)
        self._joined = joined

    def _narrow(self, spans: Sequence[Span] | None) -> None:
        """Makes the views of events have the files with events of those spans alone; None: all files."""
        files = self._base[0]
        if spans is not None:
            lows = [start for start, _ in spans if start is not None]
            highs = [end for _, end in spans if end is not None]
            low = min(lows) if len(lows) == len(spans) else None
            high = max(highs) if len(highs) == len(spans) else None
            chosen = [
                str(f.path)
                for f in self.files
                if not (f.t_max and low and f.t_max < low) and not (f.t_min and high and f.t_min >= high)
            ]
            files = chosen or files[:1]
        if files != (self._base[0] if self._scope is None else self._scope):
            self._view("_events" if self._looked_up else "raw_events", files, *self._base[1:])
            self._scope = files

    def _tree(self, sql: str) -> str:
        return str(self._con.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0][0])

    def frame(self, sql: str, params: Mapping[str, Any] | Sequence[Any] = ()) -> pl.DataFrame:
        """The rows of a query as a frame; times in the session's zone, whole numbers as Int64.

        UsageError where the query is wrong, TeitenError where it could not be done (memory).
        """
        return self._run(sql, params, lambda: self._ready(sql), users=True)

    def work(self, sql: str, params: Mapping[str, Any] | Sequence[Any] = ()) -> pl.DataFrame:
        """The rows of a statement over the events as they are, without what verdicts add to them: for what makes verdicts.

        It may make temporary tables and views, which last as long as the session. Errors as those of `frame`.
        """

        def before() -> None:
            self._arrange(frozenset())
            self._narrow(None)

        return self._run(sql, params, before)

    def _relation(self, sql: str, given: Any = None, users: bool = False) -> duckdb.DuckDBPyRelation | None:
        """What answers the query, not yet asked; a user's with its addresses as bytes wherever that means the same."""
        relation = self._con.sql(sql, params=given) if given else self._con.sql(sql)
        if relation is None or not users or given or not bytewise.may_help(sql):
            return relation
        tree = json.loads(self._tree(sql))
        if not self._aggregates:
            found = self._con.execute("SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'")
            self._aggregates = frozenset(row[0] for row in found.fetchall())
        if not bytewise.rewrite(tree, self._aggregates):
            return relation
        try:
            text = self._con.execute("SELECT json_deserialize_sql(?::JSON)", [json.dumps(tree)]).fetchall()[0][0]
            other = self._con.sql(text)
        except duckdb.Error:
            return relation
        if other.types != relation.types:
            return relation
        return other if other.columns == relation.columns else _renamed(other, relation.columns)

    def _run(
        self, sql: str, params: Mapping[str, Any] | Sequence[Any], before: Callable[[], None], users: bool = False
    ) -> pl.DataFrame:
        given: Any = dict(params) if isinstance(params, Mapping) else list(params)
        try:
            before()
            relation = self._relation(sql, given, users)
            if relation is None:
                return pl.DataFrame()
            relation = _presentable(relation)
            # through nanoarrow: handed to polars directly, duckdb 2.0 complains of leaked objects at exit
            found = pl.DataFrame(nanoarrow.c_array_stream(relation))
        except (duckdb.OutOfMemoryException, duckdb.InterruptException) as error:
            raise LimitError(
                f"The question needs more memory than it may have ({self._memory_mb} MB): {_first_line(error)}.",
                hint="Ask for a shorter period or fewer columns.",
            ) from None
        except duckdb.Error as error:
            raise self._trouble(error) or _wrong(error, sql) from None
        wide = [
            pl.col(name).cast(pl.Int64, strict=False)
            for name, dtype in found.schema.items()
            if isinstance(dtype, pl.Decimal) and dtype.scale == 0 and found[name].is_between(-(2**63), 2**63 - 1).all()
        ]
        return found.with_columns(wide) if wide else found

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A further connection with the same views and limits."""
        self._narrow(None)
        return self._con.cursor()

    def stream(self, sql: str) -> nanoarrow.ArrayStream:
        """The rows of a query as Arrow batches, made while they are taken. UsageError where the query is wrong."""
        try:
            self._ready(sql)
            relation = self._relation(sql, users=True)
            assert relation is not None, "no statement gives no rows to stream"
            return nanoarrow.ArrayStream(_presentable(relation))
        except duckdb.Error as error:
            raise _wrong(error) from None

    def frames(self, sql: str, rows: int = 100_000) -> Iterator[pl.DataFrame]:
        """The rows of a query as frames of some `rows` each, made while they are taken. Errors as those of `frame`."""
        with self.stream(sql) as stream:
            held: list[pl.DataFrame] = []
            for batch in stream:
                held.append(pl.DataFrame(nanoarrow.c_array(batch)))
                if sum(part.height for part in held) >= rows:
                    yield pl.concat(held)
                    held = []
            if held:
                yield pl.concat(held)

    def pieces(self, table: str, rows: int) -> Iterator[str]:
        """A temporary table that `work` or `make` made in parts of some `rows` rows, each as what may stand in a FROM."""
        for start in range(0, int(self.work(f"SELECT count(*) AS n FROM {table}")["n"][0]), rows):
            yield f"(SELECT * FROM {table} WHERE rowid >= {start} AND rowid < {start + rows})"

    def _trouble(self, error: duckdb.Error) -> LakeError | None:
        """What the lake's files have to do with an error: replaced meanwhile, or lost, cut short, unreadable; None: nothing."""
        if isinstance(error, duckdb.ParserException | duckdb.BinderException | duckdb.CatalogException):
            return None
        text = str(error).lower()
        if self._changed():
            return self.lake.damage() or self._gone()
        return self.lake.damage(whole=True) if any(word in text for word in _OF_FILES) else None

    def _changed(self) -> bool:
        """Is a file gone that the session was opened with?"""
        files = [
            *(f.path for f in self.files),
            *self.batch_files,
            *self._verdict_files,
            *self._note_files,
            *self._coverage_files,
            *self.watching_files,
            *self._device_files,
        ]
        files += [path for paths in self._rollup_files.values() for path in paths]
        return not all(file.exists() for file in files)

    def _gone(self) -> LakeChangedError:
        return LakeChangedError(
            f"The lake {self.lake.path} changed while it was asked: files that held the answer have been replaced since.",
            hint="Ask again.",
        )

    def query(
        self,
        sql: str,
        params: Mapping[str, Any] | Sequence[Any] = (),
        *,
        spans: Sequence[Span] | None = None,
        joined: Collection[str] | None = None,
    ) -> list[dict[str, Any]]:
        """The rows of a query as dicts. spans: it asks for events of these alone, so that no other files need be opened.
        joined: tables of verdicts that events have beside them in it (none where its rows have their columns already); None:
        those that it names."""
        rows = self._run(sql, params, lambda: self._ready(sql, spans, joined=joined), users=True).to_dicts()
        for row in rows:
            for key, value in row.items():
                if isinstance(value, Decimal):
                    row[key] = int(value)
        return rows

    def select_only(self, sql: str) -> str:
        """The query, if it is exactly one SELECT. UsageError otherwise."""
        try:
            statements = self._con.extract_statements(sql)
            kinds = [_kind(s) for s in statements]
            texts = [s.query for s in statements]
            del statements
        except duckdb.Error as error:
            raise _wrong(error, sql) from None
        if len(kinds) != 1 or kinds[0] not in {"SELECT", "EXPLAIN"}:
            what = f"{len(kinds)} statements" if len(kinds) != 1 else f"a {kinds[0]}"
            raise UsageError(f"The query must be one SELECT; this is {what}.", hint="The lake is only read here.")
        return str(texts[0]).strip().rstrip(";").rstrip()

    def for_strangers(self, sql: str) -> None:
        """QueryError where one SELECT (`select_only`) names what is not for strangers, or what is not there, with its place."""
        documented = {row["view"] for row in views()}
        self._ready(sql)
        rows = self._con.execute("SELECT view_name FROM duckdb_views() UNION SELECT table_name FROM duckdb_tables()").fetchall()
        strangers.check(json.loads(self._tree(sql)), sql, documented, {row[0] for row in rows} - documented)
        try:
            # asked in this way, and in this way alone, DuckDB says where a name is that it does not know
            self._con.execute(f"EXPLAIN {sql}")
        except (duckdb.OutOfMemoryException, duckdb.InterruptException, MemoryError):
            return
        except duckdb.Error as error:
            raise self._trouble(error) or _wrong(error, sql, len("EXPLAIN ")) from None

    def interrupt(self) -> None:
        """Ends the question that runs in another thread; that thread gets a TeitenError."""
        self._con.interrupt()

    def close(self) -> None:
        """Ends the session and removes its temporary folder."""
        self._con.close()
        self._spill.cleanup()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def views(*, stranger: bool = False) -> list[dict[str, str]]:
    """Every view and column with its type and meaning, for `teiten sql --views` and the documents; those that strangers see."""
    rows = []
    for c in event.COLUMNS:
        kind = "VARCHAR" if c.kind == "address" else _TYPES[c.kind]
        rows.append({"view": "events", "column": c.name, "type": kind, "unit": c.unit, "en": c.en, "ja": c.ja})
    for name, (kind, en, ja) in judged.JOINED.items():
        rows.append({"view": "events", "column": name, "type": kind, "unit": "", "en": en, "ja": ja})
    for name, (en, ja) in SOURCE_MEANINGS.items():
        kind = {"t_min": "TIMESTAMPTZ", "t_max": "TIMESTAMPTZ", "committed": "TIMESTAMPTZ"}.get(name, "")
        kind = kind or ("VARCHAR" if name in ("source", "path", "sensor", "format", "sha256") else "BIGINT")
        rows.append({"view": "sources", "column": name, "type": kind, "unit": "", "en": en, "ja": ja})
    for name, dtype in batches.SCHEMA.items():
        if name not in _INSIDE:
            en, ja = batches.MEANINGS[name]
            kind = _BATCH_TYPES[type(dtype)]
            rows.append({"view": "batches", "column": name, "type": kind, "unit": "", "en": en, "ja": ja})
    for view, columns, of in (
        ("coverage", tuple(coverage.MEANINGS), coverage),
        ("watching", tuple(watching.MEANINGS), watching),
        ("devices", device.SHOWN, device),
        ("verdicts", judged.VERDICT_COLUMNS, verdict),
        ("notes", judged.NOTE_COLUMNS, note),
    ):
        for name in columns:
            en, ja = of.MEANINGS[name]
            kind = "VARCHAR" if name == "src_ip" else _BATCH_TYPES[type(of.SCHEMA[name])]
            rows.append({"view": view, "column": name, "type": kind, "unit": "", "en": en, "ja": ja})
    for view in changes.SHOWN:
        for name in changes.shown(view):
            en, ja = changes.MEANINGS[view][name]
            kind = _BATCH_TYPES[type(changes.schema(view)[name])]
            rows.append({"view": view, "column": name, "type": kind, "unit": "", "en": en, "ja": ja})
    if stranger:
        rows = [row for row in rows if not (row["view"] in ("sources", "batches") and row["column"] in _PLACES)]
    return rows


_CHANGES: Final = re.compile(rf"\b({'|'.join(changes.SHOWN)})\b", re.IGNORECASE)
_COVERAGE: Final = re.compile(r"\bcoverage\b", re.IGNORECASE)
_WATCHING: Final = re.compile(r"\bwatching\b", re.IGNORECASE)
_DEVICES: Final = re.compile(r"\b_?devices\b", re.IGNORECASE)
_AS_TEXT: Final = re.compile(r"\b(INTERVAL|UNION|BIT|BIGNUM|TIME WITH TIME ZONE)\b")
"""types that no frame has: given as DuckDB writes them"""


def _presentable(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The same rows in columns that a frame can have: other types as text; of two columns of one name one becomes name_1."""
    if len(set(relation.columns)) < len(relation.columns):
        relation = relation.project("*")
    if not any(_AS_TEXT.search(str(kind)) for kind in relation.types):
        return relation
    columns = []
    for name, kind in zip(relation.columns, relation.types, strict=True):
        quoted = '"' + name.replace('"', '""') + '"'
        columns.append(f"{quoted}::VARCHAR AS {quoted}" if _AS_TEXT.search(str(kind)) else quoted)
    return relation.project(", ".join(columns))


def _renamed(relation: duckdb.DuckDBPyRelation, names: Sequence[str]) -> duckdb.DuckDBPyRelation:
    """The same rows under other names of columns (of which there are as many)."""
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    places = [f"#{n}" for n in range(1, len(quoted) + 1)]
    return relation.project(", ".join(f"{place} AS {name}" for place, name in zip(places, quoted, strict=True)))


def _kind(statement: duckdb.Statement) -> str:
    try:
        return str(statement.type).rpartition(".")[2]
    except ValueError:  # a kind that has no name in Python (UPDATE EXTENSIONS)
        return "statement of another kind"


def _wrong(error: duckdb.Error, sql: str = "", before: int = 0) -> UsageError:
    """What duckdb says of a query, on as many lines as it needs to point at the spot; to a stranger's session as JSON.

    before: characters that stood before the query."""
    kind, _, rest = str(error).partition(": ")
    if rest.startswith("{"):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return _placed(kind, json.loads(rest), sql, before)
    lines = [line.rstrip() for line in str(error).strip().splitlines() if line.strip()]
    return UsageError("SQL: " + "\n".join(lines), hint="\n`teiten sql --views` lists views and columns.")


def _placed(kind: str, told: Mapping[str, str], sql: str, before: int) -> QueryError:
    said = told["exception_message"].strip().partition("\nCandidate")[0].partition("\nDid you mean")[0].strip()
    near = tuple(dict.fromkeys(one.strip() for one in told.get("candidates", "").split(",") if one.strip()))
    at = int(told["position"]) - before if told.get("position", "").isdigit() else -1
    length = told.get("location", "").strip("[]").rpartition(",")[2]
    found = QueryError(f"{kind}: {said}", hint="The views and their columns are described beside the query.", near=near[:5])
    if at >= 0:
        found.at, found.length = strangers.characters(sql, at), max(1, min(200, int(length) if length.isdigit() else 1))
    return found


def _later(files: list[str], upto: int) -> str:
    """The condition that leaves out events of later batches, where a file holds several: by input and place in it."""
    source = f"read_parquet([{', '.join(map(_quoted, files))}], union_by_name = true)"
    return (
        f"WHERE NOT EXISTS (SELECT 1 FROM {source} b WHERE b.batch > {upto} AND b.source_id = raw.source_id"
        ' AND raw.source_pos >= b.start AND raw.source_pos < b."end")'
    )


def _first_line(error: BaseException) -> str:
    _, _, rest = str(error).partition(": ")
    if rest.startswith("{"):
        with contextlib.suppress(ValueError, KeyError, AttributeError):
            return str(json.loads(rest)["exception_message"]).strip().splitlines()[0].rstrip(".")
    return str(error).strip().splitlines()[0].rstrip(".")
