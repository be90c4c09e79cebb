"""From lake and settings to the jobs of a site: what is asked, which pages there are, and what the rules took from them."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape as xml

from teiten import __version__
from teiten.alerts import feeds
from teiten.data import fonts
from teiten.detect import kept
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.engine.questions import Query
from teiten.enrich import datasets
from teiten.errors import TeitenError
from teiten.lake import Lake
from teiten.lang import words
from teiten.publish import sources
from teiten.publish.release import Taken
from teiten.report import feed
from teiten.report.page import style
from teiten.settings import Settings
from teiten.site import build, counts, frame, pages, parts, reports, stories
from teiten.site.book import ALL, WHATS, Book
from teiten.site.build import Job
from teiten.site.pages import Maker, Page

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session

_TARGETS: Final = "SELECT DISTINCT dst_ip FROM {events} WHERE {where}"
_OWN: Final = "SELECT DISTINCT src_ip FROM raw_events WHERE interface = ''"
_GEO: Final = "SELECT DISTINCT geo_db FROM {events} WHERE {where}"
_LENGTHS: Final = {"daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92}
ROBOTS: Final = "User-agent: *\nAllow: /\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """A site to be made. secret: packed addresses that no file may name; taken: what the rules took, by what is ranked."""

    jobs: list[Job]
    secret: set[bytes]
    about: Mapping[str, Any]
    book: Book
    taken: Mapping[str, Taken]
    warnings: list[str]


def plan(lake: Lake, settings: Settings, out: Path, today: dt.date, progress: Callable[[int, int], None] | None = None) -> Plan:
    """What the site of today is made of. TeitenError where nothing can be told at all."""
    rules = settings.publishing
    days = counts.days(lake, settings, today)
    if not days:
        raise TeitenError(
            f"There is nothing to publish: the lake holds no day older than {rules.delay} days.",
            hint="Wait, or set delay in [publish] of teiten.toml.",
        )
    back = max(rules.weeks * 7 + 7, pages.QUARTER, *(_LENGTHS[kind] * (rules.reports + 2) for kind in rules.periods))
    wanted = [day for day in days if day > days[-1] - dt.timedelta(days=back)]
    found = counts.of(lake, settings, wanted, progress)
    if not found:
        raise TeitenError("There is nothing to publish: the events of these days are no longer kept, and nobody counted them.")
    if rules.sources == "pseudonym":
        found = _named(found, sources.key_of(counts.folder(lake, settings) / "key"))
    book = Book(found, settings)
    last = book.last()
    if last is None:
        raise TeitenError(
            "There is nothing to publish: on no day did enough sensors watch for twelve hours.",
            hint="Ingest whole days; how many sensors are asked for is least_sensors in [publish].",
        )
    told = kept.span(lake, settings, [day for day in kept.days(lake, settings) if day <= last])
    public = stories.public(told, book, last - dt.timedelta(days=pages.STORIES)) if told else []
    secret, geo = _asked(lake, settings, days[0])
    makers = {code: Maker(book, words(code), settings, public, geo, __version__) for code in rules.languages}
    jobs = _jobs(makers, settings, out, today)
    about = {
        "program": {"name": "teiten", "version": __version__}, "last_day": f"{last}", "zone": settings.zone_name,
        "sensors": len(book.sensors), "rules": {name: getattr(rules, name) for name in type(rules).__dataclass_fields__},
    }  # fmt: skip
    span = book.span(*makers[rules.languages[0]].window(pages.RECENT))
    taken = {what: book.ranking(what, span, most=10**9).taken for what in WHATS if what != "source" or rules.sources != "none"}
    return Plan(jobs, secret, about, book, taken, _warnings(book, settings))


def _named(found: Mapping[dt.date, counts.Day], key: bytes) -> dict[dt.date, counts.Day]:
    """The counts with each source under its name of the month."""
    import polars as pl

    out = {}
    for day, one in found.items():
        own = pl.col("what") == "source"
        names = {a: sources.shown(a, "pseudonym", key, day) for a in one.frame.filter(own)["key"].unique()}
        renamed = pl.when(own).then(pl.col("key").replace(names)).otherwise(pl.col("key"))
        out[day] = counts.Day(day, one.frame.with_columns(renamed.alias("key")))
    return out


def addresses(lake: Lake, settings: Settings) -> set[bytes]:
    """Every address of the observer's that the lake knows, packed: destinations, and sources of what went out."""
    with open_session(lake, settings) as session:
        return _addresses(session)


def _addresses(session: Session) -> set[bytes]:
    every = {"where": Filters(all_events=True)}
    targets = (row["dst_ip"] for row in Query(_TARGETS, every, grain="day").rows(session))
    found = {one for one in targets if one and any(one)}  # (0.0.0.0 and ::: the log does not say)
    return (found | set(session.work(_OWN)["src_ip"])) - {None}


def _asked(lake: Lake, settings: Settings, first: dt.date) -> tuple[set[bytes], list[datasets.Attribution]]:
    """Those addresses, and what the data on countries and AS ask to be said."""
    with open_session(lake, settings) as session:
        start = build.moment(first, settings.zone)
        used = {row["geo_db"] for row in Query(_GEO, {"where": Filters(start=start)}).rows(session)}
        return _addresses(session), datasets.attributions(used)


def _warnings(book: Book, settings: Settings) -> list[str]:
    """What whoever publishes should know before."""
    rules = settings.publishing
    out = []
    if len(book.sensors) < rules.least_sensors:
        out.append(
            f"{len(book.sensors)} of the {rules.least_sensors} sensors of least_sensors: no figure can be settled among so few:"
            " a probe may show in the figures; delay and rounding remain."
        )
    if rules.sensors == "alias":
        out.append(
            'sensors = "alias": each sensor has figures of its own; who probes finds its address (docs/concepts/mapping.md).'
        )
    if rules.sources == "address":
        out.append('sources = "address": sources are named; an address can be forged, and its holder is mostly a victim.')
    if rules.delay == 0:
        out.append("delay = 0: whoever probes reads the answer the next day.")
    return out


# jobs ---------------------------------------------------------------------------------------------------------------


def _jobs(makers: Mapping[str, Maker], settings: Settings, out: Path, today: dt.date) -> list[Job]:
    rules = settings.publishing
    first = rules.languages[0]
    jobs = [Job("style", build.digest(style(), frame.STYLE, fonts.WOFF2.stat().st_size), _shared)]
    places: list[str] = []
    for code, maker in makers.items():
        editions: dict[str, Mapping[str, Any]] = {}
        if "reports" in rules.sections:
            made, editions = _reports(maker, out, today)
            jobs += made
        listed = [(place, str(told["title"])) for place, told in editions.items()]
        chosen: list[Page] = [maker.about()]
        chosen += [maker.weekly()] if "weekly" in rules.sections else []
        chosen += [maker.ports(), *map(maker.port, maker.chosen_ports())] if "ports" in rules.sections else []
        chosen += [maker.changes()] if "stories" in rules.sections else []
        chosen += [reports.index(maker, listed)] if "reports" in rules.sections else []
        front = maker.front(listed)
        if "overview" not in rules.sections:
            front = replace(front, report=replace(front.report, sections=[front.report.sections[-1]]))
        tables = pages.tables(maker) if "data" in rules.sections else []
        if tables:
            chosen.append(maker.data(tables))
        if tables and code == first:
            book = pages.codebook(maker.words)
            told = build.digest(tables, book)
            jobs.append(Job("data", told, functools.partial(pages.files_of, [*tables, book])))
        for page in (front, *chosen):
            jobs.append(_page(settings, code, page))
            places.append(f"{code}/{page.place}/" if page.place else f"{code}/")
        if code == first:
            jobs.append(_page(settings, code, front, at_root=True))
        jobs += _feeds(maker, settings, code, editions)
        places += [f"{code}/{place}/" for place, _ in listed]
    jobs.append(_small(settings, sorted(places)))
    return jobs


def _shared() -> dict[str, bytes]:
    return {
        "style.css": (style() + frame.STYLE).encode(),
        "fonts/teiten-sans.woff2": fonts.WOFF2.read_bytes(),
        "fonts/LICENSE-OFL.txt": fonts.LICENCE.read_bytes(),
    }


def _page(settings: Settings, code: str, page: Page, *, at_root: bool = False, extra: Mapping[str, bytes] | None = None) -> Job:
    around = frame.frame(settings, code, page.place, __version__, page.feeds, at_root=at_root)
    prefix = f"{code}/{page.place}/" if page.place else f"{code}/"
    told = build.digest(page.report, around, sorted((extra or {}).items()), build.VERSION)
    if at_root:
        return Job("root", told, lambda: _root(page, around, code))
    return Job(
        prefix, told, lambda: build.drawn(page.report, around, prefix) | {prefix + k: v for k, v in (extra or {}).items()}
    )


def _root(page: Page, around: Any, code: str) -> dict[str, bytes]:
    """The front page as the site's first: its links lead into its language's folder."""
    text = build.drawn(page.report, around, "")["index.html"].decode()
    for name in ("data/", "charts/", "reports/", "ports/", "weekly/", "stories"):
        text = text.replace(f'href="{name}', f'href="{code}/{name}')
    return {"index.html": text.encode()}


def _reports(maker: Maker, out: Path, today: dt.date) -> tuple[list[Job], dict[str, Mapping[str, Any]]]:
    """Jobs of the reports of a language, and of those that the site keeps; and each one's edition, the newest first."""
    settings, code = maker.settings, maker.words.lang
    jobs: list[Job] = []
    editions: dict[str, Mapping[str, Any]] = {}
    for period in reports.wanted(maker):
        place = reports.place(period)
        made = reports.report(maker, period)
        edition = reports.edition(made, out / code / place, today)
        told, extra = reports.with_edition(maker, made, edition)
        jobs.append(_page(settings, code, Page(place, told), extra=extra))
        editions[place] = json.loads(extra[reports.EDITION])
    before = build.manifest_of(out)
    for place in reports.known(out / code):
        key = f"{code}/{place}/"
        if place not in editions and before is not None and key in before["pages"]:
            # as it was published: what it was made from may be gone
            jobs.append(Job(key, before["pages"][key]["digest"], functools.partial(_gone, key)))
            editions[place] = json.loads((out / code / place / reports.EDITION).read_text(encoding="utf-8"))
    order = sorted(editions, key=lambda place: place.partition("-")[2], reverse=True)
    return jobs, {place: editions[place] for place in order}


def _gone(key: str) -> dict[str, bytes]:
    raise TeitenError(
        f"The older report {key} was altered since it was published, and cannot be made again.",
        hint="Put its files back, or remove its folder and its entry in manifest.json.",
    )


def _feeds(maker: Maker, settings: Settings, code: str, editions: Mapping[str, Mapping[str, Any]]) -> list[Job]:
    rules, text = settings.publishing, maker.words
    site = f"{settings.site}{code}/" if settings.site else ""
    title, author = frame.name(settings, text), settings.publisher or "teiten"
    files: dict[str, bytes] = {}
    if "stories" in rules.sections:
        told = stories.entries(maker.say, maker.stories, settings.site)
        for name, write in (("stories.xml", feeds.atom), ("stories.json", feeds.as_json), ("stories.ics", feeds.calendar)):
            heading, place = f"{title}: {text('site.stories_title')}", f"{site}{name}" if site else ""
            files[f"{code}/{name}"] = write(told, feeds.Feed(heading, code, author, settings.site, place))
    if "reports" in rules.sections and editions:
        newest = list(editions.items())[: feed.MOST]
        found = [reports.entry(place, one, code, settings.site, settings.zone) for place, one in newest]
        files[f"{code}/feed.xml"] = feed.atom(found, f"{title}: {text('site.reports_title')}", author, site)
    return [Job(f"{code}/feeds", build.digest(sorted(files.items())), lambda: files)] if files else []


def _small(settings: Settings, places: list[str]) -> Job:
    """robots.txt, sitemap.xml (where the site's address is known: it must name it), the licence."""
    rules = settings.publishing
    files = {"robots.txt": ROBOTS.encode(), ".nojekyll": b""}
    if settings.site:
        files["robots.txt"] += f"Sitemap: {settings.site}sitemap.xml\n".encode()
        found = "".join(f"<url><loc>{xml(settings.site + place)}index.html</loc></url>\n" for place in ["", *places])
        files["sitemap.xml"] = (
            '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
            f"{found}</urlset>\n"
        ).encode()
    licence = f"{rules.licence}\n{rules.licence_url}\n" if rules.licence else words("en")("site.about_licence_none") + "\n"
    files["LICENCE.txt"] = licence.encode()
    return Job("small", build.digest(sorted(files.items())), lambda: files)


def drawn_cells(book: Book) -> dict[str, int]:
    """Things of the last four weeks that a table tells, for whoever publishes."""
    last = book.last()
    if last is None:
        return {}
    span = book.span(last - dt.timedelta(days=pages.RECENT - 1), last)
    return {parts.NAMES[what]: len(book.ranking(what, span, group=ALL, most=10**9).rows) for what in WHATS}
