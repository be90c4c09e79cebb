"""Readers: bytes of a log -> events. A format is a module (or package) in this folder, found by being there."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from teiten.errors import InputError, UsageError

AUTO = "auto"
SURE = 0.1
"""a file found in a folder is taken for a log from here"""


@cache
def names() -> list[str]:
    """Every format, as --format knows it."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


@cache
def module(name: str) -> Any:
    """The reader of that name. UsageError for an unknown one."""
    if name not in names():
        raise UsageError(f"'{name}' is no format that I read.", hint=f"Choose one of: {', '.join([AUTO, *names()])}.")
    return importlib.import_module(f"{__name__}.{name}")


def confidence(head: bytes) -> float:
    """How sure (0 to 1) the surest reader is that an input which begins so is its own."""
    return max(float(module(name).recognise(head)) for name in names())


def pick(head: bytes, fmt: str = AUTO, name: str = "the input") -> Any:
    """The reader for an input that begins with `head`. UsageError for an unknown format; InputError where none fits."""
    if fmt != AUTO:
        return module(fmt)
    scores = {n: float(module(n).recognise(head)) for n in names()}
    best = max(scores, key=lambda n: scores[n])
    if scores[best] <= 0:
        from teiten.readers import _input

        raise InputError(f"{name} is no log that I can read: {_input.what_is(head)}.", hint="Name its format with --format.")
    return module(best)
