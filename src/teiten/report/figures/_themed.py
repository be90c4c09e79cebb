"""A drawing whose colours follow light and dark: as variables of a style sheet, and the style sheet."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable
from typing import Final

from teiten.report.figures import _colour
from teiten.report.figures._colour import DARK, LIGHT, Theme, on_dark, on_paper

THEME_COLOURS: Final = ("paper", "ink", "muted", "rule", "axis", "other", "unknown", "gap", "gap_paper", "accent", "fall")
_ELEMENT: Final = re.compile(r"<(\w+)([^<>]*)>")
_PAINT: Final = re.compile(r'(fill|stroke)="(#[0-9a-f]{6})"')
_VARIABLE: Final = re.compile(r"var\(--(on|letters)-([0-9a-f]{6})\)")
_NAMES: Final = {
    # `plain` is a port's colour too
    **{getattr(LIGHT, name): f"--chart-{name.replace('_', '-')}" for name in reversed(THEME_COLOURS)},
}
_HEAT: Final = {shade: f"--heat-{n}" for n, shade in enumerate(LIGHT.heat)}


def themed(svg: str, *, things: bool = True, classes: bool = False) -> str:
    """The drawing with its colours as variables of the style sheet, so that it follows light and dark.

    A thing keeps its colour, but the darkest are lifted on dark paper, and letters in a colour are made to be read there.
    Without `things` only the theme's colours: of a heat map's ramp each step means something. classes: the ramp's own colours,
    of what is shaded in classes, are the dark theme's on dark paper.
    """

    def paint(match: re.Match[str], letters: bool) -> str:
        kind, colour = match[1], match[2]
        if colour in _NAMES:
            return f'{kind}="var({_NAMES[colour]})"'
        if classes and colour in _HEAT:
            return f'{kind}="var({_HEAT[colour]})"'
        return f'{kind}="{variable(colour, letters=letters)}"' if things else match[0]

    def element(match: re.Match[str]) -> str:
        return f"<{match[1]}{_PAINT.sub(lambda m: paint(m, match[1] == 'text'), match[2])}>"

    return _ELEMENT.sub(element, svg)


def variable(colour: str, *, letters: bool = False) -> str:
    """A thing's colour as `themed` writes it."""
    return f"var({_NAMES[colour]})" if colour in _NAMES else f"var(--{'letters' if letters else 'on'}-{colour[1:]})"


def shade(colour: str) -> str:
    """A shade of the ramp as `themed` writes it where there are classes."""
    return f"var({_HEAT[colour]})"


def theme_css(drawings: Iterable[str] = ()) -> str:
    """The variables that `themed` drawings use, for light, dark and paper."""
    return _css(sorted({m.groups() for drawing in drawings for m in _VARIABLE.finditer(drawing)}))


@functools.cache
def whole_css() -> str:
    """The variables of every colour that a thing can have, for pages whose drawings are not known beforehand."""
    tables = [colour for table in _colour.TABLES.values() for colour in table.values()]
    hashed = [_colour.hashed(number) for number in range(_colour.HASHED)]
    own = {*tables, *hashed, LIGHT.plain}
    # a faint line has a rim in the colour of its letters
    own |= {on_paper(colour) for colour in own}
    used = itertools.product(("letters", "on"), sorted(colour[1:] for colour in own if colour not in _NAMES))
    return _css(sorted(used), heat=True)


def _css(used: Iterable[tuple[str | None, ...]], *, heat: bool = False) -> str:
    used = list(used)

    def rules(theme: Theme, dark: bool) -> str:
        told = [f"--chart-{name.replace('_', '-')}: {getattr(theme, name)};" for name in THEME_COLOURS]
        told += [f"--heat-{n}: {shade};" for n, shade in enumerate(theme.heat)] if heat else []
        for kind, digits in used:
            one = on_dark(f"#{digits}") if dark else f"#{digits}"
            told.append(f"--{kind}-{digits}: {on_paper(one, theme) if kind == 'letters' else one};")
        return " ".join(told)

    return (
        f"/* the charts' own colours */\n:root {{ {rules(LIGHT, False)} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {rules(DARK, True)} }} }}\n"
    )
