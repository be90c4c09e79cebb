"""The map: every country of the table is on it, the small as dots; links and names are only text."""

from __future__ import annotations

import re
import xml.dom.minidom as xml

from teiten.data import countries, world
from teiten.report import figures

HOSTILE = "<script>\"'&\x00"


def figure(**more: object) -> figures.WorldFigure:
    told = {"id": "world", "title": "Where from", "unit": "packets", "values": {"US": 500.0, "SG": 20.0, "HK": 3.0}, **more}
    return figures.WorldFigure(**told)  # type: ignore[arg-type]


def test_every_country_has_a_place() -> None:
    found = world.world()
    assert {*found.shapes, *found.dots} == set(countries.table()) - {"AQ"}
    assert "SG" in found.dots and "HK" in found.dots and "JP" in found.shapes
    for x, y in found.dots.values():
        assert 0 <= x <= found.width and 0 <= y <= found.height + 60


def test_shapes_lie_within_the_map() -> None:
    found = world.world()
    for code, path in found.shapes.items():
        for ring in path.split("M")[1:]:
            start, _, rest = ring.removesuffix("z").partition("l")
            x, y = (int(one) for one in start.split())
            steps = [int(one) for one in re.findall(r"-?\d+", rest)]
            for dx, dy in zip(steps[::2], steps[1::2], strict=True):
                x, y = x + dx, y + dy
                assert -2 <= x <= found.width + 2 and -40 <= y <= found.height + 40, code


def test_a_value_shades_its_country_and_leads_to_it() -> None:
    svg = figures.draw(figure(urls={"SG": "/country/SG?a=1&b=2"}, names={"SG": "シンガポール"}), lang="ja")
    link = re.search(r'<a href="/country/SG\?a=1&amp;b=2"[^>]*>(.*?)</a>', svg)
    assert link and "<circle" in link[1] and "シンガポール: 20" in link[1]
    assert svg.count("<a ") == 1, "who sent nothing leads nowhere"
    none = figures.LIGHT.heat[0]
    shades = {code: fill for fill, code in re.findall(r'fill="(#\w+)"[^>]*><title>(\w\w): \d', svg)}
    assert shades["US"] == figures.LIGHT.heat[-1] and shades["HK"] != none and shades["JP"] == none


def test_unknown_is_in_the_key() -> None:
    assert "不明 1,234" in figures.draw(figure(unknown=1234.0), lang="ja")
    assert figure(values={}).is_empty() and not figure(values={}, unknown=1.0).is_empty()


def test_hostile_text_is_only_text() -> None:
    svg = figures.draw(figure(names={"US": HOSTILE}, urls={"US": HOSTILE}, unit=HOSTILE), lang="en")
    xml.parseString(svg.encode())
    assert "<script>" not in svg and "<a " not in svg
    assert "<a " not in figures.draw(figure(urls={"US": "javascript:alert(1)", "SG": "//elsewhere.example/"}))
