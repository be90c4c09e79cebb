"""The benchmarks: a module a benchmark, found by being there; each makes its own input and runs its peers beside it.

A benchmark's module has NAME, HELP, GOALS (figure -> (sign, bound)) and `run_benchmark(work, quick) -> {figure: number}`;
where its figures are many, `table(figures) -> text` as well.
What is measured is always a whole process, as a person would start it, with its own start-up and its own memory.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def names() -> list[str]:
    """The benchmarks, in alphabetical order; nothing is imported for it."""
    return sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))


def benchmarks() -> dict[str, ModuleType]:
    """Benchmark name -> its module, in alphabetical order."""
    return {name: importlib.import_module(f"{__name__}.{name}") for name in names()}
