"""Which sensors, and which groups of them, see the port: at one place alone, or everywhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from teiten.periods import PeriodKind
from teiten.report.asked import port as asked
from teiten.report.context import Context, with_error
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections import _port

ID = "port-sensors"
ORDER = 26
KINDS: tuple[PeriodKind, ...] = ("span",)
ROWS = 40
"""sensors that the table on the page shows"""


def build(context: Context) -> Section | None:
    """Nothing where there is one sensor only."""
    watching = context.answers.coverage.sensors
    if not _port.seen(context) or len(watching) < 2:
        return None
    say = context.say
    rows = context.answers.once(asked.sensors)
    packets = dict.fromkeys(watching, 0) | {row["sensor"]: row["packets"] for row in rows}
    seen = [name for name, n in packets.items() if n]
    if len(seen) == 1:
        findings = [say("port.sensors_one", all=len(packets), name=seen[0])]
    elif len(seen) == len(packets):
        findings = [say("port.sensors_all", n=len(packets))]
    else:
        findings = [say("port.sensors_some", all=len(packets), n=len(seen))]
    days = context.answers.once(asked.watch_days)
    findings += _groups(context, packets, days)
    return Section(ID, say("port.sensors"), findings, blocks=[_table(context, packets, days)])


def _group(context: Context, name: str) -> str:
    known = context.settings.sensor(name)
    return (known.group if known else None) or ""


def _groups(context: Context, packets: Mapping[str, int], days: Mapping[str, float]) -> list[str]:
    """Packets of a sensor and day watched, group by group, where there are two groups or more."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for name, count in packets.items():
        if group := _group(context, name):
            sums[group] = [a + b for a, b in zip(sums[group], (count, days.get(name, 0.0), 1), strict=True)]
    if len(sums) < 2:
        return []
    items = []
    for group, (sent, watched, many) in sorted(sums.items()):
        shown = _port.rate(context, sent / watched) if watched else context.say("port.sensors_unwatched")
        named = context.say("port.sensors_group", group=group, n=int(many))
        items.append(context.say("port.sensors_group_rate", group=named, rate=shown))
    return [context.say("port.sensors_groups", list=context.words.listed(items))]


def _table(context: Context, packets: Mapping[str, int], days: Mapping[str, float]) -> Block:
    say, words = context.say, context.words
    rows = context.answers.once(asked.sensors)
    told = {row["sensor"]: row for row in rows}
    columns = (
        Column(say("port.sensors_name"), "text"), Column(say("port.sensors_of"), "text", spare=True),
        Column(say("column.packets")), Column(say("column.hosts")), Column(say("port.sensors_days"), spare=True),
        Column(say("port.sensors_rate")),
    )  # fmt: skip
    shown, body = [], []
    csv = with_error(("sensor", "group", "packets", "hosts", "days_watched", "packets_a_day"), rows)
    for name in sorted(packets, key=lambda n: (_group(context, n), n)):
        row = told.get(name, {"packets": 0, "hosts": 0})
        watched, error = days.get(name, 0.0), row.get("hosts_error") or 0.0
        rate = row["packets"] / watched if watched else None
        cells = (words.number(row["packets"]), context.estimate(row["hosts"], error), words.number(watched, 1))
        shown.append((name, _group(context, name) or "–", *cells, "–" if rate is None else _port.rate(context, rate)))
        hosts = (row["hosts"], error) if rows.estimated else (row["hosts"],)
        body.append((name, _group(context, name) or None, row["packets"], *hosts, round(watched, 4), rate and round(rate, 4)))
    title = say("port.sensors_caption", **_port.names(context))
    note = say("port.origins_more", n=len(shown) - ROWS) if len(shown) > ROWS else ""
    return Block(context.data(ID, title, csv, body, rows.sql), table=Table(title, columns, shown[:ROWS], note))
