"""What a day's overview asks about a country: its own ranking of ports, how many ports it tries, whether its sources sleep."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teiten.detect.model import Detection, Port
from teiten.engine import questions
from teiten.engine.gaps import gaps
from teiten.engine.series import series, starts
from teiten.periods import span
from teiten.report import coverage as watching
from teiten.report.answers import PORTS_SQL, Answers, hidden
from teiten.report.asked import stories

if TYPE_CHECKING:
    import numpy as np

WEEK: Final = 8
"""days that are looked at: those of a week, and what of another begins or ends within them by another clock"""


@dataclass(frozen=True, slots=True)
class Own:
    """A country's ports over the days that charts show: the first of them, and how many there are."""

    first: tuple[Port, ...]
    """one; more where they are equal"""
    ports: int


def own(answers: Answers, country: str) -> Own:
    """The ranking of ports of that country alone ("": of unknown country)."""
    whole = stories.drawn(answers)
    wanted = dataclasses.replace(answers.filters, country=(country or None,))
    rows = questions.rank(answers.session, "ports", whole.start, whole.end, filters=wanted, n=2)
    first = tuple((row["protocol"], row["dst_port"]) for row in rows if row["rank"] == 1)
    counted = answers.ask(PORTS_SQL, wanted.between(whole.start, whole.end))
    return Own(first, int(counted[0]["ports"]))


@dataclass(frozen=True, slots=True)
class _Week:
    """Hours as `detect.kinds.rhythm` looks at them."""

    hours: tuple[dt.datetime, ...]
    exposure: np.typing.NDArray[np.float64]
    day: dt.date
    answers: Answers

    def bounds(self, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
        one = span(day, day, self.answers.period.tz)
        return one.start, one.end

    def threshold(self, name: str) -> float:
        return self.answers.threshold(name)


def rhythm(answers: Answers, country: str) -> Detection | None:
    """The rhythm of day and night that this country's sources have in the week up to the day, changed or not."""
    import numpy as np

    from teiten.detect.kinds import rhythm as kind

    day = answers.period.first
    whole = span(day - dt.timedelta(days=WEEK - 1), day, answers.period.tz)
    found = gaps(answers.session, whole.start, whole.end, sensors=answers.filters.sensor)
    names = {row["sensor"] for row in found} | set(answers.coverage.sensors)
    cover = watching.coverage(names, found, whole)
    hours = starts(answers.session, whole.start, whole.end, "hour")
    ends = [*hours[1:], whole.end]
    wanted = dataclasses.replace(answers.filters, country=(country,))
    rows = series(answers.session, None, whole.start, whole.end, "hour", filters=wanted)
    came = {row["start"]: float(row["hosts"]) for row in rows}
    seen = np.array([0.0 if hidden(cover, a, b) else 1.0 for a, b in zip(hours, ends, strict=True)])
    hosts = np.array([came.get(hour, 0.0) for hour in hours])
    return kind.standing_of(_Week(tuple(hours), seen, day, answers), country, hosts)
