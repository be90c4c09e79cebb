"""Values in classes of round bounds, each with a shade of the theme's ramp: what a heat map and a map of the world share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from teiten.report.figures import _text, _words
from teiten.report.figures._canvas import Sheet

_PARTS = (0.0, 0.3, 0.55, 0.75, 0.9, 0.98)
"""of all values above 0, what share lies below each bound: so the many are told apart, and the few highest stand out"""
_ROUND = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0)


@dataclass(frozen=True, slots=True)
class Classes:
    """bounds: where each class begins, ascending; a class ends before the next begins, the last is open to `top`.

    0 is a class of its own, the lowest; what is below the first bound is in the first.
    """

    bounds: tuple[float, ...]
    top: float
    whole: bool

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Classes:
        """Classes for those values, at most six: bounds at quantiles, rounded down to numbers that a person would choose."""
        found = sorted(v for v in values if v is not None and v > 0)
        if not found:
            return cls((), 0.0, True)
        whole = all(float(v).is_integer() for v in found)
        bounds = {_rounded(found[int(part * (len(found) - 1))], whole=whole) for part in _PARTS}
        return cls(tuple(sorted(bounds)), found[-1], whole)

    def number(self, value: float) -> int:
        """0 for nothing, 1 to 6 for the classes."""
        if value <= 0 or not self.bounds:
            return 0
        return max(1, sum(value >= bound * (1 - 1e-9) for bound in self.bounds))

    def shade(self, number: int, sheet: Sheet) -> str:
        """The colour of a class; fewer than six are spread over the whole ramp."""
        heat = sheet.theme.heat
        if not number:
            return heat[0]
        return (
            heat[1 + round((number - 1) * (len(heat) - 2) / max(1, len(self.bounds) - 1))] if len(self.bounds) > 1 else heat[4]
        )

    def labels(self, lang: str) -> list[str]:
        """What each class above 0 holds: '10–19', the last '50 +'."""
        out = []
        for n, low in enumerate(self.bounds):
            if n == len(self.bounds) - 1:
                alone = self.whole and low == self.top
                out.append(_words.number(low) if alone else f"{_words.number(low)} – {_words.number(self.top)}")
                continue
            high = self.bounds[n + 1] - 1 if self.whole else self.bounds[n + 1]
            out.append(_words.number(low) if high <= low else f"{_words.number(low)} – {_words.number(high)}")
        return out


def _rounded(value: float, *, whole: bool) -> float:
    """The next round number below, or that number."""
    power = 10.0 ** math.floor(math.log10(value) + 1e-9)
    low = max(one for one in _ROUND if one * power <= value * (1 + 1e-9)) * power
    return float(max(1, math.floor(low + 1e-9))) if whole else float(f"{low:.3g}")


def key(sheet: Sheet, classes: Classes, unit: str, *, gap: bool = False, unknown: str = "") -> None:
    """A swatch and words for each class, from `sheet.y` down, in as many lines as it takes; moves it.

    gap: with a swatch for what was not observed; unknown: words of a last entry, hatched."""
    size = sheet.sizes.note
    entries = [("0", classes.shade(0, sheet))]
    entries += [(label, classes.shade(n + 1, sheet)) for n, label in enumerate(classes.labels(sheet.lang))]
    if gap:
        entries.append((_words.word(sheet.lang, "gap"), sheet.hatch("gap")))
    if unknown:
        entries.append((unknown, sheet.hatch("unknown")))
    sheet.y += size * 1.6
    x = sheet.left
    if unit:
        box = sheet.text(x, sheet.y, unit, size=size, fill=sheet.theme.muted, room=sheet.right - sheet.left)
        x = (box.right if box else x) + 16
    for label, paint in entries:
        wide = size * 1.3 + 5 + _text.width(_text.plain(label), size)
        if x > sheet.left and x + wide > sheet.right:
            x = sheet.left
            sheet.y += size * 1.6
        sheet.rect(x, sheet.y - size * 0.82, size * 1.3, size * 0.95, paint, extra=f' stroke="{sheet.theme.rule}"')
        sheet.text(x + size * 1.3 + 5, sheet.y, label, size=size, room=sheet.right - x - size * 1.3 - 5)
        x += wide + 14
