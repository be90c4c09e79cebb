"""Templates become pages: every text escaped, figures drawn on the server, wide and narrow, for light and dark."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from teiten import lang
from teiten.report import figures
from teiten.report.page import clean
from teiten.web import packing

if TYPE_CHECKING:
    import jinja2

    from teiten.web.asked import Asked
    from teiten.web.model import View

WIDE, NARROW = 1060, 380
"""widths in px that figures are drawn for; the page shows the one that fits"""


@functools.cache
def _templates() -> jinja2.Environment:
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("teiten.web", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["static"] = packing.address
    made.filters["clean"] = lambda text: clean(str(text))
    return made


def page(name: str, asked: Asked, view: View, **more: Any) -> str:
    """The page of a view."""
    words = lang.words(asked.lang)
    return _templates().get_template(name).render(asked=asked, view=view, w=words, drawn=drawn(view, asked.lang), **more)


def drawn(view: View, language: str) -> dict[str, dict[str, Any]]:
    """Part's id -> its figure as SVG: wide, narrow (its colours follow light and dark by the page's style)."""
    import markupsafe

    out: dict[str, dict[str, Any]] = {}
    for part in view.parts:
        if part.figure is None:
            continue
        out[part.id] = {}
        for name, width in (("wide", WIDE), ("narrow", NARROW)):
            # both are on the page, and each has names of its own
            figure = replace(part.figure, id=f"{part.figure.id}-{name}")
            sheet = figures.sheet(figure, width=width, lang=language)
            svg = sheet.finish(figure.title, figure.alt or figure.title, sheet.y)
            # our own drawing, whose texts are escaped where they are put in
            own = {"svg": markupsafe.Markup(svg), "width": width}
            if len(sheet.plots) == 1:
                left, right, start, end = sheet.plots[0]
                own |= {"left": f"{left:g}", "right": f"{right:g}", "start": start.isoformat(), "end": end.isoformat()}
            out[part.id][name] = own
    return out
