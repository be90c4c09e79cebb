"""Names of providers' pools, of fixed addresses, and of neither."""

from __future__ import annotations

import ipaddress

import pytest

from teiten.classify.allocation import of_name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("192-0-2-17.dynamic.example.net", "dynamic"),
        ("pool-192-0-2-17.dsl.example.com", "dynamic"),
        ("17.2.0.192.dyn.example.net", "dynamic"),
        ("ppp17.isp.example", "dynamic"),
        ("dhcp-17.campus.example", "dynamic"),
        ("p5-flets.tokyo.example", "dynamic"),
        ("host-192-0-2-17.isp.example", "dynamic"),
        ("c0000211.cust.example", "dynamic"),
        ("cpe-2-17.cable.example", "dynamic"),
        ("static-192-0-2-17.business.example.net", "fixed"),
        ("192-0-2-17.static.pool.example.net", "fixed"),
        ("server17.example.org", "fixed"),
        ("mail.example.org", "unknown"),
        ("host-9-9-9-9.isp.example", "unknown"),
        ("cable.example", "unknown"),
        ("dynamics.example", "unknown"),
        ("carpool.example", "unknown"),
        ("", "unknown"),
    ],
)
def test_names(name: str, said: str) -> None:
    assert of_name(name, ipaddress.ip_address("192.0.2.17").packed) == said


def test_ipv6() -> None:
    address = ipaddress.ip_address("2001:db8::1").packed
    assert of_name("x.dynamic.example", address) == "dynamic" and of_name("host-1-2.isp.example", address) == "unknown"
