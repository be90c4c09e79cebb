"""What a source is taken for: watchlists and rules, from which the table of verdicts is made.

from teiten import classify
classify.run(lake, settings)                 judges the stale days, keeps their verdicts
classify.watchlists.load(settings)           every list at hand: match(address, day), match_frame(frame)
"""

from __future__ import annotations

from teiten.classify import lists, watchlists
from teiten.classify.verdicts import Basis, Result, judge, last_day, lists_used, refresh, run, stale_days, touched_days

__all__ = [
    "Basis",
    "Result",
    "judge",
    "last_day",
    "lists",
    "lists_used",
    "refresh",
    "run",
    "stale_days",
    "touched_days",
    "watchlists",
]
