"""The sheet: what it measures is what a browser draws."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from teiten.data import fonts
from teiten.report import figures
from teiten.report.figures import Figure, _canvas

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--virtual-time-budget=5000",
]  # fmt: skip
MEASURE = """
document.fonts.load("16px 'Teiten Sans'", "東a").then(() => {
  const boxes = [...document.querySelectorAll("svg text:not([aria-hidden])")].map(t => {
    const x = t.getStartPositionOfChar(0).x; return [t.lastChild.data, x, x + t.getComputedTextLength()]; });
  document.body.textContent = JSON.stringify(boxes);
});
"""


@pytest.mark.browser
@pytest.mark.parametrize("name", ["stack_month", "rank", "lines", "multiples"])
def test_a_browser_sets_the_text_where_we_measured_it(
    gallery: dict[str, Callable[[str], Figure]], tmp_path: Path, name: str
) -> None:
    figure = gallery[name]("ja")
    face = f"@font-face {{ font-family: 'Teiten Sans'; src: url({fonts.WOFF2.as_uri()}); }}"
    svg = figures.draw(figure, width=900, lang="ja")
    page = f"<!doctype html><meta charset=utf-8><style>{face}</style><body>{svg}<script>{MEASURE}</script>"
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    address = (tmp_path / "page.html").as_uri()
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", address]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    body = re.search(r"<body>(.*)</body>", shown, re.S)
    assert body is not None
    seen = json.loads(html.unescape(body[1]))
    ours = [(b.text, b.left, b.right) for b in figures.sheet(figure, width=900, lang="ja").boxes]
    assert [s[0] for s in seen] == [o[0] for o in ours]
    off = [(s, o) for s, o in zip(seen, ours, strict=True) if abs(s[1] - o[1]) > 0.6 or abs(s[2] - o[2]) > 0.6]
    assert off == []


def test_numbers_and_names_of_a_drawing() -> None:
    assert [_canvas.n(v) for v in (0, -0.001, 1, 1.5, 1000, 12.345, -3.10)] == ["0", "0", "1", "1.5", "1000", "12.35", "-3.1"]
    assert _canvas.identifier("ports of the day") == "ports-of-the-day"
    assert _canvas.identifier("23/tcp") == "figure-23-tcp"
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", _canvas.identifier("<script>\"'"))
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", _canvas.identifier("観測"))
    assert _canvas.clean("<a b='c'>&\"\x00") == "&lt;a b=&#x27;c&#x27;&gt;&amp;&quot;□"
