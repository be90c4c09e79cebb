"""What a day's overview asks besides the stories: how many of the days before were watched."""

from __future__ import annotations

import pytest

from teiten import periods, settings
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.report.answers import Answers
from teiten.report.asked import stories

CHOSEN = settings.load(zone="Asia/Tokyo")


def answers(session: Session, day: str) -> Answers:
    return Answers(session, periods.parse("daily", day, CHOSEN.zone), Filters(), {})


@pytest.mark.parametrize(("day", "known"), [("2019-09-03", 2), ("2019-10-22", 35), ("2019-11-15", 21)])
def test_days_that_tell_what_is_usual(session: Session, day: str, known: int) -> None:
    assert stories.known_days(answers(session, day)) == known
