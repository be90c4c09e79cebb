"""Dynamic ranges: told of changes whose sources' names say so, beyond chance, and of enough of them."""

from __future__ import annotations

import pytest
from tests.detect.kinds.tables import DAY, Tables, at, view

from teiten.detect.kinds import dynamic
from teiten.detect.model import HIGH, OVERTOOK, About, Detection

SQL = About(ports=((6, 1433),))
HOSTS = [n.to_bytes(4, "big") for n in range(40)]


def change(kind: str = HIGH) -> Detection:
    return Detection(kind, SQL, DAY, at(0), score=6.0)


@pytest.mark.parametrize(
    ("dynamic_ones", "fixed", "told"), [(30, 2, True), (9, 0, False), (12, 10, False), (20, 3, True), (0, 30, False)]
)
def test_shares(dynamic_ones: int, fixed: int, told: bool) -> None:
    kinds = ["dynamic"] * dynamic_ones + ["static"] * fixed
    named = {host: f"x.{kind}.example.net" for host, kind in zip(HOSTS, kinds, strict=False)}
    found = dynamic.find(view(Tables(allotted=named, tried={SQL: HOSTS})), [change()])
    assert bool(found) is told
    if found:
        [one] = found
        assert one.about == SQL and one.hosts == dynamic_ones and one.packets == 2 * dynamic_ones
        assert one.reason["share"] == round(dynamic_ones / (dynamic_ones + fixed), 3) and one.reason["hosts"] == 40


def test_nothing_where_nothing_changed_or_nobody_is_named() -> None:
    asked = Tables(allotted=dict.fromkeys(HOSTS, "x.dynamic.example.net"), tried={SQL: HOSTS})
    assert not dynamic.find(view(asked), []) and not dynamic.find(view(asked), [change(OVERTOOK)])
    assert not dynamic.find(view(Tables(tried={SQL: HOSTS})), [change()]) and not dynamic.find(view(None), [change()])
