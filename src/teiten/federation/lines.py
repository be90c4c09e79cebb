"""The rows of a contribution: tab-separated text, each line looked at, a piece at a time so that little is held beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from teiten.errors import InputError
from teiten.federation import sketch

if TYPE_CHECKING:
    import polars as pl

COLUMNS: Final = ("day", "what", "key", "packets", "hosts")
KEYS: Final[dict[str, str]] = {
    "all": "", "hour": r"\d|1\d|2[0-4]", "watching": r"\d|1\d|2[0-4]", "port": r"\d{0,5}/\d{0,3}", "country": r"(?:[A-Z]{2})?",
    "asn": r"\d{0,10}", "pair": r"\d{0,5}/\d{0,3} (?:[A-Z]{2})?", "sketch": r"[A-Za-z0-9+/]{10,11000}={0,2}",
}  # fmt: skip
"""the grammar of a row's key, by what it counts"""
PIECE: Final = 2 << 20
"""bytes that are looked at together"""
LINE: Final = 5
"""the line of a file on which its first row stands"""


def read(body: bytes, days: Sequence[dt.date], name: str) -> pl.DataFrame:
    """day (Date), what, key (String), packets, hosts (Int64). InputError that names the line of the first that is no row."""
    import polars as pl

    first = "\t".join(COLUMNS).encode() + b"\n"
    if not body.startswith(first) or not body.isascii() or not body.endswith(b"\n"):
        raise InputError(f"{name}: its rows are no table of {', '.join(COLUMNS)} in ASCII.")
    if b"\n\n" in body or b"\r" in body or b"\0" in body or body.count(b"\t") != (len(COLUMNS) - 1) * body.count(b"\n"):
        raise InputError(f"{name}: its rows hold lines that are none, or not of {len(COLUMNS)} cells.")
    known = [f"{day}" for day in days]
    pieces = [_piece("", known, name, LINE)]
    line = LINE
    for text in _cut(body, len(first)):
        pieces.append(_piece(text, known, name, line))
        line += pieces[-1].height
    out = pl.concat(pieces)
    names = out.select("day", "what", "key")
    # rows that are equal have equal hashes: only where two do are the rows themselves compared, which takes ten times as much
    if names.hash_rows().n_unique() < out.height and names.is_duplicated().any():
        raise InputError(f"{name}: something is told twice of a day.")
    _check(out, name)
    return out


def _cut(body: bytes, at: int) -> Iterator[bytes]:
    """Pieces of whole lines."""
    while at < len(body):
        end = body.rfind(b"\n", at, at + PIECE) + 1 or body.index(b"\n", at) + 1
        yield body[at:end]
        at = end


def _piece(text: bytes | str, days: Sequence[str], name: str, line: int) -> pl.DataFrame:
    import polars as pl

    schema = dict.fromkeys(COLUMNS, pl.String())
    if not text:
        found = pl.DataFrame(schema=schema)
    else:
        try:
            found = pl.read_csv(
                text, separator="\t", quote_char=None, has_header=False, schema=schema, infer_schema=False
            ).fill_null("")
        except (pl.exceptions.PolarsError, ValueError) as error:
            raise InputError(f"{name}: its rows are no table ({type(error).__name__}).") from None
    fits = (
        pl.col("day").is_in(days) & pl.col("packets").str.contains(r"^\d{1,15}$") & pl.col("hosts").str.contains(r"^\d{1,15}$")
    )
    keyed = pl.any_horizontal(
        (pl.col("what") == what) & pl.col("key").str.contains(f"^(?:{grammar})$") for what, grammar in KEYS.items()
    )
    wrong = found.select((~(fits & keyed).fill_null(False)).arg_true()).to_series()
    if wrong.len():
        raise InputError(f"{name}, line {line + wrong[0]}: no row of a contribution (a day, count or key that cannot be).")
    return found.with_columns(pl.col("day").str.to_date("%Y-%m-%d"), pl.col("packets", "hosts").cast(pl.Int64))


def _check(out: pl.DataFrame, name: str) -> None:
    """InputError for figures that no observer can have."""
    import polars as pl

    most = out.filter((pl.col("what") == "watching") & (pl.col("packets") > 3600))
    if most.height:
        raise InputError(f"{name}: an hour of more than 3,600 seconds was watched on {most['day'][0]}.")
    if out.filter(pl.col("what") == "sketch").group_by("day").len().filter(pl.col("len") > 1).height:
        raise InputError(f"{name}: a day has two sketches.")
    for day, text in out.filter(pl.col("what") == "sketch").select("day", "key").iter_rows():
        try:
            sketch.read(text)
        except ValueError as error:
            raise InputError(f"{name}: the sketch of {day} is none ({error}).") from None
