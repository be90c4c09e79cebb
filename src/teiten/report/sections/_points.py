"""A month's ranking of ports said point by point: who leads, rose and fell, what a port is for, each with its row."""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from typing import Any, Final

from teiten.data import ports as table
from teiten.report.answers import Key, Ranked, What
from teiten.report.context import LEAST, Context
from teiten.report.model import Footnote, Link, Paragraph, Piece, Point
from teiten.report.sections import _ranking

SPOKEN: Final = 5
"""places of the ports' ranking that are told one by one"""
GROUP: Final = 3
"""ports that can be a majority together"""
MAJORITY: Final = 0.5
TWICE: Final = 2.0
"""the last of a majority has at least this many times the packets of the next port"""
FEWEST: Final = 100
"""packets in all below which nothing is called a majority"""
CROWD: Final = 5
"""ports with equally many packets that are still named one by one"""
CLEAR: Final = 3.0
"""a rate is said to differ where it does so by more than this many times what chance does to two counts (Poisson)"""
USES: Final = 2
"""what is known to use a port: how many are named"""
BRIEF: Final = 12
"""a service's name of no more letters stands within the sentence"""


# things, with the row that proves what is said of them


def linked(context: Context, what: What, row: Ranked, text: str = "") -> Link:
    """The thing, leading to its row in the table, or to the CSV where the table on the page ends before it."""
    name = text or (context.port(row.key) if what == "ports" else context.land(row.key))
    shown = row.rank is not None and row in _ranking.chosen(context, what, _ranking.SHOWN[context.kind])
    return Link(name, f"#{_ranking.place(what, row)}" if shown else f"data/{what}.csv", f"data/{what}.csv")


def _listed(context: Context, rows: list[Ranked]) -> list[Piece]:
    """Ports in a row, each leading to its row."""
    return context.row(
        [[linked(context, "ports", r, t)] for r, t in zip(rows, context.ports(r.key for r in rows), strict=True)]
    )


# ports


def ports(context: Context) -> list[Point]:
    """The first places of the ports' ranking."""
    named = [r for r in context.answers.ranking("ports") if r.rank is not None]
    if len(named) == 1:
        return [_only(context, named[0])]
    if context.answers.totals.packets < FEWEST:
        return []
    lead = leading(context)
    points = [_lead(context, named[:lead], _threshold(context, named[:lead]))] if lead else []
    told: set[Key] = set()
    for rank, group in groupby(named[lead:], key=lambda r: r.rank):
        rows = list(group)
        if rank is None or rank > SPOKEN:
            break
        if len(rows) > CROWD:
            points.append(Point(context.say("points.crowd", nth=context.words.nth(rank), n=len(rows))))
            break
        points.append(_place(context, rows, named))
        told |= {r.key for r in rows}
    return points


def _only(context: Context, row: Ranked) -> Point:
    """The one port that there was."""
    key = (
        "points.only_same"
        if movement(context, row) == "same" and len(context.answers.leading_before("ports")) == 1
        else "points.only"
    )
    return Point(context.rich(key, port=linked(context, "ports", row)), [counted(context, row), *purpose(context, row.key)])


def leading(context: Context, *, before: bool = False) -> int:
    """How many of the first ports are a majority together: 1 to 3, or 0 where none is.

    The least number that holds more than the share of the setting `overwhelming_share` (or else half) of all packets, the
    last of them with at least twice the packets of the next port.
    """
    answers = context.answers
    if before:
        rows = [r.packets_before or 0 for r in answers.leading_before("ports") if r.rank_before is not None]
        whole = answers.totals_before.packets if answers.totals_before else 0
    else:
        rows = [r.packets for r in answers.ranking("ports") if r.rank is not None]
        whole = answers.totals.packets
    if whole < FEWEST:
        return 0
    for share in (context.settings.threshold("overwhelming_share"), MAJORITY):
        for n in range(1, min(GROUP, len(rows) - 1) + 1):
            if sum(rows[:n]) > share * whole and rows[n - 1] >= TWICE * rows[n]:
                return n
    return 0


def _threshold(context: Context, rows: list[Ranked]) -> str:
    """What the group may be called: 'over' or 'most'."""
    share = sum(r.share for r in rows)
    return "over" if share > context.settings.threshold("overwhelming_share") else "most"


def _lead(context: Context, rows: list[Ranked], called: str) -> Point:
    answers = context.answers
    share = context.words.percent(sum(r.share for r in rows))
    same = False
    below: list[Paragraph] = []
    if answers.ranks_told:
        n = leading(context, before=True)
        old = [r for r in answers.leading_before("ports") if r.rank_before is not None][:n]
        whole = answers.totals_before.packets if answers.totals_before else 0
        enough = {"over": context.settings.threshold("overwhelming_share"), "most": MAJORITY}[called]
        same = {r.key for r in old} == {r.key for r in rows} and sum(r.packets_before or 0 for r in old) > enough * whole
        if not same:
            items = [_was(context, r) for r in rows]
            below.append(context.say("points.group_before", list=context.words.listed(items)))
    key = f"points.{called}{'_alone' if len(rows) == 1 else ''}{'_same' if same else ''}"
    text = context.rich(key, ports=_listed(context, rows), share=share)
    for row in rows:
        below.append([f"{context.port_long(row.key)}: ", *pieces(counted(context, row))])
    return Point(text, below)


def _was(context: Context, row: Ranked) -> str:
    """23/tcp was first; 23/tcp was not seen."""
    if row.rank_before is None:
        return context.say("points.was_not", thing=context.port(row.key))
    return context.say("points.was", thing=context.port(row.key), place=ordinal(context, row.rank_before))


def _tie(context: Context, rows: list[Ranked]) -> Point:
    """A place that several ports share."""
    fields = {"nth": context.words.nth(rows[0].rank or 0), "ports": _listed(context, rows)}
    below = [counted(context, rows[0], each=True)]
    if not context.answers.ranks_told:
        return Point(context.rich("points.tie", **fields), below)
    old = rows[0].rank_before
    if old is not None and all(r.rank_before == old for r in rows):
        items = context.say("points.was_all", place=context.words.ordinal(old))
    else:
        items = context.words.listed(_was(context, r) for r in rows)
    return Point(context.rich("points.tie_before", list=items, **fields), below)


def _place(context: Context, rows: list[Ranked], named: list[Ranked]) -> Point:
    """One place of the ranking, held by one port or by several with equally many packets."""
    if len(rows) > 1:
        return _tie(context, rows)
    rank = rows[0].rank or 0
    row = rows[0]
    service = _brief(context, row.key)
    fields: dict[str, Any] = {
        "subject": context.say("points.subject", nth=context.words.nth(rank)),
        "port": linked(context, "ports", row),
        "place": context.words.ordinal(rank),
        "displaced": _displaced(context, row, named),
    }
    move = movement(context, row)
    key = f"points.{move}"
    if service and f"{key}_service" in context.words:
        key, fields["service"] = f"{key}_service", service
    if row.rank_before is not None:
        fields["place_before"] = context.words.ordinal(row.rank_before)
    return Point(context.rich(key, **fields), [counted(context, row), *purpose(context, row.key, said=bool(service))])


def in_and_out(context: Context, what: What, most: int) -> list[Paragraph]:
    """Who came in among the first `most`, who dropped out, but for those of whom the points tell already."""
    answers = context.answers
    if not answers.ranks_told:
        return []
    named = [r for r in answers.ranking(what) if r.rank is not None]
    told = SPOKEN if what == "ports" else 0
    came = [r for r in named if told < (r.rank or 0) <= most and (r.rank_before is None or r.rank_before > most)]
    held = {r.rank for r in named if r.rank is not None and r.rank <= told and r.rank_before != r.rank}
    gone = [r for r in answers.leading_before(what) if r.rank_before is not None and r.rank_before <= most]
    gone = [r for r in gone if (r.rank is None or r.rank > most) and r.key != (None, None) and r.rank_before not in held]
    out: list[Paragraph] = []
    for key, rows in (("points.entered", came), ("points.left", gone)):
        if rows:
            out.append(context.rich(key, n=most, list=context.row([_crossed(context, what, r) for r in rows])))
    return out


def _crossed(context: Context, what: What, row: Ranked) -> list[Piece]:
    """A thing that came in among the first or dropped out, with both its ranks."""
    fields = {
        "thing": linked(context, what, row),
        "place": ordinal(context, row.rank or 0),
        "place_before": ordinal(context, row.rank_before or 0),
    }
    style = "points.crossed_new" if row.rank_before is None else "points.crossed_gone" if row.rank is None else "points.crossed"
    return pieces(context.rich(style, **fields))


def movement(context: Context, row: Ranked) -> str:
    """'up', 'down', 'same', 'new' against the period before; 'plain' where nothing may be said of it."""
    if not context.answers.ranks_told:
        return "plain"
    if row.rank_before is None:
        return "new"
    if row.rank_before == row.rank:
        return "same"
    return "up" if row.rank_before > (row.rank or 0) else "down"


def _displaced(context: Context, row: Ranked, named: list[Ranked]) -> list[Piece]:
    """Who held this place before and is told of nowhere else: in brackets, or nothing."""
    answers = context.answers
    if not answers.ranks_told or row.rank_before == row.rank:
        return []
    items = []
    for old in answers.leading_before("ports"):
        if old.rank_before != row.rank or old.key == row.key or old.key == (None, None):
            continue
        now = next((r for r in named if r.key == old.key), None)
        rank = now.rank if now else old.rank
        if rank is not None and rank <= SPOKEN:
            continue
        service = context.service(old.key).partition("(")[0].strip()
        fields = {
            "port": linked(context, "ports", now) if now else Link(context.port(old.key), "data/ports.csv", "data/ports.csv"),
            "use": context.say("points.displaced_use", service=service) if service else "",
            "place_before": context.words.ordinal(old.rank_before or 0),
        }
        if rank is None:
            items.append(pieces(context.rich("points.displaced_gone", **fields)))
        else:
            fields["place"] = context.words.ordinal(rank)
            items.append(pieces(context.rich("points.displaced_fell", **fields)))
    return pieces(context.rich("points.displaced", list=context.row(items))) if items else []


# counts


def counted(context: Context, row: Ranked, *, each: bool = False) -> Paragraph:
    """Its packets and share; and, where the period before can be held against it, how its rate a day stands to that."""
    say, words, answers = context.say, context.words, context.answers
    fields = {"packets": context.packets(row.packets), "share": words.percent(row.share)}
    if each:
        return say("points.count_each", **fields)
    if not answers.ranks_told or not row.packets_before:
        return say("points.count", **fields)
    if row.packets_before < LEAST:
        return say("points.count_few", old=context.packets(row.packets_before), **fields)
    way, now, before = rates(context, row)
    fields |= {"rate": rate_text(context, now), "old": rate_text(context, before)}
    fields["change"] = words.percent(abs(now - before) / before, 0)
    ranks = movement(context, row)
    if (ranks, way) in (("up", "fewer"), ("down", "more")):
        return say(f"points.count_but_{way}", **fields)
    if way == "more" and now >= TWICE * before:
        times = words.number(now / before, 1 if now < 10 * before else 0)
        return say("points.count_times", times=times, **fields)
    return say(f"points.count_{way}", **fields)


def rates(context: Context, row: Ranked) -> tuple[str, float, float]:
    """'more', 'fewer' or 'same', and the packets of an observed day, now and before. 'same' is what chance may have done."""
    days, days_before = context.answers.observed_days, context.answers.observed_days_before
    old = row.packets_before or 0
    now, before = row.packets / days, old / days_before
    chance = (row.packets / days**2 + old / days_before**2) ** 0.5
    if abs(now - before) <= CLEAR * chance:
        return "same", now, before
    return ("more" if now > before else "fewer"), now, before


def rate_text(context: Context, rate: float) -> str:
    """146; 7.3; 0.42."""
    return context.words.number(rate, 0 if rate >= 10 else 1 if rate >= 1 else 2)


# what a port is for


def purpose(context: Context, key: Key, *, said: bool = False) -> list[Paragraph]:
    """What a port is for: its service (unless it is said already), the port it stands in for, what is known to use it."""
    found = context.port_entry(key)
    if found is None:
        return [context.say("points.unlisted")] if key[1] is not None else []
    out: list[Paragraph] = []
    if found.stands_for:
        out.append(context.say("points.stands_for", port=context.port_of(found.stands_for)))
    elif not said:
        out.append(context.say("points.service", service=found.service(context.words.lang)))
    for style, kinds in _KNOWN:
        if uses := found.users(*kinds)[:USES]:
            out.append(context.rich(style, list=context.row([_use(context, use) for use in uses])))
            break
    if devices := found.users("device")[:USES]:
        out.append(context.rich("points.device", list=context.row([_use(context, use) for use in devices])))
    return out


_KNOWN: Final[tuple[tuple[str, tuple[table.Kind, ...]], ...]] = (
    ("points.sought", ("malware", "tool")),
    ("points.flaw", ("exploit",)),
)


def _use(context: Context, use: table.Use) -> list[Piece]:
    name, _, alias = use.name(context.words.lang).partition(" (")
    # a name with a bracket of its own: one bracket for all
    said = use.says(context.words.lang)
    year = context.say("points.year", year=str(use.since)) if use.since and str(use.since) not in said else ""
    what = [alias.removesuffix(")"), said, year]
    text = context.say("points.use", name=name, what=context.words("number.comma").join(w for w in what if w))
    return [text, Footnote(use.reference.said(context.words.lang), use.reference.url)]


def _brief(context: Context, key: Key) -> str:
    """The service where its name is short and plain enough for a sentence: SSH, HTTP."""
    service = context.service(key)
    marks = context.words("points.not_brief").split(",")
    return service if len(service) <= BRIEF and not any(mark in service for mark in marks) else ""


# what may not be said, and what the words mean


def not_told(context: Context) -> list[str]:
    """Why ranks are not held against the period before, where they are not."""
    answers, say = context.answers, context.say
    if answers.ranks_told:
        return []
    now, before = answers.coverage, answers.coverage_before
    days, days_before = answers.observed_days, answers.observed_days_before
    if now.share < answers.ranked_share:
        span = context.words.duration(dt.timedelta(days=days))
        return [say("points.not_told_now", days=span, share=context.words.percent(now.share))]
    if not answers.ranked_before:
        return [say("points.not_told_none")]
    if set(now.sensors) != set(before.sensors):
        return [say("points.not_told_sensors")]
    span = context.words.duration(dt.timedelta(days=days_before))
    return [say("points.not_told_before", days=span, share=context.words.percent(before.share))]


def rule(context: Context) -> str:
    """What the words of the points mean, with the numbers that decide."""
    share = context.words.percent(context.settings.threshold("overwhelming_share"), 0)
    return context.say("points.rule", share=share, half=context.words.percent(MAJORITY, 0))


# helpers


def ordinal(context: Context, rank: int) -> str:
    """A place in words; an empty text for none."""
    return context.words.ordinal(rank) if rank else ""


def pieces(paragraph: Paragraph) -> list[Piece]:
    """A sentence as its pieces."""
    return [paragraph] if isinstance(paragraph, str) else list(paragraph)
