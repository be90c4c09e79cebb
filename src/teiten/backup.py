"""Copies of a lake, a spool, settings, and users where they are asked for: made while a station runs, checked, brought back.

    TO/20261123T031500Z/{lake,spool,settings,users}/...     one copy, whole
    TO/20261123T031500Z/backup.json                   every file of it: size, time, SHA-256

A copy that follows another shares with it (hard links) what has not changed. The lake goes first, the spool after it: whatever
the lake's copy holds, the spool's copy holds too, so that what is made anew from it is the same.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import json
import os
import re
import shutil
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from teiten import __version__
from teiten.disk import sync_folder
from teiten.errors import TeitenError, UsageError
from teiten.station import gone

FORMAT: Final = 1
MANIFEST: Final = "backup.json"
NAME: Final = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_PARTIAL: Final = ".partial"
_BLOCK: Final = 1 << 20
_TRIES: Final = 3
_LEAVE: Final = frozenset({".lock", "status.json", "status.new", "made.json", "run"})
"""of a spool: what holds for a running station alone, or must be found out anew (what of it is in the lake)"""
_PARTS: Final = ("lake", "spool", "settings", "users")


class BackupError(TeitenError):
    """A copy cannot be made, or is not what it was."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a copy. mtime: nanoseconds, as it was where it came from; sha: SHA-256."""

    size: int
    mtime: int
    sha: str


@dataclass(slots=True)
class Result:
    """What was done: the copy's folder, files and bytes of it, and how many of these were there already."""

    path: Path
    files: int = 0
    bytes: int = 0
    copied: int = 0
    copied_bytes: int = 0
    gone: list[str] = field(default_factory=list)
    """older copies that were removed"""


def copies(to: Path) -> list[Path]:
    """The whole copies in that folder, oldest first."""
    if not to.is_dir():
        return []
    return sorted(one for one in to.iterdir() if NAME.fullmatch(one.name) and (one / MANIFEST).is_file())


# making ------------------------------------------------------------------------------------------------------------------


def make(
    to: Path, lake: Path | None, spool: Path | None, config: Path | None, *, keep: int | None = None,
    users: Path | None = None, now: dt.datetime | None = None,
) -> Result:  # fmt: skip
    """Another copy in `to` of those that are not None; of the copies there, the newest `keep` stay.

    BackupError where a file cannot be copied, another backup is being made there, or `to` lies in what is copied."""
    for one in (lake, spool):
        if one is not None and to.resolve().is_relative_to(one.resolve()):
            raise UsageError(f"{to} lies in {one}, which is to be copied.", hint="Choose a folder on another disk.")
    with _told(to), _alone(to):
        before = copies(to)
        name = (now or dt.datetime.now(dt.UTC)).strftime("%Y%m%dT%H%M%SZ")
        if (to / name).exists():
            raise BackupError(f"There is a copy {to / name} of this second already.", hint="Try again.")
        for left in to.glob(f"*{_PARTIAL}"):  # of a backup that was cut short
            shutil.rmtree(left)
        fresh = to / (name + _PARTIAL)
        fresh.mkdir(mode=0o700)
        copy = _Copy(fresh, before[-1] if before else None)
        if lake is not None:
            _lake(copy, lake)
        if spool is not None:
            _spool(copy, spool)
        if config is not None:
            _settings(copy, config)
        if users is not None:
            _users(copy, users)
        _write(fresh / MANIFEST, _manifest(copy, lake, spool, config))
        _sync_tree(fresh)
        fresh.rename(to / name)
        sync_folder(to)
        result = copy.result
        result.path = to / name
        for old in copies(to)[: -keep if keep else 0]:
            shutil.rmtree(old)
            result.gone.append(old.name)
    return result


class _Copy:
    """One copy that is being made."""

    def __init__(self, root: Path, before: Path | None) -> None:
        self.root, self.before = root, before
        self.known = read(before) if before is not None else {}
        self.entries: dict[str, Entry] = {}
        self.result = Result(root)

    def add(self, source: Path, name: str) -> None:
        """That file, under that name (lake/...). OSError; FileNotFoundError where it has gone meanwhile."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as stream:
            stat = os.fstat(stream.fileno())
            held = self.known.get(name)
            same = held is not None and (held.size, held.mtime) == (stat.st_size, stat.st_mtime_ns)
            if not (same and held is not None and self._linked(name, target)):
                held = _copied(stream, target, stat)
                self.result.copied += 1
                self.result.copied_bytes += held.size
        self.entries[name] = held
        self.result.files += 1
        self.result.bytes += held.size

    def forget(self, prefix: str) -> None:
        """What was taken of that part: it is taken anew."""
        for name in [name for name in self.entries if name.startswith(prefix)]:
            held = self.entries.pop(name)
            self.result.files -= 1
            self.result.bytes -= held.size
            (self.root / name).unlink(missing_ok=True)

    def _linked(self, name: str, target: Path) -> bool:
        assert self.before is not None
        try:
            os.link(self.before / name, target)
        except OSError:  # a file system without hard links, or the old copy lost it
            return False
        return True


def _copied(stream: Any, target: Path, stat: os.stat_result) -> Entry:
    """The bytes that are there now (a file that grows: as many as it had), on the disk."""
    digest, left = hashlib.sha256(), stat.st_size
    with target.open("xb") as out:
        while left and (block := stream.read(min(_BLOCK, left))):
            digest.update(block)
            out.write(block)
            left -= len(block)
        out.flush()
        os.fchmod(out.fileno(), stat.st_mode & 0o640)
        os.fsync(out.fileno())
    os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return Entry(stat.st_size - left, stat.st_mtime_ns, digest.hexdigest())


def _lake(copy: _Copy, lake: Path) -> None:
    """What of the lake is small and changes is copied while nobody writes; then the large files, which never change: where one
    has gone meanwhile (put together with others, forgotten), everything is looked at again."""
    from teiten.lake import Lake, _lock

    Lake.open(lake)  # it is one
    for tries in range(_TRIES):
        last = tries == _TRIES - 1
        try:
            with _lock.Lock(lake, 60):
                names = sorted(_files(lake))
                large = [name for name in names if name.endswith(".parquet") and "_delta_log" not in name.split("/")]
                for name in sorted(set(names) - set(large)):
                    copy.add(lake / name, f"lake/{name}")
                if last:
                    _each(copy, lake, large)
            if not last:
                _each(copy, lake, large)
            return
        except FileNotFoundError:
            if last:
                raise
            copy.forget("lake/")


def _each(copy: _Copy, lake: Path, names: Iterable[str]) -> None:
    for name in names:
        copy.add(lake / name, f"lake/{name}")


def _spool(copy: _Copy, spool: Path) -> None:
    """Each stream's chain before its bytes: what a record speaks of is there; last, what tells of evidence that went. A segment
    that was packed, or went, meanwhile is looked for under its new name."""
    for tries in range(_TRIES):
        names = [name for name in _files(spool) if name.split("/")[0] not in _LEAVE]
        try:
            for name in sorted(names, key=_in_turn):
                if f"spool/{name}" not in copy.entries:
                    copy.add(spool / name, f"spool/{name}")
            return
        except FileNotFoundError:
            if tries == _TRIES - 1:
                raise


def _in_turn(name: str) -> tuple[int, str]:
    return (0 if ".chain" in name else 2 if name == gone.FILE else 1, name)


def _files(folder: Path) -> Iterator[str]:
    """Names of the files below it, without locks and what is half written."""
    for path, _, files in os.walk(folder):
        for file in files:
            if file != ".lock" and not file.endswith((".new", ".tmp")):
                yield (Path(path) / file).relative_to(folder).as_posix()


def _settings(copy: _Copy, config: Path) -> None:
    """The file, and those in its folder that it names."""
    base = config.absolute().parent
    copy.add(config, f"settings/{config.name}")
    for text in sorted(set(_texts(tomllib.loads(config.read_text(encoding="utf-8"))))):
        with contextlib.suppress(OSError, ValueError):
            path = (base / text).resolve()
            inside = path.is_relative_to(base.resolve()) and path.is_file()
            name = path.relative_to(base.resolve()).as_posix() if inside else ""
            if inside and f"settings/{name}" not in copy.entries and path.stat().st_size < 100 << 20:
                copy.add(path, f"settings/{name}")


def _users(copy: _Copy, folder: Path) -> None:
    """Who may see the dashboard, and the audit log: its newest file first, so that what is put aside meanwhile comes twice
    rather than not at all."""
    for tries in range(_TRIES):
        try:
            for name in sorted(one.name for one in folder.iterdir() if one.is_file() and not one.name.startswith(".")):
                copy.add(folder / name, f"users/{name}")
            return
        except FileNotFoundError:
            if tries == _TRIES - 1:
                raise
            copy.forget("users/")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, (list, dict)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _manifest(copy: _Copy, lake: Path | None, spool: Path | None, config: Path | None) -> Mapping[str, Any]:
    return {
        "format": FORMAT, "program": __version__,
        "lake": None if lake is None else str(lake.absolute()),
        "spool": None if spool is None else str(spool.absolute()),
        "settings": None if config is None else str(config.absolute()),
        "files": {name: [one.size, one.mtime, one.sha] for name, one in sorted(copy.entries.items())},
    }  # fmt: skip


# reading -----------------------------------------------------------------------------------------------------------------


def read(copy: Path) -> dict[str, Entry]:
    """The files of a copy, as its manifest says. BackupError where it cannot be read."""
    try:
        found = json.loads((copy / MANIFEST).read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise BackupError(f"{copy} is a copy of another format.", hint="A newer teiten made it: use that one.")
        return {str(name): Entry(int(size), int(mtime), str(sha)) for name, (size, mtime, sha) in found["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise BackupError(f"{copy / MANIFEST} cannot be read.", hint="Take an older copy.") from None


def verify(copy: Path) -> list[str]:
    """Files of a copy that are missing, or not what they were; none where all is well. BackupError."""
    return [name for name, entry in read(copy).items() if _sha(copy / name) != entry.sha]


def _sha(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


# bringing back -------------------------------------------------------------------------------------------------------------


def restore(copy: Path, places: Mapping[str, Path], told: Callable[[str], None] = lambda _: None) -> dict[str, int]:
    """Brings back the parts (lake, spool, settings, users) to those folders, which must be empty or not there; files of each.

    Every file is checked while it is copied; a folder appears whole, or not at all. A spool's streams are ended: whatever
    comes in from now on goes into new ones, since the old ones may have gone on elsewhere. BackupError."""
    entries = read(copy)
    wanted = {part: place for part, place in places.items() if any(name.startswith(f"{part}/") for name in entries)}
    for part, place in wanted.items():
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise UsageError(f"{place} is there already, and is not empty.", hint=f"Move it away, or choose another --{part}.")
    out: dict[str, int] = {}
    for part, place in wanted.items():
        with _told(place):
            mine = {name.removeprefix(f"{part}/"): entry for name, entry in entries.items() if name.startswith(f"{part}/")}
            fresh = place.with_name(place.name + _PARTIAL)
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True, mode=0o700 if part == "users" else 0o750)
            for name, entry in mine.items():
                _brought(copy / part / name, fresh / name, entry)
            if part == "spool":
                _end_streams(fresh)
            _sync_tree(fresh)
            if place.exists():
                place.rmdir()
            fresh.rename(place)
            sync_folder(place.parent)
            out[part] = len(mine)
            told(f"{place}: {len(mine):,} files")
    return out


def _brought(source: Path, target: Path, entry: Entry) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    try:
        with source.open("rb") as stream:
            found = _copied(stream, target, os.fstat(stream.fileno()))
    except FileNotFoundError:
        found = None
    if found is None or found.sha != entry.sha:
        raise BackupError(f"{source} is not what it was when it was copied.", hint="Take another copy of that backup.")


def _end_streams(folder: Path) -> None:
    """Every stream that an input would go on with is followed by a new one, from the same mark on."""
    from teiten.station import spool as spools

    spool = spools.Spool.there(folder)
    found = spool.streams()
    followed = {one.follows for one in found}
    for one in found:
        if one.id not in followed:
            stream = spool.make(one)
            mark = stream.mark
            stream.close()
            fresh = f"{one.id.rpartition('.')[0] or one.input}.{os.urandom(8).hex()}"
            spool.make(spools.About(fresh, one.sensor, one.input, one.data, one.told, one.id, mark)).close()


# files -------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _alone(to: Path) -> Iterator[None]:
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(to / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"Another backup is being made in {to}.", hint="Wait for its end.") from None
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _told(place: Path) -> Iterator[None]:
    """What the disk says, as a sentence."""
    try:
        yield
    except OSError as error:
        raise BackupError(
            f"{error.filename or place}: {error.strerror or error}.", hint="What was there before is as it was."
        ) from None


def _write(path: Path, table: Mapping[str, Any]) -> None:
    with path.open("x", encoding="utf-8") as out:
        json.dump(table, out, ensure_ascii=False, indent=0)
        out.flush()
        os.fsync(out.fileno())


def _sync_tree(folder: Path) -> None:
    for path, _, _ in os.walk(folder):
        sync_folder(Path(path))
