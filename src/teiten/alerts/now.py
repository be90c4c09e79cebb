"""How things stand now: the stories of the last days, and the sensors from which nothing arrives."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teiten.alerts.notices import Silence

if TYPE_CHECKING:
    from teiten.detect.model import Story
    from teiten.engine.gaps import Watch
    from teiten.errors import TeitenError
    from teiten.lake import Lake
    from teiten.settings import Settings

_DAY: Final = dt.timedelta(days=1)
_USUAL: Final = 31 * _DAY
"""before now, from which a sensor's usual rate is taken"""
_ADDRESS: Final = re.compile(r"[0-9A-Fa-f]*(?:[.:\-][0-9A-Fa-f]*)+")
SILENT_HOURS: Final = 3.0
"""hours without an event before which no sensor is called silent, where the settings say nothing"""


def stories(lake: Lake, settings: Settings, now: dt.datetime) -> tuple[list[Story], TeitenError | None]:
    """Those of the running day and the day before, in order of days; what hindered their making, where something did.

    They are made first where events are newer than they are (`kept.refresh`); nothing older is told at once.
    """
    from teiten.detect import kept
    from teiten.detect import stories as folding

    today = now.astimezone(settings.zone).date()
    near = [today - _DAY, today]
    result = kept.refresh(lake, settings, near)
    found = kept.span(lake, settings, near)
    return [story for day in sorted(found) for story in folding.told(found[day])], result.trouble


def as_of(lake: Lake, settings: Settings, moment: dt.datetime) -> list[Story]:
    """The stories of that moment's day as they were known then. Only for looking: nothing is kept."""
    from teiten import detect
    from teiten.detect import kept
    from teiten.detect import stories as folding

    day = moment.astimezone(settings.zone).date()
    kept.refresh(lake, settings, [day - _DAY])
    before = kept.stories(lake, settings, day - _DAY)
    hour = moment.astimezone(dt.UTC)
    with kept.viewing(lake, settings, day, upto=hour) as view:
        return folding.told(detect.follow(view, before)[1])


@dataclass(frozen=True, slots=True)
class Beside:
    """What texts about stories need from the lake besides: networks' names, and the addresses that no text may name."""

    networks: Mapping[int, str]
    own: frozenset[bytes]

    def clean(self, text: str) -> str:
        """The text without addresses of sensors (an operator's words may hold one); what spells one otherwise goes whole."""
        if not self._names(text):
            return text
        masked = _ADDRESS.sub(lambda match: "***" if self._names(match[0]) else match[0], text)
        return "***" if self._names(masked) else masked

    def _names(self, text: str) -> bool:
        from teiten.publish import leaks

        return leaks.find({"text": text.encode()}, self.own) is not None


def beside(lake: Lake, settings: Settings, told: Iterable[Story], start: dt.datetime, end: dt.datetime) -> Beside:
    """For texts about those stories, from the events of [start, end)."""
    from teiten.engine.duckdb import Session
    from teiten.engine.filters import Filters
    from teiten.publish import hosts

    asked = sorted({asn for story in told for asn in _networks(story)})
    span = Filters(start=start, end=end, all_events=True)
    session = Session(lake, settings, start=start, end=end, counted=False)
    try:
        names: dict[int, str] = {}
        if asked:
            where = " AND ".join(span.conditions(raw=True)) or "true"
            listed = ", ".join(map(str, asked))
            sql = f"SELECT asn, max(as_name) AS name FROM raw_events WHERE {where} AND asn IN ({listed}) GROUP BY asn"
            names = {row["asn"]: row["name"] for row in session.query(sql) if row["name"]}
        return Beside(names, frozenset(hosts.own(session, span)))
    finally:
        session.close()


def _networks(story: Story) -> Iterable[int]:
    """Those that a story is about, or that carry much of it."""
    yield from (asn for asn in (story.about.asn, *(one.about.asn for one in story.detections)) if asn)
    for one in story.detections:
        yield from (int(p.key) for p in one.parts if p.what == "asn" and p.key.isdigit() and p.key != "0" and p.share >= 0.3)


def sensors(lake: Lake, settings: Settings, now: dt.datetime) -> tuple[list[Silence], dict[str, dt.datetime]]:
    """The sensors silent for longer than their own usual rate makes likely, and than `silent_hours`; and the last event of
    every sensor.

    Told from what the batches noted of each hour, without reading events. A sensor whose run is over, or that its operator says
    is off, is not silent.
    """
    from teiten.engine import gaps
    from teiten.engine.duckdb import Session

    session = Session(lake, settings, start=now - _USUAL, end=now, counted=False)
    try:
        watched = gaps.by_activity(session, now - _USUAL, now)
        if watched is None:
            watched = gaps.by_events(session, now - _USUAL, now)
    finally:
        session.close()
    heard = {one.sensor: one.last.astimezone(dt.UTC) for one in watched}
    return sorted(_silent(watched, settings, now), key=lambda one: one.sensor), heard


def _silent(watched: Iterable[Watch], settings: Settings, now: dt.datetime) -> Iterable[Silence]:
    from teiten.engine import gaps

    least = dt.timedelta(hours=settings.alerts.silent_hours or SILENT_HOURS)
    for one in watched:
        last = one.last.astimezone(dt.UTC)
        known = settings.sensor(one.sensor)
        minute = dt.timedelta(minutes=1)
        if known is not None and (
            not known.running(now - minute, now, settings.zone) or known.off(now - minute, now, settings.zone)
        ):
            continue
        rate, age = gaps.usual_rate(one), now - last
        stated = settings.alerts.silent_hours is not None
        # of a month without an event no rate is known any more: it is as silent as it was
        if age >= least and (stated or age > _USUAL or gaps.improbable(age, rate)):
            yield Silence(one.sensor, last, rate)
