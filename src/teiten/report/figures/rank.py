"""A ranking: horizontal bars with the rank now and before, the value and its share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from teiten.report.figures import _legend, _text, _words
from teiten.report.figures._canvas import Sheet
from teiten.report.figures._colour import colour
from teiten.report.figures._model import Figure, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class RankRow:
    """One bar. rank: None for 'other' and 'unknown'; rank_before: None where it was not seen in the period before.

    detail: what the thing is, small ('Telnet'); target: its class, for figures coloured by target ('iot').
    """

    key: str
    label: str
    value: float | None
    rank: int | None = None
    rank_before: int | None = None
    share: float | None = None
    detail: str = ""
    target: str = "other"
    kind: Kind = "value"


@dataclass(frozen=True, kw_only=True)
class RankFigure(Figure):
    """A ranking, the first row on top. `share` is a part of `total`, whose words ('12,345 packets') stand under it.

    colour_by: 'thing' gives each row its own colour, 'target' the colour of its class (classes: (key, label) for the
    legend), 'plain' one colour for all. before_label: heading of the column with the rank before ('last month'); empty
    leaves the column out. heading: what the rows are ('Port').
    """

    rows: Sequence[RankRow]
    things: str = "port"
    colour_by: Literal["thing", "target", "plain"] = "thing"
    classes: Sequence[tuple[str, str]] = ()
    before_label: str = ""
    heading: str = ""
    total: str = ""
    x_max: float | None = None

    def is_empty(self) -> bool:
        return all(r.value is None for r in self.rows)

    def paint(self, sheet: Sheet) -> None:
        if self.colour_by == "target":
            present = {r.target for r in self.rows if r.kind == "value"}
            known = [(k, w) for k, w in self.classes if k in present]
            _legend.line_of(sheet, [_legend.Entry(w, colour("target", k, sheet.theme)) for k, w in known])
        (_paint_narrow if sheet.narrow else _paint_wide)(self, sheet)
        if self.total and any(r.share is not None for r in self.rows):
            sheet.y += 4
            said = _words.word(sheet.lang, "share_of", total=self.total)
            sheet.paragraph(said, size=sheet.sizes.note, most=2, fill=sheet.theme.muted)

    @property
    def top(self) -> float:
        """The value of a full bar."""
        return self.x_max or max((r.value or 0.0 for r in self.rows), default=0.0) or 1.0

    def fill(self, row: RankRow, sheet: Sheet) -> str:
        if row.kind == "unknown":
            return sheet.hatch("unknown")
        if row.kind == "other":
            return sheet.theme.other
        if self.colour_by == "target":
            return colour("target", row.target, sheet.theme)
        return colour(self.things if self.colour_by == "thing" else "plain", row.key, sheet.theme)


def movement(row: RankRow, lang: str) -> tuple[str, int]:
    """The rank before with its arrow ('▲ 5'), and whether it rose (1), fell (-1) or neither (0)."""
    if row.rank is None or row.kind != "value":
        return "", 0
    if row.rank_before is None:
        return _words.word(lang, "new"), 1
    way = (row.rank_before > row.rank) - (row.rank_before < row.rank)
    return f"{'▼→▲'[way + 1]} {_words.word(lang, 'rank_of', n=str(row.rank_before))}", way


def _value(row: RankRow, lang: str) -> str:
    return _words.number(row.value) if row.value is not None else _words.word(lang, "gap")


def _tip(figure: RankFigure, row: RankRow, lang: str) -> str:
    share = f" ({_words.share(row.share, lang)})" if row.share is not None else ""
    unit = f" {figure.unit}" if figure.unit else ""
    return f"{row.label} {row.detail}".strip() + f" — {_value(row, lang)}{unit}{share}"


def _way_ink(way: int, sheet: Sheet) -> str:
    return sheet.theme.accent if way > 0 else sheet.theme.fall if way < 0 else sheet.theme.muted


def _paint_wide(figure: RankFigure, sheet: Sheet) -> None:
    """One line a row: rank, rank before, name with detail, bar with its value, share."""
    size, note, muted = sheet.sizes.label, sheet.sizes.note, sheet.theme.muted
    lang, high = sheet.lang, 32.0
    values = max(_text.width(_value(r, lang), size) for r in figure.rows)
    shares = max((_text.width(_words.share(r.share, lang), size) for r in figure.rows if r.share is not None), default=0.0)
    share_head = _words.word(lang, "share") if shares else ""
    shares = max(shares, _text.width(share_head, note))
    ranks = _text.width("00", size) + 4
    moves = 0.0
    if figure.before_label:
        widest = max((_text.width(movement(r, lang)[0], size) for r in figure.rows), default=0.0)
        moves = max(widest, _text.width(figure.before_label, note)) + 22
    labels = max(_text.width(_text.plain(r.label), size) for r in figure.rows)
    details = max(_text.width(_text.plain(r.detail), note) for r in figure.rows)
    name_room = min(labels + (details + 12 if details else 0), sheet.width * 0.34)
    labels = min(labels, name_room)
    x_move = sheet.left + ranks + 12
    x_name = x_move + moves
    x_bar = x_name + name_room + 16
    room = sheet.right - (shares + 20 if shares else 0) - values - 10 - x_bar
    sheet.y += note * 1.9
    head = sheet.y
    if figure.before_label:
        sheet.text(x_move, head, figure.before_label, size=note, fill=muted)
    if figure.heading:
        sheet.text(x_name, head, figure.heading, size=note, fill=muted, room=name_room)
    if figure.unit:
        sheet.text(x_bar, head, figure.unit, size=note, fill=muted, room=room + values)
    if share_head:
        sheet.text(sheet.right, head, share_head, size=note, fill=muted, anchor="end")
    sheet.y += 8
    sheet.line(sheet.left, sheet.y, sheet.right, sheet.y, sheet.theme.rule)
    sheet.y += 4
    for row in figure.rows:
        base = sheet.y + high / 2 + size * 0.36
        if row.rank is not None:
            sheet.text(sheet.left + ranks, base, str(row.rank), size=size, anchor="end", bold=True)
        if figure.before_label:
            text, way = movement(row, lang)
            sheet.text(x_move, base, text, size=size * 0.93, fill=_way_ink(way, sheet))
        sheet.text(x_name, base, row.label, size=size, room=labels, tip=row.label)
        x_detail = x_name + labels + 12
        if row.detail and x_bar - 16 - x_detail > note * 3:
            sheet.text(x_detail, base, row.detail, size=note, fill=muted, room=x_bar - 16 - x_detail, tip=row.detail)
        long = room * min(1.0, max(0.0, (row.value or 0.0) / figure.top))
        sheet.rect(x_bar, sheet.y + 5, max(long, 1.0 if row.value else 0.0), high - 10, figure.fill(row, sheet),
                   tip=_tip(figure, row, lang))  # fmt: skip
        ink = sheet.theme.ink if row.value is not None else muted
        sheet.text(x_bar + long + 8, base, _value(row, lang), size=size, fill=ink)
        if row.share is not None:
            sheet.text(sheet.right, base, _words.share(row.share, lang), size=size, fill=muted, anchor="end")
        sheet.y += high
    sheet.line(x_bar, head + 10, x_bar, sheet.y + 2, sheet.theme.ink, 1.2)


def _paint_narrow(figure: RankFigure, sheet: Sheet) -> None:
    """Two lines a row: rank, name, detail, rank before above; bar, value, share below."""
    size, note, muted = sheet.sizes.label, sheet.sizes.note, sheet.theme.muted
    lang = sheet.lang
    values = max(_text.width(_value(r, lang), size) for r in figure.rows)
    shares = max((_text.width(_words.share(r.share, lang), size) for r in figure.rows if r.share is not None), default=0.0)
    ranks = _text.width("00", size) + 2
    x = sheet.left + ranks + 8
    room = sheet.right - (shares + 10 if shares else 0) - values - 8 - x
    sheet.y += note * 1.8
    if figure.unit:
        sheet.text(x, sheet.y, figure.unit, size=note, fill=muted, room=(sheet.right - x) * 0.6)
    if figure.before_label:
        sheet.text(
            sheet.right, sheet.y, figure.before_label, size=note, fill=muted, anchor="end", room=(sheet.right - x) * 0.38
        )
    sheet.y += 6
    for row in figure.rows:
        base = sheet.y + size * 1.25
        text, way = movement(row, lang) if figure.before_label else ("", 0)
        right = sheet.right - (_text.width(text, note) + 10 if text else 0)
        if text:
            sheet.text(sheet.right, base, text, size=note, fill=_way_ink(way, sheet), anchor="end")
        if row.rank is not None:
            sheet.text(sheet.left + ranks, base, str(row.rank), size=size, anchor="end", bold=True)
        box = sheet.text(x, base, row.label, size=size, room=right - x, tip=row.label)
        if row.detail and box and right - box.right > note * 4:
            sheet.text(box.right + 8, base, row.detail, size=note, fill=muted, room=right - box.right - 8, tip=row.detail)
        top = sheet.y + size * 1.65
        long = room * min(1.0, max(0.0, (row.value or 0.0) / figure.top))
        sheet.rect(x, top, max(long, 1.0 if row.value else 0.0), 13, figure.fill(row, sheet), tip=_tip(figure, row, lang))
        ink = sheet.theme.ink if row.value is not None else muted
        sheet.text(x + long + 6, top + 11, _value(row, lang), size=size, fill=ink)
        if row.share is not None:
            sheet.text(sheet.right, top + 11, _words.share(row.share, lang), size=size, fill=muted, anchor="end")
        sheet.y = top + 20
