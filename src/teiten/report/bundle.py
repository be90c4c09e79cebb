"""A report as a folder that can be published as it is: page, text for a blog, charts, rows, SQL, font; whole or not there."""

from __future__ import annotations

import dataclasses
import datetime as dt
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from teiten.data import fonts
from teiten.errors import TeitenError
from teiten.lang import Words
from teiten.publish import leaks
from teiten.report import figures, pdf, rows
from teiten.report.figures import animate, theme_css, themed
from teiten.report.manifest import NAME, earlier
from teiten.report.markdown import markdown
from teiten.report.model import Block, Report
from teiten.report.page import STYLE, chart_path, data_path, lines_path, page, sql_path, style

WIDE: Final = 860
"""px: charts of the page, and of charts/"""
NARROW: Final = 358
"""px: the same charts for a telephone of 390 px"""
MARK: Final = "index.html"
_LITTER: Final = {".DS_Store", "Thumbs.db", "desktop.ini"}
"""what file managers put into any folder"""


@dataclasses.dataclass(frozen=True, slots=True)
class Paper:
    """What a PDF of the report says of itself: when it was made, and by whom."""

    made: dt.datetime | None = None
    author: str = ""


def write(files: Mapping[str, bytes], out: Path, secret: Collection[bytes]) -> None:
    """Writes the folder `out` with these files (name in it -> bytes).

    `secret` are the packed addresses that must not be published: TeitenError, and nothing written, where a file would name
    one. An older report in the place is replaced whole; TeitenError where the folder holds other things.
    """
    check_place(out)
    leak = leaks.find(files, secret)
    if leak is not None:
        raise TeitenError(
            f"The report was not written: its file {leak} would name an address of a sensor.",
            hint="Is a sensor or an input named after its address, or does a note of yours spell it? Word it otherwise.",
        )
    _put(files, out)


def render(
    report: Report,
    words: Words,
    *,
    pictures: bool = True,
    progress: Callable[[int, int], None] | None = None,
    paper: Paper | None = None,
) -> dict[str, bytes]:
    """Every file of the folder, by its name in it; without `pictures` all but PNGs and moving pictures, which take longest.

    progress: told how many of how many charts are there as pictures. paper: what a PDF says of itself; None: there is none.
    """
    files: dict[str, bytes] = {}
    plain: dict[str, str] = {}
    if not pictures:
        report = _stilled(report)
    blocks = [block for section in report.sections for block in section.blocks]
    drawn: dict[str, tuple[str, str]] = {}
    alts: dict[str, str] = {}
    moving: dict[str, tuple[int, int]] = {}
    for block in blocks:
        files |= {data_path(block.data, kind): content for kind, content in rows.files(block.data).items()}
        if block.data.sql:
            files[sql_path(block.data)] = block.data.sql.encode()
        if block.figure is None:
            continue
        wide = figures.draw(block.figure, width=WIDE, lang=report.lang)
        # files that leave the folder carry their letters as shapes: they need no font
        alone = figures.draw(block.figure, width=WIDE, lang=report.lang, outlines=True)
        files[chart_path(block.data, "svg")] = alone.encode()
        plain[block.data.id] = wide
        drawn[block.data.id] = _inline(block, wide, report.lang)
        alts[block.data.id] = block.figure.alt or block.figure.title
        if block.animation is not None:
            moving[block.data.id] = animate.size(block.animation, report.lang)
    for quote in (quote for section in report.sections for quote in section.quotes if quote.file):
        files.setdefault(lines_path(quote), ("\n".join(quote.whole or quote.lines) + "\n").encode())
    if paper is not None:
        files[pdf.NAME] = pdf.write(report, words, plain, made=paper.made, author=paper.author)
    files["index.html"] = page(report, words, drawn, moving, pdf.NAME if paper is not None else "").encode()
    files["report.md"] = markdown(report, words, drawn, alts).encode()
    files[STYLE] = (style() + theme_css(one for pair in drawn.values() for one in pair)).encode()
    files["fonts/teiten-sans.woff2"] = fonts.WOFF2.read_bytes()
    files["fonts/LICENSE-OFL.txt"] = fonts.LICENCE.read_bytes()
    if pictures:
        files |= _pictures([b for b in blocks if b.figure is not None], files, report.lang, progress)
    return files


def _stilled(report: Report) -> Report:
    """The report without moving pictures."""
    sections = []
    for section in report.sections:
        blocks = [dataclasses.replace(block, animation=None) for block in section.blocks]
        sections.append(dataclasses.replace(section, blocks=blocks))
    return dataclasses.replace(report, sections=sections)


def _pictures(
    blocks: Sequence[Block], files: Mapping[str, bytes], lang: str, progress: Callable[[int, int], None] | None
) -> dict[str, bytes]:
    """The PNG of every chart, and its moving pictures.

    resvg holds the interpreter while it draws, but the encoders of moving pictures let go of it: so these are made by
    threads beside the drawing.
    """
    out: dict[str, bytes] = {}
    moving = [b for b in blocks if b.animation is not None]
    whole, done = len(blocks) + len(moving), 0
    with ThreadPoolExecutor(max_workers=2) as pool:
        jobs = [(b, pool.submit(animate.pictures, b.animation, lang)) for b in moving]
        for block in blocks:
            out[chart_path(block.data, "png")] = figures.png(files[chart_path(block.data, "svg")].decode(), scale=2)
            done += 1
            if progress:
                progress(done, whole)
        for block, job in jobs:
            out |= {chart_path(block.data, kind): content for kind, content in job.result().items()}
            done += 1
            if progress:
                progress(done, whole)
    return out


def _inline(block: Block, wide: str, lang: str) -> tuple[str, str]:
    """The chart for the page, wide and narrow. Ids are the page's own: each drawing has its own names in it."""
    slim = dataclasses.replace(block.figure, id=f"{block.figure.id}-slim")
    things = not getattr(block.figure, "RAMPED", False)
    return themed(wide, things=things), themed(figures.draw(slim, width=NARROW, lang=lang), things=things)


def check_place(out: Path) -> None:
    """TeitenError where `out` is a file, or a folder with something else than a report in it.

    What a killed run left of it is mended first: half-made folders beside it go, one that was being replaced comes back.
    """
    _tidy(out)
    if out.is_dir():
        strangers = _strangers(out)
        if strangers:
            raise TeitenError(
                f"{out} is a folder with other things in it ({strangers[0]}), so no report was written there.",
                hint="Name another place with --out.",
            )
    elif out.exists():
        raise TeitenError(f"{out} is a file, so no report was written there.", hint="Name another place with --out.")


def _strangers(out: Path) -> list[str]:
    """Names of files in the folder that no report put there."""
    try:
        found = earlier(out)
    except TeitenError:
        return [NAME]
    names = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if not p.is_dir() and p.name not in _LITTER)
    if found is None:
        # one made before there were manifests
        old = {MARK, "report.md", STYLE} <= set(names)
        return [] if old else names[:1]
    known = {NAME, *found.files}
    return [name for name in names if name not in known]


def _tidy(out: Path) -> None:
    """Removes what killed runs left beside `out`: a folder that nobody holds any more (its maker holds a lock on it)."""
    if not out.parent.is_dir():
        return
    mine = re.compile(rf"\.{re.escape(out.name)}\.[a-z0-9_]{{8}}\.(part|old)")
    for left in [p for p in out.parent.iterdir() if mine.fullmatch(p.name) and p.is_dir()]:
        handle = os.open(left, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if left.suffix == ".old" and not out.exists() and (left / out.name).is_dir():
                (left / out.name).rename(out)
            shutil.rmtree(left, ignore_errors=True)
        except OSError:
            # another run is writing it just now
            continue
        finally:
            os.close(handle)


def _held(out: Path, suffix: str, handles: list[int]) -> Path:
    """A new hidden folder beside `out`, locked as long as this process lives, so that no other takes it for a left-over."""
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=suffix, dir=out.parent))
    handles.append(os.open(folder, os.O_RDONLY))
    fcntl.flock(handles[-1], fcntl.LOCK_EX)
    return folder


def _put(files: Mapping[str, bytes], out: Path) -> None:
    """Writes under a temporary name, then renames: a reader sees the old report or the new one, never half of one."""
    temporary = old = None
    handles: list[int] = []
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = _held(out, ".part", handles)
        for name, content in files.items():
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o777 & ~umask)
        if out.exists():
            old = _held(out, ".old", handles)
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
        for handle in handles:
            os.close(handle)
