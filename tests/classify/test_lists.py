"""The schema of watchlists, the package's own lists, and organisations' short names."""

from __future__ import annotations

import csv
import datetime as dt
import ipaddress
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.classify import lists
from teiten.errors import DataError, TeitenError, UsageError

GOOD: dict[str, Any] = {
    "format": 1,
    "list": "campus",
    "date": dt.date(2026, 1, 1),
    "entries": [{"organisation": "Campus CERT", "prefixes": ["192.0.2.0/24"]}],
}


def test_the_package_holds_what_notice_and_nict_announced(shared_data: Path) -> None:
    """Row by row: organisation, prefix, validity and page of the facts that lie beside the repository."""
    whose = {"NOTICE": "NOTICE", "NICT": "NICT preliminary survey", "YNU": "Yokohama National University"}
    with (shared_data / "scanners" / "notice_nict.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    # the file writes one prefix of NICT's page by an address inside it
    wanted = {
        (str(ipaddress.ip_network(r["prefix"], strict=False)), r["from"], r["to"], r["source"].partition(" ")[0], r["note"])
        for r in rows
    }
    held = [(e, p) for one in lists.package_lists() for e in one.entries for p in e.prefixes]
    found = set()
    for entry, prefix in held:
        said = next(r["note"] for r in rows if r["note"].startswith(whose[entry.organisation]))
        days = [d.isoformat() if d else "" for d in (entry.start, entry.end)]
        found.add((str(prefix), *days, entry.page, said))
    assert found == wanted
    assert len(held) == len(rows) == 16


def test_package_lists_hold_to_their_schema() -> None:
    found = lists.package_lists()
    assert [one.name for one in found] == ["nict-survey", "notice", "scanner-names", "ynu"]
    for one in found:
        assert one.licence and one.source
        for entry in one.entries:
            assert lists.known_organisation(entry.organisation), f"{entry.organisation} has no row in organisations.toml"


def test_an_organisation_has_one_short_name() -> None:
    """No two rows claim one spelling, and every row says no more than it may."""
    raw = (resources.files("teiten.data.watchlists") / "organisations.toml").read_text(encoding="utf-8")
    claimed: dict[str, str] = {}
    for name, row in tomllib.loads(raw)["organisations"].items():
        assert set(row) <= {"en", "ja", "page", "also"}, name
        assert str(row.get("page", "https://")).startswith(("https://", "http://")), name
        for text in {lists.folded(t) for t in (name, row.get("en", name), *row.get("also", ()))}:
            assert claimed.setdefault(text, name) == name, f"{name} and {claimed[text]} are both called {text}"


def test_the_example_is_a_list() -> None:
    one = lists.read(Path(__file__).parents[2] / "examples" / "my-watchlist.toml", "settings")
    assert (one.name, one.organisations, one.prefixes, one.patterns) == ("campus", ["Campus CERT"], 2, 1)
    assert one.version.startswith("2026-06-01+")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("shodan", "Shodan"),
        ("Shodan.io", "Shodan"),
        ("The Shadowserver Foundation", "Shadowserver"),
        ("strechoid", "Stretchoid"),
        ("rapid 7", "Rapid7"),
        ("Nobody  Known", "Nobody Known"),
    ],
)
def test_short_names(said: str, name: str) -> None:
    assert lists.short_name(said) == name


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("192.0.2.1/24", "has host bits set (its prefix is 192.0.2.0/24)"),
        ("2001:db8::1/32", "has host bits set (its prefix is 2001:db8::/32)"),
        ("192.0.2.0/33", "is no prefix"),
        ("192.0.2.256", "is no prefix"),
        ("192.0.2", "is no prefix"),
        ("", "is no prefix"),
        ("192.0.2.0/24 # x", "is no prefix"),
        ("１９２.0.2.0/24", "is no prefix"),
        ("<script>", "is no prefix"),
    ],
)
def test_what_is_no_prefix(text: str, why: str) -> None:
    for parse in (lists.parse_prefix, lists._quick_prefix):
        with pytest.raises(ValueError, match=r"prefix") as raised:
            parse(text)
        assert why in str(raised.value)


@given(st.ip_addresses(), st.integers(0, 128))
def test_prefixes_as_the_standard_library_has_them(address: Any, length: int) -> None:
    network = ipaddress.ip_network((address, min(length, address.max_prefixlen)), strict=False)
    prefix = lists.parse_prefix(str(network))
    assert prefix == lists._quick_prefix(str(network))
    assert str(prefix) == str(network)
    assert (prefix.number, prefix.last) == (int(network[0]), int(network[-1]))


@pytest.mark.parametrize("text", ["*.shodan.io", "scan.example.org", "*.a_b.example.org", "*.Example.ORG."])
def test_patterns(text: str) -> None:
    assert lists.check_pattern(text) == text.lower().rstrip(".")


@pytest.mark.parametrize(
    "text", ["*", "*.", "*.io", "a.*.org", "ab*.example.org", "exa mple.org", "", "a..b", "-a.example.org"]
)
def test_what_is_no_pattern(text: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        lists.check_pattern(text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "list.toml is of format 2; I know 1."),
        ({"list": "Über"}, "'Über' cannot name a list"),
        ({"date": None}, "list.toml states no date."),
        ({"date": "2026-13-01"}, "list.toml, date: '2026-13-01' is no day."),
        ({"version": "../x"}, "'../x' cannot name a version"),
        ({"entries": []}, "list.toml has no entries."),
        ({"colour": "red"}, "list.toml knows no key 'colour'."),
        ({"entries": [{"prefixes": ["192.0.2.0/24"]}]}, "list.toml, entry 1 names no organisation."),
        ({"entries": [{"organisation": "A"}]}, "list.toml, entry 1 (A) has neither prefixes nor names."),
        ({"entries": [{"organisation": "A", "prefixes": "192.0.2.0/24"}]}, "prefixes must be a list"),
        ({"entries": [{"organisation": "A", "prefixes": ["192.0.2.9/24"]}]}, "entry 1 (A): 192.0.2.9/24 has host bits set"),
        ({"entries": [{"organisation": "A", "names": ["*"]}]}, "entry 1 (A): '*' is no pattern"),
        ({"entries": [{"organisation": "A", "prefixes": ["0.0.0.0/0"]}]}, "entry 1: 0.0.0.0/0 is too broad"),
        ({"entries": [{"organisation": "A", "prefixes": ["2000::/3"]}]}, "entry 1: 2000::/3 is too broad"),
        (
            {"entries": [{"organisation": "A", "prefixes": ["192.0.2.0/24"], "from": "2026-02-01", "to": "2026-01-01"}]},
            "entry 1 (A): its validity is the wrong way round (from 2026-02-01 to 2026-01-01).",
        ),
        ({"entries": ["x"]}, "entry 1 must be a table"),
    ],
)
def test_what_holds_not_to_the_schema(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        lists.from_table(GOOD | change, "list.toml", whose="settings")
    assert said in str(raised.value)


def test_a_broken_file_says_whose_it_is(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    with pytest.raises(UsageError, match=r"bad\.json is no JSON"):
        lists.read(bad, "settings")
    with pytest.raises(DataError, match=r"bad\.json is no JSON") as raised:
        lists.read(bad, "imported")
    assert "import it again" in str(raised.value)
    with pytest.raises(TeitenError, match="cannot be read"):
        lists.read(tmp_path / "absent.toml", "settings")


def test_a_list_of_the_users_without_a_version_has_one_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    text = 'format = 1\nlist = "own"\ndate = 2026-01-01\n[[entries]]\norganisation = "A"\nprefixes = ["192.0.2.0/24"]\n'
    file.write_text(text)
    first = lists.read(file, "settings")
    file.write_text(text.replace("/24", "/25"))
    second = lists.read(file, "settings")
    assert first.version.startswith("2026-01-01+")
    assert first.version != second.version


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
_DAYS = st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1))
_PREFIXES = st.lists(
    st.tuples(st.ip_addresses(v=4), st.integers(8, 32)).map(
        lambda p: lists.parse_prefix(str(ipaddress.ip_network(p, strict=False)))
    ),
    min_size=1,
    max_size=4,
)
_ENTRIES = st.builds(
    lists.Entry,
    organisation=_TEXT.map(lists.short_name),
    prefixes=_PREFIXES.map(tuple),
    names=st.just(()) | st.just(("*.example.org",)),
    start=st.none() | st.just(dt.date(2019, 1, 1)),
    end=st.none() | st.just(dt.date(2020, 1, 1)),
    page=st.none() | _TEXT,
    en=st.none() | _TEXT,
    ja=st.none() | _TEXT,
)


@given(st.lists(_ENTRIES, min_size=1, max_size=4), _DAYS, st.booleans(), st.none() | _TEXT)
def test_a_list_comes_back_from_its_table(
    entries: list[lists.Entry], day: dt.date, featured: bool, licence: str | None
) -> None:
    one = lists.WatchList("x", "1", day, licence, "somewhere", tuple(entries), featured, "imported")
    again = lists.from_table(lists.to_table(one), "x", whose="imported")
    assert again == one
    assert again.digest == one.digest
