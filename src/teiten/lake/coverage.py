"""Coverage in the lake: when each sensor was watching on a day, with how many addresses; a day's rows replaced at once.

A file holds a month of one zone. A row without a sensor says that its day was made, from which batches and on what basis; days
whose events are no longer kept have their rows all the same.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Final

import polars as pl

from teiten.lake import _delta

_TIME: Final = pl.Datetime("us", "UTC")

SCHEMA: Final[dict[str, pl.DataType]] = {
    "day": pl.Date(),
    "zone": pl.String(),
    "sensor": pl.String(),
    "start": _TIME,
    "end": _TIME,
    "addresses": pl.Int64(),
    "basis": pl.String(),
    "made": _TIME,
    "last_batch": pl.Int64(),
}
REQUIRED: Final = ("day", "zone", "made", "last_batch")
GIVEN: Final = ("day", "sensor", "start", "end", "addresses", "basis")
"""the columns of what `replace` takes"""

MEANINGS: Final[dict[str, tuple[str, str]]] = {
    "sensor": ("the sensor's name", "センサー名"),
    "start": ("from when it was watching (at most a day lies in one row)", "観測していた時間の始まり(1行は1日以内)"),
    "end": ("up to when, without that moment itself", "観測していた時間の終わり(その瞬間は含まない)"),
    "addresses": ("how many addresses it watched", "観測していたアドレス数"),
    "basis": (
        "how that is known: stated (in teiten.toml), seen (addresses that packets came to on that day), assumed (1: none came)",
        "アドレス数の根拠: stated(teiten.tomlの設定)・seen(その日に宛先となったアドレスの数)・assumed(到着がなく1とみなす)",
    ),
    "day": ("the day, in `zone`", "日付"),
    "zone": ("zone of the day", "日付のタイムゾーン"),
}


def replace(table: _delta.Table, basis: Mapping[dt.date, str], zone: str, frame: pl.DataFrame, *, last_batch: int) -> None:
    """The days' rows of that zone become those of the frame (`GIVEN`), in one log entry. OSError and its like.

    basis: each day, and what the configuration said of it; last_batch: from which batches they were made. Kept for every day.
    """
    wanted = sorted(basis)
    if not wanted:
        return
    told = {"day": wanted, "basis": [basis[day] for day in wanted]}
    marks = pl.DataFrame(told, schema={"day": pl.Date(), "basis": pl.String()})
    new = pl.concat([marks, frame.select(GIVEN)], how="diagonal").with_columns(
        pl.lit(zone).alias("zone"),
        pl.lit(dt.datetime.now(dt.UTC)).cast(_TIME).alias("made"),
        pl.lit(last_batch).cast(pl.Int64).alias("last_batch"),
    )
    written, gone = [], []
    live = table.live()
    own = live.filter(pl.col("min.zone") == zone) if live.height else live
    for month in sorted({day.replace(day=1) for day in wanted}):
        old = (
            [p for p, first in own.select("path", "min.day").iter_rows() if first.replace(day=1) == month] if own.height else []
        )
        kept = [pl.read_parquet(table.path / p).filter(~pl.col("day").is_in(wanted)) for p in old]
        mine = new.filter(pl.col("day").dt.month_start() == month)
        rows = pl.concat([pl.DataFrame(schema=SCHEMA), *kept, mine.select(pl.col(n).cast(t) for n, t in SCHEMA.items())])
        name = f"{month:%Y-%m}-{uuid.uuid4()}.parquet"
        written.append(_delta.write_parquet(rows.sort("day", "sensor", "start"), table.path, name, ("day", "zone")))
        gone += old
    table.commit(written, gone)
    table.sweep(gone)
