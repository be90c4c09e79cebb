"""Columns put together: whatever the values are, the file says the same rows in the new order, to polars and to DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten import event, frame
from teiten.lake import Made
from teiten.readers import _bloom, _jit, _kept, _tight

RANGES = {"int16": 1 << 15, "int32": 1 << 31, "int64": 1 << 62, "time": 1 << 56}
STYLES = ("none", "one", "few", "many", "wide", "rising", "runs")
quick = settings(deadline=None, max_examples=4 if _jit.PLAIN else 15)


class Given:
    """Rows that a test makes (`_kept.Columns`)."""

    def __init__(self, rows: pl.DataFrame, order: npt.NDArray[np.int64]) -> None:
        self.rows, self.order = rows, order

    def series(self) -> Iterator[pl.Series]:
        yield from self.rows.iter_columns()


def column(of: event.Column, rows: int, style: str, nulls: bool, rng: np.random.Generator) -> pl.Series:
    """Values of one kind, spread in one of `STYLES`."""
    dtype = frame.SCHEMA[of.name]
    if style == "none" and not of.required:
        return pl.Series(of.name, [None] * rows, dtype=dtype)
    spread = {"none": 1, "one": 1, "few": 5, "many": 1 << 16, "wide": RANGES.get(of.kind, 1 << 32)}.get(style, 1 << 20)
    numbers = rng.integers(0, min(spread, RANGES.get(of.kind, 1 << 32)), rows)
    if style == "rising":
        numbers = np.sort(numbers)
    if style == "runs":
        numbers = numbers[np.sort(rng.integers(0, max(1, rows // 20), rows))]
    if of.kind == "time" and of.required:
        numbers = numbers - (1 << 30)
    made = pl.Series(of.name, _values(of, numbers, rng), dtype=dtype, strict=False)
    if nulls and not of.required:
        made = made.to_frame().select(pl.when(pl.Series(rng.random(rows) > 0.3)).then(pl.col(of.name))).to_series()
    return made


def _values(of: event.Column, numbers: npt.NDArray[np.int64], rng: np.random.Generator) -> Any:
    if of.kind == "bool":
        return (numbers % 2 == 1).tolist()
    if of.kind in ("text", "bytes"):
        texts = [f"観測 {n}" for n in numbers.tolist()]
        return texts if of.kind == "text" else [text.encode() for text in texts]
    if of.kind == "address":
        six = rng.random() < 0.3
        return [n.to_bytes(16 if six and n % 3 == 0 else 4, "big") for n in (numbers % (1 << 32)).tolist()]
    return numbers


@st.composite
def frames(draw: st.DrawFn) -> Given:
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    rows = draw(st.sampled_from([1, 2, 31, 300, 1200]))
    made = [column(c, rows, draw(st.sampled_from(STYLES)), draw(st.booleans()), rng) for c in event.COLUMNS]
    return Given(pl.DataFrame(made), rng.permutation(rows).astype(np.int64))


def written(made: Made, folder: Path) -> Path:
    path = folder / "kept.parquet"
    path.write_bytes(b"".join(bytes(piece) for piece in made.data))
    return path


@quick
@given(frames(), st.sampled_from([100, 1000, 122_880]))
def test_the_same_rows_in_the_new_order(tmp_path_factory: Any, rows: Given, group: int) -> None:
    made = _kept.pack(rows, group)
    path, expected = written(made, tmp_path_factory.mktemp("kept")), rows.rows[rows.order]
    assert pl.read_parquet(path).equals(expected)
    assert made.rows == expected.height
    assert made.nulls == expected.null_count().row(0, named=True)
    assert made.low["time"] == expected["time"].min() and made.high["time"] == expected["time"].max()
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SET TimeZone = 'UTC'")
        said = con.execute(
            f"SELECT * REPLACE (epoch_us(time) AS time, epoch_us(time_end) AS time_end) FROM '{path}'"
        ).fetchall()
    times = [pl.col(name).to_physical() for name in ("time", "time_end")]
    assert said == expected.with_columns(times).rows()


@quick
@given(frames(), st.integers(0, 1199))
def test_a_source_is_found_by_bounds_and_filter(tmp_path_factory: Any, rows: Given, place: int) -> None:
    path = written(_kept.pack(rows, 100), tmp_path_factory.mktemp("kept"))
    asked = rows.rows["src_ip"][place % rows.rows.height]
    sources = rows.rows["src_ip"].to_list()
    with duckdb.connect(config={"threads": 1}) as con:
        for what in (asked, bytes(b ^ 0x5A for b in asked)):
            found = con.execute(f"SELECT count(*) FROM '{path}' WHERE src_ip = unhex('{what.hex()}')").fetchone()
            least = con.execute(f"SELECT count(*) FROM '{path}' WHERE src_ip <= unhex('{what.hex()}')").fetchone()
            assert found == (sources.count(what),)
            assert least == (sum(source <= what for source in sources),)


def test_each_column_in_the_way_that_suits_it(tmp_path: Path) -> None:
    """Random numbers in planes of bytes, steps as differences, what repeats in a dictionary: hardly more than they say."""
    n = 40_000
    rng = np.random.default_rng(1)
    required = {c.name: column(c, n, "one", False, rng) for c in event.COLUMNS if c.required}
    hard = {
        "time": pl.Series(rng.integers(0, 86_400_000_000, n)),
        "source_pos": pl.Series(np.arange(n) * 76 + 24),
        "ip_id": pl.Series(rng.integers(0, 1 << 16, n)),
        "dst_ip": pl.Series([int(x).to_bytes(4, "big") for x in rng.integers(0, 256, n)]),
        "as_name": pl.Series([f"AS name {x}" for x in rng.integers(0, 64, n)]),
    }
    whole = {**{c.name: column(c, n, "none", False, rng) for c in event.COLUMNS}, **required, **hard}
    rows = pl.DataFrame({name: whole[name] for name in frame.SCHEMA}).cast(frame.SCHEMA)  # type: ignore[arg-type]
    made = _kept.pack(Given(rows, np.arange(n)))
    assert pl.read_parquet(written(made, tmp_path)).equals(rows)
    bits = 36.4 + 0.5 + 16 + 8 + 6
    assert sum(map(len, made.data)) < 1.03 * n * bits / 8 + 10_000
    with duckdb.connect() as con:
        ways = dict(
            con.execute(f"SELECT path_in_schema, encodings FROM parquet_metadata('{tmp_path}/kept.parquet')").fetchall()
        )
    assert "BYTE_STREAM_SPLIT" in ways["time"] and "BYTE_STREAM_SPLIT" in ways["ip_id"]
    assert "DELTA_BINARY_PACKED" in ways["source_pos"]
    assert "RLE_DICTIONARY" in ways["as_name"]


def test_hash_of_an_address() -> None:
    """XXH64, as its reference says of "abcd" (github.com/Cyan4973/xxHash)."""
    assert int(_bloom.hashes(np.array([int.from_bytes(b"abcd", "big")]))[0]) == 0xDE0327B0D25D92CC


def test_what_is_tried_comes_from_all_over() -> None:
    whole = np.arange(100_000)
    tried = _tight._tried([whole[:30_000], whole[30_000:30_001], whole[30_001:]], None)
    assert len(tried) == 4 * 4096 and tried[0] == 0 and tried[-1] == 99_999
    assert len(np.unique(tried)) == len(tried)
    assert _tight._tried([whole[:10]], 3).tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
