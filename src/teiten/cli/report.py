"""teiten report: a day, a week or a month as a folder with a page, a text for a blog, charts and rows."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teiten.cli import _common, _store
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.engine.filters import Filters
    from teiten.lake import Lake
    from teiten.periods import Period
    from teiten.settings import Settings

NAME = "report"
HELP = "write a day's, week's or month's report: page, text for a blog, charts, rows"
EXAMPLE = """  teiten report monthly --from-log router.log
  teiten report daily 2019-10-22 --lang ja --out 2019-10-22"""

KINDS = ("daily", "weekly", "monthly")
FILTERS = ("port", "protocol", "country", "asn", "src", "sensor", "group", "action")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=KINDS, help="what kind of period")
    parser.add_argument("period", nargs="?", help="2019-10-22, 2019-W43 or 2019-10 (default: the last one with events)")
    parser.add_argument("--lang", choices=("ja", "en"), help="language (default: as configured, else the machine's)")
    parser.add_argument("--out", metavar="DIR", help="folder (default: teiten-report/KIND-PERIOD-LANG)")
    parser.add_argument("--lake", metavar="DIR", help="the lake (default: teiten-lake)")
    parser.add_argument("--from-log", nargs="+", metavar="FILE", help="ingest these logs first; nothing need be configured")
    chosen = parser.add_argument_group("filters (several values with commas between)")
    for name in FILTERS:
        chosen.add_argument(f"--{name}", metavar=name.upper(), help=_FILTER_HELP[name])
    _common.add_reading(parser)
    _common.add_settings(parser)


_FILTER_HELP = {
    "port": "23, 23/tcp, 8000-8100/tcp, icmp",
    "protocol": "tcp, udp, icmp or a number",
    "country": "code or name of the source's country, or 'unknown'",
    "asn": "AS number of the source, or 'unknown'",
    "src": "source address or prefix",
    "sensor": "sensor (with --from-log: the name to store under)",
    "group": "group of sensors, from the configuration",
    "action": "drop, reject, accept, audit",
}


def main(args: argparse.Namespace) -> int:
    from teiten import periods, settings

    begun = time.monotonic()
    found = settings.load(config=args.config, zone=args.tz, language=args.lang, lake=args.lake)
    # a wrong word is told before a long log is read
    asked = periods.parse(args.kind, args.period, found.zone) if args.period else None
    filters = _filters(args, found)
    lake = _lake(args, found)
    from teiten.engine import open_session
    from teiten.report import edition

    with open_session(lake, found) as session:
        period = asked or _last(session, args.kind)
        out = Path(args.out) if args.out else Path("teiten-report") / f"{args.kind}-{period.name}-{found.language}"
        edition.make(session, found, period, filters, {found.language: out}, command(args, found, period))
    print(f"{args.kind} report of {period.name} in {time.monotonic() - begun:.1f} s: {out / 'index.html'}", file=sys.stderr)
    return 0


def _filters(args: argparse.Namespace, found: Settings) -> Filters:
    from teiten.engine import filters

    texts: dict[str, Any] = {name: getattr(args, name) for name in FILTERS}
    return filters.parse(found, **texts)


def _lake(args: argparse.Namespace, found: Settings) -> Lake:
    """The lake to ask; with --from-log it is made if need be, and the logs are ingested first."""
    from teiten.lake import Lake

    if not args.from_log:
        return Lake.open(found.lake)
    return _store.store(
        args.from_log,
        found,
        sensor=args.sensor,
        fmt=args.format,
        zone=args.tz,
        year=_common.check_year(args.year),
        boot_time=_common.boot_time(args.boot_time, found.zone),
        rejected=args.rejected,
    )


def _last(session: Session, kind: Any) -> Period:
    from teiten.report import edition

    period = edition.last_period(session, kind)
    if period is None:
        raise UsageError("The lake holds no event yet.", hint="Ingest a log first: teiten ingest FILE, or --from-log FILE.")
    print(f"The last period with events is {period.name} ({session.zone_name}).", file=sys.stderr)
    return period


def command(args: argparse.Namespace, found: Settings, period: Period) -> str:
    """The command that makes the same report again from the same lake, without the names of this machine's places."""
    words = ["teiten", "report", args.kind, period.name, "--lang", found.language, "--tz", found.zone_name]
    for name in FILTERS:
        value = getattr(args, name)
        if value:
            words += [f"--{name}", str(value)]
    return shlex.join(words)
