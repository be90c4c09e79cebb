"""Templates become pages: every text escaped, figures drawn on the server (`charts`)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from teiten import event, lang
from teiten.engine import filters
from teiten.report.page import clean
from teiten.web import charts, packing
from teiten.web.asked import SCALES, SPANS, UNITS

if TYPE_CHECKING:
    import jinja2

    from teiten.web.asked import Asked
    from teiten.web.model import View
    from teiten.web.told import Told


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


CHOICES: Final = {
    "scanners": filters.SCANNERS,
    "spoofed": filters.SPOOFED,
    "kind": ("", *event.KINDS, "unknown"),
    "action": ("", *event.ACTIONS),
}
"""filters of which one value of a few is chosen"""


def page(name: str, asked: Asked, view: View, *, told: Told | None = None, **more: Any) -> str:
    """The page of a view. told: what stands above its parts; None where nothing is known of the lake."""
    words = lang.words(asked.lang)
    drawn = {part.id: charts.chart(part.figure, asked) for part in view.parts if part.figure is not None}
    known = {
        "sensor": [one.name for one in asked.settings.sensors],
        "group": sorted({one.group for one in asked.settings.sensors if one.group}),
        "protocol": list(filters.PROTOCOLS),
    }
    return _templates().get_template(name).render(
        asked=asked, view=view, w=words, drawn=drawn, told=told, spans=SPANS, units=UNITS, scales=SCALES, choices=CHOICES,
        known=known, **{"held": None, **more},
    )  # fmt: skip
