"""The map of the world: shapes of countries in whole units, and where those too small for a shape lie.

The table is `world.json`, made by `tools/build_map.py` from Natural Earth (public domain): Equal Earth around 150 degrees east.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class World:
    """shapes: code -> SVG path; dots: code -> x, y; land: a path of what has no code. All in units, width x height of them."""

    width: int
    height: int
    land: str
    shapes: dict[str, str]
    dots: dict[str, tuple[int, int]]
    source: str


@functools.cache
def world() -> World:
    """The map."""
    told = json.loads(resources.files("teiten.data").joinpath("world.json").read_text(encoding="utf-8"))
    dots = {code: (int(x), int(y)) for code, (x, y) in told["dots"].items()}
    return World(told["width"], told["height"], told["land"], told["shapes"], dots, told["source"])
