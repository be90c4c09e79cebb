"""Tables of days: rows about a day of a zone, all put in place of the day's earlier ones at once.

A file holds the rows of a month of one zone; a month with many is cut into several, at the edges of days. So making a day
again rewrites one file, and the number of files grows with the months and not with how often days are made. Where a day has
very many, its rows lie in several files, each with some `ROWS`. A row with a basis, and without anything else, says that its
day was made, from which batches and by what, whatever was found.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

import polars as pl

from teiten.lake import _delta

ROWS: Final = 200_000
"""rows of a file beyond which a month's next day begins another"""
STAMPS: Final[dict[str, pl.DataType]] = {
    "day": pl.Date(),
    "zone": pl.String(),
    "last_batch": pl.Int64(),
    "basis": pl.String(),
    "made": pl.Datetime("us", "UTC"),
}
"""columns that every such table has"""
Schema = Mapping[str, pl.DataType]


def replace(
    table: _delta.Table,
    days: Sequence[dt.date],
    zone: str,
    frames: Iterable[pl.DataFrame],
    *,
    schema: Schema,
    order: Sequence[str],
    last_batch: int,
    basis: str | Mapping[dt.date, str],
) -> None:
    """The days' rows become those of the frames, in one log entry. OSError and its like.

    frames: columns of the schema, at least `day`; the stamps are added. Of many rows some `ROWS` are held at a time: files are
    written as the frames come, and count when all are there. basis: one for all days, or one for each.
    """
    stamps = (
        pl.lit(zone).alias("zone"),
        pl.lit(dt.datetime.now(dt.UTC)).cast(STAMPS["made"]).alias("made"),
        pl.lit(last_batch).cast(pl.Int64).alias("last_batch"),
    )
    if not days:
        for _ in frames:
            pass
        return
    # the basis is a long text, so that only the row of the day itself has it
    told = [basis if isinstance(basis, str) else basis[day] for day in days]
    state = pl.DataFrame({"day": days, "basis": told}, schema={"day": pl.Date(), "basis": pl.String()})
    pool = [state.with_columns(stamps)]
    written: list[_delta.Written] = []
    for frame in frames:
        pool.append(frame.with_columns(stamps))
        if sum(part.height for part in pool) >= ROWS:
            months = _by_month(pool, schema, order)
            written += [_write(table.path, part, f"{month:%Y-%m}") for month, rows in months for part in _cut(rows)]
            pool = []
    gone: list[str] = []
    live = _months(table, zone)
    left = dict(_by_month(pool, schema, order)) if pool else {}
    for month in sorted({day.replace(day=1) for day in days}):
        new = left.get(month)
        old = [path for path, first, last, held in live if _touches(first, last, held, month, days)]
        kept = [rows for path in old if (rows := _others(table.path / path, days, schema)).height]
        put = pl.concat([*kept, *([new] if new is not None else []), pl.DataFrame(schema=schema)])
        written += [_write(table.path, part, f"{month:%Y-%m}") for part in _cut(put.sort(order, nulls_last=True))]
        gone += old
    table.commit(written, gone)
    table.sweep(gone)


def _by_month(frames: list[pl.DataFrame], schema: Schema, order: Sequence[str]) -> Iterable[tuple[dt.date, pl.DataFrame]]:
    """The rows of each month, in the order in which files hold them."""
    whole = pl.concat(frames, how="diagonal")
    for (month,), rows in whole.group_by(pl.col("day").dt.month_start().alias("month")):
        kept = rows.with_columns(pl.lit(None, dtype=schema[name]).alias(name) for name in schema if name not in rows.columns)
        yield cast("dt.date", month), kept.select(list(schema)).sort(order, nulls_last=True)


def _others(path: Path, days: Sequence[dt.date], schema: Schema) -> pl.DataFrame:
    """The file's rows of other days."""
    return pl.scan_parquet(path).select(list(schema)).filter(~pl.col("day").is_in(list(days))).collect()


def _write(folder: Path, frame: pl.DataFrame, name: str) -> _delta.Written:
    # no bounds of addresses: what the log says of a file outlives the file
    return _delta.write_parquet(frame, folder, f"{name}-{uuid.uuid4()}.parquet", ("day", "zone"))


def _months(table: _delta.Table, zone: str) -> list[tuple[str, dt.date, dt.date, int]]:
    """The zone's files: path, first and last day, rows."""
    live = table.live()
    if not live.height:
        return []
    own = live.filter(pl.col("min.zone") == zone)
    return list(own.select("path", "min.day", "max.day", "num_records").iter_rows())


def _touches(first: dt.date, last: dt.date, rows: int, month: dt.date, days: Sequence[dt.date]) -> bool:
    """Is that file of the month, and does it hold one of the days, or is it small enough to be put together with them?"""
    if first.replace(day=1) != month:
        return False
    return rows < ROWS or any(first <= day <= last for day in days)


def _cut(frame: pl.DataFrame) -> Iterable[pl.DataFrame]:
    """Parts of whole days, each of `ROWS` rows or a day more."""
    held: list[pl.DataFrame] = []
    for part in frame.partition_by("day", maintain_order=True):
        held.append(part)
        if sum(p.height for p in held) >= ROWS:
            yield pl.concat(held)
            held = []
    if held:
        yield pl.concat(held)


def state(files: Sequence[Path]) -> pl.DataFrame:
    """Which days were made (`STAMPS`), in order of day and zone; days on which nothing was found, too."""
    if not files:
        return pl.DataFrame(schema=STAMPS)
    # asked at every ingest: only these columns are read
    rows = pl.scan_parquet(list(files)).filter(pl.col("basis").is_not_null())
    return rows.select(list(STAMPS)).collect().sort("day", "zone")
