"""Verdicts in the lake: what sources are taken for, day by day, put in place of the days' earlier ones at once.

A file holds the verdicts of a month of one zone; a month with many is cut into several, at the edges of days. So judging
a day again rewrites one file, and the number of files grows with the months and not with how often they are judged.
Where a day has very many (a flood of forged sources: a million), its rows lie in several files, each with some `ROWS`.
A row without an address and a label says that its day was judged, by which lists and thresholds, whatever was found.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

import polars as pl

from teiten.lake import _daily, _delta

_TIME: Final = pl.Datetime("us", "UTC")
SCHEMA: Final[dict[str, pl.DataType]] = {
    "src_ip": pl.Binary(),
    "prefix_len": pl.Int16(),
    "day": pl.Date(),
    "zone": pl.String(),
    "scope": pl.String(),
    "label": pl.String(),
    "value": pl.String(),
    "rule": pl.String(),
    "list": pl.String(),
    "list_version": pl.String(),
    "confidence": pl.Float64(),
    "evidence": pl.String(),
    "made": _TIME,
    "last_batch": pl.Int64(),
    "basis": pl.String(),
}
REQUIRED: Final = ("day", "zone", "made", "last_batch")
GIVEN: Final = tuple(name for name in SCHEMA if name not in ("zone", "made", "last_batch", "basis"))
"""the columns of what `Lake.replace_verdicts` takes; the others it fills in"""
STATE: Final[dict[str, pl.DataType]] = {name: SCHEMA[name] for name in ("day", "zone", "last_batch", "basis", "made")}

MEANINGS: Final[dict[str, tuple[str, str]]] = {
    "src_ip": ("source, or first address of the prefix", "送信元アドレス(プレフィックスの先頭)"),
    "prefix_len": ("length of the prefix; 32 or 128 for one source", "プレフィックス長(1台なら32か128)"),
    "day": ("the day that is judged, in `zone`", "判定の対象日"),
    "zone": ("zone of the day", "対象日のタイムゾーン"),
    "scope": ("a sensor, or 'all'", "センサー名、または all"),
    "label": ("what it is taken for", "判定"),
    "value": ("organisation or tool", "組織・ツールの名前"),
    "rule": ("id of the rule; 'correction' for an analyst's", "判定規則のID(人による訂正は correction)"),
    "list": ("watchlist that it rests on", "根拠の監視リスト"),
    "list_version": ("version of that list", "リストの版"),
    "confidence": ("how sure, 0 to 1", "確からしさ(0〜1)"),
    "evidence": ("counts that it rests on (JSON)", "根拠となる数(JSON)"),
    "made": ("when it was made", "判定した時刻"),
    "last_batch": ("last batch of the lake that it is made from", "判定に使った最後のバッチ"),
}


def checked(days: Iterable[dt.date], frame: pl.DataFrame) -> pl.DataFrame:
    """The frame's given columns in their types. ValueError for what cannot be a verdict on one of the days."""
    if missing := set(GIVEN) - set(frame.columns):
        raise ValueError(f"verdicts without {', '.join(sorted(missing))}")
    rows = frame.select(pl.col(name).cast(SCHEMA[name]) for name in GIVEN)
    bits = pl.col("src_ip").bin.size() * 8
    wrong = {
        "a day that is not replaced": ~pl.col("day").is_in(list(days)),
        "no label, rule or scope": pl.any_horizontal(pl.col("label", "rule", "scope").is_null()),
        "an address of neither 4 nor 16 bytes": ~bits.is_in([32, 128]),
        "a prefix longer than its address": (pl.col("prefix_len") < 0) | (pl.col("prefix_len") > bits),
        "a confidence outside 0 to 1": ~pl.col("confidence").is_between(0, 1),
    }
    for what, condition in wrong.items():
        bad = rows.filter(condition.fill_null(True))
        if bad.height:
            raise ValueError(f"{bad.height} verdicts have {what}, such as {bad.row(0, named=True)}")
    return rows


def replace(
    table: _delta.Table,
    days: Iterable[dt.date],
    zone: str,
    frames: pl.DataFrame | Iterable[pl.DataFrame],
    *,
    last_batch: int,
    basis: str,
) -> None:
    """The days' verdicts become those of the frames, in one log entry. ValueError as in `checked`, OSError and its like.

    Of many rows some `ROWS` are held at a time: files are written as the frames come, and count when all are there.
    """
    given = [frames] if isinstance(frames, pl.DataFrame) else frames
    wanted = sorted(set(days))
    # of what a file of verdicts holds the log says no bounds of addresses
    _daily.replace(
        table,
        wanted,
        zone,
        (checked(wanted, frame) for frame in given),
        schema=SCHEMA,
        order=("day", "src_ip"),
        last_batch=last_batch,
        basis=basis,
    )
