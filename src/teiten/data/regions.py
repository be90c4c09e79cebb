"""Regions of the world: which one a country or territory belongs to, for graphs by region of the source.

The table is `regions.csv`. Its regions are those of the United Nations' M49 standard, put together where they are small:
Eastern and South-eastern Asia stand by themselves, Western with Central Asia, Northern, Southern and Western Europe together.
What M49 has not (Kosovo, Taiwan) is where its neighbours are. The names that readers see are in `lang/`.
"""

from __future__ import annotations

import csv
import functools
from importlib import resources
from typing import Final

REGIONS: Final = (
    "east_asia", "southeast_asia", "south_asia", "west_asia", "north_america", "latin_america", "west_europe", "east_europe",
    "africa", "oceania", "antarctica",
)  # fmt: skip
"""the regions, in the order in which they are listed"""


@functools.cache
def table() -> dict[str, str]:
    """Country code -> region, in the order of the codes."""
    text = resources.files("teiten.data").joinpath("regions.csv").read_text(encoding="utf-8")
    return {row["alpha2"]: row["region"] for row in csv.DictReader(text.splitlines())}


@functools.cache
def members(region: str) -> tuple[str, ...]:
    """The codes of a region's countries. KeyError for a region that there is not."""
    if region not in REGIONS:
        raise KeyError(region)
    return tuple(code for code, own in table().items() if own == region)
