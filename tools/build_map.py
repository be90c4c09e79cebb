"""Builds the package's map of the world: src/teiten/data/world.json.

The shapes are Natural Earth's (1:50m, public domain), as the npm package world-atlas brings them; npm only fetches them. Beside
the development tools this needs shapely, once:

    cd $(mktemp -d) && npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python3 -m venv own && own/bin/pip install shapely iso3166
    own/bin/python tools/build_map.py package/countries-50m.json

The map is Equal Earth (Savric, Patterson, Jenny 2018), which keeps areas, around 150 degrees east: Japan stands in the middle,
and the cut runs through the Atlantic. Antarctica is left out. What several states claim, or few recognise, has no code: it is
drawn as land, in no country's colour.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import math
from pathlib import Path
from typing import Any

import iso3166
import shapely
from shapely import affinity
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.ops import unary_union

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "src" / "teiten" / "data" / "world.json"
CENTRE = 150.0
WIDTH = 2000
"""units across; coordinates are whole"""
TOLERANCE = 1.4
"""units; borders are simplified together, so that they still touch"""
LEAST = 4.0
"""square units below which an island is left out"""
SMALL = 42.0
"""square units below which a country is a dot"""
SOUTH = -56.0

NO_CODE = {"Somaliland", "N. Cyprus", "Siachen Glacier"}
CLAIMED = [("RU", box(32.0, 44.2, 36.62, 46.25)), ("RU", box(145.2, 43.2, 149.0, 45.6))]
"""parts of a shape that others claim: Crimea; the four islands off Hokkaido"""
PARTS = {
    "FR": {"GF": (-55, 2, -51, 6.5), "GP": (-62, 15.8, -60.9, 16.6), "MQ": (-61.4, 14.3, -60.7, 15),
           "RE": (55, -21.6, 56, -20.7), "YT": (44.9, -13.2, 45.5, -12.5)},
    "NO": {"SJ": (10, 74, 35, 82), "BV": (3, -55, 4, -54)},
    "NL": {"BQ": (-69, 12, -62, 18)},
    "Indian Ocean Ter.": {"CX": (105, -11, 106, -10), "CC": (96, -13, 97.5, -11.5)},
}  # fmt: skip
"""lands that have a code of their own and lie in another's shape: longitude and latitude of their corners"""
DOTS = {
    "GI": (-5.35, 36.14), "TV": (179.2, -8.5), "TK": (-171.8, -9.2), "CX": (105.65, -10.5),
    "CC": (96.85, -12.15), "BQ": (-68.25, 12.2),
    "BV": (3.4, -54.4), "GP": (-61.5, 16.25), "MQ": (-61.0, 14.65), "RE": (55.5, -21.1), "YT": (45.15, -12.8),
    "UM": (166.6, 19.3),
    "XK": (20.9, 42.6),
}  # fmt: skip
"""where lands lie that are too small for the scale of 1:50m"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("topology", type=Path, help="countries-50m.json of world-atlas")
    args = parser.parse_args()
    numbers = {one.numeric: one.alpha2 for one in iso3166.countries}
    lands = by_code(json.loads(args.topology.read_text(encoding="utf-8")), numbers)
    scale, left, top, height = frame()
    codes = sorted(lands)
    flat = [affinity.affine_transform(projected(turned(lands[code])), [scale, 0, 0, -scale, left, top]) for code in codes]
    thin = shapely.coverage_simplify(flat, TOLERANCE)
    shapes: dict[str, str] = {}
    dots: dict[str, list[int]] = {}
    for code, whole, shape in zip(codes, flat, thin, strict=True):
        polygons = [one for one in parts_of(shape) if one.area >= LEAST]
        if code and whole.area < SMALL:
            place = max(parts_of(whole), key=lambda one: one.area).representative_point()
            dots[code] = [round(place.x), round(place.y)]
        if path := "".join(drawn(one) for one in polygons):
            shapes[code] = path
    for code, (lon, lat) in DOTS.items():
        if code not in shapes and code not in dots:
            x, y = equal_earth((lon - CENTRE + 540) % 360 - 180, lat)
            dots[code] = [round(left + x * scale), round(top - y * scale)]
    known = {row["alpha2"] for row in csv.DictReader((OUT.parent / "countries.csv").open(encoding="utf-8"))}
    print("not in our table:", sorted({*shapes, *dots} - known - {""}), "not on the map:", sorted(known - {*shapes, *dots}))
    told = {
        "source": "Natural Earth 1:50m, version 4.1.0 (world-atlas 2.0.2)",
        "licence": "public domain",
        "url": "https://www.naturalearthdata.com/",
        "width": WIDTH,
        "height": height,
        "land": shapes.pop("", ""),
        "shapes": dict(sorted(shapes.items())),
        "dots": dict(sorted(dots.items())),
    }
    text = json.dumps(told, ensure_ascii=False, indent=0, separators=(",", ":"))
    OUT.write_text(text + "\n", encoding="utf-8")
    print(len(text), "bytes,", len(shapes), "shapes,", len(dots), "dots,", height, "high")


def by_code(topology: dict[str, Any], numbers: dict[str, str]) -> dict[str, Any]:
    """Alpha-2 code -> shape in degrees; '' holds what has none."""
    arcs = decoded(topology)
    found: dict[str, list[Any]] = {}
    for one in topology["objects"]["countries"]["geometries"]:
        name = one["properties"]["name"]
        code = "XK" if name == "Kosovo" else numbers.get(str(one.get("id", "")).zfill(3), "")
        if code == "AQ":
            continue
        shape = geometry(one, arcs)
        for other, corners in PARTS.get(code or name, {}).items():
            inside = [p for p in parts_of(shape) if box(*corners).contains(p.representative_point())]
            if inside:
                found.setdefault(other, []).append(unary_union(inside))
                shape = shape.difference(unary_union(inside))
        for owner, place in CLAIMED:
            if owner == code:
                found.setdefault("", []).append(shape.intersection(place))
                shape = shape.difference(place)
        assert code or name in NO_CODE or name in PARTS, name
        if not shape.is_empty:
            found.setdefault(code, []).append(shape)
    return {code: unary_union(shapes) for code, shapes in found.items()}


def decoded(topology: dict[str, Any]) -> list[list[tuple[float, float]]]:
    """The arcs in degrees."""
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    out = []
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * sx + tx, y * sy + ty))
        out.append(points)
    return out


def geometry(one: dict[str, Any], arcs: list[list[tuple[float, float]]]) -> Any:
    def ring(numbers: list[int]) -> list[tuple[float, float]]:
        points: list[tuple[float, float]] = []
        for number in numbers:
            arc = arcs[number] if number >= 0 else arcs[~number][::-1]
            points += arc[1:] if points else arc
        # a ring that crosses the 180th meridian goes on beyond it
        out = points[:1]
        for x, y in points[1:]:
            out.append((x - 360 * round((x - out[-1][0]) / 360), y))
        return out

    polygons = [one["arcs"]] if one["type"] == "Polygon" else one["arcs"]
    made = [Polygon(ring(rings[0]), [ring(hole) for hole in rings[1:]]) for rings in polygons]
    return unary_union([shape if shape.is_valid else shapely.make_valid(shape) for shape in made])


def turned(shape: Any) -> Any:
    """Degrees from the middle of the map, -180 to 180; what the cut parts is two."""
    low = CENTRE - 180  # the meridian of the cut
    pieces = [
        affinity.translate(shape.intersection(box(low + turn, SOUTH, low + turn + 360, 90)), -CENTRE - turn)
        for turn in (-360, 0, 360)
    ]
    return unary_union([one for one in pieces if not one.is_empty])


A1, A2, A3, A4 = 1.340264, -0.081106, 0.000893, 0.003796


def equal_earth(lon: float, lat: float) -> tuple[float, float]:
    """Degrees -> the plane of a sphere of radius 1."""
    t = math.asin(math.sqrt(3) / 2 * math.sin(math.radians(lat)))
    x = 2 * math.sqrt(3) * math.radians(lon) * math.cos(t) / (3 * (9 * A4 * t**8 + 7 * A3 * t**6 + 3 * A2 * t**2 + A1))
    return x, A4 * t**9 + A3 * t**7 + A2 * t**3 + A1 * t


def projected(shape: Any) -> Any:
    return shapely.transform(shape, lambda points: [equal_earth(x, y) for x, y in points])


def frame() -> tuple[float, float, float, int]:
    """Scale, and how far the plane is moved right and down, and how high the map is."""
    right = equal_earth(180, 0)[0]
    north, south = equal_earth(0, 83.7)[1], equal_earth(0, SOUTH)[1]
    scale = WIDTH / (2 * right)
    return scale, WIDTH / 2, north * scale, round((north - south) * scale)


def parts_of(shape: Any) -> list[Any]:
    if isinstance(shape, Polygon):
        return [shape]
    return [one for one in getattr(shape, "geoms", []) if isinstance(one, Polygon | MultiPolygon) for one in parts_of(one)]


def drawn(shape: Any) -> str:
    """An SVG path in whole units, each point from the one before."""
    out = []
    for ring in (shape.exterior, *shape.interiors):
        points = [(round(x), round(y)) for x, y in ring.coords]
        kept = [points[0]]
        for point in points[1:-1]:
            if point != kept[-1]:
                kept.append(point)
        if len(kept) < 3:
            continue
        steps = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(kept)]
        out.append(f"M{kept[0][0]} {kept[0][1]}l" + " ".join(f"{x} {y}" for x, y in steps).replace(" -", "-") + "z")
    return "".join(out)


if __name__ == "__main__":
    main()
