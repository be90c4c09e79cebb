"""Country and AS of a reader's rows, column by column: what `geo.enrich` says of a frame, without one."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from teiten.enrich import datasets
from teiten.enrich._ready import Ready, ready
from teiten.readers import _addresses
from teiten.readers._base import Plain, Rows
from teiten.readers._jit import view
from teiten.readers._rows import all_v4, integers, joined, taken

if TYPE_CHECKING:
    import polars as pl

Ints = npt.NDArray[np.int64]

ADDED: Final = ("country", "asn", "as_name", "geo_db")
_DAY: Final = 86_400_000_000
_EPOCH: Final = dt.date(1970, 1, 1)
_NOTHING: Final = Plain("constant")


_ready: dict[str, Ready] = {}
_lock: Final = threading.Lock()


def _lookup(data: datasets.DataSet) -> Ready:
    """Made ready once a process: what is written to a data set's folder is never changed. DataError where it is broken."""
    with _lock:
        key = str(data.folder)
        if key not in _ready:
            _ready[key] = ready(data)
        return _ready[key]


def _v4(look: Ready, low: Ints) -> Ints:
    """IPv4 addresses as numbers -> places."""
    out = np.empty(len(low), np.int64)
    given = np.ascontiguousarray(low)
    _addresses.locate(view(given), len(given), view(look.index), view(look.starts), view(look.of_starts), view(out))
    return out


def _v6(data: datasets.DataSet, high: Ints, low: Ints) -> Ints:
    """Halves of IPv6 addresses -> codes."""
    packed = np.stack([high, low], axis=1).astype(">i8").view("S16").reshape(-1)
    return data.v6.look_up(packed).astype(np.int64)


def _choices(low: int, high: int, days: Ints, kind: datasets.Kind) -> tuple[list[datasets.DataSet], Ints | int]:
    """The data sets of a kind, and which of them counts: one number where it is the same for all rows, else one a row."""
    known = datasets.of_kind(kind)
    if not known:
        return known, -1
    dates = np.array([(d.date - _EPOCH).days for d in known], np.int64)
    first, last = (np.searchsorted(dates, np.array([low, high]), side="right") - 1).clip(min=0).tolist()
    if first == last:
        return known, first
    return known, (np.searchsorted(dates, days, side="right") - 1).clip(min=0)


def _of_codes(data: datasets.DataSet, look: Ready, sources: Plain) -> tuple[Ints, Ints | None]:
    """Places of the sources; with them the codes themselves, where a place cannot say one."""
    assert sources.numbers is not None and sources.low is not None and sources.high is not None
    if all_v4(sources):
        return _v4(look, sources.low), None
    out = np.full(len(sources.numbers), -1, np.int64)
    four, six = sources.numbers == 4, np.flatnonzero(sources.numbers == 6)
    out[four] = _v4(look, sources.low[four])
    if not len(six):
        return out, None
    codes = _v6(data, sources.high[six], sources.low[six])
    out[six] = look.places(codes)
    if bool(((out[six] < 0) & (codes > 0)).any()):
        whole = integers(Plain("places", numbers=out, values=look.codes), len(out))
        whole[six] = np.where(codes > 0, codes, -1)
        return out, whole
    return out, None


def _answers(sources: Plain, country: datasets.DataSet | None, asn: datasets.DataSet | None) -> dict[str, Plain]:
    """The four columns by one data set of each kind."""
    out = dict.fromkeys(ADDED, _NOTHING)
    out["geo_db"] = Plain("constant", "+".join(d.id for d in (country, asn) if d is not None) or None)
    if sources.kind != "addresses":
        return out
    if country is not None:
        look = _lookup(country)
        places, _ = _of_codes(country, look, sources)
        out["country"] = _texts(look, places)
    if asn is not None:
        look = _lookup(asn)
        places, numbers = _of_codes(asn, look, sources)
        out["as_name"] = _texts(look, places)
        out["asn"] = Plain("places", numbers=places, values=look.codes)
        if numbers is not None:
            out["asn"] = Plain("numbers", numbers=numbers)
    return out


def _texts(look: Ready, places: Ints) -> Plain:
    if not len(look.texts):
        return _NOTHING
    if not look.all_named and not (named := look.named[places]).all():
        places = np.where((places >= 0) & named, places, -1)
    return Plain("texts", numbers=places, texts=look.texts)


def located(rows: Rows) -> dict[str, Plain]:
    """The columns of `ADDED` for those rows. DataError where data at hand are broken.

    Of several dated data sets an event takes the newest not later than its own day (UTC), else the oldest there is.
    """
    n = len(rows)
    sources = rows.column("src_ip")
    days = integers(rows.column("time"), n) // _DAY
    low, high = (int(days.min()), int(days.max())) if n else (0, 0)
    countries, country_at = _choices(low, high, days, "country")
    asns, asn_at = _choices(low, high, days, "asn")
    if isinstance(country_at, int) and isinstance(asn_at, int):
        return _answers(sources, *_pair(countries, country_at, asns, asn_at))
    # rows with different data sets: each pair's rows apart, then back into their order
    both = np.stack([np.broadcast_to(country_at, n), np.broadcast_to(asn_at, n)], axis=1)
    pairs, which = np.unique(both, axis=0, return_inverse=True)
    order = np.argsort(which.reshape(-1), kind="stable")
    parts, sizes = [], []
    for number, (c, a) in enumerate(pairs.tolist()):
        mine = order[which.reshape(-1)[order] == number]
        parts.append(_answers(taken(sources, mine), *_pair(countries, c, asns, a)))
        sizes.append(len(mine))
    back = np.empty(n, np.int64)
    back[order] = np.arange(n)
    return {name: taken(joined([part[name] for part in parts], sizes), back) for name in ADDED}


def located_on(sources: Plain, low: int, high: int) -> dict[str, Plain] | None:
    """The columns of `ADDED` for addresses seen on the days low..high (since 1970, UTC); None where not one pair of data sets
    answers for all of them. DataError as `located`."""
    countries, country_at = _choices(low, high, np.empty(0, np.int64), "country")
    asns, asn_at = _choices(low, high, np.empty(0, np.int64), "asn")
    if not isinstance(country_at, int) or not isinstance(asn_at, int):
        return None
    return _answers(sources, *_pair(countries, country_at, asns, asn_at))


def _pair(
    countries: list[datasets.DataSet], c: int, asns: list[datasets.DataSet], a: int
) -> tuple[datasets.DataSet | None, datasets.DataSet | None]:
    return countries[c] if c >= 0 else None, asns[a] if a >= 0 else None


@dataclass(slots=True)
class Enriched:
    """Rows (`readers._base.Rows`) that also answer for country and AS, looked up when they are first asked.

    `seen` gets what `geo_db` says of them.
    """

    rows: Rows
    seen: set[str] = field(default_factory=set)
    _added: dict[str, Plain] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> Plain:
        """Any column of the rows, and those of `ADDED`."""
        if name not in ADDED:
            return self.rows.column(name)
        if not self._added:
            self._added = located(self.rows)
            told = self._added["geo_db"]
            values = [told.value] if told.numbers is None else [told.texts[i] for i in np.unique(told.numbers).tolist()]
            self.seen.update(str(value) for value in values if value is not None)
        return self._added[name]

    def frame(self) -> pl.DataFrame:
        """The rows' own frame with country and AS."""
        from teiten.enrich.geo import enrich

        return enrich(self.rows.frame())
