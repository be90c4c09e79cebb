"""The kinds of change that are looked for: each module here finds some, and is found by being there.

A module has KINDS (names of `detect.model`), ORDER (small ones first) and `find(view, found)`, which answers detections of the
view's day; `found` are those of the modules before it, so that what is a burst is not told as a rise too. What needs single
sources asks `view.asked`, and finds nothing where that is None. The observer's own line is looked at before all of them
(`detect/own.py`): the view that they get has its hours set right.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from teiten.detect.model import Detection
from teiten.detect.view import View


@dataclass(frozen=True, slots=True)
class Finder:
    """A module as it declares itself."""

    name: str
    kinds: tuple[str, ...]
    order: int
    find: Callable[[View, Sequence[Detection]], list[Detection]]


def finders() -> list[Finder]:
    """Every module of this folder, in order."""
    out = []
    for found in pkgutil.iter_modules(__path__):
        if not found.name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{found.name}")
            out.append(Finder(found.name, tuple(module.KINDS), module.ORDER, module.find))
    return sorted(out, key=lambda one: (one.order, one.name))
