"""Marks on stories: the same again is not told, the larger is, what was explained keeps its words; withdrawn, all is back."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from teiten.detect import taught
from teiten.detect.model import BURST, NEW_PORT, About, Detection, Story
from teiten.detect.view import CELLS, WATCHED, View
from teiten.lake import note

DAY = dt.date(2026, 3, 10)
SEEN = Detection(
    BURST, About(ports=((6, 25), (6, 465)), country="US"), DAY, dt.datetime(2026, 3, 10, 5, tzinfo=dt.UTC),
    packets=90.0, usual=30.0, times=3.0, reason={"window": 2},
)  # fmt: skip
STORY = Story(SEEN.id, BURST, SEEN.about, DAY, "once", SEEN.start, detections=(SEEN,), times=3.0, peak=3.0, peak_day=DAY)


def mark(label: str, story: Story = STORY, text: str = "our own test", number: str = "n1") -> dict[str, Any]:
    made = note.row("story", {"label": label, "value": taught.content(story), "day_to": story.day, "text": text})
    return {**made, "id": number}


def view(day: dt.date, *notes: dict[str, Any]) -> View:
    return View(pl.DataFrame(schema=CELLS), pl.DataFrame(schema=WATCHED), day, taught=taught.lessons(notes))


def again(times: float | None, packets: float = 90, days: int = 1) -> Detection:
    later = dt.timedelta(days=days)
    return replace(SEEN, day=DAY + later, start=SEEN.start + later, times=times, packets=packets)


def test_the_same_again_is_not_told_and_the_larger_is() -> None:
    after = view(DAY + dt.timedelta(days=1), mark("false"))
    assert taught.heeded(after, [again(4.4)]) == []
    (told,) = taught.heeded(after, [again(4.6)])
    assert told.reason["taught"] == {
        "note": "n1", "story": STORY.id, "verdict": "false", "factor": 1.5, "times": 3.0, "packets": 90.0, "beyond": True,
    }  # fmt: skip
    assert told.reason["window"] == 2 and told.id == again(4.6).id
    assert taught.heeded(after, [again(None)]), "so much above the usual that there is no number"


def test_only_the_same_kind_of_change_of_the_same_thing_and_for_a_time() -> None:
    after = view(DAY + dt.timedelta(days=1), mark("false"))
    others = [
        replace(again(3.0), kind=NEW_PORT), replace(again(3.0), about=About(country="US")),
        replace(again(3.0), about=replace(SEEN.about, country="CA")),
    ]  # fmt: skip
    assert taught.heeded(after, others) == others
    assert taught.heeded(view(DAY, mark("false")), [SEEN]) == [SEEN], "its own day stays as it is when it is made again"
    assert taught.heeded(view(DAY + dt.timedelta(days=90), mark("false")), [again(3.0, days=90)]) == []
    late = again(3.0, days=91)
    assert taught.heeded(view(late.day, mark("false")), [late]) == [late]


def test_a_kind_without_times_is_held_against_packets() -> None:
    new = replace(SEEN, kind=NEW_PORT, times=None, usual=None)
    after = view(
        DAY + dt.timedelta(days=1), mark("false", replace(STORY, kind=NEW_PORT, detections=(new,), times=None, peak=None))
    )
    assert taught.heeded(after, [replace(new, packets=135.0)]) == []
    assert taught.heeded(after, [replace(new, packets=136.0)])


def test_what_was_explained_keeps_its_words_until_it_is_larger() -> None:
    notes = mark("explained", text="a survey of a university")
    after = view(DAY + dt.timedelta(days=2), notes)
    small, large = taught.heeded(after, [again(2.9, days=2)]), taught.heeded(after, [again(3.5, days=2)])
    same, other = (
        replace(STORY, id=one[0].id, day=after.day, detections=tuple(one)) for one in (small, large)
    )  # fmt: skip
    told = taught.marked([STORY, same, other], after.taught)
    assert [(one.verdict, one.because) for one in told] == [
        ("explained", "a survey of a university"), ("explained", "a survey of a university"), (None, None),
    ]  # fmt: skip


def test_the_last_mark_of_a_story_counts_and_nonsense_teaches_nothing() -> None:
    found = taught.lessons([mark("false"), mark("explained", number="n2")])
    assert [(one.note, one.verdict) for one in found] == [("n2", "explained")]
    broken: list[Any] = [
        None,
        "",
        "no json",
        "{}",
        '{"story": 1}',
        "[1]",
        '{"story":"a","kinds":3,"about":"","times":"x","packets":1}',
    ]
    assert taught.lessons([{**mark("false"), "value": value} for value in broken]) == ()
    assert taught.lessons([{**mark("false"), "kind": "note"}]) == ()


@pytest.mark.parametrize(
    "about",
    [
        About(), SEEN.about, About(ports=((1, None), (17, 53)), country="", asn=0), About(asn=64500, sensor="a", group="b"),
    ],
)  # fmt: skip
def test_an_about_is_read_back_from_its_text(about: About) -> None:
    assert taught.about_of(about.text()) == about
