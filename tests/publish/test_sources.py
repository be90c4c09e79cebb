"""Sources are told as the rules say, under names that lead nowhere."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from teiten.errors import TeitenError
from teiten.publish.sources import key_of, shown

DAY = dt.date(2026, 11, 3)
KEY = bytes(32)


def test_each_way() -> None:
    assert shown("192.0.2.77", "none", KEY, DAY) is None
    assert shown("192.0.2.77", "network", KEY, DAY) == "192.0.2.0/24"
    assert shown("2001:db8:1:2::7", "network", KEY, DAY) == "2001:db8:1::/48"
    assert shown("192.0.2.77", "address", KEY, DAY) == "192.0.2.77"
    with pytest.raises(ValueError, match="sources"):
        shown("192.0.2.77", "all", KEY, DAY)
    with pytest.raises(ValueError, match="nobody"):
        shown("nobody", "none", KEY, DAY)


def test_a_pseudonym_holds_for_a_month_and_for_one_key() -> None:
    name = shown("192.0.2.77", "pseudonym", KEY, DAY)
    assert name is not None and name.startswith("s-") and len(name) == 14
    assert name == shown("192.0.2.77", "pseudonym", KEY, DAY.replace(day=28))
    others = {
        shown("192.0.2.77", "pseudonym", KEY, DAY.replace(month=12)),
        shown("192.0.2.78", "pseudonym", KEY, DAY),
        shown("192.0.2.77", "pseudonym", bytes([1]) * 32, DAY),
    }
    assert name not in others and len(others) == 3


def test_the_key_is_made_once_for_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "here" / "key"
    made = key_of(file)
    assert len(made) == 32 and made == key_of(file) and made != KEY
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_bytes(b"short")
    with pytest.raises(TeitenError, match="no key"):
        key_of(file)
