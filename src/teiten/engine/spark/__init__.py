"""The second engine: a session whose questions a Spark cluster answers, over the same live files, from the same texts.

Whatever is written in `questions`, in a report's section, in a rule, is DuckDB's SQL. Here a statement that reads events,
verdicts or aggregates (or what was made of them) becomes Spark's (`_translate`) and runs on the cluster; what reads the lake's
bookkeeping alone (batches, notes, coverage: thousands of rows) is asked of DuckDB beside it, and goes along as rows where a
statement wants both. Answers come back as Arrow, so that nothing above knows which engine it was.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import nanoarrow
import polars as pl

from teiten.engine import duckdb as here
from teiten.engine.spark import _cluster, _translate
from teiten.engine.spark._names import Names
from teiten.errors import TeitenError, UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from teiten.lake import Lake
    from teiten.settings import Settings

_LARGE: Final = re.compile(r"(raw_events|_events|_verdict_rows|_rollup_\w+)")
"""views of files that the cluster reads"""
_TYPES: Final = {
    "TIMESTAMPTZ": "timestamp", "VARCHAR": "string", "BLOB": "binary", "BOOLEAN": "boolean", "SMALLINT": "smallint",
    "INTEGER": "int", "BIGINT": "bigint", "DATE": "date", "DOUBLE": "double",
}  # fmt: skip
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'")
_WORD: Final = re.compile(r"[a-z_][a-z_0-9]*")


class Session(here.Session):
    """As DuckDB's session; `query`, `frame`, `work` and `make` run on the cluster of the settings.

    `cursor` and what strangers ask (the SQL console) stay DuckDB's. TeitenError where Spark cannot be had, as a sentence.
    """

    def __init__(self, lake: Lake, settings: Settings, **more: Any) -> None:
        self._spark = _cluster.session(settings)
        self._spark.conf.set("spark.sql.session.timeZone", settings.zone_name)
        self.names = Names(self._spark, self._small)
        self._given = 0
        self._duck: duckdb.DuckDBPyConnection
        super().__init__(lake, settings, **more)

    # where a statement goes -------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        self._duck = self._con
        self._con = _Routed(self)  # type: ignore[assignment]
        super()._prepare()

    def large(self, sql: str) -> bool:
        """Does a statement read what the cluster has?"""
        if not any(word in self.names for word in set(_WORD.findall(_LITERAL.sub("''", sql.lower())))):
            return False
        return any(name in self.names for tree in _translate.parse(sql) for name in _translate.named(tree))

    def _view(self, name: str, files: list[str], columns: Mapping[str, str], where: str = "") -> None:
        if not _LARGE.fullmatch(name):
            super()._view(name, files, columns, where)
            return
        if files and Path(files[0]).is_relative_to(self._spill.name):
            self.names.forget(name)
            self.names.ship(f"{name}_files", pl.read_parquet(files))
            read = self._spark.table(f"{name}_files")
        else:
            schema = ", ".join(f"`{column}` {_TYPES[kind]}" for column, kind in columns.items())
            read = self._spark.read.schema(schema).parquet(*files) if files else self._spark.createDataFrame([], schema)
        if where:
            self.names.files(f"{name}_files", read)
            (tree,) = _translate.parse(f"SELECT * FROM {name}_files raw {where}")
            self.names.view(name, self._with_files(tree))
        else:
            self.names.files(name, read)

    def _with_files(self, tree: _translate.Tree) -> _translate.Tree:
        """The statement with a view in place of each list of files."""
        for one in list(tree.find_all(_translate.exp.ReadParquet)):
            paths = [item.name for item in one.expressions[0].expressions]
            self._given += 1
            name = f"_given_{self._given}"
            self.names.files(name, self._spark.read.parquet(*paths))
            place = one.parent if isinstance(one.parent, _translate.exp.Table) else one
            place.replace(_translate.exp.alias_(_translate.exp.to_table(name), place.alias or name, table=True))
        return tree

    def _small(self, name: str) -> pl.DataFrame:
        """The rows of a view or table that DuckDB has."""
        found = self._duck.sql(f'SELECT * FROM "{name}"')
        assert found is not None
        return pl.DataFrame(nanoarrow.c_array_stream(found))

    def execute(self, sql: str, params: Any = None) -> Any:
        """A statement, wherever it belongs; an answer that has fetchone and fetchall."""
        if sql.lstrip().lower().startswith(("set ", "--")) or not self.large(sql):
            return self._execute_here(sql, params)
        rows = None
        for tree in _translate.parse(sql):
            rows = self._there(tree, params or ())
        return _Answer(rows)

    def _execute_here(self, sql: str, params: Any) -> Any:
        if "CREATE" in sql:
            trees = _translate.parse(sql)
            self.names.macros |= _translate.macros(trees)
            for tree in trees:
                if isinstance(tree, _translate.exp.Create):
                    self.names.forget(tree.this.name.lower())
        return self._duck.execute(sql, params) if params is not None else self._duck.execute(sql)

    def _there(self, tree: _translate.Tree, params: Mapping[str, Any] | Sequence[Any]) -> pl.DataFrame | None:
        """A statement on the cluster: its answer, or None where it makes or drops something."""
        exp = _translate.exp
        if isinstance(tree, exp.Drop):
            table = tree.find(exp.Table)
            self.names.drop(table.name.lower() if table is not None else "")
            return None
        if isinstance(tree, exp.Create):
            name = tree.this.name.lower()
            query = self._filled(tree.expression, params)
            if tree.kind == "VIEW":
                self.names.view(name, query)
            else:
                self.names.table(name, self._kept(self.names.query(query)))
            return None
        if isinstance(tree, exp.Insert):
            self.names.add(tree.this.name.lower(), self._kept(self.names.query(self._filled(tree.expression, params))))
            return None
        with self.names.answer(self._filled(tree, params)) as rows:
            return _frame(rows, self.zone_name)

    def _kept(self, rows: DataFrame) -> DataFrame:
        """The rows, held by the cluster from when they are first read. What a lost worker held is made again."""
        from pyspark import StorageLevel

        return rows.persist(StorageLevel.MEMORY_AND_DISK)

    def _filled(self, tree: _translate.Tree, params: Mapping[str, Any] | Sequence[Any]) -> _translate.Tree:
        """The statement with its values: single ones as constants, lists as rows of a view."""
        tree = _translate.fill(tree, params) if params else tree
        for select in _translate.of_values(tree):
            relation = self._duck.sql(select.sql(dialect="duckdb"), params=_asked(select, params))
            assert relation is not None
            self._given += 1
            name = f"_given_{self._given}"
            self.names.ship(name, pl.DataFrame(nanoarrow.c_array_stream(relation)))
            self.names.files(name, self._spark.table(name))
            select.replace(_translate.exp.select("*").from_(name))
        return tree

    # what is asked ----------------------------------------------------------------------------------------------------

    def _run(
        self, sql: str, params: Mapping[str, Any] | Sequence[Any], before: Callable[[], None], users: bool = False
    ) -> pl.DataFrame:
        with self._sentences():
            before()
            if self.large(sql):
                answer = None
                for tree in _translate.parse(sql):
                    answer = self._there(tree, params)
                return pl.DataFrame() if answer is None else answer
        return super()._run(sql, params, lambda: None, users)

    def _relation(self, sql: str, given: Any = None, users: bool = False) -> duckdb.DuckDBPyRelation | None:
        return self._duck.sql(sql, params=given) if given else self._duck.sql(sql)

    def frames(self, sql: str, rows: int = 100_000) -> Iterator[pl.DataFrame]:
        self._ready(sql)
        if not self.large(sql):
            yield from super().frames(sql, rows)
            return
        with self._sentences():
            answer = self._kept(self.names.query(_translate.parse(sql)[0]))
            try:
                yield from _parts(answer, rows, self.zone_name)
            finally:
                answer.unpersist()

    def stream(self, sql: str) -> nanoarrow.ArrayStream:
        self._ready(sql)
        if not self.large(sql):
            return super().stream(sql)
        with self._sentences():
            return nanoarrow.ArrayStream(self.names.query(_translate.parse(sql)[0]).toArrow())

    def pieces(self, table: str, rows: int) -> Iterator[str]:
        held = self.names.rows(table)
        with self._sentences():
            numbers = _numbers(held)
        for number in numbers:
            yield f"(SELECT * FROM {table} WHERE spark_partition_id() = {number})"

    def put_by(self, name: str, query: str) -> None:
        own = self._put_by.setdefault(name, [])
        with self._sentences():
            self._ready(query)
            rows = self._kept(self.names.query(_translate.parse(query)[0]))
            if own:
                self.names.add(name, rows)
            else:
                self.names.table(name, rows)
        own.append(name)

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        """Spark's errors as TeitenError: of the query, of the lake's files, of the cluster."""
        from py4j.protocol import Py4JError
        from pyspark.errors import AnalysisException, ParseException, PySparkException

        try:
            yield
        except (AnalysisException, ParseException) as error:
            if self._changed():
                raise self.lake.damage() or self._gone() from None
            raise UsageError(
                f"SQL: {_cluster.first_line(error)}.", hint="\n`teiten sql --views` lists views and columns."
            ) from None
        except (PySparkException, Py4JError, ConnectionError) as error:
            raise self._lost(error) from None

    def _lost(self, error: BaseException) -> TeitenError:
        text = str(error).lower()
        if self._changed():
            return self.lake.damage() or self._gone()
        if any(word in text for word in ("failed_read_file", "parquet", "filenotfound", "file not found")):
            found = self.lake.damage(whole=True)
            if found is not None:
                return found
        return _cluster.trouble(error, self.settings)

    def interrupt(self) -> None:
        self._duck.interrupt()
        self._spark.sparkContext.cancelAllJobs()

    def close(self) -> None:
        self._con = self._duck
        for name in list(self.names.tables()):
            with contextlib.suppress(Exception):
                self.names.drop(name)
        super().close()


class _Routed:
    """What the session has for a connection to DuckDB: statements that read what the cluster has go there."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def execute(self, sql: str, params: Any = None) -> Any:
        return self._session.execute(sql, params)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session._duck, name)


class _Answer:
    def __init__(self, rows: pl.DataFrame | None) -> None:
        self._rows = rows

    def fetchall(self) -> list[tuple[Any, ...]]:
        return [] if self._rows is None else self._rows.rows()

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(iter(self.fetchall()), None)


def _asked(tree: _translate.Tree, params: Mapping[str, Any] | Sequence[Any]) -> Any:
    """The values that a part of a statement names."""
    if not isinstance(params, Mapping):
        return list(params)
    names = {one.name or str(one.this) for one in tree.find_all(_translate.exp.Parameter, _translate.exp.Placeholder)}
    return {name: value for name, value in params.items() if name in names}


def _frame(rows: DataFrame, zone: str) -> pl.DataFrame:
    """The answer, its times in that zone."""
    found = pl.DataFrame(pl.from_arrow(rows.toArrow()))
    return found.with_columns(pl.col(pl.Datetime("us", "*")).dt.convert_time_zone(zone))


def _parts(rows: DataFrame, most: int, zone: str) -> Iterator[pl.DataFrame]:
    """The rows, a part of the cluster's at a time, in order."""
    from pyspark.sql import functions

    for number in _numbers(rows):
        part = _frame(rows.where(functions.spark_partition_id() == number), zone)
        for start in range(0, part.height, most):
            yield part[start : start + most]


def _numbers(rows: DataFrame) -> list[int]:
    """The cluster's parts of them that are not empty."""
    from pyspark.sql import functions

    return sorted(rows.select(functions.spark_partition_id().alias("n")).distinct().toArrow()["n"].to_pylist())


def cores(settings: Settings) -> int:
    """Tasks that the cluster of the settings works on at once. TeitenError where it cannot be had."""
    return max(1, int(_cluster.session(settings).sparkContext.defaultParallelism))


def run(settings: Settings, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """What a function makes of each item, each in a task of its own on some worker, in the items' order.

    A task whose worker is lost runs again elsewhere, so the function must bear that. TeitenError where one fails."""
    if not items:
        return []
    context = _cluster.session(settings).sparkContext
    try:
        return list(context.parallelize(list(items), len(items)).map(function).collect())
    except Exception as error:
        raise _cluster.trouble(error, settings) from None


def everywhere(settings: Settings, function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What a function says on the cluster's workers, each told once by its host as far as it answers. It is sent by value: no
    worker need have its module. TeitenError where it cannot be asked."""
    from pyspark import cloudpickle

    context = _cluster.session(settings).sparkContext
    module = sys.modules[function.__module__]
    cloudpickle.register_pickle_by_value(module)
    try:
        sent = cloudpickle.loads(cloudpickle.dumps(function))
        many = 4 * max(1, int(context.defaultParallelism))
        answers = context.parallelize(range(many), many).map(lambda _: sent(*arguments)).collect()
    except Exception as error:
        raise _cluster.trouble(error, settings) from None
    finally:
        cloudpickle.unregister_pickle_by_value(module)
    return list({str(one): one for one in answers}.values())


__all__ = ["Session", "cores", "everywhere", "run"]
