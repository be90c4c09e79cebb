"""The rhythm of day and night of a country's sources, found or lost: do they sleep, in their own local time?

Sources of each hour are counted (a single one that sends very much is one). The night is 0 to 6 o'clock by the country's clock,
the day 9 to 22; of a country with several zones it is that in the middle. Days are held against the weeks before them, country
by country, so that what always slept has nothing to tell.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from statistics import NormalDist
from typing import Any, Final, Protocol

import numpy as np
import polars as pl

from teiten.detect import levels
from teiten.detect.model import BURST, HIGH, NEW_PORT, RHYTHM, RHYTHM_LOST, RISING, SPREADING, About, Detection, Port
from teiten.detect.stories import over
from teiten.detect.view import Floats, Series, View

KINDS: Final = (RHYTHM, RHYTHM_LOST)
ORDER: Final = 30
NIGHT: Final = (0, 6)
DAY: Final = (9, 22)
_WINDOWS: Final = (1, 2, 4, 7)
"""days that are held against those before them"""
_AMOUNTS: Final = (BURST, NEW_PORT, RISING, HIGH, SPREADING)
_COUNTRIES: Final = 30
_LEAST: Final = 3.0
"""sources an hour by day or night, below which nothing can be said, of today's rhythm or of the one before"""
_FEWEST: Final = 1.0
"""the same of the days of a whole week together"""
_PRESENT: Final = 0.6
"""of the hours of each day in which anybody comes, at least: bursts are no rhythm"""
_CHANGED: Final = 1.7
"""times: the night beside the day, before and now"""
_MOST: Final = {
    "AU": "Australia/Sydney", "BR": "America/Sao_Paulo", "CA": "America/Toronto", "CD": "Africa/Kinshasa",
    "CL": "America/Santiago", "CN": "Asia/Shanghai", "EC": "America/Guayaquil", "ES": "Europe/Madrid", "ID": "Asia/Jakarta",
    "MN": "Asia/Ulaanbaatar", "MX": "America/Mexico_City", "NZ": "Pacific/Auckland", "PG": "Pacific/Port_Moresby",
    "PT": "Europe/Lisbon", "RU": "Europe/Moscow", "UA": "Europe/Kiev",
}  # fmt: skip
"""where most people of a country of several zones live; of the United States no zone has half of them: the middle"""


@dataclass(frozen=True)
class Depths:
    """Of a country, by local days: log of the night's rate over the day's, and how uncertain chance alone makes it."""

    country: str
    zone: str
    logs: Floats
    """nan: not observed"""
    night: Floats
    day: Floats
    present: Floats
    """share of the hours of the day in which anybody came"""
    profile: Floats
    """sources an hour by local hour, over the last week"""


class Seen(Protocol):
    """Hours that were watched, and by which day and thresholds they are looked at."""

    @property
    def hours(self) -> Sequence[dt.datetime]: ...

    @property
    def exposure(self) -> Floats: ...

    @property
    def day(self) -> dt.date: ...

    def bounds(self, day: dt.date) -> tuple[dt.datetime, dt.datetime]: ...

    def threshold(self, name: str) -> float: ...


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """Rhythms that came or went. Needs two weeks, and a day that is over."""
    if not over(view):
        return []
    # what comes at all hours to a port of which something is told leaves a country as awake, or asleep, as it was
    made = _without(view, {port for one in found if one.kind in _AMOUNTS and one.about.country is None for port in _ports(one)})
    out = []
    tested = [row for row, key in enumerate(made.keys[:_COUNTRIES]) if key[0] is not None]
    bar = NormalDist().inv_cdf(1 - view.threshold("detect_level_days") / max(1, len(tested)) / len(_WINDOWS) / 2)
    for row in tested:
        depths = of_hours(view, str(made.keys[row][0]), made.hosts[row])
        one = _changed(view, depths, bar) if depths is not None else None
        if one is not None and _of_its_own(view, str(made.keys[row][0]), one.kind, found, bar):
            out.append(one)
    return out


def _ports(one: Detection) -> tuple[Port, ...]:
    return one.about.ports if one.about.sensor is None else ()


def _without(view: View, ports: set[Port], country: str | None = None) -> Series:
    """Hours of the countries (or of one) without those ports."""
    if not ports:
        return view.series("country")
    of_them = pl.any_horizontal(*[(pl.col("protocol") == p) & pl.col("dst_port").eq_missing(pl.lit(n)) for p, n in ports])
    only = of_them.not_() if country is None else of_them.not_() & (pl.col("country") == country)
    return view.series("country", only=only)


def _of_its_own(view: View, country: str, kind: str, found: Sequence[Detection], bar: float) -> bool:
    """Whether the country shows it without the ports of which something is told of it, too."""
    told = {port for one in found if one.kind in _AMOUNTS and one.about.country in (None, country) for port in _ports(one)}
    if not any(one.about.country == country and one.kind in _AMOUNTS and _ports(one) for one in found):
        return True
    rest = _without(view, told, country)
    depths = of_hours(view, country, rest.hosts[0]) if rest.keys else None
    again = _changed(view, depths, bar) if depths is not None else None
    return again is not None and again.kind == kind


def standing(view: View, country: str) -> Detection | None:
    """The rhythm that a country's sources have this week, changed or not: for who asks about that country. None: none, or too
    little to say."""
    made = view.series("country")
    row = next((place for place, key in enumerate(made.keys) if key[0] == country), None)
    return standing_of(view, country, made.hosts[row]) if row is not None else None


def standing_of(view: Seen, country: str, hosts: Floats) -> Detection | None:
    """The same of that country's sources by the hour, of at least a week."""
    depths = of_hours(view, country, hosts)
    if depths is None:
        return None
    last = depths.logs[-7:][~np.isnan(depths.logs[-7:])]
    if last.size < 4:
        return None
    mean = float(last.mean())
    wide = max(float(last.std(ddof=1)), 0.05) / math.sqrt(last.size)
    depth = 1 - math.exp(mean)
    if float(np.nanmean(depths.day[-7:])) < _FEWEST:
        return None
    if depth < view.threshold("detect_rhythm_depth") or levels.deviate(np.array(-mean / wide), np.array(last.size - 1.0)) < 3:
        return None
    return _detection(view, depths, RHYTHM, 7, depth, None, 3.0)


def of_hours(view: Seen, country: str, hosts: Floats) -> Depths | None:
    """A country's nights beside its days, of each of its local days. None: its clock is not known."""
    name = zone_of(country)
    if name is None or not len(view.hours):
        return None
    local = [hour.astimezone(zoneinfo.ZoneInfo(name)) for hour in view.hours]
    clock = np.array([one.hour for one in local])
    day_of = np.array([one.date().toordinal() for one in local])
    day_of = day_of - day_of[0]
    exposure = view.exposure
    count = int(day_of[-1]) + 1

    # one source that comes for an hour at many ports, or a burst, is no rhythm
    clipped = np.minimum(hosts, _clip(hosts, exposure))

    def rates(hours: tuple[int, int]) -> tuple[Floats, Floats]:
        mine = (clock >= hours[0]) & (clock < hours[1])
        seen = np.bincount(day_of[mine], weights=exposure[mine], minlength=count)
        came = np.bincount(day_of[mine], weights=clipped[mine], minlength=count)
        fine = seen >= 0.5 * (hours[1] - hours[0])
        return np.where(fine, came, np.nan), np.where(fine, seen, np.nan)

    (night, night_hours), (day, day_hours) = rates(NIGHT), rates(DAY)
    awake = (clock >= DAY[0]) & (clock < DAY[1]) & (exposure > 0)
    came_at_all = np.bincount(day_of[awake], weights=(hosts[awake] > 0).astype(float), minlength=count)
    present = came_at_all / np.maximum(np.bincount(day_of[awake], minlength=count), 1)
    logs = np.log((night + 0.5) / night_hours) - np.log((day + 0.5) / day_hours)
    week = day_of >= count - 8
    seen = np.bincount(clock[week], weights=exposure[week], minlength=24)
    came = np.bincount(clock[week], weights=clipped[week], minlength=24)
    profile = np.divide(came, seen, out=np.zeros(24), where=seen > 0)
    return Depths(country, name, logs, night / night_hours, day / day_hours, present, profile)


def _clip(hosts: Floats, exposure: Floats) -> float:
    """The most sources that an hour counts for: what the busiest hours of most days have, and three deviations of chance."""
    seen = hosts[exposure > 0]
    high = float(np.quantile(seen, 0.9)) if seen.size else 0.0
    return high + 3 * math.sqrt(high + 1)


def _changed(view: View, depths: Depths, bar: float) -> Detection | None:
    """The rhythm that came or went within the last week, by the window that shows it best."""
    seen = np.flatnonzero(~np.isnan(depths.logs))
    best: tuple[float, Detection] | None = None
    for width in _WINDOWS:
        now, before = seen[-width:], seen[: -max(_WINDOWS)][-levels.BASE :]
        if len(now) < width or len(before) < levels.FEWEST:
            continue
        if any(max(float(depths.day[some].mean()), float(depths.night[some].mean())) < _LEAST for some in (now, before)):
            continue
        if float(depths.present[now].min()) < _PRESENT:
            continue
        mine, usual = float(depths.logs[now].mean()), float(np.median(depths.logs[before]))
        spread = levels.MAD * float(np.median(np.abs(depths.logs[before] - usual)))
        # what chance does to the counts of a night and a day
        counts = depths.night[now].mean() * 6, depths.day[now].mean() * 13
        spread = max(spread, math.sqrt(1 / (counts[0] + 1) + 1 / (counts[1] + 1)))
        t = (mine - usual) / (spread * math.sqrt(1 / width + 1 / len(before)))
        z = float(levels.deviate(np.array(abs(t)), np.array(len(before) - 1 + levels.PRIOR)))
        # every one of its days must show it
        weakest = float((depths.logs[now].max if t < 0 else depths.logs[now].min)())
        kind = _kind(view, 1 - math.exp(mine), 1 - math.exp(usual), t) if (weakest - usual) * t > 0 else None
        if kind is not None and z > bar and (best is None or z > best[0]):
            best = z, _detection(view, depths, kind, width, 1 - math.exp(mine), 1 - math.exp(usual), z)
    return None if best is None else best[1]


def _kind(view: View, now: float, before: float, t: float) -> str | None:
    """Which of both it is: there, and the night by so much emptier beside the day than before; or the other way round."""
    deep = view.threshold("detect_rhythm_depth")
    changed = (1 - before) / (1 - now)
    if now >= deep and t < 0 and changed >= _CHANGED:
        return RHYTHM
    return RHYTHM_LOST if before >= deep and t > 0 and changed <= 1 / _CHANGED else None


def _detection(view: Seen, depths: Depths, kind: str, width: int, now: float, before: float | None, z: float) -> Detection:
    first = view.bounds(view.day - dt.timedelta(days=width - 1))[0]
    day = depths.day[~np.isnan(depths.day)]
    low = _quiet(depths.profile)
    reason: dict[str, Any] = {
        "rule": "rhythm",
        "local": depths.zone,
        "low_from": low[0],
        "low_to": low[1],
        "depth": round(now, 3),
        "depth_before": None if before is None else round(before, 3),
        "days": width,
        "deviates": round(z, 2),
        "profile": [round(float(n), 2) for n in depths.profile],
        "thresholds": {"detect_rhythm_depth": view.threshold("detect_rhythm_depth")},
    }
    return Detection(
        kind,
        About(country=depths.country),
        view.day,
        first,
        hosts=float(day[-1]) * 24 if day.size else None,
        measure="hosts",
        score=min(6.0, max(0.0, z * z / 4.6 - 1.5)),
        confidence="likely",
        sources="many",
        reason=reason,
    )


def _quiet(profile: Floats) -> tuple[int, int]:
    """The local hours, [from, to), of the longest run in which less than two thirds of the mean come; over midnight, too."""
    low = profile < profile.mean() * 2 / 3
    if not low.any() or low.all():
        return NIGHT
    best = (0, 0)
    for start in range(24):
        length = 0
        while length < 24 and low[(start + length) % 24]:
            length += 1
        if not low[start - 1] and length > best[1]:
            best = start, length
    return best[0], (best[0] + best[1]) % 24


@functools.cache
def zone_of(country: str) -> str | None:
    """The IANA zone by whose clock a country wakes: that of most of its people (`_MOST`), else of several that in the middle,
    west to east. None: not known."""
    if country in _MOST:
        return _MOST[country]
    zones = [name for name, codes in _zones() if country in codes]
    now = dt.datetime(2026, 1, 15, tzinfo=dt.UTC)
    ordered = sorted(zones, key=lambda name: (zoneinfo.ZoneInfo(name).utcoffset(now) or dt.timedelta(), name))
    return ordered[len(ordered) // 2] if ordered else None


@functools.cache
def _zones() -> list[tuple[str, frozenset[str]]]:
    table = (resources.files("tzdata") / "zoneinfo" / "zone1970.tab").read_text("utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    return [(row[2], frozenset(row[0].split(","))) for row in rows]
