"""Enriched frames against one lookup after another, over both families, data sets and days."""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
from bisect import bisect_right
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teiten import frame as frames
from teiten.enrich import datasets, enrich
from teiten.enrich.geo import lookup

from .test_datasets import made  # type: ignore[import-not-found]


def events(*rows: tuple[str, str]) -> pl.DataFrame:
    """(time, source) -> events that hold nothing else."""
    n = len(rows)
    columns = {name: [None] * n for name in frames.DECODED_SCHEMA}
    columns["time"] = [dt.datetime.fromisoformat(t).replace(tzinfo=dt.UTC) for t, _ in rows]
    columns["src_ip"] = [ipaddress.ip_address(a).packed for _, a in rows]
    return pl.DataFrame(columns, schema=frames.DECODED_SCHEMA)


def test_known_addresses() -> None:
    found = enrich(events(("2026-07-01", "153.231.226.170"), ("2026-07-01", "8.8.8.8"), ("2026-07-01", "2001:200::1")))
    assert found.schema == frames.SCHEMA
    assert found["country"].to_list() == ["JP", "US", "JP"]
    assert found["asn"].to_list() == [4713, 15169, 2500]
    assert found["as_name"][1] == "Google LLC"
    country, asn = (datasets.of_kind(k)[0] for k in ("country", "asn"))
    assert found["geo_db"].unique().to_list() == [f"{country.id}+{asn.id}"]


NOBODYS = (
    "10.1.2.3",
    "192.168.0.1",
    "203.0.113.7",
    "224.0.0.1",
    "255.255.255.255",
    "0.0.0.0",
    "::1",
    "fe80::1",
    "2001:db8::1",
    "ff02::1",
)


@pytest.mark.parametrize("address", [*NOBODYS, "::ffff:8.8.8.8"])
def test_addresses_of_nobody_are_null_but_say_which_data_did_not_know(address: str) -> None:
    found = enrich(events(("2026-07-01", address)))
    assert found.select("country", "asn", "as_name").row(0) == (None, None, None)
    assert found["geo_db"][0]


def test_no_events() -> None:
    found = enrich(frames_empty := pl.DataFrame(schema=frames.DECODED_SCHEMA))
    assert found.schema == frames.SCHEMA
    assert len(found) == len(frames_empty) == 0


@functools.cache
def plain(folder: Path, family: int) -> tuple[list[int], list[int], dict[int, str]]:
    """A data set as Python's own numbers: boundaries, codes, names."""
    data = next(d for d in datasets.catalogue() if d.folder == folder)
    table = data.table(family)
    starts = table.starts.tolist()
    known, texts = data._names
    numbers = starts if family == 4 else [int.from_bytes(s.ljust(16, b"\0"), "big") for s in starts]
    return numbers, table.codes.tolist(), dict(zip(known.tolist(), texts.to_list(), strict=True))


def brute(data: datasets.DataSet, address: bytes) -> tuple[int, str | None]:
    """The same by Python's own bisection."""
    starts, codes, names = plain(data.folder, 4 if len(address) == 4 else 6)
    code = codes[bisect_right(starts, int.from_bytes(address, "big")) - 1]
    return code, names.get(code)


ADDRESSES = st.lists(
    st.one_of(
        st.integers(0, (1 << 32) - 1).map(lambda n: n.to_bytes(4, "big")),
        st.integers(0x2001 << 112, 0x2C10 << 112).map(lambda n: n.to_bytes(16, "big")),
        st.integers(0, (1 << 128) - 1).map(lambda n: n.to_bytes(16, "big")),
        # boundaries of the data themselves, and the addresses beside them
        st.tuples(st.integers(0, 350_000), st.sampled_from([-1, 0, 1])).map(lambda p: boundary(4, *p)),
        st.tuples(st.integers(0, 340_000), st.sampled_from([-1, 0, 1])).map(lambda p: boundary(6, *p)),
    ),
    min_size=1,
    max_size=60,
)


def boundary(family: int, at: int, beside: int) -> bytes:
    data = next(d for d in datasets.of_kind("country") if not d.own)
    start = data.table(family).starts[at]
    number = int(start) if family == 4 else int.from_bytes(bytes(start).ljust(16, b"\0"), "big")
    return max(0, number + beside).to_bytes(4 if family == 4 else 16, "big")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(ADDRESSES)
def test_a_frame_is_enriched_as_one_address_after_another(addresses: list[bytes]) -> None:
    frame = events(*[("2026-07-01", str(ipaddress.ip_address(a))) for a in addresses])
    found = enrich(frame)
    country, asn = (next(d for d in datasets.of_kind(k) if not d.own) for k in ("country", "asn"))
    for address, row in zip(addresses, found.select("src_ip", "country", "asn", "as_name").iter_rows(), strict=True):
        number, name = brute(asn, address)
        assert row == (address, brute(country, address)[1], number or None, name)
        assert lookup(address, country)[1] == row[1]
        assert lookup(address, asn) == (row[2] or 0, row[3])


def test_an_event_takes_the_data_of_its_own_day(own_folder: Path) -> None:
    made(own_folder, "old", "2019-01-01", "FR")
    made(own_folder, "new", "2019-03-01", "DE")
    made(own_folder, "routes", "2019-02-01", "64500", "asn")
    package = datasets.of_kind("country")[-1]
    asn = datasets.of_kind("asn")[-1]
    found = enrich(
        events(
            ("2019-03-01T00:00", "8.8.8.8"),
            ("2018-12-31T23:59", "8.8.8.8"),
            ("2019-02-28T23:59:59", "2a00::8"),
            ("2019-02-28T23:59:59", "9.9.9.9"),
            (f"{package.date}T00:00", "8.8.8.8"),
            (f"{asn.date}T00:00", "8.8.8.8"),
        )
    )
    assert found["country"].to_list() == ["DE", "FR", "FR", None, "US", "US"]
    assert found["asn"].to_list() == [64500, 64500, 64500, None, 64500, 15169]
    assert found["geo_db"].to_list() == [
        "new-2019-03-01+routes-2019-02-01",
        "old-2019-01-01+routes-2019-02-01",
        "old-2019-01-01+routes-2019-02-01",
        "old-2019-01-01+routes-2019-02-01",
        f"{package.id}+routes-2019-02-01",
        f"{package.id}+{asn.id}",
    ]


def test_without_any_data_nothing_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(datasets, "package_folder", lambda: tmp_path / "none")
    datasets.forget()
    found = enrich(events(("2026-07-01", "8.8.8.8"), ("2026-07-01", "2a00::1")))
    assert found.select("country", "asn", "as_name", "geo_db").rows() == [(None, None, None, None)] * 2


def test_a_source_that_comes_back_gets_the_same_answer() -> None:
    some = events(*[("2026-07-01", f"{1 + i % 220}.{i % 251}.3.{i % 256}") for i in range(2_000)])
    many = pl.concat([some] * 250)
    enrich(some)  # loads the data
    found = enrich(many)
    assert found["country"][:2000].equals(found["country"][-2000:])
