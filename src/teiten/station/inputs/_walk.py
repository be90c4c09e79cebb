"""One look at a log's parts, from the newest to the oldest: which are known, which are new, and where known places lie now."""

from __future__ import annotations

import dataclasses
import os
import time
from typing import TYPE_CHECKING

from teiten.station.inputs._lost import copied, cut_at, removed
from teiten.station.inputs._rotated import Part, Place, captured, head_of, holds, identity, opened, shorter
from teiten.station.inputs._source import Source

if TYPE_CHECKING:
    from teiten.station.inputs._followed import Followed


class Walk:
    """One look at a log's parts, from the newest to the oldest: which are known, and where its own places lie now."""

    def __init__(self, of: Followed, found: list[Part]) -> None:
        self.of, self.found = of, found
        self.fresh: list[tuple[Part, int]] = []
        self.again: list[tuple[Part, int, Place]] = []
        self.short: list[tuple[Part, Place]] = []
        """places whose copies end before them: nothing more is to be had"""
        self.ends: list[Place] = []
        """the ends of those copies"""
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
        inodes = {part.inode for part in self.found}
        nameless = [one for one in self.of.sources if one.inode not in inodes and not one.packed]
        held = [dataclasses.replace(one.place(), open=False) for one in nameless if one.at]
        heads = [head_of(one.handle) for one in nameless if not one.at]
        for part in reversed(self.found):
            if self.known and not self._left():
                break
            own = next((s for s in self.of.sources if s.inode == part.inode), None)
            if own is not None:
                self.kept.append((own, part))
                self.known = self.known or own.at > 0
                live = own.handle if part.live else live
                continue
            if self.of.new and not part.live and self.of.begin != "oldest":
                break
            handle = opened(part)
            if handle is None:
                return False
            place = holds(handle, [*self._left(), *([] if self.known else [*self.of.known, *held])])
            if place is not None and place.open:
                self.again.append((part, handle, place))
                self.known = True
                continue
            if place is None and not part.live and (short := next((p for p in self._left() if shorter(handle, p)), None)):
                self.short.append((part, short))
                self.ends.append(_end(part, handle))
                self.known = True
                continue
            copy = not part.live and (_copies(part, handle, live) or any(_same(head_of(handle), head) for head in heads))
            if self.known or place is not None or copy:
                os.close(handle)
                self.known = self.known or place is not None
                continue
            self.fresh.append((part, handle))
            live = handle if part.live else live
        return True

    def _left(self) -> list[Place]:
        """Places that are not found yet."""
        taken = [*(place for _, _, place in self.again), *(place for _, place in self.short)]
        return [one for one in self.of.pending if one not in taken and one.offset]

    def lost(self) -> Place | None:
        """The newest place, where it is nowhere."""
        newest = self.of.pending[-1] if self.of.pending else None
        return newest if newest is not None and newest.offset and newest in self._left() else None

    def settle(self) -> bool:
        """Makes sources of what was found. False: the station stops."""
        of = self.of
        lost = self.lost()
        if not self.known and not of.new:
            held = [one.written for one in of.sources if all(one is not kept for kept, _ in self.kept)]
            last = max([*(p.at for p in (*of.pending, *of.known)), *held], default=0.0)
            drop = [one for one in self.fresh if not one[0].live and one[0].info.st_mtime < last]
            for one in drop:
                os.close(one[1])
                self.fresh.remove(one)
        lines = self._missing(lost)
        for source, part in self.kept:
            source.part, source.live = part, part.live
        gone = [s for s in of.sources if all(s is not kept for kept, _ in self.kept)]
        for source in gone:
            source.live = False
        stays = self._stays()
        for part, handle, place in self.again:
            of.sources.append(Source(part, handle, place, copy_of=place.inode if self._copied(part, place) else None))
        of.sources += [Source(part, handle, copy_of=None if part.live else stays) for part, handle in self.fresh]
        order = {part.inode: n for n, part in enumerate(self.found)}
        of.sources.sort(key=lambda s: order.get(s.inode, -1))
        if of.new:
            self._first()
        of.pending = []
        of.remember(*self.ends)
        # so that a kill does not forget that a copy was seen to end early
        return of.put(b"", lost_estimated=lines) if lines or self.ends else True

    def _live(self) -> int | None:
        """A handle on the log itself."""
        handles = [s.handle for s, part in self.kept if part.live] + [handle for part, handle in self.fresh if part.live]
        return handles[0] if handles else None

    def _stays(self) -> str | None:
        """The identity of the log itself, if it is the file that it was: what was put away meanwhile are copies of it."""
        live = self._live()
        now = None if live is None else identity(live)
        before = [s.identity for s, part in self.kept if part.live] + [place.inode for place in self.of.pending]
        return now if now in before else None

    def _copied(self, part: Part, place: Place) -> bool:
        """Is the file of that place still there, written anew, and this a copy of what it was?"""
        live = self._live()
        return not part.live and live is not None and identity(live) == place.inode

    def _first(self) -> None:
        """A log that was never read: where it begins."""
        of = self.of
        of.new = not self.found
        for source in list(of.sources):
            if captured(os.pread(source.handle, 8, 0)):
                of.wait(f'{source.part.path} is a capture, and no log (follow its folder with kind = "folder")')
                of.refused = True
        if of.begin == "end":
            for source in of.sources:
                source.to_end()
        older = [part for part in self.found if not part.live]
        if of.begin != "oldest" and older and all(source.at == 0 for source in of.sources):
            handle = opened(older[-1])
            if handle is not None:  # what was written before is not asked for
                of.remember(_end(older[-1], handle))

    def _missing(self, lost: Place | None) -> int:
        """How many lines were lost, about; told."""
        of, stays = self.of, self._stays()
        live = next((part for part in self.found if part.live), None)
        copies = [part for part, _, place in self.again if self._copied(part, place)] + [part for part, _ in self.short]
        copies += [part for part, _ in self.fresh if not part.live and stays]
        if live is not None and copies:
            lines, said = copied(live, sorted(copies, key=self.found.index), of.read, of.rate)
        elif lost is not None:
            handle = self._live()
            cut = live is not None and handle is not None and identity(handle) == lost.inode
            until = [part.info.st_mtime for part, _ in self.fresh if not part.live]
            until.append(cut_at(live, of.rate) if cut and live is not None else time.time())
            lines, said = removed(str(of.log), max(lost.at, of.read), min(until), of.rate, cut=cut)
        else:
            return 0
        of.tell("warning", said)
        return lines


def _end(part: Part, handle: int) -> Place:
    """The end of a part that is not to be read (any more). Closes the handle."""
    probe = Source(part, handle)
    probe.to_end()
    probe.close()
    return dataclasses.replace(probe.place(), open=False)


def _copies(part: Part, handle: int, live: int | None) -> bool:
    """Is this a copy of the log itself that is being made (copytruncate)? An empty file may become one."""
    if not part.info.st_size:
        return True
    return live is not None and _same(head_of(handle), head_of(live))


def _same(copy: bytes, other: bytes) -> bool:
    """Does a copy begin as the other file does? It may still be shorter."""
    return bool(copy) and other.startswith(copy)
