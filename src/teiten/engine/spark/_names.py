"""What a session's names stand for in Spark: views as texts, read when they are asked for; tables; files.

DuckDB looks a view's parts up when it is asked, Spark when it is made. So a view is kept as its text, and made in Spark before
a query that reads it, anew where anything below it has changed.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from teiten.engine.spark import _steps, _translate

if TYPE_CHECKING:
    import polars as pl
    from pyspark import StorageLevel
    from pyspark.sql import DataFrame, SparkSession

_COUNT: Final = itertools.count(1)


def _kept() -> StorageLevel:
    from pyspark import StorageLevel

    return StorageLevel.MEMORY_AND_DISK


@dataclass(slots=True)
class _View:
    tree: _translate.Tree
    state: int = field(default_factory=lambda: next(_COUNT))


class Names:
    """The names of one session. `small`: gives the rows of a name that only DuckDB has."""

    def __init__(self, spark: SparkSession, small: Callable[[str], pl.DataFrame]) -> None:
        self.spark = spark
        self.macros: dict[str, _translate.Macro] = {}
        self._small = small
        self._views: dict[str, _View] = {}
        self._tables: dict[str, tuple[int, DataFrame]] = {}
        self._files: dict[str, int] = {}
        self._shipped: dict[str, int] = {}
        self._made: dict[str, tuple[Any, ...]] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._views or name in self._tables or name in self._files

    def view(self, name: str, tree: _translate.Tree) -> None:
        """A name for a query."""
        self.drop(name)
        self._views[name] = _View(tree)

    def files(self, name: str, frame: DataFrame) -> None:
        """A name for rows of files."""
        self.drop(name)
        frame.createOrReplaceTempView(name)
        self._files[name] = next(_COUNT)

    def table(self, name: str, rows: DataFrame) -> None:
        """A name for rows that are kept on the cluster as they are now."""
        self.drop(name)
        rows.createOrReplaceTempView(name)
        self._tables[name] = (next(_COUNT), rows)

    def add(self, name: str, rows: DataFrame) -> None:
        """Further rows of a table."""
        _, held = self._tables[name]
        whole = held.unionByName(rows) if set(held.columns) == set(rows.columns) else held.union(rows)
        whole.createOrReplaceTempView(name)
        self._tables[name] = (next(_COUNT), whole)

    def rows(self, name: str) -> DataFrame:
        """The rows of a table."""
        return self._tables[name][1]

    def tables(self) -> list[str]:
        """Names of the tables."""
        return list(self._tables)

    def forget(self, name: str) -> None:
        """DuckDB has something else under that name now."""
        self._shipped.pop(name, None)

    def drop(self, name: str) -> None:
        """The name stands for nothing any more."""
        self._views.pop(name, None)
        self._files.pop(name, None)
        self._made.pop(name, None)
        held = self._tables.pop(name, None)
        if held is not None:
            held[1].unpersist()

    @contextlib.contextmanager
    def answer(self, tree: _translate.Tree) -> Iterator[DataFrame]:
        """What answers a query, to be asked within: its steps that are read more than once are held for so long (`_steps`)."""
        whole = tree.copy()
        held: list[tuple[str, DataFrame]] = []
        try:
            for step in _steps.shared(whole, self.__contains__):
                rows = self.query(_steps.step(whole, step)).persist(_kept())
                name = f"_step_{next(_COUNT)}"
                held.append((name, rows))
                # before the rest is planned: only then does Spark know how few they are, and send them to where the events are
                rows.count()
                self.files(name, rows)
                _steps.put(whole, step, name)
            yield self.query(whole)
        finally:
            for name, rows in held:
                self.drop(name)
                with contextlib.suppress(Exception):  # the cluster may be lost, which is what is to be told
                    rows.unpersist()
                    self.spark.catalog.dropTempView(name)

    def query(self, tree: _translate.Tree) -> DataFrame:
        """What answers a query, not yet asked."""
        for name in sorted(_translate.named(tree)):
            self._ready(name)
        return self.spark.sql(_translate.translate(tree, self.macros))

    def _ready(self, name: str) -> Any:
        """Sees to it that Spark knows the name as it is meant now; what tells whether that has changed."""
        if name in self._tables:
            return self._tables[name][0]
        if name in self._files:
            return self._files[name]
        if name not in self._views:
            if name not in self._shipped:
                self.ship(name, self._small(name))
                self._shipped[name] = next(_COUNT)
            return self._shipped[name]
        view = self._views[name]
        below = tuple(self._ready(one) for one in sorted(_translate.named(view.tree)))
        state = (view.state, *below)
        if self._made.get(name) != state:
            self.spark.sql(_translate.translate(view.tree, self.macros)).createOrReplaceTempView(name)
            self._made[name] = state
        return state

    def ship(self, name: str, rows: pl.DataFrame) -> None:
        """Rows that lie here, few of them, as a view there."""
        import pyarrow as pa

        table = rows.to_arrow()
        # 64-bit offsets are nothing that Spark takes
        kinds = {
            pa.large_string(): pa.string(),
            pa.large_binary(): pa.binary(),
            pa.string_view(): pa.string(),
            pa.binary_view(): pa.binary(),
            pa.null(): pa.string(),
        }
        table = table.cast(pa.schema([pa.field(f.name, kinds.get(f.type, f.type)) for f in table.schema]))
        self.spark.createDataFrame(table).createOrReplaceTempView(name)
