"""What the observer's own line did: said first, and never as a change of the world."""

from __future__ import annotations

import datetime as dt
from typing import Any

from teiten.detect import model
from teiten.detect.model import Detection, Story
from teiten.report.model import Paragraph
from teiten.report.words._speech import Speech


def sentences(speech: Speech, story: Story, one: Detection | None) -> list[Paragraph]:
    """When, how far it fell, and whether it is as before."""
    if one is None:
        return [speech.turn(f"tell.{story.kind}_over", where=_where(speech, story))]
    fields: dict[str, Any] = {"when": [speech.linked(speech.hours(one), story)], "where": _where(speech, story)}
    if one.kind == model.OUTAGE:
        because = str(one.reason.get("because") or "")
        text = speech.say("notes.at_gap", text=because) if because else ""
        said = [speech.turn("tell.outage", **fields, because=text)]
        ahead = one.reason.get("hours_ahead")
        if model.CLOCK_STEP in one.reason.get("readings", ()) and isinstance(ahead, int) and not because:
            length = speech.words.duration(dt.timedelta(hours=ahead))
            said.append(speech.turn("tell.outage_or_step", length=length))
        return said
    if one.kind == model.CLOCK_STEP:
        seconds = one.reason.get("seconds")
        if isinstance(seconds, int | float) and seconds:
            length = speech.words.duration(dt.timedelta(seconds=abs(seconds)))
            way = "ahead" if seconds > 0 else "behind"
            return [speech.turn(f"tell.clock_step_{way}", **fields, length=length)]
        return [speech.turn("tell.clock_step", **fields)]
    if one.kind == model.DUPLICATE_FEED:
        return [speech.turn("tell.duplicate_feed", **fields)]
    return _fall(speech, story, one, fields)


def _fall(speech: Speech, story: Story, one: Detection, fields: dict[str, Any]) -> list[Paragraph]:
    left = one.reason.get("factor", one.times)
    share = float(left) if isinstance(left, int | float) else None
    said: list[Paragraph]
    if share is not None and 0 <= share < 1:
        said = [speech.turn("tell.own_fall_share", **fields, share=speech.words.percent(share, 0))]
    else:
        said = [speech.turn("tell.own_fall", **fields)]
    if one.end is not None and speech.local(one.end).date() == speech.day:
        said.append(speech.turn("tell.own_fall_back", clock=[speech.linked(speech.clock(one.end), story, one.end)]))
    return said


def _where(speech: Speech, story: Story) -> str:
    """Which sensor, where there are several."""
    if story.about.sensor is not None and speech.sensors > 1:
        return speech.say("tell.where_sensor", sensor=story.about.sensor)
    return ""


def doubts(speech: Speech, story: Story, one: Detection | None) -> list[Paragraph]:
    """What may have been the matter, where the operator did not say it."""
    if one is None or one.reason.get("because"):
        return []
    key = f"tell.maybe_{one.kind}"
    if key in speech.words and not speech.turns[key]:
        speech.turns[key] += 1
        return [speech.say(key)]
    return []


def title(speech: Speech, story: Story, one: Detection | None) -> str:
    when = speech.hours(one) if one is not None else ""
    return speech.sentence(f"tell.title_{story.kind}", when=when, where=_where(speech, story)).rstrip()
