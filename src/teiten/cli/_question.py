"""What questions about the lake's events have in common: the span, the filters, files in place of a lake, tables that fit."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teiten.cli import _common, _output, _store
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.engine.filters import Filters
    from teiten.settings import Settings

HELP = {
    "port": "23, 23/tcp, 8000-8100/tcp, icmp", "protocol": "tcp, udp, icmp, ..., or a number",
    "country": "a code or a name, or unknown", "asn": "AS4134", "src": "an address or a prefix",
    "sensor": "a sensor's name", "group": "a group of sensors", "action": "drop, reject, accept, audit",
    "kind": "what a packet is: syn, tcp, udp, icmp, backscatter, other", "tool": "mirai, zmap, masscan, nmap, ..., or unknown",
    "scanner": "an announced scanner's organisation", "scanners": "in, out or only: announced and large scanners",
    "spoofed": "in, out or only: sources taken for forged",
}  # fmt: skip
LISTED = 20
"""rows of a table unless -n says otherwise"""
WIDE = 80


def arguments(parser: argparse.ArgumentParser, filters: Sequence[str], **helps: str) -> None:
    """FILE..., --from, --to, --period, -n, the filters of those names, --lake, --output and how files are read."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="look at these files' events, without a lake")
    parser.add_argument("--from", dest="start", metavar="T", help="from this day or time on")
    parser.add_argument("--to", dest="end", metavar="T", help="up to, and without, this day or time")
    parser.add_argument("--period", metavar="P", help="a day, week, month or quarter: 2026-05-01, 2026-W18, 2026-05, 2026-Q2")
    parser.add_argument("-n", type=int, metavar="N", help=f"at most N, the largest (default: {LISTED} in a table, else all)")
    group = parser.add_argument_group("filters (several values with commas between)")
    for name in filters:
        group.add_argument(f"--{name}", metavar=name.upper(), help=helps.get(name, HELP.get(name, "")))
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    parser.add_argument("--lang", choices=("ja", "en"), help="language of names in the table")
    _output.add_output(parser)
    _common.add_reading(parser)
    _common.add_engine(parser)
    _common.add_settings(parser)


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings in force. UsageError for -n 0 too."""
    from teiten import settings

    if args.n is not None and args.n < 1:
        raise UsageError(f"-n {args.n} shows nothing.", hint="Give 1 or more.")
    return settings.load(
        config=args.config, zone=args.tz, language=args.lang, lake=args.lake, engine=getattr(args, "engine", None)
    )


def filters_of(args: argparse.Namespace, chosen: Settings, names: Sequence[str]) -> Filters:
    """The filters, with their span. UsageError."""
    from teiten import periods
    from teiten.engine import filters

    wanted = filters.parse(chosen, start=args.start, end=args.end, **{name: getattr(args, name) for name in names})
    if not args.period:
        return wanted
    if args.start or args.end:
        raise UsageError("--period and --from or --to exclude each other.", hint="Give the one or the others.")
    for kind in periods.KINDS:
        try:
            period = periods.parse(kind, args.period, chosen.zone)
        except UsageError:
            continue
        return wanted.between(period.start, period.end)
    raise UsageError(f"'{args.period}' names no period.", hint="Write 2026-05-01, 2026-W18, 2026-05 or 2026-Q2.")


@contextlib.contextmanager
def asked(args: argparse.Namespace, chosen: Settings, wanted: Filters) -> Iterator[Session]:
    """A session over the lake, or over the files that were named; with verdicts up to date where filters ask for them."""
    from teiten import classify
    from teiten.engine import open_session
    from teiten.lake import Lake

    verdicts = wanted.asks_verdicts
    if not args.files:
        lake = Lake.open(chosen.lake)
        if verdicts:
            judged = classify.refresh(lake, chosen, days(wanted, chosen))
            if judged.trouble is not None:
                _common.show_verdicts(judged)
        with open_session(lake, chosen) as session:
            yield session
        return
    with of_files(args, chosen, judge=verdicts) as session:
        yield session


@contextlib.contextmanager
def of_files(args: argparse.Namespace, chosen: Settings, *, judge: bool = True) -> Iterator[Session]:
    """A session over the files that were named, in a lake of its own that is removed; judge: with verdicts."""
    from teiten.engine import open_session

    with tempfile.TemporaryDirectory(prefix="teiten-asked-") as folder:
        _common.check_year(args.year)
        lake = _store.store(
            args.files,
            replace(chosen, lake=Path(folder) / "lake"),
            fmt=args.format,
            zone=args.tz,
            year=args.year,
            boot_time=_common.boot_time(args.boot_time, chosen.zone),
            rejected=args.rejected,
            judge=judge,
        )
        with open_session(lake, chosen) as session:
            yield session


def days(wanted: Filters, chosen: Settings) -> list[dt.date] | None:
    """The days of the settings' zone that the span touches; None: all."""
    if not (wanted.start and wanted.end):
        return None
    first = wanted.start.astimezone(chosen.zone).date()
    count = (wanted.end.astimezone(chosen.zone).date() - first).days + 1
    return [first + dt.timedelta(days=n) for n in range(count)]


def fitted(rows: Sequence[Mapping[str, Any]], least_wanted: Sequence[str], numbers: Sequence[str]) -> list[dict[str, str]]:
    """Rows of text for a table of 80 columns: without the least wanted, in that order, where it would not fit."""
    names = list(rows[0]) if rows else []
    wide = {key: max([_output.width(key), *(_output.width(str(row[key])) for row in rows)]) for key in names}
    for name in least_wanted:
        if sum(wide.values()) + 2 * (len(wide) - 1) > WIDE:
            wide.pop(name, None)
    return [{k: str(row[k]).rjust(wide[k]) if k in numbers else str(row[k]) for k in wide} for row in rows]


def lasted(seconds: float) -> str:
    """'0:10:28', with days '2d 3:00:01'."""
    whole = round(seconds)
    days_, rest = divmod(whole, 86_400)
    text = f"{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days_}d {text}" if days_ else text


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
