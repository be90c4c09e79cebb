"""Which ports: the ranking with movement, shares and usual services; ICMP is a row of its own."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.context import Context
from teiten.report.model import Paragraph, Point, Section
from teiten.report.sections import _points, _ranking

ID = "ports"
ORDER = 20
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly")


def build(context: Context) -> Section | None:
    say, words, answers = context.say, context.words, context.answers
    most = _ranking.SHOWN[context.kind]
    rows = _ranking.chosen(context, "ports", most)
    named = [r for r in rows if r.rank is not None]
    if not named:
        return None
    charted = _ranking.chosen(context, "ports", _ranking.CHART[context.kind])
    first = sum(r.share for r in named[:10])
    if answers.totals.ports > 10:
        findings = [say("ports.finding", n=10, all=answers.totals.ports, share=words.percent(first))]
    else:
        findings = [say("ports.finding_few", n=answers.totals.ports)]
    moved = [text for text in (_ranking.entered(context, "ports", 10), _ranking.left(context, "ports", 10)) if text]
    monthly = context.kind == "monthly"
    points: list[Paragraph | Point] = [*_points.ports(context), *_points.in_and_out(context, "ports", 10)] if monthly else []
    findings += _points.not_told(context) if monthly else moved
    figure = figures.RankFigure(
        id="ports",
        title=_ranking.headline(context, "ports", named),
        subtitle=say("ports.subtitle", n=min(len(named), _ranking.CHART[context.kind]), scope=context.scope),
        unit=say("ports.packets_unit"),
        rows=_ranking.bars(context, "ports", charted),
        things="port",
        before_label=say("column.before") if answers.ranks_told else "",
        heading=say("column.port"),
        total=context.packets(answers.totals.packets),
    )
    notes = [say("about.services"), *([_points.rule(context)] if points else [])]
    if any(r.key[1] is None and r.key[0] in (1, 58) for r in named):
        notes.insert(0, say("ports.icmp_note"))
    caption = say("ports.caption", total=answers.totals.packets)
    block = _ranking.block(context, "ports", figure, _ranking.table(context, "ports", rows, caption))
    return Section(ID, say("ports.title"), findings, points, blocks=[block], notes=notes)
