"""What was let go: SPOOL/gone.jsonl, a line a segment whose bytes are no longer kept, written before they go."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from teiten import disk
from teiten.station import _disk

FILE: Final = "gone.jsonl"


@dataclass(frozen=True, slots=True)
class Gone:
    """A segment whose bytes went.

    segment: its identity; bytes: how many those were; begin, end: times of its first and last record (unix time); received:
    messages or packets in it; record, sha: number and hash of its last record; at: when it went; why: `age`, `room`; chain:
    whether its records went, too.
    """

    segment: str
    input: str
    sensor: str | None
    bytes: int
    begin: float
    end: float
    received: int
    record: int
    sha: str
    at: float
    why: str
    chain: bool = False


def write(spool: Path, many: Sequence[Gone]) -> None:
    """Adds lines, for good. OSError: none of them counts, and nothing may go."""
    path = spool / FILE
    text = b"".join(json.dumps(asdict(one), ensure_ascii=False).encode() + b"\n" for one in many)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        end = os.fstat(handle).st_size
        if end and os.pread(handle, 1, end - 1) != b"\n":
            text = b"\n" + text  # the last line was torn
        _disk.put(handle, text, end)
    finally:
        os.close(handle)
    disk.sync_folder(spool)


def read(spool: Path) -> dict[str, Gone]:
    """Segment -> what is said of it last. Lines that cannot be read are passed over."""
    out: dict[str, Gone] = {}
    try:
        lines = (spool / FILE).read_bytes().splitlines()
    except OSError:
        return out
    for line in lines:
        with contextlib.suppress(ValueError, TypeError):
            one = Gone(**json.loads(line))
            out[one.segment] = one
    return out
