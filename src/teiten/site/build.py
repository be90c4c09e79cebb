"""The site made, page by page: what has not changed is taken over, what was begun goes on, a visitor sees all or none.

    <out>            the site as it stands
    .<out>.next/     the next one while it is made: site/, journal.jsonl (which pages are done)

At the end `.<out>.next/site` and `<out>` change places in one step (renameat2, where the system has it).
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import datetime as dt
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from teiten.errors import TeitenError
from teiten.lang import words
from teiten.publish import leaks
from teiten.report import bundle, figures, rows
from teiten.report import page as pages_of
from teiten.report.manifest import sha256
from teiten.report.model import Report
from teiten.report.page import Frame, chart_path, data_path

MANIFEST: Final = "manifest.json"
VERSION: Final = 1
_EXCHANGE: Final = 2


@dataclass(frozen=True, slots=True)
class Job:
    """A page, or another set of files that belong together, and how it is made. digest: of all that it is made from."""

    key: str
    digest: str
    make: Callable[[], Mapping[str, bytes]]


@dataclass(slots=True)
class Made:
    """What was done."""

    drawn: int = 0
    kept: int = 0
    resumed: int = 0
    files: int = 0
    size: int = 0
    removed: list[str] = field(default_factory=list)


def digest(*parts: Any) -> str:
    """Of whatever a page is made from."""
    return sha256(repr(parts).encode())


def drawn(report: Report, frame: Frame, prefix: str) -> dict[str, bytes]:
    """The files of a page: index.html, theme.css, charts, rows. prefix: its folder, with / at its end."""
    text = words(report.lang)
    files: dict[str, bytes] = {}
    inline: dict[str, tuple[str, str]] = {}
    for section in report.sections:
        for block in section.blocks:
            files |= {data_path(block.data, kind): content for kind, content in rows.files(block.data).items()}
            if block.figure is None:
                continue
            wide = figures.draw(block.figure, width=bundle.WIDE, lang=report.lang)
            alone = figures.draw(block.figure, width=bundle.WIDE, lang=report.lang, outlines=True)
            files[chart_path(block.data, "svg")] = alone.encode()
            slim = dataclasses.replace(block.figure, id=f"{block.figure.id}-slim")
            narrow = figures.draw(slim, width=bundle.NARROW, lang=report.lang)
            inline[block.data.id] = (figures.themed(wide), figures.themed(narrow))
    files["index.html"] = pages_of.page(report, text, inline, frame=frame).encode()
    files["theme.css"] = figures.theme_css(one for pair in inline.values() for one in pair).encode()
    return {prefix + name: content for name, content in files.items()}


def manifest_of(out: Path) -> dict[str, Any] | None:
    """What the site in that place says of itself; None where none lies there. TeitenError for another thing."""
    path = out / MANIFEST
    if not out.exists():
        return None
    if not out.is_dir():
        raise TeitenError(f"{out} is a file, so no site was made there.", hint="Name another place with --out.")
    if not path.is_file():
        if any(out.iterdir()):
            raise TeitenError(
                f"{out} is a folder with other things in it ({min(p.name for p in out.iterdir())}), so no site was made there.",
                hint="Name another place with --out.",
            )
        return None
    try:
        table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if table["site"] != VERSION:
            raise TeitenError(f"{path} is of version {table['site']}; this program knows {VERSION}.")
        for told in table["files"].values():
            str(told["sha256"]), int(told["size"])
        for page in table["pages"].values():
            str(page["digest"]), list(page["files"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TeitenError(
            f"{path} is no manifest of a site ({type(error).__name__}: {error}).",
            hint="Remove the folder, or name another place.",
        ) from None
    return table


def strangers(out: Path, table: Mapping[str, Any]) -> list[str]:
    """Files of the folder that the site's manifest does not know."""
    known = {MANIFEST, *table["files"]}
    names = (p.relative_to(out).as_posix() for p in out.rglob("*") if not p.is_dir())
    return sorted(name for name in names if name not in known)


@contextlib.contextmanager
def staging(out: Path) -> Iterator[Path]:
    """`.<out>.next`, held by this process alone. TeitenError where another makes the site just now, or it cannot be written."""
    place = out.parent / f".{out.name}.next"
    try:
        place.mkdir(parents=True, exist_ok=True)
        handle = os.open(place, os.O_RDONLY)
    except OSError as error:
        raise TeitenError(f"{place} cannot be written: {error.strerror}.", hint="Name another place with --out.") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TeitenError(f"Another process is making {out} just now.", hint="Wait for it to end.") from None
        yield place
    finally:
        os.close(handle)


def build(
    jobs: list[Job], out: Path, secret: set[bytes], about: Mapping[str, Any], progress: Callable[[int, int], None] | None = None
) -> Made:
    """Makes the site of those jobs and puts it in its place. TeitenError, and the site as it was, where it cannot."""
    before = manifest_of(out)
    if before is not None and (other := strangers(out, before)):
        raise TeitenError(
            f"{out} holds a file that the site does not know ({other[0]}), so it was left as it is.",
            hint="Put files of your own elsewhere, or beside the site.",
        )
    result = Made()
    with staging(out) as place:
        try:
            site = place / "site"
            journal = _journal(place)
            table: dict[str, Any] = {**about, "site": VERSION, "pages": {}, "files": {}}
            for n, job in enumerate(jobs):
                if progress:
                    progress(n, len(jobs))
                told = _resume(job, journal, site, result) or _take_over(job, before, out, site, result)
                if told is None:
                    told = _fresh(job, site, secret, result)
                _note(place, job, told)
                table["pages"][job.key] = {"digest": job.digest, "files": sorted(told)}
                table["files"] |= told
            _clean(site, set(table["files"]))
            table["files"] = dict(sorted(table["files"].items()))
            result.files, result.size = len(table["files"]), sum(t["size"] for t in table["files"].values())
            if before is not None:
                result.removed = sorted(set(before["files"]) - set(table["files"]))
            content = (json.dumps(table, ensure_ascii=False, indent=1) + "\n").encode()
            _refuse(leaks.find({MANIFEST: content}, secret))
            _write(site / MANIFEST, content)
            _settle(site)
            _switch(site, out)
        except OSError as error:
            raise TeitenError(
                f"The site cannot be made in {out.parent}: {error.strerror or error}; {out} is as it was.",
                hint="Make room, or name another place with --out: what is made already is gone on with.",
            ) from None
        shutil.rmtree(place, ignore_errors=True)
    return result


Told = dict[str, dict[str, Any]]


def _journal(place: Path) -> dict[str, tuple[str, Told]]:
    """What an interrupted run had done: key -> digest, files."""
    done: dict[str, tuple[str, Told]] = {}
    with contextlib.suppress(OSError):
        for line in (place / "journal.jsonl").read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                one = json.loads(line)
                done[one["key"]] = (one["digest"], dict(one["files"]))
    return done


def _note(place: Path, job: Job, told: Told) -> None:
    with (place / "journal.jsonl").open("a", encoding="utf-8") as sink:
        sink.write(json.dumps({"key": job.key, "digest": job.digest, "files": told}) + "\n")


def _holds(folder: Path, told: Told) -> bool:
    try:
        return all(sha256((folder / name).read_bytes()) == one["sha256"] for name, one in told.items())
    except OSError:
        return False


def _resume(job: Job, journal: Mapping[str, tuple[str, Told]], site: Path, result: Made) -> Told | None:
    known = journal.get(job.key)
    if known is None or known[0] != job.digest or not _holds(site, known[1]):
        return None
    result.resumed += 1
    return known[1]


def _take_over(job: Job, before: Mapping[str, Any] | None, out: Path, site: Path, result: Made) -> Told | None:
    """The files of the page as the site has them, where it was made from the same and nobody altered them since."""
    page = before["pages"].get(job.key) if before is not None else None
    if before is None or page is None or page["digest"] != job.digest:
        return None
    told: Told = {name: before["files"][name] for name in page["files"] if name in before["files"]}
    if len(told) != len(page["files"]) or not _holds(out, told):
        return None
    for name in told:
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        # copied, not linked: who edits the old site by hand must not change the new one
        shutil.copy2(out / name, path)
    result.kept += 1
    return told


def _fresh(job: Job, site: Path, secret: set[bytes], result: Made) -> Told:
    files = job.make()
    _refuse(leaks.find(files, secret))
    for name, content in files.items():
        _write(site / name, content)
    result.drawn += 1
    return {name: {"sha256": sha256(content), "size": len(content)} for name, content in files.items()}


def _refuse(leak: str | None) -> None:
    if leak is not None:
        raise TeitenError(
            f"The site was not made: its file {leak} would name an address of a sensor.",
            hint="Is a sensor, or a group of them, named after its address? Word it otherwise in teiten.toml.",
        )


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def _clean(site: Path, known: set[str]) -> None:
    """Removes what no page of this site has: of an interrupted run with other settings."""
    for path in sorted(site.rglob("*"), reverse=True):
        if path.is_dir():
            with contextlib.suppress(OSError):
                path.rmdir()
        elif path.relative_to(site).as_posix() not in known:
            path.unlink()


def _settle(site: Path) -> None:
    """All of it on disk before it is shown."""
    for path in (site, *(p for p in site.rglob("*"))):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _switch(site: Path, out: Path) -> None:
    """The new site stands where the old one stood; where there was one, it lies where the new one was."""
    if not out.exists():
        site.rename(out)
    elif not _exchange(site, out):
        # without the system's help there is a moment without a site, never half of one
        aside = site.with_name("old")
        shutil.rmtree(aside, ignore_errors=True)
        out.rename(aside)
        try:
            site.rename(out)
        except OSError:
            aside.rename(out)
            raise
    handle = os.open(out.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exchange(one: Path, other: Path) -> bool:
    """Lets two folders change places in one step; False where the system cannot."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    done = call(-100, os.fsencode(one), -100, os.fsencode(other), _EXCHANGE)
    return int(done) == 0


def moment(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """Midnight of the day."""
    return dt.datetime.combine(day, dt.time(), zone)
