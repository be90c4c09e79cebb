"""Lines made to hurt: time that grows with their length and no faster, memory bounded, the count always right.

The bounds here are watchdogs against quadratic work (a slope of 2; seconds for 64 KiB), wide enough for a busy machine; the
figures that the project promises (slope 1.2, 10 ms) are printed by `teiten bench hostile`.
"""

from __future__ import annotations

import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.readers.netfilter.test_cases import CASES
from tests.readers.reading import chunks, events

from teiten.readers import _blocks, _jit
from teiten.readers._base import ReadOptions
from teiten.readers.netfilter import _read
from teiten.settings import Reading

STAMP = b"2026-04-01T10:00:00+09:00 router kernel: "
BODY = b"DROP IN=eth0 OUT= MAC= SRC=192.0.2.1 DST=198.51.100.7 LEN=40 TOS=0x00 PREC=0x00 TTL=9 ID=1 "
NASTY = {
    "IN=": (STAMP, b"IN="), "IN= ": (STAMP, b"IN= "), "IN=a OUT=": (STAMP, b"IN=a OUT= "), "open": (STAMP + BODY, b"["),
    "spaces": (STAMP + BODY, b" "), "SRC=": (STAMP + BODY, b"SRC="), "SRC": (STAMP, b"SRC=1.2.3.4 "), "=": (STAMP, b"="),
    "quote": (STAMP, b'DESCR="'), "OPT": (STAMP + BODY + b"PROTO=TCP ", b"OPT ("), "OPT6": (STAMP + BODY, b"OPT ( "),
    "incomplete": (STAMP + BODY, b"INCOMPLETE [ "), "digits": (STAMP + BODY + b"SPT=", b"1"), "words": (STAMP, b"A "),
    "repeated": (STAMP, b"message repeated "), "dash": (STAMP, b"-D-1"), "stamps": (b"", b"2026-04-01T10:00:00 "),
    "kernel": (STAMP, b"kernel"), "quoted": (STAMP + BODY + b"PROTO=ICMP TYPE=3 CODE=1 ", b"[SRC=1.2.3.4 "),
    "joined": (STAMP, b"IN=a OUT= SRC=1.1.1.1 DST=2.2.2.22 x "), "nul": (b"", b"\0"), "months": (b"", b"Jan "),
    "pri": (b"", b"<1>"),
    "structured": (b"<4>1 2026-04-01T10:00:00Z h a p m ", b"[a=\"]"), "brackets": (b"", b"[ 1"),
    "glued": (STAMP, b"MAC=IN=x MAC="),
}  # fmt: skip


def spent(data: bytes) -> float:
    """Seconds of this thread for one line."""
    options = ReadOptions(zone=__import__("zoneinfo").ZoneInfo("UTC"))
    array = np.frombuffer(data + b"\n" * _blocks.PAD, np.uint8)
    best = math.inf
    for _ in range(5):
        begin = time.thread_time()
        _read.parse(array, len(data) + 1, 0, len(data) + 1, options, False)
        best = min(best, time.thread_time() - begin)
    return best


compiled = pytest.mark.skipif(_jit.PLAIN or _jit.CHECKED, reason="the time of the compiled kernels is meant")


@compiled
@pytest.mark.parametrize("name", NASTY)
def test_time_is_linear(name: str) -> None:
    head, piece = NASTY[name]
    sizes = [1024 << n for n in range(7)]
    times = [spent((head + piece * (size // len(piece) + 1))[:size]) for size in sizes]
    assert times[-1] < 0.2, times
    # below a quarter of a millisecond it is the call that is measured
    large = [(size, t) for size, t in zip(sizes, times, strict=True) if t > 0.00025]
    if len(large) > 2:
        (small, first), (big, last) = large[0], large[-1]
        assert math.log(last / first) / math.log(big / small) < 1.6, times


@compiled
def test_every_case_line_repeated_to_64_kib() -> None:
    for log in sorted(CASES.glob("*.log")):
        for line in log.read_bytes().splitlines():
            if line:
                assert spent((line * (65536 // len(line) + 1))[:65536]) < 0.2, line


def test_a_line_too_long_is_counted_once(tmp_path: Path) -> None:
    """Longer than the limit, within a block and over many blocks; its neighbours are events; its hash does not depend on
    where it lies."""
    path = tmp_path / "x.log"
    good = STAMP + BODY + b"PROTO=2 \n"
    long = STAMP + b"x" * (3 << 20) + b"\n"
    small = Reading(max_line=1 << 16)
    hashes = set()
    for before in (0, 1, 20_000):
        path.write_bytes(good * before + long + good * 3 + long[:-1])
        found = chunks(path, reading=small)
        outcome = np.concatenate([c.outcome for c in found])
        assert outcome.tolist() == [0] * before + [1] + [0] * 3 + [1]
        rejected = [r for c in found for r in c.rejected]
        assert [r.reason for r in rejected] == ["line too long"] * 2
        assert all(len(r.text) == 4096 for r in rejected)
        assert found[-1].end == path.stat().st_size
        digests = np.concatenate([c.line_hash for c in found])
        hashes |= {int(digests[before]), int(digests[-1])}
    assert len(hashes) == 1
    # over a whole block, too
    path.write_bytes(good + STAMP + b"y" * (9 << 20) + b"\n" + good)
    outcome = np.concatenate([c.outcome for c in chunks(path)])
    assert outcome.tolist() == [0, 1, 0]


def test_repeats_are_bounded(tmp_path: Path) -> None:
    """Thousands of lines that ask for ten thousand events each come in chunks."""
    path = tmp_path / "x.log"
    path.write_bytes(STAMP + BODY + b"PROTO=2 \n" + (STAMP[:25] + b" router last message repeated 10000 times\n") * 60)
    found = chunks(path)
    assert sum(c.events.height for c in found) == 600_001
    assert max(c.events.height for c in found) <= 1 << 18
    path.write_bytes(
        STAMP + b"message repeated 9999 times: [ " + (BODY + b"PROTO=2 message repeated 9999 times: [ ") * 50 + b"]\n"
    )
    assert events(path).height == 9999


def test_blocks_give_the_same_as_one_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut anywhere at line ends, side by side: the same rows as the cases' own."""
    data = b"".join(log.read_bytes() for log in sorted(CASES.glob("[plv]*.log")))
    path = tmp_path / "x.log"
    path.write_bytes(data)
    whole = events(path)
    monkeypatch.setattr(_blocks, "BLOCK", 256)
    original = _blocks.blocks
    monkeypatch.setattr(_blocks, "blocks", lambda s, o, m, p: original(s, o, 400, p, 600))
    assert events(path).equals(whole)
    assert len(chunks(path)) > 10


@pytest.mark.full
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc to see a process's own peak")
def test_memory_with_a_line_of_a_gibibyte(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    with path.open("wb") as out:
        out.write(STAMP + BODY + b"PROTO=2 \n")
        out.truncate(1 << 30)
        out.seek(1 << 30)
        out.write(b"\n" + STAMP + BODY + b"PROTO=2 \n")
    code = (
        "import re, sys\nfrom teiten import cli\ncli.main(['decode', sys.argv[1]])\n"
        # not ru_maxrss, which begins with the size of the process that started this one: pytest's
        "status = open('/proc/self/status').read()\n"
        "print(int(re.search(r'VmHWM:\\s*(\\d+)', status)[1]) // 1024, file=sys.stderr)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert run.stdout.count("\n") == 2
    assert "line too long 1" in run.stderr
    assert int(run.stderr.split()[-1]) < 512
