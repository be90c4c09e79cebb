"""Research scanners: their addresses and packets by quarter, their packets by day and country, the prefixes with most."""

from __future__ import annotations

from typing import Any, Final

from teiten.classify import watchlists
from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.asked import research
from teiten.report.asked.research import Days, Quarter, Quarters
from teiten.report.context import Context
from teiten.report.model import Block, Column, Paragraph, Section, Table
from teiten.report.sections import _about, _hosts

ID = "quarter_scanners"
ORDER = 18
KINDS: tuple[PeriodKind, ...] = ("quarterly",)
SHOWN: Final = 10
"""prefixes in the table on the page; the CSV has all"""
WHOLE: Final = 0.95
"""of a quarter watched: below this it is said beside its name"""
MANY_PORTS: Final = 60_000
"""destination ports within a day from which on they were nearly all"""
_REST: Final = "#a5805f"
"""what is left without them: brown, as NICTER paints it"""
_COUNTS: Final = (
    "packets", "scan_packets", "addresses", "share", "known_packets", "known_addresses", "unknown_packets", "unknown_addresses",
)  # fmt: skip


def build(context: Context) -> Section | None:
    """Nothing where the report's own filters choose among scanners; a sentence where there were none."""
    answers, say = context.answers, context.say
    if answers.filters.scanners != "in" or answers.filters.scanner:
        return None
    told = answers.once(research.quarters)
    if not told.now.packets:
        return None
    blocks = [quarters(context, told)]
    notes: list[Paragraph] = [say("quarter_scanners.definition"), _threshold(context)]
    if any(quarter.packets is not None and quarter.coverage.share < WHOLE for quarter in told.all):
        notes.append(say("quarter_scanners.part_note"))
    if not told.now.scan_packets:
        return Section(ID, say("quarter_scanners.title"), [say("quarter_scanners.none")], blocks=blocks, notes=notes)
    notes += _about.networks(context)
    days = answers.once(research.days)
    findings: list[Paragraph] = [_overall(context, told), _rest(context, days), *_countries(context, days), *_first(context)]
    blocks = [*blocks, _days_block(context, days), _prefixes_block(context)]
    return Section(ID, say("quarter_scanners.title"), [text for text in findings if text], blocks=blocks, notes=notes)


# words ----------------------------------------------------------------------------------------------------------------


def _overall(context: Context, told: Quarters) -> str:
    """How much they were, against the quarter before; how many say who they are."""
    words, now = context.words, told.now
    share = now.share or 0.0
    said = [
        context.say(
            "quarter_scanners.overall",
            packets=context.about(now.scan_packets or 0),
            share=_share(context, share),
            addresses=words("count.addresses", n=now.addresses),
        )
    ]
    before = told.all[-2] if len(told.all) > 1 else None
    if before and before.share is not None and context.answers.ranks_told:
        key = "quarter_scanners.share_up" if share > before.share else "quarter_scanners.share_down"
        difference = abs(share - before.share)
        same = words.percent(share) == words.percent(before.share)
        said.append(
            context.say(
                "quarter_scanners.share_same" if same else key,
                before_share=_share(context, before.share),
                points=words.number(difference * 100, 1),
            )
        )
    known = (now.known_packets or 0) / (now.scan_packets or 1)
    addresses = {
        "known_addresses": words("count.addresses", n=now.known_addresses),
        "unknown_addresses": words("count.addresses", n=now.unknown_addresses),
    }
    key = "quarter_scanners.all_known" if known == 1 else "quarter_scanners.known" if known else "quarter_scanners.all_unknown"
    said.append(context.say(key, known=_share(context, known), unknown=_share(context, 1 - known), **addresses))
    return words.joined(*said)


def _share(context: Context, share: float, digits: int = 1) -> str:
    """A share inside a sentence: 30%; less than 0.1% rather than <0.1%."""
    if 0 < share < 0.0005:
        return context.words("quarter_scanners.tiny", share=context.words.percent(0.001))
    return context.words.percent(share, digits)


def _rest(context: Context, days: Days) -> str:
    """What is left without them: the usual day, and its most."""
    words = context.words
    seen = [(round(v), -i) for i, v in enumerate(days.rest) if v is not None]
    low, high, middle = research.typical(value for value, _ in seen)
    most, at = max(seen)
    range_ = words("quarter_scanners.range", low=words.large(low), high=words.large(high), middle=words.large(middle))
    said = [context.say("quarter_scanners.rest", usual=range_)]
    if most >= 2 * middle:
        day = words.day(days.times[-at].date())
        said.append(context.say("quarter_scanners.rest_peak", day=day, packets=context.about(most)))
    return words.joined(*said)


def _countries(context: Context, days: Days) -> list[Paragraph]:
    """The country with most of their packets: how many, which share of everything, and its month with most."""
    named = [(code, packets) for code, packets in days.sums.items() if code is not None]
    if not named:
        return []
    words = context.words
    code, packets = named[0]
    whole = max(1, context.answers.totals.packets)
    share = _share(context, packets / whole, 1 if packets < 0.1 * whole else 0)
    said = [
        context.sentence(
            "quarter_scanners.country",
            land=context.land(code),
            packets=context.about(packets),
            share=words("quarter_scanners.about", share=share) if packets >= 0.0005 * whole else share,
        )
    ]
    values = days.countries[code]
    by_month: dict[Any, float] = {}
    for moment, value in zip(days.times, values, strict=True):
        month = moment.date().replace(day=1)
        by_month[month] = by_month.get(month, 0.0) + (value or 0.0)
    month, most = max(by_month.items(), key=lambda item: (item[1], -item[0].toordinal()))
    if len(by_month) > 1 and most >= packets:
        said.append(context.say("quarter_scanners.month_all", month=words.month_name(month)))
    elif len(by_month) > 1 and most >= 0.5 * packets:
        part, many = words.percent(most / packets, 0), context.about(round(most))
        said.append(context.say("quarter_scanners.month", month=words.month_name(month), packets=many, share=part))
    shown = named[: research.COUNTRIES] + [(c, n) for c, n in days.sums.items() if c is None]
    if len(shown) > 1:
        scans = sum(days.sums.values())
        items = [words("quarter_scanners.part", land=context.land(c), share=_share(context, n / scans)) for c, n in shown]
        said.append(context.say("quarter_scanners.lands", list=words.listed(items)))
    return [words.joined(*said)]


def _first(context: Context) -> list[Paragraph]:
    """The prefix with most packets: whose it is, how much on its busiest day, to how many ports."""
    rows = context.answers.once(research.prefixes)
    if not rows:
        return []
    words, row = context.words, rows[0]
    said = [
        context.say(
            "quarter_scanners.first",
            prefix=row["prefix"],
            holder=_holder(context, row),
            packets=context.about(row["packets"]),
            share=words.percent(row["share"]),
            days=words("duration.days_of", n=row["days"]),
            day=words.day(row["most_day"]),
            most=context.about(row["most"]),
        )
    ]
    if row["ports"]:
        key = "quarter_scanners.all_ports" if row["ports"] >= MANY_PORTS else "quarter_scanners.ports"
        said.append(context.say(key, n=row["ports"]))
    who = row["scanner"]
    said.append(
        context.say("quarter_scanners.who", organisation=_organisation(context, who))
        if who
        else context.say("quarter_scanners.nobody")
    )
    return [words.joined(*said)]


def _holder(context: Context, row: dict[str, Any]) -> str:
    """IP Kiktev Nikolay Vladimirovich, AS44446, ロシア; what is not known is left out, unless all is."""
    parts = [row["as_name"], f"AS{row['asn']}" if row["asn"] is not None else None]
    parts.append(context.country(row["country"]) if row["country"] else None)
    known = [part for part in parts if part]
    return context.words("number.comma").join(known) if known else context.say("quarter_scanners.holder_unknown")


def _organisation(context: Context, name: str) -> str:
    about = watchlists.load(context.settings).organisations.get(name)
    return about.text(context.words.lang) if about else name


def _threshold(context: Context) -> str:
    """The numbers that made a scanner large here, and from what they are scaled."""
    words, settings = context.words, context.settings
    needed = research.needed(context.answers, settings)
    low, high = needed.packets
    packets = words.number(low) if low == high else words("quarter_scanners.between", low=low, high=high)
    few, many = needed.addresses
    addresses = words.number(few) if few == many else words("quarter_scanners.between", low=few, high=many)
    said = [context.say("quarter_scanners.threshold", ports=needed.ports, packets=packets)]
    if needed.scaled:
        own, at = (int(settings.threshold(f"large_scanner_{name}")) for name in ("packets", "addresses"))
        said.append(context.say("quarter_scanners.scaled", own=own, at=at, addresses=addresses))
        if needed.floor:
            said.append(context.say("quarter_scanners.floor", floor=low))
    return words.joined(*said)


# blocks ---------------------------------------------------------------------------------------------------------------


def quarters(context: Context, told: Quarters) -> Block:
    """The table by quarter; a quarter that nobody watched is a row of dashes."""
    say, words = context.say, context.words
    heads = (
        Column(say("quarter_scanners.quarter"), "text"),
        Column(say("quarter_scanners.packets"), spare=True),
        Column(say("quarter_scanners.addresses")),
        Column(say("quarter_scanners.scan_packets")),
        Column(say("quarter_scanners.share")),
        Column(say("quarter_scanners.known_head"), spare=True),
        Column(say("quarter_scanners.unknown_head"), spare=True),
    )
    rows = [_quarter_row(context, quarter) for quarter in told.all]
    note = context.estimated(quarter.error for quarter in told.all)
    table = Table(say("quarter_scanners.caption"), heads, rows, note)
    body = [
        (q.period.name, *(getattr(q, name) for name in _COUNTS), round(q.coverage.share, 6) if q.coverage.observed() else 0.0)
        for q in told.all
    ]
    columns: tuple[str, ...] = ("quarter", *_COUNTS, "coverage")
    if told.rows.estimated:
        columns = (*columns, "addresses_error")
        body = [(*line, q.error) for line, q in zip(body, told.all, strict=True)]
    data = context.data("quarter-scanners", table.caption, columns, body, told.rows.sql)
    return Block(data, table=table, title=words("quarter_scanners.by_quarter"))


def _quarter_row(context: Context, quarter: Quarter) -> tuple[str, ...]:
    words = context.words
    name = words.quarter(quarter.period.first)
    if quarter.packets is None or quarter.addresses is None:
        return (words("quarter_scanners.unseen", quarter=name), "–", "–", "–", "–", "–", "–")
    if quarter.coverage.share < WHOLE:
        name = words("quarter_scanners.seen_part", quarter=name, share=words.percent(quarter.coverage.share))
    pairs = (
        words("quarter_scanners.pair", addresses=context.estimate(a or 0, quarter.error), packets=p or 0)
        for a, p in ((quarter.known_addresses, quarter.known_packets), (quarter.unknown_addresses, quarter.unknown_packets))
    )
    share = words.percent(quarter.share) if quarter.share is not None else "–"
    return (
        name,
        words.number(quarter.packets),
        context.estimate(quarter.addresses, quarter.error),
        words.number(quarter.scan_packets or 0),
        share,
        *pairs,
    )


def _days_block(context: Context, days: Days) -> Block:
    """The stacked areas: the rest at the bottom, scanners by country upon it."""
    say, words = context.say, context.words
    layers = [figures.Series("rest", say("quarter_scanners.layer_rest"), days.rest, colour=_REST)]
    layers += [
        figures.Series(code, say("quarter_scanners.layer", land=context.country(code)), values)
        for code, values in days.countries.items()
    ]
    if any(days.other):
        layers.append(figures.Series("other", say("quarter_scanners.layer_other"), days.other, kind="other"))
    if any(days.unknown):
        layers.append(figures.Series("unknown", say("quarter_scanners.layer_unknown"), days.unknown, kind="unknown"))
    seen = [(days.scans(i) or 0.0, -i) for i in range(len(days.times)) if days.rest[i] is not None]
    most, at = max(seen)
    figure = figures.StackFigure(
        id="quarter-scanners-days",
        title=say("quarter_scanners.figure", day=words.day(days.times[-at].date()), packets=context.about(round(most))),
        subtitle=say("quarter_scanners.subtitle", n=len(days.countries), scope=context.scope),
        unit=say("series.unit_day"),
        times=days.times,
        series=layers,
        step="day",
        things="country",
        form="areas",
        gaps=_hosts.gaps(context),
    )
    body = [(row["day"], row["part"], row["country"], row["packets"]) for row in days.rows]
    heads = (Column(say("column.time"), "text"), *(Column(layer.label) for layer in layers))
    cells = [
        (
            words.day(moment.date()),
            *("–" if layer.values[i] is None else words.number(layer.values[i] or 0) for layer in layers),
        )
        for i, moment in enumerate(days.times)
    ]
    table = Table(figure.subtitle, heads, cells, folded=True)
    data = context.data("quarter-scanners-days", figure.title, ("day", "part", "country", "packets"), body, days.rows.sql)
    return Block(data, figure, table)


def _prefixes_block(context: Context) -> Block:
    """The ranking of prefixes."""
    say, words = context.say, context.words
    rows = context.answers.once(research.prefixes)
    heads = (
        Column(say("column.rank")),
        Column(say("quarter_scanners.prefix"), "text"),
        Column(say("quarter_scanners.holder"), "text"),
        Column(say("column.country"), "text", spare=True),
        Column(say("quarter_scanners.organisation"), "text", spare=True),
        Column(say("column.packets")),
        Column(say("column.share")),
        Column(say("quarter_scanners.most_day"), "text", spare=True),
    )
    cells = []
    for row in rows[:SHOWN]:
        peak = words("quarter_telnet.on", day=words.day(row["most_day"]), n=row["most"])
        who = row["scanner"] or say("thing.unknown")
        place = (words.number(row["rank"]), row["prefix"], _holder(context, {**row, "country": None}))
        counted = (words.number(row["packets"]), words.percent(row["share"]), peak)
        cells.append((*place, context.country(row["country"]), who, *counted))
    caption = say("quarter_scanners.caption_prefixes", n=len(cells), all=len(rows))
    columns = (
        "rank", "prefix", "country", "asn", "as_name", "scanner", "addresses", "packets", "share", "days", "most", "most_day",
        "ports",
    )  # fmt: skip
    body = [tuple(row[name] for name in columns) for row in rows]
    data = context.data("quarter-scanners-prefixes", caption, columns, body, rows.sql)
    return Block(data, table=Table(caption, heads, cells), title=say("quarter_scanners.by_prefix"))
