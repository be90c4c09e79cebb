"""What every page tells above its parts: how fresh the data are, when nobody watched, and what was lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from teiten.engine import gaps, losses, recorded
from teiten.web.asked import Asked
from teiten.web.pool import Pool
from teiten.web.speech import Speech

MOST = 3
"""gaps told one by one; of more, how many there are and the longest"""
_NEWS = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Told:
    """Sentences for the head of a page. last: the last event of the lake; gaps, lost: empty where there is nothing to tell."""

    last: dt.datetime | None
    fresh: str
    gaps: Sequence[str]
    lost: str


async def of(asked: Asked, pool: Pool) -> Told:
    """What is to be told of the span and the sensors that are asked about."""
    only = asked.filters.sensor

    def ask(session: Any) -> tuple[Any, list[dict[str, Any]], losses.Losses]:
        extent = recorded.extent(session)
        end = min(asked.end, asked.now)
        if extent is None or asked.start >= end:
            return extent, [], losses.Losses()
        rows = list(gaps.gaps(session, asked.start, end, sensors=only))
        names = only or tuple(recorded.activities(session) or ())
        return extent, rows, losses.losses(session, asked.start, end, names, every=not only)

    extent, missing, lost = await pool.ask(("told", asked.when, only), ask)
    speech = Speech.of(asked)
    last = extent[1] if extent else None
    return Told(last, _fresh(speech, last), _gaps(speech, missing), _lost(speech, lost))


def _fresh(speech: Speech, last: dt.datetime | None) -> str:
    """The last event, and how long ago that was; of a lake that is not live, that it stands for now."""
    if last is None:
        return speech.say("web_look.no_events")
    ago = dt.datetime.now(dt.UTC) - last
    at = speech.at(last)
    if ago > dt.timedelta(days=2):
        return speech.say("web_look.last_event_old", at=at)
    said = speech.words.duration(ago) if ago >= _NEWS else ""
    return speech.say("web_look.last_event", at=at, ago=said) if said else speech.say("web_look.last_event_now", at=at)


def joined(missing: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Gaps of a sensor that touch are one to the reader, with the reason of the longest."""
    out: list[dict[str, Any]] = []
    for gap in sorted(missing, key=lambda one: (one["sensor"], one["start"])):
        last = out[-1] if out else None
        if last is None or last["sensor"] != gap["sensor"] or gap["start"] > last["end"]:
            out.append({**gap, "length": gap["end"] - gap["start"]})
            continue
        if gap["end"] - gap["start"] > last["length"]:
            last |= {"reason": gap["reason"], "because": gap.get("because"), "length": gap["end"] - gap["start"]}
        last["end"] = max(last["end"], gap["end"])
    return sorted(out, key=lambda one: one["start"])


def _gaps(speech: Speech, missing: Sequence[Mapping[str, Any]]) -> list[str]:
    zone, missing = speech.settings.zone, joined(missing)
    if len(missing) > MOST:
        longest = max(missing, key=lambda gap: gap["end"] - gap["start"])
        names = {gap["sensor"] for gap in missing}
        return [speech.say("web_look.gaps_many", n=len(missing), sensors=len(names), gap=_gap(speech, longest, zone))]
    return [speech.say("web_look.gap", gap=_gap(speech, gap, zone)) for gap in missing]


def _gap(speech: Speech, gap: Mapping[str, Any], zone: dt.tzinfo) -> str:
    span = speech.words.span(gap["start"].astimezone(zone), gap["end"].astimezone(zone))
    because = gap.get("because") or speech.say(f"web_look.reason_{str(gap['reason']).replace(' ', '_')}")
    return speech.say("web_look.gap_of", sensor=gap["sensor"], span=span, because=because)


def _lost(speech: Speech, found: losses.Losses) -> str:
    if not found.lost:
        return ""
    share = speech.words.percent(found.share or 0.0, 2)
    return speech.say("web_look.lost", n=speech.words.number(found.lost), of=speech.words.number(found.sent), share=share)
