"""What a day's overview asks: the stories of the day and of days without a report, and the hours of what they are about."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from teiten.detect.model import OVERTOOK, SPREADING, About, Detection, Story
from teiten.detect.view import HISTORY
from teiten.engine.filters import Filters, PortRange
from teiten.engine.gaps import gaps
from teiten.engine.questions import Rows
from teiten.engine.series import series, spread, starts
from teiten.periods import Period, span
from teiten.report import coverage as watching
from teiten.report.answers import Answers, Stack, What, chosen, hidden
from teiten.report.coverage import Coverage

DRAWN: Final = 3
"""days of a chart: those over which the ranking goes (seeds' P1)"""
COLOURED: Final = 7
HALF: Final = 0.5
SAID_AGAIN: Final = 2
"""days on which it is said again to where something had spread"""
LEAST: Final = 10
"""packets an hour that a port of a country's chart reaches at some time, where there are more than can be drawn (seeds/003)"""


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed, as far as something is said of it: stories that the analyst called false are apart.

    earlier: of days before that had no report of their own, oldest first.
    """

    stories: tuple[Story, ...]
    false: tuple[Story, ...]
    earlier: tuple[tuple[dt.date, tuple[Story, ...]], ...]
    networks: Mapping[int, str]
    """AS -> its holder, of those that stories name"""


def changes(answers: Answers) -> Changes | None:
    """The stories of the day; None where none were made of it, or the report is about a part of the traffic only."""
    if answers.stories_of is None or answers.period.kind != "daily" or answers.filters.words:
        return None
    day = answers.period.first
    today = answers.stories_of(day)
    if today is None:
        return None
    since = answers.since or day
    days = [since + dt.timedelta(days=n) for n in range((day - since).days)]
    earlier = tuple((one, tuple(_told(answers.stories_of(one) or ()))) for one in days)
    every = [*today, *(story for _, found in earlier for story in found)]
    false = tuple(one for one in today if one.verdict == "false" and one.state != "resting")
    told = tuple(_with_earlier(one, earlier) for one in _with_spreading(answers, _told(today), since))
    return Changes(told, false, earlier, _networks(answers, every))


def _told(stories: Any) -> list[Story]:
    return [one for one in stories if one.state != "resting" and one.verdict != "false"]


def _with_earlier(story: Story, earlier: Sequence[tuple[dt.date, Sequence[Story]]]) -> Story:
    """The story with what was found of it on days without a report: who joined, and whom it passed last."""
    mine = [one for _, found in reversed(earlier) for one in found if one.id == story.id]
    have = {d.kind for d in story.detections}
    more: list[Detection] = []
    for kind in (SPREADING, OVERTOOK):
        if kind not in have:
            more += [d for one in mine for d in one.detections if d.kind == kind and d.about == story.about][:1]
    return dataclasses.replace(story, detections=(*story.detections, *more)) if more else story


def _with_spreading(answers: Answers, stories: Sequence[Story], since: dt.date) -> list[Story]:
    """The stories, those that spread with how far they had come: for some days it is said again who has joined."""
    assert answers.stories_of is not None
    wanted = {one.id for one in stories if one.kind == SPREADING and one.state in ("growing", "high")}
    wanted -= {one.id for one in stories for d in one.detections if d.kind == SPREADING}
    found: dict[str, Detection] = {}
    for back in range(1, SAID_AGAIN + 1):
        if not wanted - set(found):
            break
        for one in answers.stories_of(since - dt.timedelta(days=back)) or ():
            for d in one.detections if one.id in wanted else ():
                if d.kind == SPREADING:
                    found.setdefault(one.id, d)
    return [
        dataclasses.replace(one, detections=(*one.detections, found[one.id])) if one.id in found else one for one in stories
    ]


def _networks(answers: Answers, stories: list[Story]) -> dict[int, str]:
    """The holders of the networks that stories are about or are carried by."""
    asked = {one.about.asn for one in stories if one.about.asn}
    for story in stories:
        for one in story.detections:
            asked |= {one.about.asn} if one.about.asn else set()
            asked |= {int(p.key) for p in one.parts if p.what == "asn" and p.key.isdigit() and p.key != "0" and p.share >= 0.3}
    if not asked:
        return {}
    wanted = dataclasses.replace(answers.filters, start=drawn(answers).start, asn=tuple(sorted(asked)))
    return {row["asn"]: row["as_name"] for row in answers.ask(NAMES_SQL, wanted) if row["as_name"]}


def known_days(answers: Answers) -> int:
    """Of the days by which it is told what is usual, how many were watched for half of the time at least."""
    first = answers.period.first
    before = [first - dt.timedelta(days=n) for n in range(HISTORY, 0, -1)]
    whole = span(before[0], before[-1], answers.period.tz)
    found = gaps(answers.session, whole.start, whole.end, sensors=answers.filters.sensor)
    names = {row["sensor"] for row in found} | set(answers.coverage.sensors)
    shares = (watching.coverage(names, found, span(day, day, answers.period.tz)).share for day in before)
    return sum(share >= HALF for share in shares)


# hours


def drawn(answers: Answers) -> Period:
    """The days that charts show: the last three; more where the overview is of more."""
    day = answers.period.first
    first = min(day - dt.timedelta(days=DRAWN - 1), answers.since or day)
    return span(first, day, answers.period.tz)


def drawn_coverage(answers: Answers) -> Coverage:
    """When anything watched in these days."""
    whole = drawn(answers)
    found = gaps(answers.session, whole.start, whole.end, sensors=answers.filters.sensor)
    names = {row["sensor"] for row in found} | set(answers.coverage.sensors)
    return watching.coverage(names, found, whole)


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of one thing: by country, or a country's by port, and from which packets an hour on a port is drawn."""

    what: What
    stack: Stack
    least: int


def filters_of(about: About, answers: Answers) -> Filters:
    """What the packets of that thing are asked by: a port whole, so that its chart shows who carries it."""
    ports = tuple(PortRange(port, port, protocol) for protocol, port in about.ports if port is not None)
    protocols = () if ports else tuple(sorted({protocol for protocol, _ in about.ports}))
    by_port = bool(about.ports)
    return dataclasses.replace(
        answers.filters,
        port=ports,
        protocol=protocols,
        country=() if by_port or about.country is None else (about.country or None,),
        asn=() if by_port or about.asn is None else (about.asn or None,),
        sensor=(about.sensor,) if about.sensor is not None else answers.filters.sensor,
    )


Told = tuple[About, tuple[str, ...]]
"""what a part is about, and the countries that it names: these are drawn, however few came from them"""


def hours_of_all(answers: Answers, told: Told) -> Hours:
    """The same with what was accepted among it: of a service that is really run."""
    return hours(answers, told, all_events=True)


def hours(answers: Answers, told: Told, *, all_events: bool = False) -> Hours:
    """The days' hours of what a story is about, stacked."""
    about, lands = told
    whole = drawn(answers)
    what: What = "countries" if about.ports else "ports"
    wanted = dataclasses.replace(filters_of(about, answers), all_events=all_events)
    least = LEAST if what == "ports" else 1
    ahead = chosen("countries", lands) if what == "countries" and lands else ""
    rows = series(
        answers.session, what, whole.start, whole.end, "hour", top=COLOURED, minimum=least, filters=wanted, ahead=ahead
    )
    if least > 1 and not any(row["part"] == "top" for row in rows):
        least = 1
        rows = series(answers.session, what, whole.start, whole.end, "hour", top=COLOURED, filters=wanted)
    return Hours(what, _stacked(answers, whole, what, rows), least)


def _stacked(answers: Answers, whole: Period, what: What, rows: Rows) -> Stack:
    cover = answers.once(drawn_coverage)
    times = starts(answers.session, whole.start, whole.end, "hour")
    columns = ("protocol", "dst_port") if what == "ports" else ("country",)
    values: dict[Any, list[float | None]] = {}
    for key, counts in spread(rows, times, columns).items():
        values[key if isinstance(key, str) or what == "ports" else key[0]] = list(counts)
    ends = [*times[1:], whole.end]
    for i, (first, after) in enumerate(zip(times, ends, strict=True)):
        if hidden(cover, first, after) and not any(column[i] for column in values.values()):
            for column in values.values():
                column[i] = None
    keys = tuple(name for name in values if name not in ("other", "unknown"))
    return Stack("hour", tuple(times), keys, values, rows)


NAMES_SQL: Final = """
SELECT asn, max(as_name) AS as_name FROM {events} WHERE {where} GROUP BY asn ORDER BY asn
"""
