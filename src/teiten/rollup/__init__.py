"""Aggregates made and kept: what finished days came to, so that reports of months need no events (docs/concepts/aggregates.md).

    rollup.ensure(lake, settings, days)     makes what these days lack, or what no longer holds
    rollup.kept(lake, settings, days)       those of the days that have all of it
    rollup.tidy(lake, settings)             what a writer makes by itself at its end

The tables are those of `teiten.lake.rollup`; what a day's rows are, says `teiten.engine.offers`.
"""

from teiten.rollup.making import Progress, Result, due, ensure, kept, stale, tidy

__all__ = ["Progress", "Result", "due", "ensure", "kept", "stale", "tidy"]
