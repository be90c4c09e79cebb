"""How a story is spoken of: what it is about as a noun, hours and days as a sentence names them, and where its rows are."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from teiten.data import ports as port_table
from teiten.detect.model import ARRIVALS, About, Detection, Port, Story
from teiten.lang import Words
from teiten.report.model import Link, Paragraph, Piece
from teiten.report.naming import Naming
from teiten.settings import PORT_STYLES, Settings

NAMED: Final = 6
"""ports of one thing that are named; the others are counted, where there are several"""
SPANS: Final = 3
"""stretches of a day that are named one by one"""
_HOUR: Final = dt.timedelta(hours=1)
_ICMP: Final = (1, 58)
_WITH_PORTS: Final = (6, 17, 132)

Rows = Callable[[Story, dt.datetime | None], str]
"""a story, and perhaps an hour, -> the place where its rows are: `#row-…`, or an empty text where there is none"""


def plain(paragraph: Paragraph) -> str:
    """A paragraph as text, without its links and footnotes."""
    if isinstance(paragraph, str):
        return paragraph
    return "".join(p.text if isinstance(p, Link) else p if isinstance(p, str) else "" for p in paragraph)


def capital(paragraph: Paragraph) -> Paragraph:
    """The sentence with its first letter as a capital, be it a link's."""
    first, *rest = [paragraph] if isinstance(paragraph, str) else paragraph
    if isinstance(first, Link):
        return [replace(first, text=first.text[:1].upper() + first.text[1:]), *rest]
    return [first[:1].upper() + first[1:], *rest] if isinstance(first, str) else [first, *rest]


def _apart(spans: Sequence[tuple[dt.datetime, int]]) -> list[tuple[dt.datetime, int]]:
    """Stretches of hours without those that hold others among them: the short ones say when."""

    def holds(one: tuple[dt.datetime, int], other: tuple[dt.datetime, int]) -> bool:
        return one != other and one[0] <= other[0] and other[0] + other[1] * _HOUR <= one[0] + one[1] * _HOUR

    return [one for one in spans if not any(holds(one, other) for other in spans)]


@dataclass(frozen=True, slots=True)
class Speech(Naming):
    """One language and zone, on one day. Says what comes in turns differently each time, and a service's name only once."""

    words: Words
    settings: Settings
    day: dt.date
    """the day that is told of: 'today'"""
    zone: ZoneInfo
    sensors: int = 1
    """how many watched; of one alone, nothing need be said"""
    since: dt.date | None = None
    """the first of several days that are told of; None: only `day`"""
    networks: Mapping[int, str] = field(default_factory=dict)
    """AS -> its holder"""
    rows: Rows | None = None
    watched: bool = True
    """whether enough of the day was watched to say what became of a story"""
    ranks: bool = True
    """whether a story's place in the ranking is said with it; not where another sentence says it"""
    turns: Counter[str] = field(default_factory=Counter)
    met: set[Port] = field(default_factory=set)
    known: About = field(default_factory=About)
    """what the reader knows already that it is about: it is left out of the noun"""

    def knowing(self, about: About) -> Speech:
        """The same, within a part whose heading says what it is about."""
        return replace(self, known=about)

    def turn(self, key: str, **fields: Any) -> Paragraph:
        """The next of the ways in which this is said (`key_1`, `key_2` ...), so that no sentence comes twice in a row."""
        ways = 1
        while f"{key}_{ways + 1}" in self.words:
            ways += 1
        if f"{key}_1" not in self.words:
            return capital(self.rich(key, **fields))
        self.turns[key] += 1
        return capital(self.rich(f"{key}_{(self.turns[key] - 1) % ways + 1}", **fields))

    # links

    def linked(self, text: str, story: Story, at: dt.datetime | None = None) -> Piece:
        """The text, leading to the story's rows (of that hour); as it is where there is no page to lead to."""
        place = self.rows(story, at) if self.rows is not None else ""
        return Link(text, place) if place else text

    # what it is about

    def ports_text(self, ports: Sequence[Port], *, long: bool = False) -> str:
        """23/tcp; 25・465・587/tcp(SMTP(S)関連); 8080・8081/tcpほか12ポート. The service only where `long`, and once."""
        ordered = sorted(ports, key=lambda p: (p[0], -1 if p[1] is None else p[1]))
        if len(ordered) == 1:
            fresh = long and ordered[0] not in self.met
            if long:
                self.met.add(ordered[0])
            return self.port_long(ordered[0]) if fresh else self.port(ordered[0])
        named = ordered if len(ordered) <= NAMED + 1 else ordered[:NAMED]
        text = self._together(named)
        if len(ordered) > len(named):
            text = self.say("tell.ports_more", ports=text, n=len(ordered) - len(named))
        group = self._group(ordered) if long and not set(ordered) <= self.met else ""
        if long:
            self.met.update(ordered)
        return self.words("thing.port_with_service", port=text, service=group) if group else text

    def _together(self, ports: Sequence[Port]) -> str:
        """25・465・587/tcp: the protocol once where it is the same."""
        if self.settings.port_style == PORT_STYLES[2]:
            return self.words.listed(self.ports(ports))
        out: list[str] = []
        for protocol in dict.fromkeys(p[0] for p in ports):
            mine = [p for p in ports if p[0] == protocol]
            if protocol in _WITH_PORTS and all(p[1] is not None for p in mine):
                tail = self.port(mine[0]).partition("/")[2]
                numbers = self.say("tell.port_comma").join(str(p[1]) for p in mine)
                out.append(f"{numbers}/{tail}")
            else:
                out += [self.port(p) for p in mine]
        return self.words.listed(out)

    def _group(self, ports: Iterable[Port]) -> str:
        """The name of the group to which all of them belong (SMTP(S)関連); an empty text where there is none."""
        found = {entry.group if (entry := self.port_entry(p)) else None for p in ports}
        key = found.pop() if len(found) == 1 else None
        return port_table.groups(self.settings.ports)[key].name(self.words.lang) if key else ""

    def network(self, asn: int) -> str:
        """AS4134(Chinanet); 不明なAS."""
        if not asn:
            return self.say("tell.as_unknown")
        holder = self.networks.get(asn, "")
        return self.say("tell.as_named", asn=str(asn), holder=holder) if holder else f"AS{asn}"

    def origin(self, about: About) -> str:
        """米国発の; AS4134(Chinanet)発の; ' from the US': what goes with the noun. Empty: from everywhere, or known."""
        if about.asn is not None and about.asn != self.known.asn:
            network = self.network(about.asn)
            if about.country and about.country != self.known.country:
                return self.say("tell.from_as_in", network=network, land=self.land(about.country))
            return self.say("tell.from_as", network=network)
        if about.country is None or about.country == self.known.country:
            return ""
        return self.say("tell.from", land=self.land(about.country)) if about.country else self.say("tell.from_unknown")

    def at(self, about: About) -> str:
        """センサーtokyoでの: where only a part of several sensors sees it."""
        if about.sensor is not None and self.sensors > 1 and about.sensor != self.known.sensor:
            return self.say("tell.at_sensor", sensor=about.sensor)
        if about.group is not None and about.group != self.known.group:
            return self.say("tell.at_group", group=self.group_name(about.group))
        return ""

    def group_name(self, group: str) -> str:
        """国内のセンサー, where the words have a name for the group; else the name that it has."""
        key = f"tell.group_{group}"
        return self.words(key) if key in self.words else group

    def thing(self, about: About, story: Story | None = None, *, long: bool = True) -> list[Piece]:
        """What it is about as a noun: 米国発の1433/tcp(…)へのスキャン, scans of 1433/tcp (…) from the US. Leads to its row."""
        there = about.ports and about.ports != self.known.ports
        target = self.ports_text(about.ports, long=long) if there else ""
        icmp = bool(about.ports) and all(p[0] in _ICMP for p in about.ports)
        origin = self.origin(about)
        # what the reader knows by itself is told apart from a part of it that was told before
        kind = ("icmp" if icmp else "scans") + ("" if target else "_known" if origin or self.known == About() else "_known_all")
        text = self.say(f"tell.{kind}", target=target, origin=origin, at=self.at(about))
        return [self.linked(text, story) if story is not None else text]

    def topic(self, about: About, story: Story) -> list[Piece]:
        """ロシア発では、: what a sentence is about, put first; nothing where the reader knows it."""
        if about.ports and about.ports != self.known.ports:
            name, key = self.ports_text(about.ports, long=True), "ports"
        elif about.asn is not None and about.asn != self.known.asn:
            name, key = self.network(about.asn), "network"
        elif about.country is not None and about.country != self.known.country:
            name, key = self.land(about.country or None), "country"
        else:
            return []
        rich = self.rich(f"tell.topic_{key}", name=[self.linked(name, story)])
        return [rich] if isinstance(rich, str) else list(rich)

    def short(self, about: About) -> str:
        """The same for a title."""
        return plain(replace(self, known=About(), met=set()).thing(about, long=False))

    def service_of(self, story: Story) -> str:
        """Webサーバ(80・443/tcp): the observer's own service at which a story's packets arrive."""
        named = next((str(d.reason["service"]) for d in story.detections if d.reason.get("service")), "other")
        if named == "other":
            groups = {entry.group if (entry := self.port_entry(p)) else None for p in story.about.ports}
            named = (groups.pop() or "other") if len(groups) == 1 else "other"
        if not story.about.ports:
            return self.say("tell.service_any")
        key = f"tell.service_{named}"
        ports = self.ports_text(story.about.ports)
        return self.say(key if key in self.words else "tell.service_other", ports=ports)

    def label(self, story: Story) -> str:
        """What it is about, in a table."""
        if story.kind == ARRIVALS:
            return self.say("tell.label_service", service=self.service_of(story))
        return self.short(story.about)

    def name(self, about: About) -> str:
        """What it is about by name alone: 1433/tcp(…), ロシア発, AS4134(…)."""
        if about.ports:
            return replace(self, met=set()).ports_text(about.ports, long=True)
        if about.asn is not None:
            return self.network(about.asn)
        if about.country is not None:
            return self.say("tell.heading_country", land=self.land(about.country or None))
        if about.sensor is not None:
            return self.say("tell.heading_sensor", sensor=about.sensor)
        return self.group_name(about.group) if about.group is not None else self.say("tell.heading_all")

    # when

    @property
    def today(self) -> str:
        """本日; この日 of an earlier one of several."""
        return self.say("tell.today" if self.since is None else "tell.that_day")

    def local(self, moment: dt.datetime) -> dt.datetime:
        return moment.astimezone(self.zone)

    def clock(self, moment: dt.datetime) -> str:
        """5時, 5:00: an hour, by the zone's clock."""
        here = self.local(moment)
        return self.words("date.hour", hour=str(here.hour), hour2=f"{here.hour:02d}")

    def date(self, day: dt.date) -> str:
        """9日, 9月30日; 9 Oct: short where it is the month that is told of."""
        near = (day.year, day.month) == (self.day.year, self.day.month)
        return self.words(
            "tell.day_near" if near else "tell.day_far",
            day=str(day.day),
            month=str(day.month),
            month_short=self.words.month_name(day)[:3],
        )

    def _day(self, moment: dt.datetime) -> str:
        """Which day an hour is on, where that is not the one told of: 前日の, 20日の."""
        day = self.local(moment).date()
        if day == self.day and self.since is None:
            return ""
        if day == self.day - dt.timedelta(days=1) and self.since is None:
            return self.say("tell.of_yesterday")
        return self.say("tell.of_day", day=self.date(day))

    def when(self, start: dt.datetime, end: dt.datetime | None) -> str:
        """5時台に; 2時台から4時台にかけて; 16時台から; 終日. Hours; `end` is the first one after it, None: it goes on."""
        fields = {"start": self.clock(start), "day": self._day(start)}
        if end is None:
            return self.say("tell.when_open", **fields)
        last = end - _HOUR
        if last <= start:
            return self.say("tell.when_hour", **fields)
        here, there = self.local(start), self.local(last)
        if here.date() == there.date() and (here.hour, there.hour) == (0, 23):
            return self.say("tell.when_day", **fields)
        on = "" if here.date() == there.date() else self._day(last) or self.say("tell.of_today")
        return self.say("tell.when_hours", **fields, last=self.clock(last), end=self._until(end), end_day=on)

    def _until(self, end: dt.datetime) -> str:
        """The end of an hour: midnight is 24 o'clock."""
        here = self.local(end)
        return self.words("date.hour", hour="24", hour2="24") if here.hour == 0 else self.clock(end)

    def hours(self, one: Detection) -> str:
        """When that detection was, as far as it is of this day; one by one where it came several times."""
        spans = _apart([(dt.datetime.fromisoformat(start), int(hours)) for start, hours in one.reason.get("spans") or ()])
        if not 1 < len(spans) <= SPANS or self._day(spans[0][0]):
            return self.when(one.start, one.end)
        said = []
        for start, hours in spans:
            last, end = start + (hours - 1) * _HOUR, start + hours * _HOUR
            fields = {"start": self.clock(start), "last": self.clock(last), "end": self._until(end)}
            said.append(self.say("tell.span_hour" if hours == 1 else "tell.span_hours", **fields))
        return self.say("tell.when_spans", list=self.words.listed(said))

    # how many

    def times(self, times: float) -> str:
        """12倍, 3.2倍; 1,000倍以上."""
        if times >= 1000:
            return self.say("tell.times_over", n=1000)
        text = self.words.number(times, 1 if times < 9.95 else 0)
        return self.say("tell.times", times=text.removesuffix(".0"))

    def count(self, value: float, noun: str = "packets") -> str:
        """約30パケット; 1,234パケット; one decimal below ten where it is a mean."""
        if value < 10 and value != round(value):
            return self.words(f"count.about_{noun}", count=self.words.number(value, 1))
        return self.about(round(value), noun)
