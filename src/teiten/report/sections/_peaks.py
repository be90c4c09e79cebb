"""Peaks in words and as a table: which days stood out of a course, and which countries, AS and ports made them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from teiten.report.answers import Answers
from teiten.report.asked import quarter, quarter_peaks
from teiten.report.asked.quarter_peaks import Peak
from teiten.report.context import Context
from teiten.report.model import Block, Column, Link, Paragraph, Table
from teiten.report.sections import _quarter

TOLD: Final = 8
"""peaks that are told in words; the table has all"""
LARGE: Final = 0.2
"""of what a peak is made of: a thing that makes less of it is not named"""
MOST: Final = 0.5
"""of a peak: 'mostly'"""
NAMED: Final = 3
CIRCLED: Final = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
COLUMNS: Final = (
    "number", "course", "first", "last", "day", "value", "usual", "spoofed_share", "scanner_share",
    *(f"{name}_{n}{part}" for name in ("country", "as", "port") for n in range(1, NAMED + 1) for part in ("", "_share")),
)  # fmt: skip


def number(n: int) -> str:
    """①; (21) beyond the circled ones."""
    return CIRCLED[n - 1] if n <= len(CIRCLED) else f"({n})"


def numbered(answers: Answers) -> list[tuple[int, Peak]]:
    """The peaks with their numbers, in order of time."""
    return list(enumerate(answers.once(quarter_peaks.found), 1))


def points(context: Context) -> list[Paragraph]:
    """What is told of those that stand out furthest, in order of time, each with a way to its row."""
    every = numbered(context.answers)
    chosen = sorted(every, key=lambda item: -item[1].span.value / max(1.0, item[1].span.usual))[:TOLD]
    out: list[Paragraph] = []
    for n, peak in sorted(chosen, key=lambda item: item[0]):
        link = Link(number(n), f"#peak-{n}", "data/quarter-peaks.csv")
        out.append([link, " ", _told(context, peak)])
    if len(every) > len(chosen):
        out.append(context.say("quarter.peaks_more", n=len(every) - len(chosen)))
    return out


def _told(context: Context, peak: Peak) -> str:
    say, words, span = context.say, context.words, peak.span
    dates = context.period.days
    fields: dict[str, Any] = {
        "days": _quarter.days(context, dates[span.first : span.last + 1]),
        "course": say(f"quarter.course_{peak.course}"),
        "value": words.large(round(span.value)),
        "times": words.number(span.value / max(1.0, span.usual), 1),
    }
    if peak.is_forged:
        course = context.answers.once(quarter.days)
        without = (course.values[peak.course][span.top] or 0.0) - (course.values[f"{peak.course}_spoofed"][span.top] or 0.0)
        share = words.percent(peak.forged, 0)
        return say("quarter.peak_forged", share=share, without=words.large(round(without)), **fields)
    said = [say("quarter.peak", **fields), *_causes(context, peak)]
    if peak.course.endswith("packets") and 0 < peak.hosts < context.answers.threshold("peak_times"):
        said.append(say("quarter.peak_few"))
    if peak.forged >= LARGE:
        said.append(say("quarter.peak_forged_part", share=words.percent(peak.forged, 0)))
    if peak.scanners >= LARGE:
        key = "quarter.peak_scanners" if peak.scanners >= MOST else "quarter.peak_scanners_part"
        said.append(say(key, share=words.percent(peak.scanners, 0)))
    return words.joined(*said)


def _causes(context: Context, peak: Peak) -> list[str]:
    """Countries and ports in one sentence, AS in another; what no thing makes a fifth of is spread."""
    if not peak.causes:
        return [context.say("quarter.peak_unasked")]
    said = []
    for dimension in quarter_peaks.DIMENSIONS:
        named = [(key, share) for key, share in peak.causes[dimension] if share >= LARGE and not _unknown(key)][:NAMED]
        if not named:
            if dimension != "asns":
                said.append(context.say(f"quarter.peak_spread_{dimension}"))
            continue
        parts = [
            context.say(
                "quarter.peak_part", thing=_quarter.thing(context, dimension, key), share=context.words.percent(share, 0)
            )
            for key, share in named
        ]
        # the largest alone, or all that are named together, make most of it, or they are some of many
        most = sum(share for _, share in named) >= MOST if dimension == "ports" else named[0][1] >= MOST
        style = "" if most else "_some"
        said.append(context.say(f"quarter.peak_{dimension}{style}", list=context.words.listed(parts)))
    return said


def _unknown(key: Any) -> bool:
    return key is None or (isinstance(key, tuple) and key[-1] is None)


def differing(context: Context) -> list[str]:
    """For a course with three peaks or more that are no forged ones: does a different port lead each?"""
    out = []
    for course in quarter_peaks.COURSES:
        own = [p for p in context.answers.once(quarter_peaks.found) if p.course == course and not p.is_forged and p.causes]
        leads = [p.causes["ports"][0] for p in own if p.causes["ports"]]
        if len(own) < 3 or len(leads) < len(own):
            continue
        if len({key for key, _ in leads}) == len(leads) and all(share >= LARGE for _, share in leads):
            out.append(context.say("quarter.peaks_differ", course=context.say(f"quarter.course_{course}"), n=len(leads)))
    return out


def block(context: Context) -> Block | None:
    """The table of all peaks; None where there is none."""
    say = context.say
    every = numbered(context.answers)
    if not every:
        return None
    heads = ("number", "days", "course", "value", "times", "forged_share", "scanners", "countries", "ports")
    numbers = {"value", "times", "forged_share", "scanners"}
    spare = {"forged_share", "scanners"}
    columns = tuple(
        Column(say(f"quarter.peaks_{head}"), "number" if head in numbers else "text", head in spare) for head in heads
    )
    rows = [_row(context, n, peak) for n, peak in every]
    caption = say("quarter.peaks_caption")
    table = Table(
        caption,
        columns,
        rows,
        note=context.words.joined(rule(context), say("quarter.peaks_made")),
        places=[f"peak-{n}" for n, _ in every],
    )
    body = [_values(context, n, peak) for n, peak in every]
    sql = context.answers.once(quarter.days).rows.sql
    return Block(context.data("quarter-peaks", caption, COLUMNS, body, sql), table=table)


def rule(context: Context) -> str:
    """What a peak is, with the numbers that decide."""
    answers = context.answers
    times = answers.threshold("peak_times")
    return context.say(
        "quarter.peaks_rule",
        deviations=context.words.number(answers.threshold("peak_deviations"), 0),
        times=context.words.number(times, 1),
    )


def _row(context: Context, n: int, peak: Peak) -> tuple[str, ...]:
    words, span = context.words, peak.span
    dates = context.period.days

    def share(value: float) -> str:
        return words.percent(value, 0) if value >= 0.005 else "–"

    def causes(dimension: str) -> str:
        found = [(key, part) for key, part in peak.causes.get(dimension, ()) if part >= LARGE][:NAMED]
        said = [_quarter.named_part(context, dimension, key, part) for key, part in found]
        return words.listed(said) or (context.say("quarter.cell_spread") if peak.causes else "–")

    return (
        number(n),
        _quarter.unbroken(_quarter.days(context, dates[span.first : span.last + 1])),
        _quarter.unbroken(context.say(f"quarter.course_{peak.course}")),
        words.number(span.value),
        words.number(span.value / max(1.0, span.usual), 1),
        share(peak.forged),
        share(peak.scanners),
        *(causes(dimension) for dimension in ("countries", "ports")),
    )


def _values(context: Context, n: int, peak: Peak) -> tuple[Any, ...]:
    span, dates = peak.span, context.period.days
    cells: list[Any] = [n, peak.course, dates[span.first], dates[span.last], dates[span.top], round(span.value), span.usual]
    cells += [round(peak.forged, 4), round(peak.scanners, 4)]
    for dimension in quarter_peaks.DIMENSIONS:
        found: Sequence[tuple[Any, float]] = peak.causes.get(dimension, [])[:NAMED]
        for key, share in found:
            cells += [_plain(dimension, key), round(share, 4)]
        cells += [None, None] * (NAMED - len(found))
    return tuple(cells)


def _plain(dimension: str, key: Any) -> Any:
    """A thing as a CSV has it: CN, AS4134, 23/tcp."""
    if dimension == "countries" or key is None:
        return key
    if dimension == "asns":
        return f"AS{key[0]}"
    protocol, port = key
    return None if port is None else f"{port}/{'tcp' if protocol == 6 else 'udp'}"
