"""What lists say of addresses on days: one by one, many at once, by name; versions of a list."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten.classify import lists, watchlists
from teiten.classify.lists import Entry, WatchList
from teiten.classify.watchlists import AGED, FRESH, STATED, Watchlists
from teiten.errors import TeitenError, UsageError
from teiten.settings import Settings


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def one(name: str, version: str, prefixes: dict[str, list[str]], **more: Any) -> WatchList:
    entries = tuple(Entry(o, tuple(lists.parse_prefix(p) for p in ps), **more) for o, ps in prefixes.items())
    return WatchList(name, version, day(version), None, "test", entries, whose="imported")


@pytest.mark.parametrize(
    ("address", "on", "organisation"),
    [
        ("153.231.226.170", "2019-02-20", "NOTICE"),  # the seed's first line
        ("153.231.226.170", "2019-02-19", None),  # announced, but not begun
        ("153.231.216.178", "2019-02-21", "NOTICE"),
        ("153.231.215.10", "2019-02-26", "NOTICE"),
        ("153.231.226.162", "2019-02-26", "NOTICE"),
        ("153.231.226.159", "2019-02-26", None),  # the address before the prefix
        ("153.231.226.176", "2019-02-26", None),  # and the one after
        ("210.150.186.238", "2018-11-13", None),
        ("210.150.186.238", "2018-11-14", "NICT"),
        ("210.150.186.238", "2019-01-31", "NICT"),  # the last day is one of its days
        ("210.150.186.238", "2019-02-01", None),
        ("133.34.169.31", "2010-01-01", "YNU"),
        ("119.243.76.25", "2030-01-01", "YNU"),
        ("2001:db8::1", "2019-02-26", None),
        ("::ffff:153.231.226.170", "2019-02-26", None),
    ],
)
def test_what_the_package_says(address: str, on: str, organisation: str | None) -> None:
    known = watchlists.load()
    found = known.match(packed(address), day(on))
    assert [m.organisation for m in found] == ([organisation] if organisation else [])
    if organisation:
        assert ipaddress.ip_address(address) in ipaddress.ip_network(found[0].prefix)
        assert found[0].page and found[0].page.startswith("http")


def test_featured_are_those_of_the_announcements() -> None:
    assert sorted(o.name for o in watchlists.load().featured()) == ["NICT", "NOTICE", "YNU"]


def test_an_organisation_by_any_of_its_names() -> None:
    known = watchlists.load()
    assert known.organisation("notice").text("ja") == "NOTICE(総務省・情報通信研究機構)"
    assert known.organisation("横浜国立大学").name == "YNU"
    assert len(known.prefixes("NOTICE")) == 11
    assert known.prefixes("NOTICE", day("2019-02-19")) == []
    with pytest.raises(UsageError, match="No watchlist names 'Nobody'"):
        known.organisation("Nobody")


def test_a_day_takes_the_newest_version_not_later_else_the_oldest() -> None:
    known = Watchlists([one("x", "2020-01-01", {"Old": ["192.0.2.0/24"]}), one("x", "2022-01-01", {"New": ["192.0.2.0/24"]})])

    def says(on: str) -> list[str]:
        return [m.organisation for m in known.match(packed("192.0.2.7"), day(on))]

    assert says("2019-06-01") == ["Old"]
    assert says("2021-12-31") == ["Old"]
    assert says("2022-01-01") == ["New"]
    assert [m.version for m in known.of_day(day("2021-12-31"))] == ["2020-01-01"]
    assert [m.version for m in known.newest()] == ["2022-01-01"]


def test_an_address_that_left_a_list_is_on_it_no_more() -> None:
    known = Watchlists([one("x", "2020-01-01", {"A": ["192.0.2.0/24"]}), one("x", "2022-01-01", {"A": ["198.51.100.0/24"]})])
    assert known.match(packed("192.0.2.7"), day("2021-01-01"))
    assert not known.match(packed("192.0.2.7"), day("2023-01-01"))


def test_the_best_statement_comes_first() -> None:
    known = Watchlists(
        [
            one("a", "2026-01-01", {"Wide": ["192.0.0.0/16"], "Narrow": ["192.0.2.0/24"]}),
            one("b", "2020-01-01", {"Aged": ["192.0.2.7/32"]}),
            one("c", "2020-01-01", {"Stated": ["192.0.0.0/8"]}, start=day("2025-01-01"), end=day("2027-01-01")),
        ]
    )
    found = known.match(packed("192.0.2.7"), day("2026-01-15"))
    assert [(m.organisation, m.confidence) for m in found] == [
        ("Stated", STATED), ("Narrow", FRESH), ("Wide", FRESH), ("Aged", AGED),
    ]  # fmt: skip


def test_confidence_of_an_announcement_without_an_end_ages() -> None:
    known = watchlists.load()
    address = packed("153.231.226.170")
    assert known.match(address, day("2020-02-20"))[0].confidence == STATED
    assert known.match(address, day("2024-01-01"))[0].confidence == AGED


@pytest.mark.parametrize(
    ("name", "organisation"),
    [
        ("pirate.census.shodan.io", "Shodan"),
        ("Census1.Shodan.IO.", "Shodan"),
        ("shodan.io", None),  # the pattern is of names below it
        ("evilshodan.io", None),
        ("shodan.io.evil.example", None),
        ("scan-30.security.ipip.net", "IPIP"),
        ("www.ipip.net", None),
        ("", None),
        ("..", None),
    ],
)
def test_names_match_on_label_boundaries(name: str, organisation: str | None) -> None:
    found = watchlists.load().match_name(name, day("2026-06-22"))
    assert [m.organisation for m in found] == ([organisation] if organisation else [])
    assert all(m.by_name and m.confidence == watchlists.NAMED for m in found)


# many at once -------------------------------------------------------------------------------------------------------

_SMALL = st.integers(0, 255)
_V4 = st.builds(lambda a, b: ipaddress.ip_address(f"10.0.{a % 4}.{b}"), _SMALL, _SMALL)
_V6 = st.builds(lambda a, b: ipaddress.ip_address(f"2001:db8:{a % 3:x}::{b:x}"), _SMALL, _SMALL)
_ADDRESS = _V4 | _V6
_NETWORK = st.builds(
    lambda a, up: ipaddress.ip_network((a, max(a.max_prefixlen - up, 0)), strict=False), _ADDRESS, st.integers(0, 20)
)
_DAY = st.dates(day("2020-01-01"), day("2020-01-20"))
_ENTRY = st.builds(
    lambda o, nets, a, b: Entry(
        o,
        tuple(lists.parse_prefix(str(n)) for n in nets),
        start=min(a, b) if a and b else a,
        end=max(a, b) if a and b else b,
    ),
    st.sampled_from("ABC"),
    st.lists(_NETWORK, min_size=1, max_size=5),
    st.none() | _DAY,
    st.none() | _DAY,
)
_LIST = st.builds(
    lambda name, date, entries: WatchList(name, date.isoformat(), date, None, "", tuple(entries), whose="imported"),
    st.sampled_from(["x", "y"]),
    _DAY,
    st.lists(_ENTRY, min_size=1, max_size=4),
)


@given(st.lists(_LIST, max_size=4, unique_by=lambda w: (w.name, w.version)), st.lists(st.tuples(_ADDRESS, _DAY), max_size=12))
@settings(deadline=None)
def test_many_are_answered_as_one_by_one_and_as_by_hand(found: list[WatchList], asked: list[tuple[Any, dt.date]]) -> None:
    known = Watchlists(found)
    frame = pl.DataFrame(
        {"src_ip": [a.packed for a, _ in asked], "day": [d for _, d in asked], "n": list(range(len(asked)))},
        schema={"src_ip": pl.Binary(), "day": pl.Date(), "n": pl.Int64()},
    )
    rows = known.match_frame(frame)
    keys = ["src_ip", "day", "organisation", "list", "list_version", "prefix", "confidence"]
    at_once = sorted(rows.select(keys).rows())
    singly, by_hand = [], []
    for address, on in set(asked):
        for m in known.match(address.packed, on):
            singly.append((address.packed, on, m.organisation, m.list, m.list_version, m.prefix, m.confidence))
        for w in known.of_day(on):
            for e in w.entries:
                if (e.start or on) <= on <= (e.end or on):
                    by_hand += [
                        (address.packed, on, e.organisation, w.name, w.version, str(p))
                        for p in e.prefixes
                        if address in ipaddress.ip_network(str(p))
                    ]
    assert at_once == sorted(singly)
    assert sorted(row[:-1] for row in at_once) == sorted(by_hand)
    best = {(r[0], r[1]): r[2] for r in reversed(rows.select(keys).rows())}
    assert all(known.match(a, d)[0].organisation == name for (a, d), name in best.items())


def test_other_columns_come_along() -> None:
    frame = pl.DataFrame({"src_ip": [packed("153.231.226.170")], "day": [day("2019-03-01")], "packets": [7]})
    assert watchlists.load().match_frame(frame).select("organisation", "packets").rows() == [("NOTICE", 7)]


def test_a_thousand_prefixes_and_a_thousand_sources_of_one_organisation() -> None:
    prefixes = [f"{a}.{b}.7.0/28" for a in range(20, 40) for b in range(50)]
    known = Watchlists([one("x", "2026-01-01", {"A": prefixes})])
    inside = [packed(p.replace(".0/28", ".9")) for p in prefixes]
    outside = [packed(p.replace(".0/28", ".16")) for p in prefixes]
    frame = pl.DataFrame({"src_ip": inside + outside, "day": [day("2026-01-02")] * 2000})
    found = known.match_frame(frame)
    assert found.height == 1000
    assert set(found["src_ip"]) == set(inside)


# loading ------------------------------------------------------------------------------------------------------------


def test_lists_of_the_settings_and_the_users_folder(tmp_path: Path, own_folder: Path) -> None:
    own_folder.mkdir(parents=True)
    kept = lists.to_table(one("mine", "2026-01-01", {"A": ["192.0.2.0/24"]}))
    (own_folder / "mine--2026-01-01.json").write_text(json.dumps(kept))
    (tmp_path / "t.toml").write_text(
        'format = 1\nlist = "t"\ndate = 2026-01-01\n[[entries]]\norganisation = "T"\nprefixes = ["198.51.100.0/24"]\n'
    )
    (tmp_path / "c.csv").write_text("prefix,organisation,from\n203.0.113.0/24,C,2026-01-01\n")
    (tmp_path / "p.txt").write_text("# ours\n203.0.113.7 # one\n")
    chosen = Settings("UTC", "flag", watchlists=(tmp_path / "t.toml", tmp_path / "c.csv", tmp_path / "p.txt"))
    known = watchlists.load(chosen)
    assert {"A", "T", "C", "p"} <= known.organisations.keys()
    assert [m.organisation for m in known.match(packed("203.0.113.7"), day("2026-02-01"))] == ["C", "p"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.txt", "192.0.2.0/24\n192.0.2.1/24\n", "a.txt:2: 192.0.2.1/24 has host bits set"),
        ("a.txt", "# nothing\n", "a.txt holds no prefixes that I can read."),
        ("a.csv", "prefix,from,to\n192.0.2.0/24,2026-02-01,2026-01-01\n", "a.csv:2: its validity is the wrong way round"),
        ("a.toml", "format = 1\n", "a.toml: list = ''"),
        ("a.toml", "format = \n", "a.toml is no TOML"),
    ],
)
def test_a_list_of_the_settings_that_is_wrong(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(TeitenError) as raised:
        watchlists.load(Settings("UTC", "flag", watchlists=(tmp_path / name,)))
    assert said in str(raised.value)
