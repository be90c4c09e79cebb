"""Reports of the folder `[serve] reports`: which there are, their files, and one that is being made in a process of its own.

A file is given only where the report's manifest names it, and only where neither it nor a folder above it is a link: whatever
else lies there stays there.
"""

from __future__ import annotations

import atexit
import datetime as dt
import os
import re
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from teiten import periods
from teiten.errors import TeitenError, UsageError
from teiten.report import manifest
from teiten.settings import LANGUAGES

if TYPE_CHECKING:
    from teiten.settings import Settings
    from teiten.web.pool import Pool

CSP: Final = (
    "default-src 'none'; img-src 'self'; style-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""as the report's own page states it, and no page may frame it"""
TYPES: Final = {
    "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "md": "text/markdown; charset=utf-8",
    "svg": "image/svg+xml", "png": "image/png", "gif": "image/gif", "webp": "image/webp", "apng": "image/apng",
    "csv": "text/csv; charset=utf-8", "json": "application/json", "parquet": "application/vnd.apache.parquet",
    "pdf": "application/pdf", "xml": "application/xml", "woff2": "font/woff2",
}  # fmt: skip
KINDS: Final = periods.KINDS
MOST: Final = 400
"""reports that are listed"""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Made:
    """A report that lies in the folder. altered: are there files that somebody changed by hand?"""

    name: str
    kind: str
    period: str
    language: str
    edition: int
    made: dt.datetime
    title: str
    pdf: bool


def listed(folder: Path) -> list[Made]:
    """The reports in the folder, those of the latest periods first."""
    out = []
    try:
        inside = [one for one in folder.iterdir() if _NAME.fullmatch(one.name) and one.is_dir() and not one.is_symlink()]
    except OSError:
        return []
    for one in sorted(inside):
        if not (one / manifest.NAME).is_file() or (one / manifest.NAME).is_symlink():
            continue
        try:
            found = manifest.read(one)
        except TeitenError:
            continue
        told = found.table["report"]
        out.append(
            Made(one.name, str(told["kind"]), str(told["period"]), str(told["language"]), found.number, found.made,
                 str(told.get("title") or ""), any(name.endswith(".pdf") for name in found.files))
        )  # fmt: skip
    return sorted(out, key=lambda one: (one.made, one.name), reverse=True)[:MOST]


def file(folder: Path, report: str, name: str) -> tuple[bytes, str]:
    """A file of a report, and its type. UsageError where the report has no such file."""
    nothing = UsageError("There is no such report, or no such file in it.", hint="The list of reports shows what there is.")
    kind = TYPES.get(name.rpartition(".")[2])
    if not _NAME.fullmatch(report) or kind is None:
        raise nothing
    own = folder / report
    if own.is_symlink() or not (own / manifest.NAME).is_file():
        raise nothing
    try:
        known = manifest.read(own).files
    except TeitenError:
        raise nothing from None
    if name not in known and name != manifest.NAME:
        raise nothing
    place = own
    for part in name.split("/"):
        if part in ("", ".", ".."):
            raise nothing
        place = place / part
        if place.is_symlink():
            raise nothing
    try:
        return place.read_bytes(), kind
    except OSError:
        raise nothing from None


# making -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Job:
    """A report that is being made, or the last that was."""

    kind: str
    period: str
    language: str
    name: str
    begun: dt.datetime
    process: subprocess.Popen[bytes]
    said: str = ""
    """the last line that it has said"""
    code: int | None = None
    """None while it is being made"""

    def listen(self) -> None:
        """Keeps what it says, until it ends."""
        assert self.process.stderr is not None
        with self.process.stderr as said:
            for line in said:
                text = line.decode("utf-8", "replace").replace("\r", "\n").strip().rpartition("\n")[2].strip()
                self.said = text[:500] or self.said
        self.code = self.process.wait()


_JOBS: Final[weakref.WeakKeyDictionary[Pool, Job]] = weakref.WeakKeyDictionary()


def job(pool: Pool) -> Job | None:
    """The one that is being made, or else the last that was; None: none was asked for since the server began."""
    return _JOBS.get(pool)


def start(pool: Pool, settings: Settings, kind: str, period: str, language: str) -> Job:
    """Begins to make a report. UsageError for words that name none, or while another is being made."""
    if kind not in KINDS:
        raise UsageError(f"There is no kind '{kind[:40]}'.", hint=f"There are: {', '.join(KINDS)}.")
    if language not in LANGUAGES:
        raise UsageError(f"lang '{language[:40]}' is unknown.", hint=f"Choose one of: {', '.join(LANGUAGES)}.")
    named = periods.parse(kind, period, settings.zone)
    running = job(pool)
    if running is not None and running.code is None:
        raise UsageError("A report is being made; one at a time.", hint="Wait until it is there.")
    name = f"{kind}-{named.name}-{language}"
    words = ["report", kind, named.name, "--lang", language, "--tz", settings.zone_name, "--lake", str(settings.lake),
             "--out", str(settings.serving.reports / name)]  # fmt: skip
    if settings.file is not None:
        words += ["--config", str(settings.file)]
    process = subprocess.Popen(
        [sys.executable, "-m", "teiten", *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _after_the_pages(process.pid)
    made = _JOBS[pool] = Job(kind, named.name, language, name, dt.datetime.now(dt.UTC), process)
    threading.Thread(target=made.listen, name="report", daemon=True).start()
    atexit.register(_end, process)
    return made


def _after_the_pages(number: int) -> None:
    """Whoever looks at pages goes before it."""
    try:
        os.setpriority(os.PRIO_PROCESS, number, 10)
    except OSError:
        return


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
