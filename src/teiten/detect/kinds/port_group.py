"""Ports tried by the same sources: of those that something is told of today, which belong together because the sources do.

Needs single sources (`view.asked`). The table of port groups is not asked: what is one doing shows in who does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from teiten.detect.days import within
from teiten.detect.model import BURST, NEW_PORT, PORT_GROUP, RISING, About, Detection, Part, Port
from teiten.detect.view import View

KINDS: Final = (PORT_GROUP,)
ORDER: Final = 32
_MOST: Final = 40
"""ports that are looked at, the most telling first"""
_ONE: Final = 0.8
"""of the shared sources: so many of one country or AS make it that one's"""


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """Groups of ports among those that rose on the view's day."""
    if view.asked is None:
        return []
    rose = [one for one in sorted(found, key=lambda d: -d.score) if one.kind in (BURST, NEW_PORT, RISING) and one.about.ports]
    ports = list(dict.fromkeys(port for one in rose for port in one.about.ports if port[1] is not None))[:_MOST]
    if len(ports) < 2:
        return []
    first, after = view.bounds(view.day)
    least = int(view.threshold("detect_group_sources"))
    pairs = view.asked.pairs(first, min(after, view.upto or after), least)
    out = []
    for group, sources in together(pairs, ports, view.threshold("detect_group_share"), least):
        if any(set(group) <= set(one.about.ports) for one in rose):
            continue  # told as one already
        out.append(_detection(view, group, sources, [one for one in rose if set(one.about.ports) & set(group)]))
    return out


def together(
    pairs: pl.DataFrame, ports: Sequence[Port], share: float, least: int
) -> list[tuple[tuple[Port, ...], pl.DataFrame]]:
    """Groups of those ports, each with the rows of the sources that tried two of them or more. Two ports belong together where
    `share` of the sources of each, `least` at least, tried the other; groups are what hangs together so."""
    wanted = pl.DataFrame(
        {"protocol": [p for p, _ in ports], "dst_port": [n for _, n in ports]},
        schema={"protocol": pairs.schema["protocol"], "dst_port": pairs.schema["dst_port"]},
    )
    some = pairs.join(wanted, on=["protocol", "dst_port"]).unique(["src_ip", "protocol", "dst_port"])
    of: dict[Port, int] = {(a, b): n for a, b, n in some.group_by("protocol", "dst_port").len().iter_rows()}
    both = some.select("src_ip", "protocol", "dst_port")
    shared = both.join(both, on="src_ip", suffix="_2").group_by("protocol", "dst_port", "protocol_2", "dst_port_2").len()
    near: dict[Port, set[Port]] = {port: {port} for port in of}
    for a, b, c, d, n in shared.iter_rows():
        one, other = (a, b), (c, d)
        if one < other and n >= least and n >= share * max(of[one], of[other]):
            merged = near[one] | near[other]
            for port in merged:
                near[port] = merged
    groups = sorted({tuple(sorted(group)) for group in near.values() if len(group) > 1})
    out = []
    for group in groups:
        inside = some.filter(within(About(ports=group)))
        several = inside.group_by("src_ip").len().filter(pl.col("len") > 1)
        out.append((group, inside.join(several.select("src_ip"), on="src_ip")))
    return out


def _detection(view: View, group: tuple[Port, ...], rows: pl.DataFrame, those: Sequence[Detection]) -> Detection:
    hosts = rows["src_ip"].n_unique()
    packets = float(rows["packets"].sum())
    sources = rows.unique("src_ip")
    country: str | None = _one(sources, "country", hosts)
    asn: int | None = _one(sources, "asn", hosts)
    by_port = rows.group_by("protocol", "dst_port").agg(pl.col("packets").sum()).sort("packets", descending=True)
    parts = [
        Part("port", f"{number}/{protocol}", float(n), round(n / max(1.0, packets), 4))
        for protocol, number, n in by_port.iter_rows()
    ]
    usual = sum(one.usual or 0.0 for one in those)
    ends = [one.end for one in those]
    return Detection(
        PORT_GROUP,
        About(ports=group, country=country, asn=asn),
        view.day,
        min(one.start for one in those),
        end=None if None in ends else max(end for end in ends if end is not None),
        packets=packets,
        hosts=float(hosts),
        usual=usual,
        times=packets / usual if usual >= 0.5 else None,
        score=max(one.score for one in those),
        confidence="sure" if hosts >= 20 else "likely",
        parts=tuple(parts),
        sources="few" if hosts <= 5 else "many",
        reason={
            "rule": "port_group",
            "hosts": hosts,
            "ports": len(group),
            "thresholds": {name: view.threshold(name) for name in ("detect_group_share", "detect_group_sources")},
        },
    )


def _one(sources: pl.DataFrame, what: str, hosts: int) -> Any:
    """The country (or AS) of nearly all of them, if there is one that is known."""
    top = sources.group_by(what).len().sort("len", what, descending=[True, False]).row(0)
    return top[0] if top[1] >= _ONE * hosts else None
