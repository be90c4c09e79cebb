"""teiten demo: two simulated months of a household line, stored, and told as a month's and a day's report."""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from teiten.cli import _common, _store
from teiten.errors import TeitenError

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.periods import Period
    from teiten.settings import Settings

NAME = "demo"
HELP = "try it: simulate two months of a household line, store them, write reports in both languages"
EXAMPLE = "  teiten demo --out teiten-demo"

SEED: Final = 1
START: Final = dt.date(2026, 4, 1)
DAYS: Final = 61
LANGUAGES: Final = ("ja", "en")
_SIMULATED, _LAKE, _REPORTS = "simulated", "lake", "reports"
_PART: Final = ".simulated.part"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", default="teiten-demo", metavar="DIR", help="folder for everything (default: teiten-demo)")


def main(args: argparse.Namespace) -> int:
    from teiten import settings

    begun = time.monotonic()
    out = Path(args.out)
    _check(out)
    config = _simulated(out)
    found = settings.load(config=config, lake=out / _LAKE)
    step = time.monotonic()
    _store.store([str(config.parent / "logs")], found)
    _say(f"Stored in {out / _LAKE}", step)
    pages = _reports(out, found)
    _say("All done", begun)
    print("Open in a browser:", file=sys.stderr)
    for page in pages:
        print(f"  {page}", file=sys.stderr)
    print("The log itself: " + str(config.parent / "logs"), file=sys.stderr)
    print("With your own:  teiten report monthly --from-log FILE", file=sys.stderr)
    return 0


def _say(what: str, since: float) -> None:
    print(f"{what} ({time.monotonic() - since:.1f} s).", file=sys.stderr)


def _check(out: Path) -> None:
    """TeitenError where the folder holds something that no demo put there."""
    if out.exists() and not out.is_dir():
        raise TeitenError(f"{out} is a file.", hint="Name a folder with --out.")
    strangers = sorted({p.name for p in out.iterdir()} - {_SIMULATED, _LAKE, _REPORTS, _PART}) if out.is_dir() else []
    if strangers:
        raise TeitenError(
            f"{out} is a folder with other things in it ({strangers[0]}), so nothing was written there.",
            hint="Name a new folder with --out.",
        )


def _simulated(out: Path) -> Path:
    """The simulation's teiten.toml; what an earlier run made whole is taken again, what it left half-done is not."""
    from teiten import simulate

    config = out / _SIMULATED / "teiten.toml"
    if config.is_file():
        print(f"The simulated log of an earlier run is there: {config.parent}", file=sys.stderr)
        return config
    begun = time.monotonic()
    print(f"Simulating a household line, {START} and {DAYS - 1} days after it ...", file=sys.stderr)
    progress, written = _common.Progress("simulating"), 0

    def wrote(lines: int) -> None:
        nonlocal written
        written += lines
        progress.show(0, f"{written:,} lines")

    part = out / _PART
    try:
        shutil.rmtree(part, ignore_errors=True)
        made = simulate.run("home", SEED, START, DAYS, None, part, progress=wrote)
        progress.clear()
        part.rename(out / _SIMULATED)
    except OSError as error:
        raise TeitenError(
            f"The demo cannot be written to {out}: {error.strerror or error}.", hint="Make room, or name a place with --out."
        ) from None
    _say(f"{made.lines:,} lines of log in {out / _SIMULATED / 'logs'}", begun)
    return config


def _reports(out: Path, found: Settings) -> list[Path]:
    """The last month's report, and that of the day with its busiest hour, in both languages; their pages."""
    from teiten.engine import open_session
    from teiten.engine.filters import Filters
    from teiten.lake import Lake
    from teiten.report import edition

    pages = []
    with open_session(Lake.open(found.lake), found) as session:
        month = edition.last_period(session, "monthly")
        if month is None:
            raise TeitenError(f"The lake {found.lake} is empty.", hint=f"Remove {out} and run the demo again.")
        for period in (month, _busiest_day(session, month)):
            begun = time.monotonic()
            places = {code: out / _REPORTS / f"{period.kind}-{period.name}-{code}" for code in LANGUAGES}
            command = f"teiten report {period.kind} {period.name} --lang {{lang}} --tz {found.zone_name}"
            edition.make(session, found, period, Filters(), places, command, notice="title.simulated")
            _say(f"{period.kind.capitalize()} report of {period.name}", begun)
            pages += [place / "index.html" for place in places.values()]
    return pages


def _busiest_day(session: Session, month: Period) -> Period:
    """The day of the month's busiest hour."""
    from teiten import periods

    sql = """SELECT hour_start(time) AS hour, sum(packets)::BIGINT AS packets FROM raw_events
             WHERE time >= $start AND time < $end GROUP BY ALL ORDER BY packets DESC, hour LIMIT 1"""
    hour = session.query(sql, {"start": month.start, "end": month.end})[0]["hour"]
    return periods.containing("daily", hour.astimezone(month.tz).date(), month.tz)
