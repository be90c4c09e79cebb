"""Reports of the site: a day, week, month or quarter that is over, by the published figures alone; with editions."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from teiten import periods
from teiten.periods import Period, PeriodKind
from teiten.report import feed, rows
from teiten.report.manifest import sha256
from teiten.report.model import Data, Link, Paragraph, Point, Report, Section
from teiten.site import parts
from teiten.site.book import ALL, LEAST_DAYS
from teiten.site.pages import Maker, Page

EDITION: Final = "edition.json"
"""in a report's folder: its number, when it was made, the digest of its rows, its title and first sentence"""
RISEN: Final = 5
_PLACE: Final = re.compile(r"(daily|weekly|monthly|quarterly)-([0-9A-Z-]+)", re.ASCII)


def wanted(maker: Maker) -> list[Period]:
    """The periods of which there is to be a report, the newest first: whole ones, of which enough days are told."""
    book, rules = maker.book, maker.settings.publishing
    out = []
    for kind in rules.periods:
        period = periods.containing(_kind(kind), maker.last, maker.settings.zone)
        for _ in range(rules.reports + 1):
            if period.after <= maker.last + dt.timedelta(days=1):
                span = book.span(period.first, period.days[-1])
                if not maker.days_of((period.first, period.days[-1])):
                    break
                if int(book.told[ALL][span].sum()) >= LEAST_DAYS * len(period.days):
                    out.append(period)
            period = period.before()
        del out[_newest(out, kind, rules.reports) :]
    return sorted(out, key=lambda p: (p.after, len(p.days)), reverse=True)


def _newest(found: Sequence[Period], kind: str, most: int) -> int:
    """Where to cut the list so that at most so many of that kind stay."""
    own = [n for n, p in enumerate(found) if p.kind == kind]
    return own[most] if len(own) > most else len(found)


def _kind(text: str) -> PeriodKind:
    return next(kind for kind in periods.KINDS if kind == text)


def place(period: Period) -> str:
    """reports/weekly-2026-W40."""
    return f"reports/{period.kind}-{period.name}"


def report(maker: Maker, period: Period) -> Report:
    """The report of a period, before it is known which edition it is."""
    words, say, book = maker.words, maker.say, maker.book
    span = (period.first, period.days[-1])
    earlier = period.before()
    before = (earlier.first, earlier.days[-1])
    compared = bool(maker.days_of(before)) and book.enough(ALL, book.span(*before), len(earlier.days))
    now = book.cell("all", "", ALL, book.span(*span))
    then = book.cell("all", "", ALL, book.span(*before)) if compared else None
    name = title_of(maker, period)
    findings: list[Paragraph] = []
    if now.withheld:
        findings.append(words("site.nothing"))
    else:
        said = [words("site.report_finding", period=name, packets=say.rate(now.packets), hosts=say.rate(now.hosts))]
        if then is not None and (change := say.change(now, then)):
            told = {"period": title_of(maker, earlier), "packets": say.rate(then.packets), "change": change}
            said.append(words("site.report_before", **told))
        findings.append(words.joined(*said))
    told_days = int(book.told[ALL][book.span(*span)].sum())
    if told_days < len(period.days):
        findings.append(words("site.report_told", n=len(period.days), told=told_days))
    slug = f"{period.kind}-{period.name.lower()}"
    blocks = []
    if len(period.days) > 1:
        starts = maker.days_of(span)
        thing = words("site.daily_title", thing=words("site.all_packets"))
        block = parts.by_group(say, f"{slug}-days", thing, starts, book.daily("all", "", book.span(*span)), "day")
        blocks = [block] if block else []
    first = Section("summary", name, findings, facts=parts.facts(say, book, now, then, len(book.sensors)), blocks=blocks)
    rankings = maker.rankings(slug, span, before if compared else (dt.date(1, 1, 1), dt.date(1, 1, 1)))
    lines = _courses(maker, period, slug)
    subtitle = words("site.report_subtitle", sensors=maker.sensors(), zone=maker.zone())
    found = [first, _risen(maker, span, before) if compared else None, *lines, *rankings, _told(maker, span), maker.rules()]
    return maker.report(words("site.report_title", period=name), subtitle, found)


def title_of(maker: Maker, period: Period) -> str:
    """week 40 of 2026 (…), October 2026."""
    words = maker.words
    if period.kind == "daily":
        return words.plain(period.first)
    if period.kind == "monthly":
        return words.month(period.first)
    if period.kind == "quarterly":
        return words.quarter(period.first)
    year, week, _ = period.first.isocalendar()
    ends = {"start": words.day(period.first), "end": words.day(period.days[-1])}
    return words("date.week", year=str(year), week=str(week), **ends)


def _courses(maker: Maker, period: Period, slug: str) -> list[Section]:
    if len(period.days) < 2:
        return []
    words, say, book = maker.words, maker.say, maker.book
    span = (period.first, period.days[-1])
    starts = maker.days_of(span)
    found = book.ranking("port", book.span(*span), most=7)
    lines = {
        (parts.colour_of("port", row.key), "|".join("" if c is None else str(c) for c in parts.columns_of("port", row.key))): (
            say.thing("port", row.key),
            book.daily("port", row.key, book.span(*span))[ALL],
        )
        for row in found.rows
        if row.key != "/"
    }
    title = words("site.daily_title", thing=words("site.ranked_ports"))
    block = parts.course(say, f"{slug}-ports-days", title, starts, lines, step="day", columns=("port", "protocol"))
    return [Section("courses", title, blocks=[block])] if block else []


def _risen(maker: Maker, span: tuple[dt.date, dt.date], before: tuple[dt.date, dt.date]) -> Section | None:
    """The things whose published figures rose most."""
    say, book = maker.say, maker.book
    found: list[tuple[float, str]] = []
    for what in ("port", "country", "asn"):
        for row in book.ranking(what, book.span(*span), book.span(*before)).rows:
            if row.key in ("", "/") or row.before is None or not row.before.packets or row.cell.packets is None:
                continue
            times = row.cell.packets / row.before.packets
            if times >= 1.3:
                thing = say.port_long(parts.port_key(row.key)) if what == "port" else say.thing(what, row.key)
                fields = {"packets": say.rate(row.cell.packets), "change": say.change(row.cell, row.before)}
                found.append((times, maker.words("site.risen_point", thing=thing, **fields)))
    points = [text for _, text in sorted(found, reverse=True)[:RISEN]]
    return Section("risen", maker.words("site.risen"), points=points) if points else None


def _told(maker: Maker, span: tuple[dt.date, dt.date]) -> Section | None:
    from teiten.site import stories

    own = [one for one in maker.stories if one.first <= span[1] and one.last >= span[0]]
    points = [Point(stories.title(maker.say, one), [stories.text(maker.say, one)]) for one in own]
    return Section("stories", maker.words("site.stories_title"), points=points) if points else None


# editions -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edition:
    """Which edition a report is, and the files that its folder keeps of older ones."""

    number: int
    made: dt.date
    published: dt.date
    """of the first"""
    kept: Mapping[str, bytes]


def data_of(made: Report) -> list[Data]:
    """The rows behind a report."""
    return [block.data for section in made.sections for block in section.blocks]


def digest(made: Report) -> str:
    """What the report's rows say: the same digest, the same edition, however its words are set."""
    return sha256(b"\0".join(data.id.encode() + b"\0" + rows.csv_bytes(data) for data in data_of(made)))


def edition(made: Report, folder: Path, today: dt.date) -> Edition:
    """Which one it is beside what lies in that folder of the site as it stands."""
    try:
        told = json.loads((folder / EDITION).read_text(encoding="utf-8"))
        number, day, first = int(told["number"]), dt.date.fromisoformat(told["made"]), dt.date.fromisoformat(told["published"])
    except (OSError, ValueError, KeyError, TypeError):
        return Edition(1, today, today, {})
    kept = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted((folder / "editions").rglob("*")) if path.is_file()
    }  # fmt: skip
    if told["digest"] == digest(made):
        return Edition(number, day, first, kept)
    older = {f"editions/{number}/data/{path.name}": path.read_bytes() for path in sorted((folder / "data").glob("*.csv"))}
    return Edition(number + 1, today, first, kept | older)


def with_edition(maker: Maker, made: Report, found: Edition) -> tuple[Report, dict[str, bytes]]:
    """The report with its edition said, and the files beside it."""
    words = maker.words
    if found.number == 1:
        said: Paragraph = words("site.edition_first", day=words.plain(found.made))
    else:
        links: list[Any] = []
        for number in range(1, found.number):
            own = sorted(name for name in found.kept if name.startswith(f"editions/{number}/"))
            if own:
                links += [", "] if links else []
                links.append(Link(words("site.edition_rows", number=str(number)), own[0]))
        said = [words("site.edition_next", number=str(found.number), day=words.plain(found.made)), *links]
    table = {
        "number": found.number, "made": f"{found.made}", "published": f"{found.published}", "digest": digest(made),
        "title": made.title, "summary": made.description,
    }  # fmt: skip
    extra = {**found.kept, EDITION: (json.dumps(table, ensure_ascii=False, indent=1) + "\n").encode()}
    return replace(made, edition=said), extra


def index(maker: Maker, found: Sequence[tuple[str, str]]) -> Page:
    """The list of all reports that the site has, by kind. found: place below the language's folder, title."""
    words = maker.words
    titles = {
        "quarterly": words("site.reports_quarterly"), "monthly": words("site.reports_monthly"),
        "weekly": words("site.reports_weekly"), "daily": words("site.reports_daily"),
    }  # fmt: skip
    sections = []
    for kind, title in titles.items():
        own = [(path, text) for path, text in found if path.startswith(f"reports/{kind}-")]
        points = [Point([Link(text, f"{path.removeprefix('reports/')}/index.html")]) for path, text in own]
        if points:
            sections.append(Section(kind, title, points=points))
    if not sections:
        sections = [Section("none", words("site.reports_title"), [words("site.reports_none")])]
    return Page("reports", maker.report(words("site.reports_title"), words("site.reports_subtitle"), sections))


def known(folder: Path) -> list[str]:
    """Places (reports/KIND-PERIOD) of the reports of a language's folder, the newest first."""
    base = folder / "reports"
    if not base.is_dir():
        return []
    names = [p.name for p in base.iterdir() if _PLACE.fullmatch(p.name) and (p / EDITION).is_file()]
    return [f"reports/{name}" for name in sorted(names, key=lambda n: n.partition("-")[2], reverse=True)]


def entry(place: str, told: Mapping[str, Any], lang: str, site: str, zone: dt.tzinfo) -> feed.Entry:
    """A report for the feed of reports."""

    def moment(day: str) -> dt.datetime:
        return dt.datetime.combine(dt.date.fromisoformat(day), dt.time(), zone)

    kind = place.rpartition("/")[2].partition("-")[0]
    return feed.Entry(
        id=uuid.uuid5(_SPACE, f"{site} {place} {lang}").urn,
        place=f"{place}/",
        title=told["title"],
        summary=told["summary"],
        kind=kind,
        lang=lang,
        published=moment(told["published"]),
        updated=moment(told["made"]),
    )


_SPACE: Final = uuid.UUID("3d5e9a0c-92cf-5f0e-bd0e-51cf5a0c1e77")
