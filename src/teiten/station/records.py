"""The records of a chain: one line of JSON each, with its own hash and that of the record before it."""

from __future__ import annotations

import hashlib
import json
import math
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

START: Final = "0" * 64
"""what the first record of a stream follows"""
LATEST: Final = 253_402_300_800.0
"""the end of the year 9999: no record is of a later time"""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a chain.

    number   counted through the stream, from 1
    at, up   when the last of its bytes came in (UTC, seconds); the machine's clock since it was switched on, which no step of
             the other one changes
    end      how many bytes of the segment are durable
    block    SHA-256 of the block that it adds, '' for none (a heartbeat)
    counts   what happened since the record before: `received`, `refused`, `dropped_kernel`, `dropped_queue`, ...
    mark     where the input goes on from, in its own words; None: as before
    told     `as` (a segment begins: whose it is), `start` (a run began: its id, boot id, program), `stop`, `seal` (the segment
             ends), `step` (seconds by which the clock was set since the record before)
    before, sha  hash of the record before it, and of this one
    """

    number: int
    at: float
    up: float
    end: int
    block: str
    before: str
    counts: Mapping[str, int] = field(default_factory=dict)
    mark: Any = None
    told: Mapping[str, Any] = field(default_factory=dict)
    sha: str = ""
    raw: bytes = field(default=b"", compare=False, repr=False)
    """as it stood in the chain that it was read from"""

    def line(self) -> bytes:
        """The record as it stands in the chain, its own hash last."""
        if self.raw:
            return self.raw
        body = self._body()
        return body[:-1] + b',"sha":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'

    def _body(self) -> bytes:
        out: dict[str, Any] = {
            "n": self.number, "at": round(self.at, 6), "up": round(self.up, 3), "end": self.end, "block": self.block,
            "before": self.before,
        }  # fmt: skip
        if self.counts:
            out["counts"] = dict(sorted(self.counts.items()))
        if self.mark is not None:
            out["mark"] = self.mark
        out.update(self.told)
        return json.dumps(out, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


_OWN: Final = {"n", "at", "up", "end", "block", "before", "counts", "mark", "sha"}


def parse(line: bytes) -> Record | None:
    """The record of a whole line whose own hash is right; None for any other bytes."""
    try:
        head, mark, tail = line.rpartition(b',"sha":"')
        if not mark or len(tail) != 67 or not tail.endswith(b'"}\n'):
            return None
        sha = tail[:64].decode("ascii")
        if hashlib.sha256(head + b"}").hexdigest() != sha:
            return None
        found = json.loads(line.decode("utf-8", "surrogatepass"))
        told = {key: value for key, value in found.items() if key not in _OWN}
        counts = {str(name): operator.index(many) for name, many in dict(found.get("counts", {})).items()}
        one = Record(
            operator.index(found["n"]), float(found["at"]), float(found["up"]), operator.index(found["end"]),
            str(found["block"]), str(found["before"]), counts, found.get("mark"), told, sha, line,
        )  # fmt: skip
        sound = (
            one.end >= 0 and abs(one.at) < LATEST and math.isfinite(one.up) and all(abs(n) < 1 << 63 for n in counts.values())
        )
        return one if sound else None
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None


def follows(one: Record, last: Record | None) -> bool:
    """Is that the record after `last` (None: of whatever came before) in a segment?"""
    return last is None or (one.before == last.sha and one.number == last.number + 1 and one.end >= last.end)


def held(lines: Iterable[bytes], last: Record | None = None) -> list[Record]:
    """The records of those lines, after `last`, up to the first that does not hold (torn, changed, not following)."""
    out: list[Record] = []
    for line in lines:
        one = parse(line)
        if one is None or not follows(one, last):
            break
        out.append(one)
        last = one
    return out


def digest(block: bytes) -> str:
    """What a record says of its block."""
    return hashlib.sha256(block).hexdigest() if block else ""
