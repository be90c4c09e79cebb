"""The user's own files, as the free databases come: MMDB and CSV in their several shapes."""

from __future__ import annotations

import datetime as dt
import gzip
import ipaddress
import os
from pathlib import Path
from typing import Any

import pytest

from teiten.enrich import datasets, importing
from teiten.enrich.geo import lookup
from teiten.errors import InputError, UsageError

from .test_mmdb import write as write_mmdb  # type: ignore[import-not-found]


def told(data: datasets.DataSet, *addresses: str) -> list[tuple[int, str | None]]:
    return [lookup(ipaddress.ip_address(a).packed, data) for a in addresses]


def countries_of(data: datasets.DataSet, *addresses: str) -> list[str | None]:
    return [text for _, text in told(data, *addresses)]


def file(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("record", "country", "asn", "name"),
    [
        ({"country": {"iso_code": "JP", "names": {"ja": "日本"}}}, "JP", None, None),  # GeoLite2, DB-IP
        ({"country_code": "JP"}, "JP", None, None),  # ip-location-db
        ({"country": "JP", "asn": "AS2500", "as_name": "WIDE"}, "JP", 2500, "WIDE"),  # IPinfo, both in one
        ({"country": "Japan", "country_code": "JP"}, "JP", None, None),  # IPinfo Lite
        ({"autonomous_system_number": 2500, "autonomous_system_organization": "WIDE"}, None, 2500, "WIDE"),  # GeoLite2 ASN
        ({"asn": 4200000000, "name": "Large"}, None, 4200000000, "Large"),
    ],
)
def test_the_shapes_of_mmdb(
    tmp_path: Path, record: dict[str, Any], country: str | None, asn: int | None, name: str | None
) -> None:
    path = write_mmdb(tmp_path / "a.mmdb", {"1.0.0.0/8": record, "2a00::/16": record})
    made = {d.kind: d for d in importing.import_files([path])}
    assert set(made) == {k for k, v in (("country", country), ("asn", asn)) if v}
    if country:
        assert countries_of(made["country"], "1.2.3.4", "2a00:5::1", "9.9.9.9") == [country, country, None]
    if asn:
        assert told(made["asn"], "1.2.3.4", "2a00:5::1", "9.9.9.9") == [(asn, name), (asn, name), (0, None)]
    assert all(d.own and d.date == dt.date(2025, 10, 9) and d.name == "test-country" for d in made.values())


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("1.0.0.0,1.255.255.255,JP\n2.0.0.0,2.0.0.255,FR\n", "country"),
        ("16777216,33554431,JP\n33554432,33554687,FR\n", "country"),
        ("1.0.0.0/8,jp\n2.0.0.0/24,FR\n", "country"),
        ("network,country_code\n1.0.0.0/8,JP\n2.0.0.0/24,FR\n", "country"),
        (
            "﻿start_ip,end_ip,country,country_name\r\n1.0.0.0,1.255.255.255,JP,Japan\r\n2.0.0.0,2.0.0.255,FR,France\r\n",
            "country",
        ),
        ('# a comment\n"1.0.0.0","1.255.255.255","JP"\n\n"2.0.0.0","2.0.0.255","FR"\n', "country"),
    ],
)
def test_the_shapes_of_a_countries_csv(tmp_path: Path, text: str, asked: datasets.Kind) -> None:
    (data,) = importing.import_files([file(tmp_path, "mine.csv", text)], name="mine", date=dt.date(2026, 1, 2))
    assert data.kind == asked
    assert countries_of(data, "1.2.3.4", "2.0.0.255", "2.0.1.0") == ["JP", "FR", None]
    assert data.id == "mine-2026-01-02"


@pytest.mark.parametrize(
    "text",
    [
        '1.0.0.0,1.255.255.255,2500,"WIDE, Project"\n',
        '1.0.0.0/8,AS2500,"WIDE, Project"\n',
        'network,autonomous_system_number,autonomous_system_organization\n1.0.0.0/8,2500,"WIDE, Project"\n',
    ],
)
def test_the_shapes_of_an_as_csv(tmp_path: Path, text: str) -> None:
    (data,) = importing.import_files([file(tmp_path, "a.csv", text)])
    assert told(data, "1.2.3.4") == [(2500, "WIDE, Project")]


def test_ipv4_and_ipv6_files_make_one_set_compressed_or_not(tmp_path: Path) -> None:
    four = tmp_path / "c-v4.csv.gz"
    four.write_bytes(gzip.compress(b"1.0.0.0,1.0.0.255,AU\n"))
    six = file(tmp_path, "c-v6-num.csv", f"{0x2A00 << 112},{(0x2A01 << 112) - 1},DE\n")
    (data,) = importing.import_files([four, six], name="c")
    assert countries_of(data, "1.0.0.9", "2a00::9") == ["AU", "DE"]


def test_geolite2s_blocks_with_their_locations(tmp_path: Path) -> None:
    folder = tmp_path / "GeoLite2-Country-CSV_20261103"
    folder.mkdir()
    blocks = file(
        folder,
        "GeoLite2-Country-Blocks-IPv4.csv",
        "network,geoname_id,registered_country_geoname_id\n1.0.0.0/24,2077456,1\n1.0.1.0/24,,1\n",
    )
    with pytest.raises(InputError, match="locations file"):
        importing.import_files([blocks])
    file(
        folder,
        "GeoLite2-Country-Locations-en.csv",
        "geoname_id,locale_code,country_iso_code,country_name\n2077456,en,AU,Australia\n",
    )
    (data,) = importing.import_files([blocks])
    assert countries_of(data, "1.0.0.1", "1.0.1.1") == ["AU", None]
    assert data.date == dt.date(2026, 11, 3)
    assert (data.licence, data.links[0][1]) == ("GeoLite End User License", "https://www.maxmind.com")


def test_the_date_is_the_files_or_its_names_or_its_modification_times(tmp_path: Path) -> None:
    named = file(tmp_path, "dbip-country-lite-2026-10.csv", "1.0.0.0,1.0.0.255,AU\n")
    (data,) = importing.import_files([named])
    assert (data.date, data.name, data.licence) == (dt.date(2026, 10, 1), "dbip-country-lite", "CC BY 4.0")
    bare = file(tmp_path, "mine.csv", "1.0.0.0,1.0.0.255,AU\n")
    os.utime(bare, (1_700_000_000, 1_700_000_000))
    said: list[str] = []
    (data,) = importing.import_files([bare], say=said.append)
    assert data.date == dt.date(2023, 11, 14)
    assert "2023-11-14 is their modification time's" in said[0]


def test_a_narrower_prefix_wins(tmp_path: Path) -> None:
    (data,) = importing.import_files([file(tmp_path, "n.csv", "9.0.0.0/8,US\n9.1.0.0/16,JP\n9.1.2.0/24,KR\n")])
    assert countries_of(data, "9.0.0.1", "9.1.0.1", "9.1.2.1", "9.1.3.1", "9.2.0.1") == ["US", "JP", "KR", "JP", "US"]


def test_unreadable_lines_are_counted_and_told(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        "n.csv",
        "9.0.0.0/8,US\nnonsense,JP\n10.0.0/99,KR\n11.0.0.0/8,Japan\n12.0.0.0/8,ZZ\n13.0.0.0/8,\n8.0.0.0/8,FR\n7.0.0.0/8,FR\n",
    )
    said: list[str] = []
    (data,) = importing.import_files([path], date=dt.date(2026, 1, 1), say=said.append)
    assert said == ["3 entries could not be read, the first at line 2; they are left out."]
    assert countries_of(data, "9.0.0.1", "12.0.0.1", "8.0.0.1") == ["US", None, "FR"]


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"\x00\x01\x02" * 500, b"a,b,c\n1,2,3\n", b"1.0.0.0,1.0.0.1,Nowhere\n", b"\x1f\x8bno gzip"]
)
def test_what_is_neither_is_refused(tmp_path: Path, content: bytes, own_folder: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.csv"):
        importing.import_files([path])
    assert not own_folder.exists()


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        importing.import_files([tmp_path / "none.mmdb"])


def test_a_broken_mmdb(tmp_path: Path) -> None:
    path = tmp_path / "x.mmdb"
    path.write_bytes(b"\0" * 1000)
    with pytest.raises(InputError, match="no MMDB"):
        importing.import_files([path])


@pytest.mark.parametrize("name", ["", "A", "a b", "../x", "a+b", "x" * 41, "-a"])
def test_a_name_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a data set"):
        importing.import_files([file(tmp_path, "n.csv", "9.0.0.0/8,US\n")], name=name)


def test_only_the_kind_that_was_asked_for(tmp_path: Path) -> None:
    path = write_mmdb(tmp_path / "a.mmdb", {"1.0.0.0/8": {"country_code": "JP", "asn": 2500}})
    (data,) = importing.import_files([path], kind="asn")
    assert data.kind == "asn"
    with pytest.raises(InputError, match="tells no country"):
        importing.import_files([file(tmp_path, "b.csv", "1.0.0.0/8,2500\n")], kind="country")


def test_imported_countries_count_for_events_of_their_day(tmp_path: Path) -> None:
    importing.import_files([file(tmp_path, "n.csv", "8.0.0.0/8,KR\n")], name="mine", date=dt.date(2019, 2, 1))
    found = datasets.of_day("country", dt.date(2019, 3, 1))
    assert found is not None
    assert countries_of(found, "8.8.8.8") == ["KR"]
