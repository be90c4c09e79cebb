"""This period against the last: ranks or values at two edges, joined by lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from teiten.report.figures import _text, _words
from teiten.report.figures._axes import strong_line
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
        rows = self._shown
        sides = {
            old: _Side.of(rows, sheet, old=old, label=self.before_label if old else self.now_label) for old in (True, False)
        }
        x1, x2 = sheet.left + sides[True].width + 14, sheet.right - sides[False].width - 14
        spare = max(0.0, (x2 - x1) - 640)
        x1, x2 = x1 + spare / 2, x2 - spare / 2
        sheet.y += size * 2
        sheet.text(x1 - 14, sheet.y, self.before_label, size=size, anchor="end", bold=True, room=x1 - 14 - sheet.left)
        sheet.text(x2 + 14, sheet.y, self.now_label, size=size, bold=True, room=sheet.right - x2 - 14)
        sheet.y += size * 0.8
        top = sheet.y
        old = self._places(rows, old=True, top=top, lead=lead)
        new = self._places(rows, old=False, top=top, lead=lead)
        bottom = max([*old.values(), *new.values()]) + lead * 0.5
        for x in (x1, x2):
            sheet.line(x, top, x, bottom, theme.rule, 1.5)
        for row in sorted(rows, key=lambda r: -(r.now or 10**9)):
            inside = max(row.before or 10**9, row.now or 10**9) <= self.places
            ends = [(x1, old[row.key]), (x2, new[row.key])]
            strong_line(sheet, ends, colour(self.things, row.key, theme), 2.6, "" if inside else "5 4")
        for row in rows:
            ink = colour(self.things, row.key, theme)
            self._end(sheet, row, x1, old[row.key], ink, sides[True])
            self._end(sheet, row, x2, new[row.key], ink, sides[False])
        sheet.y = bottom

    def _end(self, sheet: Sheet, row: SlopeRow, x: float, y: float, ink: str, side: _Side) -> None:
        """The point, and beside it the rank, the name and the value, each in its column."""
        size = sheet.sizes.label
        rank, value = (row.before, row.value_before) if side.old else (row.now, row.value)
        sheet.circle(x, y, 4.5, ink if rank is not None else sheet.theme.paper, sheet.theme.paper if rank is not None else ink)
        faint = rank is None or rank > self.places
        fill = sheet.theme.muted if faint else sheet.theme.ink
        base = y + size * 0.36
        way = -1.0 if side.old else 1.0
        anchor: Anchor = "end" if side.old else "start"
        # the column of ranks stands beside the point, its numbers flush right on either side
        inner = x + way * 14
        right = inner if side.old else inner + side.ranks
        sheet.text(right, base, _rank(rank, sheet.lang), size=size, anchor="end", fill=fill, bold=not faint)
        name = inner + way * (side.ranks + 10)
        sheet.text(name, base, row.label, size=size, anchor=anchor, fill=fill, room=side.names, tip=row.label)
        if value is not None:
            far = name + way * (side.names + 12)
            right = far if side.old else far + side.values
            text = _words.number(value)
            sheet.text(right, base, text, size=size, anchor="end", fill=sheet.theme.muted)

    def _places(self, rows: Sequence[SlopeRow], *, old: bool, top: float, lead: float) -> dict[str, float]:
        """px of each thing on one side: ranks within `places` at their rank, the others below in their order."""

        def rank(row: SlopeRow) -> int:
            return (row.before if old else row.now) or 10**9

        out: dict[str, float] = {}
        slot = 0
        for row in sorted(rows, key=rank):
            # things of one rank stand under each other: the ranks after them are left out, so there is room
            slot = max(slot + 1, min(rank(row), self.places + 1))
            out[row.key] = top + lead * (slot - 0.5) + (lead * 0.4 if rank(row) > self.places else 0.0)
        return out


@dataclass(frozen=True, slots=True)
class _Side:
    """The columns of text on one side, px."""

    old: bool
    ranks: float
    names: float
    values: float
    width: float

    @classmethod
    def of(cls, rows: Sequence[SlopeRow], sheet: Sheet, *, old: bool, label: str) -> _Side:
        size = sheet.sizes.label
        ranks = max(_text.width(_rank(r.before if old else r.now, sheet.lang), size) for r in rows)
        numbers = [v for r in rows if (v := r.value_before if old else r.value) is not None]
        values = max((_text.width(_words.number(v), size) for v in numbers), default=0.0)
        rest = ranks + 10 + (values + 12 if values else 0)
        most = (sheet.right - sheet.left) * 0.4 - rest
        names = min(max(_text.width(_text.plain(r.label), size) for r in rows), max(most, size * 3))
        heading = min(_text.width(_text.plain(label), size), (sheet.right - sheet.left) * 0.4)
        return cls(old, ranks, names, values, max(rest + names, heading))


def _rank(rank: int | None, lang: str) -> str:
    return _words.word(lang, "outside") if rank is None else _words.word(lang, "rank_of", n=str(rank))
