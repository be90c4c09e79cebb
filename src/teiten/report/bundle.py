"""A report as a folder that can be published as it is: page, text for a blog, charts, rows, SQL, font; whole or not there."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import os
import re
import shutil
import tempfile
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from teiten.data import fonts
from teiten.errors import TeitenError
from teiten.lang import Words
from teiten.publish import leaks
from teiten.report import figures
from teiten.report.markdown import markdown
from teiten.report.model import Block, Data, Report
from teiten.report.page import STYLE, chart_path, csv_path, page, sql_path, style

WIDE: Final = 860
"""px: charts of the page, and of charts/"""
NARROW: Final = 358
"""px: the same charts for a telephone of 390 px"""
MARK: Final = "index.html"
_THEME_COLOURS: Final = ("paper", "ink", "muted", "rule", "axis", "other", "unknown", "gap", "gap_paper", "accent", "fall")


def write(report: Report, words: Words, out: Path, secret: Collection[bytes]) -> list[str]:
    """Writes the folder `out`; returns the names of its files.

    `secret` are the packed destination addresses: TeitenError, and nothing written, where a file would name one. An
    older report in the place is replaced whole; TeitenError where the folder holds other things.
    """
    check_place(out)
    files = render(report, words)
    leak = leaks.find(files, secret)
    if leak is not None:
        raise TeitenError(
            f"The report was not written: its file {leak} would name an address of a sensor.",
            hint="Is a sensor or an input named after its address? Give it another name.",
        )
    _put(files, out)
    return sorted(files)


def render(report: Report, words: Words, *, pictures: bool = True) -> dict[str, bytes]:
    """Every file of the folder, by its name in it; without `pictures` all but the PNGs, which take the longest.

    They are drawn side by side: resvg lets go of the interpreter.
    """
    files: dict[str, bytes] = {}
    blocks = [block for section in report.sections for block in section.blocks]
    drawn: dict[str, tuple[str, str]] = {}
    alts: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        drawing = {}
        for block in blocks:
            files[csv_path(block.data)] = csv_bytes(block.data)
            files[sql_path(block.data)] = block.data.sql.encode()
            if block.figure is None:
                continue
            wide = figures.draw(block.figure, width=WIDE, lang=report.lang)
            # files that leave the folder carry their letters as shapes: they need no font
            alone = figures.draw(block.figure, width=WIDE, lang=report.lang, outlines=True)
            files[chart_path(block.data, "svg")] = alone.encode()
            if pictures:
                drawing[chart_path(block.data, "png")] = pool.submit(figures.png, alone, scale=2)
            drawn[block.data.id] = _inline(block, wide, report.lang)
            alts[block.data.id] = block.figure.alt or block.figure.title
        files["index.html"] = page(report, words, drawn).encode()
        files["report.md"] = markdown(report, words, drawn, alts).encode()
        files[STYLE] = (style() + theme_css()).encode()
        files["fonts/teiten-sans.woff2"] = fonts.WOFF2.read_bytes()
        files["fonts/LICENSE-OFL.txt"] = fonts.LICENCE.read_bytes()
        for name, picture in drawing.items():
            files[name] = picture.result()
    return files


def _inline(block: Block, wide: str, lang: str) -> tuple[str, str]:
    """The chart for the page, wide and narrow. Ids are the page's own: each drawing has its own names in it."""
    slim = dataclasses.replace(block.figure, id=f"{block.figure.id}-slim")
    return themed(wide), themed(figures.draw(slim, width=NARROW, lang=lang))


def themed(svg: str) -> str:
    """The drawing with the theme's colours as variables of the style sheet, so that it follows light and dark.

    Not `plain`: it is a port's colour too, and a thing keeps its colour.
    """
    names = {getattr(figures.LIGHT, name): name for name in reversed(_THEME_COLOURS)}
    pattern = re.compile(r'(fill|stroke)="(#[0-9a-f]{6})"')
    return pattern.sub(lambda m: f'{m[1]}="var(--chart-{names[m[2]].replace("_", "-")})"' if m[2] in names else m[0], svg)


def theme_css() -> str:
    """The variables that `themed` uses, for light, dark and paper."""

    def rules(theme: Any) -> str:
        return " ".join(f"--chart-{name.replace('_', '-')}: {getattr(theme, name)};" for name in _THEME_COLOURS)

    return (
        f"/* the charts' own colours */\n:root {{ {rules(figures.LIGHT)} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {rules(figures.DARK)} }} }}\n"
    )


def csv_bytes(data: Data) -> bytes:
    """The rows as CSV: times ISO 8601 with zone, shares as numbers, no cell that a spreadsheet would take for a formula."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(data.columns)
    writer.writerows([_cell(value) for value in row] for row in data.rows)
    return sink.getvalue().encode()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r", "\0"):
        return "'" + value
    return value


def check_place(out: Path) -> None:
    """TeitenError where `out` is a file, or a folder with something else than a report in it."""
    if out.is_dir():
        names = {p.name for p in out.iterdir()}
        if names and not {MARK, "report.md", STYLE} <= names:
            raise TeitenError(
                f"{out} is a folder with other things in it, so no report was written there.",
                hint="Name another place with --out.",
            )
    elif out.exists():
        raise TeitenError(f"{out} is a file, so no report was written there.", hint="Name another place with --out.")


def _put(files: dict[str, bytes], out: Path) -> None:
    """Writes under a temporary name, then renames: a reader sees the old report or the new one, never half of one."""
    temporary = old = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent))
        for name, content in files.items():
            path = temporary / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o777 & ~umask)
        if out.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".old", dir=out.parent))
            out.rename(old / out.name)
        temporary.rename(out)
    except OSError as error:
        if old is not None and not out.exists() and (old / out.name).exists():
            (old / out.name).rename(out)
        raise TeitenError(
            f"The report {out} cannot be written: {error.strerror or error}; nothing was left there.",
            hint="Make room, or name another place with --out.",
        ) from None
    finally:
        for folder in (temporary, old):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
