"""How the pages of sensors say numbers."""

from __future__ import annotations

import pytest

from teiten.web.pages import _sensors


@pytest.mark.parametrize(
    ("number", "told"), [(1, "1"), (0.5, "0.5"), (12.25, "12.2"), (99.96, "100.0"), (254.4, "254"), (65_536.0, "65,536")]
)
def test_addresses_are_counted_as_people_do(number: float, told: str) -> None:
    """No power of ten: a telescope's 65,536 addresses were 6.55e+04."""
    assert _sensors.addresses(number) == told
