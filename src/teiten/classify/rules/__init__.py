"""The rules by which an address is taken for something on a day: each module here is one, found by being there.

A rule's module has RULE, its declaration, and `judge(material)`, which answers a frame of FOUND (or several, one after the
other, where they may be many). What it looks at is `Rule.over`:

    "sources"   the counts of every source (`material.sources`, SOURCES), some sources at a time; no events.
    "chosen"    the counts of the sources for which `choose(material)`, an SQL condition over those counts, holds; all of
                the days at once. It may ask for their events (`material.ask`, `material.events`).
    "days"      the events of whole days, whoever sent them: what is about many sources, or about addresses that sent
                nothing (a victim that an ICMP error quotes). `material.sources` is empty.

Rules come in the order of their `order`, those over "sources" first, those over "days" last. A rule that goes by what others
found names their labels in `knows` and reads `material.found`. Of two rules that give one label to one address on one day the
first one's row stands; a label of SEVERAL (a tool) may stand there once for each value.

Ids are kept in the data and never change their meaning: retire a rule, add another. Names that begin with _ are no rules.
A verdict says nothing of destinations: evidence never holds a sensor's address.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from teiten.classify.material import COUNTS, SOURCES, Material
from teiten.settings import Settings

Needs = Literal["sources", "events", "lists", "names"]
Over = Literal["sources", "chosen", "days"]

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
SEVERAL: Final = ("tool",)
"""labels that one source may have several of on a day, of different values"""


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
    over: Over = "sources"
    counts: tuple[str, ...] = ()
    """names of COUNTS that it looks at, beside src_ip, day and packets; only counts that some rule names are made"""
    knows: tuple[str, ...] = ()
    """labels of earlier rules that it goes by (`material.found`)"""


@dataclass(frozen=True, slots=True)
class Part:
    """A rule as its module declares it."""

    rule: Rule
    judge: Callable[[Material], pl.DataFrame | Iterable[pl.DataFrame]]
    choose: Callable[[Material], str] | None = None


_ORDER: Final[dict[Over, int]] = {"sources": 0, "chosen": 1, "days": 2}


def parts() -> list[Part]:
    """Every rule, in order."""
    found = []
    for info in pkgutil.iter_modules(__path__):
        if not info.name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{info.name}")
            found.append(Part(module.RULE, module.judge, getattr(module, "choose", None)))
    return sorted(found, key=lambda part: (_ORDER[part.rule.over], part.rule.order, part.rule.id))


def rule(number: str) -> Rule | None:
    """The rule of that id; None for one that is retired, or an analyst's."""
    return next((part.rule for part in parts() if part.rule.id == number), None)


def because(number: str, language: str, settings: Settings) -> str | None:
    """Why a source gets that rule's label, with the thresholds in force. None for a rule that is not known here."""
    known = rule(number)
    if known is None:
        return None
    numbers = {name: f"{settings.threshold(name):,g}" for name in known.thresholds}
    return known.because[language].format(**numbers)


def nothing() -> pl.DataFrame:
    """No row of FOUND."""
    return pl.DataFrame(schema=FOUND)


def evidence(*columns: str | pl.Expr) -> pl.Expr:
    """Those columns of a row as a JSON object; nulls are left out by the reader's own sense (they stay as null)."""
    return pl.struct(*columns).struct.json_encode().alias("evidence")


def answer(frame: pl.DataFrame, value: str | pl.Expr | None, confidence: float | pl.Expr, *told: str | pl.Expr) -> pl.DataFrame:
    """FOUND of a frame that has src_ip and day: a value (a text is itself, no column), how sure, columns of the evidence."""
    if not frame.height:
        return nothing()
    said = value if isinstance(value, pl.Expr) else pl.lit(value, dtype=pl.String)
    sure = confidence if isinstance(confidence, pl.Expr) else pl.lit(float(confidence))
    return frame.select(
        "src_ip",
        "day",
        said.cast(pl.String).alias("value"),
        *(pl.lit(None, dtype=pl.String).alias(name) for name in ("list", "list_version")),
        sure.cast(pl.Float64).clip(0.0, 1.0).alias("confidence"),
        evidence(*told),
    )


__all__ = [
    "COUNTS", "FOUND", "SEVERAL", "SOURCES", "Material", "Part", "Rule", "answer", "because", "evidence", "nothing", "parts",
    "rule",
]  # fmt: skip
