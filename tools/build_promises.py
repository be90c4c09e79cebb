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
    5: ("replays are free", "tests/faults/test_replays.py"),
    7: ("every loss has a number", "tests/faults/test_losses.py"),
    8: ("syslog over UDP, 20,000 a second", "tests/faults/test_syslog_rate.py"),
    12: ("memory is bounded", "tests/faults/test_memory.py"),
    13: ("the evidence is kept: the lake made again is the same rows", "tests/faults/test_replays.py"),
    22: ("two writers and many readers at once", "tests/faults/test_together.py"),
    23: ("a commit a minute: what asking and storing cost, and the files, stay as they were", "teiten bench minutes"),
}
INTRO = """# What is promised of the lake, and what its proofs gave

<!-- Made by tools/build_promises.py from the figures of `make test-faults`. -->

| promise | proof | figure | date |
| --- | --- | --- | --- |
"""
END = """
**Power cuts.** What the intake does to its files is recorded call by call with strace. The calls are replayed, up to
a random moment, on two kinds of disk that lose what was not synced: one that keeps names in the order of the calls
(as ext4 and xfs do), and one on which each change of a name that its folder's sync did not cover is there or not, by
itself. Bytes that were not synced are there, not there, or torn at 512 bytes. Then the real program opens what is
left, and stores the rest.

**Kills.** Real processes are ended with SIGKILL at random moments: the intake of long logs; and a mix of everything that
changes a lake (ingest with verdicts, compact, forget, take-out, vacuum, the migration of an older lake), in forks of a
process that has the program loaded. In between and at the end every line is counted by its number.

**Full disk.** A disk of one MiB with a random amount of it taken by another file. The intake stops with one sentence;
after room is made the same command goes on.

**Failing writes.** strace makes the n-th call of a kind fail with EIO, ENOSPC or EINTR, in every thread of the real
program. A call that is no disk's may be hit as well (threads wake each other by writes): a run that hangs on it for two
minutes is killed, and the next must be right all the same.

**Replays, rebuilding.** Windows of a log that overlap, one that grows, each under three names, plain and compressed, in
random order and several at once; the lake is put together in between. The same inputs into a new lake, cut into other
batches, give the same rows in every column, before and after they are put together.

**Together.** Two `teiten ingest` into one lake at once, while processes ask the same question again and again, through
compact, forget and vacuum: each answer must be a state that the lake had.

**Losses.** Random runs of a real receiver: buffers of the kernel from 4 KiB on, queues from 500 bytes on, a disk that
stands still, lines that are none. What was sent is known; what became of it is read from the spool's chain, and from what
the reader says of every line.

**Damage.** Every file of a lake in turn is lost, cut short or filled with zeros (`tests/lake/test_mend.py`): the question
names it, `teiten lake mend` goes on without it and says what to ingest again, and that gives back exactly what was lost.
"""


def page(lines: list[str]) -> str:
    """The page's text."""
    rows = []
    for line in lines:
        told = json.loads(line)
        promise, proof = PROMISES[told["promise"]]
        rows.append((told["promise"], f"| {promise} | `{proof}` | {told['figure']} | {told.get('date', '')} |"))
    return INTRO + "\n".join(row for _, row in sorted(rows)) + "\n" + END


if __name__ == "__main__":
    PAGE.write_text(page(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()), encoding="utf-8")
    print(PAGE)
