"""How many hosts of a port sent few packets on a day: addresses may have changed hands."""

from __future__ import annotations

import statistics

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.asked import port_sources as asked
from teiten.report.context import Context, with_error
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections import _port

ID = "port-few"
ORDER = 20
KINDS: tuple[PeriodKind, ...] = ("span",)
ENOUGH = 10
"""hosts of a day from which on its share counts for the median"""
WIDE = 4096
"""observed addresses (a /20) from which on a bot that scans all day should be seen 10 times and more (some 20 times, at 250
packets a second over all of IPv4)"""


def build(context: Context) -> Section | None:
    if not _port.seen(context):
        return None
    say, words = context.say, context.words
    rows = context.answers.once(asked.few)
    if not rows:
        return Section(ID, say("port.few"), [say("port.few_gone")] if rows.lost else [])
    whole, below = sum(r["hosts"] for r in rows), sum(r["few"] for r in rows)
    shares = [r["few"] / r["hosts"] for r in rows if r["hosts"] >= ENOUGH]
    if len(shares) >= 3:
        low, high = words.percent(min(shares)), words.percent(max(shares))
        middle = statistics.median(shares)
        told = say("port.few_told", few=asked.FEW, share=words.percent(middle), low=low, high=high)
    else:
        middle = below / max(1, whole)
        told = say("port.few_one", few=asked.FEW, share=words.percent(middle))
    addresses = round(context.answers.per_address.addresses) or 1
    hedge = say("port.few_hedge") if addresses >= WIDE else say("port.few_unclear", addresses=addresses)
    findings = [told, *([hedge] if below else [])]
    notes = [say("port.few_note", addresses=addresses)]
    if rows.lost:
        notes.insert(0, say("port.shared_lost", day=words.date(rows.lost.astimezone(context.period.tz).date())))
    estimated = context.estimated([rows.error])
    return Section(
        ID, say("port.few"), findings, blocks=[_block(context, middle)], notes=[*notes, *([estimated] if estimated else [])]
    )


def _block(context: Context, share: float) -> Block:
    say, words = context.say, context.words
    rows, course = context.answers.once(asked.few), _port.course(context)
    by_day = {row["start"].date(): row for row in rows}
    days = course.days[course.first :]
    first = rows.lost.astimezone(context.period.tz).date() if rows.lost else None

    def of(day: object, what: str) -> int:
        row = by_day.get(day)
        return 0 if row is None else row["few"] if what == "few" else row["hosts"] - row["few"]

    def values(what: str) -> list[int | None]:
        hosts = course.hosts[course.first :]
        return [None if v is None or (first and day < first) else of(day, what) for day, v in zip(days, hosts, strict=True)]

    series = [
        figures.Series("few", say("port.few_below", few=asked.FEW), values("few"), colour="#f69e24"),
        figures.Series("more", say("port.few_above", few=asked.FEW), values("more"), colour="#2961b1"),
    ]
    title = say("port.few_figure", few=asked.FEW, share=words.percent(share, 0))
    subtitle = say("port.few_subtitle", **_port.names(context), who=_port.who(context), scope=context.scope)
    figure = _port.stack(context, ID, title, subtitle, say("port.unit_hosts"), series, things="plain", totals=False)
    columns = (Column(say("port.day"), "text"), Column(say("port.few_below", few=asked.FEW)), Column(say("column.hosts")),
               Column(say("port.few_share")))  # fmt: skip
    shown = []
    for row in rows:
        error = row.get("hosts_error") or 0.0
        numbers = (context.estimate(row["few"], error), context.estimate(row["hosts"], error))
        shown.append((words.day(row["start"].date()), *numbers, words.percent(row["few"] / max(1, row["hosts"]))))
    table = Table(say("port.few_caption", few=asked.FEW), columns, shown, folded=True)
    csv = with_error(("start", "hosts", "few"), rows)
    return Block(context.data(ID, title, csv, [tuple(row[c] for c in csv) for row in rows], rows.sql), figure, table)
