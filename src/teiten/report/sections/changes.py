"""What changed since the last edition: counts, ranks, late records, lists, settings, notes, and the tables that are others."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from teiten.periods import PeriodKind
from teiten.report.compare import Changes, RankChange
from teiten.report.context import Context
from teiten.report.model import Block, Column, Data, Link, Paragraph, Piece, Section, Table

ID = "changes"
ORDER = 85
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly", "quarterly", "span")
MOST = 5
"""ranks that are told in words; all of them are in the CSV"""


def build(context: Context) -> Section | None:
    """Nothing in a first edition, nor before it is known which edition this is."""
    edition = context.edition
    if edition is None or edition.before is None or edition.changes is None:
        return None
    points = told(context, edition.changes)
    old = edition.before
    folder = f"editions/{old.number}"
    finding = context.rich(
        "edition.finding",
        old=str(old.number),
        old_date=context.words.plain(old.made.astimezone(context.period.tz).date()),
        link=Link(f"{folder}/manifest.json", f"{folder}/manifest.json"),
    )
    return Section(ID, context.say("edition.title"), [finding], points=points, blocks=[_block(context, edition.changes)])


def heading(context: Context) -> Paragraph:
    """For the top of the page: '第2版(2026年4月5日)。', with ways to what changed and to what was added; empty if neither."""
    edition = context.edition
    if edition is None:
        return ""
    ways: list[Link] = []
    if edition.before is not None:
        ways.append(Link(context.say("edition.changes"), f"#{ID}", "data/changes.csv"))
    added = sum(n.kind == "addendum" and n.speaks(context.words.lang) for n in context.answers.notes)
    if added:
        ways.append(Link(context.say("edition.addenda", n=added), "#addenda", "data/addenda.csv"))
    if not ways:
        return ""
    out: list[Piece] = []
    if edition.number > 1:
        made = context.words.plain(edition.made.astimezone(context.period.tz).date())
        out.append(context.say("edition.number", n=edition.number, date=made))
    for i, way in enumerate(ways):
        out += [context.say("edition.between"), way] if i else [way]
    return [*out, context.say("edition.end")] if context.say("edition.end") else out


def told(context: Context, found: Changes) -> list[Paragraph]:
    """The changes in words, the weightiest first."""
    say, words = context.say, context.words
    out: list[Paragraph] = [
        say(f"edition.{name}", before=a, now=b, difference=words.signed(b - a)) for name, (a, b) in found.totals.items()
    ]
    if found.batches > 0 and found.totals:
        out.append(say("edition.late", n=found.batches))
    before, now = (words.percent(share) for share in found.coverage)
    if before != now:
        out.append(say("edition.coverage", before=before, now=now))
    out += [line for what in ("ports", "countries") if (line := _ranks(context, what, found))]
    out += _notes(context, found)
    if found.lists:
        out.append(say("edition.list", list=words.listed(_pair(context, k, v) for k, v in found.lists.items())))
    if found.geo[0] != found.geo[1]:
        a, b = (words.listed(sets) or say("edition.none") for sets in found.geo)
        out.append(say("edition.geo", before=a, now=b))
    if found.settings:
        out.append(say("edition.setting", list=words.listed(_pair(context, k, v) for k, v in found.settings.items())))
    if found.program[0] != found.program[1]:
        out.append(say("edition.program", before=found.program[0], now=found.program[1]))
    if found.other_lake:
        out.append(say("edition.lake"))
    return out or [say("edition.other")]


def _ranks(context: Context, what: str, found: Changes) -> str:
    mine = [change for change in found.ranks if change.what == what]
    if not mine:
        return ""
    said = [_rank(context, change) for change in mine[:MOST]]
    if len(mine) > MOST:
        said.append(context.say("edition.more", n=len(mine) - MOST))
    return context.say(f"edition.ranks_{what}", list=context.words.listed(said))


def _rank(context: Context, change: RankChange) -> str:
    def place(n: int | None) -> str:
        return context.say("edition.rank_none") if n is None else context.say("edition.rank_place", n=n)

    thing = context.port(change.key) if change.what == "ports" else context.country(change.key)
    return context.say("edition.rank", thing=thing, before=place(change.before), now=place(change.now))


def _notes(context: Context, found: Changes) -> list[Paragraph]:
    kinds = Counter(note.kind for note in context.answers.notes if note.id in found.added and note.speaks(context.words.lang))
    out: list[Paragraph] = [context.say(f"edition.added_{kind}", n=n) for kind, n in sorted(kinds.items())]
    if found.removed:
        out.append(context.say("edition.removed", n=len(found.removed)))
    return out


def _pair(context: Context, name: str, pair: tuple[Any, Any]) -> str:
    if any(isinstance(v, Mapping | list) for v in pair):
        return context.say("edition.name_only", name=name)
    before, now = (context.say("edition.none") if v is None else str(v) for v in pair)
    return context.say("edition.pair", name=name, before=before, now=now)


def _titles(context: Context) -> dict[str, str]:
    """Id of a table's rows -> what a reader knows it by: its caption up to the first of `edition.ends`."""
    out: dict[str, str] = {}
    for section in context.report.sections if context.report else ():
        for block in section.blocks:
            caption = (block.table.caption if block.table else "") or block.title or section.title
            for end in context.say("edition.ends").split("|"):
                caption = caption.partition(end)[0]
            out[block.data.id] = caption.strip()
    return out


def _block(context: Context, found: Changes) -> Block:
    say, titles = context.say, _titles(context)
    heads = ("table", "came", "went", "changed")
    columns = tuple(Column(say(f"edition.{head}"), "text" if head == "table" else "number") for head in heads)
    number = context.words.number
    rows = [(titles.get(t.id, t.id), number(t.came), number(t.went), number(t.changed)) for t in found.tables]
    table = Table(say("edition.tables"), columns, rows) if rows else None
    return Block(Data(ID, ("what", "thing", "before", "now"), _rows(found), _SQL), table=table)


def _rows(found: Changes) -> list[tuple[Any, ...]]:
    """Every change as a row: what kind, which thing, before, now."""
    rows: list[tuple[Any, ...]] = [("total", name, a, b) for name, (a, b) in found.totals.items()]
    rows.append(("coverage", "share", *found.coverage))
    rows.append(("batches", "new", None, found.batches))
    for change in found.ranks:
        protocol_port = change.key if isinstance(change.key, str | None) else "/".join(str(k) for k in change.key)
        rows.append((f"rank of {change.what}", protocol_port, change.before, change.now))
    rows += [("list", name, a, b) for name, (a, b) in found.lists.items()]
    rows += [("setting", name, _flat(a), _flat(b)) for name, (a, b) in found.settings.items()]
    if found.geo[0] != found.geo[1]:
        rows.append(("geo", "data", " ".join(found.geo[0]), " ".join(found.geo[1])))
    rows += [("note", number, None, "added") for number in found.added]
    rows += [("note", number, "shown", None) for number in found.removed]
    if found.program[0] != found.program[1]:
        rows.append(("program", "version", *found.program))
    for table in found.tables:
        rows += [("rows came", table.id, None, table.came), ("rows went", table.id, table.went, None)]
        rows.append(("rows changed", table.id, None, table.changed))
    return rows


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping | list) else value


_SQL = "-- editions are compared by their files: data/*.csv beside editions/N/data/*.csv, and the two manifests\n"
