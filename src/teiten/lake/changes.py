"""What changed, in the lake: the counts that detection looks at, its detections, and stories. Tables of days (`_daily`).

    cells        an hour x sensor x port x country x AS of a day: packets, hosts. Where a day has very many, the rarest are put
                 together, once by each of port, country, AS and sensor (column `part`), so that no count is lost
    detections   what one day shows, in the order in which it is told
    stories      detections followed from day to day: a row for each day on which one stands

All of it can be made again: cells from events, as long as these are kept (`teiten.rollup.cells`), the others from cells
(`teiten.detect.kept`). The basis of a day says from what it was made.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from teiten.lake import _daily

_TIME: Final = pl.Datetime("us", "UTC")
_TEXT, _INT, _REAL = pl.String(), pl.Int64(), pl.Float64()

_ABOUT: Final[dict[str, pl.DataType]] = {
    "ports": _TEXT,
    "country": _TEXT,
    "asn": _INT,
    "sensor": _TEXT,
    "sensor_group": _TEXT,
}
TABLES: Final[dict[str, dict[str, pl.DataType]]] = {
    "cells": {
        "part": pl.Int16(),
        "time": _TIME,
        "sensor": _TEXT,
        "protocol": pl.Int16(),
        "dst_port": pl.Int32(),
        "country": _TEXT,
        "asn": _INT,
        "scanner": pl.Boolean(),
        "packets": _INT,
        "hosts": _INT,
    },
    "detections": {
        "place": _INT,
        "id": _TEXT,
        "kind": _TEXT,
        **_ABOUT,
        "start": _TIME,
        "end": _TIME,
        "peak": _TIME,
        "packets": _REAL,
        "hosts": _REAL,
        "usual": _REAL,
        "times": _REAL,
        "measure": _TEXT,
        "score": _REAL,
        "confidence": _TEXT,
        "sources": _TEXT,
        "parts": _TEXT,
        "reason": _TEXT,
    },
    "stories": {
        "place": _INT,
        "id": _TEXT,
        "kind": _TEXT,
        **_ABOUT,
        "state": _TEXT,
        "first": _TIME,
        "last": _TIME,
        "detections": _TEXT,
        "times": _REAL,
        "peak": _REAL,
        "peak_day": pl.Date(),
        "rank": _INT,
        "rank_before": _INT,
        "days": _INT,
        "seen": pl.Date(),
        "again": _INT,
        "verdict": _TEXT,
        "because": _TEXT,
    },
}
"""table -> columns, without those that every table of days has"""
ORDER: Final[dict[str, tuple[str, ...]]] = {
    "cells": ("part", "protocol", "dst_port", "country", "asn", "sensor", "time"),
    "detections": ("place",),
    "stories": ("place",),
}
REQUIRED: Final = ("day", "zone", "made", "last_batch")
SHOWN: Final = ("detections", "stories")
"""tables that are views of `teiten sql`"""
WHOLE: Final = 0
"""`part` of a cell that stands for itself"""
PARTS: Final[dict[int, tuple[str, ...]]] = {
    1: ("time", "protocol", "dst_port", "scanner"),
    2: ("time", "country", "scanner"),
    3: ("time", "asn", "scanner"),
    4: ("time", "sensor", "scanner"),
}
"""`part` of rows in which the rarest cells are put together -> the columns that they are told by; each part has all of them"""
OTHERS: Final = -1
"""`dst_port` or `asn` of a part's row that stands for all whose counts are too small for a row of their own"""

_SAME: Final[dict[str, tuple[str, str]]] = {
    "day": ("the day, in `zone`", "対象日"),
    "zone": ("zone of the day", "対象日のタイムゾーン"),
    "place": ("its place on that day: 0 is told first", "その日の中での順番(0が先頭)"),
    "ports": (
        "ports that it is about, as `25/6,465/6` (port and number of the protocol; `/1`: one without ports)",
        "対象のポート(ポート番号/プロトコル番号、コンマ区切り。ポートのないものは /1 など)",
    ),
    "country": ("country that it is about; empty: those of which none is known", "対象の国・地域(空は不明)"),
    "asn": ("AS that it is about; 0: those of which none is known", "対象のAS番号(0は不明)"),
    "sensor": ("sensor that it is about", "対象のセンサー"),
    "sensor_group": ("group of sensors that it is about", "対象のセンサーのグループ"),
    "made": ("when it was made", "作成した時刻"),
    "last_batch": ("last batch of the lake that it is made from", "作成に使った最後のバッチ"),
}
MEANINGS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "detections": {
        **_SAME,
        "id": ("id: the same for the same change, however often the day is made", "ID(同じ変化なら何度作り直しても同じ)"),
        "kind": ("kind of change", "変化の種類"),
        "start": ("first hour", "始まりの時刻"),
        "end": ("first hour after it; null: it goes on", "終わりの時刻(nullは継続中)"),
        "peak": ("hour with most", "最も多かった時間帯"),
        "packets": ("packets from start to end, on that day", "その間のパケット数(その日の分)"),
        "hosts": ("hosts", "ホスト数"),
        "usual": ("packets that the baseline expects in that time; null: there is no baseline", "普段ならその間に届く数"),
        "times": ("how many times the usual; null where that is next to nothing", "普段の何倍か"),
        "measure": ("packets or hosts: in which of them it stands out", "どちらで目立つか(packets、hosts)"),
        "score": ("-log10 of the chance that a quiet day shows one so large", "何もない日に偶然起きる確率の-log10"),
        "confidence": ("sure, likely or possible", "確からしさ(sure、likely、possible)"),
        "sources": ("few or many", "送信元が少数か多数か(few、many)"),
        "parts": ("who carries it (JSON)", "内訳(JSON)"),
        "reason": ("series, baseline, threshold (JSON); `teiten explain` shows it", "判断の根拠(JSON)"),
    },
    "stories": {
        **_SAME,
        "id": ("id: that of its first detection", "ID(最初の検知のもの)"),
        "kind": ("kind of the detection that says most of it", "変化の種類"),
        "state": (
            "on that day: new, growing, high, falling, ended, once, resting",
            "その日の状態(new、growing、high、falling、ended、once、resting)",
        ),
        "first": ("when it began", "始まりの時刻"),
        "last": ("first hour after it; null: it goes on", "終わりの時刻(nullは継続中)"),
        "detections": ("ids of that day's detections (JSON)", "その日の検知のID(JSON)"),
        "times": ("how many times the usual on that day", "その日は普段の何倍か"),
        "peak": ("the most times the usual on any day", "最大で普段の何倍か"),
        "peak_day": ("the day of that", "最大だった日"),
        "rank": ("rank over three days", "3日間の順位"),
        "rank_before": ("the same a day before", "前日の順位"),
        "days": ("days on which it was told", "これまでの日数"),
        "seen": ("the last day with a detection of it", "最後に検知のあった日"),
        "again": ("how many times it came back", "再発の回数"),
        "verdict": ("false or explained, by an analyst", "分析者の判断(false、explained)"),
        "because": ("in which words", "その理由"),
    },
}


def shown(name: str) -> tuple[str, ...]:
    """The columns of a table's view, in order."""
    return ("day", *TABLES[name], "zone", "made", "last_batch")


def schema(name: str) -> dict[str, pl.DataType]:
    """All columns of that table."""
    return {**_daily.STAMPS, **TABLES[name]}
