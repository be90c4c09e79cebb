"""Every country has one region, and well-known ones have theirs."""

from __future__ import annotations

import pytest

from teiten import lang
from teiten.data import countries, regions


def test_every_country_has_a_region() -> None:
    assert list(regions.table()) == list(countries.table())
    assert set(regions.table().values()) == set(regions.REGIONS)
    assert sorted(code for region in regions.REGIONS for code in regions.members(region)) == sorted(countries.table())


@pytest.mark.parametrize("code", lang.languages())
def test_every_region_has_a_name(code: str) -> None:
    assert all(lang.words(code)(f"region.{region}") for region in regions.REGIONS)


@pytest.mark.parametrize(
    ("region", "codes"),
    [
        ("east_asia", "JP CN KR TW HK"), ("southeast_asia", "VN ID TH SG"), ("south_asia", "IN PK IR"),
        ("west_asia", "TR IL KZ"),
        ("north_america", "US CA"), ("latin_america", "BR MX AR CU"), ("west_europe", "DE FR GB NL IT SE"),
        ("east_europe", "RU UA PL BG RO"), ("africa", "ZA EG NG"), ("oceania", "AU NZ"),
    ],
)  # fmt: skip
def test_well_known_countries(region: str, codes: str) -> None:
    assert set(codes.split()) <= set(regions.members(region))


def test_no_such_region() -> None:
    with pytest.raises(KeyError):
        regions.members("atlantis")
