"""An index.html of the pictures that the browser tests left in a folder: all variants of a page beside each other.

usage: python tools/shots.py [FOLDER]    (default: $TEITEN_SHOTS, else .ci/artifacts/shots)
"""

from __future__ import annotations

import html
import os
import re
import sys
from pathlib import Path
from urllib.parse import quote

_NAME = re.compile(r"(?P<page>.+?)-(?P<variant>(?:ja|en)(?:-.+)?)\.(?:png|pdf)")
"""as tests/web/test_pages_shots.py and tests/site/test_pages_browser.py name them: page-language-width[-dark]"""
_STYLE = """
body { margin: 1rem; font: 14px/1.5 sans-serif; }
div { display: flex; flex-wrap: wrap; gap: .6rem; align-items: start; }
figure { margin: 0; } figcaption { color: #555; font-size: 12px; }
img { display: block; max-width: 22rem; max-height: 34rem; border: 1px solid #ccc; }
"""


def page(folder: Path) -> str:
    """The text of the index; its pictures are taken from beside it."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(folder.iterdir()):
        if found := _NAME.fullmatch(path.name):
            groups.setdefault(found["page"], []).append((found["variant"], path.name))
    parts = []
    for name, files in groups.items():
        shown = "".join(_figure(variant, file) for variant, file in files)
        parts.append(f'<h2 id="{html.escape(name)}">{html.escape(name)}</h2><div>{shown}</div>')
    head = f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Pages</title><style>{_STYLE}</style>'
    return f"{head}<h1>Pages ({sum(map(len, groups.values()))} pictures)</h1>{''.join(parts)}</html>\n"


def _figure(variant: str, file: str) -> str:
    way = quote(file)
    image = f'<img src="{way}" alt="{html.escape(variant)}" loading="lazy">' if file.endswith(".png") else "PDF"
    return f'<figure><a href="{way}">{image}</a><figcaption>{html.escape(variant)}</figcaption></figure>'


def main() -> int:
    """Writes FOLDER/index.html; a folder that is not there is no failure: without Chromium there are no pictures."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TEITEN_SHOTS") or ".ci/artifacts/shots")
    if not folder.is_dir():
        print(f"There are no pictures in {folder}.", file=sys.stderr)
        return 0
    (folder / "index.html").write_text(page(folder), encoding="utf-8")
    print(f"pictures of every page: {folder / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
