"""Decodes a capture in this process, on one core, and says how fast: `python -m teiten.bench._decode FILE`.

Bytes in memory become the columns of a reader's chunk, block after block, as `decode` and `ingest` go; reading the file is left
out. The median of five times over the file, in packets a second of the processor's time: one line without, one with the
hashes that `ingest` asks for.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from teiten.readers import _input
from teiten.readers._base import ReadOptions
from teiten.readers.capture import _frames, _read


class _Timed:
    """A file whose reading is not counted."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.seconds = 0.0

    def readinto(self, target: Any) -> int:
        began = time.thread_time()
        n = int(self._file.readinto(target) or 0)
        self.seconds += time.thread_time() - began
        return n

    def read(self, n: int) -> bytes:
        return bytes(self._file.read(n))


def once(path: Path, *, hashed: bool) -> float:
    """Packets a second of one time over the file."""
    source = _input.of(path)
    layout = _frames.layout(source.head())
    assert layout is not None
    options = ReadOptions(zone=ZoneInfo("UTC"), hashed=hashed)
    packets = 0
    with path.open("rb", buffering=0) as file:
        timed = _Timed(file)
        began = time.thread_time()
        for block in _read.Walker(layout, 0).blocks(timed):
            packets += len(_read.look_into(block, options, 0).outcome)
            del block
        return packets / (time.thread_time() - began - timed.seconds)


def main(path: Path) -> None:
    once(path, hashed=True)  # the kernels are loaded, or compiled
    for hashed in (False, True):
        print(statistics.median(once(path, hashed=hashed) for _ in range(5)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
