"""New ports: tried by hosts today, and hardly ever before.

Scanners of all ports make ports that were never seen every day; so a port is held against those of the days before: how large
the largest of such ports is on a day, and (as the tail of a Pareto distribution) how rarely a larger one would come.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl

from teiten.detect import levels
from teiten.detect.days import PORT, Courses, courses
from teiten.detect.model import NEW_PORT, About, Detection, Part
from teiten.detect.view import Floats, View

KINDS: Final = (NEW_PORT,)
ORDER: Final = 20
_PER_HOST: Final = 3.0
"""packets of a host and hour that count, at most: how large a new port is, is how many tried it"""
_TOP: Final = 20
"""of the ports of the past that were new on their day, so many tell how rare large ones are"""
_PARTS: Final = 5
_MANY: Final = 4
"""new ports of one AS from which they are one change"""
_CARRIES: Final = 0.8
"""share of a port's packets with which it is an AS's, or a country's"""


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """New ports of the view's day. Fewer than 7 observed days before it: nothing can be called new."""
    days = view.days
    seen = ~np.isnan(days.watched)
    if seen[:-1].sum() < levels.FEWEST or not len(view.hours):
        return []
    made = courses(days, *PORT)
    if not made.keys:
        return []
    # what came on a day of which too little was watched to say anything came all the same
    usual = made.packets[:, :-1].sum(axis=1) / seen[:-1].sum()
    size = np.minimum(made.packets, _PER_HOST * made.hosts)
    today = size[:, -1]
    enough = (made.packets[:, -1] >= view.threshold("detect_new_packets")) & (
        made.hosts[:, -1] >= view.threshold("detect_new_hosts")
    )
    rows = np.flatnonzero(enough & (usual <= view.threshold("detect_new_before")))
    if not rows.size:
        return []
    past = _past(made, size, seen, view.threshold("detect_new_before"))
    out = []
    for row in rows:
        chance = _chance(float(today[row]), past, int(seen[:-1].sum()))
        if chance <= view.threshold("detect_level_days"):
            out.append(_detection(view, made, int(row), float(usual[row]), chance, len(past)))
    return _once(out, found)


def _once(made: Sequence[Detection], found: Sequence[Detection]) -> list[Detection]:
    """Who tries hundreds of ports in a row makes all of them new: those that one AS carries are one change, with the largest of
    them by name. What was found already of that AS, or its country, tells it as it is."""
    by_source: dict[tuple[str, str], list[Detection]] = {}
    for one in made:
        country, asn = (
            next((p.key for p in one.parts if p.what == what and p.share >= _CARRIES), "") for what in ("country", "asn")
        )
        by_source.setdefault((country, asn), []).append(one)
    out: list[Detection] = []
    for (country, asn), mine in by_source.items():
        if asn in ("", "0") or len(mine) < _MANY:
            out += mine
        elif not any(not one.about.ports and _same(one.about, country, asn) for one in found):
            mine = sorted(mine, key=lambda one: -one.packets)
            ports = tuple(port for one in mine[:_PARTS] for port in one.about.ports)
            known = [one.usual for one in mine if one.usual is not None]
            out.append(
                replace(
                    mine[0],
                    about=About(ports, country or None, int(asn)),
                    start=min(one.start for one in mine),
                    end=None if any(one.end is None for one in mine) else max(one.end for one in mine if one.end is not None),
                    packets=sum(one.packets for one in mine),
                    usual=sum(known) if known else None,
                    reason={**mine[0].reason, "ports": len(mine)},
                )
            )
    return out


def _same(about: About, country: str, asn: str) -> bool:
    return about.asn == int(asn) or (about.asn is None and about.country is not None and about.country == country)


def _past(made: Courses, size: Floats, seen: levels.Bools, before: float) -> Floats:
    """How large ports were on days of the past on which they were new in the same sense, largest first."""
    days = size[:, :-1][:, seen[:-1]]
    counts = made.packets[:, :-1][:, seen[:-1]]
    others = (counts.sum(axis=1, keepdims=True) - counts) / max(1, counts.shape[1] - 1)
    some = days[(others <= before) & (days >= 1)]
    return np.asarray(-np.sort(-some))


def _chance(size: float, past: Floats, days: int) -> float:
    """How many such ports a day brings where nothing happens, by the past's largest: a Pareto tail (Hill's estimate by its
    median, so that what really happened counts little). Never rarer than a thousandth of what the days can tell."""
    if not past.size:
        return 1 / (days * max(2.0, size))
    top = past[: max(1, min(_TOP, past.size // 2))]
    least = float(top[-1])
    slope = math.log(2) / max(0.05, float(np.median(np.log(top / least)))) if top.size >= 5 else 1.5
    slope = min(slope, 4.0)
    return max(len(top) / days * (size / least) ** -slope, 1e-3 / days) if size > least else len(top) / days


def _detection(view: View, made: Courses, row: int, usual: float, chance: float, past: int) -> Detection:
    key = made.keys[row]
    port = (key[0], key[1])
    cells = view.cells.filter(pl.col("protocol") == port[0], pl.col("dst_port").eq_missing(pl.lit(port[1])))
    first = view.bounds(view.day)[0]
    cells = cells.filter(pl.col("time") >= first)
    times = cells["time"]
    start = times.min() if times.len() else first
    last = times.max() if times.len() else first
    begin = start if isinstance(start, dt.datetime) else first
    after = (last if isinstance(last, dt.datetime) else first) + dt.timedelta(hours=1)
    goes_on = view.hours[-1] + dt.timedelta(hours=1) - after <= dt.timedelta(hours=3)
    packets, hosts = float(made.packets[row, -1]), float(made.hosts[row, -1])
    return Detection(
        NEW_PORT,
        About(ports=(port,)),
        view.day,
        begin,
        end=None if goes_on else after,
        packets=packets,
        hosts=hosts,
        usual=usual * float(np.nan_to_num(view.days.watched[-1])),
        score=-math.log10(max(chance, 1e-300)),
        confidence="sure" if chance < 1e-4 else "likely" if chance < 1e-2 else "possible",
        parts=(*_parts(cells, "country"), *_parts(cells, "asn")),
        reason={
            "rule": "new_port",
            "usual_a_day": round(usual, 3),
            "days": int((~np.isnan(view.days.watched[:-1])).sum()),
            "new_ports_before": past,
            "a_day_by_chance": chance,
            "course": [round(float(n), 1) for n in made.packets[row]],
            "thresholds": {
                name: view.threshold(name)
                for name in ("detect_new_packets", "detect_new_hosts", "detect_new_before", "detect_level_days")
            },
        },
    )


def _parts(cells: pl.DataFrame, what: str) -> list[Part]:
    """Who tried it: of countries, or ASes, those with a twentieth or more."""
    whole = max(1, int(cells["packets"].sum()))
    summed = cells.group_by(what).agg(pl.col("packets").sum()).sort("packets", what, descending=[True, False])
    rows: list[tuple[Any, int]] = [(row[0], row[1]) for row in summed.iter_rows() if row[1] >= 0.05 * whole][:_PARTS]
    names = [str(key if key is not None else "" if what == "country" else 0) for key, _ in rows]
    return [Part(what, name, float(n), round(n / whole, 4)) for name, (_, n) in zip(names, rows, strict=True)]
