"""CSV, JSON and Parquet of the same rows have the same values, whatever they are, and types that a reader can use."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten.report import rows
from teiten.report.model import Data

TOKYO = ZoneInfo("Asia/Tokyo")
MOMENTS = st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2100, 1, 1)).map(lambda t: t.replace(tzinfo=TOKYO))
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "whole": st.integers(-(2**63), 2**63 - 1),
    "decimal": st.floats(allow_nan=False, allow_infinity=False),
    "text": st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
    "day": st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1)),
    "moment": MOMENTS,
    "yes": st.booleans(),
}
TYPES = {
    "whole": pl.Int64(), "decimal": pl.Float64(), "text": pl.String(), "day": pl.Date(),
    "moment": pl.Datetime("us", "Asia/Tokyo"), "yes": pl.Boolean(),
}  # fmt: skip
TABLES = st.lists(st.tuples(*(kind | st.none() for kind in KINDS.values())), min_size=1, max_size=6)


def read(kind: str, data: Data) -> Any:
    content = rows.files(data)[kind]
    if kind == "csv":
        return list(csv.reader(io.StringIO(content.decode(), newline="")))
    return json.loads(content) if kind == "json" else pl.read_parquet(content)


@given(TABLES)
@settings(max_examples=60, deadline=None)
def test_the_three_say_the_same(table: list[tuple[Any, ...]]) -> None:
    data = Data("x", tuple(KINDS), table, "")
    objects, frame, (head, *cells) = read("json", data), read("parquet", data), read("csv", data)
    assert head == list(KINDS) == frame.columns
    assert frame.height == len(objects) == len(cells) == len(table)
    for row, told, typed, texts in zip(table, objects, frame.iter_rows(named=True), cells, strict=True):
        assert list(told) == list(KINDS)
        for (name, value), text in zip(zip(KINDS, row, strict=True), texts, strict=True):
            there = told[name]
            if name in ("day", "moment") and there is not None:
                there = type(value).fromisoformat(there)
            assert there == typed[name]
            if value is None:
                assert (there, text) == (None, "")
            elif name == "decimal":
                assert there == float(text)
                assert there == pytest.approx(value, rel=1e-5, abs=1e-300)
            elif name == "text":
                assert there == value
                assert text.removeprefix("'").isprintable() or not value.isprintable()
            else:
                assert (there, text) == (value, value.isoformat() if name in ("day", "moment") else str(value))


@given(TABLES)
@settings(max_examples=20, deadline=None)
def test_types_are_what_they_should_be_and_bytes_hold_still(table: list[tuple[Any, ...]]) -> None:
    data = Data("x", tuple(KINDS), table, "")
    frame = read("parquet", data)
    for at, name in enumerate(KINDS):
        empty = all(row[at] is None for row in table)
        assert frame.schema[name] == (pl.String() if empty else TYPES[name])
    assert rows.files(data) == rows.files(data)


def test_mixtures_and_what_is_no_number() -> None:
    nan, far = float("nan"), 2**63
    data = Data("x", ("mixed", "both", "far", "hours"), [(1, 1, far, nan), (2.5, "1", 0, 0.1 + 0.2)], "")
    frame = read("parquet", data)
    assert frame.rows() == [(1.0, "1", float(far), None), (2.5, "1", 0.0, 0.3)]
    assert read("json", data) == [
        {"mixed": 1, "both": 1, "far": far, "hours": None},
        {"mixed": 2.5, "both": "1", "far": 0, "hours": 0.3},
    ]


def test_no_row_is_a_table_all_the_same() -> None:
    data = Data("x", ("port", "packets"), [], "")
    assert read("json", data) == [] and read("parquet", data).columns == ["port", "packets"]
    assert rows.csv_bytes(data) == b"port,packets\n"


def test_moments_of_several_zones_are_told_in_utc() -> None:
    here, there = dt.datetime(2026, 5, 1, 9, tzinfo=TOKYO), dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    frame = read("parquet", Data("x", ("at",), [(here,), (there,)], ""))
    assert frame.schema["at"] == pl.Datetime("us", "UTC")
    assert frame["at"].to_list() == [there, there]
