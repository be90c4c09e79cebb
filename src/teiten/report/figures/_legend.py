"""Legends: a column beside a stack in the stack's own order, or rows under a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from teiten.report.figures import _text
from teiten.report.figures._canvas import Sheet


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: paint (a colour or a hatching), a second paint laid over it, the name, and a number with its share."""

    label: str
    paint: str
    over: str = ""
    value: str = ""
    share: str = ""
    line: bool = False
    dash: str = ""


def _swatch(sheet: Sheet, entry: Entry, x: float, y: float) -> float:
    """Draws the swatch before a label whose baseline is y; returns where the label begins."""
    side = sheet.sizes.label * 0.82
    top = y - side * 0.94
    if entry.line:
        sheet.line(x, y - side * 0.42, x + side * 1.5, y - side * 0.42, entry.paint, 3, entry.dash)
        return x + side * 1.5 + 7
    sheet.rect(x, top, side, side, entry.paint)
    if entry.over:
        sheet.rect(x, top, side, side, entry.over)
    return x + side + 7


def column_width(sheet: Sheet, entries: Sequence[Entry], most: float) -> float:
    """How wide a column needs to be, px, at most `most`."""
    size = sheet.sizes.label
    widest = max((_text.width(_text.plain(e.label), size) for e in entries), default=0.0)
    numbers = max((_text.width(e.value, size) for e in entries), default=0.0)
    shares = max((_text.width(e.share, size) for e in entries), default=0.0)
    return min(most, size * 0.82 + 7 + widest + (12 + numbers if numbers else 0) + (12 + shares if shares else 0))


def column(sheet: Sheet, entries: Sequence[Entry], x: float, y: float, width: float, leading: float = 1.75) -> float:
    """A column from (x, y) down: names at the left, numbers flush at the right. Returns the lower edge."""
    size = sheet.sizes.label
    shares = max((_text.width(e.share, size) for e in entries), default=0.0)
    names = max((_text.width(_text.plain(e.label), size) for e in entries), default=0.0)
    values = max((_text.width(e.value, size) for e in entries), default=0.0)
    if width - size * 0.82 - 7 - values - shares - 24 < min(names, size * 5) - 1:  # a name says more than its number
        entries = [replace(e, value="") for e in entries]
    for entry in entries:
        y += size * leading
        base = y - size * (leading - 1) / 2
        left = _swatch(sheet, entry, x, base)
        right = x + width
        if entry.share:
            sheet.text(right, base, entry.share, size=size, fill=sheet.theme.muted, anchor="end")
        end = right - (shares + 12 if shares else 0)
        if entry.value:
            sheet.text(end, base, entry.value, size=size, anchor="end")
            end -= _text.width(entry.value, size) + 10
        sheet.text(left, base, entry.label, size=size, room=end - left, tip=entry.label)
    return y


def rows(sheet: Sheet, entries: Sequence[Entry]) -> None:
    """Entries in columns of one width from margin to margin, from `sheet.y` down; moves it."""
    if not entries:
        return
    room = sheet.right - sheet.left
    needed = column_width(sheet, entries, room)
    columns = max(1, min(len(entries), int((room + 24) // (needed + 24))))
    if columns == 1 and len(entries) > 3:  # on a telephone two columns with shares are worth more than one with counts
        short = [replace(e, value="") for e in entries]
        if column_width(sheet, short, room) * 2 + 24 <= room:
            entries, columns = short, 2
            needed = column_width(sheet, short, room)
    height = -(-len(entries) // columns)
    columns = -(-len(entries) // height)
    width = min((room - 24 * (columns - 1)) / columns, needed + 40)
    start = sheet.y
    for number in range(columns):
        part = entries[number * height : (number + 1) * height]
        bottom = column(sheet, part, sheet.left + number * (width + 24), start, width)
        sheet.y = max(sheet.y, bottom)


def line_of(sheet: Sheet, entries: Sequence[Entry]) -> None:
    """Entries after one another, broken into lines where they must be; moves `sheet.y`."""
    size, x = sheet.sizes.label, sheet.left
    if not entries:
        return
    sheet.y += size * 1.7
    for entry in entries:
        mark = size * (1.23 if entry.line else 0.82) + 7
        wide = mark + _text.width(_text.plain(entry.label), size)
        if x > sheet.left and x + wide > sheet.right:
            x = sheet.left
            sheet.y += size * 1.7
        left = _swatch(sheet, entry, x, sheet.y)
        sheet.text(left, sheet.y, entry.label, size=size, room=sheet.right - left)
        x += wide + 22
