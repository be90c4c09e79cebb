"""Steps from an older lake to the next version: one module a step, found by being there.

A step is a module `from_N.py` with a function `apply(path)`, which turns the lake in that folder from version N into
N + 1. It runs under the lake's lock, and may be run again after an interruption, so it must look before it acts.
`lake.toml` gets the new version after each step, not by the step.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from teiten.errors import LakeError

Step = Callable[[Path], None]


def steps(package: str = __name__) -> dict[int, Step]:
    """Version -> the step that leads from it to the next."""
    found = {}
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        match = re.fullmatch(r"from_(\d+)", info.name)
        if match:
            found[int(match.group(1))] = importlib.import_module(f"{package}.{info.name}").apply
    return found


def run(path: Path, version: int, target: int, found: dict[int, Step] | None = None) -> Iterator[int]:
    """Runs the steps in turn; yields each version reached, so that the caller can note it. LakeError for a missing step."""
    known = steps() if found is None else found
    while version < target:
        if version not in known:
            raise LakeError(
                f"The lake {path} is of version {version}, for which there is no migration to {version + 1}.",
                hint="Use an older teiten in between, or make a new lake from the logs.",
            )
        known[version](path)
        version += 1
        yield version
