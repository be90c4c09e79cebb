"""Announced scanner: the source's PTR name is one that an organisation's scanners have.

The name is of the user's table, or was looked up and has the source's address itself (forward-confirmed); then it is surer.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any

import polars as pl

from teiten.classify.rules import FOUND, Material, Rule, evidence, nothing
from teiten.classify.watchlists import CONFIRMED, Match

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

    def row(src: bytes, day: dt.date, name: str, sure: bool | None, asked: dt.date | None) -> tuple[Any, ...] | None:
        hit = ask(name, day)
        if hit is None:
            return None
        said = (name, hit.prefix, bool(sure), asked.isoformat() if asked else None, hit.page)
        return (src, day, hit.organisation, hit.list, hit.list_version, CONFIRMED if sure else hit.confidence, *said)

    # confirmed names come first
    ordered = known.sort("src_ip", "day", "confirmed", "name", nulls_last=True)
    rows = [said for one in ordered.iter_rows() if (said := row(*one))]
    if not rows:
        return nothing()
    kept = {k: v for k, v in FOUND.items() if k != "evidence"}
    told = {"name": pl.String(), "pattern": pl.String(), "confirmed": pl.Boolean(), "asked": pl.String(), "page": pl.String()}
    frame = pl.DataFrame(rows, schema=kept | told, orient="row").unique(["src_ip", "day"], keep="first", maintain_order=True)
    found = frame.join(material.sources, on=["src_ip", "day"])
    return found.with_columns(evidence("packets", "ports", *told)).select(list(FOUND))
