"""One change once: which detections are one, what they are about together, which one of them tells it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from tests.detect.worlds import DAY, quiet

from teiten.detect import once
from teiten.detect.model import (
    BURST,
    CLOCK_STEP,
    DYNAMIC,
    FEW_MANY,
    HIGH,
    NEW_PORT,
    OVERTOOK,
    OWN_FALL,
    PORT_RUN,
    RHYTHM_LOST,
    WATCH,
    About,
    Detection,
    Part,
)

TELNET, SQL = (6, 23), (6, 1433)


def told(about: About, first: int = 5, last: int = 8, kind: str = BURST, **more: Any) -> Detection:
    values: dict[str, Any] = {"packets": 500.0, "usual": 50.0, "score": 3.0, **more}
    start, end = (DAY + dt.timedelta(hours=n) for n in (first, last))
    return Detection(kind, about, DAY.date(), start, end, reason={"spans": [[start.isoformat(), last - first]]}, **values)


JOINED = [
    ("the same twice", About((TELNET,)), (2, 4), About((TELNET,)), (15, 17), About((TELNET,))),
    ("one within another", About((TELNET,)), (2, 6), About((TELNET,), "EE"), (3, 5), About((TELNET,))),
    ("two AS of a country", About((TELNET,), "NL", 1), (4, 5), About((TELNET,), "NL", 2), (4, 5), About((TELNET,), "NL")),
    ("two countries", About((TELNET,), "NL", 1), (4, 6), About((TELNET,), "EE", 2), (4, 6), About((TELNET,))),
    ("ports of one source", About((TELNET,), "NL", 1), (4, 6), About((SQL,), "NL", 1), (4, 6), About((TELNET, SQL), "NL", 1)),
]
APART = [
    ("at other hours", About((TELNET,), "NL"), (1, 3), About((TELNET,), "EE"), (9, 12)),
    ("other ports, other countries", About((TELNET,), "NL"), (1, 3), About((SQL,), "EE"), (1, 3)),
    ("an hour of a day", About((TELNET,), "NL"), (1, 2), About((SQL,), "NL"), (0, 20)),
    ("another country for an hour of it", About((TELNET,), "EE"), (1, 20), About((TELNET,), "HK"), (2, 4)),
    ("the whole holds nothing", About(), (1, 3), About((SQL,), "NL"), (1, 3)),
]


@pytest.mark.parametrize(("a", "hours", "b", "others", "about"), [row[1:] for row in JOINED], ids=[row[0] for row in JOINED])
def test_what_is_one_is_joined(a: About, hours: tuple[int, int], b: About, others: tuple[int, int], about: About) -> None:
    (found,) = once.joined([told(a, *hours), told(b, *others)])
    assert found.about == about
    assert found.start == DAY + dt.timedelta(hours=min(hours[0], others[0]))
    assert once.joined([told(b, *others), told(a, *hours)])[0].about == about
    assert found.packets >= 500
    assert sum(part.share for part in found.parts if part.what == "asn") == pytest.approx(1 if a.asn and not about.asn else 0)


def test_what_carries_four_fifths_of_both_tells_both() -> None:
    large, small = told(About((TELNET,), "EE"), 1, 20), told(About((TELNET,), "IT"), 2, 19, packets=60.0)
    (found,) = once.joined([small, large])
    assert found.about == About((TELNET,), "EE")


def test_a_country_that_does_not_carry_it_is_another_change() -> None:
    parts = (Part("country", "EE", 400, 0.6), Part("country", "IT", 270, 0.4))
    both = told(About((TELNET,)), 1, 20, parts=parts)
    assert len(once.joined([both, told(About((TELNET,), "HK"), 2, 4)])) == 2
    assert len(once.joined([both, told(About((TELNET,), "IT"), 2, 4)])) == 1


@pytest.mark.parametrize(("a", "hours", "b", "others"), [row[1:] for row in APART], ids=[row[0] for row in APART])
def test_what_is_not_one_is_not(a: About, hours: tuple[int, int], b: About, others: tuple[int, int]) -> None:
    assert len(once.joined([told(a, *hours), told(b, *others)])) == 2


KEPT = [
    ("a new port says more than its burst", told(About((SQL,)), kind=NEW_PORT), told(About((SQL,), "US")), [NEW_PORT]),
    ("a run of ports is its country's burst", told(About(country="NL"), kind=PORT_RUN), told(About(country="NL")), [PORT_RUN]),
    ("few at many ports, too", told(About(country="RU"), kind=FEW_MANY), told(About(country="RU")), [FEW_MANY]),
    ("a run of another country", told(About(country="NL"), kind=PORT_RUN), told(About(country="RU")), [BURST, PORT_RUN]),
    ("what qualifies stays", told(About((SQL,)), kind=DYNAMIC), told(About((SQL,))), [BURST, DYNAMIC]),
    ("what was asked for stays", told(About((SQL,)), kind=WATCH), told(About((SQL,))), [BURST, WATCH]),
    ("what goes on stays", told(About((SQL,)), kind=HIGH), told(About((SQL,))), [BURST, HIGH]),
    ("the own line stays", told(About(), kind=OWN_FALL), told(About((SQL,))), [BURST, OWN_FALL]),
    ("a rank that a short burst made", told(About((SQL,), "US"), kind=OVERTOOK), told(About((SQL,))), [BURST]),
]


@pytest.mark.parametrize(("one", "other", "kinds"), [row[1:] for row in KEPT], ids=[row[0] for row in KEPT])
def test_which_of_two_tells_it(one: Detection, other: Detection, kinds: list[str]) -> None:
    found = once.told_once(quiet(days=1, a_day=10), [one, other])
    assert sorted(each.kind for each in found) == kinds


def test_the_rank_of_a_burst_that_goes_on_is_told() -> None:
    lasting = replace(told(About((SQL,))), end=None)
    found = once.told_once(quiet(days=1, a_day=10), [lasting, told(About((SQL,)), kind=OVERTOOK)])
    assert {each.kind for each in found} == {BURST, OVERTOOK}


@pytest.mark.parametrize(
    "other,one,kinds",
    [
        (told(About(), 3, 12, CLOCK_STEP), told(About((TELNET,), "GB", 64904), 5, 7), [CLOCK_STEP]),
        (told(About(), 3, 12, CLOCK_STEP), told(About((TELNET,), "GB"), 5, 7), [BURST, CLOCK_STEP]),
        (told(About(), 3, 12, CLOCK_STEP), told(About((TELNET,), "GB", 64904), 11, 14), [BURST, CLOCK_STEP]),
        (told(About(country="RU"), 0, 24, RHYTHM_LOST), told(About(country="RU"), 1, 6), [RHYTHM_LOST]),
        (told(About(country="RU"), 0, 24, RHYTHM_LOST), told(About((TELNET,), "RU"), 1, 6), [BURST, RHYTHM_LOST]),
        (told(About(country="RU"), 0, 24, RHYTHM_LOST), told(About(country="CN"), 1, 6), [BURST, RHYTHM_LOST]),
    ],
    ids=["by the clock", "not of one AS", "after the step", "who wakes at night", "one port of it", "another country"],
)
def test_what_follows_of_a_clock_or_a_rhythm_is_told_by_it(other: Detection, one: Detection, kinds: list[str]) -> None:
    assert sorted(d.kind for d in once.told_once(quiet(), [other, one])) == kinds
