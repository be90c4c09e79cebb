"""What the tests of charts share: the gallery's figures, and a way to see whether texts stand clear of each other."""

from __future__ import annotations

import importlib.util
import itertools
import struct
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
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


def _pixels(png: bytes) -> np.ndarray:
    """A PNG of 8-bit RGBA -> array of height x width x 4."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert (depth, kind) == (8, 6)
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    raw = zlib.decompress(data)
    stride = width * 4
    before, out = bytearray(stride), []
    for y in range(height):
        kind, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1 : (y + 1) * (stride + 1)])
        _unfilter(kind, line, before)
        out.append(bytes(line))
        before = line
    return np.frombuffer(b"".join(out), np.uint8).reshape(height, width, 4)


def _unfilter(kind: int, line: bytearray, above: bytearray) -> None:
    """Undoes one row's filter (PNG, section 9), in place."""
    for x in range(len(line) if kind else 0):
        left, up, corner = (line[x - 4], above[x], above[x - 4]) if x >= 4 else (0, above[x], 0)
        if kind == 1:
            add = left
        elif kind == 2:
            add = up
        elif kind == 3:
            add = (left + up) // 2
        else:
            add = _paeth(left, up, corner)
        line[x] = (line[x] + add) & 255


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    a, b, c = abs(guess - left), abs(guess - up), abs(guess - corner)
    if a <= b and a <= c:
        return left
    return up if b <= c else corner


@pytest.fixture(scope="session")
def pixels() -> Callable[[bytes], np.ndarray]:
    """PNG of 8-bit RGBA -> array of height x width x 4."""
    return _pixels


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
    allowed = {"svg", "title", "desc", "defs", "pattern", "rect", "line", "path", "circle", "text", "g"}
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
