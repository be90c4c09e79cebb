"""Builds src/teiten/data/countries.csv: ISO 3166 codes with the short Japanese and English names that newspapers use.

The names are CLDR's (Unicode licence, kept in the file's neighbour `LICENSE.cldr`), shortened by our own
`countries_overrides.csv` beside this script. The Python package `babel` carries CLDR; it is wanted here alone:

    python3 -m venv /tmp/babel && /tmp/babel/bin/pip install babel
    /tmp/babel/bin/python tools/build_countries.py
"""

from __future__ import annotations

import csv
import re
import unicodedata
from pathlib import Path

from babel import Locale

HERE = Path(__file__).parent
OUT = HERE.parent / "src/teiten/data/countries.csv"

NOT_ISO = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
"""Two-letter territories of CLDR that ISO 3166-1 has not assigned. XK (Kosovo, user-assigned) stays: address data use it."""


def plain(text: str) -> str:
    """English as newspapers write it: 'and' for '&', no accents."""
    bare = unicodedata.normalize("NFD", text.replace(" & ", " and ").replace("’", "'"))
    return "".join(c for c in bare if not unicodedata.combining(c))


def main() -> None:
    ja, en = Locale("ja").territories, Locale("en").territories
    with (HERE / "countries_overrides.csv").open(encoding="utf-8", newline="") as file:
        ours = {row["alpha2"]: row for row in csv.DictReader(file)}
    codes = sorted(c for c in en if re.fullmatch("[A-Z]{2}", c) and c not in NOT_ISO)
    assert len(codes) == 250, len(codes)
    assert set(ours) <= set(codes), set(ours) - set(codes)
    with OUT.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["alpha2", "ja", "en", "aliases"])
        for code in codes:
            own = ours.get(code, {"ja": "", "en": "", "aliases": ""})
            short_ja, short_en = own["ja"] or ja[code], own["en"] or plain(en[code])
            others = [ja[code], en[code], plain(en[code]), *own["aliases"].split("|")]
            aliases = [a for a in dict.fromkeys(others) if a and a not in (short_ja, short_en)]
            out.writerow([code, short_ja, short_en, "|".join(aliases)])
    print(f"{OUT}: {len(codes)} countries and territories")


if __name__ == "__main__":
    main()
