"""Builds the small font of the dashboard: src/teiten/web/static/teiten-sans-charts.woff2 and fonts.css.

Of the package's font (512 kB) a page's charts mostly need some 700 letters: digits, Latin, kana, and the kanji of dates, units
and countries. These are a file of their own; the whole font is fetched only where a chart has another letter.

    python3 -m venv /tmp/fonts && /tmp/fonts/bin/pip install fonttools brotli
    /tmp/fonts/bin/python tools/build_web_font.py
"""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

from fontTools import subset  # type: ignore[import-not-found]
from fontTools.ttLib import TTFont  # type: ignore[import-not-found]

ROOT = Path(__file__).resolve().parents[1] / "src" / "teiten"
WHOLE = ROOT / "data" / "fonts" / "teiten-sans.woff2"
STATIC = ROOT / "web" / "static"
NAME = "teiten-sans-charts.woff2"
TABLES = ("date", "number", "duration", "chart", "thing", "web", "web_look")
"""tables of words from which charts of pages are written"""


def wanted() -> set[int]:
    """The code points: ASCII, Latin-1, signs, kana, what is in those words and in the names of countries."""
    out = {*range(0x20, 0x7F), *range(0xA0, 0x100), *range(0x2010, 0x2040), 0x2212, 0x25A1, *range(0x3000, 0x3100)}
    words = tomllib.loads((ROOT / "lang" / "ja.toml").read_text(encoding="utf-8"))
    texts = [text for table in TABLES for text in words[table].values() if isinstance(text, str)]
    with (ROOT / "data" / "countries.csv").open(encoding="utf-8") as file:
        texts += [row["ja"] for row in csv.DictReader(file)]
    return out | {ord(char) for text in texts for char in text}


def ranges(points: set[int]) -> str:
    """Code points as CSS writes them: U+20-7E, U+A0."""
    runs: list[list[int]] = []
    for point in sorted(points):
        if runs and point == runs[-1][1] + 1:
            runs[-1][1] = point
        else:
            runs.append([point, point])
    return ",".join(f"U+{a:X}" if a == b else f"U+{a:X}-{b:X}" for a, b in runs)


def main() -> None:
    font = TTFont(WHOLE, recalcTimestamp=False)
    points = wanted() & set(font.getBestCmap())
    options = subset.Options(layout_features=[], name_IDs=["*"], notdef_outline=True, hinting=False, recalc_timestamp=False)
    made = subset.Subsetter(options)
    made.populate(unicodes=points)
    made.subset(font)
    font.flavor = "woff2"
    font.save(STATIC / NAME)
    face = '@font-face {{ font-family: "Teiten Sans"; src: url("{}") format("woff2"); font-display: swap;{} }}\n'
    # of two faces that have a letter, the later is taken
    text = "/* made by tools/build_web_font.py */\n" + face.format(WHOLE.name, "")
    (STATIC / "fonts.css").write_text(text + face.format(NAME, f" unicode-range: {ranges(points)};"), encoding="utf-8")
    print(len(points), "letters,", (STATIC / NAME).stat().st_size, "bytes")


if __name__ == "__main__":
    main()
