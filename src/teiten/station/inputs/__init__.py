"""What comes in, and how: each module here is a kind of input, found by being there ([station.input.NAME], kind = "...").

A module has NAME, MEANS (one line), KEYS (`stationing.Key`s of its table) and `open(given, host) -> Running`; where it has
`check(given)`, that raises UsageError where settings do not go together. KEEPS = True says that what comes while it does not
run is there for it afterwards (a log file): then a time without it is no gap. It imports the standard library alone: `teiten
sensor` runs it on small machines.

An input never reads what it takes in: lines go into the spool as they came, with their line ends; only the sender's address, a
certificate's or credential's name, or the table itself says which sensor they count for, never a line's text.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from teiten import periods
from teiten.errors import UsageError
from teiten.station.feeds import Desk
from teiten.stationing import Given, Table, given

COMMON = ("kind", "zone", "format")
"""keys that every input's table may have beside its kind's own"""


class Running(Protocol):
    """An input at work. `run` returns when `stop` is set, having put everything it acknowledged into its feeds; it raises
    OSError or TeitenError where it cannot go on: it is told, and tried again with growing pauses."""

    def run(self, stop: threading.Event) -> None: ...

    def status(self) -> Mapping[str, Any]:
        """For `doctor`, metrics and people: numbers and texts, such as `lag` or `peers`. Called by another thread."""
        ...


@dataclass(frozen=True, slots=True)
class Host:
    """What an input needs of the station it runs in."""

    desk: Desk
    tell: Callable[[str, str], None]
    """a level (info, warning, error) and one sentence, for the station's log"""
    told: Mapping[str, Any]
    """what goes into its streams' `told`: zone, format"""


@dataclass(frozen=True, slots=True)
class Input:
    """One table [station.input.NAME], checked."""

    name: str
    kind: str
    given: Given
    told: Mapping[str, Any]
    open: Callable[[Given, Host], Running]


def kinds() -> dict[str, ModuleType]:
    """Kind -> its module."""
    names = [found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_")]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in sorted(names)]
    return {module.NAME: module for module in modules}


def free(tables: tuple[Table, ...], name: str) -> None:
    """UsageError where an input has the name of a part of the station."""
    for table in tables:
        if table.name == name:
            raise UsageError(f"{table.where}: the name {name} is taken by the station itself.", hint="Choose another.")


def read(tables: tuple[Table, ...]) -> list[Input]:
    """The inputs of [station], checked by their kinds. UsageError."""
    known, out = kinds(), []
    for table in tables:
        kind = table.given.get("kind")
        if kind not in known:
            raise UsageError(f"{table.where}: kind '{kind}' is unknown.", hint=f"Choose one of: {', '.join(known)}.")
        module = known[kind]
        told: dict[str, Any] = {key: str(table.given[key]) for key in ("zone", "format") if key in table.given}
        _check(told, table.where)
        if getattr(module, "KEEPS", False):
            told["keeps"] = True
        values = given(table, module.KEYS, COMMON)
        if (check := getattr(module, "check", None)) is not None:
            check(values)
        out.append(Input(table.name, kind, values, told, module.open))
    return out


def _check(told: Mapping[str, str], where: str) -> None:
    """UsageError where the zone or the format is none: what came in would lie in the spool, and nobody could read it."""
    if "zone" in told:
        try:
            periods.zone(told["zone"])
        except UsageError as error:
            raise UsageError(f"{where}: zone {error.message}", hint=error.hint) from None
    # by their names alone: the readers themselves are heavy
    folder = str(Path(__file__).parents[2] / "readers")
    formats = ["auto", *sorted(m.name for m in pkgutil.iter_modules([folder]) if not m.name.startswith("_"))]
    if told.get("format", "auto") not in formats:
        raise UsageError(
            f"{where}: format '{told['format']}' is none that I read.", hint=f"Choose one of: {', '.join(formats)}."
        )
