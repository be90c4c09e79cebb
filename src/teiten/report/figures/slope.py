"""This period against the last: ranks or values at two edges, joined by lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from teiten.report.figures import _text, _words
from teiten.report.figures._canvas import Anchor, Sheet
from teiten.report.figures._colour import colour
from teiten.report.figures._model import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class SlopeRow:
    """One thing: its ranks before and now (None: it was not seen), and its values where they are to be written."""

    key: str
    label: str
    before: int | None
    now: int | None
    value_before: float | None = None
    value: float | None = None


@dataclass(frozen=True, kw_only=True)
class SlopeFigure(Figure):
    """Ranks, 1 on top. Those beyond `places` stand in one row at the bottom of their side, with their rank written.

    before_label, now_label: the names of the two periods.
    """

    rows: Sequence[SlopeRow]
    before_label: str
    now_label: str
    things: str = "port"
    places: int = 10

    def is_empty(self) -> bool:
        return not self._shown

    @property
    def _shown(self) -> list[SlopeRow]:
        """Those in the first places on either side."""
        return [r for r in self.rows if min(r.before or 10**9, r.now or 10**9) <= self.places]

    def paint(self, sheet: Sheet) -> None:
        size, theme = sheet.sizes.label, sheet.theme
        lead = size * (1.9 if sheet.narrow else 2.0)
        left_room = max(_text.width(self._text(r, sheet.lang, old=True), size) for r in self._shown)
        right_room = max(_text.width(self._text(r, sheet.lang, old=False), size) for r in self._shown)
        most = (sheet.right - sheet.left) * 0.4
        left_room, right_room = min(left_room, most), min(right_room, most)
        x1, x2 = sheet.left + left_room + 14, sheet.right - right_room - 14
        if not sheet.narrow:
            spare = max(0.0, (x2 - x1) - 480)
            x1, x2 = x1 + spare / 2, x2 - spare / 2
        sheet.y += size * 2
        sheet.text(x1 - 14, sheet.y, self.before_label, size=size, anchor="end", bold=True, room=x1 - 14 - sheet.left)
        sheet.text(x2 + 14, sheet.y, self.now_label, size=size, bold=True, room=sheet.right - x2 - 14)
        sheet.y += size * 0.8
        top = sheet.y
        old = self._places(self._shown, old=True, top=top, lead=lead)
        new = self._places(self._shown, old=False, top=top, lead=lead)
        bottom = max([*old.values(), *new.values()]) + lead * 0.5
        for x in (x1, x2):
            sheet.line(x, top, x, bottom, theme.axis)
        for row in sorted(self._shown, key=lambda r: -(r.now or 10**9)):
            ink = colour(self.things, row.key, theme)
            a, b = (x1, old[row.key]), (x2, new[row.key])
            inside = max(row.before or 10**9, row.now or 10**9) <= self.places
            sheet.polyline([a, b], theme.paper, 5)
            sheet.polyline([a, b], ink, 2.6 if inside else 1.8, "" if inside else "4 4")
        for row in self._shown:
            ink = colour(self.things, row.key, theme)
            self._end(sheet, row, x1, old[row.key], ink, old=True, room=x1 - 14 - sheet.left)
            self._end(sheet, row, x2, new[row.key], ink, old=False, room=sheet.right - x2 - 14)
        sheet.y = bottom

    def _end(self, sheet: Sheet, row: SlopeRow, x: float, y: float, ink: str, *, old: bool, room: float) -> None:
        size = sheet.sizes.label
        rank = row.before if old else row.now
        sheet.circle(x, y, 4.5, ink if rank is not None else sheet.theme.paper, sheet.theme.paper if rank is not None else ink)
        side: Anchor = "end" if old else "start"
        faint = rank is None or rank > self.places
        text = self._text(row, sheet.lang, old=old)
        fill = sheet.theme.muted if faint else sheet.theme.ink
        sheet.text(x + (-14 if old else 14), y + size * 0.36, text, size=size, anchor=side, fill=fill, room=room)

    def _places(self, rows: Sequence[SlopeRow], *, old: bool, top: float, lead: float) -> dict[str, float]:
        """px of each thing on one side: ranks within `places` at their rank, the others below in their order."""

        def rank(row: SlopeRow) -> int:
            return (row.before if old else row.now) or 10**9

        out: dict[str, float] = {}
        below = 0
        used: set[int] = set()
        for row in sorted(rows, key=rank):
            slot = rank(row)
            if slot > self.places or slot in used:
                slot = self.places + 1 + below
                below += 1
            used.add(slot)
            out[row.key] = top + lead * (slot - 0.5) + (lead * 0.4 if slot > self.places else 0.0)
        return out

    def _text(self, row: SlopeRow, lang: str, *, old: bool) -> str:
        rank, value = (row.before, row.value_before) if old else (row.now, row.value)
        place = _words.word(lang, "outside") if rank is None else _words.word(lang, "rank_of", n=str(rank))
        number = f" {_words.number(value)}" if value is not None else ""
        label = _text.plain(row.label)
        return f"{label}{number}  {place}" if old else f"{place}  {label}{number}"
