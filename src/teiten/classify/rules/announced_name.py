"""Announced scanner: the source's PTR name, as a table of the user's gives it, is one that an organisation's scanners have."""

from __future__ import annotations

import datetime as dt
import functools

import polars as pl

from teiten.classify.rules import FOUND, Material, Rule, evidence, nothing
from teiten.classify.watchlists import Match

RULE = Rule(
    id="announced_name",
    order=20,
    label="announced_scanner",
    because={
        "en": "its PTR name belongs to an organisation that is known to scan",
        "ja": "逆引き名(PTR)が、スキャンを行うことで知られる組織のものである",
    },
    source="NICTER (NICT), observation statistics: scanners of organisations by their PTR names; the list named",
    needs=("sources", "lists", "names"),
    counts=("ports",),
)


def judge(material: Material) -> pl.DataFrame:
    """The first pattern that holds a name of the source on that day. Nothing where the user gives no names."""
    if material.names is None:
        return nothing()
    known = material.names.of(material.sources)

    @functools.cache
    def ask(name: str, day: dt.date) -> Match | None:
        return next(iter(material.watchlists.match_name(name, day)), None)

    rows = [
        (src, day, hit.organisation, hit.list, hit.list_version, hit.confidence, name, hit.prefix, hit.page)
        for src, day, name in known.sort("src_ip", "day", "name").iter_rows()
        if (hit := ask(name, day))
    ]
    if not rows:
        return nothing()
    kept = {k: v for k, v in FOUND.items() if k != "evidence"}
    frame = pl.DataFrame(
        rows, schema={**kept, "name": pl.String(), "pattern": pl.String(), "page": pl.String()}, orient="row"
    ).unique(["src_ip", "day"], keep="first", maintain_order=True)
    found = frame.join(material.sources, on=["src_ip", "day"])
    return found.with_columns(evidence("packets", "ports", "name", "pattern", "page")).select(list(FOUND))
