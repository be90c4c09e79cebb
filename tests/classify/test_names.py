"""The user's table of PTR names."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from teiten.classify import names, ptr, watchlists
from teiten.classify.ptr import Answer, Cache
from teiten.errors import UsageError
from teiten.settings import Settings


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


def test_looked_up_names_hold_around_their_answers_and_only_those_that_a_list_knows(tmp_path: Path) -> None:
    chosen = Settings("UTC", "flag")
    lists = watchlists.load(chosen)
    assert names.at_hand(chosen, lists) is None
    one, other, third = (bytes([45, 33, 32, n]) for n in (1, 2, 3))
    at = dt.datetime(2026, 6, 10, 12, tzinfo=dt.UTC)
    with Cache(ptr.place(chosen), write=True) as cache:
        cache.keep([Answer(one, "named", (("a.shodan.io", True), ("b.shodan.io", False)))], at, 30)
        cache.keep([Answer(one, "named", (("a.shodan.io", True),))], at + dt.timedelta(days=40), 30)
        cache.keep([Answer(other, "named", (("x.example.org", True),)), Answer(third, "none")], at, 30)
    found = names.at_hand(chosen, lists)
    assert found is not None
    days = [dt.date(2026, 5, 10), dt.date(2026, 5, 11), dt.date(2026, 8, 19), dt.date(2026, 8, 20)]
    pairs = pl.DataFrame({"src_ip": [one] * 4 + [other], "day": [*days, days[1]]})
    told = found.of(pairs).sort("day").rows()
    asked = dt.date(2026, 7, 20)
    assert told == [(one, day, "a.shodan.io", True, asked) for day in days[1:3]]
    # a day's digest is that of the days without names unless one holds on it
    assert found.digest_of(days[0]) == found.digest_of(days[3]) != found.digest_of(days[1]) == found.digest_of(days[2])


def test_the_users_table_and_the_cache_are_one(tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("192.0.2.7,a.example.org\n")
    chosen = Settings("UTC", "flag", ptr_names=tmp_path / "names.csv")
    with Cache(ptr.place(chosen), write=True) as cache:
        cache.keep(
            [Answer(bytes([45, 33, 32, 1]), "named", (("a.shodan.io", True),))], dt.datetime(2026, 6, 10, tzinfo=dt.UTC), 30
        )
    found = names.at_hand(chosen, watchlists.load(chosen))
    assert found is not None
    assert found.frame.select("name", "confirmed").rows() == [("a.example.org", None), ("a.shodan.io", True)]
    assert found.digest_of(dt.date(2026, 6, 10)) != found.digest_of(dt.date(2020, 1, 1)) == found.digest
