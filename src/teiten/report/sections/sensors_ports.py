"""TSUBAME's table: the ten ports hit most at every sensor, side by side, and how far they agree (RBO)."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter
from typing import Any, Final

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.answers import Key
from teiten.report.asked import sensors
from teiten.report.asked.sensors import DEPTH, PERSISTENCE, Watcher
from teiten.report.context import Context
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections import _sensors

ID = "sensors_ports"
ORDER = 32
KINDS: tuple[PeriodKind, ...] = ("monthly", "quarterly")
APART: Final = 0.1
"""a sensor differs where its agreement with the others lies that much below every other's"""
DRAWN: Final = 40
"""sensors in the picture; of more, the groups' means are told"""
Pairs = dict[tuple[str, str], float]


def build(context: Context) -> Section | None:
    """Nothing where one sensor alone was watching."""
    if not context.answers.once(sensors.several):
        return None
    say = context.say
    found, lists = context.answers.once(sensors.watchers), context.answers.once(sensors.lists)
    pairs = _pairs(found, lists)
    blocks = [_table(context, found, lists)]
    if pairs:
        blocks.append(_agreement(context, found, pairs))
    notes = [say("sensors.ports_note"), say("sensors.agreement_note", p=f"{PERSISTENCE:g}", n=DEPTH)]
    findings = [*_ports(context, found, lists), *(_agreeing(context, found, pairs) if pairs else [])]
    return Section(ID, say("sensors.ports_title"), findings, blocks=blocks, notes=notes)


def _pairs(found: tuple[Watcher, ...], lists: dict[str, list[Key]]) -> Pairs:
    """The agreement of each two sensors of which both have a ranking; both ways round."""
    out: Pairs = {}
    for one, other in itertools.combinations((w.name for w in found), 2):
        value = sensors.agreement(lists[one], lists[other])
        if value is not None:
            out[one, other] = out[other, one] = value
    return out


def _ports(context: Context, found: tuple[Watcher, ...], lists: dict[str, list[Key]]) -> list[str]:
    """Which port leads at most sensors, which are among the first of all, and how far a group's sensors have the same ones."""
    say = context.say
    own = [lists[one.name] for one in found if lists[one.name]]
    if not own:
        return []
    leading, count = Counter(ports[0] for ports in own).most_common(1)[0]
    first = "sensors.ports_first_all" if count == len(own) else "sensors.ports_first"
    said = [say(first, port=_sensors.port(context, leading), n=count, all=len(own))]
    common = [key for key in own[0] if all(key in ports for ports in own)]
    if common:
        listed = context.words.listed(_sensors.port(context, key) for key in common)
        said.append(say("sensors.ports_common", n=DEPTH, list=listed))
    else:
        said.append(say("sensors.ports_common_none", n=DEPTH))
    for group, members in sensors.grouped(found):
        ports = [lists[one.name] for one in members if lists[one.name]]
        same = _same(ports)
        if len(ports) > 1 and same > 1:
            said.append(say("sensors.ports_prefix", group=_sensors.members(context, group, len(ports)), n=same))
    return said


def _same(ports: list[list[Key]]) -> int:
    """To which place the rankings have the same things, in whatever order."""
    least = min((len(one) for one in ports), default=0)
    return max((d for d in range(1, least + 1) if len({frozenset(one[:d]) for one in ports}) == 1), default=0)


def _by_groups(found: tuple[Watcher, ...], pairs: Pairs) -> list[tuple[str | None, str | None, list[float]]]:
    """Two groups (or one with itself) and the agreements of their sensors."""
    groups = [group for group, _ in sensors.grouped(found)]
    of = {one.name: one.group for one in found}
    order = {one.name: n for n, one in enumerate(found)}
    out = []
    for a, b in itertools.combinations_with_replacement(groups, 2):
        values = [v for (x, y), v in pairs.items() if order[x] < order[y] and {of[x], of[y]} == {a, b}]
        if values:
            out.append((a, b, values))
    return out


def _said(context: Context, one: str | None, other: str | None, value: str) -> str:
    if one != other:
        names = (_sensors.group(context, one), _sensors.group(context, other))
        return context.say("sensors.agreement_between", one=names[0], other=names[1], value=value)
    name = _sensors.group(context, one)
    if not name:
        return context.say("sensors.agreement_within_plain", value=value)
    return context.say("sensors.agreement_within", group=name, value=value)


def _agreeing(context: Context, found: tuple[Watcher, ...], pairs: Pairs) -> list[str]:
    parts = [_said(context, a, b, f"{statistics.fmean(v):.2f}") for a, b, v in _by_groups(found, pairs)]
    said = [context.say("sensors.agreement_finding", n=DEPTH, list=_sensors.some(context, parts))]
    means = {one.name: statistics.fmean(v) for one in found if (v := [x for (a, _), x in pairs.items() if a == one.name])}
    if len(means) > 2:
        low, after = sorted(means, key=lambda name: means[name])[:2]
        if means[after] - means[low] > APART:
            apart = next(one for one in found if one.name == low)
            said.append(
                context.say("sensors.agreement_apart", sensor=_sensors.label(context, apart), value=f"{means[low]:.2f}")
            )
    return said


def _table(context: Context, found: tuple[Watcher, ...], lists: dict[str, list[Key]]) -> Block:
    say = context.say
    groups = {one.group for one in found}
    places = (Column(say("sensors.place", number=str(n)), "text") for n in range(1, DEPTH + 1))
    columns = (Column(say("sensors.sensor"), "text"), *places)
    cells = []
    for one in found:
        ports = [_sensors.port(context, key) for key in lists[one.name]]
        cells.append((_sensors.label(context, one), *ports, *["–"] * (DEPTH - len(ports))))
    both = {_sensors.HOME, _sensors.ABROAD} <= groups
    caption = say("sensors.ports_caption_both" if both else "sensors.ports_caption", n=DEPTH)
    rows = context.answers.once(sensors.ports)
    of = {one.name: one for one in found}
    names = ("sensor", "place", "dst_port", "protocol", "packets", "share", "share_of")
    body = [(of[row["sensor"]].group, *(row[c] for c in names)) for row in rows if row["sensor"] in of]
    data = context.data("sensors-ports", caption, ("group", *names), body, rows.sql)
    return Block(data, table=Table(say("sensors.ports_order"), columns, cells), title=caption)


def _agreement(context: Context, found: tuple[Watcher, ...], pairs: Pairs) -> Block:
    say = context.say
    low, high = min(pairs.values()), max(pairs.values())
    title = say("sensors.agreement_figure", low=f"{low:.2f}", high=f"{high:.2f}")
    figure = _matrix(context, found, pairs, title) if len(found) <= DRAWN else None
    columns = tuple(
        Column(say(f"sensors.agreement_{name}"), "text" if name == "pair" else "number")
        for name in ("pair", "mean", "least", "most")
    )
    cells = []
    for a, b, values in _by_groups(found, pairs):
        names = [_sensors.group(context, name) or say("sensors.sensor") for name in (a, b)]
        cells.append((" × ".join(names), *(f"{value:.2f}" for value in (statistics.fmean(values), min(values), max(values)))))
    of = {one.name: one.group for one in found}
    order = {one.name: n for n, one in enumerate(found)}
    body: list[tuple[Any, ...]] = [
        (of[a], a, of[b], b, round(value, 6)) for (a, b), value in pairs.items() if order[a] < order[b]
    ]
    names_of = ("group", "sensor", "other_group", "other_sensor", "rbo")
    data = context.data("sensors-agreement", title, names_of, body, context.answers.once(sensors.ports).sql)
    return Block(data, figure, Table(say("sensors.agreement_caption"), columns, cells), title="" if figure else title)


def _matrix(context: Context, found: tuple[Watcher, ...], pairs: Pairs, title: str) -> figures.MatrixFigure:
    rows = []
    least = min(0.9, math.floor(min(pairs.values()) * 10) / 10)
    for n, one in enumerate(found, 1):
        values = [1.0 if one is other else pairs.get((one.name, other.name)) for other in found]
        label = context.say("sensors.numbered", number=str(n), sensor=_sensors.label(context, one))
        texts = ["" if v is None else f"{v:.2f}" for v in values]
        # the shades are those of the values that there are, so that what differs is seen
        rows.append(figures.MatrixRow(label, [None if v is None else (v - least) / (1 - least) for v in values], texts))
    ends = list(itertools.accumulate(len(own) for _, own in sensors.grouped(found)))[:-1]
    return figures.MatrixFigure(
        id="sensors-agreement",
        title=title,
        subtitle=context.say("sensors.agreement_subtitle", n=DEPTH, scope=context.scope),
        unit=context.say("sensors.agreement_unit"),
        rows=rows,
        columns=[str(n) for n in range(1, len(found) + 1)],
        column_breaks=ends,
        row_breaks=ends,
        low=context.say("sensors.agreement_low") if not least else context.say("sensors.agreement_from", low=f"{least:.1f}"),
        high=context.say("sensors.agreement_high"),
    )
