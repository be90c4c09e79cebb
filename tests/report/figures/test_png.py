"""The PNG: drawn with the package's own font, in Japanese too, on a machine without any."""

from __future__ import annotations

import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from teiten.data import fonts
from teiten.report import figures
from teiten.report.figures import Figure, RankFigure, RankRow

Pixels = Callable[[bytes], np.ndarray]


def titled(title: str) -> bytes:
    row = RankRow(key="a", label="a", value=1, rank=1)
    return figures.png(figures.draw(RankFigure(id="x", title=title, rows=[row]), width=300))


def test_japanese_is_drawn_with_the_carried_font(pixels: Pixels) -> None:
    """Each kanji differs from each other one; what the font lacks is the same empty box whatever it is."""
    pictures = {titled(f"{char}{char}") for char in "観測国港時刻"}
    assert len(pictures) == 6
    assert titled("\U00020089") == titled("\U0002008a")
    ink = (pixels(titled("観測観測"))[:34, :, :3].min(axis=2) < 100).sum()
    none = (pixels(titled(""))[:34, :, :3].min(axis=2) < 100).sum()
    assert ink > none + 300


def test_the_systems_fonts_play_no_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same picture where fontconfig knows no font."""
    with_fonts = titled("東京の観測")
    (tmp_path / "fonts.conf").write_text("<fontconfig/>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(tmp_path / "fonts.conf"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert titled("東京の観測") == with_fonts


def test_a_text_is_as_wide_as_was_measured(pixels: Pixels) -> None:
    """The drawn ink of a text ends where the layout thinks that it ends."""
    figure = RankFigure(id="x", title="東京Tokyo 52869/tcp", rows=[RankRow(key="a", label="a", value=1)])
    box = figures.sheet(figure, width=500).boxes[0]
    image = pixels(figures.png(figures.draw(figure, width=500), scale=2))
    dark = (image[int(box.top * 2) : int(box.bottom * 2), :, 0] < 128).any(axis=0).nonzero()[0] / 2
    assert abs(dark[0] - box.left) < 2.5
    assert abs(dark[-1] - box.right) < 2.5


def test_scale_and_threads(pixels: Pixels, gallery: dict[str, Callable[[str], Figure]]) -> None:
    svgs = [figures.draw(gallery[name]("ja"), lang="ja", width=390) for name in ("rank", "hours", "slope", "lines")]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(figures.png, svgs))
    assert together == [figures.png(svg) for svg in svgs]
    once, twice = (struct.unpack(">I", figures.png(svgs[0], scale=s)[16:20])[0] for s in (1, 2))
    assert (once, twice) == (390, 780)
    assert len(np.unique(pixels(together[0]).reshape(-1, 4), axis=0)) > 30, "blank"


def test_what_is_no_svg_is_refused() -> None:
    with pytest.raises(ValueError):
        figures.png("not a drawing")


def test_the_font_files_belong_together() -> None:
    assert fonts.unpacked().read_bytes()[:4] == b"OTTO"
    assert fonts.WOFF2.read_bytes()[:4] == b"wOF2"
