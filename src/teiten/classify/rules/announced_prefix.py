"""Announced scanner: the source's address lies in a prefix that an organisation announced, valid on that day."""

from __future__ import annotations

import polars as pl

from teiten.classify.rules import FOUND, Material, Rule, evidence, nothing

RULE = Rule(
    id="announced_prefix",
    order=10,
    label="announced_scanner",
    because={
        "en": "its address lies in a prefix that the organisation announced, or that a published list names as its own",
        "ja": "組織が公表したプレフィックス、または公開リストがその組織のものとするプレフィックスに含まれる",
    },
    source="NICTER (NICT), observation statistics: scanners of organisations by their published addresses; the list named",
    needs=("sources", "lists"),
    counts=("ports",),
)


def judge(material: Material) -> pl.DataFrame:
    """The best statement of the lists on each source and day; what else the lists say stands in the evidence (`also`)."""
    said = material.watchlists.match_frame(material.sources)
    if not said.height:
        return nothing()
    also = pl.concat_str(pl.col("organisation"), pl.lit(" ("), pl.col("list"), pl.lit(" "), pl.col("list_version"), pl.lit(")"))
    best = said.with_columns(also.alias("also")).group_by("src_ip", "day", maintain_order=True)
    found = best.agg(pl.exclude("also").first(), pl.col("also").slice(1).head(4))
    told = evidence(
        "packets",
        "ports",
        "prefix",
        pl.col("list_date").cast(pl.String),
        pl.col("valid_from").cast(pl.String),
        pl.col("valid_to").cast(pl.String),
        "page",
        "also",
    )
    return found.with_columns(told, pl.col("organisation").alias("value")).select(list(FOUND))
