"""The sections of a report: each module here is one, found by being there.

A section's module has ID, ORDER (place on the page; ORDERS: another one in some kinds of report), KINDS (of reports it belongs
to) and `build(context) -> Section | None`
(None: nothing to say in this report; a list where there is one for each of several things). Names that begin with _ are
no sections.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from teiten.periods import PeriodKind
from teiten.report.context import Context
from teiten.report.model import Section


@dataclass(frozen=True, slots=True)
class Part:
    """A section as its module declares it."""

    id: str
    order: int
    kinds: tuple[PeriodKind, ...]
    build: Callable[[Context], Section | Sequence[Section] | None]

    def sections(self, context: Context) -> list[Section]:
        """What it has to say in this report: nothing, one section, or several."""
        built = self.build(context)
        return [built] if isinstance(built, Section) else list(built or ())


def parts(kind: PeriodKind | None = None) -> list[Part]:
    """Every section (of a kind of report), in the page's order."""
    found = []
    for info in pkgutil.iter_modules(__path__):
        if not info.name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{info.name}")
            orders: Mapping[PeriodKind, int] = getattr(module, "ORDERS", {})
            order = module.ORDER if kind is None else orders.get(kind, module.ORDER)
            found.append(Part(module.ID, order, module.KINDS, module.build))
    return sorted((p for p in found if kind is None or kind in p.kinds), key=lambda part: (part.order, part.id))
