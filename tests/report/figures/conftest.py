"""What the tests of charts share: the gallery's figures, and a way to see whether texts stand clear of each other."""

from __future__ import annotations

import importlib.util
import itertools
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from teiten.report import figures
from teiten.report.figures import Figure

GALLERY = Path(__file__).parents[3] / "tools" / "gallery.py"


def _gallery() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gallery", GALLERY)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def gallery() -> dict[str, Callable[[str], Figure]]:
    """Name -> a function that makes the figure in a language."""
    made: dict[str, Callable[[str], Figure]] = _gallery().FIGURES
    return made


def _faults(figure: Figure, width: float, lang: str) -> list[str]:
    sheet = figures.sheet(figure, width=width, lang=lang)
    out = []
    for box in sheet.boxes:
        inside = box.left >= -0.01 and box.right <= width + 0.01 and box.top >= 0 and box.bottom <= sheet.y
        if not inside:
            out.append(f"outside: {box}")
    for one, other in itertools.combinations(sheet.boxes, 2):
        if one.overlaps(other):
            out.append(f"overlap: {one} {other}")
    svg = figures.draw(figure, width=width, lang=lang)
    root = ET.fromstring(svg)
    allowed = {"svg", "title", "desc", "defs", "pattern", "rect", "line", "path", "circle", "text"}
    for element in root.iter():
        tag = element.tag.removeprefix("{http://www.w3.org/2000/svg}")
        if tag not in allowed:
            out.append(f"element: {tag}")
        for name, value in element.attrib.items():
            if name == "style" or name.startswith("on") or "href" in name or "nan" in value.split() or "inf" in value.split():
                out.append(f"attribute: {name}={value}")
            if "url(" in value and not value.startswith(f"url(#{root.attrib['aria-labelledby'].split()[0][:-6]}-"):
                out.append(f"reference: {value}")
    return out


@pytest.fixture(scope="session")
def faults() -> Callable[[Figure, float, str], list[str]]:
    """(figure, width, lang) -> what is wrong with its drawing: texts that touch or are cut, markup that may not be there."""
    return _faults
