"""One report, from question to folder: asks once, tells it in each language, looks for leaks, writes.

with open_session(lake, settings) as session:
    edition.make(session, settings, period, filters, {"ja": Path("teiten-report/monthly-2019-10-ja")}, command)
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from teiten import __version__, lang, periods
from teiten.detect.model import Story
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.engine.filters import parse as parse_filters
from teiten.errors import TeitenError
from teiten.periods import Period, PeriodKind
from teiten.report import bundle, compare, manifest, rows
from teiten.report.answers import Answers
from teiten.report.compare import Edition
from teiten.report.context import Context
from teiten.report.manifest import Manifest
from teiten.report.model import Report
from teiten.report.pdf import NAME
from teiten.report.sections import changes, events, parts
from teiten.settings import Settings

KINDS: Final[tuple[PeriodKind, ...]] = (*periods.KINDS, "span", "running")
"""Kinds of report that there are: a 'span' is about one port, which is the filter of its answers; 'running' is kept current."""


_SLACK: Final = {"monthly": 400, "quarterly": 5 * 366, "span": 10 * 366, "running": 2 * 366}
"""days around a period that its report looks at besides, where more than a month"""


def last_period(session: Session, kind: PeriodKind) -> Period | None:
    """The last period of that kind with an event in the lake, in the session's zone; None for an empty lake."""
    row = session.query("SELECT min(t_min) AS first, max(t_max) AS last FROM batches")[0]
    if row["last"] is None:
        return None
    first, last = (row[name].astimezone(session.zone) for name in ("first", "last"))
    # what is kept current ends with a day that is over
    day = periods.last_whole_day(first, last) if kind == "running" else last.date()
    return periods.containing(kind, day, session.zone)


def make(
    session: Session,
    settings: Settings,
    period: Period,
    filters: Filters,
    out: Mapping[str, Path],
    command: str,
    *,
    notice: str = "",
    fresh: bool = False,
    now: dt.datetime | None = None,
    progress: Callable[[int, int], None] | None = None,
    pictures: bool = True,
    since: dt.date | None = None,
) -> dict[str, int]:
    """Writes the report of a period once for each language of `out` (language -> folder). The lake is asked once.

    command: what makes the same report again, for the page; `{lang}` in it is the language. notice: key of a sentence
    that must stand at the top ('title.simulated'). A folder that holds an edition of the same report gets the next one, which
    keeps the older ones' manifest and rows under editions/N/ and says what changed; where nothing did, the edition stays what
    it is. With `fresh` older editions are forgotten. progress: told how many of how many charts of a language are drawn;
    without `pictures` none is, and there is no PDF. since: for a day, the first of several that it tells of.
    Returns language -> number of the edition.

    TeitenError where nothing was observed, where a place cannot be written, or where a file would name a destination address.
    """
    for folder in out.values():
        bundle.check_place(folder)
    answers = Answers(session, period, filters, settings.thresholds)
    answers.stories_of, answers.since = _stories(session, settings), since
    _expect(answers)
    check(answers)
    moment = (now or dt.datetime.now(dt.UTC)).astimezone(period.tz)
    jobs = {code: _Job(answers, settings, code, command.replace("{lang}", code), notice) for code in out}
    secret = answers.destinations()
    numbers = {}
    for code, folder in out.items():
        before = None if fresh else manifest.earlier(folder)
        edition, kept = _next(jobs[code], before, moment)
        bundle.write(jobs[code].files(edition, kept, progress, pictures, settings.pdf and pictures), folder, secret)
        numbers[code] = edition.number
    return numbers


@dataclass
class _Job:
    """One report in one language, composed, before it is known which edition it is."""

    answers: Answers
    settings: Settings
    code: str
    command: str
    notice: str

    def __post_init__(self) -> None:
        self.plain = compose(self.answers, self.settings, self.code, self.command, self.notice)

    def table(self, number: int, made: dt.datetime) -> dict[str, Any]:
        """The manifest, but for the files."""
        return manifest.describe(self.answers, self.settings, self.plain, self.command, self.notice, number, made)

    def changes(self, before: Manifest, old: Mapping[str, bytes], number: int, made: dt.datetime) -> Edition:
        """This report as the edition that follows `before`, whose rows are given."""
        blocks = (block.data for section in self.plain.sections for block in section.blocks)
        now = {data.id: rows.csv_bytes(data) for data in blocks}
        return Edition(number, made, before, compare.compare(before, old, self.table(number, made), now))

    def files(
        self,
        edition: Edition,
        kept: Mapping[str, bytes],
        progress: Callable[[int, int], None] | None = None,
        pictures: bool = True,
        pdf: bool = True,
    ) -> dict[str, bytes]:
        """Every file of the folder; `kept` are those of older editions."""
        report = with_edition(self.plain, self.answers, self.settings, self.command, edition)
        paper = bundle.Paper(edition.made, self.settings.publisher) if pdf else None
        files = {**bundle.render(report, lang.words(self.code), pictures=pictures, progress=progress, paper=paper), **kept}
        files[manifest.NAME] = manifest.whole(self.table(edition.number, edition.made), files)
        return files


def _next(job: _Job, before: Manifest | None, now: dt.datetime) -> tuple[Edition, dict[str, bytes]]:
    """Which edition the report is in that place, and what it keeps of older ones."""
    first = job.table(1, now)
    if before is None or not before.same_report(first):
        return Edition(1, now), {}
    altered = before.altered()
    kept = manifest.kept(before)
    if before.table["content"] == first["content"] and not altered:
        # the same again, perhaps by a newer program: not another edition
        older = manifest.older(before)
        if older is None:
            return Edition(before.number, before.made), kept
        return job.changes(older, older.data(), before.number, before.made), kept
    kept |= manifest.put_by(before, altered)
    return job.changes(before, before.data(), before.number + 1, now), kept


def again(session: Session, settings: Settings, found: Manifest, out: Path) -> tuple[list[str], list[str]]:
    """Makes the report of a manifest again, in `out`; returns what is not as it was then (in words), and the files that differ.

    session: one limited to the manifest's last batch and time (`engine.open_session(..., upto=..., as_of=...)`) with
    `settings` as `manifest.restore` gives them. TeitenError where it cannot be made at all.
    """
    bundle.check_place(out)
    manifest.judge_again(session, settings)
    told = found.table["report"]
    period = periods.parse(told["kind"], told["period"], settings.zone)
    wanted = parse_filters(settings, **told["filters"])
    answers = Answers(session, period, wanted, settings.thresholds, notes=found.table["notes"])
    # a day that was made when nobody had looked for changes is made again without
    if found.table.get("stories"):
        answers.stories_of = _stories(session, settings)
        answers.since = dt.date.fromisoformat(told["since"]) if told.get("since") else None
    _expect(answers)
    check(answers)
    job = _Job(answers, settings, told["language"], found.table["command"], told["notice"])
    older = manifest.older(found)
    edition = Edition(found.number, found.made)
    if older is not None:
        edition = job.changes(older, older.data(), found.number, found.made)
    drawn = any(name.endswith(".png") for name in found.files)
    files = job.files(edition, manifest.kept(found), pictures=drawn, pdf=NAME in found.files)
    bundle.write(files, out, answers.destinations())
    return manifest.differences(found, json.loads(files[manifest.NAME]))


def _stories(session: Session, settings: Settings) -> Callable[[dt.date], list[Story] | None]:
    """The stories of a day as the lake keeps them; None of a day of which none were made."""

    def of(day: dt.date) -> list[Story] | None:
        from teiten.detect import kept

        return kept.stories(session.lake, settings, day) if day in kept.days(session.lake, settings) else None

    return of


def _expect(answers: Answers) -> None:
    """Says which days the questions will be about. Those about a port or a source find its few events sooner by themselves."""
    if not answers.filters.port and not answers.filters.src:
        answers.session.expect(answers.before.start, answers.period.end)


def check(answers: Answers) -> None:
    """TeitenError where there is nothing to report of the period."""
    # that nothing came to a port is worth a report, where somebody was watching
    if answers.coverage.observed() and (answers.period.kind == "span" or answers.totals.packets):
        return
    name, extent = answers.period.name, answers.extent
    if extent is None:
        raise TeitenError(
            f"There is nothing to report of {name}: the lake is empty.", hint="Ingest a log first: teiten ingest FILE."
        )
    first, last = (moment.strftime("%Y-%m-%d %H:%M") for moment in extent)
    why = "no event passes the filters" if answers.filters.words and answers.coverage.observed() else "nothing was observed"
    if answers.totals.packets:
        why = "its events lie too close together to tell of any stretch of time"
    raise TeitenError(
        f"There is nothing to report of {name}: {why}; the lake's events run from {first} to {last} ({answers.period.tz.key}).",
        hint="Name a period in between, or leave it out for the last one.",
    )


def compose(answers: Answers, settings: Settings, language: str, command: str, notice: str = "") -> Report:
    """The report in one language, before it is set."""
    words = lang.words(language)
    context = Context(answers, words, settings.zone_from, command, __version__, settings)
    sections = [section for part in parts(answers.period.kind) for section in part.sections(context)]
    sections = events.weave(context, sections)
    zone = f"zone.{settings.zone_name}"
    shown = words(zone) if zone in words else settings.zone_name
    first = sections[0].findings[0]
    return Report(
        language,
        words(f"title.{answers.period.kind}", period=context.title_name, port=context.subject, to=context.subject_to),
        words("title.subtitle", sensors=context.sensors, zone=shown),
        first if isinstance(first, str) else "",
        sections,
        words(notice) if notice else "",
    )


def with_edition(report: Report, answers: Answers, settings: Settings, command: str, edition: Edition) -> Report:
    """The report with what tells editions apart: which one it is, at the top, and what it changes."""
    words = lang.words(report.lang)
    context = Context(answers, words, settings.zone_from, command, __version__, settings, edition, report)
    if edition.before is None:
        return replace(report, edition=changes.heading(context))
    order = {part.id: part.order for part in parts(answers.period.kind)}
    section = changes.build(context)
    assert section is not None
    at = next((i for i, s in enumerate(report.sections) if order.get(s.id, 0) > changes.ORDER), len(report.sections))
    sections = [*report.sections[:at], section, *report.sections[at:]]
    return replace(report, sections=sections, edition=changes.heading(context))


def span(period: Period) -> tuple[dt.datetime, dt.datetime]:
    """What of the lake a report needs to see: the period, the one before, enough around them to judge gaps by, for a month the
    thirteen through which a country is followed, for a quarter the years before."""
    slack = dt.timedelta(days=_SLACK.get(period.kind, 32))
    return period.before().start - slack, period.end + min(slack, dt.timedelta(days=400))
