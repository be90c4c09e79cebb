"""Formats of others' results: a module a format, found by being there.

NAME                    the origin that its rows say
recognise(record)       is the JSON object one of it?        rows(record) -> its rows (UnusableError where it gives none)
ELEMENTS                names of the XML elements that are its records, in place of recognise
rows(element, place)
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType


@cache
def formats() -> dict[str, ModuleType]:
    """Name -> its module."""
    names = (info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    found = [importlib.import_module(f"{__name__}.{name}") for name in sorted(names)]
    return {module.NAME: module for module in found}
