"""teiten ingest: logs into the lake, each line once however often it is run."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from teiten.cli import _common

if TYPE_CHECKING:
    from teiten.intake import Result

NAME = "ingest"
HELP = "store the events of log files in the lake, each once however often it is run"
EXAMPLE = "  teiten ingest --tz Asia/Tokyo /var/log/messages*"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="files, folders, globs; - is stdin; .gz .bz2 .xz .zst as they are"
    )
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder; made if it is not there (default: teiten-lake)")
    parser.add_argument(
        "--sensor", metavar="NAME", help="the sensor that recorded them (default: by the configuration, or home)"
    )
    parser.add_argument(
        "--no-verdicts", action="store_true", help="only store: what sources are taken for is left to the next report"
    )
    _common.add_reading(parser)
    _common.add_engine(parser)
    _common.add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten import intake, readers, settings, spreading
    from teiten.lake import Lake
    from teiten.readers import _input

    chosen = settings.load(config=args.config, zone=args.tz, lake=args.lake, engine=args.engine)
    _common.check_year(args.year)
    if args.format != readers.AUTO:
        readers.module(args.format)
    boot = _common.boot_time(args.boot_time, chosen.zone)
    if len(args.paths) == 1:
        # nothing is made for an input that is not there
        sources: list[Any] = list(_input.inputs(args.paths, chosen.reading))
    else:
        sources = args.paths
    lake = Lake.open_or_create(chosen.lake, chosen.zone_name)
    told = _Told(sum(getattr(s, "size", None) or 0 for s in sources))
    with _common.RejectedFile(args.rejected) as rejected:
        try:
            result = (spreading if chosen.engine == "spark" else intake).ingest(
                lake,
                sources,
                chosen,
                sensor=args.sensor,
                fmt=args.format,
                zone=args.tz,
                year=args.year,
                boot_time=boot,
                rejected=rejected.write if args.rejected else None,
                progress=told,
                judge=not args.no_verdicts,
            )
        finally:
            told.progress.clear()
    return _report(result, lake.name)


class _Told:
    """Progress on a terminal: share, events, rate, time left."""

    def __init__(self, size: int) -> None:
        self.progress = _common.Progress("storing", size or None)
        self.size, self.begun = size, time.monotonic()

    def __call__(self, done: int, events: int) -> None:
        passed = max(time.monotonic() - self.begun, 0.001)
        more = f"{events:,} events, {events / passed:,.0f}/s"
        if self.size and 0 < done < self.size:
            left = passed * (self.size - done) / done
            more += f", {left / 60:.0f} min left" if left >= 90 else f", {left:.0f} s left"
        self.progress.show(done, more)


def _report(result: Result, lake: str) -> int:
    for one in result.inputs:
        for note in one.notes:
            print(f"teiten: {one.name}: {note}", file=sys.stderr)
    _common.show_accounts([(one.name, one.tally) for one in result.inputs if one.error is None or one.tally.lines])
    for one in result.failed:
        print(f"teiten ingest: {one.error}", file=sys.stderr)
    _common.show_verdicts(result.judged)
    for note in result.notes:
        print(f"teiten: {note}", file=sys.stderr)
    total = result.total
    print(f"{total.events:,} events stored in {lake}", file=sys.stderr)
    return 1 if result.failed else 0
