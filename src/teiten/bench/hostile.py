"""Lines made to hurt: how the time for one grows with its length, and what the worst of 64 KiB takes (promises 10 and 11)."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

NAME: Final = "hostile"
HELP: Final = "one adversarial line of 1 to 64 KiB: slope of its time, and the worst"
GOALS: Final = {"worst_64kib_ms": ("<=", 10.0), "worst_slope": ("<=", 1.2)}

_STAMP = b"2026-04-01T10:00:00+09:00 router kernel: "
_BODY = _STAMP + b"DROP IN=eth0 OUT= MAC= SRC=192.0.2.1 DST=198.51.100.7 LEN=40 TOS=0x00 PREC=0x00 TTL=9 ID=1 "
_SHAPES: Final = (
    (_STAMP, b"IN="), (_STAMP, b"IN=a OUT= "), (_STAMP, b"IN=a OUT= SRC=1.1.1.1 DST=2.2.2.2 x "), (_STAMP, b"MAC=IN=x MAC="),
    (_STAMP, b"SRC=1.2.3.4 "), (_STAMP, b'DESCR="'), (_STAMP, b"message repeated "), (_STAMP, b"A "), (_STAMP, b"-D-1"),
    (_BODY, b"["), (_BODY, b" "), (_BODY, b"OPT ( "), (_BODY, b"INCOMPLETE [ "), (_BODY + b"PROTO=TCP ", b"OPT ("),
    (_BODY + b"PROTO=ICMP TYPE=3 CODE=1 ", b"[SRC=1.2.3.4 "), (b"", b"\0"), (b"", b"Jan "), (b"", b"<1>"), (b"", b"[ 1"),
    (b"<4>1 2026-04-01T10:00:00Z h a p m ", b'[a="]'), (b"", b"2026-04-01T10:00:00 "),
)  # fmt: skip
_FLOOR: Final = 0.00004
"""seconds below which it is the call that is measured, not the line"""


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """Thread time of the reader's parse, the least of fifty (five when quick) runs each."""
    import numpy as np

    from teiten.readers import _blocks
    from teiten.readers._base import ReadOptions
    from teiten.readers.netfilter import _read

    options = ReadOptions(zone=ZoneInfo("UTC"))

    def spent(line: bytes) -> float:
        array = np.frombuffer(line + b"\n" * _blocks.PAD, np.uint8)
        best = math.inf
        for _ in range(5 if quick else 50):
            begun = time.thread_time()
            _read.parse(array, len(line) + 1, 0, len(line) + 1, options, False)
            best = min(best, time.thread_time() - begun)
        return best

    worst, steepest = 0.0, 0.0
    for head, piece in _SHAPES:
        sizes = [1024 << n for n in range(7)]
        times = [spent((head + piece * (size // len(piece) + 1))[:size]) for size in sizes]
        worst = max(worst, times[-1])
        large = [(size, spent_) for size, spent_ in zip(sizes, times, strict=True) if spent_ > _FLOOR]
        if len(large) > 2:
            (small, first), (big, last) = large[0], large[-1]
            steepest = max(steepest, math.log(last / first) / math.log(big / small))
    return {"shapes": float(len(_SHAPES)), "worst_64kib_ms": worst * 1000, "worst_slope": steepest}
