"""Writes docs/reference/promises.md from the figures that the proofs gave.

TEITEN_FIGURES=figures.jsonl make test-faults && python tools/build_promises.py figures.jsonl
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "promises.md"
PROMISES = {
    1: ("kill -9 loses nothing and doubles nothing", "tests/lake/test_kills.py"),
    2: ("what is acknowledged survives a power cut", "tests/faults/test_power_cuts.py"),
    3: ("a full disk only pauses", "tests/faults/test_full_disk.py"),
    4: ("every write may fail", "tests/faults/test_failing_writes.py"),
}
INTRO = """# What is promised of the intake, and what its proofs gave

<!-- Made by tools/build_promises.py from the figures of one run of `make test-faults`. -->

| promise | proof | figure |
| --- | --- | --- |
"""
END = """
**Power cuts.** What the intake does to its files is recorded call by call with strace. The calls are replayed, up to
a random moment, on two kinds of disk that lose what was not synced: one that keeps names in the order of the calls
(as ext4 and xfs do), and one on which each change of a name that its folder's sync did not cover is there or not, by
itself. Bytes that were not synced are there, not there, or torn at 512 bytes. Then the real program opens what is
left, and stores the rest.

**Full disk.** A disk of one MiB with a random amount of it taken by another file. The intake stops with one sentence;
after room is made the same command goes on.

**Failing writes.** strace makes the n-th call of a kind fail with EIO, ENOSPC or EINTR, in every thread of the real
program.
"""


def page(lines: list[str]) -> str:
    """The page's text."""
    rows = []
    for line in lines:
        told = json.loads(line)
        promise, proof = PROMISES[told["promise"]]
        rows.append((told["promise"], f"| {promise} | `{proof}` | {told['figure']} |"))
    return INTRO + "\n".join(row for _, row in sorted(rows)) + "\n" + END


if __name__ == "__main__":
    PAGE.write_text(page(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()), encoding="utf-8")
    print(PAGE)
