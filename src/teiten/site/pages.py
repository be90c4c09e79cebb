"""The site's pages in one language, as reports: overview, weekly graphs, ports, what changed, data, how to read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from teiten.enrich.datasets import Attribution
from teiten.lang import Words
from teiten.report import rows
from teiten.report.model import Block, Column, Data, Link, Paragraph, Point, Report, Section, Table
from teiten.settings import Settings
from teiten.site import parts, stories
from teiten.site.book import ALL, Book
from teiten.site.parts import Say
from teiten.site.stories import Public

WEEK: Final = 7
RECENT: Final = 28
"""days of what counts as lately: which ports have pages, which lines are drawn"""
QUARTER: Final = 91
"""days of a daily course"""
LINES: Final = 7
"""things with a line of their own in a chart"""
STORIES: Final = 56
"""days back to which changes are told"""
_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its folder below the language's, and what it says. files: others that lie beside it."""

    place: str
    report: Report
    feeds: tuple[tuple[str, str, str], ...] = ()
    """media type, title and name of the feeds that its head names"""


@dataclass(frozen=True, slots=True)
class Maker:
    """What the pages of one language are made from."""

    book: Book
    words: Words
    settings: Settings
    stories: Sequence[Public]
    geo: Sequence[Attribution]
    version: str

    @property
    def say(self) -> Say:
        return Say(self.words, self.settings)

    # what several pages need

    @property
    def last(self) -> dt.date:
        found = self.book.last()
        return found if found is not None else dt.date(1970, 1, 1)

    def window(self, days: int, back: int = 0) -> tuple[dt.date, dt.date]:
        """So many days up to the last told; `back`: so many days before."""
        end = self.last - back * _DAY
        return end - (days - 1) * _DAY, end

    def sensors(self) -> str:
        return self.words("count.sensors", n=len(self.book.sensors))

    def zone(self) -> str:
        key = f"zone.{self.settings.zone_name}"
        return self.words(key) if key in self.words else self.settings.zone_name

    def recent(self, what: str) -> list[str]:
        """The things of the last four weeks, the most first, without the unknown."""
        found = self.book.ranking(what, self.book.span(*self.window(RECENT)), most=10_000)
        return [row.key for row in found.rows if row.key not in ("", "/")]

    def report(self, title: str, subtitle: str, sections: Iterable[Section | None], edition: Paragraph = "") -> Report:
        kept = [section for section in sections if section is not None]
        first = next((p for s in kept for p in s.findings if isinstance(p, str)), subtitle)
        return Report(self.words.lang, title, subtitle, first, kept, edition=edition)

    def days_of(self, span: tuple[dt.date, dt.date]) -> list[dt.date]:
        """The book's days within the span."""
        return self.book.days[self.book.span(*span)]

    # pages

    def front(self, reports: Sequence[tuple[str, str]]) -> Page:
        """The overview: what the last week was like, ports, countries, what changed, and where to go on."""
        words, settings = self.words, self.settings
        rules = settings.publishing
        subtitle = words(
            "site.front_subtitle", sensors=self.sensors(), day=words.date(self.last), n=rules.delay, zone=self.zone()
        )
        sections = [self._latest(), *self.rankings("front"), self._stories(8)]
        if reports:
            points = [Point([Link(text, f"{place}/index.html")]) for place, text in reports[:6]]
            sections.append(Section("reports", words("site.reports_title"), points=points))
        sections.append(self.rules())
        page = self.report(words("site.front"), subtitle, sections)
        return Page("", page, self._feeds())

    def _latest(self) -> Section:
        words, say, book = self.words, self.say, self.book
        span, before = self.window(WEEK), self.window(WEEK, WEEK)
        now, then = (book.cell("all", "", ALL, book.span(*one)) for one in (span, before))
        findings: list[Paragraph] = []
        if now.withheld:
            findings.append(words("site.nothing"))
        else:
            fields = {"start": words.day(span[0]), "end": words.day(span[1])}
            said = [words("site.latest_finding", **fields, packets=say.rate(now.packets), hosts=say.rate(now.hosts))]
            if change := say.change(now, then):
                said.append(words("site.latest_change", packets=say.rate(then.packets), change=change))
            ports, lands = (book.ranking(what, book.span(*span)) for what in ("port", "country"))
            port = next((r for r in ports.rows if r.key != "/"), None)
            land = next((r for r in lands.rows if r.key), None)
            if port is not None and land is not None and now.packets:
                share = words.percent(min(1.0, (land.cell.packets or 0.0) / now.packets), 0)
                leader = {"port": say.port_long(parts.port_key(port.key)), "packets": say.rate(port.cell.packets)}
                said.append(words("site.latest_leader", **leader, country=say.land(land.key), share=share))
            findings.append(words.joined(*said))
        drawn = self.window(QUARTER)
        starts = self.days_of(drawn)
        block = parts.by_group(
            say,
            "all-daily",
            words("site.daily_title", thing=words("site.all_packets")),
            starts,
            book.daily("all", "", book.span(*drawn)),
            "day",
        )
        facts = parts.facts(say, book, now, then, len(book.sensors))
        return Section("latest", words("site.latest"), findings, facts=facts, blocks=[block] if block else [])

    def rankings(self, name: str, span: tuple[dt.date, dt.date] | None = None, before: Any = None) -> list[Section]:
        book, words = self.book, self.words
        span = span or self.window(WEEK)
        before = before or self.window(WEEK, WEEK)
        out = []
        titles = {
            "port": words("site.ranked_ports"), "country": words("site.ranked_countries"), "asn": words("site.ranked_asns"),
            "source": words("site.ranked_sources"),
        }  # fmt: skip
        for what, title in titles.items():
            if what == "source" and self.settings.publishing.sources == "none":
                continue
            found = book.ranking(what, book.span(*span), book.span(*before) if self.days_of(before) else None)
            blocks = parts.ranking(self.say, what, found, name, span)
            if blocks:
                out.append(Section(parts.NAMES[what], title, blocks=blocks))
        return out

    def _stories(self, most: int) -> Section:
        say, words = self.say, self.words
        points = [Point(stories.title(say, one), [stories.text(say, one)]) for one in self.stories[:most]]
        findings = [] if points else [words("site.stories_none")]
        return Section("stories", words("site.stories_title"), findings, points)

    def _feeds(self) -> tuple[tuple[str, str, str], ...]:
        words, chosen = self.words, self.settings.publishing.sections
        out = []
        if "reports" in chosen:
            out.append(("application/atom+xml", words("site.feed_reports"), "feed.xml"))
        if "stories" in chosen:
            out += [
                ("application/atom+xml", words("site.feed_atom"), "stories.xml"),
                ("application/feed+json", words("site.feed_json"), "stories.json"),
                ("text/calendar", words("site.feed_ics"), "stories.ics"),
            ]
        return tuple(out)

    def changes(self) -> Page:
        """What changed, and the feeds of it."""
        words = self.words
        links = [Point([Link(title, f"../{name}")]) for _, title, name in self._feeds()]
        sections = [self._stories(200), Section("feeds", words("site.feeds"), points=links)]
        return Page("stories", self.report(words("site.stories_title"), words("site.stories_subtitle"), sections))

    def weekly(self) -> Page:
        """Ports and countries through the weeks, and beside each other by group of sensors."""
        words, say, book = self.words, self.say, self.book
        weeks = self.weeks()
        sections: list[Section] = []
        titles = {"port": words("site.weekly_ports"), "country": words("site.weekly_countries")}
        for what, title in titles.items():
            chosen = self.recent(what)[:LINES]
            lines = {
                (parts.colour_of(what, key), _named(what, key)): (say.thing(what, key), book.weekly(what, key, weeks)[ALL])
                for key in chosen
            }
            named = ("port", "protocol") if what == "port" else ("country",)
            block = parts.course(
                say,
                f"weekly-{parts.NAMES[what]}",
                words("site.weekly_title", thing=title),
                weeks,
                lines,
                step="week",
                things=what,
                columns=named,
            )
            if block is not None:
                finding = "site.weekly_finding" if what == "port" else "site.weekly_finding_countries"
                sections.append(Section(parts.NAMES[what], title, [words(finding, n=len(chosen))], blocks=[block]))
        if len(book.groups) > 1:
            blocks = []
            for key in self.recent("port")[:LINES]:
                heading = words("site.weekly_title", thing=say.port_long(parts.port_key(key)))
                own = parts.by_group(say, f"weekly-{parts.slug(key)}", heading, weeks, book.weekly("port", key, weeks), "week")
                blocks += [own] if own else []
            for key in self.recent("country")[:LINES]:
                heading = words("site.weekly_title", thing=say.country(key))
                cells = book.weekly("country", key, weeks)
                own = parts.by_group(say, f"weekly-{key.lower()}", heading, weeks, cells, "week")
                blocks += [own] if own else []
            if blocks:
                sections.append(Section("groups", words("site.weekly_groups"), blocks=blocks))
        if not sections:
            sections = [Section("ports", words("site.weekly_ports"), [words("site.nothing")])]
        return Page("weekly", self.report(words("site.weekly_page"), words("site.weekly_subtitle"), sections))

    def weeks(self) -> list[dt.date]:
        """Mondays of the whole weeks that are told, the oldest first."""
        monday = self.last + _DAY
        monday -= dt.timedelta(days=monday.weekday())
        first = self.book.days[0] if self.book.days else self.last
        found = [monday - dt.timedelta(days=7 * n) for n in range(1, self.settings.publishing.weeks + 1)]
        return sorted(week for week in found if week + dt.timedelta(days=6) >= first)

    def chosen_ports(self) -> list[str]:
        """The ports that have a page."""
        return self.recent("port")[: self.settings.publishing.ports]

    def ports(self) -> Page:
        """All port pages, and the ranking by which they were chosen."""
        words, say, book = self.words, self.say, self.book
        span = self.window(RECENT)
        found = book.ranking("port", book.span(*span), book.span(*self.window(RECENT, RECENT)))
        links = [
            Point([Link(say.port_long(parts.port_key(key)), f"{parts.slug(key)}/index.html")]) for key in self.chosen_ports()
        ]
        blocks = parts.ranking(say, "port", found, "four-weeks", span)
        section = Section("ports", words("site.ports_title"), [] if links else [words("site.nothing")], links, blocks=blocks)
        return Page("ports", self.report(words("site.ports_title"), words("site.ports_subtitle"), [section]))

    def port(self, key: str) -> Page:
        """A port: what it is for, the last week, by day and by week, by group of sensors."""
        words, say, book = self.words, self.say, self.book
        name, own = say.port(parts.port_key(key)), parts.slug(key)
        span, before = self.window(WEEK), self.window(WEEK, WEEK)
        now, then = (book.cell("port", key, ALL, book.span(*one)) for one in (span, before))
        if now.withheld:
            findings: list[Paragraph] = [words("site.port_rare")]
        else:
            said = words("site.port_now", packets=say.rate(now.packets), hosts=say.rate(now.hosts))
            change = say.change(now, then)
            more = words("site.latest_change", packets=say.rate(then.packets), change=change) if change else ""
            findings = [words.joined(said, more)]
        if service := say.service(parts.port_key(key)):
            findings.append(words("site.port_use", service=service))
        drawn = self.window(QUARTER)
        weeks = self.weeks()
        blocks = [
            parts.by_group(say, f"{own}-daily", words("site.daily_title", thing=name), self.days_of(drawn),
                           book.daily("port", key, book.span(*drawn)), "day"),
            parts.by_group(say, f"{own}-weekly", words("site.weekly_title", thing=name), weeks,
                           book.weekly("port", key, weeks), "week"),
        ]  # fmt: skip
        section = Section(
            "port",
            words("site.latest"),
            findings,
            facts=parts.facts(say, book, now, then, len(book.sensors)),
            blocks=[b for b in blocks if b is not None],
        )
        told = [one for one in self.stories if one.what == "port" and one.key == key]
        points = [Point(stories.title(say, one), [stories.text(say, one)]) for one in told]
        changed = Section("stories", words("site.stories_title"), points=points) if points else None
        title = words("site.port_title", port=say.port_long(parts.port_key(key)))
        return Page(f"ports/{own}", self.report(title, words("site.port_subtitle", port=name), [section, changed]))

    def about(self) -> Page:
        """How to read the site: the rules in force, licence, the data used."""
        words = self.words
        points: list[Paragraph | Point] = [words("site.about_geo", name=a.name, text=a.text) for a in self.geo]
        data = Section("data", words("site.about_data"), points=points) if points else None
        return Page("about", self.report(words("site.about_title"), words("site.about_subtitle"), [self.rules(), data]))

    def rules(self) -> Section:
        words, rules = self.words, self.settings.publishing
        few = len(self.book.sensors) < rules.least_sensors
        sources = {
            "none": words("site.about_sources_none"), "network": words("site.about_sources_network"),
            "pseudonym": words("site.about_sources_pseudonym"), "address": words("site.about_sources_address"),
        }  # fmt: skip
        settled = words("site.about_settled", n=rules.least_sensors)
        points: list[Paragraph | Point] = [
            words("site.about_mean"),
            words("site.about_settled_few", sensors=self.sensors()) if few else settled,
            words("site.about_withheld", word=words("site.withheld"), packets=rules.least_packets, hosts=rules.least_hosts),
            words("site.about_rounded", n=rules.digits),
            words("site.about_delay", n=rules.delay),
            words("site.about_unknown"),
            words.joined(words("site.about_hosts"), sources[rules.sources]),
        ]
        if rules.licence:
            named = Link(rules.licence, rules.licence_url) if rules.licence_url else rules.licence
            points.append(self.say.rich("site.about_licence", licence=named))
        else:
            points.append(words("site.about_licence_none"))
        return Section("rules", words("site.nav_about"), points=points)

    def data(self, tables: Sequence[Data]) -> Page:
        """Every file of rows, and what their columns mean."""
        words = self.words
        titles = {
            "daily": words("site.data_daily"), "ports-daily": words("site.data_ports_daily"),
            "ports-weekly": words("site.data_ports_weekly"), "countries-daily": words("site.data_countries_daily"),
            "countries-weekly": words("site.data_countries_weekly"), "asns-weekly": words("site.data_asns_weekly"),
        }  # fmt: skip
        points = []
        for table in tables:
            links = [Link(kind, f"../../data/{table.id}.{kind}") for kind in ("csv", "json", "parquet")]
            points.append(Point([f"{titles[table.id]}: ", *_between(links)]))
        files = Section("files", words("site.data_files"), points=points)
        heads = (words("site.codebook_column"), words("site.codebook_unit"), words("site.codebook_meaning"))
        lines = [tuple(map(str, line)) for line in codebook(words).rows]
        shown = Table(words("site.codebook"), tuple(Column(h, "text") for h in heads), lines)
        book = Section("codebook", words("site.codebook"), blocks=[Block(codebook(words), table=shown)])
        return Page("data", self.report(words("site.data_title"), words("site.data_subtitle"), [files, book]))


def _between(links: Sequence[Link]) -> list[Any]:
    out: list[Any] = []
    for link in links:
        out += [", ", link] if out else [link]
    return out


def _named(what: str, key: str) -> str:
    """The thing as the columns of a course's rows: '23|6', 'CN'."""
    return "|".join("" if cell is None else str(cell) for cell in parts.columns_of(what, key))


def codebook(words: Words) -> Data:
    """The columns of the site's files: name, type and unit, meaning."""
    lines = [
        ("start", "date", words("site.col_start")),
        ("group", "text", words("site.col_group")),
        ("port", "integer", words("site.col_port")),
        ("protocol", "integer", words("site.col_protocol")),
        ("country", "text", words("site.col_country")),
        ("asn", "text", words("site.col_asn")),
        ("packets", "number, packets/day", words("site.col_packets")),
        ("hosts", "number, hosts/day", words("site.col_hosts")),
        ("state", "text", words("site.col_state")),
    ]
    return Data("codebook", ("column", "type", "meaning"), lines, "")


def tables(maker: Maker) -> list[Data]:
    """The site's files of rows, of no language."""
    book = maker.book
    weeks, days = maker.weeks(), book.days
    whole = slice(0, len(days))

    def state(cell: Any, told: bool) -> str:
        return "gap" if not told else "withheld" if cell.withheld else "told"

    out = [
        Data("daily", ("start", "group", "packets", "hosts", "state"), [
            (day, group or "all", c.packets, c.hosts, state(c, bool(book.told[group][n])))
            for group, cells in book.daily("all", "", whole).items() for n, (day, c) in enumerate(zip(days, cells, strict=True))
        ], "")
    ]  # fmt: skip
    courses: list[tuple[str, str, Callable[[str, str], dict[str, Any]], Sequence[dt.date]]] = [
        ("port", "daily", lambda what, key: {ALL: book.daily(what, key, whole)[ALL]}, days),
        ("port", "weekly", lambda what, key: book.weekly(what, key, weeks), weeks),
        ("country", "daily", lambda what, key: {ALL: book.daily(what, key, whole)[ALL]}, days),
        ("country", "weekly", lambda what, key: book.weekly(what, key, weeks), weeks),
        ("asn", "weekly", lambda what, key: {ALL: book.weekly(what, key, weeks)[ALL]}, weeks),
    ]
    for what, step, cells_of, starts in courses:
        lines = []
        long = [row.key for row in book.ranking(what, whole).rows]
        for key in list(dict.fromkeys([*maker.recent(what), *long]))[: maker.settings.publishing.rows]:
            for group, cells in cells_of(what, key).items():
                for start, c in zip(starts, cells, strict=True):
                    span = book.span(start, start + (6 if step == "weekly" else 0) * _DAY)
                    told = book.enough(group, span, 7 if step == "weekly" else 1)
                    name = parts.columns_of(what, key)
                    lines.append((start, group or "all", *name, c.packets, c.hosts, state(c, told)))
        named = ("start", "group", *parts.COLUMNS[what], "packets", "hosts", "state")
        out.append(Data(f"{parts.NAMES[what]}-{step}", named, lines, ""))
    return out


def files_of(tables: Iterable[Data]) -> dict[str, bytes]:
    """data/NAME.{csv,json,parquet} of the site."""
    return {f"data/{table.id}.{kind}": content for table in tables for kind, content in rows.files(table).items()}
