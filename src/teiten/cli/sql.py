"""teiten sql: read-only SQL over the documented views of the lake."""

from __future__ import annotations

import argparse
import contextlib
import re
import sys

from teiten.cli import _common, _output
from teiten.errors import LakeError, UsageError

NAME = "sql"
HELP = "read-only SQL over the views events, sources, batches, coverage, verdicts, notes, detections, stories"
EXAMPLE = '  teiten sql "SELECT dst_port, count(*) AS n FROM events GROUP BY ALL ORDER BY n DESC LIMIT 10"'


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", nargs="?", metavar="QUERY", help="one SELECT, in DuckDB's SQL; - reads it from stdin")
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    parser.add_argument("--tz", metavar="ZONE", help="zone in which times are shown and days begin")
    parser.add_argument("--seconds", metavar="N", type=float, default=600.0, help="end the query after so long (default: 600)")
    parser.add_argument("--memory", metavar="MIB", type=int, help="what the query may take (default: 1024; 1792 at most)")
    parser.add_argument("--views", action="store_true", help="list the views and their columns, with what they mean")
    _output.add_output(parser)
    _common.add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten import settings

    chosen = settings.load(config=args.config, zone=args.tz, lake=args.lake)
    if args.views:
        _views(args, chosen.language)
        return 0
    if not args.query:
        raise UsageError("There is no query.", hint='Write one, such as: teiten sql "SELECT count(*) FROM events"')
    query = _stdin() if args.query == "-" else args.query
    if args.seconds <= 0 or (args.memory is not None and args.memory < 64):
        raise UsageError(
            "A query needs some time and at least 64 MiB.", hint="Leave --seconds and --memory away, or give more."
        )
    from teiten.engine import console, judged
    from teiten.lake import Lake

    lake = Lake.open(chosen.lake)
    if judged.names_verdicts(query):
        from teiten import classify

        outcome = classify.refresh(lake, chosen)
        if outcome.trouble is not None:
            _common.show_verdicts(outcome)
    if re.search(r"\bcoverage\b", query, re.IGNORECASE):
        from teiten import coverage

        with contextlib.suppress(LakeError):  # somebody writes: then it is as it was
            coverage.refresh(lake, chosen, wait=2.0)
    if re.search(r"\b(detections|stories)\b", query, re.IGNORECASE):
        from teiten.detect import kept

        progress = _common.Progress("detecting")
        done = kept.refresh(lake, chosen, whole=True, progress=lambda made, of: progress.show(made, f"{made:,} of {of:,} days"))
        progress.clear()
        if done.trouble is not None:
            print(f"teiten: {len(done.stale):,} days wait for their stories: {done.trouble}", file=sys.stderr)
    # the answer goes through memory once here and once there
    memory = args.memory or console.usual_memory_mb(chosen)
    found = console.ask(lake.path, chosen, query, console.Limits(args.seconds, memory, max(64, memory // 2)))
    _output.write_frames(iter([found]), dict(found.schema), args.output, args.out)
    return 0


def _stdin() -> str:
    return sys.stdin.read()


def _views(args: argparse.Namespace, language: str) -> None:
    from teiten.engine.duckdb import views

    rows = views()
    if args.output == "table":
        rows = [{"view": r["view"], "column": r["column"], "type": r["type"], "meaning": r[language]} for r in rows]
    _output.write_rows(rows, args.output, args.out)
