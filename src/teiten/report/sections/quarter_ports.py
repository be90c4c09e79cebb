"""Share of TCP and UDP packets by destination port: the first ten and the rest, coloured by what is attacked."""

from __future__ import annotations

from typing import Final

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.asked import shares
from teiten.report.asked.shares import Share, Shares
from teiten.report.context import Context, protocol_name
from teiten.report.model import Block, Column, Paragraph, Section, Table

ID = "quarter_ports"
ORDER = 22
KINDS: tuple[PeriodKind, ...] = ("quarterly",)
FIRST: Final = 10
LOOKED: Final = 30
"""ports among which it is looked for what rose"""
MORE: Final = 0.2
"""a port rose where it has this share more than before ..."""
CHANCE: Final = 6.0
"""... and the difference is more than this many times what chance does to two counts"""
TOLD: Final = 4
"""ports of a class that are named as risen"""
PAINTS: Final = {"iot": "iot", "windows": "windows", "server": "linux", "ot": "ot", "any": "any"}
"""class of the table of ports -> its colour"""
CLASSES: Final = ("iot", "windows", "server", "ot")


def build(context: Context) -> Section | None:
    found = context.answers.once(shares.ports)
    if found is None or not found.first(1):
        return None
    say = context.say
    findings: list[Paragraph] = [_first(context, found), _classes(context, found), *_risen(context, found)]
    entered = _entered(context, found)
    findings += [entered] if entered else []
    notes: list[Paragraph] = [say("quarter_ports.note"), say("about.services")]
    if context.answers.comparable:
        notes.append(say("quarter_ports.rule", least=context.words.percent(MORE, 0)))
    return Section(ID, say("quarter_ports.title"), findings, blocks=[_block(context, found)], notes=notes)


def target(context: Context, row: Share) -> str:
    """What machines the port is usually found on: a class of the table of ports; 'unlisted' where it has no entry."""
    entry = context.port_entry(row.key)
    return entry.target if entry else "unlisted"


def _named(context: Context, name: str) -> str:
    return context.words(f"quarter_ports.{name}")


# words ----------------------------------------------------------------------------------------------------------------


def _leading(context: Context, found: Shares) -> tuple[str, str]:
    """Who is first, with its share; several with equally many are named together."""
    rows = [row for row in found.first(FIRST) if row.rank == 1]
    share = context.words.percent(rows[0].share)
    if len(rows) == 1:
        return context.port_long(rows[0].key), share
    names = context.words.listed(context.ports(row.key for row in rows))
    return context.say("thing.tied", list=names), context.say("thing.each", share=share)


def _first(context: Context, found: Shares) -> str:
    """Who is first, as before or not; and how its share went."""
    row = found.first(1)[0]
    words, told = context.words, context.answers.ranks_told
    port, share = _leading(context, found)
    fields = {"port": port, "share": share}
    if len(found.first(2)) > 1 and found.first(2)[1].rank == 1:
        return context.say("quarter_ports.first", **fields)
    if told and row.rank_before == 1:
        said = [context.say("quarter_ports.first_same", **fields)]
    elif told and row.rank_before:
        said = [context.say("quarter_ports.first_new", place=words.ordinal(row.rank_before), **fields)]
    else:
        said = [context.say("quarter_ports.first", **fields)]
    if told and row.share_before and abs(row.share - row.share_before) >= 0.01:
        key = "quarter_ports.share_up" if row.share > row.share_before else "quarter_ports.share_down"
        said.append(context.say(key, before_share=words.percent(row.share_before)))
    return words.joined(*said)


def _classes(context: Context, found: Shares) -> str:
    """What the first ten hold, and by class."""
    words, rows = context.words, found.first(FIRST)
    whole = sum(row.share for row in rows)
    sums: dict[str, float] = {}
    for row in rows:
        name = target(context, row)
        sums[name] = sums.get(name, 0.0) + row.share
    order = sorted(sums, key=lambda name: (-sums[name], name))
    items = [words("quarter_ports.class", target=_named(context, name), share=words.percent(sums[name])) for name in order]
    top = context.say("quarter_ports.top", n=len(rows), share=words.percent(whole))
    return words.joined(top, context.say("quarter_ports.classes", n=len(rows), list=words.listed(items)))


def _risen(context: Context, found: Shares) -> list[Paragraph]:
    """The ports that rose against the period before, by class, the largest rise first."""
    if not context.answers.comparable:
        return []
    words = context.words
    answers = context.answers
    scale = answers.observed_days / answers.observed_days_before
    risen: dict[str, list[str]] = {}
    grown = [row for row in found.first(LOOKED) if _grew(row, scale)]
    for row in sorted(grown, key=lambda r: -(r.packets - scale * (r.packets_before or 0))):
        before = scale * (row.packets_before or 0)
        if before * 20 < row.packets:
            item = context.say("quarter_ports.item_new", port=context.port_long(row.key))
        else:
            change = words.change(row.packets / before - 1)
            item = context.say("quarter_ports.item", port=context.port_long(row.key), change=change)
        name = target(context, row)
        risen.setdefault(name if name in CLASSES else "any", []).append(item)
    said: list[Paragraph] = []
    for name in CLASSES:
        if name in risen:
            listed = words.listed(risen[name][:TOLD])
            said.append(context.say("quarter_ports.risen", target=_named(context, name), list=listed))
    if "any" in risen:
        said.append(context.say("quarter_ports.risen_any", list=words.listed(risen["any"][:TOLD])))
    return [words.joined(*(str(text) for text in said))] if said else []


def _grew(row: Share, scale: float) -> bool:
    before = row.packets_before or 0
    more = row.packets - scale * before
    return more > MORE * scale * before and more > CHANCE * (row.packets + scale**2 * before) ** 0.5


def _entered(context: Context, found: Shares) -> str:
    """Who is new among the first ten."""
    if not context.answers.ranks_told:
        return ""
    rows = [row for row in found.first(FIRST) if row.rank_before is None or row.rank_before > FIRST]
    names = [context.port_long(row.key) for row in rows]
    return context.say("quarter_ports.entered", list=context.words.listed(names), n=FIRST) if names else ""


# block ----------------------------------------------------------------------------------------------------------------


def _block(context: Context, found: Shares) -> Block:
    say, rows = context.say, found.first(FIRST)
    told = context.answers.ranks_told
    port, share_first = _leading(context, found)
    bars = [
        figures.RankRow(
            key=f"{row.key[1]}/{protocol_name(row.key[0])}",
            label=context.port(row.key),
            value=row.packets,
            rank=row.rank,
            rank_before=row.rank_before,
            share=row.share,
            detail=context.service(row.key),
            target=PAINTS.get(target(context, row), "other"),
        )
        for row in rows
    ]
    unknown = found.unknown
    rest = found.total - sum(row.packets for row in rows) - (unknown.packets if unknown else 0)
    if rest:
        share = rest / max(1, found.total)
        bars.append(figures.RankRow(key="other", label=say("thing.other"), value=rest, share=share, kind="other"))
    if unknown:
        name = say("thing.unknown")
        bars.append(figures.RankRow(key="unknown", label=name, value=unknown.packets, share=unknown.share, kind="unknown"))
    figure = figures.RankFigure(
        id="quarter-ports",
        title=say("quarter_ports.figure", port=port, share=share_first),
        subtitle=say("quarter_ports.subtitle", n=len(rows), scope=context.scope),
        unit=say("ports.packets_unit"),
        rows=bars,
        colour_by="target",
        classes=[*((PAINTS[name], _named(context, name)) for name in PAINTS), ("other", _named(context, "unlisted"))],
        before_label=say("column.before") if told else "",
        heading=say("column.port"),
        total=context.packets(found.total),
    )
    columns = (
        "rank", "dst_port", "protocol", "packets", "share", "share_of", "rank_before", "packets_before", "share_before",
        "share_of_before",
    )  # fmt: skip
    body = [tuple(row[name] for name in columns) for row in found.rows]
    if not context.answers.ranked_before:
        body = [(*row[:6], None, None, None, None) for row in body]
    data = context.data("quarter-ports", figure.title, columns, body, found.rows.sql)
    return Block(data, figure, _table(context, found, rows, rest, unknown))


def _table(context: Context, found: Shares, rows: list[Share], rest: int, unknown: Share | None) -> Table:
    say, words, told = context.say, context.words, context.answers.ranks_told
    heads = [Column(say("column.rank")), *([Column(say("column.before"))] if told else [])]
    heads += [Column(say("column.port"), "text"), Column(say("column.service"), "text", spare=True)]
    heads += [
        Column(say("quarter_ports.target"), "text", spare=True),
        Column(say("column.packets")),
        Column(say("column.share")),
    ]
    heads += [Column(say("quarter_ports.share_before"))] if told else []

    def line(rank: str, before: str, what: tuple[str, str, str], packets: int, share: float, old: str) -> tuple[str, ...]:
        counted = (words.number(packets), words.percent(share))
        return (rank, before, *what, *counted, old) if told else (rank, *what, *counted)

    cells = []
    for row in rows:
        what = (context.port(row.key), context.service(row.key), _named(context, target(context, row)))
        before = words.number(row.rank_before) if row.rank_before else "–"
        old = words.percent(row.share_before) if row.share_before is not None else "–"
        cells.append(line(words.number(row.rank or 0), before, what, row.packets, row.share, old))
    if rest:
        cells.append(line("–", "–", (say("thing.other"), "", ""), rest, rest / max(1, found.total), "–"))
    if unknown:
        cells.append(line("–", "–", (say("thing.unknown"), "", ""), unknown.packets, unknown.share, "–"))
    return Table(say("quarter_ports.caption", total=found.total), tuple(heads), cells)
