"""Which stories counted a source's packets, and which sources a story counted: exact, by hour, port and place."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pytest

from teiten.detect.model import BURST, ENDED, FEW_MANY, About, Detection, Story
from teiten.engine import open_session
from teiten.lake import Lake
from teiten.settings import Settings
from teiten.web import asked
from teiten.web.pages import _belongs, _source

from .conftest import BEGIN

DAY = BEGIN.date()
START, END = BEGIN + dt.timedelta(hours=3), BEGIN + dt.timedelta(hours=14)


def sent(port: int) -> Counter[str]:
    """What the lake's log has in those hours, by source: counted here as it is written there."""
    return Counter(
        f"8.8.8.{(hour + n) % 10}" for hour in range(3, 14) for n, own in enumerate((23, 23, 23, 445, 445, 80)) if own == port
    )


def detection(kind: str = BURST, **about: Any) -> Detection:
    made = About(**{"ports": ((6, 23),), **about})
    return Detection(kind, made, DAY, START.astimezone(dt.UTC), END.astimezone(dt.UTC), packets=33.0)


def story(one: Detection) -> Story:
    return Story(one.id, one.kind, one.about, DAY, "once", one.start, one.end, (one,))


def told(chosen: Settings, source: str, *made: Detection, verdicts: Any = ()) -> list[tuple[str, int, float]]:
    with open_session(Lake.open(chosen.lake), chosen) as session:
        found = _belongs.of_source(session, chosen, _source.network(source), {DAY: [story(one) for one in made]}, verdicts)
    return [(one.story.kind, one.packets, one.of) for one in found]


def test_a_story_counts_the_packets_of_its_hours_and_ports(chosen: Settings) -> None:
    for source, packets in sent(23).items():
        assert told(chosen, source, detection()) == [(BURST, packets, 33.0)]
    assert told(chosen, "8.8.8.0/24", detection()) == [(BURST, 33, 33.0)]
    assert told(chosen, "8.8.4.4", detection()) == []


@pytest.mark.parametrize(
    ("about", "counted"),
    [({"country": "US"}, True), ({"country": "JP"}, False), ({"asn": 15169}, True), ({"asn": 3356}, False),
     ({"sensor": "no such"}, False), ({"ports": ((6, 445),)}, True), ({"ports": ((17, 23),)}, False), ({"ports": ()}, True)],
)  # fmt: skip
def test_places_count_too(chosen: Settings, about: dict[str, Any], counted: bool) -> None:
    assert bool(told(chosen, "8.8.8.0/24", detection(**about))) is counted


def test_what_no_source_makes_and_what_a_verdict_makes(chosen: Settings) -> None:
    assert told(chosen, "8.8.8.3", detection(ENDED)) == []
    judged = [{"label": "many_ports", "first": DAY, "last": DAY}]
    assert told(chosen, "8.8.8.3", detection(FEW_MANY)) == []
    assert told(chosen, "8.8.8.3", detection(FEW_MANY), verdicts=judged) != []


def test_a_story_names_the_sources_that_it_counted(chosen: Settings) -> None:
    made = asked.read(chosen, "/story/x", {}, extent=None)
    with open_session(Lake.open(chosen.lake), chosen) as session:
        rows = _belongs.sources(session, made, detection())
    assert {row["src_ip"]: row["packets"] for row in rows} == sent(23)
