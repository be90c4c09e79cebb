"""Places in the ranking of three days: who passed whom, and who is about to, beyond chance and by a change of its own.

Of ports, and of the ports of each leading country. Two ports have changed places where the later one is ahead by more than
chance makes, and was behind by as much when it last was clear who was ahead; and where one of both lies off its usual: ports of
like size change places every other week without anything to tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from teiten.detect.days import PORT, courses
from teiten.detect.model import CLOSING_IN, HIGH, OVERTOOK, RISING, SPREADING, About, Detection, Port
from teiten.detect.ranking import DAYS
from teiten.detect.view import Floats, View

KINDS: Final = (OVERTOOK, CLOSING_IN)
ORDER: Final = 26
_BACK: Final = 10
"""windows of three days, one for each day back, in which it was clear last who was ahead"""
_CLEAR: Final = 3.0
"""standard deviations by which one is ahead"""
_MOVED: Final = 1.4
"""times its usual (or it that) of one of both"""
_COUNTRIES: Final = 8
_PLACES: Final = 3
"""in the ranking of one country"""
_READ: Final = 25
"""places of a day's ranking that are looked at"""
_LEAST: Final = 60.0
"""packets of three days, below which a place says nothing"""


@dataclass(frozen=True)
class Table:
    """Sums of three days, of each port (row) for each day on which they end, today last; nan where a day was not observed."""

    ports: list[Port]
    sums: Floats
    spread: Floats
    """of each port: how many times more its days vary than chance lets them (variance by mean)"""


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """Changes of places on the view's day."""
    if len(view.days.dates) < DAYS + 4:
        return []
    places = int(view.threshold("detect_rank_places"))
    out = _of(view, None, places, found)
    lands = courses(view.days, "country").keys[:_COUNTRIES]
    for (land,) in lands:
        told = (one for one in found if one.about.country in (None, land) and one.about.ports)
        if land is not None and any(told):
            out.extend(_of(view, str(land), _PLACES, found))
    return out


def table(view: View, country: str | None) -> Table:
    """Sums of three days of the ports, of one country or of all; those that are large today or were so before."""
    only = None if country is None else pl.col("country") == country
    made = courses(view.days, *PORT, least=_LEAST / 10, only=only)
    rates = made.packets / view.days.watched
    sums = np.full(rates.shape, np.nan)
    for day in range(DAYS - 1, rates.shape[1]):
        sums[:, day] = rates[:, day - DAYS + 1 : day + 1].sum(axis=1)
    seen = ~np.isnan(view.days.watched)
    # the others are read by nobody
    near = [np.argsort(-sums[:, day], kind="stable")[:_READ] for day in range(-1, -_BACK - 1, -1) if -day < rates.shape[1]]
    rows = np.unique(np.concatenate(near)) if near else np.zeros(0, np.int64)
    sums, rates = sums[rows], rates[rows]
    # from day to day, so that a level that changed once is no wildness
    steps = np.diff(rates[:, seen], axis=1)
    variance = np.median(steps**2, axis=1) / 0.455 / 2 if steps.shape[1] else np.zeros(len(rates))
    mean = np.maximum(rates[:, seen].mean(axis=1), 1.0) if seen.any() else np.ones(len(rates))
    return Table([(made.keys[row][0], made.keys[row][1]) for row in rows], sums, np.maximum(1.0, variance / mean))


def _of(view: View, country: str | None, places: int, found: Sequence[Detection]) -> list[Detection]:
    made = table(view, country)
    if not made.ports or np.isnan(made.sums[:, -1]).any():
        return []
    ranked = [int(row) for row in np.argsort(-made.sums[:, -1], kind="stable")[: places + 1]]
    rank = {row: place for place, row in enumerate(ranked, start=1)}
    out = []
    for row in ranked[:places]:
        if made.sums[row, -1] < _LEAST:
            continue
        # of those that are behind now and were ahead within the days looked at
        ahead = np.nanmax(made.sums[:, -_BACK:] - made.sums[row, -_BACK:], axis=1) > 0
        passed = [int(other) for other in np.flatnonzero(ahead) if int(other) != row and _passed(made, row, int(other))]
        if passed and _known(made.ports[row], country, found):
            best = max(passed, key=lambda other: (made.sums[other, -1], -other))
            out.append(_detection(view, made, OVERTOOK, row, best, rank[row], country, found))
        elif (
            country is None
            and rank[row] > 1
            and _rises(made.ports[row], found)
            and _closes(view, made, row, ranked[rank[row] - 2])
        ):
            out.append(_detection(view, made, CLOSING_IN, row, ranked[rank[row] - 2], rank[row], country, found))
    return out


def _known(port: Port, country: str | None, found: Sequence[Detection]) -> bool:
    """Was something told of that port today (in that country)? The ranking alone moves with a single source."""
    those = (one for one in found if port in one.about.ports and one.kind not in KINDS)
    return any(country is None or one.about.country in (None, country) for one in those)


def _rises(port: Port, found: Sequence[Detection]) -> bool:
    """Is a rise of days told of it as a whole? A burst that is over closes in on nobody."""
    return any(port in one.about.ports and one.about.country is None and one.kind in (RISING, HIGH, SPREADING) for one in found)


def _ahead(made: Table, row: int, other: int, day: int) -> int:
    """Is it clear on that day who is ahead? 1: the row, -1: the other, 0: no."""
    mine, theirs = float(made.sums[row, day]), float(made.sums[other, day])
    if math.isnan(mine) or math.isnan(theirs):
        return 0
    chance = _CLEAR * math.sqrt(max(1.0, mine * float(made.spread[row]) + theirs * float(made.spread[other])))
    return 0 if abs(mine - theirs) <= chance else 1 if mine > theirs else -1


def _passed(made: Table, row: int, other: int) -> bool:
    """Since today it is clear that the row is ahead of the other, and last it was clearly behind; one of both has moved."""
    if made.sums[other, -1] >= made.sums[row, -1] or _ahead(made, row, other, -1) != 1 or not _moved(made, row, other):
        return False
    before = [_ahead(made, row, other, -1 - back) for back in range(1, min(_BACK, made.sums.shape[1] - DAYS + 1))]
    return next((one for one in before if one), 0) == -1


def _moved(made: Table, row: int, other: int) -> bool:
    return _times(made, row) >= _MOVED or _times(made, other) <= 1 / _MOVED


def _times(made: Table, row: int) -> float:
    """The three days beside the usual ones before them."""
    before = made.sums[row, : -1 - DAYS]
    before = before[~np.isnan(before)]
    return float(made.sums[row, -1]) / max(1.0, float(np.median(before))) if before.size else 1.0


def _closes(view: View, made: Table, row: int, above: int) -> bool:
    """Has it come near the next one since three days ago, by a rise of its own? Told on the first day that shows it."""
    near = view.threshold("detect_rank_near")
    ratio = made.sums[row] / np.maximum(made.sums[above], 1.0)
    before = ratio[-1 - DAYS]
    if ratio[-1] < near or math.isnan(before) or before > near - 0.2 or not ratio[-2] < near:
        return False
    chance = _CLEAR * math.sqrt(max(1.0, float(made.sums[row, -1] + made.sums[row, -1 - DAYS]) * float(made.spread[row])))
    return _times(made, row) >= _MOVED and float(made.sums[row, -1] - made.sums[row, -1 - DAYS]) > chance


def _detection(
    view: View, made: Table, kind: str, row: int, other: int, rank: int, country: str | None, found: Sequence[Detection]
) -> Detection:
    first = view.bounds(view.day)[0]
    # the place that it had when it was clear last: three days earlier
    then = int((made.sums[:, -1 - DAYS] > made.sums[row, -1 - DAYS]).sum()) + 1
    mine, theirs = float(made.sums[row, -1]), float(made.sums[other, -1])
    wide = math.sqrt(max(1.0, mine * float(made.spread[row]) + theirs * float(made.spread[other])))
    usual = made.sums[row, : -1 - DAYS]
    usual = usual[~np.isnan(usual)]
    common = float(np.median(usual)) if usual.size else None
    port = made.ports[row]
    known = _known(port, country, found)
    return Detection(
        kind,
        About(ports=(port,), country=country),
        view.day,
        first,
        packets=mine,
        usual=common,
        times=mine / common if common and common >= 1 else None,
        score=min(6.0, (mine - theirs) ** 2 / wide**2 / 4.6) if kind == OVERTOOK else 1.0,
        confidence="sure" if known and kind == OVERTOOK else "likely",
        reason=_reason(made, row, other, rank, then, country),
    )


def _reason(made: Table, row: int, other: int, rank: int, then: int, country: str | None) -> dict[str, Any]:
    def course(which: int) -> list[float | None]:
        return [None if math.isnan(n) else round(float(n), 1) for n in made.sums[which]]

    return {
        "rule": "ranks",
        "other": About(ports=(made.ports[other],)).text().split("|")[0],
        "rank": rank,
        "rank_before": then,
        "of": "country" if country is not None else "all",
        "days": DAYS,
        "sums": course(row),
        "sums_of_other": course(other),
        "clear_deviations": _CLEAR,
    }
