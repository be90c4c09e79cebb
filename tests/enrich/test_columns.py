"""Country and AS by columns are those by the frame, whatever the addresses, days and data sets."""

from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teiten import frame
from teiten.enrich import _table, columns, datasets, enrich
from teiten.readers import _frames

FIRST, SECOND = dt.date(2026, 4, 1), dt.date(2026, 4, 3)
V4 = [
    "20.0.0.0",
    "20.0.255.255",
    "20.1.0.0",
    "20.1.0.1",
    "50.0.0.7",
    "255.255.255.255",
    "0.0.0.0",
    "10.0.0.1",
    "19.255.255.255",
]
V6 = ["2400::1", "2400:1::", "2600::ffff", "2001:db8::1", "::1"]


def number(text: str) -> int:
    return int.from_bytes(socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text))


def tables(kind: str, shift: int) -> tuple[_table.Table, _table.Table]:
    code = (lambda text: ord(text[0]) << 8 | ord(text[1])) if kind == "country" else int
    one, two, only_six = (code(t) for t in (("JP", "US", "DE") if kind == "country" else ("64496", "4200000000", "65550")))
    v4 = [
        (number("20.0.0.0"), number("20.0.255.255"), one),
        (number("20.1.0.0") + shift, number("20.1.0.9"), two),
        (number("50.0.0.0"), number("50.255.255.255"), two if shift else one),
    ]
    v6 = [(number("2400::"), number("2400::ffff"), one), (number("2600::"), number("2600::ffff"), only_six)]
    return _table.build(4, v4), _table.build(6, v6)


@pytest.fixture(scope="module", autouse=True)
def two_of_each(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two days' data of each kind, the first without the names that the second has."""
    folder = tmp_path_factory.mktemp("geo")
    for kind in datasets.KINDS:
        for date in (FIRST, SECOND):
            later = date == SECOND
            named = {64496: "One", 4200000000: "二"} if later else {64496: "One"}
            if kind == "country":
                named = {ord(t[0]) << 8 | ord(t[1]): t for t in ("JP", "US", "DE")}
            datasets.write(
                folder, kind=kind, name="made", date=date, licence=None, source="test", links=[("made", None)],
                tables=tables(kind, int(later)), names=named,
            )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "package_folder", lambda: folder)
        patch.setattr(datasets, "user_folder", lambda: folder / "none")
        datasets.forget()
        yield
    datasets.forget()


def events(addresses: list[str], days: list[int]) -> pl.DataFrame:
    n = len(addresses)
    packed = [socket.inet_pton(socket.AF_INET6 if ":" in a else socket.AF_INET, a) for a in addresses]
    times = [dt.datetime(2026, 4, 1, 23, 59, tzinfo=dt.UTC) + dt.timedelta(days=d - 1) for d in days]
    given = {"time": times, "src_ip": packed, "dst_ip": [b"\x0a\0\0\1"] * n, "sensor": ["home"] * n}
    whole = {name: given.get(name, [None] * n) for name in frame.DECODED_SCHEMA}
    return pl.DataFrame(whole, schema=frame.DECODED_SCHEMA)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(V4) | st.sampled_from([*V4, *V6]), st.sampled_from([0, 1, 2, 3, 9])), min_size=1))
def test_as_the_frame(rows: list[tuple[str, int]]) -> None:
    given = events([a for a, _ in rows], [d for _, d in rows])
    seen: set[str] = set()
    made = columns.Enriched(_frames.FrameRows(given), seen)
    want = enrich(given)
    for name in columns.ADDED:
        plain = made.column(name)
        got = _frames._series(frame.event.BY_NAME[name], plain, len(rows))
        assert got.to_list() == want[name].to_list(), name
    assert seen == set(want["geo_db"].drop_nulls())
    assert made.frame().equals(want)


def test_nothing_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "package_folder", lambda: tmp_path)
    datasets.forget()
    try:
        made = columns.located(_frames.FrameRows(events(["20.0.0.0", "2400::1"], [1, 9])))
        assert all(plain.kind == "constant" and plain.value is None for plain in made.values())
    finally:
        monkeypatch.undo()
        datasets.forget()


def test_every_boundary_of_the_package_s_own_data() -> None:
    """Against numpy's search: on the boundaries of the stretches and of the /16s, and beside them."""
    rng = np.random.default_rng(1)
    for data in [d for d in datasets.catalogue() if d.own is False]:
        starts = data.v4.starts.astype(np.int64)
        near = np.concatenate([starts, starts - 1, (starts >> 16) << 16, rng.integers(0, 1 << 32, 2000)])
        near = near[(near >= 0) & (near < 1 << 32)][:60_000]
        look = columns._lookup(data)
        places = columns._v4(look, near)
        codes = data.v4.look_up(near.astype(np.uint32)).astype(np.int64)
        assert np.array_equal(np.where(places < 0, 0, look.codes[places]), codes)
