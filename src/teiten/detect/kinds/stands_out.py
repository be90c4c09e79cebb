"""A port that stands out in one country: its share there is far above its share of what comes from elsewhere.

Three days are looked at, as in the ranking; packets and sources must show it both (one source's thousand packets say nothing of
a country); and it must be new: a country that always had a port of its own has nothing to tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from teiten.detect import levels
from teiten.detect.days import PORT, courses
from teiten.detect.model import BURST, FALLING, HIGH, NEW_PORT, RISING, SPREADING, STANDS_OUT, About, Detection, Port
from teiten.detect.ranking import DAYS
from teiten.detect.view import Floats, View

KINDS: Final = (STANDS_OUT,)
ORDER: Final = 28
_TOLD: Final = (BURST, RISING, HIGH, FALLING, SPREADING, NEW_PORT)
_COUNTRIES: Final = 40
_LEAST: Final = 40.0
"""packets of three days from a country, and half of them at the port, below which shares say nothing"""
_HOSTS: Final = 8.0
_CLEAR: Final = 5.0
"""deviations of chance (of sources) above what the country's own days before let expect"""
_EACH: Final = 2
"""ports of a country that are told, at most"""
_STILL: Final = 0.5
"""of the mean of the three days, at least, that today has"""
_NEW: Final = 0.5
"""of its share now, at most, the share that it had in the weeks before"""


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """Ports that have come to stand out in a country on the view's day."""
    days = view.days
    if len(days.dates) <= levels.FEWEST + DAYS or math.isnan(days.watched[-1]):
        return []
    whole = courses(days, *PORT)
    lands = courses(days, "country", least=_LEAST / DAYS)
    rows = {key: row for row, key in enumerate(whole.keys)}
    totals = _three(whole.packets.sum(axis=0)), _three(whole.hosts.sum(axis=0))
    out: list[Detection] = []
    inside = courses(days, "country", *PORT, least=_LEAST / 2 / DAYS)
    of_land: dict[Any, list[int]] = {}
    for place, (land, *_) in enumerate(inside.keys):
        of_land.setdefault(land, []).append(place)
    for row, (land,) in enumerate(lands.keys[:_COUNTRIES]):
        mine = _three(lands.packets[row]), _three(lands.hosts[row])
        if land is None or mine[0][-1] < _LEAST:
            continue
        known = {port for one in found if one.about.country in (None, "") and one.kind in _TOLD for port in one.about.ports}
        some = []
        for place in of_land.get(land, []):
            key = inside.keys[place][1:]
            if (key[0], key[1]) in known:
                continue  # the port is told with its countries
            if inside.packets[place, -DAYS:].sum() < _LEAST / 2:
                continue
            of_port = _three(inside.packets[place]), _three(inside.hosts[place])
            if DAYS * inside.packets[place, -1] < _STILL * of_port[0][-1]:
                continue  # it did, and is over
            everywhere = _three(whole.packets[rows[key]]), _three(whole.hosts[rows[key]])
            told = _stands(view, of_port, mine, everywhere, totals, days.watched)
            if told is not None:
                some.append((told["share"], (key[0], key[1]), of_port, told))
        for _, port, of_port, told in sorted(some, key=lambda one: (-one[0], str(one[1])))[:_EACH]:
            out.append(_detection(view, str(land), port, of_port, told))
    return out


def _three(counts: Floats) -> Floats:
    """Sums of three days in a row, by the last of them."""
    return np.asarray(np.convolve(counts, np.ones(DAYS), "full")[: counts.size])


def _stands(
    view: View,
    port: tuple[Floats, Floats],
    land: tuple[Floats, Floats],
    everywhere: tuple[Floats, Floats],
    totals: tuple[Floats, Floats],
    watched: Floats,
) -> dict[str, Any] | None:
    """The shares, where the port stands out and is new in that; (packets, hosts) of the port in the country, of the country, of
    the port everywhere, of everything."""
    if port[0][-1] < _LEAST / 2 or port[1][-1] < _HOSTS:
        return None
    share, others = _shares(port[0], land[0], everywhere[0], totals[0])
    by_hosts, others_hosts = _shares(port[1], land[1], everywhere[1], totals[1])
    times, least = view.threshold("detect_stands_out_times"), view.threshold("detect_stands_out_share")
    for mine, rest in ((share, others), (by_hosts, others_hosts)):
        if not (mine[-1] >= least and mine[-1] >= times * rest[-1]):
            return None
    before = slice(DAYS - 1, -1 - DAYS - 4)
    old = share[before][~np.isnan(share[before])]
    seen = ~np.isnan(watched[before])
    hosts = port[1][before][seen]
    if old.size < levels.FEWEST or not hosts.size:
        return None
    if float(np.median(old)) > _NEW * float(share[-1]):
        return None
    usual = float(np.median(hosts))
    spread = max(math.sqrt(usual + 1), levels.MAD * float(np.median(np.abs(hosts - usual))))
    deviations = (float(port[1][-1]) - usual) / spread
    if deviations < _CLEAR:
        return None
    return {
        "share": round(float(share[-1]), 4),
        "share_all": round(float(everywhere[0][-1] / max(1.0, totals[0][-1])), 4),
        "share_elsewhere": round(float(others[-1]), 4),
        "share_before": round(float(np.median(old)), 4),
        "deviations": round(deviations, 1),
        "usual_packets": float(np.median(port[0][before][seen])),
    }


def _shares(port: Floats, land: Floats, everywhere: Floats, total: Floats) -> tuple[Floats, Floats]:
    """The port's share of the country's, and of what comes from elsewhere; nan where nothing came."""
    rest, whole = everywhere - port, total - land
    return (
        np.divide(port, land, out=np.full(port.size, np.nan), where=land > 0),
        np.divide(rest, whole, out=np.zeros(port.size), where=whole > 0),
    )


def _detection(view: View, land: str, port: Port, of_port: tuple[Floats, Floats], told: dict[str, Any]) -> Detection:
    first = view.bounds(view.days.dates[-DAYS])[0]
    packets, usual = float(of_port[0][-1]), told.pop("usual_packets")
    return Detection(
        STANDS_OUT,
        About(ports=(port,), country=land),
        view.day,
        first,
        packets=packets,
        hosts=float(of_port[1][-1]),
        usual=usual,
        times=packets / usual if usual >= 1 else None,
        measure="hosts",
        score=min(6.0, told["deviations"] ** 2 / 4.6 / 4),
        confidence="likely",
        reason={
            "rule": "stands_out",
            "days": DAYS,
            **told,
            "thresholds": {name: view.threshold(name) for name in ("detect_stands_out_times", "detect_stands_out_share")},
        },
    )
