"""The quarter's totals beside those of the quarters before: packets, observed addresses, packets per address; and by year."""

from __future__ import annotations

from collections.abc import Sequence

from teiten.periods import PeriodKind
from teiten.report.asked import quarter
from teiten.report.asked.quarter import Stretched
from teiten.report.context import SAME, Context
from teiten.report.model import Block, Column, Fact, Section, Table
from teiten.report.sections import _uncounted

ID = "quarter_totals"
ORDER = 10
KINDS: tuple[PeriodKind, ...] = ("quarterly",)
SLIGHT = 0.15
"""a change below this share is a slight one in words"""
COLUMNS = (
    "start", "end", "packets", "hosts", "addresses", "address_days", "observed_days", "days", "per_address",
    "per_address_day", "scanner_packets", "scanner_hosts", "spoofed_packets", "spoofed_hosts", "rest_packets", "rest_hosts",
)  # fmt: skip


def build(context: Context) -> Section:
    say, answers = context.say, context.answers
    quarters, years = answers.once(quarter.quarters), answers.once(quarter.years)
    now, before = quarters[-1], quarters[-2] if len(quarters) > 1 else None
    blocks = [_block(context, "quarter-totals", quarters)]
    if years:
        blocks.append(_block(context, "quarter-years", years))
    notes = [say("quarter.totals_note"), *_parts(context, quarters)]
    estimated = context.estimated(q.rows.error for q in (*quarters, *years))
    notes += [estimated] if estimated else []
    notes += [*_uncounted.left_out(context), *_uncounted.unread(context)]
    findings = [context.words.joined(*_told(context, now, before))]
    return Section(ID, say("quarter.totals_title"), findings, facts=_facts(context, now, before), blocks=blocks, notes=notes)


def _told(context: Context, now: Stretched, before: Stretched | None) -> list[str]:
    """Packets per address, and how it stands against the quarter before: by address and day where either was seen in part."""
    say, words = context.say, context.words
    if now.per_address is None:
        return [say("quarter.totals_unwatched")]
    said = [
        say(
            "quarter.totals_finding",
            period=words.quarter(now.first),
            packets=context.about(now.counts["packets"]),
            addresses=_addresses(context, now),
            each=words.large(round(now.per_address)),
        )
    ]
    if before is None:
        return [*said, say("quarter.totals_first")]
    old, new = (before.per_address, now.per_address) if now.whole and before.whole else _by_day(before, now)
    if not old or new is None:
        return [*said, say("quarter.totals_unwatched_before")]
    ratio = (new - old) / old
    key = "same" if abs(ratio) < SAME else ("slight_" if abs(ratio) < SLIGHT else "") + ("more" if ratio > 0 else "fewer")
    by = "address" if now.whole and before.whole else "address_day"
    basis = say(f"quarter.totals_by_{by}")
    return [*said, say(f"quarter.totals_{key}", basis=basis, change=words.percent(abs(ratio)))]


def _by_day(before: Stretched, now: Stretched) -> tuple[float | None, float | None]:
    return before.per_address_day, now.per_address_day


def _addresses(context: Context, one: Stretched) -> str:
    """Observed addresses: a mean over the time watched, and so perhaps no whole number."""
    addresses = one.by.addresses
    return context.words.number(addresses, 0 if abs(addresses - round(addresses)) < 0.05 or addresses >= 1000 else 1)


def _facts(context: Context, now: Stretched, before: Stretched | None) -> list[Fact]:
    say, words = context.say, context.words
    both = before if before is not None and before.whole and now.whole else None

    def against(name: str) -> str:
        old = both.counts[name] if both else 0
        return say("against.more", change=words.change((now.counts[name] - old) / old)) if old else ""

    each, old = now.per_address, both.per_address if both else None
    said = say("against.more", change=words.change((each - old) / old)) if each is not None and old else ""
    return [
        Fact(say("quarter.packets"), words.number(now.counts["packets"]), against("packets")),
        Fact(say("quarter.hosts"), context.estimate(now.counts["hosts"], now.rows.error), against("hosts")),
        Fact(say("quarter.addresses"), _addresses(context, now), _known(context, now)),
        Fact(say("quarter.per_address"), "–" if each is None else words.number(each, 0 if each >= 100 else 1), said),
    ]


def _known(context: Context, one: Stretched) -> str:
    return context.words.listed(context.say(f"totals.divided_{basis}") for basis in one.by.bases)


def _parts(context: Context, quarters: Sequence[Stretched]) -> list[str]:
    """What is said of quarters that were not observed from end to end."""
    words = context.words
    part = [q for q in quarters if not q.whole]
    if not part:
        return []
    named = [
        context.say(
            "quarter.totals_lost" if q.rows.lost else "quarter.totals_part",
            period=words.quarter(q.first),
            days=words.number(q.days, 1),
            all=words.number(q.length),
        )
        for q in part
    ]
    return [context.say("quarter.totals_parts", list=words.listed(named))]


def _block(context: Context, name: str, rows: Sequence[Stretched]) -> Block:
    say, words = context.say, context.words
    years = name == "quarter-years"
    # what was seen in part is compared by address and day; the table is to be no wider than the page
    part = not all(q.whole for q in rows)
    columns = (
        Column(say("quarter.year" if years else "quarter.quarter"), "text"),
        Column(say("quarter.packets")),
        *([] if part else [Column(say("quarter.hosts"), spare=True)]),
        Column(say("quarter.addresses")),
        Column(say("quarter.column_per_address")),
        *([Column(say("quarter.column_per_address_day"), spare=True)] if part else []),
        Column(say("quarter.scanner_share")),
        *([Column(say("quarter.observed"), spare=True)] if part else []),
    )
    cells = [
        (
            context.words("quarter.year_name", year=str(q.first.year)) if years else words.quarter(q.first),
            *_cells(context, q, part=part),
        )
        for q in rows
    ]
    caption = say("quarter.years_caption" if years else "quarter.totals_caption")
    body = [_row(q) for q in rows]
    return Block(context.data(name, caption, COLUMNS, body, rows[-1].rows.sql), table=Table(caption, columns, cells))


def _cells(context: Context, q: Stretched, *, part: bool) -> list[str]:
    words, none = context.words, "–"
    days = words(
        "quarter.days_of", days=words.number(q.days, 0 if abs(q.days - q.length) < 0.05 else 1), all=words.number(q.length)
    )
    if not q.observed:
        # nobody was watching: no zero
        return [none] * 5 + [days]
    each, daily, counts = q.per_address, q.per_address_day, q.counts
    return [
        words.number(counts["packets"]),
        *([] if part else [context.estimate(counts["hosts"], q.rows.error)]),
        _addresses(context, q),
        none if each is None else words.number(each, 0 if each >= 100 else 1),
        *([none if daily is None else words.number(daily, 0 if daily >= 1000 else 1)] if part else []),
        words.percent(counts["scanner_packets"] / counts["packets"]) if counts["packets"] else none,
        *([days] if part else []),
    ]


def _row(q: Stretched) -> tuple[object, ...]:
    counts = [q.counts[name] if q.observed else None for name in COLUMNS if name in q.counts]
    packets, hosts, rest = counts[0], counts[1], counts[2:]
    address = (q.by.addresses, q.by.address_days, q.days, q.length, q.per_address, q.per_address_day)
    return (q.first, q.after, packets, hosts, *address, *rest)
