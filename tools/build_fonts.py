"""Builds the fonts in src/teiten/data/fonts from Noto Sans CJK JP: a subset under a name of its own.

Run by hand, when the choice of characters changes or a new Noto appears; what it writes is committed.

    apt-get install fonts-noto-cjk
    python3 -m venv /tmp/fonts && /tmp/fonts/bin/pip install fonttools brotli
    /tmp/fonts/bin/python tools/build_fonts.py /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc src/teiten/data/fonts

Why a name of its own: the subset is a Modified Version under the SIL Open Font License 1.1. Noto Sans CJK states no
Reserved Font Name, but the family that it comes from reserves "Source", and Noto is a trademark of Google: "Teiten
Sans" uses neither. Copyright and licence stay in the name table and beside the files (LICENSE-OFL.txt).

Why no layout features: without kerning and substitution the width of a text is the sum of its advances, so a layout
that is computed in Python is right to the unit in every renderer.
"""

from __future__ import annotations

import io
import lzma
import sys
from pathlib import Path
from typing import Any

from fontTools import subset  # type: ignore[import-not-found]
from fontTools.ttLib import TTCollection, TTFont  # type: ignore[import-not-found]

FAMILY = "Teiten Sans"
# What Noto's face index 0 is: the JP forms. The build is the same to the byte on the same Noto and fontTools.
FACE = 0

# Kanji of the jōyō list and of reports like ours that JIS X 0208 keeps in level 2; names of places too.
BEYOND_LEVEL_1 = (
    "亘凛凜彙憬憚戮捗拿攪晏曖沽渾滲潰煽熾瑕璧畝痺瘍癒瞑祟竄竜籠糾紊罹羞脆腔臆蔓藉詮詐謗諧謳贋躊躇軋遡遽邁鑑隘隠顆颯驕鬱麒麟堺"
)
# Signs of charts and of text that JIS X 0208 lacks.
SIGNS = "–—‘’“”•…‰′″‹›€™−∕∙≈≤≥⋯①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳㈱№℡↑→↓←↔↕↖↗↘↙▲△▶▷▼▽◀◁◆◇○◎●■□★☆✓〜～‐‑‒"


def characters() -> list[int]:
    """The code points to keep: ASCII, Latin-1, Latin Extended-A, kana, Greek, Cyrillic, JIS X 0208 to level 1, signs."""
    wanted = set(range(0x20, 0x7F)) | set(range(0xA0, 0x180)) | set(range(0x3000, 0x3100)) | set(range(0xFF61, 0xFFA0))
    wanted |= set(range(0x218, 0x21C)) | set(range(0xFF01, 0xFF5F))
    wanted |= {ord(c) for c in BEYOND_LEVEL_1 + SIGNS}
    for row in range(1, 48):  # rows 1-8 signs, letters, kana, Greek, Cyrillic, rules; 16-47 kanji level 1
        for cell in range(1, 95):
            try:
                text = bytes((0xA0 + row, 0xA0 + cell)).decode("euc_jp")
            except UnicodeDecodeError:
                continue
            wanted.add(ord(text))
    return sorted(wanted)


def rename(font: TTFont) -> None:
    """Gives the subset its own family name; keeps copyright, designers and licence."""
    table = font["name"]
    source = str(table.getDebugName(5))
    table.names = [n for n in table.names if n.nameID in (0, 8, 9, 10, 12, 13, 14) and n.langID in (0, 0x409)]
    new = {
        1: FAMILY,
        2: "Regular",
        3: f"{FAMILY} Regular, from Noto Sans CJK JP {source}",
        4: FAMILY,
        5: source,
        6: "TeitenSans-Regular",
    }
    for number, text in new.items():
        table.setName(text, number, 3, 1, 0x409)
    if "CFF " in font:
        cff = font["CFF "].cff
        cff.fontNames = ["TeitenSans-Regular"]
        top = cff.topDictIndex[0]
        top.FullName, top.FamilyName = FAMILY, FAMILY


def build(source: Path) -> TTFont:
    """The subset, not hinted, without layout features."""
    collection = TTCollection(str(source), lazy=True)
    font = collection.fonts[FACE]
    font.recalcTimestamp = False
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.desubroutinize = True  # outlines.py reads the glyphs without a stack of subroutines
    options.name_IDs = ["*"]
    options.notdef_outline = True
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx", "DSIG"]
    options.recalc_timestamp = False
    tool = subset.Subsetter(options)
    tool.populate(unicodes=characters())
    tool.subset(font)
    rename(font)
    return font


def widths(font: TTFont) -> str:
    """Runs of code points with one advance width: 'first last width' (hex hex decimal), units of 1/1000 em."""
    cmap: dict[int, str] = font.getBestCmap()
    metrics: dict[str, tuple[int, int]] = font["hmtx"].metrics
    assert font["head"].unitsPerEm == 1000
    runs: list[list[int]] = []
    for point in sorted(cmap):
        width = metrics[cmap[point]][0]
        if runs and runs[-1][1] == point - 1 and runs[-1][2] == width:
            runs[-1][1] = point
        else:
            runs.append([point, point, width])
    head = (
        "# Advance widths of Teiten Sans, 1/1000 em: first and last code point (hex), width. Written by tools/build_fonts.py\n"
    )
    return head + "".join(f"{a:X} {b:X} {w}\n" for a, b, w in runs)


def saved(font: TTFont, flavor: str | None) -> bytes:
    """The font file's bytes."""
    out = io.BytesIO()
    font.flavor = flavor
    font.save(out, reorderTables=True)
    return out.getvalue()


def main(arguments: list[str]) -> int:
    source, target = Path(arguments[0]), Path(arguments[1])
    font: Any = build(source)
    plain = saved(font, None)
    files = {
        "teiten-sans.woff2": saved(TTFont(io.BytesIO(plain), recalcTimestamp=False), "woff2"),
        "teiten-sans.otf.xz": lzma.compress(plain, preset=9 | lzma.PRESET_EXTREME),
        "teiten-sans.widths.txt": widths(TTFont(io.BytesIO(plain))).encode("ascii"),
    }
    missing = sorted(set(characters()) - set(TTFont(io.BytesIO(plain)).getBestCmap()))
    for name, data in files.items():
        (target / name).write_bytes(data)
        print(f"{name}: {len(data):,} bytes")
    print(f"plain: {len(plain):,} bytes; {len(missing)} of the characters asked for are not in the source:", end=" ")
    print(" ".join(f"U+{c:04X}" for c in missing[:40]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
