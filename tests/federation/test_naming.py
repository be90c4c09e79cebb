"""Names of AS come from the reader's tables; numbers that they do not know, or that are none, have no name."""

from __future__ import annotations

import datetime as dt

import pytest

from teiten.enrich import datasets
from teiten.federation import naming

DAY = dt.date(2026, 10, 31)


def test_numbers_that_the_tables_know_have_names() -> None:
    found = naming.as_names(["2497", "", "4294967296", "9999999999", "0", "<b>"], DAY)
    assert set(found) == {"2497"} and "Internet Initiative" in found["2497"]
    assert naming.table(DAY).startswith("asn-") and all(one.kind == "asn" for one in naming.credits(DAY))


def test_without_tables_they_stay_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "of_day", lambda kind, day: None)
    assert naming.as_names(["2497"], DAY) == {} and naming.table(DAY) == "" and naming.credits(DAY) == []
