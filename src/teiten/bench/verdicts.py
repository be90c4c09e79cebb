"""What it costs to know who a source is: sources held against 26,000 prefixes, and a lake's days judged, beside its ingest."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from pathlib import Path
from typing import Final

NAME: Final = "verdicts"
HELP: Final = "sources held against 26,000 prefixes; the days of a lake judged (processor time, beside the ingest's)"
GOALS: Final = {"match_sources_per_s": (">=", 500_000.0), "judge_share_of_ingest": ("<=", 0.35)}

_PREFIXES: Final = 26_000
"""as many as MISP's and OpenFilters' lists hold together"""


def _lists() -> object:
    """One list of single addresses and some /24, the same every time."""
    import numpy as np

    from teiten.classify.lists import Entry, Prefix, WatchList
    from teiten.classify.watchlists import Watchlists

    numbers = np.random.default_rng(7).integers(1 << 24, 223 << 24, _PREFIXES).tolist()
    prefixes = tuple(Prefix(4, n >> 8 << 8, 24) if n % 20 == 0 else Prefix(4, n, 32) for n in numbers)
    day = dt.date(2026, 1, 1)
    return Watchlists([WatchList("bench", "1", day, None, "", (Entry("Somebody", prefixes),))])


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """Sources answered a second, and the processor time of judging as a share of the ingest's before it."""
    import numpy as np
    import polars as pl

    from teiten import classify, intake
    from teiten.bench import _lines
    from teiten.classify.watchlists import Watchlists
    from teiten.lake import Lake
    from teiten.settings import Settings

    known = _lists()
    assert isinstance(known, Watchlists)
    count = 100_000 if quick else 1_000_000
    addresses = np.random.default_rng(8).integers(0, 1 << 32, count, dtype=np.uint32).astype(">u4").tobytes()
    sources = pl.Series([addresses[n : n + 4] for n in range(0, len(addresses), 4)], dtype=pl.Binary)
    frame = pl.DataFrame({"src_ip": sources, "day": dt.date(2026, 1, 2)})
    known.match_frame(frame.head(10))  # the index is made once for all days
    begun = time.process_time()
    hits = known.match_frame(frame).height
    matched = time.process_time() - begun

    chosen = Settings("Asia/Tokyo", "flag")
    shutil.rmtree(work / "verdicts-lake", ignore_errors=True)
    lake = Lake.create(work / "verdicts-lake", chosen.zone_name)
    log = _lines.made(work, 100_000 if quick else 1_000_000)
    begun = time.process_time()
    events = intake.ingest(lake, [str(log)], chosen, judge=False).total.events
    stored = time.process_time() - begun
    begun = time.process_time()
    result = classify.run(lake, chosen)
    judged = time.process_time() - begun
    shutil.rmtree(work / "verdicts-lake")
    return {
        "match_sources_per_s": count / max(matched, 1e-9),
        "match_hits": float(hits),
        "judge_events_per_s": events / judged,
        "judge_sources": float(result.sources),
        "judge_share_of_ingest": judged / stored,
    }
