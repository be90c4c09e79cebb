"""Why a detection was made: its hours or days beside the usual ones, the thresholds that decided, the numbers in words."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from teiten.report import figures
from teiten.web.asked import Asked
from teiten.web.model import Column, Row, Table
from teiten.web.speech import Speech

if TYPE_CHECKING:
    from teiten.detect.model import Detection

_SHOWN_APART: Final = ("counts", "expected", "course", "sums", "sums_of_other", "thresholds", "taught", "countries")
"""of a reason: what has a chart or lines of its own, or is too long for a line"""
_DAYS: Final = 60
"""days of a chart by day"""


def figure(own: Asked, one: Detection, number: int, title: str) -> figures.Figure | None:
    """Counts of the day's hours beside the expected ones, or of days where the reason has those, with the thresholds that
    decided; None where it has neither."""
    speech = Speech.of(own)
    zone, seen, expected = own.settings.zone, speech.say("web_story.seen"), speech.say("web_story.expected")
    hours, usual, days = (_numbers(one.reason.get(name)) for name in ("counts", "expected", "course"))
    step: Literal["hour", "day"] = "hour" if len(hours) > 1 else "day"
    if step == "hour":
        midnight = dt.datetime.combine(one.day, dt.time(), zone).astimezone(dt.UTC)
        times = [(midnight + dt.timedelta(hours=n)).astimezone(zone) for n in range(len(hours))]
        values, beside = hours, usual if len(usual) == len(hours) else []
    elif len(days) > 1:
        values = days[-_DAYS:]
        first = one.day - dt.timedelta(days=len(values) - 1)
        times = [dt.datetime.combine(first + dt.timedelta(days=n), dt.time(), zone) for n in range(len(values))]
        a_day = _number(one.reason.get("usual_a_day"))
        beside = [a_day] * len(values) if a_day is not None else []
    else:
        return None
    things, key = _coloured(one)
    series = [figures.Series("seen", seen, values, colour=figures.colour(things, key) if things else None)]
    if beside:
        series.append(figures.Series("usual", expected, beside, kind="other", dashed=True))
    factor = _number(_limits(one).get("detect_times"))
    if step == "hour" and beside and factor:
        label = speech.say("web_story.times_usual", times=f"{factor:g}")
        series.append(figures.Series("limit", label, [None if v is None else v * factor for v in beside], kind="other"))
    return figures.LineFigure(
        id=f"why-{number}", title=title, subtitle=speech.words.plain(one.day), times=times, series=series, step=step,
        unit=speech.say(f"web.unit_{one.measure}_{step}"), things="part", thresholds=_lines(speech, one, step),
    )  # fmt: skip


def _lines(speech: Speech, one: Detection, step: str) -> list[figures.Threshold]:
    """The thresholds as values of the chart's axis."""
    say, reason, limits, out = speech.say, one.reason, _limits(one), []
    if step == "hour":
        least, window = _number(reason.get("least")), _number(reason.get("window")) or 1.0
        if least:
            label = say("web_story.least_line", least=f"{least:g}", n=round(window))
            out.append(figures.Threshold(least / window, label))
        return out
    usual, factor = _number(reason.get("usual_a_day")), _number(limits.get("detect_level_times"))
    if usual and factor:
        below = bool(reason.get("below"))
        key = "web_story.part_usual" if below else "web_story.times_usual"
        out.append(figures.Threshold(usual / factor if below else usual * factor, say(key, times=f"{factor:g}")))
    least = _number(limits.get("detect_level_packets" if one.measure == "packets" else "detect_level_hosts"))
    if least is None:
        least = _number(limits.get("detect_new_packets"))
    if least:
        out.append(figures.Threshold(least, say("web_story.least_day", least=f"{least:g}")))
    return out


def _limits(one: Detection) -> Mapping[str, Any]:
    found = one.reason.get("thresholds")
    return found if isinstance(found, Mapping) else {}


def _coloured(one: Detection) -> tuple[str, str]:
    """What the line's colour belongs to: the port, else the country, else the network, else the sensor."""
    from teiten.engine.filters import thing_text

    about = one.about
    if about.ports:
        return "port", thing_text(*about.ports[0])
    if about.country:
        return "country", about.country
    return ("asn", f"AS{about.asn}") if about.asn else ("sensor", about.sensor) if about.sensor else ("", "")


def _number(found: Any) -> float | None:
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _numbers(found: Any) -> list[float | None]:
    """A list of numbers as a reason has it; empty where it is none."""
    if not isinstance(found, list) or not all(v is None or isinstance(v, int | float) for v in found):
        return []
    return [None if v is None else float(v) for v in found]


def table(speech: Speech, one: Detection) -> Table | None:
    """Numbers and thresholds that made it; those that have a name in words by it, the others as they are kept."""
    say = speech.say
    rows: list[Row] = [(_name(speech, name), _value(speech, name, value), "") for name, value in one.reason.items()
                       if name not in _SHOWN_APART]  # fmt: skip
    rows += [(name, _value(speech, name, value), say("web_story.threshold")) for name, value in _limits(one).items()]
    columns = [Column(say("web_story.reason"), "text"), Column(say("web.value"), "text"), Column("", "text")]
    return Table(say("web_story.reason"), columns, rows, note=say("web_story.explain", id=one.id)) if rows else None


def _name(speech: Speech, name: str) -> str:
    return speech.say(f"web_reason.{name}") if f"web_reason.{name}" in speech.words else name


def _value(speech: Speech, name: str, value: Any) -> str:
    if name == "spans" and isinstance(value, list):
        return ", ".join(_span(speech, one) for one in value[:20])
    if isinstance(value, bool):
        return speech.say("web_events.yes" if value else "web_events.no")
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        text = ", ".join(f"{key} {held}" for key, held in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(v, str | int | float) for v in value):
        text = ", ".join(map(str, value))
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:200] + "…"


def _span(speech: Speech, found: Any) -> str:
    """Beginning and hours of a stretch as a reason has it."""
    try:
        start, hours = dt.datetime.fromisoformat(found[0]), int(found[1])
    except (TypeError, ValueError, IndexError, KeyError):
        return str(found)
    return speech.say("web_story.hours_from", at=speech.at(start), n=hours)
