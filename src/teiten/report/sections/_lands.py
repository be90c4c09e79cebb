"""A month's ranking of countries said point by point: the first of them, the one that is followed, and what is left out."""

from __future__ import annotations

from typing import Final

from teiten.report.answers import Ranked
from teiten.report.context import Context
from teiten.report.model import Link, Paragraph, Piece, Point
from teiten.report.sections import _ranking
from teiten.report.sections._points import linked, movement, ordinal, pieces, rate_text, rates

AHEAD: Final = 5
"""countries that are named one by one"""


def countries(context: Context) -> list[Point]:
    """The first countries, the one that is followed, and what is left out."""
    named = [r for r in context.answers.ranking("countries") if r.rank is not None]
    points = _lands(context, named)
    unknown = next((r for r in context.answers.ranking("countries") if r.rank is None), None)
    if unknown and named:
        link = Link(context.packets(unknown.packets), f"#{_ranking.place('countries', unknown)}", "data/countries.csv")
        hosts, share = context.words("count.hosts", n=unknown.hosts), context.words.percent(unknown.share)
        points.append(Point(context.rich("points.unknown", packets=link, hosts=hosts, share=share)))
    return points


def _lands(context: Context, named: list[Ranked]) -> list[Point]:
    if len(named) < 2:
        return []
    code = context.settings.followed
    own = next((r for r in named if r.key == code), None)
    others = [r for r in named if r is not own]
    if code is None:
        return [_order(context, named[:AHEAD])]
    if own is None:
        return [_order(context, named[:AHEAD]), Point(_absent(context, code))]
    ahead = [r for r in others if (r.rank or 0) < (own.rank or 0)]
    equal = [r for r in others if r.rank == own.rank]
    below = _followed(context, own)
    if equal:
        text = _own(context, own, "points.own_tie", others=context.words.listed(context.land(r.key) for r in equal))
        return [_order(context, named[:AHEAD]), Point(text, below)]
    if not ahead:
        return [Point(_own(context, own, "points.own_first", list=_row(context, others[: AHEAD - 1])), below)]
    if len(ahead) <= AHEAD:
        return [Point(_own(context, own, "points.own_after", list=_row(context, ahead)), below)]
    return [_order(context, ahead[:AHEAD]), Point(_own(context, own, "points.own"), below)]


def _order(context: Context, rows: list[Ranked]) -> Point:
    """The first countries in their order; with their ranks where some of them have equally many packets."""
    if len({r.rank for r in rows}) == len(rows):
        return Point(context.rich("points.lands", list=_row(context, rows, first=True)))
    items = [
        pieces(
            context.rich("points.land_ranked", place=ordinal(context, r.rank or 0), land=_row(context, [r], first=r is rows[0]))
        )
        for r in rows
    ]
    return Point(context.rich("points.lands_tied", list=context.row(items)))


def _absent(context: Context, code: str) -> Paragraph:
    old = next((r for r in context.answers.leading_before("countries") if r.key == code), None)
    land = context.land(code)
    if old is None or old.rank_before is None or not context.answers.ranks_told:
        return context.sentence("points.own_absent", land=land)
    rank = old.rank_before
    return context.sentence("points.own_gone", land=land, place_before=context.words.ordinal(rank))


def _own(context: Context, own: Ranked, key: str, **more: object) -> Paragraph:
    """The sentence of the country that is followed, with its place before in brackets."""
    move = movement(context, own)
    bracket = ""
    if move in ("up", "down", "same"):
        rank = own.rank_before or 0
        style = "points.bracket_same" if move == "same" else "points.bracket"
        bracket = context.say(style, place=ordinal(context, rank))
    elif move == "new":
        bracket = context.say("points.bracket_new")
    fields = {"place": ordinal(context, own.rank or 0), "bracket": bracket}
    land = linked(context, "countries", own)
    return _capital_pieces(context.rich(key, land=land, **fields, **more))


def _row(context: Context, rows: list[Ranked], *, first: bool = False) -> list[Piece]:
    """中国(先月2位)、米国(先月3位): with `first` the first of them says what its bracket is held against."""
    items: list[list[Piece]] = []
    for n, row in enumerate(rows):
        link = linked(context, "countries", row)
        move = movement(context, row)
        if move == "plain":
            items.append([link])
            continue
        start = "first" if first and n == 0 else "next"
        fields = {"place": ordinal(context, row.rank_before or 0)}
        style = {"new": f"points.land_new_{start}", "same": f"points.land_same_{start}"}.get(move, f"points.land_{start}")
        items.append(pieces(context.rich(style, land=link, **fields)))
    return context.row(items)


def _followed(context: Context, own: Ranked) -> list[Paragraph]:
    """Whether its packets moved as its rank did."""
    if not context.answers.ranks_told or not own.packets_before:
        return []
    way, now, before = rates(context, own)
    move = movement(context, own)
    fields = {
        "rate": rate_text(context, now),
        "old": rate_text(context, before),
        "change": context.words.signed(100 * (now - before) / before) + context.words("number.percent"),
    }
    if way == "same":
        return [context.say("points.rate_same", **fields)]
    agree = {("up", "more"): "both", ("down", "fewer"): "both", ("up", "fewer"): "but", ("down", "more"): "but"}
    return [context.say(f"points.rate_{agree.get((move, way), 'only')}_{way}", **fields)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _capital_pieces(paragraph: Paragraph) -> Paragraph:
    """The first letter of the sentence as a capital, if it is a link's too."""
    found = pieces(paragraph)
    first = found[0] if found else ""
    if isinstance(first, Link):
        return [Link(_capital(first.text), first.url, first.file), *found[1:]]
    return [_capital(first), *found[1:]] if isinstance(first, str) else found
