"""Every kind of chart, with usual and with unreasonable data: nothing overlaps, nothing is cut, nothing is executed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import inspect
import itertools
import os
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teiten.report import figures
from teiten.report.figures import (
    BesideFigure,
    CalendarFigure,
    DayFigure,
    DayRow,
    Days,
    Figure,
    Gap,
    HeatFigure,
    HeatRow,
    HoursFigure,
    LineFigure,
    Mark,
    MatrixFigure,
    MatrixRow,
    Panel,
    PanelsFigure,
    RankFigure,
    RankRow,
    Series,
    SlopeFigure,
    SlopeRow,
    SmallMultiples,
    StackFigure,
    Threshold,
    WorldFigure,
)

Gallery = dict[str, Callable[[str], Figure]]
Pixels = Callable[[bytes], np.ndarray]
Faults = Callable[[Figure, float, str], list[str]]

NAMES = (
    "stack_day", "stack_month", "stack_days", "stack_areas", "lines", "panels", "rank", "hours", "heat", "heat_days",
    "heat_classes", "world", "slope",
    "beside", "multiples", "matrix", "matrix_changes", "day", "day_gap", "day_hours", "calendar", "calendar_hours",
)  # fmt: skip
TOKYO = ZoneInfo("Asia/Tokyo")
NEW_YORK = ZoneInfo("America/New_York")
HOSTILE = "</text><script>alert(1)</script>&\"'<![CDATA[\x00\x1b[31m\u202e\ud800 ]]>"
ACCEPTED = Path(__file__).parent / "accepted"


def hours(first: dt.datetime, count: int) -> list[dt.datetime]:
    start = first.astimezone(dt.UTC)
    return [(start + dt.timedelta(hours=i)).astimezone(first.tzinfo) for i in range(count)]


def days(first: dt.datetime, count: int) -> list[dt.datetime]:
    return [first + dt.timedelta(days=i) for i in range(count)]


def test_the_gallery_is_whole(gallery: Gallery) -> None:
    assert tuple(gallery) == NAMES
    shown = {type(make("en")) for make in gallery.values()}
    kinds = {k for k in vars(figures).values() if inspect.isclass(k) and issubclass(k, Figure) and k is not Figure}
    assert shown == kinds


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("width", [320, 390, 620, 800, 1200, 1440])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_overlaps_and_nothing_is_cut(gallery: Gallery, faults: Faults, name: str, width: int, lang: str) -> None:
    assert faults(gallery[name](lang), width, lang) == []


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("name", NAMES)
def test_the_font_has_every_character(gallery: Gallery, name: str, lang: str) -> None:
    sheet = figures.sheet(gallery[name](lang), lang=lang)
    assert figures.covers("".join(box.text for box in sheet.boxes)) == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_drawn_twice_is_the_same(gallery: Gallery, name: str) -> None:
    assert figures.draw(gallery[name]("ja")) == figures.draw(gallery[name]("ja"))


@pytest.mark.parametrize(("name", "width", "lang"), [
    ("beside", 1200, "ja"), ("stack_day", 390, "ja"), ("stack_days", 1200, "en"), ("lines", 1200, "ja"), ("rank", 390, "en"),
    ("hours", 1200, "ja"), ("panels", 390, "ja"), ("heat", 390, "ja"), ("slope", 1200, "ja"), ("multiples", 1200, "en"),
    ("day", 400, "ja"),
    ("day_gap", 400, "en"), ("day_hours", 400, "en"), ("calendar", 390, "en"),
])  # fmt: skip
def test_the_accepted_drawing(gallery: Gallery, name: str, width: int, lang: str) -> None:
    """Look at the new picture before accepting it: TEITEN_ACCEPT=1 pytest ... writes the files anew."""
    svg = figures.draw(gallery[name](lang), width=width, lang=lang)
    path = ACCEPTED / f"{name}.{lang}.{width}.svg"
    if os.environ.get("TEITEN_ACCEPT"):
        path.write_text(svg, encoding="utf-8")
    assert svg == path.read_text(encoding="utf-8")


def odd_days(values: list[list[float | None]], name: str = "a") -> Days:
    """Days with that many rows of that name; with 24 values they are hours."""
    dates = [dt.date(2020, 2, 29) + dt.timedelta(days=i) for i in range(len(values))]
    rows = [DayRow(name, name) for _ in values[0]] if len(values[0]) != 24 else []
    return Days(dates, values, [name] * len(values), [name if day[0] is None else "" for day in values], rows, "port")


def hostile() -> list[Figure]:
    """One figure of each kind, every text of it hostile."""
    words = {"id": HOSTILE, "title": HOSTILE, "subtitle": HOSTILE, "unit": HOSTILE, "alt": HOSTILE, "note": HOSTILE}
    first = dt.datetime(2019, 10, 1, tzinfo=TOKYO)
    times = days(first, 5)
    series = [Series(HOSTILE + str(i), HOSTILE, [1.0, 2, None, 4, 5]) for i in range(3)]
    gaps, marks = [Gap(times[2], times[3], HOSTILE)], [Mark(times[1], HOSTILE)]
    thresholds = [Threshold(3, HOSTILE)]
    rows = [RankRow(key=HOSTILE, label=HOSTILE, value=5, rank=1, share=0.5, detail=HOSTILE, target=HOSTILE)]
    return [
        StackFigure(**words, times=times, series=series, step="day", gaps=gaps, marks=marks, thresholds=thresholds),
        LineFigure(**words, times=times, series=series, gaps=gaps, marks=marks, thresholds=thresholds),
        RankFigure(**words, rows=rows, before_label=HOSTILE, heading=HOSTILE, total=HOSTILE),
        RankFigure(**words, rows=rows, colour_by="target", classes=[(HOSTILE, HOSTILE)]),
        HoursFigure(**words, values=[1.0] * 24, before=[2.0] * 24, label=HOSTILE, before_label=HOSTILE),
        HeatFigure(**words, rows=[HeatRow(HOSTILE, HOSTILE, [1.0] * 24)]),
        HeatFigure(**words, rows=[HeatRow(HOSTILE, HOSTILE, [1.0, None] * 12)], scale="classes"),
        WorldFigure(**words, values={"JP": 1.0}, names={"JP": HOSTILE}, unknown=2.0),
        SlopeFigure(
            **words, before_label=HOSTILE, now_label=HOSTILE, rows=[SlopeRow(key=HOSTILE, label=HOSTILE, before=1, now=2)]
        ),
        SmallMultiples(**words, times=times, series=series, gaps=gaps),
        PanelsFigure(**words, times=times, panels=[Panel(unit=HOSTILE, series=series, marks=marks)] * 2, gaps=gaps),
        MatrixFigure(
            **words, rows=[MatrixRow(HOSTILE, [0.5, None], [HOSTILE] * 2)], columns=[HOSTILE] * 2, low=HOSTILE, high=HOSTILE
        ),
        DayFigure(**words, days=odd_days([[1.0], [None]], HOSTILE), at=0),
        DayFigure(**words, days=odd_days([[1.0], [None]], HOSTILE), at=1),
        CalendarFigure(**words, days=odd_days([[1.0], [None]], HOSTILE)),
    ]


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("figure", hostile(), ids=lambda f: type(f).__name__)
def test_hostile_words_stay_words(faults: Faults, figure: Figure, width: int) -> None:
    assert faults(figure, width, "en") == []
    svg = figures.draw(figure, width=width)
    assert "<script" not in svg and "\x00" not in svg and "\x1b" not in svg and "\u202e" not in svg
    svg.encode("utf-8")  # no lone surrogates
    assert any("<script>" in (e.text or "") for e in ET.fromstring(svg).iter()), "the words are gone"
    assert figures.png(svg).startswith(b"\x89PNG")


def odd() -> dict[str, Figure]:
    """Data that a chart does not expect."""
    first = dt.datetime(2019, 10, 1, tzinfo=TOKYO)
    month = hours(first, 31 * 24)
    holes: list[float | None] = [None if i % 17 == 0 or 300 < i < 340 else float(i % 50) for i in range(len(month))]
    many_gaps = [Gap(month[i], month[i + 3], "maintenance" if i % 2 else "power cut") for i in range(0, 700, 40)]
    many_marks = [Mark(month[i], f"detection number {i}") for i in range(0, 700, 60)]
    long_name = "an organisation with a name that nobody would want to read to its end, and longer still"
    spring = hours(dt.datetime(2024, 3, 10, tzinfo=NEW_YORK), 23)
    autumn = hours(dt.datetime(2024, 11, 3, tzinfo=NEW_YORK), 25)
    two = [Series("23/tcp", "23/tcp", [1.0]), Series("445/tcp", "445/tcp", [2.0])]
    return {
        "stack of nothing": StackFigure(id="a", title="a", times=[], series=[]),
        "stack of None": StackFigure(id="a", title="a", times=days(first, 3), series=[Series("a", "a", [None] * 3)]),
        "stack of zero": StackFigure(id="a", title="a", times=days(first, 3), step="day", series=[Series("a", "a", [0] * 3)]),
        "stack of one": StackFigure(id="a", title="a", times=days(first, 1), step="day", series=two),
        "stack of one hour": StackFigure(id="a", title="a", times=[first.replace(hour=13)], series=two),
        "huge": StackFigure(id="a", title="a", times=days(first, 2), step="day", series=[Series("a", "a", [7.01e11, 1e15])]),
        "month with holes": StackFigure(
            id="a", title="a", times=month, series=[Series("a", long_name, holes)], gaps=many_gaps, marks=many_marks, unit="n"
        ),
        "year": StackFigure(
            id="a", title="a", times=days(first, 366), step="day", series=[Series("a", "a", [3.0] * 366)], form="areas"
        ),
        "ten years": LineFigure(
            id="a", title="a", step="month", series=[Series("a", "a", [3.0] * 120)],
            times=[dt.datetime(2010 + i // 12, i % 12 + 1, 1, tzinfo=TOKYO) for i in range(120)],
        ),
        "spring": StackFigure(id="a", title="a", times=spring, series=[Series("a", "a", [1.0] * 23)]),
        "autumn": StackFigure(id="a", title="a", times=autumn, series=[Series("a", "a", [1.0] * 25)]),
        "lines on each other": LineFigure(
            id="a", title="a", times=days(first, 9), series=[Series(f"{i}/tcp", f"{i}/tcp", [5.0] * 9) for i in range(9)]
        ),
        "lines with holes": LineFigure(
            id="a", title="a", times=days(first, 5),
            series=[Series("a", "a", [1, None, 2, None, 3]), Series("b", "b", [None] * 5)],
        ),
        "many lines": LineFigure(
            id="a", title="a", times=days(first, 2), series=[Series(f"{i}", f"thing {i}", [i, 2 * i]) for i in range(30)]
        ),
        "long names": LineFigure(id="a", title=long_name * 9, times=days(first, 2), series=[Series("a", long_name, [1, 2])]),
        "tiny": LineFigure(id="a", title="a", times=days(first, 2), series=[Series("a", "a", [0.001, 0.004])], whole=False),
        "thresholds": LineFigure(
            id="a", title="a", times=days(first, 2), series=[Series("a", "a", [1, 2])],
            thresholds=[Threshold(float(i), f"threshold {i}") for i in (30, 31, 32)],
        ),
        "rank of nothing": RankFigure(id="a", title="a", rows=[]),
        "rank of one": RankFigure(id="a", title="a", rows=[RankRow(key="a", label="a", value=0, rank=1)]),
        "rank of None": RankFigure(
            id="a", title="a",
            rows=[RankRow(key="a", label="a", value=None), RankRow(key="b", label=long_name, value=1e15, rank=1)],
        ),
        "rank of hundred": RankFigure(
            id="a", title="a", before_label="the rank in the period before this one",
            rows=[RankRow(key=f"{i}", label=long_name[:i], value=100.0 - i, rank=i, rank_before=1000, share=0.01,
                          detail=long_name)
                  for i in range(1, 100)],
        ),
        "hours of None": HoursFigure(id="a", title="a", values=[None] * 24),
        "hours of zero": HoursFigure(id="a", title="a", values=[0] * 24, before=[None] * 24),
        "hours of little": HoursFigure(id="a", title="a", values=[0.04] * 24, unit="packets an hour, mean per day"),
        "heat of nothing": HeatFigure(id="a", title="a", rows=[]),
        "heat of zero": HeatFigure(id="a", title="a", rows=[HeatRow("a", long_name, [0] * 24)], scale="log"),
        "heat of hours": HeatFigure(id="a", title="a", rows=[HeatRow("a", "a", holes)], times=month, step="hour", scale="all"),
        "beside of nothing": BesideFigure(id="a", title="a", panels=[RankFigure(id="b", title=long_name, rows=[])]),
        "beside of one and none": BesideFigure(
            id="a", title="a", unit=long_name, shares=False,
            panels=[
                RankFigure(id="b", title=long_name, subtitle=long_name, note=long_name, rows=[]),
                RankFigure(id="c", title="c", before_label="before", rows=[
                    RankRow(key="CN", label=long_name, value=1e15, rank=1, share=0.0),
                    RankRow(key="unknown", label="u", value=None, kind="unknown")]),
            ],
        ),
        "slope of nothing": SlopeFigure(id="a", title="a", rows=[], before_label="a", now_label="b"),
        "slope of many": SlopeFigure(
            id="a", title="a", before_label=long_name, now_label=long_name,
            rows=[SlopeRow(key=f"{i}", label=long_name, before=i + 7, now=None if i > 7 else i, value=1e9)
                  for i in range(1, 30)],
        ),
        "slope of ties": SlopeFigure(
            id="a", title="a", before_label="a", now_label="b",
            rows=[SlopeRow(key=f"{i}", label=f"{i}", before=1, now=1) for i in range(5)],
        ),
        "multiples of one": SmallMultiples(id="a", title="a", times=days(first, 1), series=[Series("a", long_name, [3.0])]),
        "multiples of None": SmallMultiples(
            id="a", title="a", times=days(first, 2), series=[Series("a", "a", [None, None]), Series("b", "b", [0, 0])]
        ),
        "panels of nothing": PanelsFigure(id="a", title="a", times=[], panels=[]),
        "panels of which one is empty": PanelsFigure(
            id="a",
            title="a",
            times=days(first, 2),
            panels=[
                Panel(unit="a", series=[Series("a", long_name, [3.0, None])], marks=[Mark(first, long_name)]),
                Panel(unit="b", series=[Series("a", long_name, [None, None])]),
            ],
        ),
        "matrix of nothing": MatrixFigure(id="a", title="a", rows=[], columns=[]),
        "matrix of one": MatrixFigure(id="a", title="a", rows=[MatrixRow(long_name, [1.0], ["1.00"])], columns=[long_name]),
        "matrix of forty": MatrixFigure(
            id="a", title="a", columns=[str(i) for i in range(40)], column_breaks=[10, 20], row_breaks=[10, 20], unit=long_name,
            rows=[MatrixRow(f"{i} {long_name}", [None if i == k else 0.5 for k in range(40)], ["0.50"] * 40)
                  for i in range(40)],
        ),
        "day of zero": DayFigure(id="a", title="a", days=odd_days([[0, 0]]), at=0),
        "day of one packet": DayFigure(id="a", title="a", days=odd_days([[1, 0], [None, None]], long_name), at=0),
        "day of None": DayFigure(id="a", title="a", days=odd_days([[1, 0], [None, None]], long_name), at=1),
        "day of hundred": DayFigure(id="a", title="a", days=odd_days([[1e15] * 100] * 31, long_name), at=3, unit=long_name),
        "hours of a day": DayFigure(id="a", title="a", days=odd_days([[1e15, None, 3.5, 0] * 6] * 9), at=3, unit=long_name),
        "bursts": DayFigure(id="a", title="a", days=odd_days([[1.0] * 20 + [9e9] * 4, *[[1.0] * 24] * 20]), at=0),
        "calendar of nothing": CalendarFigure(id="a", title="a", days=odd_days([[None] * 2] * 3)),
        "calendar of one": CalendarFigure(id="a", title="a", days=odd_days([[1]], long_name)),
        "calendar of ten weeks": CalendarFigure(id="a", title="a", days=odd_days([[1e15, 3, 0.5]] * 70, long_name)),
        "multiples of a day": SmallMultiples(
            id="a", title="a", times=hours(first, 24), step="hour",
            series=[Series(f"{i}", f"{i}/tcp", [1e9] * 24) for i in range(13)],
        ),
    }  # fmt: skip


ODD = odd()


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("name", ODD)
def test_odd_data_make_a_sound_chart(faults: Faults, name: str, width: int, lang: str) -> None:
    assert faults(ODD[name], width, lang) == []
    assert len(figures.draw(ODD[name], width=width, lang=lang)) < 300_000


@pytest.mark.parametrize("name", [n for n in ODD if n.endswith(("of nothing", "hours of None", "stack of None"))])
def test_what_is_empty_says_so(name: str) -> None:
    assert "この期間のデータはありません" in figures.draw(ODD[name], lang="ja")
    assert "There are no data" in figures.draw(ODD[name], lang="en")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.lists(st.none() | st.floats(0, 1e12), min_size=6, max_size=6), min_size=1, max_size=7),
    labels=st.lists(st.text(max_size=30), min_size=7, max_size=7),
    title=st.text(max_size=120),
    width=st.sampled_from([320, 390, 700, 1200]),
    lang=st.sampled_from(["ja", "en"]),
)
def test_any_stack_any_lines(
    faults: Faults, values: list[list[float | None]], labels: list[str], title: str, width: int, lang: str
) -> None:
    times = days(dt.datetime(2024, 2, 27, tzinfo=TOKYO), 6)
    series = [Series(f"{i}/tcp", label, row) for i, (label, row) in enumerate(zip(labels, values, strict=False))]
    for kind in (StackFigure, LineFigure, SmallMultiples):
        figure = kind(id="x", title=title, times=times, series=series, step="day", unit="n")
        assert faults(figure, width, lang) == []


def test_what_a_bar_stands_for_is_as_high_as_its_value() -> None:
    """The stack's outline, read back: the zero line below, each upper edge at its sum."""
    first = dt.datetime(2019, 10, 1, tzinfo=TOKYO)
    series = [Series("23/tcp", "a", [50.0, 100.0]), Series("445/tcp", "b", [25.0, 0.0])]
    svg = figures.draw(StackFigure(id="x", title="x", times=days(first, 2), step="day", series=series, y_max=100))
    paths = [e for e in ET.fromstring(svg) if e.tag.endswith("path")]
    upper = {p.attrib["fill"]: [float(part.split("H")[0]) for part in p.attrib["d"].split("V")[1::2]] for p in paths}
    base = float(paths[0].attrib["d"].split("V")[0].split()[1])
    low, high = upper[figures.colour("port", "23/tcp")], upper[figures.colour("port", "445/tcp")]
    full = base - low[1]
    assert full == 360
    assert [base - y for y in low] == [full / 2, full]
    assert [base - y for y in high] == [full * 0.75, full]


def test_a_gap_is_neither_a_line_nor_a_zero() -> None:
    first = dt.datetime(2019, 10, 1, tzinfo=TOKYO)
    gap = Gap(first + dt.timedelta(days=2), first + dt.timedelta(days=4), "away")
    series = [Series("a", "a", [5, 5, None, None, 5, 5])]
    svg = figures.draw(LineFigure(id="x", title="x", times=days(first, 6), series=series, gaps=[gap]), lang="en")
    strokes = [e.attrib for e in ET.fromstring(svg).iter() if e.tag.endswith("path") and "stroke" in e.attrib]
    hatching = [s["d"] for s in strokes if s["stroke"] == figures.LIGHT.gap]
    assert len({s["d"].split("L")[0] for s in strokes if s["d"] not in hatching}) == 2, "two stretches"
    assert ">away<" in svg and len(hatching) == 1 and hatching[0].count("M") > 10


def test_axes_hold_still_for_frames() -> None:
    """With y_max fixed, two days' charts have the same axis; with their own, they have not."""
    first = dt.datetime(2019, 10, 1, tzinfo=TOKYO)

    def ticks(value: float, y_max: float | None) -> list[str]:
        figure = StackFigure(
            id="x", title="x", times=days(first, 1), step="day", series=[Series("a", "a", [value])], y_max=y_max, totals=False
        )
        return [box.text for box in figures.sheet(figure).boxes]

    assert ticks(10, 500) == ticks(480, 500)
    assert ticks(10, None) != ticks(480, None)


def test_more_series_than_a_stack_can_show_are_refused() -> None:
    first = dt.datetime(2019, 10, 1, tzinfo=TOKYO)
    series = [Series(f"{i}", f"{i}", [1.0]) for i in range(8)]
    with pytest.raises(ValueError, match="SmallMultiples"):
        StackFigure(id="x", title="x", times=days(first, 1), series=series)
    with pytest.raises(ValueError, match="one value for each"):
        LineFigure(id="x", title="x", times=days(first, 2), series=series)
    with pytest.raises(ValueError, match="zone"):
        LineFigure(id="x", title="x", times=[dt.datetime(2019, 10, 1)], series=series)
    with pytest.raises(ValueError, match="24"):
        HoursFigure(id="x", title="x", values=[1.0] * 23)
    with pytest.raises(ValueError, match="24"):
        HeatFigure(id="x", title="x", rows=[HeatRow("a", "a", [1.0] * 25)])
    with pytest.raises(ValueError, match="px"):
        figures.draw(StackFigure(id="x", title="x", times=[], series=[]), width=50)


def test_other_is_grey_and_unknown_is_hatched(gallery: Gallery) -> None:
    svg = figures.draw(gallery["stack_month"]("en"))
    assert f'fill="{figures.LIGHT.other}"' in svg
    assert 'fill="url(#stack-month-unknown)"' in svg


def test_two_things_of_one_colour_are_told_apart() -> None:
    first = dt.datetime(2019, 10, 1, tzinfo=TOKYO)
    series = [Series("23/tcp", "23/tcp", [1.0]), Series("23/udp", "23/udp", [1.0])]
    svg = figures.draw(StackFigure(id="x", title="x", times=days(first, 1), series=series))
    assert "url(#x-dots)" in svg


def test_ties_of_a_slope_chart_stand_at_their_rank() -> None:
    ranks = [("a", 1), ("b", 2), ("c", 2), ("d", 4), ("e", 11)]
    rows = [SlopeRow(key=k, label=k, before=1, now=r) for k, r in ranks]
    figure = SlopeFigure(id="x", title="x", rows=[*rows], before_label="May", now_label="June", places=4)
    boxes = [b for b in figures.sheet(figure, lang="en").boxes if b.text in "abcde" and b.left > 600]
    steps = [round(b.top - a.top) for a, b in itertools.pairwise(sorted(boxes, key=lambda b: b.top))]
    assert [b.text for b in sorted(boxes, key=lambda b: b.top)] == list("abcde"[: len(boxes)])
    assert len(set(steps[:3])) == 1


def test_dark_paper_is_a_theme(gallery: Gallery) -> None:
    svg = figures.draw(gallery["rank"]("en"), theme=figures.DARK)
    assert f'fill="{figures.DARK.paper}"' in svg and f'fill="{figures.LIGHT.paper}"' not in svg


@pytest.mark.parametrize("name", ["stack_day", "rank", "slope"])
def test_letters_as_shapes_look_like_letters(gallery: Gallery, pixels: Pixels, name: str) -> None:
    """A file for elsewhere needs no font: the same picture, give or take the smoothing of edges, from shapes alone."""
    figure = gallery[name]("ja")
    shapes = figures.draw(figure, width=390, outlines=True)
    root = ET.fromstring(shapes)
    assert not list(root.iter("{http://www.w3.org/2000/svg}text"))
    targets = {e.attrib["id"] for e in root.iter() if "id" in e.attrib}
    assert {e.attrib["href"][1:] for e in root.iter("{http://www.w3.org/2000/svg}use")} <= targets
    one, other = (pixels(figures.png(svg))[:, :, 1].astype(int) for svg in (shapes, figures.draw(figure, width=390)))
    assert abs(one - other).max() < 110, "a letter is another, or elsewhere"
    assert (abs(one - other) > 40).mean() < 0.002


def test_tips_can_be_left_out(gallery: Gallery) -> None:
    assert "Tue 1 Oct — Other" in figures.draw(gallery["stack_days"]("en"), lang="en")
    assert "<title>" not in figures.draw(gallery["stack_days"]("en"), tips=False)


def test_ids_of_two_figures_on_a_page_do_not_meet(gallery: Gallery) -> None:
    one = gallery["stack_month"]("en")
    other = dataclasses.replace(one, id="stack-month-2")
    ids = [
        {e.attrib["id"] for e in ET.fromstring(figures.draw(f)).iter() if "id" in e.attrib} for f in (one, other)
    ]  # fmt: skip
    assert ids[0] and not ids[0] & ids[1]


@pytest.mark.parametrize(("texts", "shown"), [(["12", "7", "3"], 3), (["12", "7", "1,234,567,890,123,456"], 0)])
def test_cells_of_a_matrix_have_all_their_numbers_or_none(texts: list[str], shown: int) -> None:
    figure = MatrixFigure(id="a", title="a", rows=[MatrixRow("row", [0.1, 0.5, 1.0], texts)], columns=["a", "b", "c"])
    drawn = [box.text for box in figures.sheet(figure, width=390, lang="en").boxes]
    assert sum(drawn.count(text) for text in texts) == shown
