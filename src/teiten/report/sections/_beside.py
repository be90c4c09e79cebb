"""What is said beside the stories of a port, of a country that has much to do with it: its first port, how many it tries."""

from __future__ import annotations

from teiten.detect import model
from teiten.detect.model import Story
from teiten.report.asked import lands
from teiten.report.context import Context
from teiten.report.model import Paragraph
from teiten.report.sections import _stories
from teiten.report.sections._stories import Subject
from teiten.report.words import Speech

_MAIN = 0.25
"""of what is above the usual: a country with at least this share has much to do with it"""


def told(context: Context, speech: Speech, subject: Subject) -> list[Paragraph]:
    """All of it."""
    return [*leads(context, speech, subject), *wide(context, speech, subject)]


def leads(context: Context, speech: Speech, subject: Subject) -> list[Paragraph]:
    """中国発では、3日間の集計で1433/tcpが1位です: of the country from which most of it comes, where it is not first of all."""
    if subject.group or len(subject.about.ports) != 1:
        return []
    whole = next((one for one in subject.stories if one.about.country is None and one.kind != model.DYNAMIC), None)
    land = _main(whole) if whole is not None and whole.state in ("new", "growing", "high") and whole.rank != 1 else None
    passed = {d.about.country for one in subject.stories for d in one.detections if d.kind == model.OVERTOOK}
    if whole is None or not land or land in passed:
        return []
    if context.answers.once_of(lands.own, land).first != subject.about.ports:
        return []
    mine = [speech.linked(speech.ports_text(subject.about.ports), whole)]
    return [speech.turn("tell.leads_inside", land=speech.land(land), mine=mine)]


def _main(story: Story) -> str | None:
    """The country that has most of what is above the usual, where it has much."""
    parts = [p for d in story.detections[:1] if d.day == story.day for p in d.parts if p.what == "country"]
    first = max(parts, key=lambda p: p.share, default=None)
    return first.key if first is not None and first.share >= _MAIN else None


def wide(context: Context, speech: Speech, subject: Subject) -> list[Paragraph]:
    """エストニア発では、このほかにも幅広いポートへのスキャンがみられます: of a country of which only this port is told."""
    if subject.group:
        return []
    found = _stories.changes(context)
    named = {one.about.country for one in found.stories if not one.about.ports} if found else set()
    out: list[Paragraph] = []
    for story in subject.stories:
        land = story.about.country
        if not land or land in named or story.kind == model.DYNAMIC or story.state not in ("new", "ended"):
            continue
        ports = context.answers.once_of(lands.own, land).ports
        if ports < context.answers.threshold("many_ports") or speech.turns[f"wide {land}"]:
            continue
        speech.turns[f"wide {land}"] += 1
        n = [speech.linked(context.words.number(ports), story)]
        out.append(speech.turn("tell.wide", land=speech.land(land), n=n))
    return out
