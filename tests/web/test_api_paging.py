"""Events page by page while the lake is written, put together and forgotten from: each of those that were there, once."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from teiten import intake, settings
from teiten.lake import Lake, compact
from teiten.settings import Settings

from .conftest import line, served

TOKYO = ZoneInfo("Asia/Tokyo")
BEGIN = dt.datetime(2019, 10, 21, tzinfo=TOKYO)


def ingest(chosen: Settings, name: str, text: str) -> None:
    path = chosen.lake.parent / name
    path.write_text(text)
    assert not intake.ingest(Lake.open_or_create(chosen.lake, "Asia/Tokyo"), [str(path)], chosen).failed


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    """A log whose lines come seven in a second, some of them said to have been repeated: events with one time and one place."""
    (tmp_path / "teiten.toml").write_text('zone = "Asia/Tokyo"\nlake = "lake"\n')
    chosen = settings.load(config=tmp_path / "teiten.toml")
    lines = []
    for n in range(70):
        lines.append(line(BEGIN + dt.timedelta(seconds=n // 7), f"8.8.{n % 3}.{n % 250}", 23 + n))
        if n % 10 == 9:
            moment = (BEGIN + dt.timedelta(seconds=n // 7)).isoformat()
            lines.append(f"{moment} gw kernel: last message repeated 12 times\n")
    ingest(chosen, "first.log", "".join(lines))
    return chosen


def test_each_event_once_while_the_lake_changes(own: Settings) -> None:
    with served(own, workers=2) as client:
        first = client.get("/api/v1/events?period=2019-10&n=1000").json()
        expected = sorted((r["source_id"], r["source_pos"], r["dst_port"]) for r in first)
        assert len(first) == 70 + 7 * 12 and len(set(expected)) == 77
        place, seen, page = "/api/v1/events?period=month&n=9", [], 0
        while place:
            answer = client.get(place)
            assert answer.status == 200, answer.text
            seen += [(r["source_id"], r["source_pos"], r["dst_port"]) for r in answer.json()]
            found = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("link", ""))
            place, page = (found[1] if found else ""), page + 1
            if page in (2, 7):  # later ones, which come before the first page, and earlier ones, which come after
                moved = dt.timedelta(minutes=page)
                text = "".join(line(BEGIN + sign * moved, f"9.9.{page}.{n}", 80) for sign in (1, -1) for n in range(5))
                ingest(own, f"{page}.log", "".join(sorted(text.splitlines(keepends=True))))
            if page == 4:
                with Lake.open(own.lake).writer() as writer:
                    assert compact.run(writer).events
        assert page > 15
        there = sorted(one for one in seen if one[0] == expected[0][0])
        assert there == expected
        late = [one for one in seen if one[0] != expected[0][0]]
        assert len(late) == len(set(late)) <= 10
