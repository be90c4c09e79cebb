"""teiten report port: which port, which days, who is counted; the rest is as for every report."""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from teiten.errors import TeitenError, UsageError

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.engine.filters import Filters
    from teiten.periods import Period
    from teiten.settings import Settings

DAYS: Final = 90
"""days of the report where no --from is given"""


def report(args: argparse.Namespace, found: Settings, begun: float) -> int:
    """Writes the report on a port. UsageError where it names none, or names days in no order or in no way."""
    from teiten.cli import report as command
    from teiten.engine import open_session
    from teiten.report import rises
    from teiten.report.asked import port as asked

    found = _followed(args, found)
    filters = _filters(args, found)
    first, last = (_day(text, flag, found) for text, flag in ((args.first, "--from"), (args.last, "--to")))
    lake = command._lake(args, found)
    with open_session(lake, found) as session:
        extent = _extent(session)
        period = _period(extent, first, last, found)
        later = asked.days_after(extent, period)
    before = [period.first - dt.timedelta(days=n) for n in range(rises.BASE, 0, -1)]
    command.judge_days(lake, found, [*before, *period.days, *(later.days if later else ())])
    with open_session(lake, found) as session:
        command.write(args, session, found, period, filters, begun)
    return 0


def _followed(args: argparse.Namespace, found: Settings) -> Settings:
    """--country names the country that is shown by itself; it leaves nothing out."""
    from teiten.data import countries

    if not args.country:
        return found
    code = countries.find(args.country)
    if code is None:
        raise UsageError(f"'{args.country}' is no country that I know.", hint="Write a code such as JP, or a name.")
    return dataclasses.replace(found, country=code)


def _filters(args: argparse.Namespace, found: Settings) -> Filters:
    """The port as a filter, without research scanners unless --scanners says otherwise."""
    from teiten.cli import report as command
    from teiten.engine import filters
    from teiten.engine.filters import PROTOCOL_NAMES, WITH_PORTS

    hint = "Write 'teiten report port 9530/tcp', or 'teiten report port icmp'."
    if not args.period:
        raise UsageError("Which port?", hint=hint)
    for name in ("port", "protocol"):
        if getattr(args, name):
            raise UsageError(f"--{name} cannot be had in a report on one port.", hint=hint)
    texts: dict[str, Any] = {name: getattr(args, name) for name in command.FILTERS if name != "country"}
    wanted = filters.parse(found, **{**texts, "port": args.period.lower(), "scanners": args.scanners or "out"})
    if len(wanted.port) + len(wanted.protocol) != 1 or any(p.first != p.last for p in wanted.port):
        raise UsageError(f"'{args.period}' is not one port.", hint=hint)
    for port in wanted.port:
        if port.protocol is None:
            raise UsageError(
                f"'{args.period}' does not say of which protocol.", hint=f"Write {port.first}/tcp or {port.first}/udp."
            )
        if port.protocol not in WITH_PORTS:
            name = PROTOCOL_NAMES.get(port.protocol, str(port.protocol))
            raise UsageError(f"{name.upper()} has no ports, so there is no '{args.period}'.", hint=f"Write {name} alone.")
    if wanted.protocol and wanted.protocol[0] in WITH_PORTS:
        raise UsageError(f"'{args.period}' is a protocol with ports, not one port.", hint=hint)
    return wanted


def _day(text: str | None, flag: str, found: Settings) -> dt.date | None:
    """A day of --from or --to."""
    from teiten import periods

    if text is None:
        return None
    try:
        return periods.parse("daily", text, found.zone).first
    except UsageError:
        raise UsageError(f"{flag} {text} is no day.", hint="Write it like 2021-05-25; both days are included.") from None


def _extent(session: Session) -> tuple[dt.datetime, dt.datetime]:
    rows = session.query("SELECT min(t_min) AS first, max(t_max) AS last FROM batches")
    if not rows or rows[0]["first"] is None:
        raise TeitenError("There is nothing to report: the lake is empty.", hint="Ingest a log first: teiten ingest FILE.")
    return rows[0]["first"].astimezone(session.zone), rows[0]["last"].astimezone(session.zone)


def _period(extent: tuple[dt.datetime, dt.datetime], first: dt.date | None, last: dt.date | None, found: Settings) -> Period:
    """The days from --from to --to: up to the last whole day of the lake, and `DAYS` of them (not before its first), where they
    are not given. A span that the lake has nothing of is told by the report itself."""
    from teiten import periods

    until = last or periods.last_whole_day(*extent)
    if first is not None and last is None:
        until = max(until, first)
    begin = first or min(until, max(until - dt.timedelta(days=DAYS - 1), extent[0].date()))
    return periods.span(begin, until, found.zone)
