"""What an analyst's marks on stories teach: "false" lifts the bar for the same again, "explained" gives the same its words.

A mark is a note in the lake (`teiten note add --story ID --label false TEXT`), with what the story was when it was marked. All
of it follows from the notes that hold: withdrawn, it is as if it had never been.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from teiten.detect.model import About, Detection, Port, Story

if TYPE_CHECKING:
    from teiten.detect.view import View

Verdict = Literal["false", "explained"]
VERDICTS: Final[tuple[Verdict, ...]] = ("false", "explained")
NOTE: Final = "story"
"""kind of note that marks one"""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One mark, and what it teaches about the same kinds of change of the same thing."""

    note: str
    story: str
    verdict: Verdict
    because: str
    kinds: tuple[str, ...]
    """those of the story and of its detections"""
    about: str
    """`About.text()`"""
    day: dt.date
    """the last day of the story when it was marked: what it teaches holds from the next one on"""
    times: float | None
    """how many times the usual it had reached at most; None: its kind has no such number"""
    packets: float
    """the most packets of one of its detections"""

    def holds(self, day: dt.date, days: float) -> bool:
        """Does it teach something for that day? `days`: for how many it holds (`detect_taught_days`)."""
        return 0 < (day - self.day).days <= days

    def concerns(self, one: Detection) -> bool:
        """Is that the same kind of change of the same thing?"""
        return one.kind in self.kinds and one.about.text() == self.about

    def beyond(self, one: Detection, factor: float) -> bool:
        """Is that detection larger than `factor` times what was marked?"""
        if self.times is not None and one.times is not None:
            return one.times > factor * self.times
        if self.times is not None and one.usual is not None and one.packets:
            return True  # so much above the usual that no number says it
        return one.packets > factor * self.packets


def mark(story: Story, every: Sequence[Story], verdict: str, zone: dt.tzinfo) -> dict[str, Any]:
    """What the note keeps that marks a story, in the lake's columns. story: as it stands on its last day; every: on each."""
    about = story.about
    out: dict[str, Any] = {
        "label": verdict,
        "value": content(story, every),
        "day_from": story.first.astimezone(zone).date(),
        "day_to": story.day,
        "country": about.country or None,
        "sensor": about.sensor,
    }
    if len(about.ports) == 1:
        out["protocol"], out["port"] = about.ports[0]
    return {key: value for key, value in out.items() if value is not None}


def content(story: Story, days: Sequence[Story] = ()) -> str:
    """What a mark keeps of a story, as JSON: the column `value` of its note. days: the same story on each of its days."""
    found = [one for day in (*days, story) for one in day.detections]
    kinds = sorted({story.kind, *(one.kind for one in found)})
    times = [t for t in (story.times, story.peak, *(one.times for one in found)) if t is not None]
    kept = {
        "story": story.id,
        "kinds": kinds,
        "about": story.about.text(),
        "times": round(max(times), 3) if times else None,
        "packets": max((one.packets for one in found), default=0.0),
    }
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def lessons(notes: Iterable[Mapping[str, Any]]) -> tuple[Lesson, ...]:
    """The marks among the notes that hold (rows of `Lake.notes()`), oldest first. What cannot be read teaches nothing."""
    out: dict[str, Lesson] = {}
    for row in notes:
        if row["kind"] != NOTE or row["label"] not in VERDICTS or row["day_to"] is None:
            continue
        try:
            kept = json.loads(row["value"] or "")
            times = kept["times"]
            one = Lesson(
                row["id"], str(kept["story"]), cast("Verdict", row["label"]), (row["text"] or "").strip(),
                tuple(map(str, kept["kinds"])), str(kept["about"]), row["day_to"],
                None if times is None else float(times), float(kept["packets"]),
            )  # fmt: skip
        except (ValueError, KeyError, TypeError):
            continue
        out.pop(one.story, None)
        out[one.story] = one  # of several marks of one story the last counts
    return tuple(out.values())


def bar(lesson: Lesson, view: View) -> float:
    """From how many times the marked size on the same is told as something of its own."""
    return view.threshold(f"detect_taught_{lesson.verdict}")


def bar_text(lesson: Lesson, factor: float) -> str:
    """From what size on the same is told: 4.5 times the usual; or, where its kind has no such number, packets."""
    if lesson.times is not None:
        return f"{factor * lesson.times:,.1f} x usual"
    return f"{factor * lesson.packets:,.0f} packets"


def heeded(view: View, found: Sequence[Detection]) -> list[Detection]:
    """The detections, without those that a mark "false" says are nothing new, and with the words of a mark "explained".

    Of several marks about the same thing the last decides. What the mark changed stands in the detection's `reason`:
    `taught` has the note, the verdict and the bar.
    """
    days = view.threshold("detect_taught_days")
    holding = [lesson for lesson in view.taught if lesson.holds(view.day, days)]
    if not holding:
        return list(found)
    out = []
    for one in found:
        lesson = next((known for known in reversed(holding) if known.concerns(one)), None)
        if lesson is None:
            out.append(one)
            continue
        beyond = lesson.beyond(one, bar(lesson, view))
        if beyond or lesson.verdict == "explained":
            told = {
                "note": lesson.note, "story": lesson.story, "verdict": lesson.verdict, "factor": bar(lesson, view),
                "times": lesson.times, "packets": lesson.packets, "beyond": beyond,
            }  # fmt: skip
            out.append(replace(one, reason={**one.reason, "taught": told}))
    return out


def said(taught: Iterable[Lesson]) -> dict[str, tuple[Verdict, str | None]]:
    """What the analyst says of a story, and in which words, by its id."""
    return {lesson.story: (lesson.verdict, lesson.because or None) for lesson in taught}


def marked(stories: Iterable[Story], taught: Sequence[Lesson]) -> list[Story]:
    """The stories with the analyst's verdict and words: those marked, and those that show only what was explained before."""
    own = {lesson.story: lesson for lesson in taught}
    notes = {lesson.note: lesson for lesson in taught}
    out = []
    for story in stories:
        lesson = own.get(story.id)
        if lesson is None and story.detections:
            told = [one.reason.get("taught") for one in story.detections]
            if all(isinstance(t, Mapping) and t.get("verdict") == "explained" and not t.get("beyond") for t in told):
                lesson = notes.get(str(cast("Mapping[str, Any]", told[0]).get("note")))
        out.append(story if lesson is None else replace(story, verdict=lesson.verdict, because=lesson.because or None))
    return out


def about_of(text: str) -> About:
    """`About.text()` back to what it says. ValueError for what none has written."""
    ports, country, asn, sensor, group = text.split("|")
    return About(
        ports=tuple(_port(one) for one in ports.split(",") if one),
        country=None if not country else "" if country == "?" else country,
        asn=int(asn) if asn else None,
        sensor=sensor or None,
        group=group or None,
    )


def _port(text: str) -> Port:
    number, _, protocol = text.partition("/")
    return int(protocol), int(number) if number else None
