"""The rules by which a source is taken for something on a day: each module here is one, found by being there.

A rule's module has RULE, its declaration, and `judge(material) -> frame` of FOUND: at most a row for each source and day.
Ids are kept in the data and never change their meaning: retire a rule, add another. Of two rules that give one label to one
source on one day the one with the lower `order` stands. Names that begin with _ are no rules.
"""

from __future__ import annotations

import datetime as dt
import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from teiten.classify.names import Names
from teiten.classify.watchlists import Watchlists
from teiten.settings import Settings

Needs = Literal["sources", "lists", "names"]

SOURCES: Final[dict[str, pl.DataType]] = {
    "src_ip": pl.Binary(),
    "day": pl.Date(),
    "packets": pl.Int64(),
    "ports": pl.Int64(),
}
"""What is known of every source on a day: its packets (attempts), and the distinct ports that it tried, TCP and UDP.

Ports are counted where they can matter: null stands for a source with fewer events than `port_scanner_ports`, which cannot
have tried so many. (Most sources send one or two packets a day; counting theirs would be most of the cost.)"""

FOUND: Final[dict[str, pl.DataType]] = {
    "src_ip": pl.Binary(),
    "day": pl.Date(),
    "value": pl.String(),
    "list": pl.String(),
    "list_version": pl.String(),
    "confidence": pl.Float64(),
    "evidence": pl.String(),
}
"""What a rule answers: `value` an organisation or tool or null, `confidence` 0 to 1, `evidence` a JSON object of counts"""


@dataclass(frozen=True, slots=True)
class Rule:
    """A declaration. `because` says in each language why a source gets the label; {words} in it are settings' thresholds."""

    id: str
    order: int
    label: str
    because: dict[str, str]
    source: str
    needs: tuple[Needs, ...]
    thresholds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Material:
    """What rules are given: the sources of some days, and what else there is."""

    sources: pl.DataFrame
    watchlists: Watchlists
    names: Names | None
    settings: Settings

    @property
    def days(self) -> list[dt.date]:
        return sorted(self.sources["day"].unique().to_list())


@dataclass(frozen=True, slots=True)
class Part:
    """A rule as its module declares it."""

    rule: Rule
    judge: Callable[[Material], pl.DataFrame]


def parts() -> list[Part]:
    """Every rule, in order."""
    found = []
    for info in pkgutil.iter_modules(__path__):
        if not info.name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{info.name}")
            found.append(Part(module.RULE, module.judge))
    return sorted(found, key=lambda part: (part.rule.order, part.rule.id))


def rule(number: str) -> Rule | None:
    """The rule of that id; None for one that is retired, or an analyst's."""
    return next((part.rule for part in parts() if part.rule.id == number), None)


def nothing() -> pl.DataFrame:
    """No row of FOUND."""
    return pl.DataFrame(schema=FOUND)


def evidence(*columns: str | pl.Expr) -> pl.Expr:
    """Those columns of a row as a JSON object; nulls are left out by the reader's own sense (they stay as null)."""
    return pl.struct(*columns).struct.json_encode().alias("evidence")


__all__: Sequence[str] = ("FOUND", "SOURCES", "Material", "Part", "Rule", "evidence", "nothing", "parts", "rule")
