"""The title of a chart says what it shows, from the ranking that its page has anyway; the line under it says of what it is.

A finding is who leads, with which share, and against the span of the same length before it. Nothing is compared where sensors
watched for another length of time, and few counts are told as counts.
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

from teiten.engine.questions import Rows
from teiten.report import figures
from teiten.web.asked import Asked
from teiten.web.pages import _watch
from teiten.web.speech import Speech

FEW: Final = 30
"""packets or hosts of a span below which counts are told and no shares"""
COMPARED: Final = 100
"""of a thing in the span before, below which its count is told and no ratio"""
_SAME: Final = 0.1
"""a change smaller than that is none"""
_RISEN: Final = 2.0
_PART: Final = 0.05
"""what rose is told beside what leads where it is so many times as much, and such a part of all"""
_NAMED: Final = 3
_FLAT: Final = 1.3
"""hours of the day whose medians differ by less than that factor are told as alike"""
_DAYS: Final = 3
"""days, or weekdays, that must know an hour"""
_SENT: Final = ("countries", "asns")
_KINDS: Final = {"port": "port", "country": "country", "asn": "asn", "src": "source", "sensor": "sensor"}
_SPANS: Final = {dt.timedelta(hours=1): "hour", dt.timedelta(days=1): "day", dt.timedelta(days=7): "week"}


def title(asked: Asked, what: str, rows: Rows, watch: _watch.Watch | None) -> str:
    """Who leads, as the title of a chart of that thing; its plain name where there is nothing to say.

    rows: the ranking, by packets or hosts; watch: None where nobody knows when sensors watched: then nothing is compared.
    """
    speech = Speech.of(asked)
    known = [row for row in rows if row["rank"] is not None]
    total = rows.total or 0
    if not total or not rows:
        return speech.say(f"web.{what}_time")
    if not known:
        return speech.say("web_finding.unknown", whole=whole(asked), share=speech.words.percent(rows[-1]["share"]))
    leading = [row for row in known if row["rank"] == 1]
    if total < FEW:
        return _few(asked, what, leading, total)
    share = speech.words.percent(leading[0]["share"])
    if len(leading) > 1:
        told = [name_of(speech, what, row) for row in leading]
        key = "tie" if len(leading) <= _NAMED else "tie_many"
        return speech.say(
            f"web_finding.{key}", list=speech.words.listed(told), n=len(told), whole=whole(asked), share=share
        )  # fmt: skip
    first = leading[0]
    name = name_of(speech, what, first)
    unknown = next((row for row in rows if row["rank"] is None), None)
    if unknown is not None and unknown["share"] > first["share"]:
        most = speech.words.percent(unknown["share"])
        return speech.say("web_finding.mostly_unknown", whole=whole(asked), share=most, name=name, second=share)
    key = f"{what}_{asked.by}"
    if first[asked.by] == total:
        key = "only" if asked.narrowing else "all"
    said = _lead(speech, key, what, name=name, whole=whole(asked), share=share)
    against = ""
    if watch is not None and watch.alike and rows.lost is None:
        against = _risen(asked, what, known) or _against(asked, first)
    return speech.say("web_finding.with", said=said, against=against) if against else said


def _lead(speech: Speech, key: str, what: str, **fields: str) -> str:
    """A country may begin with 'the'; a sensor or an address is written as it is."""
    return (speech.sentence if what == "countries" else speech.say)(f"web_finding.{key}", **fields)


def _few(asked: Asked, what: str, leading: Sequence[Mapping[str, Any]], total: int) -> str:
    speech = Speech.of(asked)
    told = [name_of(speech, what, row) for row in leading[:_NAMED]]
    of = speech.say(f"count.{asked.by}", n=total)
    if len(leading) > _NAMED:
        return speech.say("web_finding.few_none", of=of)
    key = "few" if len(told) == 1 else "few_each"
    return speech.say(f"web_finding.{key}", of=of, n=leading[0][asked.by], list=speech.words.listed(told))


def _against(asked: Asked, row: Mapping[str, Any]) -> str:
    """How much it is against the span before; empty where nothing is known of that."""
    before, speech = row[f"{asked.by}_before"], Speech.of(asked)
    if before is None:
        return ""
    span = _span(asked)
    if not before:
        return speech.say("web_finding.none", before=span)
    if before < COMPARED:
        return speech.say("web_finding.few_before", before=span, n=before)
    ratio = row[asked.by] / before
    if abs(ratio - 1) < _SAME:
        return speech.say("web_finding.same", before=span)
    if ratio < 1:
        return speech.say("web_finding.less", before=span, percent=speech.words.percent(1 - ratio, 0))
    return speech.say("web_finding.more", before=span, times=speech.words.number(ratio, 1 if ratio < 10 else 0))


def _risen(asked: Asked, what: str, known: Sequence[Mapping[str, Any]]) -> str:
    """What rose most, where that does not lead: doubled at least, a twentieth of all, by more than the first changed."""
    risen = [
        row
        for row in known
        if row["difference"] is not None
        and row["difference"] >= FEW
        and row[asked.by] >= _RISEN * row[f"{asked.by}_before"]
        and row["share"] >= _PART
    ]
    most = max(risen, key=lambda row: row["difference"], default=None)
    if most is None or most["rank"] == 1 or most["difference"] <= abs(known[0]["difference"] or 0):
        return ""
    speech = Speech.of(asked)
    return speech.say(
        f"web_finding.risen_{'from' if what in _SENT and asked.by == 'packets' else 'itself'}",
        name=name_of(speech, what, most), n=most[asked.by], m=most[f"{asked.by}_before"], before=_span(asked),
    )  # fmt: skip


def _span(asked: Asked) -> str:
    """The span before, in words: the day before only where a day of the calendar is asked for."""
    speech, length = Speech.of(asked), asked.end - asked.start
    kind = _SPANS.get(length)
    whole = asked.start.astimezone(asked.settings.zone).time() == dt.time()
    if kind == "hour" or (kind == "day" and whole) or (kind == "week" and whole and not asked.live):
        return speech.say(f"web_finding.before_{kind}")
    days = length / dt.timedelta(days=1)
    if kind == "day" or not days.is_integer():
        hours = length / dt.timedelta(hours=1)
        return speech.say("web_finding.before_hours", n=int(hours)) if hours.is_integer() else speech.say("web_finding.before")
    return speech.say("web_finding.before_days", n=int(days))


def whole(asked: Asked) -> str:
    """What shares are of: all packets, those to a port, from a country; those that match where filters are several."""
    speech, narrowing = Speech.of(asked), asked.narrowing
    if not narrowing:
        return speech.say(f"web_finding.all_{asked.by}")
    name = _subject(asked, *narrowing[0][:2]) if len(narrowing) == 1 else ""
    kind = _KINDS[narrowing[0][0]] if name else "match"
    return speech.say(f"web_finding.{kind}_{asked.by}", name=name)


def _subject(asked: Asked, name: str, value: str) -> str:
    """The one thing that a filter names, as a sentence calls it; empty where it names several, none, or what is no thing."""
    speech, found = Speech.of(asked), asked.filters
    if name == "port" and len(found.port) == 1 and found.port[0].first == found.port[0].last:
        return speech.port((found.port[0].protocol, found.port[0].first)) if found.port[0].protocol else value
    if name == "country" and len(found.country) == 1 and found.country[0]:
        return speech.land(found.country[0])
    if name == "asn" and len(found.asn) == 1 and found.asn[0] is not None:
        return f"AS{found.asn[0]}"
    if name == "src" and len(found.src) == 1:
        net = found.src[0]
        return str(net.network_address if net.num_addresses == 1 else net)
    return found.sensor[0] if name == "sensor" and len(found.sensor) == 1 else ""


def name_of(speech: Speech, what: str, row: Mapping[str, Any]) -> str:
    """The thing of a row inside a sentence."""
    if what == "countries":
        return speech.land(row["country"])
    return speech.thing(what, row).text


def line(asked: Asked, what: str, total: int, watch: _watch.Watch | None) -> str:
    """What is drawn, of what: 'Ports through time: packets an hour. 12,345 packets, 2 sensors, 98.0 % coverage'."""
    speech = Speech.of(asked)
    say = speech.say
    told = [say(f"count.{asked.by}", n=total)]
    told += [say(f"web_finding.{name}_{side}") for name in ("scanners", "spoofed") if (side := _side(asked, name)) != "in"]
    if watch is not None and watch.sensors:
        told += [say("count.sensors", n=watch.sensors), say("web_finding.coverage", share=speech.words.percent(watch.share))]
    if watch is not None and not watch.alike and watch.before:
        told.append(say("web_finding.uneven"))
    return say("web_finding.line", what=what, told=say("web_finding.comma").join(told))


def _side(asked: Asked, name: str) -> str:
    return asked.words.get(name) or "in"


def drawn(asked: Asked, what: str, rows: Rows, watch: _watch.Watch | None, unit: str) -> str:
    """The line under the chart of a thing through time."""
    speech = Speech.of(asked)
    return line(asked, speech.say("web_finding.what", what=speech.say(f"web.{what}_time"), unit=unit), rows.total or 0, watch)


# maps ------------------------------------------------------------------------------------------------------------------


def world(asked: Asked, rows: Rows) -> str:
    """The countries that lead, and what they come to together."""
    speech, total = Speech.of(asked), rows.total or 0
    known = [row for row in rows if row["rank"] is not None]
    if total < FEW or not known:
        return speech.say("web_look.map")
    first = known[:_NAMED]
    unknown = next((row["share"] for row in rows if row["rank"] is None), 0.0)
    share = speech.words.percent(sum(row[asked.by] for row in first) / total)
    if unknown > sum(row["share"] for row in first):
        told = speech.words.percent(unknown)
        return speech.say("web_finding.map_unknown", whole=whole(asked), share=told)
    names = speech.words.listed(speech.land(row["country"]) for row in first)
    return speech.sentence(f"web_finding.map_{asked.by}", list=names, n=len(first), whole=whole(asked), share=share)


def peak(asked: Asked, rows: Sequence[figures.HeatRow], columns: Sequence[str], unit: str, neutral: str) -> str:
    """The darkest cell of a heat map of things; its plain name where there is little in it."""
    speech = Speech.of(asked)
    cells = [(value, -n, row) for row in rows for n, value in enumerate(row.values) if value is not None]
    if sum(value for value, *_ in cells) < FEW:
        return neutral
    value, at, row = max(cells, key=lambda one: one[:2])
    return speech.say("web_finding.peak", name=row.label, at=columns[-at], value=figures.number(value), unit=unit)


def hours(asked: Asked, rows: Sequence[figures.HeatRow], columns: Sequence[str], neutral: str) -> str:
    """The busiest and the quietest hour of the day, by the median of the rows (one burst makes no habit); the plain name where
    few rows, or few counts, know them."""
    speech, number = Speech.of(asked), figures.number
    usual = []
    for n, column in enumerate(columns):
        seen = [value for row in rows if (value := row.values[n]) is not None]
        if len(seen) >= max(_DAYS, len(rows) / 2):
            usual.append((statistics.median(seen), column))
    counted = sum(value for row in rows for value in row.values if value is not None)
    if len(usual) < len(columns) or counted < FEW * len(columns):
        return neutral
    (most, high), (least, low) = max(usual, key=lambda one: one[0]), min(usual, key=lambda one: one[0])
    if most < _FLAT * least:
        return speech.say("web_finding.hours_alike", most=number(most), least=number(least))
    return speech.say("web_finding.hours", most=number(most), high=high, least=number(least), low=low)
