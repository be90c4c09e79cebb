"""Share of packets by source country in NICTER's three ways: all, research scans alone, without them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.asked import shares
from teiten.report.asked.shares import WAYS, Shares, Way
from teiten.report.context import Context
from teiten.report.model import Block, Column, Link, Paragraph, Section, Table
from teiten.report.sections import _about

ID = "quarter_countries"
ORDER = 24
KINDS: tuple[PeriodKind, ...] = ("quarterly",)
FIRST: Final = 10
TOLD: Final = 3
HALF: Final = (0.45, 0.55)
"""a share between them is nearly half"""


def build(context: Context) -> Section | None:
    found = context.answers.once(shares.countries)
    if not found["all"].total:
        return None
    say = context.say
    # a report whose filters choose among scanners has nothing to tell apart
    ways = WAYS if context.answers.filters.scanners == "in" and not context.answers.filters.scanner else WAYS[:1]
    findings: list[Paragraph] = []
    if found["all"].first(1):
        findings.append(_all(context, found["all"]))
    if len(ways) > 1:
        findings += _apart(context, found)
    notes: list[Paragraph] = [say("quarter_countries.note_ways")] if len(ways) > 1 else []
    notes += [say("quarter_countries.note"), *_about.attributions(context)]
    return Section(ID, say("quarter_countries.title"), findings, blocks=[_block(context, found, ways)], notes=notes)


# words ----------------------------------------------------------------------------------------------------------------


def _part(context: Context, code: str, share: float) -> str:
    return context.words("quarter_countries.part", land=context.land(code), share=context.words.percent(share))


def _all(context: Context, found: Shares) -> str:
    rows = found.first(FIRST)
    listed = context.words.listed(_part(context, row.key, row.share) for row in rows[:TOLD])
    whole = context.words.percent(sum(row.share for row in rows))
    said = context.say("quarter_countries.finding_all", list=listed, n=len(rows), share=whole)
    return context.words.joined(said, _entered(context, found))


def _apart(context: Context, found: Mapping[Way, Shares]) -> list[Paragraph]:
    """What the scanners' statistics tell, and what is left without them."""
    scans = found["scanners"].first(1)
    if not found["scanners"].total:
        return [context.say("quarter_countries.no_scanners")]
    said: list[Paragraph] = []
    if scans:
        share = context.words.percent(scans[0].share, 0)
        half = HALF[0] <= scans[0].share <= HALF[1]
        fraction = context.say("quarter_countries.half" if half else "quarter_countries.fraction", share=share)
        title = context.say("quarter_scanners.title")
        link = Link(title, "#quarter_scanners", "data/quarter-scanners.csv")
        land = context.land(scans[0].key)
        said.append(context.rich("quarter_countries.finding_scanners", land=land, fraction=fraction, link=link))
    rest = found["without"].first(TOLD)
    if rest:
        listed = context.words.listed(_part(context, row.key, row.share) for row in rest)
        text = context.say("quarter_countries.finding_without", list=listed)
        said.append(context.words.joined(text, _entered(context, found["without"])))
    return said


def _entered(context: Context, found: Shares) -> str:
    if not context.answers.ranks_told:
        return ""
    names = [context.land(r.key) for r in found.first(FIRST) if r.rank_before is None or r.rank_before > FIRST]
    return context.say("quarter_countries.entered", list=context.words.listed(names), n=FIRST) if names else ""


# block ----------------------------------------------------------------------------------------------------------------


def _block(context: Context, found: Mapping[Way, Shares], ways: tuple[Way, ...]) -> Block:
    say = context.say
    figure = figures.BesideFigure(
        id="quarter-countries",
        title=_title(context, found, ways),
        subtitle=say("quarter_countries.subtitle", n=FIRST, scope=context.scope),
        unit=say("ports.packets_unit"),
        panels=[_panel(context, way, found[way]) for way in ways],
    )
    columns = (
        "way", "rank", "country", "packets", "share", "share_of", "rank_before", "packets_before", "share_before",
        "share_of_before",
    )  # fmt: skip
    body = [tuple(row[name] for name in columns) for row in found["all"].rows if row["way"] in ways]
    if not context.answers.ranked_before:
        body = [(*row[:6], None, None, None, None) for row in body]
    data = context.data("quarter-countries", figure.title, columns, body, found["all"].rows.sql)
    return Block(data, figure, _table(context, found, ways))


def _title(context: Context, found: Mapping[Way, Shares], ways: tuple[Way, ...]) -> str:
    first, rest = found["all"].first(1), found["without"].first(1)
    if len(ways) > 1 and first and rest and first[0].key != rest[0].key:
        lands = {"first": context.land(first[0].key), "land": context.land(rest[0].key)}
        return context.say("quarter_countries.figure_without", **lands)
    if not first:
        return context.say("quarter_countries.title")
    share = context.words.percent(first[0].share)
    return context.sentence("quarter_countries.figure", land=context.land(first[0].key), share=share)


def _panel(context: Context, way: Way, found: Shares) -> figures.RankFigure:
    """One of the three: the first ten, the rest, the unknown."""
    say, rows = context.say, found.first(FIRST)
    bars = [
        figures.RankRow(
            key=row.key,
            label=context.country(row.key),
            value=row.packets,
            rank=row.rank,
            rank_before=row.rank_before,
            share=row.share,
        )
        for row in rows
    ]
    rest, unknown = _left(found)
    if rest:
        name = say("thing.other")
        bars.append(figures.RankRow(key="other", label=name, value=rest, share=rest / found.total, kind="other"))
    if unknown:
        name = say("thing.unknown")
        bars.append(figures.RankRow(key="unknown", label=name, value=unknown, share=unknown / found.total, kind="unknown"))
    return figures.RankFigure(
        id=f"quarter-countries-{way}",
        title=say(f"quarter_countries.{way}"),
        subtitle=say("quarter_countries.of", packets=context.packets(found.total)) if found.total else "",
        note=say("quarter_countries.none_scanners"),
        rows=bars,
        things="country",
        before_label=say("column.before") if context.answers.ranks_told else "",
    )


def _left(found: Shares) -> tuple[int, int]:
    """Packets of the countries beyond the first ten, and those of unknown country."""
    unknown = found.unknown.packets if found.unknown else 0
    return found.total - sum(row.packets for row in found.first(FIRST)) - unknown, unknown


def _table(context: Context, found: Mapping[Way, Shares], ways: tuple[Way, ...]) -> Table:
    """The three side by side, by rank."""
    say, words = context.say, context.words
    heads = [Column(say("column.rank"))]
    for way in ways:
        heads += [Column(say(f"quarter_countries.{way}"), "text"), Column(say("column.share"))]
    rows: list[tuple[str, ...]] = []
    tops = [found[way].first(FIRST) for way in ways]
    for place in range(max((len(top) for top in tops), default=0)):
        cells = [words.number(place + 1)]
        for top in tops:
            row = top[place] if place < len(top) else None
            cells += [context.country(row.key), words.percent(row.share)] if row else ["–", "–"]
        rows.append(tuple(cells))
    for name, part in (("thing.other", 0), ("thing.unknown", 1)):
        left = [_left(found[way])[part] for way in ways]
        if any(left):
            cells = ["–"]
            for way, packets in zip(ways, left, strict=True):
                cells += [say(name), words.percent(packets / found[way].total)] if packets else ["–", "–"]
            rows.append(tuple(cells))
    return Table(say("quarter_countries.caption", n=FIRST), tuple(heads), rows)
