"""[spark] of teiten.toml as values: where the cluster is, and what Spark may take of each machine. Checked here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from teiten import checking
from teiten.errors import UsageError

ENGINES: Final = ("duckdb", "spark")
MASTER: Final = re.compile(r"local(\[(\d+|\*)(,\d+)?\])?|spark://[^\s/:]+:\d+(,[^\s/:]+:\d+)*")
_MEMORY: Final = re.compile(r"[1-9]\d{0,5}[mg]", re.ASCII)
OURS: Final = frozenset({"spark.sql.ansi.enabled", "spark.sql.session.timeZone", "spark.master"})
"""settings of Spark on which answers rest, or that stand elsewhere"""


@dataclass(frozen=True, slots=True)
class Spark:
    """What the engine Spark goes by."""

    master: str = "local[*]"
    """the cluster's master, `spark://HOST:7077` (several with commas between: one stands by), or `local[2]`: two threads"""
    memory: str = "2g"
    """memory of each executor, or of this process with `local`, written `2g` or `1500m`"""
    partitions: int = 0
    """parts that rows are put into between two steps; 0: two for each core of the cluster"""
    conf: tuple[tuple[str, str], ...] = ()
    """further settings of Spark, written `conf = { "spark.executor.cores" = "4" }`"""


def read(table: Any, where: str) -> Spark:
    """[spark], checked. UsageError."""
    if not isinstance(table, dict):
        raise UsageError(f"{where} must be a table.")
    checking.known(table, Spark.__dataclass_fields__, where)
    found: dict[str, Any] = {}
    for key, value in table.items():
        found[key] = _CHECKS[key](value, f"{where}: {key}")
    return Spark(**found)


def engine(value: Any, where: str) -> str:
    """The engine's name. UsageError."""
    return checking.choice(value, ENGINES, where)


def _master(value: Any, where: str) -> str:
    if not isinstance(value, str) or not MASTER.fullmatch(value):
        raise UsageError(f"{where} is no address of a Spark master: {value!r}.", hint="Write spark://HOST:7077, or local[2].")
    return value


def _memory(value: Any, where: str) -> str:
    if not isinstance(value, str) or not _MEMORY.fullmatch(value):
        raise UsageError(f"{where} must be a size such as 2g or 1500m, not {value!r}.")
    return value


def _partitions(value: Any, where: str) -> int:
    return checking.whole(value, 0, 100_000, where)


def _conf(value: Any, where: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or not all(key.startswith("spark.") and isinstance(one, str) for key, one in value.items()):
        raise UsageError(
            f"{where} must be a table of settings of Spark and texts.", hint='Such as { "spark.executor.cores" = "4" }.'
        )
    for key in value.keys() & OURS:
        raise UsageError(
            f"{where}: {key} is not to be changed here.", hint="The master stands in [spark] master; answers rest on the rest."
        )
    return tuple(sorted(value.items()))


_CHECKS: Final = {"master": _master, "memory": _memory, "partitions": _partitions, "conf": _conf}
