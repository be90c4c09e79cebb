"""PTR names of addresses: from a table that the user made (address,name[,from,to]), and those that were looked up.

Nobody is asked here: `teiten names resolve` does that, and keeps the answers in the cache (`ptr`). Of those only names that
their own address confirms count, on the days around their answers.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from teiten.classify import ptr
from teiten.classify.watchlists import Watchlists, patterns_of
from teiten.errors import UsageError
from teiten.settings import Settings

SCHEMA: Final[dict[str, pl.DataType]] = {
    "src_ip": pl.Binary(),
    "name": pl.String(),
    "valid_from": pl.Date(),
    "valid_to": pl.Date(),
}
"""of the user's table; `Names.frame` has SOURCED too"""
SOURCED: Final[dict[str, pl.DataType]] = {"confirmed": pl.Boolean(), "asked": pl.Date()}
"""whether the name's own address confirms it, and the day of the last answer that gave it; null for the user's table"""


@dataclass(frozen=True, slots=True)
class Names:
    """Names at hand. `rejected` lines of the user's table could not be read, `first` is the first of them with its place."""

    frame: pl.DataFrame
    digest: str
    rejected: int = 0
    first: str | None = None

    def of(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Rows of src_ip and day -> src_ip, day, name, confirmed, asked; an address without a name that day has no row."""
        found = pairs.select("src_ip", "day").join(self.frame, on="src_ip")
        return found.filter(_holds(pl.col("day"))).select("src_ip", "day", "name", *SOURCED)

    def digest_of(self, day: dt.date) -> str:
        """What the names say on that day, shortened: equal where it is the same."""
        looked_up = self.frame.filter(pl.col("confirmed").is_not_null() & _holds(pl.lit(day)))
        if not looked_up.height:
            return self.digest
        told = looked_up.select("src_ip", "name").sort("src_ip", "name").rows()
        return hashlib.sha256(repr((self.digest, told)).encode()).hexdigest()[:16]


def _holds(day: pl.Expr) -> pl.Expr:
    begun = pl.col("valid_from").is_null() | (day >= pl.col("valid_from"))
    return begun & (pl.col("valid_to").is_null() | (day <= pl.col("valid_to")))


def at_hand(settings: Settings, lists: Watchlists) -> Names | None:
    """The user's table, and of the confirmed names that were looked up those that a list knows; None: neither is there."""
    given = load(settings.ptr_names) if settings.ptr_names is not None else None
    found = _looked_up(settings, lists)
    if given is None:
        return Names(found, "") if found.height else None
    return Names(pl.concat([given.frame, found]), given.digest, given.rejected, given.first)


def _looked_up(settings: Settings, lists: Watchlists) -> pl.DataFrame:
    """Names of the cache that can make a verdict. A name that no list knows must not make days stale, so it is left out."""
    if not ptr.place(settings).is_file():
        return pl.DataFrame(schema=SCHEMA | SOURCED)
    patterns = {pattern for one in lists.lists for entry in one.entries for pattern in entry.names}
    with ptr.Cache(ptr.place(settings)) as cache:
        kept = cache.names(confirmed=True, ends={pattern.removeprefix("*") for pattern in patterns})
    known = [name for name in kept["name"].unique() if not patterns.isdisjoint(patterns_of(name))]
    window = dt.timedelta(days=settings.names.cache_days)
    return (
        kept.filter(pl.col("name").is_in(known))
        .with_columns((pl.col("first") - window).alias("valid_from"), (pl.col("last") + window).alias("valid_to"))
        .rename({"last": "asked"})
        .select(list(SCHEMA | SOURCED))
    )


def load(path: Path) -> Names:
    """The table in that file. UsageError where it cannot be read, or holds nothing that can be."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"The file of names {path} cannot be read: {error.strerror}.", hint="It is named by the setting ptr_names."
        ) from None
    rows: list[tuple[Any, ...]] = []
    rejected, first = 0, None
    reader = csv.reader(io.StringIO(raw.decode("utf-8-sig", "replace")))
    try:
        for row in reader:
            if not row or not row[0].strip() or row[0].lstrip().startswith("#") or row[0].strip().lower() in ("address", "ip"):
                continue
            taken = _row(row)
            if isinstance(taken, str):
                rejected += 1
                first = first or f"{path}:{reader.line_num}: {taken}"
            else:
                rows.append(taken)
    except csv.Error as error:
        raise UsageError(f"{path}:{reader.line_num} cannot be read: {error}.") from None
    if rejected > len(rows):
        raise UsageError(f"{path} is no table of names that I can read (first {first}).", hint="Write address,name[,from,to].")
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    frame = frame.with_columns(pl.lit(None, dtype=dtype).alias(name) for name, dtype in SOURCED.items())
    return Names(frame, hashlib.sha256(raw).hexdigest()[:16], rejected, first)


def _row(row: list[str]) -> tuple[Any, ...] | str:
    """The row of SCHEMA, or what is wrong with it."""
    try:
        address = ipaddress.ip_address(row[0].strip()).packed
    except ValueError:
        return f"'{row[0].strip()[:40]}' is no address"
    name = row[1].strip().rstrip(".").lower() if len(row) > 1 else ""
    if not name or len(name) > 253 or not name.isprintable() or " " in name:
        return "it gives no name"
    try:
        start, end = (dt.date.fromisoformat(c.strip()) if c.strip() else None for c in (*row[2:4], "", "")[:2])
    except ValueError:
        return f"'{','.join(row[2:4])[:40]}' are no days"
    if start and end and end < start:
        return f"its validity is the wrong way round ({start} to {end})"
    return address, name, start, end
