"""What is kept of every committed batch: where its lines came from, what became of them, and their hashes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

_TIME: Final = pl.Datetime("us", "UTC")

SCHEMA: Final[dict[str, pl.DataType]] = {
    "batch": pl.Int64(),
    "source_id": pl.Int64(),
    "source": pl.String(),
    "path": pl.String(),
    "sensor": pl.String(),
    "format": pl.String(),
    "start": pl.Int64(),
    "end": pl.Int64(),
    "sha256": pl.String(),
    "first_line": pl.String(),
    "lines": pl.Int64(),
    "made_events": pl.Int64(),
    "events": pl.Int64(),
    "had_already": pl.Int64(),
    "rejected": pl.String(),
    "ignored": pl.String(),
    "samples": pl.String(),
    "t_min": _TIME,
    "t_max": _TIME,
    "new_lines": pl.Int64(),
    "line_hashes": pl.Binary(),
    "hashed": pl.Int64(),
    "tail": pl.Binary(),
    "tail_made": pl.Boolean(),
    "reached": pl.String(),
    "notes": pl.String(),
    "geo_db": pl.String(),
    "program": pl.String(),
    "committed": _TIME,
    "forgotten": pl.Int64(),
    "activity": pl.Binary(),
}

MEANINGS: Final[dict[str, tuple[str, str]]] = {
    "batch": ("number of the batch, counted through the lake's life", "バッチ番号"),
    "source_id": ("the input that it came from", "入力元の番号"),
    "source": ("the input's name as it was given", "入力元の名前"),
    "path": ("where the input lay", "入力元のパス"),
    "sensor": ("the sensor's name", "センサー名"),
    "format": ("the reader that read it", "読み取り形式"),
    "start": ("first byte of the batch in the uncompressed input", "開始バイト位置"),
    "end": ("byte after the batch in the uncompressed input", "終了バイト位置"),
    "sha256": ("SHA-256 of the uncompressed input from byte 0 to `end`", "先頭から end までのSHA-256"),
    "first_line": ("hash of the input's first line", "先頭行のハッシュ"),
    "lines": ("lines read", "読んだ行数"),
    "made_events": ("lines that made events", "イベントになった行数"),
    "events": ("events stored", "保存したイベント数"),
    "had_already": ("lines that the lake had already", "保存済みだった行数"),
    "rejected": ("lines rejected, by reason (JSON)", "読めなかった行数(理由別、JSON)"),
    "ignored": ("lines ignored, by kind (JSON)", "対象外の行数(種類別、JSON)"),
    "samples": ("a few rejected lines of each reason (JSON)", "読めなかった行の例(JSON)"),
    "t_min": ("time of the batch's first event", "最初のイベントの時刻"),
    "t_max": ("time of the batch's last event", "最後のイベントの時刻"),
    "new_lines": ("lines of the batch that were new", "新しい行数"),
    "line_hashes": ("keyed hashes of new lines, 8 bytes each, and places of those in `hashed`", "新しい行のハッシュ"),
    "hashed": ("new records that are told by their hash; the others are by their events (null: all)", "ハッシュを持つ行数"),
    "tail": ("the last line where it had no line end yet", "改行のない最終行"),
    "tail_made": ("whether that line made events", "その行がイベントになったか"),
    "reached": ("how far the input came in earlier sources' lines (JSON)", "既存入力との照合位置(JSON)"),
    "notes": ("what had to be inferred (JSON)", "推定したこと(JSON)"),
    "geo_db": ("which data answered country and AS (JSON)", "国・ASの判定に使ったデータ(JSON)"),
    "program": ("version of the program", "プログラムの版"),
    "committed": ("when the batch was stored", "保存した時刻"),
    "forgotten": ("events of the batch that teiten forget took out later", "teiten forget で消したイベント数"),
    "activity": ("events, packets, first and last time of each hour", "1時間ごとのイベント数・パケット数・最初と最後の時刻"),
}


def pack(hashes: npt.NDArray[np.uint64], places: npt.NDArray[np.int64]) -> bytes:
    """`line_hashes` of some records: their hashes, then their places in the input, in bytes from the batch's `start`.

    A batch is hardly ever as long as 4 GiB (of blocks that hold no packets): what lies beyond is said to lie there.
    """
    return hashes.astype("<u8").tobytes() + np.minimum(places, 0xFFFFFFFF).astype("<u4").tobytes()


def unpack(data: bytes, number: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Hashes and places of so many (`hashed`) records."""
    hashes, places = np.frombuffer(data, "<u8", number), np.frombuffer(data, "<u4", number, 8 * number)
    return hashes.astype(np.uint64, copy=False), places.astype(np.int64)


def packed_with(data: bytes, number: int, hashes: npt.NDArray[np.uint64], places: npt.NDArray[np.int64]) -> tuple[bytes, int]:
    """`line_hashes` and `hashed` with more records (places from the batch's `start`), in order; what is there stays."""
    had, at = unpack(data, number)
    whole, first = np.unique(np.concatenate([at, places]), return_index=True)
    return pack(np.concatenate([had, hashes])[first], whole), len(whole)


@dataclass(slots=True)
class Batch:
    """One batch, before it has a number. `sha256` covers the uncompressed input's bytes [0, end)."""

    source_id: int
    source: str
    path: str | None
    sensor: str
    format: str
    start: int
    end: int
    sha256: str
    first_line: str
    lines: int = 0
    made_events: int = 0
    events: int = 0
    had_already: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)
    samples: Mapping[str, list[str]] = field(default_factory=dict)
    t_min: dt.datetime | None = None
    t_max: dt.datetime | None = None
    line_hashes: bytes = b""
    """of every new line; where `hashed` is a number, of so many of them, and then the places of these: `pack`"""
    hashed: int | None = None
    tail: bytes = b""
    tail_made: bool = False
    reached: Mapping[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    geo_db: list[str] = field(default_factory=list)
    activity: bytes | None = None
    """as `activity.packed` makes it; None: the writer makes it from the events, where it has them as a frame"""

    @property
    def new_lines(self) -> int:
        """Lines that the lake had not."""
        return len(self.line_hashes) // 8 if self.hashed is None else self.lines - self.had_already

    def row(self, number: int, program: str) -> pl.DataFrame:
        """The batch as one row of the table `batches`."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        for name in ("rejected", "ignored", "samples", "reached"):
            values[name] = json.dumps(dict(values[name]), ensure_ascii=False, sort_keys=True)
        for name in ("notes", "geo_db"):
            values[name] = json.dumps(values[name], ensure_ascii=False)
        values |= {
            "batch": number,
            "new_lines": self.new_lines,
            "program": program,
            "committed": dt.datetime.now(dt.UTC),
            "forgotten": 0,
        }
        return pl.DataFrame({name: [values[name]] for name in SCHEMA}, schema=SCHEMA)
