"""Frames: the schema is the columns', addresses are bytes inside and text outside."""

from __future__ import annotations

import datetime as dt
import ipaddress

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten import event, frame


def test_the_schema_is_the_columns() -> None:
    assert list(frame.SCHEMA) == list(event.NAMES)
    assert frame.SCHEMA["src_ip"] == pl.Binary()
    assert frame.SCHEMA["time"] == pl.Datetime("us", "UTC")
    assert list(frame.READ_SCHEMA) == [c.name for c in event.READ_COLUMNS]


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_an_address_is_written_as_everybody_writes_it(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    text = frame.address_text(address.packed)
    assert ipaddress.ip_address(text) == address
    if address.version == 4 or address.ipv4_mapped is None:
        assert text.lower() == text


@pytest.mark.parametrize("packed", [b"", b"abc", b"12345", bytes(15), bytes(17)])
def test_what_is_no_address(packed: bytes) -> None:
    with pytest.raises(ValueError, match="4 or 16 bytes"):
        frame.address_text(packed)


def test_addresses_as_text_keeps_rows_nulls_and_the_rest() -> None:
    schema = {"time": frame.SCHEMA["time"], "src_ip": pl.Binary(), "dst_ip": pl.Binary(), "inner_src_ip": pl.Binary()}
    when = dt.datetime(2019, 10, 22, tzinfo=dt.UTC)
    rows = pl.DataFrame(
        [
            (when, b"\xc0\x00\x02\x01", b"\x0a\x00\x00\x01", None),
            (when, bytes.fromhex("20010db8" + "0" * 23 + "1"), b"\x0a\x00\x00\x01", None),
            (when, b"\xc0\x00\x02\x01", None, None),
        ],
        schema=schema,
        orient="row",
    )
    told = frame.addresses_as_text(rows)
    assert told["src_ip"].to_list() == ["192.0.2.1", "2001:db8::1", "192.0.2.1"]
    assert told["dst_ip"].to_list() == ["10.0.0.1", "10.0.0.1", None]
    assert told["inner_src_ip"].to_list() == [None, None, None]
    assert told.columns == rows.columns and told["time"].equals(rows["time"])
    assert frame.addresses_as_text(rows.head(0)).height == 0
    assert frame.addresses_as_text(told).equals(told)
