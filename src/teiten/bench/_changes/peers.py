"""Other methods, over the same view: mean and three sigma, an EWMA chart, and STL's residuals (statsmodels, where installed).

Each looks at every port, country, and port of a country by the hour, as one would who writes it in an afternoon; hours with
alarms that follow each other are one detection.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from teiten.detect import model
from teiten.detect.model import About, Detection
from teiten.detect.view import Series, View

Floats = npt.NDArray[np.float64]
SIGMAS: Final = 3.0
LEAST: Final = 5.0
"""packets of an hour below which nobody would be woken"""
WEIGHT: Final = 0.3
"""of the newest hour in the EWMA"""
MOST: Final = 150
"""series that STL is fitted to, the largest"""


def _told(
    view: View, series: Series, high: npt.NDArray[np.bool_], low: npt.NDArray[np.bool_], usual: Floats
) -> list[Detection]:
    """Runs of hours with alarms as detections. high, low: (keys, hours of the day); usual: (keys, 1 or hours)."""
    out = []
    first = view.today.start
    packets = series.packets[:, view.today]
    usual = np.broadcast_to(usual, packets.shape)
    for kind, alarms in ((model.BURST, high), (model.FALLING, low)):
        edges = np.diff(np.pad(alarms, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        for (row, begin), (_, end) in zip(np.argwhere(edges == 1), np.argwhere(edges == -1), strict=True):
            expected = float(usual[row, begin:end].sum())
            came = float(packets[row, begin:end].sum())
            hours = view.hours
            out.append(
                Detection(
                    kind,
                    _about(series, int(row)),
                    view.day,
                    hours[first + begin],
                    hours[first + end] if first + end < len(hours) else None,
                    packets=came,
                    usual=expected,
                    times=came / expected if expected > 0 else None,
                )
            )
    return out


def _about(series: Series, row: int) -> About:
    key = dict(zip(series.by, series.keys[row], strict=True))
    ports = ((key["protocol"], key["dst_port"]),) if "protocol" in key else ()
    return About(ports, key.get("country"))


def _all_series(view: View) -> list[Series]:
    return [view.series(*by, least=30) for by in (("protocol", "dst_port"), ("country",), ("protocol", "dst_port", "country"))]


def _by_history(view: View, measure: Callable[[Floats], Floats], spread: float) -> list[Detection]:
    """Alarms where `measure` of the rates leaves the mean of the days before by three sigma (times `spread`)."""
    out = []
    watched = view.exposure > 0
    for series in _all_series(view):
        rates = np.divide(series.packets, view.exposure, out=np.zeros_like(series.packets), where=watched)
        past = np.arange(rates.shape[1]) < view.today.start
        known = rates[:, past & watched]
        if not known.size:
            continue
        mean, sigma = known.mean(axis=1, keepdims=True), known.std(axis=1, keepdims=True)
        measured = measure(rates)[:, view.today]
        fine = watched[view.today]
        high = (measured > mean + SIGMAS * spread * sigma) & (measured >= LEAST) & fine
        low = (measured < mean - SIGMAS * spread * sigma) & (mean >= LEAST) & fine
        out += _told(view, series, high, low, mean)
    return out


def sigma(view: View) -> list[Detection]:
    """An hour beyond the mean of the weeks before and three standard deviations."""
    return _by_history(view, lambda rates: rates, 1.0)


def ewma(view: View) -> list[Detection]:
    """The chart of exponentially weighted means, with its usual limits."""

    def smoothed(rates: Floats) -> Floats:
        out = rates.copy()
        for hour in range(1, rates.shape[1]):
            out[:, hour] = WEIGHT * rates[:, hour] + (1 - WEIGHT) * out[:, hour - 1]
        return out

    return _by_history(view, smoothed, float(np.sqrt(WEIGHT / (2 - WEIGHT))))


def stl(view: View) -> list[Detection]:
    """An hour whose residual of STL (a day's season) is beyond three robust standard deviations of the weeks' residuals."""
    from statsmodels.tsa.seasonal import STL

    out = []
    for series in _all_series(view)[:2]:
        rates = np.divide(series.packets, view.exposure, out=np.zeros_like(series.packets), where=view.exposure > 0)[:MOST]
        if rates.shape[1] < 72 or not len(rates):
            continue
        fitted = [STL(row, period=24).fit() for row in rates]
        left = np.array([one.resid for one in fitted])
        usual = np.array([one.trend + one.seasonal for one in fitted])[:, view.today]
        past = left[:, : view.today.start]
        spread = 1.4826 * np.median(np.abs(past - np.median(past, axis=1, keepdims=True)), axis=1, keepdims=True)
        today, fine = left[:, view.today], (view.exposure > 0)[view.today]
        top = Series(series.by, series.keys[:MOST], series.packets[:MOST], series.hosts[:MOST])
        high = (today > SIGMAS * spread) & (today >= LEAST) & fine
        out += _told(view, top, high, (today < -SIGMAS * spread) & (usual >= LEAST) & fine, usual)
    return out


def methods() -> dict[str, Callable[[View], list[Detection]]]:
    """Those that can be run here."""
    out: dict[str, Callable[[View], list[Detection]]] = {"sigma": sigma, "ewma": ewma}
    if importlib.util.find_spec("statsmodels"):
        out["stl"] = stl
    return out
