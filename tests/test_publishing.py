"""The rules [publish] are read, and what is no rule is told."""

from __future__ import annotations

import pytest

from teiten.errors import UsageError
from teiten.publishing import Publishing, read


def test_defaults_and_what_is_stated() -> None:
    assert read({"mask": "strict", "name": "x"}, "[publish]") == Publishing()
    found = read({"delay": 0, "sections": ["data", "data", "weekly"], "multiple": 5, "sources": "network"}, "[publish]")
    assert (found.delay, found.sections, found.multiple, found.sources) == (0, ("data", "weekly"), 5.0, "network")


@pytest.mark.parametrize(
    "table",
    [
        {"dely": 1}, {"delay": -1}, {"delay": True}, {"delay": 1.5}, {"digits": 0}, {"sections": []}, {"sections": "all"},
        {"periods": ["hourly"]}, {"languages": ["xx"]}, {"sensors": "each"}, {"sources": 1}, {"multiple": -1}, {"licence": 3},
        {"licence_url": "javascript:alert(1)"},
    ],
)  # fmt: skip
def test_what_is_no_rule(table: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(table))):
        read(table, "[publish]")
