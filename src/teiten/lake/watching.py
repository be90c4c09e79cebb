"""When a station was taking in what, and what it lost: the table `watching`, made from the spool's chains.

A row is a stretch of time, within one hour of UTC, in which an input was alive and took in for a sensor (or, without a sensor,
for none in particular): from a run's beginning, or an hour's, to its end, the hour's, or a silence. A stream's rows follow each
other; made again from some row on, they take the place of that and all later ones. A file holds a month.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Final

import polars as pl

from teiten.lake import _delta

_TIME: Final = pl.Datetime("us", "UTC")
_INT: Final = pl.Int64()

LOSSES: Final = ("dropped_kernel", "dropped_queue", "dropped_spool", "lost_estimated")
"""counters of what came, or must have come, and is not written down"""
COUNTED: Final = ("received", "bytes", "refused", *LOSSES)
SCHEMA: Final[dict[str, pl.DataType]] = {
    "stream": pl.String(),
    "input": pl.String(),
    "sensor": pl.String(),
    "start": _TIME,
    "end": _TIME,
    "keeps": pl.Boolean(),
    "heartbeat": pl.Float64(),
    **dict.fromkeys(COUNTED, _INT),
    "skew": pl.Float64(),
    "segment": _INT,
    "record": _INT,
    "goes_on": pl.Boolean(),
    "last_batch": _INT,
}
REQUIRED: Final = ("stream", "input", "start", "end", "segment", "record")

MEANINGS: Final[dict[str, tuple[str, str]]] = {
    "sensor": ("the sensor that it counted for; null: none in particular", "センサー名(特定のセンサーに属さないものは空)"),
    "input": ("the input's name in teiten.toml", "teiten.tomlの入力の名前"),
    "stream": ("the stream of the spool", "スプールのストリーム"),
    "start": (
        "from when the input was alive (at most an hour lies in one row)",
        "入力が動いていた時間の始まり(1行は1時間以内)",
    ),
    "end": ("until when it was known to be alive", "動いていたことがわかっている最後の時刻"),
    "keeps": (
        "whether what came while it did not run was there for it afterwards (a log file)",
        "停止中に届いたものも後から読める入力か(ログファイルなど)",
    ),
    "heartbeat": ("seconds after which it says at the latest that it is alive", "動いていることを記録する間隔(秒)"),
    "received": ("lines, messages or packets that came", "届いた行・メッセージ・パケットの数"),
    "bytes": ("bytes written down", "書き留めたバイト数"),
    "refused": ("those that were refused, as too long or from an unknown sender", "長すぎる、送信元が不明などの理由で断った数"),
    "dropped_kernel": ("those that the kernel lost before they could be read", "読み出す前にカーネルで失われた数"),
    "dropped_queue": ("those for which the queue had no room", "待ち行列に入りきらずに失われた数"),
    "dropped_spool": (
        "those that were written down and went before the lake had them",
        "書き留めた後、保管庫に入る前にスプールから失われた数",
    ),
    "lost_estimated": (
        "lines lost at a rotation by copytruncate, estimated",
        "copytruncateによるローテーションで失われた行数(推定)",
    ),
    "skew": (
        "seconds by which the collector's clock was ahead of the sensor's",
        "コレクターの時計がセンサーの時計より進んでいた秒数",
    ),
}


def read(files: list[str]) -> pl.DataFrame:
    """The rows of those files, in the order of each stream."""
    if not files:
        return pl.DataFrame(schema=SCHEMA)
    found = pl.scan_parquet(files, schema=SCHEMA, missing_columns="insert", extra_columns="ignore")
    return found.sort("stream", "record", "start").collect()


def replace(table: _delta.Table, frame: pl.DataFrame) -> None:
    """The rows of each of the frame's streams from its first record in the frame on become those of the frame, in one log
    entry. OSError and its like."""
    if not frame.height:
        return
    first = frame.sort("record", "start").group_by("stream").agg(
        pl.col("record").first().alias("_record"), pl.col("start").first().alias("_start")
    )  # fmt: skip
    earlier = (pl.col("record") < pl.col("_record")) | (
        (pl.col("record") == pl.col("_record")) & (pl.col("start") < pl.col("_start"))
    )
    new = frame.select(pl.col(n).cast(t) for n, t in SCHEMA.items()).with_columns(_month().alias("_month"))
    live = table.live()
    written, gone = [], []
    held: dict[dt.date, list[pl.DataFrame]] = {}
    touched = set(new["_month"])
    for path, low in live.select("path", "min.start").iter_rows() if live.height else ():
        month = low.astimezone(dt.UTC).date().replace(day=1)
        rows = pl.read_parquet(table.path / path)
        kept = rows.join(first, "stream", how="left").filter(earlier.fill_null(value=True))
        if kept.height < rows.height or month in touched:
            gone.append(path)
            held.setdefault(month, []).append(kept.drop("_record", "_start"))
    for month in sorted({*held, *touched}):
        rows = pl.concat([*held.get(month, []), new.filter(pl.col("_month") == month).drop("_month")], how="diagonal")
        if rows.height:
            name = f"{month:%Y-%m}-{uuid.uuid4()}.parquet"
            written.append(_delta.write_parquet(rows.sort("stream", "record", "start"), table.path, name, ("start",)))
    table.commit(written, gone)
    table.sweep(gone)


def _month() -> pl.Expr:
    return pl.col("start").dt.date().dt.month_start()
