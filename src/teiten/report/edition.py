"""One report, from question to folder: asks once, tells it in each language, looks for leaks, writes.

with open_session(lake, settings) as session:
    edition.make(session, settings, period, filters, {"ja": Path("teiten-report/monthly-2019-10-ja")}, command)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from teiten import __version__, lang, periods
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.errors import TeitenError
from teiten.periods import Period, PeriodKind
from teiten.report import bundle
from teiten.report.answers import Answers
from teiten.report.context import Context
from teiten.report.model import Report
from teiten.report.sections import parts
from teiten.settings import Settings

KINDS: Final[tuple[PeriodKind, ...]] = ("daily", "weekly", "monthly")
"""Kinds of report that there are; a quarter has its own questions, and comes with them."""


def last_period(session: Session, kind: PeriodKind) -> Period | None:
    """The last period of that kind with an event in the lake, in the session's zone; None for an empty lake."""
    last = session.query("SELECT max(t_max) AS last FROM batches")[0]["last"]
    return None if last is None else periods.containing(kind, last.astimezone(session.zone).date(), session.zone)


def make(
    session: Session,
    settings: Settings,
    period: Period,
    filters: Filters,
    out: Mapping[str, Path],
    command: str,
    *,
    notice: str = "",
) -> None:
    """Writes the report of a period once for each language of `out` (language -> folder). The lake is asked once.

    command: what makes the same report again, for the page; `{lang}` in it is the language. notice: key of a sentence
    that must stand at the top ('title.simulated'). TeitenError where nothing was observed, where a place cannot be
    written, or where a file would name a destination address.
    """
    for folder in out.values():
        bundle.check_place(folder)
    answers = Answers(session, period, filters, settings.thresholds)
    check(answers)
    reports = {code: compose(answers, settings, code, command.replace("{lang}", code), notice) for code in out}
    secret = answers.destinations()
    for code, folder in out.items():
        bundle.write(reports[code], lang.words(code), folder, secret)


def check(answers: Answers) -> None:
    """TeitenError where there is nothing to report of the period."""
    if answers.coverage.observed() and answers.totals.packets:
        return
    name, extent = answers.period.name, answers.extent
    if extent is None:
        raise TeitenError(
            f"There is nothing to report of {name}: the lake is empty.", hint="Ingest a log first: teiten ingest FILE."
        )
    first, last = (moment.strftime("%Y-%m-%d %H:%M") for moment in extent)
    why = "no event passes the filters" if answers.filters.words else "nothing was observed"
    raise TeitenError(
        f"There is nothing to report of {name}: {why}; the lake's events run from {first} to {last} ({answers.period.tz.key}).",
        hint="Name a period in between, or leave it out for the last one.",
    )


def compose(answers: Answers, settings: Settings, language: str, command: str, notice: str = "") -> Report:
    """The report in one language, before it is set."""
    words = lang.words(language)
    context = Context(answers, words, settings.zone_from, command, __version__, settings)
    sections = [section for part in parts() if answers.period.kind in part.kinds for section in part.sections(context)]
    zone = f"zone.{settings.zone_name}"
    shown = words(zone) if zone in words else settings.zone_name
    first = sections[0].findings[0]
    return Report(
        language,
        words(f"title.{answers.period.kind}", period=context.title_name),
        words("title.subtitle", sensors=context.sensors, zone=shown),
        first if isinstance(first, str) else "",
        sections,
        words(notice) if notice else "",
    )


def span(period: Period) -> tuple[dt.datetime, dt.datetime]:
    """What of the lake a report needs to see: the period, the one before, enough around them to judge gaps by, and for a month
    the thirteen through which a country is followed."""
    slack = dt.timedelta(days=32 if period.kind != "monthly" else 400)
    return period.before().start - slack, period.end + slack
