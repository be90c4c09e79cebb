"""The scenarios: a module each, found by being there, with HELP and `make(wish) -> (sensors with packets, stories)`."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def names() -> list[str]:
    """The scenarios' names."""
    return sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))


def scenario(name: str) -> ModuleType:
    """The scenario of that name."""
    return importlib.import_module(f"{__name__}.{name}")
