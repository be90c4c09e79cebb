"""Campaigns: one network's doing over several ports, today and on days before; told once instead of port by port."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from teiten.detect.days import PORT, courses
from teiten.detect.model import BURST, CAMPAIGN, NEW_PORT, PORT_GROUP, RISING, About, Detection, Part, Port
from teiten.detect.view import View

KINDS: Final = (CAMPAIGN,)
ORDER: Final = 34
_PORTS: Final = 3
"""that a network's changes of a day concern, at least"""
_CARRIES: Final = 0.8
"""of a change's excess: what has so much of it does it"""
_AGAIN: Final = 0.5
"""of today's packets: a day before on which the same network had so many at these ports is one of the campaign"""
_DAYS: Final = 7


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """Networks of which changes are told at three ports or more on the view's day."""
    by_network: dict[int, list[Detection]] = {}
    for one in found:
        network = _network(one)
        if one.kind in (BURST, NEW_PORT, RISING, PORT_GROUP) and one.about.ports and network:
            by_network.setdefault(network, []).append(one)
    out = []
    for network, those in sorted(by_network.items()):
        ports = sorted({port for one in those for port in one.about.ports}, key=str)
        if len(ports) >= _PORTS and len(those) > 1:
            out.append(_detection(view, network, tuple(ports), those))
    return out


def _network(one: Detection) -> int | None:
    """The AS that does it: the detection's own, or the part that carries it."""
    if one.about.asn is not None:
        return one.about.asn
    parts = [part for part in one.parts if part.what == "asn" and part.share >= _CARRIES]
    return int(parts[0].key) if parts and parts[0].key.isdigit() else None


def _detection(view: View, network: int, ports: tuple[Port, ...], those: Sequence[Detection]) -> Detection:
    made = courses(view.days, *PORT, only=pl.col("asn") == network)
    rows = [row for row, key in enumerate(made.keys) if (key[0], key[1]) in ports]
    daily = made.packets[rows].sum(axis=0) if rows else np.zeros(len(view.days.dates))
    before = [
        place for place in range(max(0, len(daily) - 1 - _DAYS), len(daily) - 1) if daily[place] >= _AGAIN * daily[-1] > 0
    ]
    packets = sum(one.packets for one in those)
    usual = sum(one.usual or 0.0 for one in those)
    countries = {one.about.country for one in those}
    hosts = sum(one.hosts or 0.0 for one in those)
    start = min([one.start for one in those])
    ends = [one.end for one in those]
    parts = [
        Part("port", About(ports=(port,)).text().split("|")[0], _of(those, port), _of(those, port) / max(1.0, packets))
        for port in ports
    ]
    return Detection(
        CAMPAIGN,
        About(ports=ports, country=countries.pop() if len(countries) == 1 else None, asn=network),
        view.day,
        view.bounds(view.days.dates[before[0]])[0] if before else start,
        end=None if None in ends else max(end for end in ends if end is not None),
        packets=packets,
        hosts=hosts,
        usual=usual,
        times=packets / usual if usual >= 0.5 else None,
        score=max(one.score for one in those),
        confidence="likely",
        parts=tuple(sorted(parts, key=lambda part: (-part.packets, part.key))),
        sources="few" if hosts <= 5 else None,
        reason={
            "rule": "campaign",
            "ports": len(ports),
            "days": len(before) + 1,
            "hosts": round(hosts),
            "detections": [one.id for one in those],
            "course": [round(float(n), 1) for n in daily],
        },
    )


def _of(those: Sequence[Detection], port: Port) -> float:
    return sum(one.packets / len(one.about.ports) for one in those if port in one.about.ports)
