"""Many hosts that try few ports, each with few packets: named where a change of the day is theirs.

The other end of `few_many`: what many infected machines do, beside what a handful of hosts does. That a change is there is
found by what counts packets and hosts (bursts, levels, new ports); here it is looked at who makes it. Told where the change is
of at most `few_ports` ports and of no single AS, where `detect_many_hosts` hosts more than usual take part, each with at most
`detect_many_packets` packets on average, and, where single sources can be asked for, where hosts that tried few ports in all
are nine tenths of those there (`classify.few_many`). A host is counted once in each hour where they cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from teiten.detect.model import BURST, HIGH, MANY_FEW, NEW_PORT, RISING, SPREADING, Detection, Port
from teiten.detect.usual import cells_of
from teiten.detect.view import View

KINDS: Final = (MANY_FEW,)
ORDER: Final = 64
_OF: Final = (SPREADING, NEW_PORT, RISING, HIGH, BURST)
"""changes that may be theirs, the one that says most first"""
_MOSTLY: Final = 0.9
"""share of the hosts that try few ports"""
_HALF: Final = 0.5
"""share of the packets that come from these"""
_LESS: Final = 0.99
"""of the score of the change itself: that is told first"""


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """One for each change of the day's that many hosts with few packets each make."""
    out: list[Detection] = []
    told: list[tuple[set[Port], str | None]] = []
    for one in sorted(found, key=lambda d: (_OF.index(d.kind) if d.kind in _OF else len(_OF), -d.score, d.about.text())):
        ports = set(one.about.ports)
        if one.kind not in _OF or not 1 <= len(ports) <= view.threshold("few_ports") or one.about.asn is not None:
            continue
        if any(ports & known and one.about.country in (land, None) for known, land in told):
            continue  # the same hosts
        made = _theirs(view, one)
        if made is not None:
            out.append(made)
            told.append((ports, one.about.country))
    return out


def _theirs(view: View, one: Detection) -> Detection | None:
    start, end = max(one.start, view.bounds(view.day)[0]), min(one.end or view.bounds(view.day)[1], view.bounds(view.day)[1])
    more, hosts = _more(view, one, start, end)
    if hosts < view.threshold("detect_many_hosts") or more > view.threshold("detect_many_packets") * hosts:
        return None
    reason: dict[str, Any] = {
        "of": one.id, "kind": one.kind, "ports": len(one.about.ports), "hours_of_hosts": round(hosts, 1),
        "packets": round(more, 1),
        "thresholds": {name: view.threshold(name) for name in ("detect_many_hosts", "detect_many_packets", "few_ports")},
    }  # fmt: skip
    distinct: float | None = None
    if view.asked is not None:
        seen = view.asked.breadth(one.about, start, min(end, view.upto) if view.upto else end)
        few = seen.hosts_few >= _MOSTLY * seen.hosts and seen.packets_few >= _HALF * seen.packets
        light = seen.packets <= view.threshold("detect_many_packets") * seen.hosts
        if not few or not light or seen.hosts < view.threshold("detect_many_hosts"):
            return None
        distinct = float(seen.hosts)
        reason |= {
            "hosts": seen.hosts, "hosts_with_few_ports": seen.hosts_few, "each": round(seen.packets / seen.hosts, 2),
            "series": "sources of the change, and the ports that each of them tried in the same hours",
        }  # fmt: skip
    return replace(
        one, kind=MANY_FEW, score=_LESS * one.score, measure="hosts", hosts=distinct, times=None, sources="many", parts=(),
        reason=reason,
    )  # fmt: skip


def _more(view: View, one: Detection, start: Any, end: Any) -> tuple[float, float]:
    """Packets, and hosts of each hour, beyond those of the same hours of the days before."""
    hours = [n for n, hour in enumerate(view.hours) if start <= hour < end]
    series = view.series(only=cells_of(one.about, view.groups))
    packets, hosts = series.packets[0], series.hosts[0]
    clock = np.array([hour.hour for hour in view.local])
    before = np.arange(len(view.hours)) < view.today.start
    exposure = view.exposure
    out = []
    for counts in (packets, hosts):
        usual = 0.0
        for n in hours:
            same = before & (clock == clock[n]) & (exposure > 0)
            usual += exposure[n] * float(np.median(counts[same] / exposure[same])) if same.any() else 0.0
        out.append(max(0.0, float(counts[hours].sum()) - usual))
    return out[0], out[1]
