"""A log that is followed, through all that rotation does to it: each line once, in order, and what was lost is told."""

from __future__ import annotations

import dataclasses
import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from teiten.station.inputs._rotated import Part, Place, captured, head_of, holds, identity, opened, parts
from teiten.station.inputs._source import Changed, Piece, Source

SETTLE: Final = 5.0
"""seconds without a change after which a file that was rotated away has ended"""
PATIENCE: Final = 2.0
"""seconds for which the copy of a log that was cut off is looked for"""
TICK: Final = 0.02
"""seconds within which a folder's time may hide a second change: the kernel's clock for files ticks 100 times a second"""
KNOWN: Final = 6
"""parts that were read to their end and are remembered"""
_TURN: Final = 64
"""pieces until another log has its turn"""
_SPAN: Final = 60.0
"""seconds over which a log's usual rate is measured"""


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
        self._new = True
        self._looked: Any = None
        self._patience = 0.0
        self._rate = Rate()

    def resume(self, mark: Any) -> None:
        """Goes on from a mark. One that cannot be read counts as none."""
        try:
            places = [Place.of(one) for one in mark["files"]]
            self._rate.lines, self._rate.bytes = (float(one) for one in mark["rate"])
        except (ValueError, TypeError, KeyError):
            return
        self._new = False
        self.pending = [one for one in places if one.open]
        self.known = [one for one in places if not one.open]

    def mark(self) -> dict[str, Any]:
        """Where it stands, as JSON."""
        places = [*self.known, *self.pending, *(one.place() for one in self.sources)]
        return {"files": [one.plain() for one in places], "rate": [round(self._rate.lines, 4), round(self._rate.bytes, 2)]}

    def close(self) -> None:
        for source in self.sources:
            source.close()
        self.sources = []

    def lag(self) -> int:
        """Bytes that are there and not yet taken."""
        return sum(one.lag() for one in list(self.sources))

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
        if source.at == 0 and before is not None and before.static and before.half and before.origin == source.identity:
            half = before.half
            before.take(half, len(half))
        self.until = os.fstat(source.handle).st_mtime
        raw = source.raw(piece)
        source.take(raw, piece.length)
        lines = piece.block.count(b"\n")
        self._rate.note(lines, piece.length)
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
            self._rate.caught_up = True
            return True
        after = self.sources[self.sources.index(source) + 1 :]
        quiet = time.monotonic() - source.quiet >= SETTLE
        if source.static:
            joins = source.half and after and after[0].at == 0 and after[0].identity == source.origin
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
                self.known = [*self.known, dataclasses.replace(place, open=False)][-KNOWN:]
            self.sources.remove(source)
            source.close()
        return True

    def _retire(self, source: Source) -> None:
        """The file is another's by now (or was cut off): what it was is looked for elsewhere."""
        self.pending.append(source.place())
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
            walk = _Walk(self, [])
            try:
                found = walk.found = parts(self.log, self.rotated)
                whole = walk.go()
            except OSError as error:
                walk.close()
                self._wait(f"{error.filename or self.log} cannot be read: {error.strerror}")
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
            self._wait(f"{self.log} is not there")
        else:
            self._wait(None)
        if not walk.settle():
            return False
        # names that change within a tick are looked at again
        self._looked = looked
        if any(one.live and one.at == 0 for one in self.sources):
            for one in self.sources:
                one.first = head_of(one.handle) if one.live and one.at == 0 else b""
        return True

    def _wait(self, why: str | None) -> None:
        if why != self.waits:
            if why is not None:
                self.tell("warning", f"{why}: waiting for it")
            elif self.waits is not None:
                self.tell("info", f"{self.log} is there again" if self.sources or self.pending else f"{self.log} is there")
            self.waits = why


class Rate:
    """How fast a log usually grows, in lines and bytes a second: a mean that forgets within a minute."""

    def __init__(self) -> None:
        self.lines = self.bytes = 0.0
        self.caught_up = False
        """only what comes as it is written says something"""
        self._last = 0.0
        self._began = 0.0

    def note(self, lines: int, size: int) -> None:
        now = time.monotonic()
        if not self.caught_up:
            return
        if not self._last:
            self._last = self._began = now
            return
        gone = max(1e-3, now - self._last)
        share = max(1 - math.exp(-gone / _SPAN), gone / max(gone, now - self._began))
        self.lines += share * (lines / gone - self.lines)
        self.bytes += share * (size / gone - self.bytes)
        self._last = now


class _Walk:
    """One look at a log's parts, from the newest to the oldest: which are known, and where its own places lie now."""

    def __init__(self, of: Followed, found: list[Part]) -> None:
        self.of, self.found = of, found
        self.fresh: list[tuple[Part, int]] = []
        self.again: list[tuple[Part, int, Place]] = []
        self.known = False
        """was there a part that is known?"""
        self.kept: list[tuple[Source, Part]] = []

    def close(self) -> None:
        for _, handle in self.fresh:
            os.close(handle)
        for _, handle, _ in self.again:
            os.close(handle)

    def go(self) -> bool:
        """False where names moved meanwhile."""
        live = None
        for part in reversed(self.found):
            if self.known and not self._left():
                break
            own = next((s for s in self.of.sources if s.inode == part.inode), None)
            if own is not None:
                self.kept.append((own, part))
                self.known = self.known or own.at > 0
                live = own.handle if part.live else live
                continue
            if self.of._new and not part.live and self.of.begin != "oldest":
                break
            handle = opened(part)
            if handle is None:
                return False
            place = holds(handle, [*self._left(), *([] if self.known else self.of.known)])
            if place is not None and place.open:
                self.again.append((part, handle, place))
                self.known = True
                continue
            copy = not part.live and _copies(part, handle, live)
            if self.known or place is not None or copy:
                os.close(handle)
                self.known = self.known or place is not None
                continue
            self.fresh.append((part, handle))
            live = handle if part.live else live
        return True

    def _left(self) -> list[Place]:
        """Places that are not found yet."""
        taken = [place for _, _, place in self.again]
        return [one for one in self.of.pending if one not in taken and one.offset]

    def lost(self) -> Place | None:
        """The newest place, where it is nowhere."""
        newest = self.of.pending[-1] if self.of.pending else None
        return newest if newest is not None and newest.offset and newest in self._left() else None

    def settle(self) -> bool:
        """Makes sources of what was found. False: the station stops."""
        of = self.of
        lost = self.lost()
        if not self.known and not of._new:
            last = max((p.at for p in (*of.pending, *of.known)), default=math.inf)
            drop = [one for one in self.fresh if not one[0].live and one[0].info.st_mtime <= last]
            for one in drop:
                os.close(one[1])
                self.fresh.remove(one)
        lines = self._missing(lost)
        for source, part in self.kept:
            source.part, source.live = part, part.live
        gone = [s for s in of.sources if all(s is not kept for kept, _ in self.kept)]
        for source in gone:
            source.live = False
        of.sources += [Source(part, handle, place, copy=self._copied(part, place)) for part, handle, place in self.again]
        of.sources += [Source(part, handle) for part, handle in self.fresh]
        order = {part.inode: n for n, part in enumerate(self.found)}
        of.sources.sort(key=lambda s: order.get(s.inode, -1))
        if of._new:
            self._first()
        of.pending = []
        return of.put(b"", lost_estimated=lines) if lines else True

    def _copied(self, part: Part, place: Place) -> bool:
        """Is the file of that place still there, written anew, and this a copy of what it was?"""
        if part.live:
            return False
        handles = [s.handle for s in self.of.sources if s.live] + [handle for one, handle in self.fresh if one.live]
        return any(identity(handle) == place.inode for handle in handles)

    def _first(self) -> None:
        """A log that was never read: where it begins."""
        of = self.of
        of._new = not self.found
        for source in list(of.sources):
            if captured(os.pread(source.handle, 8, 0)):
                of._wait(f'{source.part.path} is a capture, and no log (follow its folder with kind = "folder")')
                of.refused = True
        if of.begin == "end":
            for source in of.sources:
                source.to_end()
        older = [part for part in self.found if not part.live]
        if of.begin != "oldest" and older and all(source.at == 0 for source in of.sources):
            handle = opened(older[-1])
            if handle is not None:  # what was written before is not asked for
                probe = Source(older[-1], handle)
                probe.to_end()
                of.known.append(dataclasses.replace(probe.place(), open=False))
                probe.close()

    def _missing(self, lost: Place | None) -> int:
        """How many lines were lost, about; told."""
        of = self.of
        live = next((part for part in self.found if part.live), None)
        rate = of._rate
        for part, _, place in self.again:
            if live is not None and self._copied(part, place):
                lines = round(rate.lines * max(0.0, _cut_at(live, rate) - part.info.st_mtime))
                of.tell(
                    "warning",
                    f"{of.log} was copied to {part.path.name} and cut off; what was written to it between is lost: "
                    f"about {lines} lines, by its usual {rate.lines:.3g} a second",
                )
                return lines
        if lost is None:
            return 0
        cut = live is not None and any(identity(handle) == lost.inode for part, handle in self.fresh if part.live)
        now = _cut_at(live, rate) if live is not None and cut else time.time()
        newest = min([now, *(part.info.st_mtime for part, _ in self.fresh if not part.live)])
        lines = round(rate.lines * max(0.0, newest - lost.at))
        what = "was cut off" if cut else "was removed, or replaced by another"
        of.tell(
            "warning",
            f"{of.log} {what}, and what it held is nowhere beside it: what was written to it after "
            f"{time.strftime('%Y-%m-%d %H:%M:%SZ', time.gmtime(lost.at))} is lost, about {lines} lines by its usual "
            f"{rate.lines:.3g} a second",
        )
        return lines


def _cut_at(live: Part, rate: Rate) -> float:
    """When the log was cut off: its last change, less what it took to grow as far as it has since."""
    return live.info.st_mtime - (live.info.st_size / rate.bytes if rate.bytes else 0.0)


def _copies(part: Part, handle: int, live: int | None) -> bool:
    """Is this a copy of the log itself that is being made (copytruncate)? An empty file may become one."""
    if not part.info.st_size:
        return True
    head = head_of(handle)
    return live is not None and bool(head) and head == head_of(live, len(head))
