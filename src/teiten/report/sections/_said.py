"""What the sections on payloads share: the chart of groups by day, their table, names and passwords."""

from __future__ import annotations

from typing import Final

from teiten.report import figures
from teiten.report.asked import said as asked
from teiten.report.asked.said import Said, Told
from teiten.report.context import Context
from teiten.report.model import Block, Column, Data, Section, Table
from teiten.report.sections import _hosts

ROWS: Final = 15
NAMED: Final = 3
_INKS: Final = ("#2961b1", "#d55e00", "#7aa87c", "#99328a", "#f69e24")


def section(context: Context, ident: str, title: str) -> Section | None:
    """The section; none where nothing was said (no sensor answers, no capture keeps payloads)."""
    found = context.answers.once(asked.said_in)
    if not found.sent:
        return None
    say = context.say
    findings = [say("said.all", hosts=context.words("count.hosts", n=found.hosts), n=found.sent)]
    findings += _most(context, found)
    blocks = [*_chart(context, found, ident), *_groups(context, found, ident), *_logins(context, found, ident)]
    notes = [say("said.rule", n=asked.LEAST), say("said.names")]
    if found.few or found.few_logins:
        notes.insert(0, say("said.few", n=found.few, logins=found.few_logins, least=asked.LEAST))
    return Section(ident, title, findings, blocks=blocks, notes=notes)


def _most(context: Context, found: Said) -> list[str]:
    """What most hosts said, and what these tried besides."""
    say, words = context.say, context.words
    named = [one for one in found.groups if one.what][:NAMED]
    if not named:
        return []
    items = [say("said.item", what=one.what, hosts=words("count.hosts", n=one.group.hosts)) for one in named]
    out = [say("said.most", list=words.listed(items))]
    for one in named:
        ports = [
            say("said.besides_item", port=port.port, hosts=words("count.hosts", n=port.hosts), share=words.percent(port.share))
            for port in one.ports[:NAMED]
        ]
        if ports:
            out.append(say("said.besides", what=one.what, n=one.group.hosts, list=words.listed(ports)))
    return out


def _label(context: Context, one: Told) -> str:
    return one.what or context.say("said.unlike", n=len(one.group.members))


def _chart(context: Context, found: Said, ident: str) -> list[Block]:
    drawn = found.groups[: asked.DRAWN]
    days = context.period.days
    if not drawn or len(days) < 2:
        return []
    say = context.say
    dark = context.answers.coverage.gaps
    starts = _hosts.times(context, days)
    ends = [*starts[1:], context.period.end]
    watched = [not any(gap.start <= a and b <= gap.end for gap in dark) for a, b in zip(starts, ends, strict=True)]
    series = [
        figures.Series(
            one.group.hash[:8],
            _short(_label(context, one)),
            [float(one.course.get(day, 0)) if seen else None for day, seen in zip(days, watched, strict=True)],
            colour=_INKS[place],
        )
        for place, one in enumerate(drawn)
    ]
    figure = figures.LineFigure(
        id=f"{ident}-days",
        title=say("said.figure"),
        subtitle=context.scope,
        unit=say("said.unit"),
        times=starts,
        series=series,
        step="day",
        things="plain",
        gaps=_hosts.gaps(context),
    )
    columns = ("day", *(f"group_{n}" for n in range(1, len(drawn) + 1)))
    body = [
        (day, *(one.course.get(day, 0) if seen else None for one in drawn)) for day, seen in zip(days, watched, strict=True)
    ]
    return [Block(Data(f"{ident}-days", columns, body, ""), figure)]


def _groups(context: Context, found: Said, ident: str) -> list[Block]:
    if not found.groups:
        return []
    say, words = context.say, context.words
    title = say("said.groups")
    heads = (
        Column(say("said.what"), "text"), Column(say("column.hosts")), Column(say("said.times"), spare=True),
        Column(say("said.ports"), "text"), Column(say("said.first"), "text", spare=True),
        Column(say("said.last"), "text", spare=True), Column(say("said.fetches"), "text", spare=True),
    )  # fmt: skip
    rows, body = [], []
    zone = context.period.tz
    for one in found.groups:
        group = one.group
        assert group.first is not None and group.last is not None
        ends = [at.astimezone(zone).date() for at in (group.first, group.last)]
        rows.append((
            _label(context, one), words.number(group.hosts), words.number(group.times), " ".join(group.ports[:NAMED]),
            words.day(ends[0]), words.day(ends[1]), _short(one.downloads[0], 60) if one.downloads else "–",
        ))  # fmt: skip
        exploits = "; ".join(f"{rule.id} {rule.name}" for rule in group.exploits)
        body.append((
            one.what, exploits, group.ja4, group.hosts, group.times, len(group.members), " ".join(group.ports), *ends,
            "; ".join(one.downloads), "; ".join(one.commands), " ".join(f"{port.port}:{port.hosts}" for port in one.ports),
        ))  # fmt: skip
    columns = ("what", "exploits", "ja4", "hosts", "times", "payloads", "ports", "first", "last", "downloads", "commands",
               "other_ports")  # fmt: skip
    return [Block(Data(f"{ident}-groups", columns, body, ""), table=Table(title, heads, rows[:ROWS]), title=title)]


def _logins(context: Context, found: Said, ident: str) -> list[Block]:
    if not found.logins:
        return []
    from teiten.publish import said

    say, words = context.say, context.words
    title = say("said.logins")
    rows = [said.login(one, found.own) for one in found.logins]
    heads = (Column(say("said.user"), "text"), Column(say("said.password"), "text"), Column(say("column.hosts")),
             Column(say("said.times"), spare=True))  # fmt: skip
    shown = [
        (_short(row["user"]) or "–", _short(row["password"]) or "–", words.number(row["hosts"]), words.number(row["times"]))
        for row in rows[:ROWS]
    ]
    columns = ("user", "password", "hosts", "times")
    body = [tuple(row[name] for name in columns) for row in rows]
    return [Block(Data(f"{ident}-logins", columns, body, ""), table=Table(title, heads, shown), title=title)]


def _short(text: str, most: int = 36) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
