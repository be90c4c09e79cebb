"""What a report asks of the lake, each question once: language plays no part here, two languages share the answers."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from teiten.classify import own as own_side
from teiten.coverage import Denominator, denominator, watched
from teiten.detect.model import BURST, NEW_PORT, PORT_GROUP, Story
from teiten.engine import lives, questions, recorded
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters, timestamp
from teiten.engine.gaps import gaps
from teiten.engine.losses import Losses, losses
from teiten.engine.series import Step, series, spread, starts
from teiten.periods import Period
from teiten.report import coverage as watching
from teiten.report.coverage import Coverage
from teiten.report.notes import Note, of_period
from teiten.settings import THRESHOLDS

Key = tuple[int | None, int | None]
"""A port: protocol and destination port; ICMP is (1, None)."""
What = Literal["ports", "countries"]
T = TypeVar("T")
KEPT: Final = 1000
"""rows of a ranking that go to CSV"""
COMPARED: Final = 60
"""things of either period whose movement is looked at"""
PARTNERED: Final = 8
"""countries, or ports, whose partners are shown"""
PORT_KEYS: Final = ", ".join(questions.THINGS["ports"].keys)
BURSTS: Final = (BURST, NEW_PORT, PORT_GROUP)
"""kinds that a day's hours show"""
COLOURED: Final = 7
"""series with a name of their own in a stack"""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One row of a ranking. `key` is a port's Key or a country's code; rank None = unknown, or not seen now."""

    key: Any
    rank: int | None
    packets: int
    hosts: int
    share: float
    rank_before: int | None
    packets_before: int | None
    hosts_error: float = 0.0
    """relative standard error of hosts; 0.0 where they are exact"""

    @property
    def difference(self) -> int:
        return self.packets - (self.packets_before or 0)


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of a period."""

    packets: int
    hosts: int
    ports: int
    countries: int
    hosts_error: float = 0.0
    """relative standard error of hosts; 0.0 where they are exact"""


@dataclass(frozen=True, slots=True)
class Stack:
    """Packets of the largest things in every bucket, the rest as 'other', the unknown as None's row."""

    step: Step
    times: tuple[dt.datetime, ...]
    keys: tuple[Any, ...]
    values: Mapping[Any, list[float | None]]
    """key, 'other' or 'unknown' -> one value for each bucket; None where nothing was observed"""
    rows: questions.Rows

    @property
    def totals(self) -> list[float | None]:
        """All packets of each bucket."""
        columns = list(self.values.values())
        if not columns:
            return [0.0] * len(self.times)
        return [None if columns[0][i] is None else sum(c[i] or 0 for c in columns) for i in range(len(self.times))]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Accounting of the inputs that hold records of the period."""

    count: int
    lines: int
    made: int
    already: int
    rejected: Counter[str]
    ignored: Counter[str]


@dataclass(frozen=True, slots=True)
class Scanning:
    """What verdicts say of a period: packets and addresses of announced scanners; port scanners, and how many announced.

    `lists`: the lists by which somebody was recognised, each with its version.
    """

    packets: int
    hosts: int
    port_scanners: int
    port_scanners_announced: int
    lists: tuple[tuple[str, str], ...]


class Answers:
    """The answers for one period of one lake. Every property is asked once, when it is first wanted."""

    def __init__(
        self,
        session: Session,
        period: Period,
        filters: Filters,
        thresholds: Mapping[str, float],
        notes: Collection[str] | None = None,
    ) -> None:
        """notes: ids of the notes to show, for a report that is made again; None: those that hold now."""
        self.session = session
        self.verdict_digest: str | None = None
        """kept by `manifest`, which needs it for every edition and language"""
        self._note_ids = notes
        self._thresholds = thresholds
        self.period = period
        self.before = period.before()
        self.filters = filters.between(period.start, period.end)
        self.filters_before = filters.between(self.before.start, self.before.end)
        self.comparable_share = thresholds.get("comparable_coverage", watching.COMPARABLE)
        self.ranked_share = thresholds.get("ranked_coverage", THRESHOLDS["ranked_coverage"].default)
        self.stories_of: Callable[[dt.date], Sequence[Story] | None] | None = None
        """the stories of a day; None, or answers None, where nobody looked for any"""
        self.since: dt.date | None = None
        """for a day's report: the first of the days that it tells of, where these are several"""

    def threshold(self, name: str) -> float:
        """The number that decides, as configured, else its default."""
        return self._thresholds.get(name, THRESHOLDS[name].default)

    # when was anything watching

    @functools.cached_property
    def _gaps(self) -> questions.Rows:
        return gaps(self.session, self.before.start, self.period.end, sensors=self.filters.sensor)

    @functools.cached_property
    def _sensors(self) -> list[str]:
        """The sensors with records in either period, or for which a station was there in it."""
        there = [
            name
            for name, life in lives.lives(self.session, self.filters.sensor).items()
            if life.first < self.period.end and life.last > self.before.start
        ]
        return sorted({*self._recorded, *there}) if there else self._recorded

    @functools.cached_property
    def _recorded(self) -> list[str]:
        named = recorded.sensors(self.session, self.before.start, self.period.end, self.filters.sensor)
        if named is not None:
            return named
        only = Filters(start=self.before.start, end=self.period.end, sensor=self.filters.sensor, all_events=True)
        return [row["sensor"] for row in self._ask(SENSORS_SQL, only)]

    @functools.cached_property
    def coverage(self) -> Coverage:
        return watching.coverage(self._sensors, self._gaps, self.period)

    @functools.cached_property
    def losses(self) -> Losses:
        """What came in the period and was lost, for the sensors that observed any of it, as far as a station counts it."""
        seen = self.coverage.sensors or tuple(self._sensors)
        return losses(self.session, self.period.start, self.period.end, seen, every=not self.filters.sensor)

    @functools.cached_property
    def per_address(self) -> Denominator:
        """What packets of an address and day are divided by, in the period."""
        return denominator(watched(self.session, self.period.start, self.period.end, self.filters.sensor))

    @functools.cached_property
    def per_address_before(self) -> Denominator:
        return denominator(watched(self.session, self.before.start, self.before.end, self.filters.sensor))

    @functools.cached_property
    def kept_since(self) -> dt.date | None:
        """The first day of which events are kept, where those of a part of the period are not; None where they are."""
        since = self.session.lake.kept_since()
        return since.astimezone(self.period.tz).date() if since is not None and since > self.period.start else None

    @property
    def shares(self) -> list[float]:
        """0..1: how much of the period each of its sensors observed, in the order of their names."""
        return [watching.coverage([name], self._gaps, self.period).share for name in self.coverage.sensors]

    @functools.cached_property
    def coverage_before(self) -> Coverage:
        return watching.coverage(self._sensors, self._gaps, self.before)

    @property
    def ranked_before(self) -> bool:
        """Can anything be said of ranks in the period before?"""
        return self.coverage_before.observed()

    @property
    def observed_days(self) -> float:
        """Days of the period, less what was not observed of it."""
        return len(self.period.days) * self.coverage.share

    @property
    def observed_days_before(self) -> float:
        return len(self.before.days) * self.coverage_before.share

    @property
    def ranks_told(self) -> bool:
        """May ranks be held against the period before? Not where other sensors watched, or too small a part of either."""
        if not self.ranked_before or set(self.coverage.sensors) != set(self.coverage_before.sensors):
            return False
        return min(self.coverage.share, self.coverage_before.share) >= self.ranked_share

    @property
    def comparable(self) -> bool:
        """May counts be compared with the period before? Not where other sensors were watching, or too little of the time."""
        if set(self.coverage.sensors) != set(self.coverage_before.sensors):
            return False
        return min(self.coverage.share, self.coverage_before.share) >= self.comparable_share

    @functools.cached_property
    def dropped(self) -> list[dt.date]:
        """The days of the period of which events are no longer kept."""
        return sorted(set(self.period.days) & self.session.lake.dropped_days(self.session.zone_name))

    @functools.cached_property
    def extent(self) -> tuple[dt.datetime, dt.datetime] | None:
        """First and last event of the whole lake."""
        rows = self.session.query("SELECT min(t_min) AS first, max(t_max) AS last FROM batches")
        if not rows or rows[0]["first"] is None:
            return None
        return rows[0]["first"].astimezone(self.period.tz), rows[0]["last"].astimezone(self.period.tz)

    # counts

    @functools.cached_property
    def totals(self) -> Totals:
        return _totals(self.totals_rows[0], self._ask(PORTS_SQL, self.filters)[0]["ports"])

    @functools.cached_property
    def totals_before(self) -> Totals | None:
        if not self.ranked_before:
            return None
        row = questions.totals(self.session, self.before.start, self.before.end, filters=self.filters)[0]
        return _totals(row, self._ask(PORTS_SQL, self.filters_before)[0]["ports"])

    @functools.cached_property
    def totals_rows(self) -> questions.Rows:
        """The totals as the engine answers them: one row."""
        before = (self.before.start, self.before.end)
        return questions.totals(self.session, self.period.start, self.period.end, before=before, filters=self.filters)

    @property
    def apart(self) -> dict[str, int]:
        """Packets that are no attempts from outside: accepted (or audited), outgoing."""
        row = self.totals_rows[0]
        return {"accepted": row["left_out_accepted"], "outgoing": row["left_out_outgoing"]}

    # rankings

    @functools.cached_property
    def ports(self) -> questions.Rows:
        return self._rank("ports")

    @functools.cached_property
    def countries(self) -> questions.Rows:
        return self._rank("countries")

    def _rank(self, what: What) -> questions.Rows:
        before = (self.before.start, self.before.end) if self.ranked_before else None
        return questions.rank(
            self.session, what, self.period.start, self.period.end, before=before, filters=self.filters, n=KEPT
        )

    def ranking(self, what: What) -> list[Ranked]:
        """The ranking's rows, the unknown (rank None) last."""
        if what not in self._named:
            self._named[what] = [ranked(row, what) for row in (self.ports if what == "ports" else self.countries)]
        return self._named[what]

    @functools.cached_property
    def _named(self) -> dict[What, list[Ranked]]:
        return {}

    @functools.cached_property
    def _gone(self) -> dict[What, list[Ranked]]:
        return {}

    def leading_before(self, what: What) -> list[Ranked]:
        """The first of the period before, seen from this one: things that are gone have rank None and 0 packets."""
        if what not in self._gone:
            rows: list[Ranked] = []
            if self.ranked_before:
                now = (self.period.start, self.period.end)
                found = questions.rank(
                    self.session, what, self.before.start, self.before.end, before=now, filters=self.filters, n=COMPARED
                )
                for row in found:
                    old = ranked(row, what)
                    share = (old.packets_before or 0) / max(1, self.totals.packets)
                    rows.append(Ranked(old.key, old.rank_before, old.packets_before or 0, 0, share, old.rank, old.packets))
            self._gone[what] = rows
        return self._gone[what]

    def moved(self, what: What) -> list[Ranked]:
        """Things whose packets differ from the period before by more than chance, the largest difference first.

        What the period before had is scaled to the days observed now: a longer month alone moves nothing. More than three
        times what chance does to the two counts (Poisson), and in the direction of the counts themselves.
        """
        if not self.comparable:
            return []
        scale = self.observed_days / self.observed_days_before

        def beyond(row: Ranked) -> float:
            return row.packets - scale * (row.packets_before or 0)

        def clear(row: Ranked) -> bool:
            chance = row.packets + scale**2 * (row.packets_before or 0)
            return beyond(row) ** 2 > 9 * chance and (beyond(row) > 0) == (row.difference > 0)

        unknown = None if what == "countries" else (None, None)
        now = {r.key: r for r in self.ranking(what)[:COMPARED]}
        both = now | {r.key: r for r in self.leading_before(what) if r.key not in now}
        found = [r for r in both.values() if clear(r) and r.key != unknown]
        return sorted(found, key=lambda r: (-abs(beyond(r)), str(r.key)))

    @functools.cached_property
    def three_days(self) -> tuple[dt.datetime, questions.Rows]:
        """For a day: the ranking of ports over it and the two days before, and where that begins; ranks before are those of
        the three days that ended a day earlier."""
        start = self.before.before().start
        earlier = (self.before.before().before().start, self.before.end)
        before = earlier if self.ranks_told else None
        return start, questions.rank(self.session, "ports", start, self.period.end, before=before, filters=self.filters, n=KEPT)

    # scanners

    @functools.cached_property
    def scanners(self) -> questions.Rows:
        """The ranking of announced scanners' organisations."""
        before = (self.before.start, self.before.end) if self.ranked_before else None
        return questions.rank(
            self.session, "scanners", self.period.start, self.period.end, before=before, filters=self.filters, n=KEPT
        )

    @functools.cached_property
    def scanning(self) -> Scanning:
        """Announced scanners and port scanners of the period."""
        span = {"first": self.period.days[0], "last": self.period.days[-1]}
        judged = self.session.query(JUDGED_SQL, span)[0]
        lists = self.session.query(LISTS_SQL, span) if judged["announced"] else []
        seen = self._ask(SCANNING_SQL, self.filters)[0] if judged["announced"] else {"packets": 0, "hosts": 0}
        # verdicts are on sources, whatever they sent: what filters leave of them is not known here
        whole = not self.filters.words
        return Scanning(
            seen["packets"],
            seen["hosts"],
            judged["port_scanners"] if whole else 0,
            judged["both"] if whole else 0,
            tuple((row["list"], row["list_version"]) for row in lists),
        )

    # tools and kinds

    @functools.cached_property
    def tooled(self) -> tuple[int, int]:
        """Packets and addresses of sources whose tool is known; nothing is counted where no verdict names one."""
        span = {"first": self.period.days[0], "last": self.period.days[-1]}
        if not self.session.query(TOOLS_SQL, span)[0]["judged"]:
            return 0, 0
        seen = self._ask(TOOLED_SQL, self.filters)[0]
        return seen["packets"], seen["hosts"]

    @functools.cached_property
    def tools(self) -> questions.Rows:
        """The ranking of tools, with those of which none is known as a row of their own."""
        before = (self.before.start, self.before.end) if self.ranked_before else None
        return questions.rank(
            self.session, "tools", self.period.start, self.period.end, before=before, filters=self.filters, n=KEPT
        )

    @functools.cached_property
    def kinds(self) -> questions.Rows:
        """Packets by kind (None: unknown), most first."""
        return self._ask(KINDS_SQL, self.filters)

    # ports and countries together

    def partners(self, what: What) -> questions.Rows:
        """For the first countries their three largest ports, or for the first ports their three largest countries.

        Rows: country, dst_port, protocol, packets, and share, of all packets of that country (of that port).
        """
        if what not in self._partners:
            keys = tuple(r.key for r in self.ranking(what) if r.rank is not None)[:PARTNERED]
            own = "protocol, dst_port" if what == "ports" else "country"
            self._partners[what] = self._ask(PARTNERS_SQL, self.filters, keys=PORT_KEYS, own=own, chosen=chosen(what, keys))
        return self._partners[what]

    @functools.cached_property
    def _partners(self) -> dict[What, questions.Rows]:
        return {}

    def main_cause(self, what: What, key: Any) -> tuple[Any, float] | None:
        """The country (of a port's change) or the port (of a country's) with the largest part of it, and which part.

        None where no single one holds a third of the change, or it is the unknown.
        """
        if (what, key) not in self._causes:
            self._causes[what, key] = self._cause(what, key)
        return self._causes[what, key]

    @functools.cached_property
    def _causes(self) -> dict[tuple[What, Any], tuple[Any, float] | None]:
        return {}

    def _cause(self, what: What, key: Any) -> tuple[Any, float] | None:
        either = self.filters.between(self.before.start, self.period.end)
        rows = self._ask(
            CAUSE_SQL,
            either,
            all_keys=f"country, {PORT_KEYS}",
            columns="country" if what == "ports" else "protocol, dst_port",
            chosen=chosen(what, (key,)),
            start=timestamp(self.period.start),
        )
        parts = {(r["country"] if what == "ports" else (r["protocol"], r["dst_port"])): r["difference"] for r in rows}
        whole = sum(parts.values())
        if not whole:
            return None
        found, part = max(parts.items(), key=lambda item: (item[1] / whole, str(item[0])))
        known = found is not None and found != (None, None)
        return (found, min(part / whole, 1.0)) if known and part / whole >= 1 / 3 else None

    # through time

    @functools.cached_property
    def by_hour(self) -> questions.Rows:
        """All packets in each hour of the period."""
        return series(self.session, None, self.period.start, self.period.end, "hour", filters=self.filters)

    @functools.cached_property
    def by_hour_before(self) -> questions.Rows:
        return series(self.session, None, self.before.start, self.before.end, "hour", filters=self.filters)

    def hour_of_day(self, *, before: bool = False) -> list[float | None]:
        """24 means of packets, each over the hours (of the clock) that were observed whole; None where none was."""
        period, cover = (self.before, self.coverage_before) if before else (self.period, self.coverage)
        counted = {r["start"].astimezone(dt.UTC): r["packets"] for r in (self.by_hour_before if before else self.by_hour)}
        sums, observed = [0] * 24, [0] * 24
        at = period.start.astimezone(dt.UTC)
        while at < period.end.astimezone(dt.UTC):
            if not touches(cover, at, at + watching.HOUR):
                clock = at.astimezone(period.tz).hour
                sums[clock] += counted.get(at, 0)
                observed[clock] += 1
            at += watching.HOUR
        return [s / n if n else None for s, n in zip(sums, observed, strict=True)]

    def stack(self, what: What) -> Stack:
        """The largest things through time: hours of a day or week, days of a longer period."""
        if what not in self._stacks:
            self._stacks[what] = self._stack(what)
        return self._stacks[what]

    @functools.cached_property
    def _stacks(self) -> dict[What, Stack]:
        return {}

    @functools.cached_property
    def telling(self) -> tuple[Key, ...]:
        """Ports of which a day's bursts tell: a chart of its hours names them, however few they are over the day."""
        if self.stories_of is None or self.period.kind != "daily" or self.filters.words:
            return ()
        found = [d for one in self.stories_of(self.period.first) or () if one.verdict != "false" for d in one.detections]
        told = [d for d in found if d.kind in BURSTS and d.confidence != "possible"]
        return tuple(dict.fromkeys(port for d in sorted(told, key=lambda d: -d.packets) for port in d.about.ports))

    def _stack(self, what: What) -> Stack:
        step: Step = "day" if self.period.kind in ("monthly", "quarterly") else "hour"
        start, end = self.period.start, self.period.end
        ahead = chosen("ports", self.telling[: COLOURED // 2]) if what == "ports" and self.telling else ""
        rows = series(self.session, what, start, end, step, top=COLOURED, filters=self.filters, ahead=ahead)
        times = starts(self.session, start, end, step)
        columns = ("protocol", "dst_port") if what == "ports" else ("country",)
        values: dict[Any, list[float | None]] = {}
        for key, counts in spread(rows, times, columns).items():
            name = key if isinstance(key, str) or what == "ports" else key[0]
            values[name] = list(counts)
        ends = [*times[1:], end]
        for i, (first, after) in enumerate(zip(times, ends, strict=True)):
            if hidden(self.coverage, first, after) and not any(column[i] for column in values.values()):
                for column in values.values():
                    column[i] = None
        keys = tuple(name for name in values if name not in ("other", "unknown"))
        return Stack(step, tuple(times), keys, values, rows)

    # how it was made

    @functools.cached_property
    def time_bases(self) -> Counter[str]:
        return Counter({r["time_basis"]: r["packets"] for r in self._ask(BASIS_SQL, self.filters)})

    @functools.cached_property
    def geo(self) -> tuple[str, ...]:
        """Which data answered country and AS for the packets of the period."""
        return tuple(sorted(r["geo_db"] for r in self._ask(GEO_SQL, self.filters) if r["geo_db"]))

    @functools.cached_property
    def inputs(self) -> Inputs:
        """The accounting of the inputs with events of the period, over all that was read from them."""
        rows = self.session.query(INPUTS_SQL, {"start": self.period.start, "end": self.period.end})
        rejected, ignored = Counter[str](), Counter[str]()
        for row in rows:
            rejected.update(json.loads(row["rejected"] or "{}"))
            ignored.update(json.loads(row["ignored"] or "{}"))
        return Inputs(
            len({r["source_id"] for r in rows}),
            sum(r["lines"] for r in rows),
            sum(r["made_events"] for r in rows),
            sum(r["had_already"] for r in rows),
            rejected,
            ignored,
        )

    @functools.cached_property
    def notes(self) -> tuple[Note, ...]:
        """What the analyst has to say of the period."""
        return of_period(self.session.lake, self.period, self._note_ids)

    @functools.cached_property
    def own(self) -> list[own_side.Finding]:
        """The observer's own machines whose outgoing packets look like a scan's. Filters play no part."""
        return own_side.findings(self.session, self.period.start, self.period.end, self._thresholds)

    @functools.cached_property
    def own_counted(self) -> int:
        """Packets of the home's own addresses that are among those counted."""
        return own_side.counted(self.session, self.filters)

    @property
    def own_sql(self) -> str:
        """The question behind `own`; its answer names the machines."""
        return own_side.sql(self.period.start, self.period.end)

    def destinations(self) -> set[bytes]:
        """Every address of this period and those before that must not be published, packed: destinations, own machines."""
        start = min(self.before.start, self.three_days[0] if self.period.kind == "daily" else self.before.start)
        rows = self._ask(TARGETS_SQL, Filters(start=start, end=self.period.end, all_events=True))
        found = {row["dst_ip"] for row in rows}
        # (0.0.0.0 and :: are nobody's: a log that does not say where something came has them)
        return {one for one in found if any(one)} | {one.machine for one in self.own}

    def once(self, question: Callable[[Answers], T]) -> T:
        """The answer of a question of `report/asked/`, asked when it is first wanted and kept."""
        if question not in self._asked:
            self._asked[question] = question(self)
        found: T = self._asked[question]
        return found

    def once_of(self, question: Callable[[Answers, Any], T], about: Any) -> T:
        """The same of a question about one of several things."""
        if (question, about) not in self._asked:
            self._asked[question, about] = question(self, about)
        found: T = self._asked[question, about]
        return found

    @functools.cached_property
    def _asked(self) -> dict[Any, Any]:
        return {}

    def ask(self, template: str, filters: Filters, **words: str) -> questions.Rows:
        """The rows of a template (`engine.questions.Query`) whose `{where}` are those filters."""
        return self._ask(template, filters, **words)

    def ask_by(self, grain: Step, template: str, filters: Filters, **words: str) -> questions.Rows:
        """The same of a template that tells times apart by that step."""
        return questions.Query(template, {"where": filters}, grain=None if grain == "minute" else grain, **words).rows(
            self.session
        )

    def _ask(self, template: str, filters: Filters, **words: str) -> questions.Rows:
        return questions.Query(template, {"where": filters}, grain="day", **words).rows(self.session)


def _totals(row: Mapping[str, Any], ports: int) -> Totals:
    return Totals(row["packets"], row["hosts"], ports, row["countries"], row.get("hosts_error") or 0.0)


def ranked(row: Mapping[str, Any], what: What) -> Ranked:
    """A row of `questions.rank` as one of ours."""
    key = (row["protocol"], row["dst_port"]) if what == "ports" else row["country"]
    counts = (row["rank"], row["packets"], row["hosts"], row["share"], row["rank_before"], row["packets_before"])
    return Ranked(key, *counts, row.get("hosts_error") or 0.0)


def touches(cover: Coverage, start: dt.datetime, end: dt.datetime) -> bool:
    """Does a gap lie, in part at least, in [start, end)?"""
    return any(g.start < end and g.end > start for g in cover.gaps)


def hidden(cover: Coverage, start: dt.datetime, end: dt.datetime) -> bool:
    """Does a gap hold all of [start, end), but for a few minutes at either side?"""
    slack = dt.timedelta(minutes=5)
    return any(g.start <= start + slack and g.end >= end - slack for g in cover.gaps)


def chosen(what: What, keys: tuple[Any, ...]) -> str:
    """The condition of SQL that a row is of one of those ports, or countries."""
    if not keys:
        return "false"
    if what == "countries":
        return f"country IN ({', '.join(repr(str(k)) for k in keys)})"
    parts = [f"protocol = {p} AND " + ("dst_port IS NULL" if n is None else f"dst_port = {n}") for p, n in keys]
    return "(" + "\n    OR ".join(parts) + ")"


TARGETS_SQL: Final = """
SELECT DISTINCT dst_ip FROM {events} WHERE {where}
"""

PORTS_SQL: Final = """
SELECT count(DISTINCT (protocol, dst_port)) AS ports FROM {events} WHERE {where} AND dst_port IS NOT NULL
"""

SENSORS_SQL: Final = """
SELECT DISTINCT sensor FROM {events} WHERE {where} ORDER BY sensor
"""

PARTNERS_SQL: Final = """
WITH counted AS (
  SELECT country, {keys}, sum(packets)::BIGINT AS packets
  FROM {events}
  WHERE {where}
  GROUP BY ALL
)
SELECT country, dst_port, protocol, packets, packets / sum(packets) OVER (PARTITION BY {own}) AS share
FROM counted
WHERE {chosen}
QUALIFY row_number() OVER (PARTITION BY {own} ORDER BY packets DESC, country, protocol, dst_port) <= 3
ORDER BY sum(packets) OVER (PARTITION BY {own}) DESC, {own}, packets DESC, country, protocol, dst_port
"""

CAUSE_SQL: Final = """
SELECT {columns}, sum(CASE WHEN time >= {start} THEN packets ELSE -packets END)::BIGINT AS difference
FROM (SELECT time, packets, {all_keys} FROM {events} WHERE {where})
WHERE {chosen}
GROUP BY ALL
"""

BASIS_SQL: Final = """
SELECT time_basis, sum(packets)::BIGINT AS packets FROM {events} WHERE {where} GROUP BY ALL ORDER BY time_basis
"""

GEO_SQL: Final = """
SELECT DISTINCT geo_db FROM {events} WHERE {where} ORDER BY geo_db
"""

JUDGED_SQL: Final = """
WITH judged AS (
  SELECT src_ip, day, bool_or(label = 'announced_scanner') AS announced, bool_or(label = 'port_scanner') AS port_scanner
  FROM verdicts
  WHERE scope = 'all' AND label IN ('announced_scanner', 'port_scanner') AND day >= $first AND day <= $last
  GROUP BY ALL
)
SELECT count(*) FILTER (announced) AS announced,
       count(DISTINCT src_ip) FILTER (port_scanner) AS port_scanners,
       count(DISTINCT src_ip) FILTER (port_scanner AND announced) AS both
FROM judged
"""

LISTS_SQL: Final = """
SELECT DISTINCT list, list_version FROM verdicts
WHERE label = 'announced_scanner' AND list IS NOT NULL AND day >= $first AND day <= $last
ORDER BY ALL
"""

SCANNING_SQL: Final = """
SELECT coalesce(sum(packets), 0)::BIGINT AS packets, {hosts} AS hosts{error}
FROM {events} WHERE {where} AND scanner IS NOT NULL
"""

TOOLS_SQL: Final = """
SELECT count(*) AS judged FROM verdicts WHERE label = 'tool' AND scope = 'all' AND day >= $first AND day <= $last
"""

TOOLED_SQL: Final = """
SELECT coalesce(sum(packets), 0)::BIGINT AS packets, {hosts} AS hosts{error}
FROM {events} WHERE {where} AND tool IS NOT NULL
"""

KINDS_SQL: Final = """
SELECT kind, sum(packets)::BIGINT AS packets FROM {events} WHERE {where} GROUP BY kind ORDER BY packets DESC, kind
"""

INPUTS_SQL: Final = """
SELECT source_id, lines, made_events, had_already, rejected, ignored FROM batches
WHERE source_id IN (SELECT source_id FROM batches WHERE t_min < $end AND t_max >= $start)
"""
