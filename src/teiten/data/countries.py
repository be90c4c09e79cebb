"""Countries and territories: ISO 3166 alpha-2 codes with the short names that newspapers use, in Japanese and English.

The table is `countries.csv`, made by `tools/build_countries.py` from CLDR with overrides of our own.
"""

from __future__ import annotations

import csv
import functools
import unicodedata
from dataclasses import dataclass
from importlib import resources
from typing import Final

UNKNOWN: Final = {"ja": "不明", "en": "unknown"}
"""What stands in a row whose country no data tells."""


@dataclass(frozen=True, slots=True)
class Country:
    """One row of the table. `aliases` are further spellings that `find` understands."""

    code: str
    ja: str
    en: str
    aliases: tuple[str, ...]


@functools.cache
def table() -> dict[str, Country]:
    """Code -> country, in the order of the codes."""
    text = resources.files("teiten.data").joinpath("countries.csv").read_text(encoding="utf-8")
    return {
        row["alpha2"]: Country(row["alpha2"], row["ja"], row["en"], tuple(a for a in row["aliases"].split("|") if a))
        for row in csv.DictReader(text.splitlines())
    }


def name(code: str | None, lang: str) -> str:
    """The short name in 'ja' or 'en'. None is 不明 / unknown; a code that the table lacks stands for itself."""
    if not code:
        return UNKNOWN[lang]
    country = table().get(code.upper())
    if country is None:
        return code
    return country.ja if lang == "ja" else country.en


def _key(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c not in " .,・-'’_")


@functools.cache
def _index() -> dict[str, str]:
    found: dict[str, str] = {}
    for country in table().values():
        for spelling in (country.ja, country.en, *country.aliases):
            found.setdefault(_key(spelling), country.code)
    # a code wins over any other country's spelling
    found.update({code.casefold(): code for code in table()})
    return found


def find(text: str) -> str | None:
    """The code that a code, a Japanese or an English name means, whatever its case; None where there is none."""
    return _index().get(_key(text))
