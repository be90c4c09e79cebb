"""What is no setting is told by name, with what would be one."""

from __future__ import annotations

import pytest

from teiten import checking
from teiten.errors import UsageError


def test_what_is_one_comes_through() -> None:
    checking.known({"a": 1}, ("b", "a"), "x")
    assert checking.choice("b", ("a", "b"), "x") == "b"
    assert checking.whole(5, 1, 5, "x") == 5
    assert checking.truth(False, "x") is False


def test_what_is_none_is_told() -> None:
    with pytest.raises(UsageError, match="x knows no setting 'c'") as told:
        checking.known({"a": 1, "c": 2}, ("b", "a"), "x")
    assert told.value.hint == "It knows: a, b."
    for value in ("c", 1, None, ["a"]):
        with pytest.raises(UsageError, match="x must be one of a, b"):
            checking.choice(value, ("a", "b"), "x")
    for number in (0, 6001, 2.0, True, "3", None):
        with pytest.raises(UsageError, match="x must be a whole number from 1 to 6,000"):
            checking.whole(number, 1, 6000, "x")
    for other in (0, 1, "true", None):
        with pytest.raises(UsageError, match="x must be true or false"):
            checking.truth(other, "x")
