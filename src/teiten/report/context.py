"""What a section is given: the answers of a period, and the words of a language to say them with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from teiten import event
from teiten.data import ports as port_table
from teiten.engine.questions import Rows
from teiten.lang import Words
from teiten.periods import Period
from teiten.report.answers import Answers, Ranked
from teiten.report.compare import Edition
from teiten.report.coverage import Coverage, Gap
from teiten.report.model import Data, Report
from teiten.report.naming import Naming
from teiten.settings import Settings

SAME = 0.03
"""A difference below this share is 'about the same' in words."""
LEAST = 10
"""A count below this is no base for a percentage."""


@dataclass(frozen=True, slots=True)
class Context(Naming):
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


def protocol_name(protocol: int | None) -> str:
    """tcp, udp, icmp; the number of others; empty where it is not stated."""
    return "" if protocol is None else port_table.PROTOCOLS.get(protocol, str(protocol))


def left_out() -> tuple[str, ...]:
    """Actions that are no attempts that were stopped."""
    return event.NOT_AN_ATTEMPT
