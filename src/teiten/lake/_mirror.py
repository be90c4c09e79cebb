"""A lake on an object store: its folder here is a mirror, kept by these steps (docs/decisions/0087).

Everything above reads and writes the folder. The store is the truth: what is written is put there, an entry of a table's log
last, by a request that the store refuses where that entry is already there. Logs and small tables are fetched when the lake is
looked at, events when a question wants them. One host writes at a time: it holds a lease, an object that only one can make.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from teiten import storing
from teiten.errors import LakeBusyError, LakeChangedError, LakeError
from teiten.lake._store import Object, Objects, StoreError

EVENTS: Final = "events"
"""the one table of which only those files are fetched that a question wants"""
LOG: Final = "_delta_log"
LEASES: Final = ".lease"
FRESH: Final = 2.0
"""seconds for which what was fetched of logs is taken for the newest"""
TTL: Final = 60.0
"""seconds after which a lease that its holder has not renewed may be taken over"""
_AT_ONCE: Final = 8
_KEPT_BACK: Final = 3600.0
"""seconds for which a file that is no longer the lake's stays here, for a question that opened it"""
_LOCAL: Final = re.compile(r"\.lock|\.store\.json.*|.*\.new|\..*\.part|alerts.*|\.[a-z]+\.json\.\d+")
"""names in the lake's folder that are this machine's own"""
_MIRRORS: dict[Path, Mirror] = {}


def of(path: Path) -> Mirror | None:
    """The mirror that this path (a lake's folder, a table's, its log's, a file's) lies in; None for a lake in a folder."""
    if not _MIRRORS:
        return None
    path = path.absolute()
    return next((found for one in (path, *list(path.parents)[:3]) if (found := _MIRRORS.get(one))), None)


def attach(path: Path) -> Mirror | None:
    """The same for a lake's folder, known from now on. LakeError without the library that speaks to stores."""
    path = path.absolute()
    if path not in _MIRRORS and (path / storing.NAME).is_file():
        try:
            told = json.loads((path / storing.NAME).read_text(encoding="utf-8"))
            objects = Objects(told["url"], told["endpoint"] or None, told["region"])
        except ImportError:
            raise LakeError("A lake on an object store needs obstore.", hint="pip install 'teiten[store]'") from None
        except (ValueError, KeyError, TypeError) as error:
            raise LakeError(f"{path / storing.NAME} cannot be understood ({error}).", hint="Remove it and try again.") from None
        _MIRRORS[path] = Mirror(path, objects, int(told["cache_size"]))
    return _MIRRORS.get(path)


def names() -> Iterator[tuple[str, str]]:
    """Folder and name of each mirrored lake, for messages."""
    return ((str(path), mirror.objects.url) for path, mirror in _MIRRORS.items())


class Mirror:
    """The folder `path` and the objects that it mirrors."""

    def __init__(self, path: Path, objects: Objects, cache_size: int) -> None:
        self.path, self.objects, self.cache_size = path, objects, cache_size
        self._seen = float("-inf")
        self._tags: dict[str, tuple[int, str | None]] = {}
        self._compared: set[str] = set()
        self._guard = threading.RLock()
        self._lease: Lease | None = None

    # what is on the store comes here

    def look(self, *, now: bool = False) -> None:
        """Logs and small tables as they are on the store; not again within `FRESH` seconds, but for `now`. StoreError."""
        with self._guard:
            if self._lease is None and (now or time.monotonic() - self._seen > FRESH):
                self._pull()
                self._seen = time.monotonic()

    def _pull(self) -> None:
        files, folders = self.objects.here()
        tables = [name for name in folders if not name.startswith(".")]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            listed = list(pool.map(lambda name: self.objects.below(f"{name}/{LOG}"), tables))
            told = {one.name for one in files}
            left = [p for p in self.path.iterdir() if p.is_file() and p.name not in told and not _LOCAL.fullmatch(p.name)]
            self._drop_unstored(left)
            # what says that this is a lake comes last: a reader of a half fetched one waits for it
            for name, found in zip(tables, listed, strict=True):
                self._pull_log(name, [one for one in found if "/" not in one.name.removeprefix(f"{name}/{LOG}/")], pool)
            list(pool.map(self._fetch_changed, [one for one in files if not _LOCAL.fullmatch(one.name)]))
            for name in tables:
                self._pull_files(name, pool)

    def _fetch_changed(self, one: Object) -> None:
        if self._tags.get(one.name) != (one.size, one.tag) or not (self.path / one.name).exists():
            with contextlib.suppress(FileNotFoundError):
                self.objects.fetch(one.name, self.path / one.name)
                self._tags[one.name] = (one.size, one.tag)

    def _pull_log(self, table: str, found: list[Object], pool: ThreadPoolExecutor) -> None:
        log = self.path / table / LOG
        log.mkdir(parents=True, exist_ok=True)
        there = {one.name.rpartition("/")[2]: one for one in found}
        here = {path.name for path in log.iterdir() if not path.name.startswith(".")}
        entries = sorted(name for name in there if name.endswith(".json"))
        if entries:
            own = sorted(name for name in here if name.endswith(".json"))
            self._drop_unstored([log / name for name in own if name > entries[-1]])
            if table not in self._compared and entries[-1] in here:
                self._compare(log / entries[-1], f"{table}/{LOG}/{entries[-1]}")
                here = {path.name for path in log.iterdir()}
            self._compared.add(table)
        wanted = [one for name, one in there.items() if name not in here and name != "_last_checkpoint"]
        # oldest first: a log without an entry in its middle says nothing
        for kind in (".parquet", ".json"):
            list(pool.map(self._into, [one for one in wanted if one.name.endswith(kind)]))
        if "_last_checkpoint" in there:
            self._fetch_changed(there["_last_checkpoint"])
        floor = min((name for name in there if name[:20].isdigit()), default="")
        for name in here:
            if name not in there and name[:20].isdigit() and name < floor:
                (log / name).unlink(missing_ok=True)

    def _drop_unstored(self, files: list[Path]) -> None:
        """What a writer of this machine put here and died before it was on the store; not while one is between the two."""
        if files:
            with contextlib.suppress(OSError), (self.path / ".lock").open("ab") as lock:
                if self._lease is None:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for file in files:
                    file.unlink(missing_ok=True)

    def _compare(self, entry: Path, name: str) -> None:
        if entry.read_bytes() != self.objects.get(name):
            entry.unlink()

    def _into(self, one: Object) -> None:
        to = self.path / one.name
        if not to.exists():
            to.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):  # trimmed meanwhile
                self.objects.fetch(one.name, to, one.size)

    def _pull_files(self, table: str, pool: ThreadPoolExecutor) -> None:
        from teiten.lake import _delta

        found = _delta.Table(self.path / table)
        live = found.live()
        sizes = dict(live.select("path", "size_bytes").iter_rows()) if live.height else {}
        if table != EVENTS:
            self._fetch([(table, name, size) for name, size in sizes.items()], pool)
        moment = time.time()
        for file in (self.path / table).glob("*.parquet"):
            if file.name in sizes:
                continue
            with contextlib.suppress(OSError):
                if file.stat().st_atime > file.stat().st_mtime:  # first seen to be gone: its time begins now
                    os.utime(file, (0, moment))
                elif file.stat().st_mtime < moment - _KEPT_BACK:
                    file.unlink()

    def want(self, files: Iterable[Path]) -> None:
        """Events' files that a question is about, fetched where they are not here. FileNotFoundError for one that is gone."""
        missing = []
        moment = time.time()
        for file in files:
            try:
                os.utime(file, (moment, file.stat().st_mtime))
            except FileNotFoundError:
                missing.append((file.parent.name, file.name, None))
        if missing:
            with self._guard, ThreadPoolExecutor(_AT_ONCE) as pool:
                self._fetch(missing, pool)
            self._make_room()

    def _fetch(self, wanted: Iterable[tuple[str, str, int | None]], pool: ThreadPoolExecutor) -> None:
        def one(what: tuple[str, str, int | None]) -> None:
            table, name, size = what
            to = self.path / table / name
            if not to.exists():
                try:
                    self.objects.fetch(f"{table}/{name}", to, size)
                except FileNotFoundError:
                    self._seen = float("-inf")
                    raise LakeChangedError(
                        f"{self.objects.where} no longer has {table}/{name}: it was replaced since its list was read.",
                        hint="Try again.",
                    ) from None

        list(pool.map(one, wanted))

    def _make_room(self) -> None:
        with contextlib.suppress(OSError):
            files = [(file.stat(), file) for file in (self.path / EVENTS).glob("*.parquet")]
            held = sum(stat.st_size for stat, _ in files)
            for stat, file in sorted(files, key=lambda one: one[0].st_atime):
                if held <= self.cache_size or stat.st_atime > time.time() - _KEPT_BACK:
                    break
                file.unlink(missing_ok=True)
                held -= stat.st_size

    # what is written here goes to the store

    def put(self, file: Path) -> None:
        """A file that nobody else has a name for."""
        self.objects.put(str(file.relative_to(self.path)), file)

    def put_entry(self, entry: Path) -> None:
        """An entry of a log, if nobody has put one of that number. LakeChangedError, and it is gone here as well, otherwise."""
        self._holding()
        if not self.objects.create(str(entry.relative_to(self.path)), entry.read_bytes()):
            entry.unlink()
            raise LakeChangedError(
                f"The lake {self.objects.where} was written by another host meanwhile; nothing of this step was stored.",
                hint="Run the same command again.",
            )

    def put_here(self) -> None:
        """What lies directly in the lake's folder, where it has changed, and what of it is gone."""
        self._holding()
        own = {path.name: path for path in self.path.iterdir() if path.is_file() and not _LOCAL.fullmatch(path.name)}
        there, _ = self.objects.here()
        for name, path in own.items():
            self.objects.put(name, path)
        self.objects.delete(one.name for one in there if one.name not in own and not _LOCAL.fullmatch(one.name))
        self._tags.clear()

    def gone(self, files: Iterable[Path]) -> None:
        """Files that were deleted here."""
        self.objects.delete(str(file.relative_to(self.path)) for file in files)

    def strangers(self, table: str, alive: set[str]) -> list[Object]:
        """Objects of a table that are none of its files."""

        def name(one: Object) -> str:
            return one.name.removeprefix(f"{table}/")

        every = self.objects.below(table)
        return [one for one in every if name(one).endswith(".parquet") and "/" not in name(one) and name(one) not in alive]

    # one writer

    @property
    def took_over(self) -> bool:
        """Did the holder before this one not say that it ended?"""
        return self._lease is not None and self._lease.took_over

    def _holding(self) -> None:
        if self._lease is None or not self._lease.holds():
            raise LakeBusyError(
                f"The lease on {self.objects.where} was not renewed in time, so another host may write now."
                " Nothing of this step was stored.",
                hint="Run the same command again.",
            )

    def begin(self, wait: float) -> None:
        """Takes the lease, and what is on the store. LakeBusyError after `wait` seconds."""
        lease = Lease(self.objects)
        lease.take(wait)
        with self._guard:
            self._lease = lease
            try:
                self._pull()
            except BaseException:
                self._lease = None
                lease.give()
                raise

    def end(self) -> None:
        lease, self._lease = self._lease, None
        self._seen = float("-inf")
        if lease is not None:
            lease.give()


class Lease:
    """Who writes: the newest of the objects `.lease/N`, each made once. Ages are told by the store's clock, no host's."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.took_over = False
        self._name, self._until, self._ended = "", 0.0, threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, wait: float) -> None:
        """LakeBusyError, with who holds it, after `wait` seconds. StoreError where the store lets two make the same object."""
        deadline = time.monotonic() + wait
        while True:
            number, holder = self._newest()
            if holder is None or holder.get("ended") or holder["age"] > TTL:
                asked = time.monotonic()
                name = f"{LEASES}/{number + 1:010}"
                mine = self._words()
                if self.objects.create(name, mine):
                    if self.objects.create(name, mine + b"\n"):
                        raise StoreError(
                            f"{self.objects.where} overwrites where it was asked not to: two writers could not be kept apart.",
                            hint="Use a store that knows conditional writes (If-None-Match): Amazon S3, or Ceph from 16 on.",
                        )
                    self.took_over = holder is not None and not holder.get("ended")
                    self._name, self._until = name, asked + TTL
                    self._thread = threading.Thread(target=self._renew, daemon=True)
                    self._thread.start()
                    with contextlib.suppress(StoreError):
                        self.objects.delete(f"{LEASES}/{n:010}" for n in range(max(1, number - 8), number))
                    return
                continue
            if time.monotonic() >= deadline:
                raise LakeBusyError(
                    f"The lake {self.objects.where} is being written by process {holder.get('pid')} on {holder.get('host')}"
                    f" (heard of {holder['age']:.0f} s ago).",
                    hint="Try again when it has finished.",
                )
            time.sleep(min(1.0, max(0.05, deadline - time.monotonic())))

    def _newest(self) -> tuple[int, dict[str, Any] | None]:
        found = [one for one in self.objects.below(LEASES) if one.name.rpartition("/")[2].isdigit()]
        if not found:
            return 0, None
        number = int(found[-1].name.rpartition("/")[2])
        try:
            told = json.loads(self.objects.get(found[-1].name))
        except (ValueError, FileNotFoundError):
            told = {}
        if not told.get("ended"):
            # the store's clock, by an object of this moment
            probe = f"{LEASES}/clock-{uuid.uuid4()}"
            self.objects.put(probe, b"")
            try:
                told["age"] = (self.objects.head(probe).put - self.objects.head(found[-1].name).put).total_seconds()
            finally:
                self.objects.delete([probe])
        return number, told

    def _words(self, **more: Any) -> bytes:
        return json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "at": str(uuid.uuid4()), **more}).encode()

    def holds(self) -> bool:
        """Is it certain that nobody else has it? (Some of the time is kept back: clocks run at different speeds.)"""
        return time.monotonic() < self._until - TTL * 0.2

    def _renew(self) -> None:
        while not self._ended.wait(TTL / 4):
            asked = time.monotonic()
            with contextlib.suppress(StoreError):
                newest = self.objects.below(LEASES)
                if any(one.name > self._name and one.name.rpartition("/")[2].isdigit() for one in newest):
                    return  # somebody has taken it over; `holds` ends by itself
                self.objects.put(self._name, self._words())
                self._until = asked + TTL

    def give(self) -> None:
        """Says that it ended; where that fails, it runs out."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self.holds():
            with contextlib.suppress(StoreError):
                self.objects.put(self._name, self._words(ended=True))
