"""The Parquet that is written from rows is what polars writes from the frame of them, read by polars and by DuckDB."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import ipaddress
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.readers.netfilter.test_cases import CASES

from teiten import event, frame
from teiten.readers import _encode, _frames, _input, _jit, _marks, _parquet, pick
from teiten.readers._base import Plain, ReadOptions

RANGES = {"int16": (1 << 15) - 1, "int32": (1 << 31) - 1, "int64": (1 << 53) - 1}
quick = settings(deadline=None, max_examples=20 if _jit.PLAIN else 30)


@dataclass
class Given:
    """Rows that a test makes."""

    columns: dict[str, Plain]
    height: int

    def __len__(self) -> int:
        return self.height

    def column(self, name: str) -> Plain:
        return self.columns[name]

    def frame(self) -> pl.DataFrame:
        return _frames.frame(self, event.DECODED_COLUMNS)


def written(parts: list[Any], names: list[str]) -> bytes:
    sink = io.BytesIO()
    with _parquet.Writer(sink, names) as writer:
        for part in parts:
            writer.add(part)
    return sink.getvalue()


def packed(parts: list[Any], names: list[str]) -> pl.DataFrame:
    """The same with addresses as bytes; what the writer tells of its columns is held against them."""
    sink = io.BytesIO()
    with contextlib.closing(_parquet.Workers(packed=True)) as workers:
        writer = _parquet.Writer(sink, names, workers)
        for part in parts:
            writer.add(part)
        writer.close()
    got = pl.read_parquet(sink.getvalue())
    assert writer.rows == got.height
    for name, bound in writer.bounds.items():
        assert bound.nulls == got[name].null_count()
        if bound.least is not None and got[name].dtype.is_integer():
            assert (bound.least, bound.most) == (got[name].min(), got[name].max())
        if isinstance(bound.least, bytes) and got[name].dtype == pl.String:
            assert (bound.least.decode(), bound.most.decode()) == (got[name].min(), got[name].max())  # type: ignore[union-attr]
    return got


def expected(parts: list[Any], names: list[str]) -> pl.DataFrame:
    whole = pl.concat([pl.DataFrame(schema=frame.DECODED_SCHEMA), *(part.frame() for part in parts)])
    return frame.addresses_as_text(whole).select(names).cast(
        {n: pl.String for n in names if event.BY_NAME[n].kind == "address"}
    )  # fmt: skip


def check(parts: list[Any], names: list[str], folder: Path) -> None:
    data, want = written(parts, names), expected(parts, names)
    got = pl.read_parquet(data)
    assert got.schema == want.schema
    assert got.equals(want)
    plain = pl.concat([pl.DataFrame(schema=frame.DECODED_SCHEMA), *(part.frame() for part in parts)]).select(names)
    lake = packed(parts, names)
    assert lake.schema == plain.schema and lake.equals(plain)
    ours, theirs = folder / "ours.parquet", folder / "polars.parquet"
    ours.write_bytes(data)
    want.write_parquet(theirs)
    query = "SELECT count(*) FROM (SELECT * FROM '{}' EXCEPT ALL SELECT * FROM '{}')"
    with duckdb.connect() as session:
        for one, other in ((ours, theirs), (theirs, ours)):
            assert session.execute(query.format(one, other)).fetchone() == (0,)
            told = session.execute(f"DESCRIBE SELECT * FROM '{one}'").fetchall()
            assert told == session.execute(f"DESCRIBE SELECT * FROM '{other}'").fetchall()
        # the statistics let nothing be skipped that is there
        for name in names:
            if event.BY_NAME[name].kind not in ("text", "address") and want[name].null_count() < len(want):
                value = want[name].max()
                found = session.execute(f"SELECT count(*) FROM '{ours}' WHERE \"{name}\" >= $1", [value]).fetchone()
                assert found == (want.filter(pl.col(name) == value).height,)


@st.composite
def plains(draw: st.DrawFn, column: event.Column, n: int) -> Plain:
    if column.kind == "text":
        if draw(st.booleans()):
            return Plain(
                "constant", draw(st.sampled_from(["x", "", "é"]) if column.required else st.none() | st.text(max_size=3))
            )
        texts = tuple(draw(st.lists(st.text(max_size=3), min_size=1, max_size=5, unique=True)))
        low = 0 if column.required else -1
        high = len(texts) - 1 if column.required else len(texts)
        return Plain("texts", numbers=draw(ints(n, low, high)), texts=texts)
    if column.kind == "address":
        if not column.required and draw(st.booleans()):
            return Plain("constant")
        family = [4, 6] if draw(st.booleans()) else [4]
        numbers = draw(st.lists(st.sampled_from(family if column.required else [*family, 0, -1]), min_size=n, max_size=n))
        packed = [draw(st.ip_addresses(v=4 if f == 4 else 6)).packed for f in numbers]
        halves = [(0, int.from_bytes(p)) if len(p) == 4 else struct.unpack(">qq", p) for p in packed]
        return Plain(
            "addresses", numbers=np.array(numbers, np.int64),
            high=np.array([h for h, _ in halves], np.int64), low=np.array([w for _, w in halves], np.int64),
        )  # fmt: skip
    if column.kind == "bytes":
        data = np.frombuffer(draw(st.binary(min_size=1, max_size=40)), np.uint8)
        start = draw(ints(n, -1, len(data) - 1))
        return draw(
            st.just(Plain("constant")) | st.just(Plain("bytes", numbers=start, high=(len(data) - start) // 2, data=data))
        )
    if column.kind == "bool":
        truths = st.builds(lambda numbers: Plain("numbers", numbers=numbers), ints(n, -1, 1))
        return draw(truths | st.builds(Plain, st.just("constant"), st.sampled_from([None, 0, 1])))
    if column.kind == "time":
        if not column.required:
            return Plain("constant")
        return Plain("numbers", numbers=draw(ints(n, -(1 << 50), 1 << 51)))
    if draw(st.booleans()):
        return Plain("constant", draw(st.integers(0, 9) if column.required else st.none() | st.integers(0, 9)))
    most = draw(st.sampled_from([0, 3, 300, RANGES[column.kind]]))
    return Plain("numbers", numbers=draw(ints(n, 0 if column.required else -1, most)))


def ints(n: int, low: int, high: int) -> st.SearchStrategy[Any]:
    """Some that were thought of, and many drawn from a seed."""

    def many(seed: int, few: list[int]) -> Any:
        out = np.random.default_rng(seed).integers(low, high, n, endpoint=True)
        out[: len(few)] = few[:n]
        return out

    return st.builds(many, st.integers(0, 1 << 30), st.lists(st.integers(low, high), max_size=n))


@quick
@given(st.data())
@pytest.mark.full
def test_any_rows(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    parts = []
    for _ in range(data.draw(st.integers(0, 3))):
        n = data.draw(st.sampled_from([1, 2, 7, 8, 9, 33]))
        parts.append(Given({c.name: data.draw(plains(c, n)) for c in event.DECODED_COLUMNS}, n))
    names = data.draw(st.just([c.name for c in event.DECODED_COLUMNS]) | st.just(["src_ip", "ttl"]))
    check(parts, names, tmp_path_factory.mktemp("parquet"))


@pytest.mark.parametrize("log", sorted(CASES.glob("*.log")), ids=lambda p: p.stem)
def test_the_cases(log: Path, tmp_path: Path) -> None:
    names = [c.name for c in event.DECODED_COLUMNS]
    options = ReadOptions(ZoneInfo("Asia/Tokyo"), year=2026, boot_time=dt.datetime(2026, 4, 1, tzinfo=dt.UTC))
    source = _input.of(log)
    parts = [_marks.Marked(c.made) for c in pick(source.head(), "netfilter").read(source, options) if len(c.event_line)]
    check(parts, names, tmp_path)


@pytest.mark.parametrize("distinct", [1, 2, 300, 40_000, 1 << 32])
def test_row_groups_of_many_values(distinct: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dictionaries, and where there are too many values for one; several row groups; the order kept."""
    n = 200 if _jit.PLAIN else 30_000
    monkeypatch.setattr(_parquet, "GROUP_ROWS", 2 * n)
    rng = np.random.default_rng(distinct)
    names = ["time", "src_ip", "dst_port", "tcp_seq", "interface"]
    parts = []
    for i in range(5):
        seq = rng.integers(0, distinct, n)
        parts.append(
            Given(
                {
                    **{c.name: Plain("constant", 1 if c.kind.startswith("int") else "x") for c in event.DECODED_COLUMNS},
                    **{c.name: Plain("constant") for c in event.DECODED_COLUMNS if not c.required},
                    "time": Plain("numbers", numbers=np.sort(rng.integers(0, 1 << 50, n))),
                    "src_ip": Plain("addresses", numbers=np.full(n, 4), high=np.zeros(n, np.int64), low=seq),
                    "dst_ip": Plain("addresses", numbers=np.full(n, 4), high=np.zeros(n, np.int64), low=seq),
                    "dst_port": Plain("numbers", numbers=seq % 65536),
                    "tcp_seq": Plain("numbers", numbers=np.where(rng.random(n) < 0.3, -1, seq)),
                    "interface": Plain("texts", numbers=seq % 2, texts=("ppp0", f"eth{i}")),
                },
                n,
            )
        )
    check(parts, names, tmp_path)
    groups = pl.read_parquet(written(parts, ["time"]))
    assert groups.height == 5 * n


def test_quads_are_addresses() -> None:
    texts = _encode.split(_encode._quads(np.array([0, 1, 0xFFFFFFFF, 0x7F000001], np.int64)))
    assert [str(ipaddress.IPv4Address(t.decode())) for t in texts] == ["0.0.0.0", "0.0.0.1", "255.255.255.255", "127.0.0.1"]


def test_nothing(tmp_path: Path) -> None:
    check([], ["time", "src_ip"], tmp_path)
