"""A log that is followed, through all that rotation does to it: each line once, in order, and what was lost is told."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from teiten.station.inputs._lost import Rate
from teiten.station.inputs._rotated import Place, head_of, parts
from teiten.station.inputs._source import Changed, Piece, Source
from teiten.station.inputs._walk import Walk

SETTLE: Final = 5.0
"""seconds without a change after which a file that was rotated away has ended"""
PATIENCE: Final = 2.0
"""seconds for which the copy of a log that was cut off is looked for"""
TICK: Final = 0.02
"""seconds within which a folder's time may hide a second change: the kernel's clock for files ticks 100 times a second"""
KNOWN: Final = 8
"""parts that were read to their end and are remembered"""
_TURN: Final = 64
"""pieces until another log has its turn"""


class Put(Protocol):
    """Takes lines into the spool; False: the station stops, and they are not taken."""

    def __call__(self, block: bytes, **counts: int) -> bool: ...


class Followed:
    """One log. `poll` takes what is there now; `mark` is where it stands, for `resume` of a later run."""

    def __init__(self, log: Path, put: Put, tell: Callable[[str, str], None], rotated: str | None, begin: str) -> None:
        self.log, self.put, self.tell = log, put, tell
        self.rotated, self.begin = rotated, begin
        self.sources: list[Source] = []
        """what is open, oldest first; the last one is the log itself, as a rule"""
        self.pending: list[Place] = []
        """places in files that must be found again"""
        self.known: list[Place] = []
        """ends of parts that were read whole"""
        self.waits: str | None = None
        """what it waits for"""
        self.until = 0.0
        """when the file was written last of which the last piece was"""
        self.refused = False
        """it is no log"""
        self.new = True
        """it was never read"""
        self.read = 0.0
        """when all of the file that is gone was taken"""
        self._looked: Any = None
        self._patience = 0.0
        self.rate = Rate()

    def resume(self, mark: Any) -> None:
        """Goes on from a mark. One that cannot be read counts as none."""
        try:
            places = [Place.of(one) for one in mark["files"]]
            self.rate = Rate(*(float(one) for one in mark["rate"]))
        except (ValueError, TypeError, KeyError):
            return
        self.new = False
        self.pending = [one for one in places if one.open]
        self.known = [one for one in places if not one.open]

    def mark(self) -> dict[str, Any]:
        """Where it stands, as JSON."""
        places = [*self.known, *self.pending, *(one.place() for one in self.sources)]
        return {"files": [one.plain() for one in places], "rate": [round(self.rate.lines, 4), round(self.rate.bytes, 2)]}

    def close(self) -> None:
        for source in self.sources:
            source.close()
        self.sources = []

    def lag(self) -> int:
        """Bytes that are there and not yet taken."""
        return sum(one.lag() for one in list(self.sources))

    def written(self) -> float:
        """When it was written to last, by its file's time."""
        return max((one.written for one in list(self.sources)), default=0.0)

    def whole(self) -> bool:
        """Was it read, and is it none that is waited for?"""
        return bool(self.sources) and not self.pending and all(one.at and not one.half for one in self.sources)

    def over(self) -> bool:
        """Is nothing of it left?"""
        return not (self.sources or self.pending or self.new)

    def poll(self, stop: threading.Event) -> bool:
        """Takes what is there; True where more may be there at once. OSError."""
        if self.refused:
            return False
        if self._due() and not self._look():
            return False
        for source in list(self.sources):
            for _ in range(_TURN):
                if stop.is_set():
                    return False
                try:
                    piece = source.piece()
                except Changed:
                    self._retire(source)
                    return True
                if piece is None:
                    break
                if source.live and source.at == 0 and not self._as_found(source, piece):
                    return False
                if not self._take(source, piece):
                    return False
            else:
                return True
            if not self._ended(source):
                return False
        return False

    # taking ----------------------------------------------------------------------------------------------------------

    def _take(self, source: Source, piece: Piece) -> bool:
        """Puts a piece down, with the half line before it whose end it has."""
        place = self.sources.index(source)
        before = self.sources[place - 1] if place else None
        half = b""
        if source.at == 0 and before is not None and before.static and before.half and before.origin == source.origin:
            half = before.half
            before.take(half, len(half))
        self.until = os.fstat(source.handle).st_mtime
        raw = source.raw(piece)
        source.take(raw, piece.length)
        lines = piece.block.count(b"\n")
        self.rate.note(lines, piece.length)
        return self.put(half + piece.block, received=lines + piece.refused, refused=piece.refused)

    def _as_found(self, source: Source, piece: Piece) -> bool:
        """Does a log that is read from its first byte still begin as it did when it was looked at, and is the folder the same?

        If not, it was rotated between: what was in it is elsewhere, and comes first.
        """
        first = head_of(source.handle, len(source.first))
        same = first == source.first
        if self._looked is None:  # names have just changed, or change all the time here
            return same and time.monotonic() - source.since > PATIENCE
        if same and self._folder() == self._looked:
            return True
        self._looked = None
        return False

    def _ended(self, source: Source) -> bool:
        """A source that has nothing more now: is it over? False: stop."""
        if source is self.sources[-1] and source.live:
            self.rate.caught_up = True
            return True
        after = self.sources[self.sources.index(source) + 1 :]
        quiet = time.monotonic() - source.quiet >= SETTLE
        if source.static:
            joins = source.half and after and after[0].at == 0 and after[0].origin == source.origin
            if joins and not quiet:
                return True
        elif not quiet:
            return True
        if source.half:  # nobody will end it
            block, half = source.half + b"\n", source.half
            source.take(half, len(half))
            if not self.put(block, received=1):
                return False
        if source.static or len(after) > 1 or source.gone():
            if source.trouble:
                self.tell("warning", f"{source.part.path}: it ends too early ({source.trouble}); what came before is taken")
            place = source.place()
            if place.offset:
                self.remember(dataclasses.replace(place, open=False))
            self.sources.remove(source)
            source.close()
        return True

    def remember(self, *ends: Place) -> None:
        """Keeps ends of parts; those that were written to last, however late they are told."""
        self.known = sorted([*self.known, *ends], key=lambda one: one.at)[-KNOWN:]

    def _retire(self, source: Source) -> None:
        """The file is another's by now (or was cut off): what it was is looked for elsewhere."""
        self.pending.append(source.place())
        self.read = source.read
        self.sources.remove(source)
        source.close()
        self._looked = None
        self._patience = time.monotonic() + PATIENCE

    # looking ---------------------------------------------------------------------------------------------------------

    def _folder(self) -> tuple[Any, ...] | None:
        """By which changes of names are seen; None: they may have changed this very moment."""
        folders = {Path(os.path.realpath(self.log)).parent, self.log.parent}
        if self.rotated is not None:
            folders.add(Path(self.rotated).parent)
        out: list[Any] = []
        for folder in sorted(folders):
            try:
                info = folder.stat()
            except OSError:
                out.append(None)
                continue
            if abs(time.time() - info.st_mtime) < TICK:
                return None
            out.append((info.st_dev, info.st_ino, info.st_mtime_ns))
        try:
            info = self.log.stat()
            out.append((info.st_dev, info.st_ino))
        except OSError:
            out.append(None)
        return tuple(out)

    def _due(self) -> bool:
        return bool(self._looked is None or self.pending or self._folder() != self._looked)

    def _look(self) -> bool:
        """Lists the log's parts and opens what is new. False: not now. OSError."""
        looked = self._folder()
        for _ in range(20):
            walk = Walk(self, [])
            try:
                found = walk.found = parts(self.log, self.rotated)
                whole = walk.go()
            except OSError as error:
                walk.close()
                self.wait(f"{error.filename or self.log} cannot be read: {error.strerror}")
                return False
            if whole:
                break
            walk.close()
        else:
            return bool(self.sources)
        if walk.lost() and time.monotonic() < self._patience:
            walk.close()
            return False
        if not found and not self.sources:
            self.wait(f"{self.log} is not there")
        else:
            self.wait(None)
        if not walk.settle():
            return False
        # names that change within a tick are looked at again
        self._looked = looked
        if any(one.live and one.at == 0 for one in self.sources):
            for one in self.sources:
                one.first = head_of(one.handle) if one.live and one.at == 0 else b""
        return True

    def wait(self, why: str | None) -> None:
        if why != self.waits:
            if why is not None:
                self.tell("warning", f"{why}: waiting for it")
            elif self.waits is not None:
                self.tell("info", f"{self.log} is there again" if self.sources or self.pending else f"{self.log} is there")
            self.waits = why
