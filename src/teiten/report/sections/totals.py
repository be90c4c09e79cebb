"""How much: packets, hosts, a day's mean and the time observed, each with the period before; and what is kept apart."""

from __future__ import annotations

from teiten.coverage import Denominator
from teiten.periods import PeriodKind
from teiten.report.context import Context
from teiten.report.model import Block, Column, Fact, Section, Table
from teiten.report.sections import _uncounted

ID = "totals"
ORDER = 10
SEVERAL = 1.5
"""addresses, in the mean, from which on packets per address and day are told: of one it is packets a day"""
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly")


def build(context: Context) -> Section:
    say, answers, words = context.say, context.answers, context.words
    now, before = answers.totals, answers.totals_before
    days, days_before = _days(context)
    facts = [
        Fact(
            say("totals.packets"), words.number(now.packets), _against(context, now.packets, before.packets if before else None)
        ),
        Fact(
            say("column.hosts"),
            context.estimate(now.hosts, now.hosts_error),
            _against(context, now.hosts, before.hosts if before else None),
        ),
    ]
    if context.kind != "daily" and days:
        a_day = round(now.packets / days)
        facts.append(
            Fact(
                say("totals.per_day"),
                words.number(a_day),
                _against(context, a_day, round(before.packets / days_before) if before and days_before else None),
            )
        )
    of = say("totals.coverage_of", length=context.length)
    facts.append(Fact(say("totals.coverage"), words.percent(answers.coverage.share), of))
    notes = [words.joined(say("totals.finding_hosts"), context.estimated([now.hosts_error]))]
    if answers.per_address.addresses >= SEVERAL:
        notes.append(_divided(context))
    notes += _uncounted.left_out(context)
    scanning = answers.scanning
    if scanning.packets and answers.filters.scanners == "in":
        share = words.percent(scanning.packets / max(1, now.packets))
        notes.insert(0, say("totals.scanners", n=scanning.packets, share=share))
    notes += _uncounted.unread(context)
    return Section(ID, say("totals.title"), facts=facts, blocks=[_table(context, days, days_before)], notes=notes)


def _rates(context: Context) -> list[str]:
    """The row of packets per address and day, this period's and that of the one before ('' where nobody was watching)."""
    answers, words, before = context.answers, context.words, context.answers.totals_before

    def told(packets: int, by: Denominator) -> str:
        rate = by.rate(packets)
        return "" if rate is None else words.number(rate, 0 if rate >= 1000 else 2)

    row = [context.say("totals.per_address"), told(answers.totals.packets, answers.per_address)]
    return [*row, told(before.packets, answers.per_address_before)] if before else row


def _divided(context: Context) -> str:
    """What they were divided by."""
    by, words, say = context.answers.per_address, context.words, context.say
    addresses = words.number(by.addresses, 0 if abs(by.addresses - round(by.addresses)) < 0.05 else 1)
    known = words.listed(say(f"totals.divided_{basis}") for basis in by.bases)
    return say("totals.divided", addresses=addresses, known=known, days=words.number(by.address_days / by.addresses, 1))


def _days(context: Context) -> tuple[float, float]:
    """Observed days of this period and of the one before."""
    answers = context.answers
    return (
        len(answers.period.days) * answers.coverage.share,
        len(answers.before.days) * answers.coverage_before.share,
    )


def _against(context: Context, now: int, before: int | None) -> str:
    if not context.answers.comparable or not before:
        return ""
    if now == before:
        return context.say("against.same")
    return context.say("against.more", change=context.change(now, before))


def _table(context: Context, days: float, days_before: float) -> Block:
    say, answers, words = context.say, context.answers, context.words
    now, before = answers.totals, answers.totals_before
    lines: list[tuple[str, int, int | None]] = [
        (say("totals.packets"), now.packets, before.packets if before else None),
        (say("totals.hosts"), now.hosts, before.hosts if before else None),
        (say("totals.ports"), now.ports, before.ports if before else None),
        (say("totals.countries"), now.countries, before.countries if before else None),
    ]
    if context.kind != "daily" and days:
        a_day = round(before.packets / days_before) if before and days_before else None
        lines.insert(2, (say("totals.per_day"), round(now.packets / days), a_day))
    heads = [say("column.measure"), say("column.now"), *([say("column.before")] if before else [])]
    if answers.comparable:
        heads += [say("column.difference"), say("column.change")]
    rows = []
    for name, value, old in lines:
        cells = [name, words.number(value)]
        if before:
            cells.append(words.number(old or 0))
        if answers.comparable:
            cells += [words.signed(value - (old or 0)), context.change(value, old) or "–"]
        rows.append(tuple(cells))
    if answers.per_address.addresses >= SEVERAL:
        rate = _rates(context)
        rows.append((*rate, *[""] * (len(heads) - len(rate))))
    columns = (Column(heads[0], "text"), *(Column(h, spare=h == say("column.difference")) for h in heads[1:]))
    title = say("totals.table") if before else say("totals.title")
    row = answers.totals_rows[0]
    data = context.data("totals", title, tuple(row), [tuple(row.values())], answers.totals_rows.sql)
    return Block(data, table=Table(title, columns, rows))
