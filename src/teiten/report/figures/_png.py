"""An SVG as a PNG, with the font that the package carries and no other: the same picture on every machine."""

from __future__ import annotations

import importlib

from teiten.data import fonts


def png(svg: str, *, scale: float = 1.0) -> bytes:
    """The PNG of a complete SVG of ours; scale 2 gives twice the px. ValueError for what is no SVG; DataError: no font."""
    resvg = importlib.import_module("resvg_py")
    data: bytes = resvg.svg_to_bytes(
        svg_string=svg,
        zoom=scale,
        skip_system_fonts=True,
        font_files=[str(fonts.unpacked())],
        font_family=fonts.FAMILY,
        sans_serif_family=fonts.FAMILY,
    )
    return bytes(data)
