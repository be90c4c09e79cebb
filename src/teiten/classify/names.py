"""PTR names of addresses, from a table that the user made: address,name[,from,to]. No name server is ever asked."""

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

from teiten.errors import UsageError

SCHEMA: Final[dict[str, pl.DataType]] = {
    "src_ip": pl.Binary(),
    "name": pl.String(),
    "valid_from": pl.Date(),
    "valid_to": pl.Date(),
}


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a file gives. `rejected` lines could not be read, `first` is the first of them with its place."""

    frame: pl.DataFrame
    digest: str
    rejected: int = 0
    first: str | None = None

    def of(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Rows of src_ip and day -> src_ip, day, name; an address without a name that day has no row."""
        found = pairs.select("src_ip", "day").join(self.frame, on="src_ip")
        begun = pl.col("valid_from").is_null() | (pl.col("day") >= pl.col("valid_from"))
        held = pl.col("valid_to").is_null() | (pl.col("day") <= pl.col("valid_to"))
        return found.filter(begun & held).select("src_ip", "day", "name")


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
    return Names(pl.DataFrame(rows, schema=SCHEMA, orient="row"), hashlib.sha256(raw).hexdigest()[:16], rejected, first)


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
