"""Letters read from the font as shapes."""

from __future__ import annotations

import re

import pytest

from teiten.data import fonts
from teiten.report.figures import _outlines


def extent(path: str) -> tuple[float, float]:
    """How far right and how far up the end points of a path of relative commands go."""
    x = y = right = up = 0.0
    for command, numbers in re.findall(r"([Mmlhvc])([^Mmlhvc]*)", path):
        values = [float(v) for v in re.findall(r"-?[\d.]+(?:e-?\d+)?", numbers)]
        dx, dy = {"h": (values[0], 0.0), "v": (0.0, values[0])}.get(command, [*values[-2:], 0.0][:2])
        x, y = x + dx, y + dy
        right, up = max(right, x), min(up, y)
    return right, -up


def test_every_glyph_can_be_read() -> None:
    for point, width in fonts.widths().items():
        right, up = extent(_outlines.outline(chr(point)))
        assert right <= max(width, 250) * 1.35 + 60, chr(point)
        assert up < 1400, chr(point)


def test_shapes_are_the_letters() -> None:
    assert _outlines.outline(" ") == ""
    right, up = extent(_outlines.outline("H"))
    assert 500 < right < 750 and 700 < up < 760, "capitals are 733 high"
    assert _outlines.outline("観").count("m") >= 5
    assert _outlines.outline("|").count("m") == 1


def test_what_the_font_lacks_is_its_empty_box() -> None:
    assert _outlines.outline("\U00020089") == _outlines.outline("\ue000") != ""


def test_a_damaged_font_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    _outlines.outline.cache_clear()
    monkeypatch.setattr(_outlines, "_font", lambda: ({65: 0}, lambda glyph: b"\x0f"))
    with pytest.raises(_outlines.DataError, match="damaged"):
        _outlines.outline("A")
    _outlines.outline.cache_clear()
