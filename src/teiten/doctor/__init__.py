"""What is wrong here? Checks of a lake and of logs, each a function `check_...` in a module here, found by being there.

with open_patient(settings, logs=[...]) as patient:
    results = run(patient)

A check looks at the patient and answers with a `Result` (ok, look or wrong: what was seen, what mends it), several, or None
where there is nothing to look at. A module says where its checks stand with ORDER.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from types import ModuleType

from teiten.doctor._base import Patient, Result, State, open_patient
from teiten.errors import TeitenError

__all__ = ["Check", "Patient", "Result", "State", "checks", "open_patient", "run"]

Check = Callable[[Patient], Result | list[Result] | None]


def _modules() -> list[ModuleType]:
    names = [info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")]
    found = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return sorted(found, key=lambda module: (module.ORDER, module.__name__))


def checks() -> dict[str, Check]:
    """Name -> check, in the order in which they are told: `check_year_less` is 'year less'."""
    found: dict[str, Check] = {}
    for module in _modules():
        for name, value in vars(module).items():
            if name.startswith("check_") and callable(value) and value.__module__ == module.__name__:
                found[name.removeprefix("check_").replace("_", " ")] = value
    return found


def run(patient: Patient) -> list[Result]:
    """Every check's answers. One that fails is a finding itself, and does not keep the others from looking."""
    out: list[Result] = []
    for name, check in checks().items():
        try:
            answer = check(patient)
        except TeitenError as error:
            answer = Result("wrong", error.message, error.hint or "")
        for result in [answer] if isinstance(answer, Result) else answer or []:
            out.append(result.of(name))
    return out
