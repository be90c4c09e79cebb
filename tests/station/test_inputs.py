"""Kinds of inputs are found by being there, keep their contract, and read their own tables."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from teiten.errors import UsageError
from teiten.station import inputs
from teiten.stationing import Key, Table


@pytest.mark.parametrize(("kind", "module"), inputs.kinds().items(), ids=lambda v: v if isinstance(v, str) else "")
def test_a_kind_keeps_its_contract(kind: str, module: ModuleType) -> None:
    assert kind == module.NAME
    assert module.MEANS and not module.MEANS.endswith(".")
    assert all(isinstance(key, Key) and key.meaning and not key.meaning.endswith(".") for key in module.KEYS)
    names = [key.name for key in module.KEYS]
    assert len(set(names)) == len(names) and not set(names) & set(inputs.COMMON)
    assert callable(module.open)


def test_tables_are_read_by_their_kinds() -> None:
    [one] = inputs.read((Table("in", {"kind": "stdin", "zone": "UTC", "sensor": "dmz"}, "[station.input.in]", Path()),))
    assert (one.name, one.kind, one.given["sensor"], one.told) == ("in", "stdin", "dmz", {"zone": "UTC"})


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, "kind 'None' is unknown"),
        ({"kind": "fax"}, "'fax'"),
        ({"kind": "stdin", "x": 1}, "setting 'x'"),
        ({"kind": "stdin", "zone": "Tokyo"}, "zone 'Tokyo'"),
        ({"kind": "stdin", "format": "pdf"}, "format 'pdf'"),
    ],
)
def test_a_mistake_is_named(table: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        inputs.read((Table("in", table, "[station.input.in]", Path()),))
