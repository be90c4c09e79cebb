"""What a section is given: the answers of a period, and the words of a language to say them with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from teiten import event
from teiten.data import countries
from teiten.data import ports as port_table
from teiten.engine.questions import Rows
from teiten.lang import Words
from teiten.periods import Period
from teiten.report.answers import Answers, Key, Ranked
from teiten.report.compare import Edition
from teiten.report.coverage import Coverage, Gap
from teiten.report.model import Data, Footnote, Link, Paragraph, Piece, Report
from teiten.settings import PORT_STYLES, Settings

SAME = 0.03
"""A difference below this share is 'about the same' in words."""
LEAST = 10
"""A count below this is no base for a percentage."""


@dataclass(frozen=True, slots=True)
class Context:
    """One report in the making."""

    answers: Answers
    words: Words
    origin: str
    """where the zone comes from: 'flag', 'teiten.toml', 'machine'"""
    command: str
    """what makes the same report again"""
    version: str
    settings: Settings
    edition: Edition | None = None
    """which edition it is, once that is known: for the section that tells what changed"""
    report: Report | None = None
    """the report without that section"""

    @property
    def period(self) -> Period:
        return self.answers.period

    @property
    def kind(self) -> str:
        return self.period.kind

    @property
    def before(self) -> str:
        """'the month before'."""
        return self.words(f"{self.kind}.before")

    def say(self, key: str, **fields: Any) -> str:
        """A sentence; `this`, `before`, `in` and their heads are at hand in each."""
        own = {name: self.words(f"{self.kind}.{name}") for name in ("this", "before", "This", "Before")}
        # a span of one day is a day
        kind = "daily" if self.kind == "span" and len(self.period.days) == 1 else self.kind
        own["in"] = self.words(f"{kind}.in", period=self.period_name)
        return self.words(key, **{**own, **fields})

    def sentence(self, key: str, **fields: Any) -> str:
        """As `say`, for what may begin with a name in lower case ('the US'): its first letter is a capital."""
        text = self.say(key, **fields)
        return text[:1].upper() + text[1:]

    def rich(self, key: str, **fields: Any) -> Paragraph:
        """As `say`, where a field may be a link, a footnote, or pieces of both and text: gives the pieces of the sentence."""
        put: list[Sequence[Piece]] = []

        def mark(value: Any) -> Any:
            if isinstance(value, Link | Footnote):
                value = [value]
            if isinstance(value, str):
                return "".join(c for c in value if not 0xE000 <= ord(c) < 0xF900)
            if not isinstance(value, list | tuple):
                return value
            put.append(value)
            # a character for private use stands for it while the sentence is put together
            return chr(0xE000 + len(put) - 1)

        text = self.say(key, **{name: mark(value) for name, value in fields.items()})
        out: list[Piece] = []
        for character in text:
            n = ord(character) - 0xE000
            if 0 <= n < len(put):
                out.extend(put[n])
            elif out and isinstance(out[-1], str):
                out[-1] += character
            else:
                out.append(character)
        return out

    def row(self, items: Iterable[Sequence[Piece]]) -> list[Piece]:
        """Pieces in a row as the language lists them: a, b and c."""
        found = list(items)
        out: list[Piece] = []
        for i, item in enumerate(found):
            if i:
                out.append(self.words("number.last" if i == len(found) - 1 else "number.comma"))
            out.extend(item)
        return out

    @property
    def period_name(self) -> str:
        """2019年10月22日(火), 2019年10月, 2021年第2四半期(4月〜6月); Tue 22 Oct 2019, Q2 2021 (April to June)."""
        first = self.period.first
        if self.kind == "daily":
            return self.words.date(first)
        if self.kind == "monthly":
            return self.words.month(first)
        if self.kind == "quarterly":
            months = (self.words.month_name(day) for day in (first, self.period.days[-1]))
            quarter = str((first.month + 2) // 3)
            return self.words("date.quarter", year=str(first.year), quarter=quarter, first=next(months), last=next(months))
        if self.kind == "running":
            return self.words("date.until", day=self.words.plain(self.period.days[-1]))
        if self.kind == "span":
            return self._span(first, self.period.days[-1])
        year, week, _ = first.isocalendar()
        last = self.period.after - dt.timedelta(days=1)
        return self.words("date.week", year=str(year), week=str(week), start=self.words.day(first), end=self.words.day(last))

    def _span(self, first: dt.date, last: dt.date) -> str:
        """2021年5月25日〜6月30日, 25 May to 30 June 2021: the year once where it is the same; a day by itself."""
        if first == last:
            return self.words.plain(first)
        if first.year != last.year:
            return self.words("date.span", start=self.words.plain(first), end=self.words.plain(last))
        ends = [
            self.words("date.within", month=str(day.month), month_name=self.words.month_name(day), day=str(day.day))
            for day in (first, last)
        ]
        return self.words("date.span_within", year=str(first.year), first=ends[0], last=ends[1])

    @property
    def title_name(self) -> str:
        """The period for a title: a day without its weekday."""
        return self.words.plain(self.period.first) if self.kind == "daily" else self.period_name

    @property
    def subject(self) -> str:
        """The port that the report's filters are about, where they name one: 9530/tcp; ICMP. Else an empty text."""
        filters = self.answers.filters
        if filters.port:
            return self.port((filters.port[0].protocol, filters.port[0].first))
        return self.port((filters.protocol[0], None)) if filters.protocol else ""

    @property
    def subject_to(self) -> str:
        """What packets to it are called by: 9530/tcp宛て, to 9530/tcp; ICMP, of ICMP."""
        return self.words("port.to" if self.answers.filters.port else "port.to_icmp", port=self.subject)

    @property
    def length(self) -> str:
        """24 hours, 31 days."""
        whole = self.period.end.astimezone(dt.UTC) - self.period.start.astimezone(dt.UTC)
        if self.kind == "daily":
            return self.words("duration.hours", n=round(whole / dt.timedelta(hours=1)))
        return self.words("duration.days_of", n=len(self.period.days))

    # counts

    def packets(self, n: int) -> str:
        """1,234 packets."""
        return self.words("count.packets", n=n)

    def about(self, n: int, noun: str = "packets") -> str:
        """A count in a sentence: exact where it is short, 'about 12.3万' where it is not."""
        text = self.words.large(n)
        if text == self.words.number(n):
            return self.words(f"count.{noun}", n=n)
        return self.words(f"count.about_{noun}", count=text)

    def asks_about(self, organisation: str) -> bool:
        """Do the report's filters let the announced scanner through? Where they do not, its silence would say nothing."""
        filters = self.answers.filters
        named = {name.lower() for name in filters.scanner}
        return filters.scanners != "out" and (not named or organisation.lower() in named)

    def estimate(self, hosts: int, error: float) -> str:
        """Hosts in a table: 12,345; 約12,345 (~12,345) where they are estimated."""
        text = self.words.number(hosts)
        return self.words("estimate.number", number=text) if error else text

    @property
    def dropped(self) -> str:
        """Which days' events are no longer kept, and what that means; there must be some."""
        days = self.answers.dropped
        return self.say("about.dropped", n=len(days), start=self.words.date(days[0]), end=self.words.date(days[-1]))

    def estimated(self, errors: Iterable[float]) -> str:
        """What to say of a table with such relative standard errors of hosts; an empty text where all are exact."""
        most = max(errors, default=0.0)
        return self.words("estimate.note", error=self.words.percent(most)) if most else ""

    def change(self, now: int, before: int | None) -> str:
        """+12.3% where the periods can be compared, else an empty text; of fewer than 10 before, a percentage says nothing."""
        if not self.answers.comparable or not before or before < LEAST:
            return ""
        return self.words.change((now - before) / before)

    # things

    def port(self, key: Key) -> str:
        """23/tcp (or as the setting `port_style` has it), ICMP, 47 without a port."""
        protocol, port = key
        if protocol is None:
            return self.words("thing.no_protocol")
        name = port_table.PROTOCOLS.get(protocol, "")
        if port is not None:
            return port_text(port, name or str(protocol), self.settings.port_style)
        if name in ("icmp", "icmpv6"):
            return self.words(f"thing.{name}")
        if name:
            return self.words("thing.no_port", protocol=name.upper())
        return self.words("thing.protocol", number=str(protocol))

    def port_of(self, text: str) -> str:
        """'23/tcp', as the table of ports has it, in the style of the settings."""
        number, _, name = text.partition("/")
        return port_text(int(number), name, self.settings.port_style)

    def ports(self, keys: Iterable[Key]) -> list[str]:
        """Each port's text for a row of them: with TCP#23 the protocol is said once where it stays the same (TCP#23, 445)."""
        out: list[str] = []
        last: int | None = None
        for key in keys:
            text = self.port(key)
            again = self.settings.port_style == PORT_STYLES[2] and key[1] is not None and key[0] == last
            out.append(text.partition("#")[2] if again and "#" in text else text)
            last = key[0] if key[1] is not None else None
        return out

    def service(self, key: Key) -> str:
        """The usual service of a port, or an empty text."""
        found = self.port_entry(key)
        return found.service(self.words.lang) if found else ""

    def port_entry(self, key: Key) -> port_table.Port | None:
        """The port's row in the table of ports, the user's own included; None where it has none."""
        return port_table.find(key[1], key[0], self.settings.ports)

    def port_long(self, key: Key) -> str:
        """23/tcp (Telnet)."""
        service = self.service(key)
        if not service:
            return self.port(key)
        # a service with a bracket of its own would nest them
        return self.words("thing.port_with_service", port=self.port(key), service=service.partition("(")[0].strip())

    def country(self, code: str | None) -> str:
        """米国, US; 不明, unknown."""
        return countries.name(code, self.words.lang)

    def land(self, code: str | None) -> str:
        """The country inside a sentence: 米国, the US."""
        name = self.country(code)
        if code and code in self.words("thing.articles").split(","):
            return self.words("thing.with_article", country=name)
        return name

    # movement

    def movement(self, row: Ranked) -> str:
        """▲ 5, ▼ 2, =, new; a dash where the period before cannot tell."""
        if row.rank is None or not self.answers.ranks_told:
            return self.words("movement.none")
        if row.rank_before is None:
            return self.words("movement.new")
        if row.rank_before == row.rank:
            return self.words("movement.same")
        key = "movement.up" if row.rank_before > row.rank else "movement.down"
        return self.words(key, rank=row.rank_before)

    # coverage

    @property
    def sensors(self) -> str:
        return self.words("count.sensors", n=len(self.answers.coverage.sensors))

    @property
    def scope(self) -> str:
        """'1 sensor, 98.2 % of the time observed', for the line under a chart's title."""
        share = self.answers.coverage.share
        if share > 0.9995:
            return self.words("scope.sensors", sensors=self.sensors)
        return self.words("scope.coverage", sensors=self.sensors, share=self.words.percent(share))

    def spans(self, coverage: Coverage, most: int = 3) -> str:
        """The longest gaps in words, in the order of time, and how many more there are."""
        longest = sorted(coverage.gaps, key=lambda g: g.length, reverse=True)[:most]
        said = [self.words.span(g.start, g.end) + self.gap_words(g) for g in sorted(longest, key=lambda g: g.start)]
        more = len(coverage.gaps) - len(longest)
        if more:
            said.append(self.words("summary.more_spans", n=more))
        return self.words("number.semicolon").join(said)

    def gap_words(self, gap: Gap) -> str:
        """What the operator says of a gap (in teiten.toml, or by a note of kind 'gap' on its days), in brackets."""
        known = [n for n in self.answers.notes if n.kind == "gap" and n.text and n.touches(gap.start, gap.end)]
        said = ([gap.because] if gap.because else []) + [n.text for n in known if n.speaks(self.words.lang)]
        return self.words("notes.at_gap", text=self.words.listed(said)) if said else ""

    def data(self, name: str, title: str, columns: Sequence[str], rows: list[tuple[Any, ...]], sql: str) -> Data:
        """Rows with their SQL, headed by comments that say what it asks and how to run it."""
        head = self.words(
            "sql.head",
            title=title,
            start=self.period.start.isoformat(),
            end=self.period.end.isoformat(),
            zone=self.period.tz.key,
            file=f"sql/{name}.sql",
        )
        comment = "".join(f"-- {line}\n" for line in head.splitlines())
        return Data(name, tuple(columns), rows, f"{comment}{sql.strip()}\n")


def with_error(columns: Sequence[str], rows: Rows) -> tuple[str, ...]:
    """The columns of a CSV of those rows: where hosts are estimated, their relative standard error stands beside them."""
    at = columns.index("hosts") + 1
    return (*columns[:at], "hosts_error", *columns[at:]) if rows.estimated else tuple(columns)


def port_text(port: int, protocol: str, style: str) -> str:
    """23/tcp, 23/TCP or TCP#23."""
    if style == PORT_STYLES[0]:
        return f"{port}/{protocol}"
    return f"{port}/{protocol.upper()}" if style == PORT_STYLES[1] else f"{protocol.upper()}#{port}"


def protocol_name(protocol: int | None) -> str:
    """tcp, udp, icmp; the number of others; empty where it is not stated."""
    return "" if protocol is None else port_table.PROTOCOLS.get(protocol, str(protocol))


def left_out() -> tuple[str, ...]:
    """Actions that are no attempts that were stopped."""
    return event.NOT_AN_ATTEMPT
