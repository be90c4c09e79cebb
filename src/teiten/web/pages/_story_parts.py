"""The parts of a story's page: numbers, each detection's hours beside the usual ones, its reason, who carries it, its days."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from teiten.report import figures
from teiten.report.model import Fact
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Row, Table
from teiten.web.pages import _stories, stories
from teiten.web.speech import Speech

if TYPE_CHECKING:
    from teiten.detect.model import Detection, Story

_SHOWN_APART: Final = ("counts", "expected", "course", "sums", "thresholds", "taught", "countries")
"""of a reason: what has a chart or lines of its own, or is too long for a line"""


def facts(asked: Asked, story: Story) -> list[Fact]:
    """Kind, since when, how many times the usual."""
    speech = Speech.of(asked)
    say, words = speech.say, speech.words
    out = [
        Fact(say("web_story.kind"), _stories.kind(asked.lang, story.kind)),
        Fact(say("web_story.since"), speech.at(story.first), _until(speech, story)),
    ]
    if story.times is not None:
        most = story.peak is not None and story.peak_day is not None
        note = say("web_story.peak", times=f"{story.peak:,.1f}", day=words.plain(story.peak_day)) if most else ""  # type: ignore[arg-type]
        out.append(Fact(say("web.times"), f"{story.times:,.1f}", note))
    if story.rank is not None:
        note = say("web_story.rank_before", n=story.rank_before) if story.rank_before is not None else ""
        out.append(Fact(say("web_story.rank"), words.number(story.rank), note))
    return out


def _until(speech: Speech, story: Story) -> str:
    return speech.say("web_story.goes_on") if story.last is None else speech.say("web_story.until", at=speech.at(story.last))


def detection(own: Asked, one: Detection, number: int) -> list[Part]:
    """A detection: its hours (or days) with what is usual, the thresholds in force, and who carries it."""
    speech = Speech.of(own)
    say = speech.say
    title = f"{_stories.kind(own.lang, one.kind)} ({speech.words.plain(one.day)})"
    out = [Part(f"why-{number}", title, sentences=_sentences(speech, one), figure=_figure(own, one, number, title),
                table=_reason(speech, one))]  # fmt: skip
    if one.parts:
        out.append(Part(f"carried-{number}", say("web_story.carried"), table=_carried(own, one)))
    return out


def _sentences(speech: Speech, one: Detection) -> list[str]:
    say = speech.say
    hosts = say("web_story.of_hosts", n=round(one.hosts)) if one.hosts is not None else ""
    out = [say("web_story.packets", n=round(one.packets), hosts=hosts)]
    if one.usual is None:
        out.append(say("web_story.no_usual"))
    else:
        times = say("web_story.times_it", times=f"{one.times:,.1f}") if one.times is not None else ""
        out.append(say("web_story.usual", usual=f"{one.usual:,.1f}", times=times))
    if one.score:
        out.append(say("web_story.chance", score=f"{one.score:.1f}"))
    if one.sources:
        out.append(say(f"web_story.sources_{one.sources}"))
    told = one.reason.get("taught")
    if isinstance(told, Mapping):
        out.append(say("web_story.taught", story=str(told.get("story")), factor=f"{float(told.get('factor') or 0):g}"))
    return out


def _figure(own: Asked, one: Detection, number: int, title: str) -> figures.Figure | None:
    """Counts of the day's hours beside the expected ones, or of days where the reason has those; None where it has neither."""
    speech = Speech.of(own)
    zone, seen, expected = own.settings.zone, speech.say("web_story.seen"), speech.say("web_story.expected")
    hours, usual, days = (_numbers(one.reason.get(name)) for name in ("counts", "expected", "course"))
    step: Literal["hour", "day"] = "hour" if len(hours) > 1 else "day"
    if step == "hour":
        midnight = dt.datetime.combine(one.day, dt.time(), zone).astimezone(dt.UTC)
        times = [(midnight + dt.timedelta(hours=n)).astimezone(zone) for n in range(len(hours))]
        series = [figures.Series("seen", seen, hours)]
        if len(usual) == len(hours):
            series.append(figures.Series("usual", expected, usual, kind="other", dashed=True))
    elif len(days) > 1:
        first = one.day - dt.timedelta(days=len(days) - 1)
        times = [dt.datetime.combine(first + dt.timedelta(days=n), dt.time(), zone) for n in range(len(days))]
        series = [figures.Series("seen", seen, days)]
    else:
        return None
    unit = speech.say(f"web.unit_{one.measure}_{step}")
    subtitle = speech.words.plain(one.day)
    return figures.LineFigure(
        id=f"why-{number}", title=title, subtitle=subtitle, times=times, series=series, step=step, unit=unit, things="part"
    )


def _numbers(found: Any) -> list[float | None]:
    """A list of numbers as a reason has it; empty where it is none."""
    if not isinstance(found, list) or not all(v is None or isinstance(v, int | float) for v in found):
        return []
    return [None if v is None else float(v) for v in found]


def _reason(speech: Speech, one: Detection) -> Table | None:
    """Numbers and thresholds that made it."""
    say = speech.say
    rows: list[Row] = [(name, _value(value), "") for name, value in one.reason.items() if name not in _SHOWN_APART]
    limits = one.reason.get("thresholds")
    if isinstance(limits, Mapping):
        rows += [(name, _value(value), say("web_story.threshold")) for name, value in limits.items()]
    columns = [Column(say("web_story.reason"), "text"), Column(say("web.value"), "text"), Column("", "text")]
    return Table(say("web_story.reason"), columns, rows, note=say("web_story.explain", id=one.id)) if rows else None


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:200] + "…"


def _carried(own: Asked, one: Detection) -> Table:
    speech = Speech.of(own)
    say, words = speech.say, speech.words
    rows: list[Row] = []
    for part in one.parts[:12]:
        what = say(f"web_story.part_{part.what}") if f"web_story.part_{part.what}" in words else part.what
        share = Cell(words.percent(part.share), share=max(0.0, min(1.0, part.share)))
        since = speech.at(part.since) if part.since else ""
        rows.append((_named(own, part.what, part.key), what, words.number(round(part.packets)), share, since))
    columns = [Column(say("web_story.who"), "text"), Column(say("web_story.what"), "text"), Column(say("web.packets")),
               Column(say("web_story.share")), Column(say("web_story.joined"), "text", spare=True)]  # fmt: skip
    return Table(say("web_story.carried"), columns, rows)


def _named(own: Asked, what: str, key: str) -> Cell:
    """Who carries it, with the way to their page."""
    speech = Speech.of(own)
    unknown = speech.say("thing.unknown")
    if what == "country":
        return speech.thing("countries", {"country": key or None})
    if what == "asn":
        number = int(key) if key.isdigit() else 0
        return speech.thing("asns", {"asn": number or None})
    if what == "port":
        port, _, protocol = key.partition("/")
        if protocol.isdigit():
            return speech.thing("ports", {"protocol": int(protocol), "dst_port": int(port) if port.isdigit() else None})
    if what == "sensor":
        return speech.thing("sensors", {"sensor": key})
    if what == "prefix" and key:
        return Cell(key, own.url(place("source", key)))
    return Cell(key or unknown)


def days(asked: Asked, history: Sequence[Story]) -> Part:
    """What became of it, the last day first."""
    speech = Speech.of(asked)
    say, words = speech.say, speech.words
    rows = [
        (words.plain(one.day), stories.state(speech, one), "–" if one.times is None else f"{one.times:,.1f}",
         words.number(one.rank) if one.rank else "–", ", ".join(_stories.kind(asked.lang, d.kind) for d in one.detections))
        for one in reversed(history) if one.state != "resting"
    ]  # fmt: skip
    columns = [Column(say("web.day"), "text"), Column(say("web.state"), "text"), Column(say("web.times")),
               Column(say("web_story.rank")), Column(say("web_story.detected"), "text", spare=True)]  # fmt: skip
    return Part("days", say("web_story.days"), table=Table(say("web_story.days"), columns, rows))
