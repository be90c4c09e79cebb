"""From where: the ranking of source countries with movement; those whose country is unknown are a row of their own."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.context import Context
from teiten.report.model import Paragraph, Point, Section
from teiten.report.sections import _about, _lands, _points, _ranking

ID = "countries"
ORDER = 30
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly")


def build(context: Context) -> Section | None:
    say, words, answers = context.say, context.words, context.answers
    rows = _ranking.chosen(context, "countries", _ranking.SHOWN[context.kind])
    if not rows:
        return None
    named = [r for r in rows if r.rank is not None]
    unknown = next((r for r in rows if r.rank is None), None)
    findings = []
    if 0 < len(named) <= 5:
        findings.append(say("countries.finding_few", n=len(named)))
    elif named:
        top = 5
        share = words.percent(sum(r.share for r in named[:top]))
        findings.append(say("countries.finding", n=answers.totals.countries, top=top, share=share))
    monthly = context.kind == "monthly"
    if unknown and not (monthly and named):
        share = words.percent(unknown.share)
        findings.append(say("countries.unknown", packets=context.packets(unknown.packets), share=share))
    moved = [t for t in (_ranking.entered(context, "countries", 10), _ranking.left(context, "countries", 10)) if t]
    points: list[Paragraph | Point] = (
        [*_lands.countries(context), *_points.in_and_out(context, "countries", 10)] if monthly else []
    )
    findings += _points.not_told(context) if monthly else moved
    charted = _ranking.chosen(context, "countries", _ranking.CHART[context.kind])
    if named and (unknown is None or unknown.share <= named[0].share):
        title = _ranking.headline(context, "countries", named)
    else:
        title = say("countries.figure_unknown", share=words.percent(rows[-1].share))
    figure = figures.RankFigure(
        id="countries",
        title=title,
        subtitle=say("countries.subtitle", n=sum(r.rank is not None for r in charted), scope=context.scope),
        unit=say("ports.packets_unit"),
        rows=_ranking.bars(context, "countries", charted),
        things="country",
        before_label=say("column.before") if answers.ranks_told else "",
        heading=say("column.country"),
        total=context.packets(answers.totals.packets),
    )
    caption = say("countries.caption", total=answers.totals.packets)
    block = _ranking.block(context, "countries", figure, _ranking.table(context, "countries", rows, caption))
    notes: list[Paragraph] = [say("countries.note"), *_about.attributions(context)]
    return Section(ID, say("countries.title"), findings, points, blocks=[block], notes=notes)
