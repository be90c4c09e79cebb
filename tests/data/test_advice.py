"""Advice: every piece says where it holds and who says so, in both languages; the first that fits is given."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from teiten.data import advice, ports
from teiten.detect.model import MEANINGS

TABLE = advice.table()


@pytest.mark.parametrize("one", TABLE, ids=lambda one: one.key)
def test_a_piece_is_whole(one: advice.Advice) -> None:
    assert one.text("ja").endswith("。") and one.text("en").endswith(".")
    assert sum(bool(x) for x in (one.ports, one.group, one.target, one.kinds)) == 1
    assert one.kinds <= set(MEANINGS)
    assert one.group is None or one.group in ports.groups()
    assert one.target is None or one.target in ports.TARGETS
    assert one.kinds or one.references
    assert all(reference.url.startswith("https://") for reference in one.references)


def test_every_reference_is_used() -> None:
    found = tomllib.loads(resources.files("teiten.data").joinpath("advice.toml").read_text(encoding="utf-8"))
    assert set(found["references"]) == {name for one in found["advice"].values() for name in one["references"]}


@pytest.mark.parametrize(
    ("kind", "keys", "expected"),
    [
        ("rising", [(6, 1433)], "sql"),
        ("burst", [(6, 445), (6, 139)], "smb"),
        ("burst", [(6, 445), (6, 22)], None),
        ("rising", [(6, 23)], "telnet"),
        ("rising", [(6, 2323)], "telnet"),
        ("new_port", [(6, 9530)], "devices"),
        ("rising", [(6, 64999)], None),
        ("burst", [], None),
        ("arrivals", [(6, 80), (6, 443)], "arrivals"),
    ],
)
def test_the_first_that_fits(kind: str, keys: list[tuple[int, int | None]], expected: str | None) -> None:
    found = advice.find(kind, keys, lambda key: ports.find(key[1], key[0]))
    assert (found.key if found else None) == expected
