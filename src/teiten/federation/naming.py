"""Names that contributions do not carry: of AS numbers, from the tables of whoever reads, as of the period's last day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import numpy as np

from teiten.enrich import Attribution, datasets

LARGEST = (1 << 32) - 1
"""of AS numbers (RFC 6793)"""


def as_names(keys: Iterable[str], day: dt.date) -> dict[str, str]:
    """AS number as contributions have it -> its name, of those that the tables at hand know. DataError where one is broken."""
    known = datasets.of_day("asn", day)
    numbers = [key for key in dict.fromkeys(keys) if key.isdecimal() and int(key) <= LARGEST]
    if known is None or not numbers:
        return {}
    names = known.texts(np.array([int(key) for key in numbers], dtype=np.uint32)).to_list()
    return {key: name for key, name in zip(numbers, names, strict=True) if name}


def credits(day: dt.date) -> list[Attribution]:
    """Whose data those names are of."""
    known = datasets.of_day("asn", day)
    return known.attributions if known is not None else []


def table(day: dt.date) -> str:
    """The data set's name and day, as manifests have it; '' for none."""
    known = datasets.of_day("asn", day)
    return known.id if known is not None else ""
