"""Country and AS of each event's source, by the data of the event's own day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten import frame as frames
from teiten.enrich import datasets

ADDED: Final = ("country", "asn", "as_name", "geo_db")
_EPOCH: Final = dt.date(1970, 1, 1)
_MISSING: Final = -1


def _choices(days: pl.Series, kind: datasets.Kind) -> tuple[list[datasets.DataSet], npt.NDArray[np.int64] | int]:
    """The data sets of a kind, and for each row which of them counts: one number where it is the same for all."""
    known = datasets.of_kind(kind)
    if not known or not len(days):
        return known, _MISSING
    dates = np.array([(d.date - _EPOCH).days for d in known], dtype=np.int64)
    ends: Any = np.array([days.min(), days.max()], dtype=np.int64)
    first, last = (np.searchsorted(dates, ends, side="right") - 1).clip(min=0)
    if first == last:
        return known, int(first)
    return known, (np.searchsorted(dates, days.to_numpy(), side="right") - 1).clip(min=0)


def _answer(
    addresses: pl.DataFrame, family: int, country: datasets.DataSet | None, asn: datasets.DataSet | None
) -> pl.DataFrame:
    """Distinct `key`s (uint32 or binary of 16 bytes) with their country, AS number and AS name."""
    keys = addresses["key"].sort()
    if family == 4:
        packed: npt.NDArray[Any] = keys.to_numpy()
    else:
        packed = np.frombuffer(b"".join(keys.to_list()), dtype="S16")
    none = pl.Series([None] * len(keys), dtype=pl.String)
    codes = None if asn is None else asn.table(family).look_up(packed)
    numbers = pl.Series([None] * len(keys), dtype=pl.Int64)
    if codes is not None:
        numbers = pl.Series(codes.astype(np.int64)).set(pl.Series(codes == 0), None)
    return pl.DataFrame(
        {
            "key": keys,
            "country": none if country is None else country.texts(country.table(family).look_up(packed)),
            "asn": numbers,
            "as_name": none if asn is None or codes is None else asn.texts(codes),
        }
    )


def _located(sources: pl.Series, country: datasets.DataSet | None, asn: datasets.DataSet | None) -> pl.DataFrame:
    """(n) binary addresses -> (n) rows of country, asn, as_name in the same order."""
    short = sources.bin.reinterpret(dtype=pl.UInt32, endianness="big").alias("key")
    answers = _answer(short.drop_nulls().unique().to_frame(), 4, country, asn)
    out = short.to_frame().join(answers, on="key", how="left", maintain_order="left").drop("key")
    if not short.null_count():
        return out
    # IPv6: its rows are looked up apart and put where the first join left nothing
    rows = short.is_null().arg_true()
    long = sources.gather(rows).alias("key").to_frame()
    answers = _answer(long.drop_nulls().unique(), 6, country, asn)
    found = long.join(answers, on="key", how="left", maintain_order="left")
    return out.with_columns(out[name].scatter(rows, found[name]) for name in out.columns)


def _text(country: datasets.DataSet | None, asn: datasets.DataSet | None) -> str | None:
    return "+".join(d.id for d in (country, asn) if d is not None) or None


def enrich(frame: pl.DataFrame) -> pl.DataFrame:
    """DECODED_SCHEMA rows -> SCHEMA rows: country (alpha-2), asn, as_name, and in geo_db which data answered.

    Of several dated data sets an event takes the newest not later than its own day (UTC), else the oldest there is.
    Null where the data do not say. DataError where data at hand are broken.
    """
    days = frame["time"].dt.date().to_physical()
    countries, country_at = _choices(days, "country")
    asns, asn_at = _choices(days, "asn")
    sources = frame["src_ip"]
    if isinstance(country_at, int) and isinstance(asn_at, int):
        pair = _pair(countries, country_at, asns, asn_at)
        added = _located(sources, *pair).with_columns(pl.lit(_text(*pair), dtype=pl.String).alias("geo_db"))
    else:
        added = _by_day(sources, countries, country_at, asns, asn_at)
    return frame.with_columns(added.get_columns()).select(*frames.SCHEMA)


def located(sources: pl.Series, day: dt.date) -> pl.DataFrame:
    """(n) binary addresses -> (n) rows of country, asn, as_name in the same order, by the data of that day."""
    return _located(sources, datasets.of_day("country", day), datasets.of_day("asn", day))


def _pair(
    countries: Sequence[datasets.DataSet], country_at: int, asns: Sequence[datasets.DataSet], asn_at: int
) -> tuple[datasets.DataSet | None, datasets.DataSet | None]:
    return (None if country_at == _MISSING else countries[country_at], None if asn_at == _MISSING else asns[asn_at])


def _by_day(
    sources: pl.Series,
    countries: Sequence[datasets.DataSet],
    country_at: npt.NDArray[np.int64] | int,
    asns: Sequence[datasets.DataSet],
    asn_at: npt.NDArray[np.int64] | int,
) -> pl.DataFrame:
    """The same where rows of one frame have different data sets: each pair's rows apart, then back into their order."""
    n = len(sources)
    both = pl.DataFrame({"c": np.broadcast_to(country_at, n), "a": np.broadcast_to(asn_at, n)}).with_row_index("row")
    parts = []
    for (c, a), rows in both.group_by("c", "a"):
        pair = _pair(countries, int(str(c)), asns, int(str(a)))
        found = _located(sources.gather(rows["row"]), *pair)
        parts.append(found.with_columns(rows["row"], pl.lit(_text(*pair), dtype=pl.String).alias("geo_db")))
    return pl.concat(parts).sort("row").drop("row")


def lookup(address: bytes, data: datasets.DataSet) -> tuple[int, str | None]:
    """What one data set says of one address (4 or 16 bytes): the code (0 = nothing) and its text."""
    family = 4 if len(address) == 4 else 6
    packed: npt.NDArray[Any] = (
        np.array([int.from_bytes(address, "big")], dtype=np.uint32) if family == 4 else np.array([address], dtype="S16")
    )
    code = data.table(family).look_up(packed)
    return int(code[0]), data.texts(code)[0]
