"""Stories: what belongs together from day to day, how it stands, when it is over, what comes back."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from teiten.detect.model import (
    BURST,
    CLOSING_IN,
    ENDED,
    FALLING,
    HIGH,
    MANY_FEW,
    OF_TODAY,
    OWN_FALL,
    RISING,
    SPREADING,
    STANDS_OUT,
    About,
    Detection,
    Story,
)
from teiten.detect.stories import fold, told

_FIRST = dt.date(2019, 10, 7)
_SQL = About(ports=((6, 1433),))
_SQL_CN = About(ports=((6, 1433),), country="CN")
_TELNET_EE = About(ports=((6, 23),), country="EE")


def found(kind: str, about: About, day: int, *, hours: tuple[int, int | None] = (5, 7), **rest: Any) -> Detection:
    date = _FIRST + dt.timedelta(days=day)
    start = dt.datetime.combine(date, dt.time(hours[0]), dt.UTC)
    end = None if hours[1] is None else dt.datetime.combine(date, dt.time(hours[1]), dt.UTC)
    return Detection(kind, about, date, start, end, **{"times": 3.0, "score": 4.0, **rest})


def days(*found_by_day: list[Detection]) -> list[list[Story]]:
    """The stories of each day of a row of days."""
    out: list[list[Story]] = []
    for number, these in enumerate(found_by_day):
        out.append(fold(out[-1] if out else [], these, _FIRST + dt.timedelta(days=number)))
    return out


def states(made: list[list[Story]]) -> list[list[str]]:
    return [[one.state for one in told(stories)] for stories in made]


def test_a_rise_is_one_story_from_its_first_day_to_its_end() -> None:
    made = days(
        [found(RISING, _SQL_CN, 0, hours=(15, None), times=2.0)],
        [found(HIGH, _SQL_CN, 1, times=2.5)],
        [found(SPREADING, _SQL, 2, times=5.0)],
        [found(HIGH, _SQL, 3, times=4.0)],
        [found(FALLING, _SQL, 4, times=1.8)],
        [found(ENDED, _SQL, 5, times=1.0)],
        [],
    )
    assert states(made) == [["new"], ["high"], ["growing"], ["high"], ["falling"], ["ended"], []]
    assert len({one.id for stories in made for one in stories}) == 1
    last = made[5][0]
    assert last.id == found(RISING, _SQL_CN, 0).id
    assert (last.kind, last.about, last.days, last.peak, last.peak_day) == (SPREADING, _SQL, 6, 5.0, dt.date(2019, 10, 9))
    assert last.first.hour == 15 and last.last is not None


def test_bursts_of_one_thing_are_one_story_and_its_end_is_told_once() -> None:
    made = days(
        [found(BURST, _TELNET_EE, 0)],
        [found(BURST, _TELNET_EE, 1)],
        [],
        [found(BURST, _TELNET_EE, 3)],
        [],
        *[[] for _ in range(6)],
    )
    assert states(made) == [["once"], ["new"], ["ended"], ["new"], ["ended"], *[[]] * 6]
    assert [stories[0].again for stories in made[:5]] == [0, 1, 1, 2, 2]
    assert made[-1] == []  # no longer remembered


def test_what_comes_after_it_is_forgotten_is_another_story() -> None:
    made = days([found(BURST, _TELNET_EE, 0)], *[[] for _ in range(5)], [found(BURST, _TELNET_EE, 6)])
    assert states(made)[-1] == ["once"]
    assert made[-1][0].id != made[0][0].id


@pytest.mark.parametrize(
    "one,other",
    [
        (_TELNET_EE, About(ports=((6, 23),), country="NL")),
        (_TELNET_EE, About(ports=((6, 22),), country="EE")),
        (_TELNET_EE, About(ports=((6, 23),), country="EE", sensor="b")),
        (_TELNET_EE, About(country="EE")),
        (_SQL, About()),
    ],
)
def test_other_things_are_other_stories(one: About, other: About) -> None:
    made = days([found(BURST, one, 0)], [found(BURST, other, 1)])
    assert len(told(made[1])) == 1
    assert made[1][0].again == 0


def test_what_one_country_does_within_a_rise_of_the_port_is_part_of_it_and_not_of_its_burst() -> None:
    made = days([found(RISING, _SQL, 0)], [found(HIGH, _SQL, 1), found(BURST, _SQL_CN, 1)])
    assert len(told(made[1])) == 1
    made = days([found(BURST, _SQL, 0)], [found(BURST, _SQL_CN, 1)])
    assert len(told(made[1])) == 1 and made[1][0].about == _SQL_CN
    made = days([found(RISING, _SQL, 0)], [found(HIGH, _SQL, 1), found(RISING, _SQL_CN, 1)])
    assert len(told(made[1])) == 1


def test_a_place_in_the_ranking_is_told_within_the_ports_story() -> None:
    with_story = days([found(RISING, _SQL, 0)], [found(HIGH, _SQL, 1), found(CLOSING_IN, _SQL, 1)])
    assert [[d.kind for d in one.detections] for one in with_story[1]] == [[HIGH, CLOSING_IN]]
    assert states(days([found(CLOSING_IN, _SQL, 0)])) == [["once"]]


def test_an_end_that_nobody_heard_the_beginning_of_is_not_told() -> None:
    assert days([found(ENDED, _SQL, 0)]) == [[]]


def test_the_own_line_is_no_part_of_the_worlds_stories() -> None:
    made = days([found(BURST, About(), 0, hours=(5, None)), found(OWN_FALL, About(), 0)])
    assert len(made[0]) == 2


def test_what_stands_out_in_a_country_joins_only_that_countrys_story() -> None:
    made = days([found(RISING, _SQL_CN, 0)], [found(HIGH, _SQL_CN, 1), found(STANDS_OUT, _SQL_CN, 1)])
    assert len(told(made[1])) == 1
    made = days([found(RISING, _SQL, 0)], [found(HIGH, _SQL, 1), found(STANDS_OUT, _SQL_CN, 1)])
    assert len(told(made[1])) == 2


def test_the_analysts_word_sticks() -> None:
    first = fold([], [found(RISING, _SQL, 0)], _FIRST)
    said = {first[0].id: ("false", "our own scanner")}
    second = fold(first, [found(HIGH, _SQL, 1)], _FIRST + dt.timedelta(days=1), said=said)  # type: ignore[arg-type]
    assert (second[0].verdict, second[0].because) == ("false", "our own scanner")
    third = fold(second, [found(HIGH, _SQL, 2)], _FIRST + dt.timedelta(days=2))
    assert third[0].verdict is None  # withdrawn


def test_the_order_in_which_they_were_found_changes_nothing() -> None:
    these = [found(BURST, _TELNET_EE, 0), found(RISING, _SQL_CN, 0, score=9.0), found(SPREADING, _SQL, 0, score=5.0)]
    assert fold([], these, _FIRST) == fold([], these[::-1], _FIRST)


def test_what_lies_below_its_usual_is_a_story_of_its_own_until_it_is_back() -> None:
    below = {"times": 0.3, "reason": {"below": True}}
    made = days(
        [found(FALLING, _SQL, 0, hours=(0, None), **below)],
        [found(FALLING, _SQL, 1, hours=(0, None), **below), found(BURST, _SQL, 1)],
        [found(ENDED, _SQL, 2, reason={"below": True})],
    )
    assert [[(one.kind, one.state) for one in told(stories)] for stories in made] == [
        [(FALLING, "new")],
        [(FALLING, "falling"), (BURST, "once")],
        [(FALLING, "ended")],
    ]


def test_one_country_s_hours_are_a_part_of_the_port_s_day() -> None:
    """A port that rises, and stands out most in one new country's hours, is one story, however the two rank."""
    burst = found(BURST, About(ports=((6, 1433),), country="RU"), 1, score=9.0)
    made = days([found(BURST, _SQL_CN, 0)], [burst, found(RISING, _SQL, 1, score=5.0, hours=(0, None))])
    (one,) = made[1]
    assert one.about == _SQL and one.kind == RISING and {d.kind for d in one.detections} == {BURST, RISING}


def test_a_burst_over_midnight_is_over_on_the_second_day_and_told_once() -> None:
    first = found(BURST, _TELNET_EE, 0, hours=(22, None))
    night = dt.datetime.combine(_FIRST, dt.time(22), dt.UTC)
    second = replace(found(BURST, _TELNET_EE, 1, hours=(0, 2), reason={OF_TODAY: [20.0, 2.0]}), start=night)
    made = days([first], [second], [])
    assert states(made) == [["new"], ["ended"], []]
    (story,) = made[1]
    assert (story.first, story.last, len({one.id for day in made for one in day})) == (night, second.end, 1)
    assert states(days([], [second], [])) == [[], ["once"], []]


def test_many_hosts_at_few_ports_are_said_within_the_story_of_their_change() -> None:
    burst = found(BURST, _TELNET_EE, 0)
    made = days([burst, replace(burst, kind=MANY_FEW, times=None)], [])
    ((story,), _) = made
    assert (story.kind, story.state) == (BURST, "once")
    assert {one.kind for one in story.detections} == {BURST, MANY_FEW}


def test_a_level_that_grows_from_one_sensor_to_all_is_one_story() -> None:
    at_one = replace(_SQL, sensor="tokyo")
    made = days([found(RISING, at_one, 0, hours=(0, None))], [found(HIGH, _SQL, 1, hours=(0, None))])
    assert [[one.about for one in day] for day in made] == [[at_one], [_SQL]]
    assert made[0][0].id == made[1][0].id
    apart = days([found(RISING, at_one, 0, hours=(0, None)), found(RISING, replace(_SQL, sensor="osaka"), 0)])
    assert len(apart[0]) == 2
