"""The user's table of PTR names."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from teiten.classify import names
from teiten.errors import UsageError


def load(tmp_path: Path, text: str) -> names.Names:
    (tmp_path / "names.csv").write_text(text, encoding="utf-8")
    return names.load(tmp_path / "names.csv")


def test_names_hold_on_their_days(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        "address,name,from,to\n192.0.2.7,A.example.org.,2026-01-01,2026-01-31\n192.0.2.7,b.example.org,2026-02-01\n"
        "2001:db8::7,c.example.org\n# a comment\n\n",
    )
    v4, v6 = bytes([192, 0, 2, 7]), bytes.fromhex("20010db8000000000000000000000007")
    days = [dt.date(2025, 12, 31), dt.date(2026, 1, 31), dt.date(2026, 2, 1)]
    pairs = pl.DataFrame({"src_ip": [v4, v4, v4, v6], "day": [*days, days[0]]})
    told = found.of(pairs).sort("src_ip", "day").select("day", "name").rows()
    assert told == [(days[0], "c.example.org"), (days[1], "a.example.org"), (days[2], "b.example.org")]
    assert found.rejected == 0


def test_bad_lines_are_counted_with_their_place(tmp_path: Path) -> None:
    text = (
        "192.0.2.7,a.example.org\n192.0.2.8,b.example.org\n192.0.2.9,c.example.org\n192.0.2.10,d.example.org\n"
        "192.0.2.300,x\n192.0.2.1,\n192.0.2.1,a b\n192.0.2.1,x.org,2026-02-01,2026-01-01\n"
    )
    found = load(tmp_path, text)
    assert found.rejected == 4
    assert found.first is not None and found.first.endswith("names.csv:5: '192.0.2.300' is no address")


@pytest.mark.parametrize("text", ["hello\nworld\n", "\x00\x01\n", "a,b\nc,d\n"])
def test_a_file_that_is_no_table_of_names(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="is no table of names"):
        load(tmp_path, text)


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ptr_names"):
        names.load(tmp_path / "absent.csv")
