"""Which stories a source belongs to: those whose detections counted packets of it; and the sources that a story counted.

Detections keep no sources: a day may have millions. What they keep is what they are about and in which hours; so a source's
packets of those hours, ports and places are among those that were counted, and how many they are can be asked at any time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from teiten.detect.model import ENDED, FALLING, FEW_MANY, OWN, PORT_RUN, RHYTHM_LOST
from teiten.engine import questions
from teiten.engine.filters import Filters, Network, PortRange
from teiten.engine.questions import Query, Rows
from teiten.settings import Settings
from teiten.web.asked import Asked

if TYPE_CHECKING:
    from teiten.detect.model import About, Detection, Story

NOT_MADE: Final = OWN | {ENDED, FALLING, RHYTHM_LOST}
"""kinds that no source makes: what became less, and what tells of the observer"""
_BY_VERDICT: Final = {FEW_MANY: "many_ports", PORT_RUN: "port_run"}
"""kinds that count the sources of a verdict alone -> its label"""
MOST: Final = 20
SOURCES: Final = 10

_HOURS: Final = """
SELECT hour_start(time) AS start, protocol, dst_port, country, asn, sensor, sum(packets)::BIGINT AS packets
FROM {events}
WHERE {where}
GROUP BY ALL
"""


@dataclass(frozen=True, slots=True)
class Belongs:
    """A story, how many of the packets that its detections counted came from the source, and how many there were."""

    story: Story
    packets: int
    of: float


def of_source(
    session: Any,
    settings: Settings,
    net: Network,
    told: Mapping[dt.date, Sequence[Story]],
    verdicts: Sequence[Mapping[str, Any]],
) -> list[Belongs]:
    """The stories of those days that counted packets of a source or prefix, those with the largest share of it first.

    verdicts: rows of `_source.verdicts`; what counts the sources of a verdict alone counts it on the days of that verdict."""
    by_story: dict[str, tuple[Story, list[Detection]]] = {}
    for day in sorted(told, reverse=True):
        for story in told[day]:
            made = by_story.setdefault(story.id, (story, []))[1]
            made += [one for one in story.detections if one.kind not in NOT_MADE]
    every = [one for _, made in by_story.values() for one in made]
    if not every:
        return []
    start, end = min(one.start for one in every), max(_end(one, settings) for one in every)
    found = Query(_HOURS, {"where": Filters(start=start, end=end, src=(net,))}).rows(session)
    rows = [{**row, "start": row["start"].astimezone(dt.UTC)} for row in found]
    out = []
    for story, made in by_story.values():
        fits = [one for one in made if _judged(one, verdicts)]
        ready = [_Counted.of(one, settings) for one in fits]
        packets = sum(row["packets"] for row in rows if any(one.has(row) for one in ready))
        if packets:
            out.append(Belongs(story, packets, max(float(packets), _together(fits))))
    return sorted(out, key=lambda one: (-one.packets / one.of, -one.packets, one.story.id))[:MOST]


def _end(one: Detection, settings: Settings) -> dt.datetime:
    """The first hour after it; of one that goes on, the end of the day on which it is told."""
    return one.end or dt.datetime.combine(one.day + dt.timedelta(days=1), dt.time(), settings.zone)


def _judged(one: Detection, verdicts: Sequence[Mapping[str, Any]]) -> bool:
    label = _BY_VERDICT.get(one.kind)
    return label is None or any(row["label"] == label and row["first"] <= one.day <= row["last"] for row in verdicts)


@dataclass(frozen=True, slots=True)
class _Counted:
    """What a detection counted, ready to be looked at row by row."""

    about: About
    start: dt.datetime
    end: dt.datetime
    ports: frozenset[Any]
    sensors: frozenset[str] | None

    @classmethod
    def of(cls, one: Detection, settings: Settings) -> _Counted:
        about = one.about
        group = None if about.group is None else _members(settings, about.group)
        sensors = group if about.sensor is None else frozenset({about.sensor})
        return cls(about, one.start, _end(one, settings).astimezone(dt.UTC), frozenset(about.ports), sensors)

    def has(self, row: Mapping[str, Any]) -> bool:
        return (
            self.start <= row["start"] < self.end
            and (not self.ports or (row["protocol"], row["dst_port"]) in self.ports)
            and (self.about.country is None or (row["country"] or "") == self.about.country)
            and (self.about.asn is None or (row["asn"] or 0) == self.about.asn)
            and (self.sensors is None or row["sensor"] in self.sensors)
        )


def _members(settings: Settings, group: str) -> frozenset[str]:
    return frozenset(one.name for one in settings.sensors if one.group == group)


def _together(made: Sequence[Detection]) -> float:
    """Packets of the detections; of several of one day, which may count the same packets, the largest."""
    by_day: dict[dt.date, float] = {}
    for one in made:
        by_day[one.day] = max(by_day.get(one.day, 0.0), one.packets)
    return sum(by_day.values())


def sources(session: Any, asked: Asked, one: Detection) -> Rows:
    """The sources of the packets that a detection counted, those with the most first."""
    return questions.rank(session, "sources", *span(asked, one), filters=filters(asked.settings, one.about), n=SOURCES)


def span(asked: Asked, one: Detection) -> tuple[dt.datetime, dt.datetime]:
    """The hours that it counted, as moments of the zone."""
    zone = asked.settings.zone
    return one.start.astimezone(zone), _end(one, asked.settings).astimezone(zone)


def filters(settings: Settings, about: About) -> Filters:
    """What a detection is about, as filters. Of ports and protocols without ports together, the ports."""
    ports = tuple(PortRange(port, port, protocol) for protocol, port in about.ports if port is not None)
    sensor = (about.sensor,) if about.sensor else tuple(sorted(_members(settings, about.group))) if about.group else ()
    return Filters(
        port=ports,
        protocol=() if ports else tuple(protocol for protocol, _ in about.ports),
        country=() if about.country is None else (about.country or None,),
        asn=() if about.asn is None else (about.asn or None,),
        sensor=sensor,
    )
