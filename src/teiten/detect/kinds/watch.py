"""What the user asked to be told (`[[alerts.watch]]`): a series each, that rises, goes over a number, or has something new.

A watch names its series beforehand, so that nothing else is tried: it sees less than `burst` needs among thousands. Its usual
is that of `detect.baseline`; how far a day like any other strays from it, the days before tell.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from teiten.detect import baseline, tails
from teiten.detect.baseline import WIDTHS, Baseline, Clock, Floats
from teiten.detect.model import WATCH, About, Confidence, Detection, Part

if TYPE_CHECKING:
    from teiten.alerting import Watch
    from teiten.detect.view import View

KINDS: Final = (WATCH,)
ORDER: Final = 90
_PRIOR: Final = 8.0
"""dispersion of packets that are few, as bursts have it"""
_LEAST: Final = 5.0
"""packets more than usual, at least"""
_PARTS: Final = 8
_WINDOWS: Final = 24
"""windows of a day that have little to do with each other, nearly enough"""


@dataclass(frozen=True)
class _Line:
    """One watch's packets by hour, its exposure, and what is usual (None: too few days before)."""

    watch: Watch
    only: pl.Expr
    counts: Floats
    exposure: Floats
    base: Baseline | None
    days: float
    """watched before today"""


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """At most one detection for each of the view's watches."""
    out = []
    for watch in view.watches:
        line = _line(view, watch)
        if line is not None:
            look = {"over": _over, "new": _new, "rises": _rises}[watch.when]
            told = look(view, line)
            if told is not None:
                out.append(told)
    return out


def _line(view: View, watch: Watch) -> _Line | None:
    if not view.hours or view.today.start >= len(view.hours):
        return None
    only = _only(view, watch)
    if watch.prefix is not None:
        if view.asked is None:
            return None
        counts = _of_prefix(view, watch)
    else:
        counts = view.series(only=only).packets[0]
    sensors = _sensors(view, watch)
    exposure = view.exposure if sensors is None else view.exposure_of(*sensors)
    days = float((exposure[: view.today.start] > 0).sum()) / 24
    base = None
    if days >= view.threshold("detect_watch_days"):
        base = _usual(view, counts, exposure)
    return _Line(watch, only, counts, exposure, base, days)


def _usual(view: View, counts: Floats, exposure: Floats) -> Baseline:
    """What is expected, from the whole days before today."""
    skip = view.today.start % 24
    weekend = np.array([hour.weekday() >= 5 for hour in view.local[skip:]], dtype=bool)
    clock = Clock(exposure[skip:], weekend, slice(view.today.start - skip, view.today.stop - skip))
    return baseline.expect(counts[None, skip:], clock, _PRIOR, back=0)


def _sensors(view: View, watch: Watch) -> list[str] | None:
    """Those that it looks at; None: all of them."""
    if watch.sensor is not None:
        return [watch.sensor]
    return None if watch.group is None else sorted(name for name, group in view.groups.items() if group == watch.group)


def _only(view: View, watch: Watch) -> pl.Expr:
    """Of which cells."""
    parts = []
    if watch.ports:
        spans = [
            (pl.col("protocol") == protocol)
            & (pl.lit(True) if first is None else pl.col("dst_port").is_between(first, last).fill_null(False))
            for protocol, first, last in watch.ports
        ]
        parts.append(functools.reduce(operator.or_, spans))
    if watch.country:
        parts.append(pl.col("country").is_in(list(watch.country)).fill_null(False))
    if watch.asn:
        parts.append(pl.col("asn").is_in(list(watch.asn)).fill_null(False))
    sensors = _sensors(view, watch)
    if sensors is not None:
        parts.append(pl.col("sensor").is_in(sensors))
    # every column that is named is one that rows put together must have
    return functools.reduce(operator.and_, parts) if parts else pl.col("packets") > 0


def _of_prefix(view: View, watch: Watch) -> Floats:
    assert view.asked is not None and watch.prefix is not None
    out = np.zeros(len(view.hours))
    rows = view.asked.prefix(watch.prefix, view.hours[0], view.upto or view.bounds(view.day)[1])
    rows = rows.filter(_only(view, watch)).group_by("time").agg(pl.col("packets").sum())
    at = {hour: n for n, hour in enumerate(view.hours)}
    for hour, packets in rows.iter_rows():
        if hour in at:
            out[at[hour]] = packets
    return out


# over ---------------------------------------------------------------------------------------------------------------


def _over(view: View, line: _Line) -> Detection | None:
    """More packets than the user's number, in an hour or in the day."""
    today = line.counts[view.today]
    if line.watch.per == "day":
        if today.sum() <= line.watch.over:
            return None
        return _told(view, line, 0, len(today), "sure")
    above = np.flatnonzero(today > line.watch.over)
    return _told(view, line, int(above[0]), int(above[-1]) + 1, "sure") if above.size else None


# rises --------------------------------------------------------------------------------------------------------------


def _rises(view: View, line: _Line) -> Detection | None:
    """The window of 1 to 24 hours that is least likely, where days before hardly had one so unlikely."""
    if line.base is None:
        return None
    times = line.watch.times or view.threshold("detect_watch_times")
    x = np.where(line.exposure[view.today] > 0, line.counts[view.today], 0.0)
    best, at = _least_likely(line, x, line.base.mu[0], times)
    if at is None:
        return None
    counts, usual = (values[0].reshape(-1, 24) for values in line.base.past)
    past = [_least_likely(line, *day, times)[0] for day in zip(counts, usual, strict=True) if day[1].any()]
    score = best / _strays(past) - math.log10(_WINDOWS)
    if score < -math.log10(view.threshold("detect_watch_chance")):
        return None
    sure: Confidence = "sure" if score >= 4 else "likely" if score >= 2.5 else "possible"
    more = at[0] + np.flatnonzero(x[at[0] : at[1]] > times * line.base.mu[0, at[0] : at[1]])
    return _told(view, line, int(more[0]), int(more[-1]) + 1, sure, score)


def _strays(past: Sequence[float]) -> float:
    """How much farther the days before strayed than chance does, as a factor of -log10 (1 at least): by the tenth least likely
    of a hundred days, on which a rise of theirs has no weight."""
    return max(1.0, float(np.quantile(past, 0.9)) / (math.log10(_WINDOWS) + 1)) if past else 1.5


def _least_likely(line: _Line, x: Floats, usual: Floats, times: float) -> tuple[float, tuple[int, int] | None]:
    """-log10 of the chance of the least likely window of a day's hours, and its places."""
    assert line.base is not None
    mu = np.where(usual > 0, usual, 0.0)
    sums = [np.concatenate([[0.0], np.cumsum(values)]) for values in (x, mu)]
    best, where = 0.0, None
    for place, width in enumerate(WIDTHS):
        if width > len(x):
            break
        count, expected = (total[width:] - total[:-width] for total in sums)
        fine = (expected > 0) & (count >= times * expected) & (count - expected >= _LEAST)
        if not fine.any():
            continue
        phi, unsure = line.base.phi[0, place], line.base.unsure[0]
        found = np.where(fine, tails.tail(count, np.maximum(expected, 1e-9), phi, unsure), 0.0)
        top = int(found.argmax())
        if found[top] > best:
            best, where = float(found[top]), (top, top + width)
    return best, where


# new ----------------------------------------------------------------------------------------------------------------


def _new(view: View, line: _Line) -> Detection | None:
    """Ports that were not seen before; of ports that the watch names, countries; of their countries, ASes."""
    if line.days < view.threshold("detect_watch_days"):
        return None
    watch = line.watch
    what = "port" if not watch.ports else "country" if not watch.country else "asn"
    columns = ("protocol", "dst_port") if what == "port" else (what,)
    least = view.threshold("detect_watch_new_packets")
    series = view.series(*columns, least=least, only=line.only)
    before, now = series.packets[:, : view.today.start].sum(axis=1), series.packets[:, view.today]
    fresh = [n for n in np.flatnonzero((before == 0) & (now.sum(axis=1) >= least)) if series.keys[n][0] is not None]
    if not fresh:
        return None
    hours = now[fresh].sum(axis=0)
    seen = np.flatnonzero(hours)
    total = float(hours.sum())
    parts = tuple(
        Part(what, _key(what, series.keys[n]), float(now[n].sum()), round(float(now[n].sum()) / total, 4), _first(view, now[n]))
        for n in sorted(fresh, key=lambda n: -now[n].sum())
    )
    told = _told(view, line, int(seen[0]), int(seen[-1]) + 1, "sure", counts=hours)
    about = _about(view, watch)
    if len(parts) == 1:
        about = _with(about, what, series.keys[fresh[0]])
    more = {"new": [part.key for part in parts], "what": what, "count": len(parts)}
    rest: dict[str, Any] = {"usual": None, "times": None, "parts": parts[:_PARTS], "about": about}
    return replace(told, reason={**told.reason, **more}, **rest)


def _first(view: View, hours: Floats) -> Any:
    return view.hours[view.today.start + int(np.flatnonzero(hours)[0])]


def _key(what: str, key: tuple[Any, ...]) -> str:
    if what == "port":
        return f"{'' if key[1] is None else key[1]}/{key[0]}"
    return str(key[0])


def _with(about: About, what: str, key: tuple[Any, ...]) -> About:
    if what == "port":
        return replace(about, ports=((key[0], key[1]),))
    return replace(about, country=key[0]) if what == "country" else replace(about, asn=key[0])


# told ---------------------------------------------------------------------------------------------------------------


def _about(view: View, watch: Watch) -> About:
    """What the watch names, as far as one value of each can say it."""
    single = all(first == last for _, first, last in watch.ports)
    return About(
        ports=tuple((protocol, first) for protocol, first, _ in watch.ports) if single else (),
        country=watch.country[0] if len(watch.country) == 1 else None,
        asn=watch.asn[0] if len(watch.asn) == 1 else None,
        sensor=watch.sensor,
        group=watch.group if watch.sensor is None else None,
    )


def _told(
    view: View, line: _Line, first: int, after: int, sure: Confidence, score: float = 0.0, counts: Floats | None = None
) -> Detection:
    """The detection of those hours of today (places from its first)."""
    watch, today = line.watch, view.today
    x = line.counts[today] if counts is None else counts
    packets = float(x[first:after].sum())
    expected = line.base.mu[0] if line.base is not None else None
    usual = float(expected[first:after].sum()) if expected is not None else None
    on = after >= len(x)
    hours = view.hours[today]
    end = None if on else hours[after]
    if on and watch.per == "day" and watch.when == "over" and view.upto is None:
        end = view.bounds(view.day)[1]
    over = {"over": watch.over, "per": watch.per} if watch.when == "over" else {}
    reason = {
        "name": watch.name,
        "when": watch.when,
        **over,
        "days": round(line.days, 1),
        "counts": [round(float(n), 1) for n in x],
        "expected": None if expected is None else [round(float(n), 3) for n in expected],
        "thresholds": {
            name: view.threshold(name) for name in ("detect_watch_times", "detect_watch_chance", "detect_watch_days")
        },
    }
    return Detection(
        kind=WATCH,
        about=_about(view, watch),
        day=view.day,
        start=hours[first],
        end=end,
        peak=hours[first + int(x[first:after].argmax())],
        packets=packets,
        usual=usual,
        times=packets / usual if usual is not None and usual >= 0.5 else None,
        score=score,
        confidence=sure,
        parts=_parts(view, line, first, after) if watch.prefix is None else (),
        reason=reason,
    )


def _parts(view: View, line: _Line, first: int, after: int) -> tuple[Part, ...]:
    """Who carries what is more than usual, by country, AS and port, where the watch leaves that open."""
    out: list[Part] = []
    window = slice(view.today.start + first, view.today.start + after)
    seen = line.exposure[: view.today.start].sum()
    scale = line.exposure[window].sum() / seen if seen > 0 else 0.0
    for what, columns in (("country", ("country",)), ("asn", ("asn",)), ("port", ("protocol", "dst_port"))):
        if (what == "country" and len(line.watch.country) == 1) or (what == "asn" and len(line.watch.asn) == 1):
            continue
        series = view.series(*columns, only=line.only)
        if len(series.keys) < 2:
            continue
        more = np.maximum(
            series.packets[:, window].sum(axis=1) - series.packets[:, : view.today.start].sum(axis=1) * scale, 0.0
        )
        total = more.sum()
        for n in np.argsort(-more, kind="stable")[:_PARTS]:
            if total > 0 and more[n] > 0.02 * total:
                key = series.keys[n]
                text = _key(what, key) if key[0] is not None else "" if what == "country" else "0"
                out.append(Part(what, text, round(float(more[n]), 1), round(float(more[n] / total), 4)))
    return tuple(out)
