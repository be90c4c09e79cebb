"""[federation] is read strictly: what leaves the house is not left to a misspelling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from teiten import federating
from teiten.errors import UsageError


def test_defaults_and_what_is_stated(tmp_path: Path) -> None:
    found = federating.read(
        {"name": "friends", "member": "ume", "hosts": "sketch", "hosts_key": "k", "epsilon": 2}, "x", tmp_path
    )
    assert (found.hosts_key, found.epsilon, found.least_packets) == (tmp_path / "k", 2.0, 10)
    assert federating.read({}, "x", tmp_path) == federating.Federating()
    assert federating.read({"label": "ＡＢＣ "}, "x", tmp_path).label == "ABC"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"least_packet": 5}, "knows no setting"), ({"name": "Friends"}, "small letters"),
        ({"member": "u" * 33}, "small letters"), ({"member": 5}, "small letters"), ({"label": "a\nb"}, "one line"),
        ({"label": "x" * 61}, "one line"), ({"label": 5}, "a text"), ({"region": "\u202eevil"}, "one line"),
        ({"kind": "bank"}, "one of"), ({"hosts": "all"}, "one of"), ({"digits": 7}, "1 to 6"),
        ({"digits": True}, "1 to 6"), ({"least_packets": 0}, "whole number"), ({"delay": 0}, "whole number"),
        ({"epsilon": -1}, "epsilon"), ({"epsilon": float("nan")}, "epsilon"), ({"epsilon": "much"}, "epsilon"),
        ({"hours": "yes"}, "true or false"), ({"hosts": "sketch"}, "needs hosts_key"), ({"hosts_key": ""}, "name of a file"),
    ],
)  # fmt: skip
def test_what_is_no_such_thing(table: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        federating.read(table, "teiten.toml, [federation]", Path())
