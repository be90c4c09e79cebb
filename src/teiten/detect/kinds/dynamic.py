"""Of what changed: do its sources sit in ranges that providers allot dynamically? Told by PTR names, where these are known.

The daily overview looks the sources of a port up and finds PCs likelier than servers. So for each change of a port its sources
of the day are asked for; of those whose names say how they are allotted (`classify.allocation`) so many must be dynamic that
chance does not explain it. Without names nothing is told: what nobody looked up is not known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import polars as pl

from teiten.classify import allocation
from teiten.detect.model import (
    BURST,
    CAMPAIGN,
    DYNAMIC,
    FALLING,
    HIGH,
    NEW_PORT,
    RISING,
    SPREADING,
    Detection,
)
from teiten.detect.view import View

KINDS: Final = (DYNAMIC,)
ORDER: Final = 45
_OF: Final = frozenset({BURST, CAMPAIGN, FALLING, HIGH, NEW_PORT, RISING, SPREADING})
MOST: Final = 2_000
"""sources of a change that are looked at, busiest first"""
CHANGES: Final = 10
"""changes of a day that are looked at, most telling first"""
LEAST: Final = 10
"""sources whose names tell something, below which nothing is said"""


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """One for each change whose sources' names say so."""
    if view.asked is None:
        return []
    changes = [one for one in found if one.kind in _OF and one.about.ports and (one.kind != BURST or one.sources != "few")]
    changes = sorted(changes, key=lambda d: (-d.score, d.kind, d.about.text()))[:CHANGES]
    start, end = view.bounds(view.day)
    end = min(end, view.upto) if view.upto else end
    sources = {}
    for one in changes:
        if one.about not in sources:
            # what came within hours is asked for its hours, the rest for the day
            since, until = (max(start, one.start), min(end, one.end or end)) if one.kind == BURST else (start, end)
            sources[one.about] = one, view.asked.sources(one.about, since, until, MOST)
    every = sorted({src for _, rows in sources.values() for src in rows["src_ip"]})
    if not every:
        return []
    says = _allocations(view.asked.names(every, view.day))
    told = [_told(view, one, rows, says) for one, rows in sources.values()]
    return [one for one in told if one is not None]


def _allocations(names: pl.DataFrame) -> dict[bytes, allocation.Allocation]:
    """Address -> how it is allotted; of several names the one that says something counts, and dynamic before fixed."""
    out: dict[bytes, allocation.Allocation] = {}
    order = ("unknown", "fixed", "dynamic")
    for src, name in names.select("src_ip", "name").iter_rows():
        said = allocation.of_name(name, src)
        if order.index(said) > order.index(out.get(src, "unknown")):
            out[src] = said
    return out


def _told(view: View, one: Detection, rows: pl.DataFrame, says: dict[bytes, allocation.Allocation]) -> Detection | None:
    found = [says[src] for src in rows["src_ip"] if src in says]
    dynamic, telling = found.count("dynamic"), len(found)
    least = view.threshold("detect_dynamic_share")
    if telling < max(LEAST, view.threshold("detect_dynamic_named") * rows.height) or _below(dynamic, telling) <= least:
        return None
    mine = rows.filter(pl.Series([says.get(src) == "dynamic" for src in rows["src_ip"]], dtype=pl.Boolean))
    return Detection(
        DYNAMIC,
        one.about,
        view.day,
        one.start,
        one.end,
        packets=float(mine["packets"].sum()),
        hosts=float(dynamic),
        measure="hosts",
        score=min(one.score, 4.0),
        confidence="likely",
        reason={
            "series": "sources of a change by what their PTR names say", "of": one.id, "share": round(dynamic / telling, 3),
            "hosts": rows.height, "named": telling, "dynamic": dynamic, "threshold": least,
        },
    )  # fmt: skip


def _below(hits: int, n: int) -> float:
    """The lower end of Wilson's interval (95 %) of a share."""
    z, share = 1.96, hits / n
    middle = share + z * z / (2 * n)
    return (middle - z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))) / (1 + z * z / n)
