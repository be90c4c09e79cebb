"""The table of countries: complete, short, drawable, and found by every spelling."""

import pytest

from teiten.data import countries


def test_the_table_is_iso_3166_with_kosovo() -> None:
    table = countries.table()
    assert len(table) == 250
    assert {"JP", "US", "TW", "HK", "XK"} <= set(table)
    assert not {"EU", "UN", "ZZ", "AP", "UK"} & set(table)


@pytest.mark.parametrize(
    ("code", "ja", "en"),
    [
        ("US", "米国", "United States"),
        ("CN", "中国", "China"),
        ("GB", "英国", "United Kingdom"),
        ("KR", "韓国", "South Korea"),
        ("KP", "北朝鮮", "North Korea"),
        ("TW", "台湾", "Taiwan"),
        ("HK", "香港", "Hong Kong"),
        ("MO", "マカオ", "Macau"),
        ("RU", "ロシア", "Russia"),
        ("VN", "ベトナム", "Vietnam"),
        ("AE", "アラブ首長国連邦", "United Arab Emirates"),
        ("NL", "オランダ", "Netherlands"),
        ("RO", "ルーマニア", "Romania"),
        ("BZ", "ベリーズ", "Belize"),
        (None, "不明", "unknown"),
    ],
)
def test_short_names(code: str | None, ja: str, en: str) -> None:
    assert countries.name(code, "ja") == ja
    assert countries.name(code, "en") == en


def test_a_code_that_the_table_lacks_stands_for_itself() -> None:
    assert countries.name("EU", "ja") == "EU"


def test_names_are_distinct_and_short() -> None:
    for lang in ("ja", "en"):
        names = [countries.name(code, lang) for code in countries.table()]
        assert len(set(names)) == len(names)
        assert max(map(len, names)) <= 30


def test_every_name_is_drawable_by_the_font() -> None:
    """Kana, JIS level 1 kanji (rows up to 47 of JIS X 0208) and ASCII: what the subset font holds."""
    for country in countries.table().values():
        assert country.en.isascii(), country
        for character in country.ja:
            if character.isascii():
                continue
            packed = character.encode("euc_jp")
            assert len(packed) == 2 and packed[0] - 0xA0 <= 47, f"{country.ja}: {character}"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("jp", "JP"),
        (" Jp ", "JP"),
        ("日本", "JP"),
        ("japan", "JP"),
        ("米国", "US"),
        ("アメリカ合衆国", "US"),
        ("U.S.", "US"),
        ("usa", "US"),
        ("UK", "GB"),
        ("イギリス", "GB"),
        ("中華人民共和国香港特別行政区", "HK"),
        ("hongkong", "HK"),
        ("トリニダードトバゴ", "TT"),
        ("コートジボワール", "CI"),
        ("Côte d'Ivoire", "CI"),
        ("ivory coast", "CI"),
        ("Türkiye", "TR"),
        ("VIET NAM", "VN"),
        ("nowhere", None),
        ("", None),
        ("不明", None),
    ],
)
def test_find(text: str, code: str | None) -> None:
    assert countries.find(text) == code


def test_every_name_and_code_finds_its_own_country() -> None:
    for code, country in countries.table().items():
        for text in (code, code.lower(), country.ja, country.en, *country.aliases):
            assert countries.find(text) == code, text
