"""What is told at once: each thing once, again when it has grown, and its end; not what is old, marked, or unsure."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten.alerting import Alerts
from teiten.alerts import notices
from teiten.alerts.notices import Notice, Silence, Told
from teiten.detect.model import CLOSING_IN, OUTAGE, RISING, WATCH, About, Story

from . import making
from .making import NOW

HOUR = dt.timedelta(hours=1)


class Teller:
    """Alerts from run to run."""

    def __init__(self, **wanted: Any) -> None:
        self.wanted = Alerts(**wanted)
        self.told: dict[str, Told] | None = {}

    def __call__(
        self,
        *stories: Story,
        silent: Sequence[Silence] = (),
        now: dt.datetime = NOW,
        heard: dict[str, dt.datetime] | None = None,
    ) -> list[Notice]:
        found, told = notices.due(stories, silent, self.told, self.wanted, now, heard)
        self.told = {key: notices.told(json.loads(json.dumps(notices.plain(one)))) for key, one in told.items()}
        return [one for one, _ in found]


def whats(found: Sequence[Notice]) -> list[str]:
    return [one.what for one in found]


def test_a_thing_is_told_once_again_when_it_has_grown_and_when_it_ends() -> None:
    tell, one = Teller(), making.story()
    (new,) = tell(one)
    assert (new.what, new.key, new.about, new.packets, new.parts) == (
        "new", one.id, "25/6,465/6|US|||", 400.0, (("asn", "64500", 0.97),),
    )  # fmt: skip
    assert tell(one) == [] == tell(making.later(one, 7.9))
    (grown,) = tell(making.later(one, 8.0))
    assert (grown.what, grown.before, grown.times) == ("grew", 4.0, 8.0)
    assert tell(making.later(one, 15.0)) == []
    over = replace(making.later(one, 3.0, state="ended", last=NOW + 3 * HOUR), detections=())
    (ended,) = tell(replace(over, peak=15.0))
    assert (ended.what, ended.before, ended.until) == ("ended", 15.0, NOW + 3 * HOUR)
    assert tell(replace(over, peak=15.0)) == [] == tell(replace(over, state="resting"))


def test_what_came_and_went_is_told_once_without_an_end() -> None:
    tell, one = Teller(), making.story(state="once", last=NOW)
    assert whats(tell(one)) == ["new"]
    assert tell(one) == []


def test_what_comes_back_is_told_again() -> None:
    tell, one = Teller(), making.story()
    tell(one)
    tell(replace(one, state="ended", detections=()))
    assert whats(tell(replace(one, again=1))) == ["new"]


def test_what_two_days_have_to_tell_at_once_is_told_once_as_new() -> None:
    tell, one = Teller(), making.story()
    (told,) = tell(one, replace(one, state="ended", detections=(), last=NOW + HOUR))
    assert (told.what, told.packets, told.until) == ("new", 400.0, NOW + HOUR)
    assert tell(replace(one, state="ended", detections=())) == []
    tell, two = Teller(), making.later(one, 9.0, state="growing")
    (told,) = tell(one, two)
    assert (told.what, told.times, told.before) == ("new", 9.0, None)


def test_without_ends_where_nobody_wants_them() -> None:
    tell, one = Teller(ended=False), making.story()
    tell(one)
    assert tell(replace(one, state="ended", detections=())) == []


def test_the_same_thing_under_another_name_is_not_told_again() -> None:
    """While the day goes on, more ports join a burst: it is another detection, with another id."""
    tell, one = Teller(), making.story()
    tell(one)
    wider = making.detection(about=About(((6, 25), (6, 465), (6, 587)), "US"))
    assert tell(making.story(wider)) == []
    assert whats(tell(making.story(replace(wider, times=9.0)))) == ["grew"]
    assert whats(tell(making.story(making.detection(about=About(((6, 25),), "CN"))))) == ["new"]
    assert whats(tell(making.story(making.detection(about=About(((6, 23),), "US"))))) == ["new"]
    next_week = making.detection(start=NOW + 7 * 24 * HOUR, day=making.DAY + dt.timedelta(days=7))
    assert whats(tell(making.story(next_week), now=NOW + 7 * 24 * HOUR)) == ["new"]


@pytest.mark.parametrize(
    ("wanted", "one", "told"),
    [
        ({}, making.story(making.detection(confidence="possible")), False),
        ({"least": "possible"}, making.story(making.detection(confidence="possible")), True),
        ({"least": "sure"}, making.story(making.detection(confidence="likely")), False),
        ({}, making.story(verdict="false"), False),
        ({}, making.story(verdict="explained"), False),
        ({}, making.story(making.detection(kind=CLOSING_IN)), False),
        ({"kinds": (CLOSING_IN,)}, making.story(making.detection(kind=CLOSING_IN)), True),
        ({"kinds": (RISING,)}, making.story(), False),
        ({"leave": ("burst",)}, making.story(), False),
        ({}, making.story(state="high", first=NOW - 72 * HOUR), False),
        ({}, making.story(state="high", first=NOW - 3 * HOUR), True),
        ({}, making.story(state="ended"), False),
        ({"least": "sure"}, making.story(making.detection(kind=OUTAGE, confidence="possible")), True),
        ({"least": "sure"}, making.story(making.detection(kind=WATCH, confidence="possible", reason={"name": "x"})), True),
    ],
)  # fmt: skip
def test_what_is_told_at_all(wanted: dict[str, Any], one: Story, told: bool) -> None:
    assert bool(Teller(**wanted)(one)) == told


def test_when_alerts_begin_what_is_old_is_known_and_not_told() -> None:
    tell = Teller()
    tell.told = None
    old = making.story(state="growing", first=NOW - 48 * HOUR)
    young = making.story(making.detection(about=About(((6, 22),))))
    assert [one.about for one in tell(old, young)] == ["22/6||||"]
    assert tell(replace(old, state="ended")) == [], "nor is its end"
    grown = making.later(replace(old, id=old.id), 9.0)
    assert whats(tell(grown)) in ([], ["grew"])


def test_a_silent_sensor_is_told_once_and_when_it_speaks_again() -> None:
    tell = Teller()
    quiet = Silence("tokyo", NOW - 4 * HOUR, 20.0)
    (new,) = tell(silent=[quiet])
    assert (new.what, new.key, new.since, new.usual) == ("silent", "silent:tokyo", NOW - 4 * HOUR, 20.0)
    assert tell(silent=[quiet], heard={"tokyo": quiet.since}) == []
    (back,) = tell(heard={"tokyo": NOW + HOUR}, now=NOW + 2 * HOUR)
    assert (back.what, back.since, back.until) == ("back", quiet.since, NOW + HOUR)
    assert tell(heard={"tokyo": NOW + HOUR}) == []
    assert whats(tell(silent=[replace(quiet, since=NOW + HOUR)], heard={"tokyo": NOW + HOUR})) == ["silent"]
    assert tell(heard={"tokyo": NOW + HOUR}) == [], "its run is over: it is neither silent nor back"
    assert Teller(leave=("silent",))(silent=[quiet]) == []


def test_the_outage_of_a_silent_sensor_is_not_told_beside_its_silence() -> None:
    tell = Teller()
    outage = making.detection(kind=OUTAGE, about=About(sensor="tokyo"), start=NOW - 3 * HOUR)
    other = making.detection(kind=OUTAGE, about=About(sensor="osaka"), start=NOW - 3 * HOUR)
    quiet = Silence("tokyo", NOW - 3.4 * HOUR, 20.0)
    found = tell(making.story(outage), making.story(other), silent=[quiet])
    assert sorted((one.kind, one.about) for one in found) == [("outage", "|||osaka|"), ("silent", "|||tokyo|")]
    over = replace(making.story(outage), state="ended", detections=())
    assert whats(tell(over, heard={"tokyo": NOW})) == ["back"]


def test_an_old_lake_has_no_silent_sensors_when_alerts_begin() -> None:
    tell = Teller()
    tell.told = None
    old = Silence("tokyo", NOW - 400 * 24 * HOUR, 0.0)
    assert tell(silent=[old]) == [] == tell(silent=[old])
    assert tell(heard={"tokyo": NOW}) == []


def test_the_own_line_and_the_users_watches_come_first() -> None:
    found = Teller()(
        making.story(making.detection(score=99.0)),
        making.story(making.detection(kind=WATCH, about=About(((6, 9530),)), reason={"name": "mine"}, score=1.0)),
        making.story(making.detection(kind=OUTAGE, about=About(sensor="tokyo"), score=1.0)),
        silent=[Silence("osaka", NOW - 4 * HOUR, 20.0)],
    )
    assert [one.kind for one in found] == ["outage", "silent", "watch", "burst"] or [one.kind for one in found] == [
        "silent", "outage", "watch", "burst",
    ]  # fmt: skip
    assert found[2].watch == "mine"


def test_a_notice_is_the_same_after_the_disk() -> None:
    (one,) = Teller()(making.story())
    one = replace(one, said={"ja": ("題", "文")})
    assert notices.notice(json.loads(json.dumps(notices.plain(one)))) == one
    assert notices.notice({**notices.plain(one), "of a later version": 1}) == one


@pytest.mark.parametrize(
    ("quiet", "clock", "is_quiet"),
    [("23:00-07:00", 23, True), ("23:00-07:00", 6, True), ("23:00-07:00", 7, False), ("01:00-05:00", 4, True),
     ("01:00-05:00", 5, False)],
)  # fmt: skip
def test_quiet_hours(quiet: str, clock: int, is_quiet: bool) -> None:
    first, last = (dt.time(int(part[:2])) for part in quiet.split("-"))
    assert notices.in_quiet(Alerts(quiet=(first, last)), dt.datetime(2026, 3, 1, clock, tzinfo=dt.UTC)) == is_quiet
    assert not notices.in_quiet(Alerts(), dt.datetime(2026, 3, 1, clock, tzinfo=dt.UTC))


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from(["new", "growing", "high", "falling", "ended", "once", "resting"]), st.floats(1, 100)),
        max_size=12,
    )
)
def test_whatever_a_story_does_it_is_told_new_once_and_each_end_after_something(course: list[tuple[Any, float]]) -> None:
    tell, one = Teller(), making.story()
    said = [what for state, times in course for what in whats(tell(making.later(one, times, state=state)))]
    assert said.count("new") <= 1 and said.count("ended") <= 1 + said.count("grew")
    assert not said or said[0] == "new"
