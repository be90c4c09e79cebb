"""A group's page on a narrow screen: its bytes stay in columns, its dates in one line, and nothing sticks out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.browser import OVERFLOWS
from tests.payloads import talks

from .conftest import served

pytestmark = [pytest.mark.browser, pytest.mark.full]
SPAN = "from=2026-11-01&to=2026-11-04"
HIGH = """(() => {
  const box = document.querySelector('#bytes pre.raw'), style = getComputedStyle(box);
  const inside = box.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  return [inside / parseFloat(style.lineHeight), box.textContent.trim().split('\\n').length];
})()"""
FACTS = """[...document.querySelectorAll('.facts dd')].map(dd => {
  const words = document.createRange();
  words.selectNodeContents(dd.firstChild);
  return new Set([...words.getClientRects()].map(box => Math.round(box.top))).size;
})"""


def test_a_group_at_390(tab: Any, tmp_path: Path) -> None:
    with served(talks.lake_of(tmp_path), workers=1) as heard:
        group = heard.get(f"/api/v1/payloads?{SPAN}&port=52869/tcp").json()[0]["hash"]
        for code in ("ja", "en"):
            tab.open(f"http://127.0.0.1:{heard.port}/payload/{group}?{SPAN}&lang={code}", 390)
            lines, told = tab.ask(HIGH)
            assert told > 3 and abs(lines - told) < 0.5, code
            # an English date breaks between its words, a Japanese one would in the middle of one
            assert code == "en" or set(tab.ask(FACTS)) == {1}
            assert tab.ask("document.documentElement.scrollWidth") <= 390 and tab.ask(OVERFLOWS) == []
