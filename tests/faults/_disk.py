"""A disk that loses what was not synced: what may lie on it after the power was cut at some moment.

Two kinds of disk, after "All File Systems Are Not Created Equal" (Pillai et al., OSDI 2014):

    journal   names change in the order of the calls (ext4, xfs): some first part of them is there, and syncing anything
              brings all the names before it. Bytes that were not synced are there in part, or not.
    any       each change of a name that its folder's sync did not cover is there or not, by itself.

In both, bytes written and not synced are there, not there, or torn at a block's edge, each write by itself; a file may so be
longer than what was written into it, with zeros between.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from _trace import Cut, Gone, Linked, Made, Moved, Op, Synced, Wrote

Kind = Literal["journal", "any"]
BLOCK = 512


@dataclass
class _Inode:
    folder: bool = False
    done: list[Wrote | Cut] = field(default_factory=list)
    synced: int = 0
    """how many of `done` are surely on the disk"""


@dataclass
class _Change:
    """A change of names, whole or not at all: (path, inode or None for gone)."""

    names: list[tuple[str, int | None]]
    sure: set[str] = field(default_factory=set)
    """folders of it that were synced since"""


@dataclass
class Disk:
    """The state while the calls go by."""

    kind: Kind
    inodes: list[_Inode] = field(default_factory=lambda: [_Inode(folder=True)])
    names: dict[str, int] = field(default_factory=lambda: {"": 0})
    changes: list[_Change] = field(default_factory=list)
    settled: dict[str, int] = field(default_factory=lambda: {"": 0})
    """names that are surely on the disk, with no change before them that is not"""

    def apply(self, op: Op) -> None:
        """One call that succeeded."""
        if isinstance(op, Made):
            if op.path not in self.names:
                self.inodes.append(_Inode(op.folder))
                self._change([(op.path, len(self.inodes) - 1)])
        elif isinstance(op, Wrote | Cut):
            self.inodes[self.names[op.path]].done.append(op)
        elif isinstance(op, Linked):
            self._change([(op.to, self.names[op.path])])
        elif isinstance(op, Moved):
            moved = [p for p in self.names if p == op.path or p.startswith(op.path + "/")]
            names: list[tuple[str, int | None]] = [(p, None) for p in moved]
            self._change([*names, *((op.to + p[len(op.path) :], self.names[p]) for p in moved)])
        elif isinstance(op, Gone):
            self._change([(op.path, None)])
        elif isinstance(op, Synced):
            self._sync(op)

    def _change(self, names: list[tuple[str, int | None]]) -> None:
        for path, inode in names:
            if inode is None:
                self.names.pop(path, None)
            else:
                self.names[path] = inode
        self.changes.append(_Change(names))

    def _sync(self, op: Synced) -> None:
        if op.all:
            for inode in self.inodes:
                inode.synced = len(inode.done)
            self._settle(len(self.changes))
            return
        inode = self.inodes[self.names[op.path]]
        inode.synced = len(inode.done)
        if self.kind == "journal":
            self._settle(len(self.changes))
        elif inode.folder:
            for change in self.changes:
                if any(_parent(path) == op.path for path, _ in change.names):
                    change.sure.add(op.path)
            while self.changes and {_parent(path) for path, _ in self.changes[0].names} <= self.changes[0].sure:
                self._settle(1)

    def _settle(self, count: int) -> None:
        for change in self.changes[:count]:
            _rename(self.settled, change)
        del self.changes[:count]

    def after_a_cut(self, folder: Path, chance: random.Random) -> None:
        """Writes into `folder` (new) what may be found there when the power is cut now."""
        names = dict(self.settled)
        for change in self._kept(chance):
            _rename(names, change)
        folder.mkdir()
        contents: dict[int, bytes] = {}
        for path, number in sorted(names.items()):
            inode = self.inodes[number]
            where = folder / path
            if path == "" or not where.parent.is_dir():
                continue  # its folder was lost
            if inode.folder:
                where.mkdir(exist_ok=True)
            else:
                if number not in contents:
                    contents[number] = _content(inode, chance)
                where.write_bytes(contents[number])

    def _kept(self, chance: random.Random) -> Sequence[_Change]:
        if self.kind == "journal":
            return self.changes[: chance.randint(0, len(self.changes))]
        return [c for c in self.changes if c.sure or chance.random() < 0.5]


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _rename(names: dict[str, int], change: _Change) -> None:
    for path, inode in change.names:
        if inode is None:
            names.pop(path, None)
        else:
            names[path] = inode


def _content(inode: _Inode, chance: random.Random) -> bytes:
    out = bytearray()
    style = chance.choice(("all", "none", "some"))
    for n, op in enumerate(inode.done):
        if n >= inode.synced and (style == "none" or (style == "some" and chance.random() < 0.5)):
            continue
        if isinstance(op, Cut):
            del out[op.size :]
            out.extend(bytes(max(0, op.size - len(out))))
            continue
        data = op.data
        if n >= inode.synced and style == "some" and chance.random() < 0.5:
            data = data[: chance.randint(0, len(data) // BLOCK) * BLOCK]
        offset = len(out) if op.offset < 0 else op.offset
        out.extend(bytes(max(0, offset - len(out))))
        out[offset : offset + len(data)] = data
    return bytes(out)
