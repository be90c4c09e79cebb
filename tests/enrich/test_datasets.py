"""The package's data sets, the choice by day, what must be attributed, and writing a set whole or not at all."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from teiten.data import countries
from teiten.enrich import _table, datasets
from teiten.errors import DataError, UsageError


def made(folder: Path, name: str, day: str, code: str = "JP", kind: datasets.Kind = "country") -> datasets.DataSet:
    number, text = (ord(code[0]) << 8 | ord(code[1]), code) if kind == "country" else (int(code), f"AS of {code}")
    tables = (
        _table.build(4, [(0x08000000, 0x08FFFFFF, number)]),
        _table.build(6, [(0x2A00 << 112, (0x2A01 << 112) - 1, number)]),
    )
    return datasets.write(
        folder, kind=kind, name=name, date=dt.date.fromisoformat(day), licence="ours", source="a test", links=[(name, None)],
        tables=tables, names={number: text},
    )  # fmt: skip


def test_the_package_carries_both_kinds_small_and_dated() -> None:
    package = [d for d in datasets.catalogue() if not d.own]
    assert sorted(d.kind for d in package) == ["asn", "country"]
    for data in package:
        assert data.licence == "CC BY 4.0"
        assert dt.date(2024, 1, 1) < data.date
        assert all(p.stat().st_size < 1_400_000 for p in data.folder.iterdir())
        assert list(data.folder.glob("*LICENSE"))
        assert data.entries == {"v4": len(data.v4), "v6": len(data.v6), "names": len(data._names[0])}
        assert data.entries["v4"] > 300_000


def test_every_country_of_the_package_has_a_name() -> None:
    data = next(d for d in datasets.of_kind("country") if not d.own)
    assert set(data._names[1]) <= set(countries.table())


def test_the_newest_not_later_than_the_day_else_the_oldest(own_folder: Path) -> None:
    package = datasets.of_kind("country")[0].date
    for day in ("2020-05-01", "2021-05-01"):
        made(own_folder, "mine", day)

    def chosen(day: str) -> str:
        found = datasets.of_day("country", dt.date.fromisoformat(day))
        assert found is not None
        return found.date.isoformat()

    assert chosen("2019-01-01") == "2020-05-01"
    assert chosen("2020-05-01") == "2020-05-01"
    assert chosen("2021-04-30") == "2020-05-01"
    assert chosen("2021-05-01") == "2021-05-01"
    assert chosen("2099-01-01") == package.isoformat()


def test_of_two_of_a_day_the_users_own_counts(own_folder: Path) -> None:
    day = datasets.of_kind("asn")[0].date
    made(own_folder, "aaa", day.isoformat(), "64500", "asn")
    found = datasets.of_day("asn", day)
    assert found is not None and found.own


def test_attributions_of_the_package() -> None:
    ids = [d.id for d in datasets.catalogue()]
    found = datasets.attributions(["+".join(ids), None, "+".join(ids)])
    assert [(a.kind, a.text, a.url) for a in found] == [
        ("country", "IP Geolocation by DB-IP", "https://db-ip.com"),
        ("asn", "RouteViews", "https://www.routeviews.org"),
        ("asn", "IP Geolocation by DB-IP", "https://db-ip.com"),
        ("asn", "NRO", "https://www.nro.net"),
    ]
    assert found[0].line("ja").startswith("国の判定: IP Geolocation by DB-IP (CC BY 4.0)")
    assert found[0].line("en").startswith("Countries: IP Geolocation by DB-IP (CC BY 4.0)")


def test_data_that_are_gone_are_still_named() -> None:
    (only,) = datasets.attributions(["geolite2-country-2019-03-05"])
    assert (only.name, only.date, only.text) == ("geolite2-country", dt.date(2019, 3, 5), "geolite2-country")
    assert "2019-03-05" in only.line("ja")


def test_the_same_set_again_is_nothing_new_another_is_refused(own_folder: Path) -> None:
    first = made(own_folder, "mine", "2021-05-01")
    again = made(own_folder, "mine", "2021-05-01")
    assert first.folder == again.folder
    with pytest.raises(UsageError, match="called mine of 2021-05-01 already"):
        made(own_folder, "mine", "2021-05-01", "US")
    assert [p.name for p in own_folder.iterdir()] == ["country-mine-2021-05-01"]


def test_a_write_that_fails_leaves_nothing(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError):
        made(own_folder, "mine", "2021-05-01")
    assert list(own_folder.iterdir()) == []


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"format": 99}', '{"format": 1, "kind": "city"}', '{"format": 1, "kind": "country"}']
)
def test_a_broken_set_is_told_with_what_to_do(own_folder: Path, content: str) -> None:
    data = made(own_folder, "mine", "2021-05-01")
    (data.folder / "about.json").write_text(content)
    datasets.forget()
    with pytest.raises(DataError, match=r"about\.json.*Remove .* and import it again"):
        datasets.catalogue()


@pytest.mark.parametrize("part", ["v4.xz", "names.xz"])
def test_a_broken_table_is_told(own_folder: Path, part: str) -> None:
    data = made(own_folder, "mine", "2021-05-01")
    path = data.folder / part
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=part):
        data.texts(data.v4.codes)


def test_where_the_users_data_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TEITEN_DATA", str(tmp_path))
    assert datasets.user_folder() == tmp_path / "geo"
    monkeypatch.delenv("TEITEN_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "x"))
    assert datasets.user_folder() == tmp_path / "x/teiten/geo"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert datasets.user_folder().parts[-4:] == (".local", "share", "teiten", "geo")
