"""teiten lake: what a lake holds, its files put together, files that nobody needs any more taken away."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teiten.cli import _common, _mending, _output, _retaining
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.lake import Lake
    from teiten.settings import Settings

NAME = "lake"
HELP = "what the lake holds; put its files together; take replaced files away; check and mend it"
EXAMPLE = (
    "  teiten lake status\n  teiten lake compact\n  teiten lake vacuum --hours 0\n  teiten lake check\n"
    "  teiten lake take-out /var/log/messages-20260401"
)

WHAT = (
    "status: files, bytes and rows of every table. compact: batches' files become few, in order (some 30 %% smaller, "
    "quicker to ask). vacuum: deletes files that no table names any more. check: reads every file. mend: goes on "
    "without damaged files, and says what to ingest again. take-out: takes inputs out, to be ingested again otherwise. "
    "rollup: counts finished days into aggregates, from which questions and reports are answered quickly. retain: events "
    "older than [lake] keep_events or beyond [lake] disk go, what they came to stays; evidence of devices older than [lake] "
    "keep_devices goes. judge: verdicts, times watched and aggregates of the days that have got new events, as ingest makes "
    "them by itself (a station stores without)"
)
_TABLES = ("events", "batches", "verdicts", "notes")


def arguments(parser: argparse.ArgumentParser) -> None:
    choices = ("status", "compact", "vacuum", "check", "mend", "take-out", "rollup", "retain", "judge")
    parser.add_argument("what", choices=choices, help=WHAT)
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="take-out: names, paths or numbers of inputs")
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    parser.add_argument("--rows", metavar="N", type=int, help="compact: events in a file at most (default: 1000000)")
    parser.add_argument(
        "--hours",
        metavar="N",
        type=float,
        default=1.0,
        help="replaced files are kept so long for those who read them (default: 1)",
    )
    parser.add_argument(
        "--all", action="store_true", help="rollup: every day with events, however few (setting aggregate_events)"
    )
    parser.add_argument("--tz", metavar="ZONE", help="rollup, status, retain: zone of the days (default: as configured)")
    parser.add_argument("--sensor", metavar="NAME", help="take-out: only what came in as this sensor's")
    parser.add_argument("--dry-run", action="store_true", help="mend, take-out, retain: only say what would go")
    _output.add_output(parser)
    _common.add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten import settings
    from teiten.lake import Lake

    if args.hours < 0 or (args.rows is not None and args.rows < 1000):
        raise UsageError("Hours cannot be negative, and a file holds at least 1000 events.", hint="See teiten lake --help.")
    if args.inputs and args.what != "take-out":
        raise UsageError(f"{args.what} takes no names of inputs.", hint="See teiten lake --help.")
    found = settings.load(config=args.config, zone=args.tz, lake=args.lake)
    where = found.lake
    if args.what in ("check", "mend", "take-out"):
        return _mending.main(args, where)
    lake = Lake.open(where)
    if args.what == "status":
        _output.write_rows([_table(lake, name) for name in _tables(lake)], args.output, args.out)
        _tell_days(lake, found)
        _tell_kept(lake, found)
        _advise(lake)
    elif args.what == "compact":
        _compact(lake, args)
    elif args.what == "rollup":
        _rollup(lake, found, every=args.all)
    elif args.what == "judge":
        return _judge(lake, found)
    elif args.what == "retain":
        return _retaining.main(args, lake, found)
    else:
        _vacuum(lake, args.hours)
    return 0


def _table(lake: Lake, name: str) -> dict[str, Any]:
    """One row of the status."""
    found = lake.holdings(name)
    there = sum(f.stat().st_size for f in (lake.path / name).glob("*.parquet"))
    return {
        "table": name,
        "rows": found.rows,
        "files": found.files,
        "small_files": found.small,
        "loose_rows": found.loose,
        "bytes": found.bytes,
        "bytes_per_row": round(found.bytes / found.rows, 2) if found.rows else None,
        "bytes_replaced": there - found.bytes,
        "first": found.low,
        "last": found.high,
    }


def _advise(lake: Lake) -> None:
    """Says what `compact` would do, where that is much."""
    from teiten.lake import compact

    found = lake.holdings("events")
    if found.loose >= compact.LEAST or found.loose_files >= compact.MANY:
        print(
            f"{lake.path}: {found.loose:,} events in {found.loose_files:,} files lie as they came; teiten lake compact puts"
            " them together (a writer does it by itself for finished days, a little at a time)",
            file=sys.stderr,
        )


def _compact(lake: Lake, args: argparse.Namespace) -> None:
    from teiten.lake import compact
    from teiten.readers import _kept
    from teiten.readers._memory import settle_memory

    settle_memory()
    told = _common.Progress("putting together", None)
    with lake.writer() as writer:
        writer.encode = _kept.pack
        done = compact.run(
            writer,
            rows=args.rows or compact.ROWS,
            progress=lambda events, whole: told.show(events, f"{events:,} of {whole:,} events"),
            grace=args.hours * 3600,
        )
    told.clear()
    if not done.events:
        print(f"{lake.path}: nothing to put together ({done.files_before:,} files)", file=sys.stderr)
        return
    print(
        f"{lake.path}: {done.events:,} events in {done.files_after:,} files and {done.bytes_after:,} bytes"
        f" ({done.files_before:,} and {done.bytes_before:,} before)",
        file=sys.stderr,
    )


def _tables(lake: Lake) -> list[str]:
    """The tables that the lake has."""
    from teiten.lake import changes, rollup

    made = [name for name in rollup.TABLES if lake.rollup_files(name)]
    return [*_TABLES, *made, *(name for name in changes.TABLES if lake.changes_files(name))]


def _tell_days(lake: Lake, found: Settings) -> None:
    """Says which days have aggregates that hold, and which finished days of many events have none."""
    from teiten import rollup
    from teiten.engine import rolled

    days, due = rolled.stored(lake, "rollup_ports", found.zone_name), rollup.due(lake, found)
    if days or due:
        waiting = f"; {len(due):,} more are to be counted (teiten lake rollup)" if due else ""
        print(f"{len(days):,} days are counted into aggregates ({found.zone_name}){waiting}", file=sys.stderr)


def _tell_kept(lake: Lake, found: Settings) -> None:
    """Says since when events are kept, where older ones are gone."""
    since = lake.kept_since()
    if since is not None:
        day = since.astimezone(found.zone).date()
        print(f"events are kept since {day} ({found.zone_name}); what older days came to is in the aggregates", file=sys.stderr)


def _rollup(lake: Lake, found: Settings, *, every: bool) -> None:
    from teiten import rollup

    days = sorted(rollup.stale(lake, found)) if every else rollup.due(lake, found)
    told = _common.Progress("counting", len(days))
    try:
        done = rollup.ensure(lake, found, days, lambda made, whole: told.show(made, f"{made:,} of {whole:,} days"))
    finally:
        told.clear()
    rows = sum(done.rows.values())
    print(f"{lake.path}: {len(done.days):,} days counted, {rows:,} rows ({found.zone_name})", file=sys.stderr)


def _judge(lake: Lake, found: Settings) -> int:
    """Everything that follows from events that were stored without it. 1 where something hindered it."""
    from teiten import classify, coverage, rollup

    # when a day has ended, what a station counted in it is in the lake some minutes later
    now = dt.datetime.now(found.zone)
    if not lake.watching_files() or (now.hour, now.minute) >= (0, 10):
        coverage.refresh(lake, found)
    judged = classify.refresh(lake, found, wait=None)
    _common.show_verdicts(judged)
    if judged.trouble is not None:
        return 1
    days = rollup.due(lake, found)
    if days:
        rollup.ensure(lake, found, days)
    return 0


def _vacuum(lake: Lake, hours: float) -> None:
    from teiten.lake import check

    gone: dict[Path, int] = {}
    with lake.writer():
        for name in check.tables(lake.path):
            gone |= lake.sweep(name, hours * 3600)
    print(f"{lake.path}: {len(gone):,} files taken away, {sum(gone.values()):,} bytes", file=sys.stderr)
