"""The report's second half: members side by side. Who sees which ports, how far they agree, when each watched, who differs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from teiten.federation import differing
from teiten.federation.differing import Outlier
from teiten.federation.merging import Table, cut
from teiten.federation.sections import View
from teiten.report import figures
from teiten.report.asked.sensors import agreement
from teiten.report.model import Block, Column, Data, Paragraph, Point, Section
from teiten.report.model import Table as Shown
from teiten.site import parts

DEPTH: Final = 10
"""places of a member's list that are shown side by side"""
HEAT: Final = 20
"""ports of the heat map"""
AGREED: Final = 30
"""places that are compared for how far lists agree"""
NAMED: Final = 6
"""members up to which a chart's columns bear their names; beyond, numbers that the table explains"""
TOLD: Final = 5
"""things of a member's that are told one by one"""
HIGHEST: Final = 0.9
"""of the members' rates of a port: what is beyond is as dark as this"""
FEW: Final = 8


def _lists(view: View) -> dict[str, list[int]]:
    """Member that watched -> rows of the table of ports, its own most first."""
    table = view.now.table("port")
    known = [n for n, key in enumerate(table.keys) if key != "/"]
    out = {}
    for m in view.now.there:
        own = [n for n in known if table.packets[n, m] > 0]
        out[view.now.members[m]] = sorted(own, key=lambda n: (-table.packets[n, m], table.keys[n]))
    return out


def _heads(view: View) -> list[str]:
    names = view.now.watched
    return names if len(names) <= NAMED else [str(n) for n in range(1, len(names) + 1)]


def members(view: View) -> Section | None:
    """Members side by side: a table of them, a heat map of ports, lists of ten, what all see and what one alone."""
    table, there = view.now.table("port"), view.now.there
    if not len(there):
        return None
    lists = _lists(view)
    blocks = [_who(view, lists)]
    if table.ranked:
        blocks += [_heat(view, table), _tens(view, table, lists)]
    return Section("members", view.words("federation.members"), _common(view, table, lists), blocks=blocks)


def _who(view: View, lists: dict[str, list[int]]) -> Block:
    words, say, now = view.words, view.say, view.now
    every, related = now.table("all"), differing.correlations(now)
    merged = now.table("port").ranked
    body, shown = [], []
    for place, m in enumerate(now.there, 1):
        name, head = now.members[m], now.head(now.members[m])
        told = head.head if head else None
        rate = float(every.rates[0, m]) if len(every.keys) else math.nan
        alike, related_to = agreement(lists[name][:AGREED], merged[:AGREED]), related.get(name)
        days = float(now.address_days[m])
        kind = words(f"federation.kind_{told.kind}") if told else ""
        where = words("federation.about_member", kind=kind, region=told.region) if told and told.region else kind
        described = words("federation.with_label", name=name, label=told.label) if told and told.label else name
        shown.append(
            (
                str(place), described, where, words.number(days, 1), say.rate(rate),
                "–" if alike is None else words.number(alike, 2), "–" if related_to is None else words.number(related_to, 2),
                str(told.sequence) if told else "–",
            )
        )  # fmt: skip
        told_of = (told.kind, told.region, told.label, told.sequence) if told else (None, None, None, None)
        body.append((place, name, *told_of, days, rate, alike, related_to))
    heads = (
        Column(words("federation.head_number")), Column(words("federation.head_member"), "text"),
        Column(words("federation.head_kind"), "text", spare=True), Column(words("federation.head_days")),
        Column(words("federation.head_rate")), Column(words("federation.head_agreement"), spare=True),
        Column(words("federation.head_correlation"), spare=True), Column(words("federation.head_sequence"), spare=True),
    )  # fmt: skip
    columns = (
        "number", "member", "kind", "region", "label", "sequence", "address_days", "rate", "agreement", "correlation",
    )  # fmt: skip
    caption = words("federation.who")
    return Block(
        Data("federation-members", columns, body, ""), table=Shown(caption, heads, shown, words("federation.who_note"))
    )


def _heat(view: View, table: Table) -> Block:
    """Ports x members: how much each has of what is hit most."""
    words, say, now = view.words, view.say, view.now
    top = table.ranked[:HEAT]
    # what one member alone says does not set the scale
    most = max(float(np.quantile(table.rates[n, now.there], HIGHEST)) for n in top) or 1.0
    rows, body = [], []
    for n in top:
        rates = [float(table.rates[n, m]) for m in now.there]
        label = say.thing("port", table.keys[n])
        rows.append(
            figures.MatrixRow(
                label, [min(1.0, math.log1p(r) / math.log1p(most)) for r in rates], [_short(view, r) for r in rates]
            )
        )
        body += [(*parts.columns_of("port", table.keys[n]), name, rate) for name, rate in zip(now.watched, rates, strict=True)]
    figure = figures.MatrixFigure(
        id="federation-heat",
        title=words("federation.heat_title", n=len(now.there)),
        subtitle=words("federation.heat_subtitle"),
        unit=words("federation.unit"),
        rows=rows,
        columns=_heads(view),
        low="0",
        high=words("federation.and_more", value=say.rate(most)),
    )
    return Block(Data("federation-heat", ("port", "protocol", "member", "rate"), body, ""), figure)


def _short(view: View, rate: float) -> str:
    return view.words.number(rate) if rate >= 1 else "<1" if rate else "0"


def _tens(view: View, table: Table, lists: dict[str, list[int]]) -> Block:
    """The ports hit most at each member, side by side."""
    words, say = view.words, view.say
    heads = [Column(words("federation.head_member"), "text")]
    heads += [Column(words("sensors.place", number=str(n)), "text") for n in range(1, DEPTH + 1)]
    shown, body = [], []
    for name, own in lists.items():
        named = [say.thing("port", table.keys[n]) for n in own[:DEPTH]]
        shown.append((name, *named, *["–"] * (DEPTH - len(named))))
        m = view.now.members.index(name)
        body += [
            (name, place, *parts.columns_of("port", table.keys[n]), int(table.packets[n, m]))
            for place, n in enumerate(own[:DEPTH], 1)
        ]
    caption = words("federation.tens", n=DEPTH)
    data = Data("federation-tens", ("member", "place", "port", "protocol", "packets"), body, "")
    return Block(data, table=Shown(caption, tuple(heads), shown, folded=len(shown) > NAMED), title=caption)


def _common(view: View, table: Table, lists: dict[str, list[int]]) -> list[Paragraph]:
    """What all see, what one alone sees, how far the lists agree."""
    words, say, now = view.words, view.say, view.now
    if len(now.there) < 2 or not table.ranked:
        return [words("federation.alone")]
    out: list[Paragraph] = []
    firsts = [own[0] for own in lists.values() if own]
    lead = max(sorted(set(firsts)), key=firsts.count)
    told = {"port": say.port_long(parts.port_key(table.keys[lead])), "count": firsts.count(lead)}
    out.append(
        words("federation.first_all" if told["count"] == len(now.there) else "federation.first", n=len(now.there), **told)
    )
    every = [n for n in table.ranked if all(n in own[:DEPTH] for own in lists.values())]
    if every:
        out.append(words("federation.common", n=DEPTH, list=words.listed(say.thing("port", table.keys[n]) for n in every)))
    one = [n for n in range(len(table.keys)) if int((table.packets[n, now.there] > 0).sum()) == 1]
    seen = int(((table.packets[:, now.there] > 0).sum(axis=1) == len(now.there)).sum())
    whole = int((table.packets[:, now.there] > 0).any(axis=1).sum())
    out.append(words("federation.spread", n=whole, every=seen, one=len(one)))
    values = sorted(a for own in lists.values() if (a := agreement(own[:AGREED], table.ranked[:AGREED])) is not None)
    if values:
        low, high, middle = values[0], values[-1], values[len(values) // 2]
        out.append(
            words("federation.agreement", low=words.number(low, 2), high=words.number(high, 2), middle=words.number(middle, 2))
        )
    return out


# when each watched -----------------------------------------------------------------------------------------------------


def coverage(view: View) -> Section | None:
    """Members x days: for which share of the day each watched; and where none, or few, did."""
    words, now = view.words, view.now
    if not now.members:
        return None
    shares = now.seconds.sum(axis=2) / 86_400
    rows, body, silent = [], [], []
    for m, name in enumerate(now.members):
        own = [min(1.0, float(share)) if share else None for share in shares[m]]
        rows.append(figures.MatrixRow(name, own))
        body += [
            (name, day, share or 0.0, float(now.address_days_by[m, n]))
            for n, (day, share) in enumerate(zip(now.days, own, strict=True))
        ]
        if not any(own):
            silent.append(name)
    points: list[Paragraph] = []
    if silent:
        points.append(words("federation.silent", n=len(silent), list=words.listed(silent)))
    there = (shares > 0).sum(axis=0)
    dark = [n for n, many in enumerate(there) if not many]
    if dark and len(dark) < len(now.days):
        points.append(words("federation.dark", n=len(dark), days=words.listed(_spans(view, dark)[:3])))
    for name in now.watched:
        # what is known of nobody is no gap of one
        gone = [n for n, share in enumerate(shares[now.members.index(name)]) if not share and there[n]]
        if gone and len(points) < FEW:
            spans = words.listed(_spans(view, gone)[:3])
            points.append(words("federation.gap", member=name, n=len(gone), days=spans))
    some = there[there > 0] if there.any() else there
    low, high = int(some.min()), int(some.max())
    many = words("federation.count", n=low) if low == high else words("federation.range", low=str(low), high=str(high))
    findings = [words("federation.coverage", many=many, n=len(now.members))]
    figure = figures.MatrixFigure(
        id="federation-coverage",
        title=words("federation.coverage_title", watched=len(now.there), n=len(now.members)),
        subtitle=words("federation.coverage_subtitle"),
        rows=rows,
        columns=[str(day.day) for day in now.days],
        low="0%",
        high="100%",
    )
    data = Data("federation-coverage", ("member", "day", "share", "address_days"), body, "")
    return Section("coverage", words("federation.coverage_head"), findings, points=points, blocks=[Block(data, figure)])


def _spans(view: View, places: Sequence[int]) -> list[str]:
    """Runs of days in words."""
    out: list[str] = []
    start = before = places[0]
    for n in (*places[1:], None):
        if n is not None and n == before + 1:
            before = n
            continue
        first, last = view.now.days[start], view.now.days[before]
        both = {"start": view.words.day(first), "end": view.words.day(last)}
        out.append(view.words.day(first) if first == last else view.words("federation.days", **both))
        if n is not None:
            start = before = n
    return out


# who differs -----------------------------------------------------------------------------------------------------------


def differ(view: View) -> Section:
    """Members that differ from the others: in what, by how much; and what was set aside."""
    words, found = view.words, list(view.outliers)
    n = len(view.now.there)
    by: dict[str, list[Outlier]] = {}
    for one in found:
        by.setdefault(one.member, []).append(one)
    findings: list[Paragraph] = []
    if n < differing.ENOUGH:
        findings.append(words("federation.differ_few", n=n, enough=differing.ENOUGH))
    elif not by:
        findings.append(words("federation.differ_none", n=n))
    else:
        findings.append(words("federation.differ", n=len(by), cut=cut(n)))
    points: list[Paragraph | Point] = []
    for name, own in sorted(by.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        below = [told(view, one) for one in own[:TOLD]]
        if len(own) > TOLD:
            below.append(words("federation.more", n=len(own) - TOLD))
        points.append(Point(words("federation.member_colon", member=name), below))
    rows = [(o.member, o.reason, o.what, *_key(o), o.value, o.usual, o.z) for o in found]
    data = Data(
        "federation-outliers",
        ("member", "reason", "what", "port", "protocol", "country", "other", "value", "usual", "z"),
        rows,
        "",
    )
    blocks = [Block(data)] if rows else []
    notes: list[Paragraph] = [words("federation.aside", member=member, why=why) for member, why in view.store.aside]
    return Section("differ", words("federation.differ_head"), findings, points, blocks=blocks, notes=notes)


def _key(one: Outlier) -> tuple[object, object, object, object]:
    """Port, protocol, country, the other member."""
    if one.what == "port" and one.key:
        return (*parts.columns_of("port", one.key), None, None)
    if one.reason == "copied":
        return None, None, None, one.key
    return None, None, one.key or None, None


def told(view: View, one: Outlier) -> str:
    """An outlier in a sentence."""
    text = _told(view, one)
    return text[:1].upper() + text[1:]


def _told(view: View, one: Outlier) -> str:
    words, say = view.words, view.say
    if one.reason == "clock":
        return words(
            "federation.reason_clock",
            n=abs(round(one.value)),
            way=words("federation.late" if one.value > 0 else "federation.early"),
        )
    if one.reason == "unlike":
        return words("federation.reason_unlike", value=words.number(one.value, 2), usual=words.number(one.usual, 2))
    if one.reason == "copied":
        key = "federation.reason_copied" if one.value < one.usual else "federation.reason_copied_all"
        return words(key, n=round(one.value), days=words.number(one.usual), other=one.key)
    if one.reason == "sum":
        both = {"value": words.number(one.value), "usual": words.number(one.usual)}
        return words("federation.reason_sum", what=words(f"federation.what_{one.what}"), **both)
    thing = words(f"federation.what_{one.what}")
    if one.key:
        thing = say.port_long(parts.port_key(one.key)) if one.what == "port" else say.thing(one.what, one.key)
    told_of = {"thing": thing, "value": say.rate(one.value), "usual": say.rate(one.usual), "z": words.number(one.z, 1)}
    unit = words("federation.unit_hosts" if one.what == "hosts" else "federation.unit")
    return words(f"federation.reason_{one.reason}", unit=unit, **told_of)
