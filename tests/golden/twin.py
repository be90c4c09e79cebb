"""Two engines as one: every question is put to Spark and to DuckDB, and their rows are compared before anybody sees them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from teiten.engine.duckdb import Session as Plain
from teiten.engine.spark import Session as Clustered

MAKING = re.compile(r"\s*(CREATE|INSERT|DROP)\b")
HASHED = re.compile(r"\bhash\(")
"""each engine has its own hash; it parts rows, and no answer rests on it"""
ORDERED = re.compile(r"\bORDER BY\b(?!.*\bFROM\b)", re.DOTALL)
"""an order that is the answer's, and not that of a step"""


def typed(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows in types that do not tell the engine: widths of numbers, and a column of nothing but null."""
    out = rows
    for name, kind in rows.schema.items():
        if kind.is_integer() or isinstance(kind, pl.Decimal):
            out = out.with_columns(pl.col(name).cast(pl.Int64))
        elif kind.is_float():
            out = out.with_columns(pl.col(name).cast(pl.Float64))
        elif isinstance(kind, pl.List):
            # a list of distinct values has no order
            out = out.with_columns(pl.col(name).list.sort())
        elif isinstance(kind, pl.Map):
            told = [None if one is None else repr(sorted(one.items())) for one in rows[name].to_list()]
            out = out.with_columns(pl.Series(name, told, pl.String))
        elif kind == pl.Null:
            out = out.with_columns(pl.col(name).cast(pl.String))
    return out


class Twin(Clustered):
    """A session of Spark that asks DuckDB the same. `asked`: statements that both answered with the same rows."""

    def __init__(self, lake: Any, settings: Any, **more: Any) -> None:
        self.asked = 0
        self.other = Plain(lake, settings, **more)
        super().__init__(lake, settings, **more)

    def expect(self, *span: Any) -> None:
        super().expect(*span)
        self.other.expect(*span)

    def use_verdicts(self, frame: pl.DataFrame) -> None:
        super().use_verdicts(frame)
        self.other.use_verdicts(frame)

    def put_by(self, name: str, query: str) -> None:
        super().put_by(name, query)
        self.other.put_by(name, query)

    def show_rollup(self, *given: Any, **named: Any) -> None:
        super().show_rollup(*given, **named)
        self.other.show_rollup(*given, **named)

    def pieces(self, table: str, rows: int) -> Iterator[str]:
        yield table

    def frames(self, sql: str, rows: int = 100_000) -> Iterator[pl.DataFrame]:
        ours, theirs = pl.concat(list(super().frames(sql, rows))), pl.concat(list(self.other.frames(sql, rows)))
        self.compare(sql, ours, theirs)
        yield ours

    def _run(
        self, sql: str, params: Mapping[str, Any] | Sequence[Any], before: Callable[[], None], users: bool = False
    ) -> pl.DataFrame:
        held = {
            name: cell.cell_contents for name, cell in zip(before.__code__.co_freevars, before.__closure__ or (), strict=True)
        }
        if "work" in before.__qualname__:

            def same() -> None:
                self.other._arrange(frozenset())
                self.other._narrow(None)
        else:

            def same() -> None:
                self.other._ready(held.get("query", sql), held.get("spans"))

        if HASHED.search(sql) and not MAKING.match(sql):
            return super()._run(sql, params, before, users)
        theirs = self.other._run(sql, params, same, users)
        ours = super()._run(sql, params, before, users)
        if not MAKING.match(sql):
            self.compare(sql, ours, theirs)
        return ours

    def compare(self, sql: str, ours: pl.DataFrame, theirs: pl.DataFrame) -> None:
        a, b = typed(theirs), typed(ours)
        assert a.columns == b.columns, sql
        assert a.height == b.height, f"{a.height} rows of DuckDB, {b.height} of Spark: {sql}"
        if not ORDERED.search(sql):
            a, b = (one.sort(one.columns, nulls_last=True) for one in (a, b))
        try:
            assert_frame_equal(a, b, rel_tol=1e-12, abs_tol=0)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{sql}") from None
        self.asked += 1

    def close(self) -> None:
        super().close()
        self.other.close()
