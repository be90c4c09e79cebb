"""How this was made: period, sensors, coverage, accounting, definitions, data with their attribution, how to make it again."""

from __future__ import annotations

from collections import Counter

from teiten.lake.watching import LOSSES
from teiten.periods import PeriodKind
from teiten.report.context import Context
from teiten.report.model import Link, Paragraph, Section
from teiten.report.sections import _about

ID = "about"
ORDER = 100
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly", "quarterly", "span", "running")
_WHOLE = 0.995
"""share of the time from which a number of losses is one of the whole period"""
_ORIGINS = {"flag": "about.origin_flag", "teiten.toml": "about.origin_file", "machine": "about.origin_machine"}
_BASES = {
    "stated": "about.basis_stated",
    "year inferred": "about.basis_year",
    "boot inferred": "about.basis_boot",
    "received": "about.basis_received",
}


def build(context: Context) -> Section:
    say, words, answers = context.say, context.words, context.answers
    points: list[Paragraph] = [
        say(
            "about.period_day" if context.kind == "daily" else "about.period",
            start=words.date(context.period.first),
            end=words.date(context.period.days[-1]),
            zone=context.period.tz.key,
            origin=say(_ORIGINS.get(context.origin, "about.origin_machine")),
        ),
        say("about.sensors", sensors=context.sensors),
    ]
    if answers.filters.words:
        shown = [f"{key}={value}" for key, value in sorted(answers.filters.words.items())]
        points.append(say("about.filters", filters=words.listed(shown)))
    points += _coverage(context)
    points += [_losses(context), *_lines(context)]
    points += _bases(context)
    points.append(say("about.definitions"))
    if context.kind != "span":
        points.append(say("about.compare_rule", share=words.percent(answers.comparable_share, 0)))
    points += _verdicts(context)
    points += [*_about.attributions(context), *_about.networks(context)]
    points += [say("about.files"), say("about.font"), say("about.program", version=context.version)]
    points.append(say("about.again", command=context.command))
    points.append(context.rich("about.manifest", link=Link("manifest.json", "manifest.json")))
    return Section(ID, say("about.title"), points=points)


def _verdicts(context: Context) -> list[Paragraph]:
    """By which lists and rules sources were taken for scanners."""
    say, words = context.say, context.words
    scanning = context.answers.scanning
    said: list[Paragraph] = []
    if scanning.lists:
        named = [say("about.list", name=name, version=version) for name, version in scanning.lists]
        said.append(say("about.lists", lists=words.listed(named)))
    if scanning.packets or scanning.port_scanners:
        said.append(say("about.port_scanners", least=int(context.settings.threshold("port_scanner_ports"))))
    return said


def _coverage(context: Context) -> list[Paragraph]:
    say, cover = context.say, context.answers.coverage
    gaps = say("about.gaps", spans=context.spans(cover, 10)) if cover.gaps else say("about.no_gaps")
    said: list[Paragraph] = [say("about.coverage", share=context.words.percent(cover.share), gaps=gaps)]
    if cover.partial:
        said.append(say("about.partial", n=cover.partial))
    since = context.answers.kept_since
    if since is not None:
        said.append(say("about.kept_since", date=context.words.date(since)))
    said.append(say("about.gap_rule"))
    if any(gap.reason == "down" for gap in cover.gaps) or context.answers.losses.known:
        said.append(say("about.gap_down"))
    if any(one.outages for one in context.settings.sensors):
        said.append(say("about.outages"))
    return said


def _losses(context: Context) -> Paragraph:
    """What came and is not there, as a number; where nobody counted, that this is so."""
    say, found = context.say, context.answers.losses
    if not found.known:
        return say("about.losses_unknown")
    share = "" if not found.share else say("about.losses_share", share=context.words.percent(found.share, 2))
    said = [say("about.losses", n=found.lost, share=share, sent=found.sent)]
    if found.lost:
        parts = [(kind, getattr(found, kind)) for kind in LOSSES]
        named = [say(f"about.losses_{kind}", n=n) for kind, n in parts if n]
        said.append(say("about.losses_parts", list=context.words.listed(named)))
    if found.refused:
        said.append(say("about.losses_refused", n=found.refused))
    if found.known < _WHOLE:
        said.append(say("about.losses_known", share=context.words.percent(found.known, 0)))
    return context.words.joined(*said)


def _lines(context: Context) -> list[Paragraph]:
    """What became of the lines of the inputs that hold records of the period."""
    say, inputs = context.say, context.answers.inputs
    said: list[Paragraph] = [
        say(
            "about.lines",
            inputs=context.words("count.inputs", n=inputs.count),
            lines=context.words("count.lines", n=inputs.lines),
            made=inputs.made,
            rejected=inputs.rejected.total(),
            ignored=inputs.ignored.total(),
            already=inputs.already,
        )
    ]
    for key, counted in (("about.rejected", inputs.rejected), ("about.ignored", inputs.ignored)):
        if counted.total():
            said.append(say(key, list=_counted(context, counted)))
    return said


def _counted(context: Context, counts: Counter[str]) -> str:
    words = context.words
    named = [(words(f"reading.{what}") if f"reading.{what}" in words else what, n) for what, n in counts.most_common()]
    return words.listed(context.say("about.counted", what=what, n=n) for what, n in named)


def _bases(context: Context) -> list[Paragraph]:
    say, bases = context.say, context.answers.time_bases
    whole = bases.total()
    if not whole:
        return []
    known = [(basis, n) for basis, n in bases.most_common() if basis in _BASES]
    items = []
    for basis, n in known:
        share = say("about.all") if n == whole else say("about.part", share=context.words.percent(n / whole))
        items.append(say(_BASES[basis], share=share))
    return [say("about.basis", list=context.words.listed(items))] if items else []
