"""What the curve of ZMap's order is measured on. Which orders are named: tests/classify/test_zmap_order.py."""

from __future__ import annotations

import numpy as np

from teiten.bench import _order


def test_a_walk_visits_each_address_once_and_controls_stay_in_the_prefix() -> None:
    rng = np.random.default_rng(5)
    network, length = _order.PREFIXES["p16"]
    addresses, times = _order._walk(rng, network, length, 2, 0.005)
    assert len(addresses) > 0.9 * 65536 and len(set(addresses.tolist())) == len(addresses)
    assert (np.diff(times) >= 0).all() and (np.diff(addresses) < 0).any()
    for order in _order._controls(rng, network, length, 24):
        assert network <= min(order) and max(order) < network + 65536 and len(order) == 24


def test_the_table_has_a_row_for_each_case() -> None:
    figures = {f"order.{case}.{n}": 1.0 for case in _order.CASES for n in _order.DESTINATIONS}
    rows = _order.table(figures | {"order.controls": 20.0, "order.false": 0.0})
    assert sum(row.startswith("  a /") for row in rows) == len(_order.CASES)
    assert "0.5% drift" in rows[2] and "8 sub-shards" in rows[5]
