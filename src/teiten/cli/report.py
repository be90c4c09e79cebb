"""teiten report: a day, week, month, quarter, port or the running page as a folder: page, text for a blog, charts, rows."""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teiten.cli import _common, _port, _question, _store
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.engine.filters import Filters
    from teiten.lake import Lake
    from teiten.periods import Period
    from teiten.settings import Settings

NAME = "report"
HELP = "write the report of a day, week, month, quarter or port: page, text for a blog, charts, rows"
EXAMPLE = """  teiten report monthly --from-log router.log
  teiten report daily 2019-10-22 --lang ja --out 2019-10-22
  teiten report quarterly 2021-Q2 --lang ja
  teiten report port 9530/tcp --from 2021-05-01 --to 2021-06-30
  teiten report running --out public/now
  teiten report --again teiten-report/monthly-2019-10-ja/manifest.json"""

KINDS = ("daily", "weekly", "monthly", "quarterly", "port", "running")
FILTERS = (
    "port", "protocol", "country", "asn", "src", "sensor", "group", "action", "kind", "tool", "scanner", "scanners", "spoofed",
)  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "span",
        nargs="?",
        choices=KINDS,
        help="how long a period; 'port': one port over any days; 'running': a page kept current",
    )
    parser.add_argument(
        "period",
        nargs="?",
        help="2019-10-22, 2019-W43, 2019-10 or 2021-Q2 (default: the last one with events); of 'port': 9530/tcp, or icmp;"
        " of 'running': its last day (default: the last whole one)",
    )
    parser.add_argument(
        "--from", dest="first", metavar="DAY", help="of a port: the first day (default: 90 days, or the lake's first)"
    )
    parser.add_argument(
        "--to", dest="last", metavar="DAY", help="of a port: the last day, included (default: the last whole one)"
    )
    parser.add_argument(
        "--since",
        metavar="DAY",
        help="of a day: tell of the days from this one on, too (default: those since the last one with a report beside --out)",
    )
    parser.add_argument("--lang", choices=("ja", "en"), help="language (default: as configured, else the machine's)")
    parser.add_argument("--out", metavar="DIR", help="folder (default: teiten-report/KIND-PERIOD-LANG, or running-LANG)")
    parser.add_argument("--no-animations", action="store_true", help="leave out the moving pictures of a month's days")
    parser.add_argument("--no-pdf", action="store_true", help="leave out the PDF of the report")
    parser.add_argument("--fresh", action="store_true", help="forget the folder's older editions: begin with the first again")
    parser.add_argument(
        "--again",
        metavar="MANIFEST",
        help="make the report of that manifest.json again, from the lake as it was then (default --out: beside it, -again)",
    )
    parser.add_argument("--lake", metavar="DIR", help="the lake (default: teiten-lake)")
    parser.add_argument("--from-log", nargs="+", metavar="FILE", help="ingest these logs first; nothing need be configured")
    chosen = parser.add_argument_group("filters (several values with commas between)")
    for name in FILTERS:
        chosen.add_argument(f"--{name}", metavar=name.upper(), help=_HELPS.get(name, _question.HELP[name]))
    _common.add_reading(parser)
    _common.add_engine(parser)
    _common.add_settings(parser)


_HELPS = {
    "sensor": "a sensor's name (with --from-log: the name to store under)",
    "country": "a code or a name, or unknown; of 'port': the country that is shown by itself (default: the setting)",
}


def main(args: argparse.Namespace) -> int:
    from teiten import periods, settings

    begun = time.monotonic()
    if args.again:
        return _again(args)
    if not args.span:
        raise UsageError("What kind of report?", hint=f"Name one of {', '.join(KINDS)}, or --again MANIFEST.")
    found = settings.load(config=args.config, zone=args.tz, language=args.lang, lake=args.lake, engine=args.engine)
    if args.no_animations:
        found = dataclasses.replace(found, animations=False)
    if args.no_pdf:
        found = dataclasses.replace(found, pdf=False)
    # a wrong word is told before a long log is read
    if args.span == "port":
        return _port.report(args, found, begun)
    for name in ("first", "last"):
        if getattr(args, name):
            raise UsageError("--from and --to are of 'teiten report port'.", hint="A period is named: 2019-10, 2021-Q2.")
    asked = periods.parse(args.span, args.period, found.zone) if args.period else None
    filters = _filters(args, found)
    lake = _lake(args, found)
    if args.span != "running" or filters.asks_verdicts:
        # graphs of packets ask what sources are taken for only where they are told to
        _judge(lake, found, asked, args.span)
    from teiten.engine import open_session

    if args.span == "daily" and not filters.words:
        _detect(lake, found, asked)
    with open_session(lake, found) as session:
        period = asked or _last(session, args.span)
        write(args, session, found, period, filters, begun)
    return 0


def write(args: argparse.Namespace, session: Session, found: Settings, period: Period, filters: Filters, begun: float) -> None:
    """Makes the report and says where it lies."""
    from teiten.report import edition

    # a page that is kept current has one place, and is not an edition of what stood there
    running = args.span == "running"
    named = "running" if running else f"{args.span}-{_slug(args, period)}"
    out = Path(args.out) if args.out else Path("teiten-report") / f"{named}-{found.language}"
    since = _since(args, out, period, found.language) if args.span == "daily" else None
    words = command(args, found, period, since)
    progress = _common.Progress("drawing charts")

    def drawn(done: int, whole: int) -> None:
        progress.total = whole
        progress.show(done, f"{done} of {whole}")

    try:
        made = edition.make(
            session, found, period, filters, {found.language: out}, words, fresh=args.fresh or running,
            progress=drawn, since=since,
        )  # fmt: skip
    finally:
        progress.clear()
    number = made[found.language]
    which = f", edition {number}," if number > 1 else ""
    about = f"{args.span} report of {period.name}" if args.span != "port" else f"report on {args.period} of {period.name}"
    print(f"{about}{which} in {time.monotonic() - begun:.1f} s: {out / 'index.html'}", file=sys.stderr)


def _slug(args: argparse.Namespace, period: Period) -> str:
    """2019-10; 9530-tcp-2021-05-01--2021-06-30."""
    return period.name if args.span != "port" else f"{args.period.lower().replace('/', '-')}-{period.name}"


def _again(args: argparse.Namespace) -> int:
    """0 where every file came out the same, 1 where not, with what is different."""
    from teiten import settings
    from teiten.engine import open_session
    from teiten.lake import Lake
    from teiten.report import edition, manifest

    _alone(args)
    told = manifest.read(Path(args.again))
    found = settings.load(config=args.config, lake=args.lake)
    folder = told.report.resolve()
    # an older edition's is not put into the report's own folder
    which = "again" if told.folder == told.report else f"edition-{told.number}"
    out = Path(args.out) if args.out else folder.with_name(f"{folder.name}-{which}")
    lake = Lake.open(found.lake)
    put_back, lost = manifest.restore(found, told)
    manifest.check_lake(told, lake)
    counted = bool(told.table["lake"].get("counted")) or lake.kept_since() is not None
    last = told.table["lake"]["last_batch"]
    with open_session(lake, put_back, upto=last, as_of=told.made, counted=counted) as session:
        causes, files = edition.again(session, put_back, told, out)
    print(f"Made again: {out / 'index.html'}", file=sys.stderr)
    if files:
        more = f" and {len(files) - 5} more" if len(files) > 5 else ""
        print(f"{len(files)} files are not the same as then: {', '.join(files[:5])}{more}.", file=sys.stderr)
    else:
        print(f"All {len(told.files)} files are the same, byte for byte.", file=sys.stderr)
    if causes or lost:
        print("What is not as it was:" if files else "So nothing came of what is not as it was:", file=sys.stderr)
        for line in (*lost, *causes):
            print(f"  {line}", file=sys.stderr)
    return 1 if files else 0


def _alone(args: argparse.Namespace) -> None:
    """UsageError where --again came with words that the manifest says already."""
    given = [
        name
        for name in ("span", "period", "first", "last", "lang", "from_log", "tz", "no_animations", "no_pdf", *FILTERS)
        if getattr(args, name)
    ]
    if given:
        raise UsageError(
            f"--again takes everything from the manifest; it cannot be had with {given[0].replace('_', '-')}.",
            hint="Leave that out, or make a report of its own without --again.",
        )


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


def _judge(lake: Lake, found: Settings, asked: Period | None, kind: Any) -> None:
    """Brings the verdicts on the period and the one before up to date; where the lake cannot be written, that is said."""
    from teiten import classify, periods

    if asked is None:
        last = classify.last_day(lake, found)
        if last is None:
            return
        asked = periods.containing(kind, last, found.zone)
    judge_days(lake, found, [*asked.before().days, *asked.days])


def judge_days(lake: Lake, found: Settings, days: Sequence[dt.date]) -> None:
    """Brings the verdicts on those days up to date; where the lake cannot be written, that is said."""
    from teiten import classify

    progress = _common.Progress("judging")

    def told(done: int, days: int) -> None:
        progress.total = days
        progress.show(done, f"of {days} days")

    try:
        judged = classify.refresh(lake, found, days, told)
    finally:
        progress.clear()
    _common.show_verdicts(judged)


def _detect(lake: Lake, found: Settings, asked: Period | None) -> None:
    """Looks for what changed up to that day, where it is not known yet; where the lake cannot be written, that is said."""
    from teiten import classify
    from teiten.detect import kept

    day = asked.first if asked is not None else classify.last_day(lake, found)
    if day is None:
        return
    progress = _common.Progress("looking for changes")

    def told(done: int, days: int) -> None:
        progress.total = days
        progress.show(done, f"of {days} days")

    try:
        made = kept.refresh(lake, found, [day], told)
    finally:
        progress.clear()
    if made.trouble is not None:
        print(f"What changed was not looked for anew: {made.trouble}", file=sys.stderr)


MISSED = 14
"""days without a report, beyond which an overview tells of its own day alone"""


def _since(args: argparse.Namespace, out: Path, period: Period, language: str) -> dt.date | None:
    """The first day that the overview tells of: as asked for, else the one after the last day with a report in that folder."""
    if args.since:
        from teiten import periods

        day = periods.parse("daily", args.since, period.tz).first
        if day > period.first:
            raise UsageError(f"--since {day} is after {period.first}.", hint="Name a day before the report's.")
        return day if day < period.first else None
    days = []
    for path in out.parent.glob(f"daily-*-{language}"):
        text = path.name.removeprefix("daily-").removesuffix(f"-{language}")
        try:
            day = dt.date.fromisoformat(text)
        except ValueError:
            continue
        if day < period.first and (path / "manifest.json").is_file():
            days.append(day)
    missed = (period.first - max(days)).days - 1 if days else 0
    return period.first - dt.timedelta(days=missed) if 0 < missed <= MISSED else None


def _last(session: Session, kind: Any) -> Period:
    from teiten.report import edition

    period = edition.last_period(session, kind)
    if period is None:
        raise UsageError("The lake holds no event yet.", hint="Ingest a log first: teiten ingest FILE, or --from-log FILE.")
    print(f"The last period with events is {period.name} ({session.zone_name}).", file=sys.stderr)
    return period


def command(args: argparse.Namespace, found: Settings, period: Period, since: dt.date | None = None) -> str:
    """The command that makes the same report again from the same lake, without the names of this machine's places."""
    what = [period.name]
    if args.span == "port":
        what = [args.period, "--from", str(period.first), "--to", str(period.days[-1])]
    words = ["teiten", "report", args.span, *what, "--lang", found.language, "--tz", found.zone_name]
    if since is not None:
        words += ["--since", since.isoformat()]
    if args.no_animations:
        words.append("--no-animations")
    if args.no_pdf:
        words.append("--no-pdf")
    for name in FILTERS:
        value = getattr(args, name)
        if value:
            words += [f"--{name}", str(value)]
    return shlex.join(words)
