"""Others' lists taken in: the real ones beside the repository, and whatever can be wrong with one."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teiten.classify import importing, lists, watchlists
from teiten.classify.importing import Wishes
from teiten.errors import InputError, TeitenError, UsageError


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def misp(path: Path, prefixes: list[str], **more: object) -> Path:
    table = {
        "name": "Shodan IP Ranges Used for Scanning",
        "version": 20260811,
        "type": "cidr",
        "list": prefixes,
        "description": "d",
    }
    return write(path / "list.json", json.dumps(table | more))


# the real ones ------------------------------------------------------------------------------------------------------


def test_openfilters_whole(shared_data: Path) -> None:
    found = importing.read([shared_data / "scanners" / "openfilters_cidr"], Wishes(date=dt.date(2026, 6, 22)))
    one = found.lists[0]
    assert len(found.lists) == 1
    assert (one.name, one.version, one.licence) == ("openfilters", "2026-06-22", "Unlicense")
    assert one.source == "IP Lists of internet-wide scanning organizations"
    assert len(one.organisations) == 66  # 85 files, IPv4 and IPv6 apart
    assert one.prefixes == 22_085
    # every organisation is known by its short name: none is called as its file is
    assert all(lists.known_organisation(name) for name in one.organisations)
    assert [str(r).rpartition("cidr/")[2] for r in found.rejected] == [
        "mandiantasm_v4.txt:100: 34.19.127.176/27 has host bits set (its prefix is 34.19.127.160/27)"
    ]
    twice, inside = found.notes
    assert twice == "openfilters 2026-06-22: 2 prefixes stand there twice; kept once."
    assert inside.startswith(
        "openfilters 2026-06-22: 50 prefixes lie inside others (3.9.159.128/25 of Tenable in 3.9.159.128/25 of"
    )


def test_openfilters_prefixes_are_the_files(shared_data: Path) -> None:
    folder = shared_data / "scanners" / "openfilters_cidr"
    found = importing.read([folder], Wishes(date=dt.date(2026, 6, 22)))
    lines = [line.strip() for file in folder.glob("cidr/*.txt") for line in file.read_text().splitlines() if line.strip()]
    wanted = {str(ipaddress.ip_network(text)) for text in lines if text != "34.19.127.176/27"}
    assert {str(p) for e in found.lists[0].entries for p in e.prefixes} == wanted


def test_misp_whole(shared_data: Path) -> None:
    folder = shared_data / "scanners" / "misp"
    found = importing.read([folder])
    assert len(found.lists) == 36
    assert not found.rejected
    by_name = {one.name: one for one in found.lists}
    for file in folder.glob("*/list.json"):
        table = json.loads(file.read_text())
        one = by_name[f"misp-{file.parent.name}"]
        assert one.version == str(table["version"])
        assert one.licence == "CC0-1.0"
        assert {str(p) for e in one.entries for p in e.prefixes} == {str(ipaddress.ip_network(t)) for t in table["list"]}
        assert all(lists.known_organisation(name) for name in one.organisations), one.organisations
    assert by_name["misp-modat-scanner"].date == dt.date(2026, 8, 11)  # version 20260811
    assert by_name["misp-modat-nt-scanning"].date == dt.date(2026, 8, 10)  # version 26081010
    assert by_name["misp-censys-scanning"].date == dt.date(2026, 8, 14)  # version 3: the newest day of the others
    assert [note for note in found.notes if "tell no day" in note]


def test_the_csv_of_facts(shared_data: Path) -> None:
    """An import of the CSV says what the package's own lists say."""
    found = importing.read([shared_data / "scanners" / "notice_nict.csv"], Wishes(date=dt.date(2019, 2, 20)))
    held = {(e.organisation, e.start, e.end, str(p)) for e in found.lists[0].entries for p in e.prefixes}
    own = {(e.organisation, e.start, e.end, str(p)) for one in lists.package_lists() for e in one.entries for p in e.prefixes}
    refused = {r.line for r in found.rejected}
    assert held == own
    assert not refused


@pytest.mark.full
def test_all_real_lists_together_answer(shared_data: Path, own_folder: Path) -> None:
    importing.import_files(
        [shared_data / "scanners" / "misp", shared_data / "scanners" / "openfilters_cidr"], Wishes(), own_folder
    )
    known = watchlists.load()
    for one in known.newest():
        for entry in one.entries:
            for prefix in entry.prefixes[:20]:
                size = 4 if prefix.family == 4 else 16
                found = known.match(prefix.number.to_bytes(size, "big"), entry.start or one.date)
                assert entry.organisation in {m.organisation for m in found}


# versions and keeping -----------------------------------------------------------------------------------------------


def test_versions_stay_and_one_of_the_same_version_is_replaced(tmp_path: Path, own_folder: Path) -> None:
    def bring(text: str, day: str) -> None:
        importing.import_files([write(tmp_path / "mine.txt", text)], Wishes(date=dt.date.fromisoformat(day)), own_folder)

    bring("192.0.2.0/24\n", "2026-01-01")
    bring("198.51.100.0/24\n", "2026-02-01")
    bring("198.51.100.0/25\n", "2026-02-01")
    assert sorted(p.name for p in own_folder.iterdir()) == ["mine--2026-01-01.json", "mine--2026-02-01.json"]
    known = watchlists.load()
    assert [m.prefix for m in known.match(bytes([192, 0, 2, 7]), dt.date(2026, 1, 31))] == ["192.0.2.0/24"]
    assert not known.match(bytes([192, 0, 2, 7]), dt.date(2026, 2, 1))
    assert [m.prefix for m in known.match(bytes([198, 51, 100, 7]), dt.date(2026, 2, 1))] == ["198.51.100.0/25"]


def test_nothing_is_kept_where_one_of_several_is_refused(tmp_path: Path, own_folder: Path) -> None:
    good, bad = write(tmp_path / "good.txt", "192.0.2.0/24\n"), write(tmp_path / "bad.txt", "0.0.0.0/0\n")
    with pytest.raises(UsageError):
        importing.import_files([good, bad], Wishes(), own_folder)
    assert not own_folder.exists()


@pytest.mark.faults
def test_a_list_appears_whole_or_not_at_all(tmp_path: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "mine.txt", "192.0.2.0/24\n")
    importing.import_files([source], Wishes(date=dt.date(2026, 1, 1)), own_folder)
    kept = (own_folder / "mine--2026-01-01.json").read_bytes()
    write(source, "198.51.100.0/24\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TeitenError, match="No space left"):
        importing.import_files([source], Wishes(date=dt.date(2026, 1, 1)), own_folder)
    assert [p.name for p in own_folder.iterdir()] == ["mine--2026-01-01.json"]
    assert (own_folder / "mine--2026-01-01.json").read_bytes() == kept


def test_a_list_of_our_own_schema_comes_back(tmp_path: Path, own_folder: Path) -> None:
    text = (
        'format = 1\nlist = "own"\nversion = "3"\ndate = 2026-01-01\nlicence = "CC0"\n[[entries]]\norganisation = "A"\n'
        'prefixes = ["192.0.2.0/24"]\nnames = ["*.a.example"]\nfrom = 2026-01-01\n'
    )
    made, _ = importing.import_files([write(tmp_path / "own.toml", text)], Wishes(), own_folder)
    again, _ = importing.import_files([own_folder / "own--3.json"], Wishes(), own_folder)
    assert made == again
    assert watchlists.load().match_name("x.a.example", dt.date(2026, 2, 1))[0].organisation == "A"


# kinds --------------------------------------------------------------------------------------------------------------


def test_plain_text(tmp_path: Path) -> None:
    text = "﻿# a comment\n\n192.0.2.0/24  # ours\r\n198.51.100.7\n2001:db8::/32 ; v6\n"
    one = importing.read([write(tmp_path / "Scan Ners.txt", text)], Wishes(licence="CC0", page="https://example.org/")).lists[0]
    assert (one.name, one.licence, one.organisations) == ("scan-ners", "CC0", ["Scan Ners"])
    assert [str(p) for p in one.entries[0].prefixes] == ["192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32"]
    assert one.entries[0].page == "https://example.org/"


def test_a_folder_of_texts_is_one_list(tmp_path: Path) -> None:
    write(tmp_path / "set" / "shodan_v4.txt", "192.0.2.0/24\n")
    write(tmp_path / "set" / "shodan_v6.txt", "2001:db8::/32\n")
    write(tmp_path / "set" / "nobody.txt", "# empty\n")
    write(tmp_path / "set" / "LICENSE", "CC0 1.0 Universal\n")
    write(tmp_path / "set" / "README.md", "# The set\n\nUpdated: 2026-03-01\n")
    found = importing.read([tmp_path / "set"])
    one = found.lists[0]
    assert (one.name, one.date, one.licence, one.source) == ("set", dt.date(2026, 3, 1), "CC0-1.0", "The set")
    assert one.organisations == ["Shodan"]
    assert found.notes == ["Without a prefix, so left out: nobody."]


def test_csv_with_names_and_validity(tmp_path: Path) -> None:
    text = (
        "cidr,org,valid_from,until,url,ptr\n192.0.2.0/24,shodan,2026-01-01,2026-12-31,https://shodan.io,\n"
        ",shodan,,,,*.shodan.io\n192.0.2.0/24,Censys,,,,\n,,,,,\nx,,,,,\n,A,,,,\n192.0.2.0/24,A,soon,,,\n"
    )
    found = importing.read([write(tmp_path / "c.csv", text)])
    assert [(e.organisation, len(e.prefixes), e.names, e.start) for e in found.lists[0].entries] == [
        ("Shodan", 1, (), dt.date(2026, 1, 1)),
        ("Censys", 1, (), None),
        ("Shodan", 0, ("*.shodan.io",), None),
    ]
    assert [(r.line, r.why) for r in found.rejected] == [
        (6, "'x' is no prefix"),
        (7, "it has no prefix"),
        (8, "'soon' is no day"),
    ]


@pytest.mark.parametrize(
    ("title", "organisation"),
    [
        ("Censys IP Ranges Used for Scanning", "Censys"),
        ("Shodan IP-Ranges, pot. used for Scanning", "Shodan"),
        ("List of published IP address ranges for Modat Scanner", "Modat"),
        ("List of known check-host.net IP address ranges", "check-host.net"),
        ("CIRCL IP address used for security scanning", "CIRCL"),
        ("Research scanner IP Ranges Used for Scanning", "Research scanner"),
        ("IP Ranges", "IP Ranges"),
    ],
)
def test_the_organisation_in_a_misp_name(title: str, organisation: str) -> None:
    assert importing.misp_organisation(title) == organisation


@pytest.mark.parametrize(
    ("version", "day"),
    [
        ("20260811", dt.date(2026, 8, 11)),
        ("26081010", dt.date(2026, 8, 10)),
        ("20121022", dt.date(2012, 10, 22)),
        ("3", None),
        ("99999999", None),
        ("", None),
    ],
)
def test_the_day_in_a_misp_version(version: str, day: dt.date | None) -> None:
    assert importing._misp_date(version) == day


# what is wrong ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.0.0.0/0\n", "x.txt:1: 0.0.0.0/0 is too broad to be anybody's"),
        ("192.0.2.0/24\n8.0.0.0/7\n", "x.txt:2: 8.0.0.0/7 is too broad"),
        ("2000::/15\n", "x.txt:1: 2000::/15 is too broad"),
        ("hello\n192.0.2.0/24\n8.0.0.0/7\n", "Before it 1 line is malformed (first"),
        ("8.0.0.0/8\n9.0.0.0/8\n", "holds 33,554,432 addresses of IPv4: more than any scanner has."),
        ("# nothing\n", "x.txt holds no prefixes that I can read."),
        ("", "x.txt holds no prefixes that I can read."),
        ("hello\nworld\n192.0.2.0/24\n", "holds no prefixes that I can read (first"),
        ("\x00\xff\x00" * 50, "holds no prefixes that I can read (first"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises((UsageError, InputError)) as raised:
        importing.read([write(tmp_path / "x.txt", text)])
    assert said in str(raised.value)


def test_broad_prefixes_where_they_are_meant(tmp_path: Path) -> None:
    found = importing.read([write(tmp_path / "x.txt", "0.0.0.0/0\n")], Wishes(allow_broad=True))
    assert str(found.lists[0].entries[0].prefixes[0]) == "0.0.0.0/0"


def test_many_small_prefixes_may_not_cover_the_internet_either(tmp_path: Path) -> None:
    text = "".join(f"{a}.0.0.0/9\n{a}.128.0.0/9\n" for a in range(1, 224))
    with pytest.raises(UsageError, match="more than any scanner has"):
        importing.read([write(tmp_path / "x.txt", text)])


def test_overlaps_are_said(tmp_path: Path) -> None:
    found = importing.read([write(tmp_path / "x.txt", "192.0.2.0/24\n192.0.2.0/25\n192.0.2.0/24\n192.0.3.0/24\n")])
    assert [note.partition(": ")[2] for note in found.notes[1:]] == [
        "1 prefixes stand there twice; kept once.",
        "1 prefixes lie inside others (192.0.2.0/25 of x in 192.0.2.0/24 of x); the longest counts.",
    ]
    assert found.lists[0].prefixes == 3


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"type": "hostname"}, "is a warning list of type 'hostname', not of prefixes"),
        ({"list": "192.0.2.0/24"}, "is no MISP warning list"),
        ({"list": []}, "holds no prefixes that I can read."),
        ({"list": ["192.0.2.0/24", "0.0.0.0/1"]}, "list.json:2: 0.0.0.0/1 is too broad"),
        ({"list": [None, 5, ["x"]]}, "holds no prefixes that I can read (first"),
    ],
)
def test_misp_that_is_wrong(tmp_path: Path, more: dict[str, object], said: str) -> None:
    misp(tmp_path / "a", ["192.0.2.0/24"], **more)
    with pytest.raises((UsageError, InputError)) as raised:
        importing.read([tmp_path / "a"])
    assert said in str(raised.value)


def test_misp_rejects_are_counted(tmp_path: Path) -> None:
    misp(tmp_path / "a", ["192.0.2.0/24", "198.51.100.1/24", "203.0.113.0/24"], version="../../x")
    found = importing.read([tmp_path / "a"])
    assert [r.line for r in found.rejected] == [2]
    assert found.lists[0].version == "x"


@pytest.mark.parametrize(
    "more", [{"name": ""}, {"name": "\x00\x1b[31m"}, {"version": "///"}, {"version": None}, {"description": 5}]
)
def test_whatever_a_list_says_of_itself_it_can_be_read_again(tmp_path: Path, own_folder: Path, more: dict[str, object]) -> None:
    misp(tmp_path / "a", ["192.0.2.0/24"], **more)
    try:
        importing.import_files([tmp_path / "a"], Wishes(), own_folder)
    except UsageError as error:
        assert "names no organisation" in str(error)
    assert watchlists.load().newest()


_CELL = st.text(st.sampled_from('0123456789abcdef.:/*-#;,"\n\t \x00é＊'), max_size=12) | st.sampled_from(
    [
        "192.0.2.0/24",
        "0.0.0.0/0",
        "2001:db8::/32",
        "2026-01-01",
        "2025-01-01",
        "*.example.org",
        "prefix",
        "from",
        "to",
        "name",
        "org",
    ]
)


@given(st.sampled_from([".txt", ".csv", ".json", ".toml"]), st.lists(st.lists(_CELL, max_size=5), max_size=6), st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_is_a_surprise(tmp_path: Path, own_folder: Path, kind: str, rows: list[list[str]], misp_like: bool) -> None:
    """Whatever stands in a file: a list that can be read again, or one sentence."""
    text = "\n".join(",".join(row) for row in rows)
    if kind == ".json" and misp_like:
        text = json.dumps({"name": "x", "list": [cell for row in rows for cell in row], "version": text[:9]})
    if kind == ".csv" and misp_like:
        text = "prefix,from,to,name,org\n" + text
    (tmp_path / f"f{kind}").write_text(text, encoding="utf-8")
    try:
        importing.import_files([tmp_path / f"f{kind}"], Wishes(), own_folder)
    except TeitenError:
        return
    assert len(watchlists.load().newest()) > 4


def test_other_misfortunes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no"):
        importing.read([tmp_path / "absent"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no list that I know"):
        importing.read([tmp_path / "empty"])
    with pytest.raises(InputError, match="has no column of prefixes"):
        importing.read([write(tmp_path / "x.csv", "a,b\n1,2\n")])
    with pytest.raises(InputError, match="is no JSON"):
        importing.read([write(tmp_path / "x.json", "{")])
    misp(tmp_path / "m" / "a", ["192.0.2.0/24"])
    misp(tmp_path / "m" / "b", ["192.0.2.0/24"])
    with pytest.raises(UsageError, match="hold 2 lists, so --name cannot name them"):
        importing.read([tmp_path / "m"], Wishes(name="x"))
