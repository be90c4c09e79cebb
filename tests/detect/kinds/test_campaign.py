"""Campaigns: one network's changes at several ports are one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from teiten.detect.kinds import campaign
from teiten.detect.model import BURST, About, Detection, Part
from teiten.detect.view import View

Made = Callable[..., View]
_PORTS = (7001, 7002, 7003)


def test_three_ports_of_one_network_are_a_campaign_with_the_days_on_which_it_came(days_of: Made) -> None:
    rates: dict[tuple[int, str], Any] = {(port, "NL"): [0.0] * 33 + [40.0] * 3 for port in _PORTS}
    view = days_of(rates)
    found = [
        Detection(
            BURST, About(ports=((6, p),), country="NL", asn=64496), view.day, view.hours[-4], packets=40, usual=0, score=3
        )
        for p in _PORTS
    ]
    (one,) = campaign.find(view, found)
    assert (one.about.asn, one.about.country, len(one.about.ports)) == (64496, "NL", 3)
    assert one.reason["days"] == 3
    assert {part.key for part in one.parts} == {"7001/6", "7002/6", "7003/6"}
    assert campaign.find(view, found[:2]) == []


def test_the_part_that_carries_it_names_the_network(days_of: Made) -> None:
    view = days_of({(23, "CN"): 50}, 9)
    carried = Part("asn", "64500", 36.0, 0.9)
    found = [
        Detection(BURST, About(ports=((6, p),)), view.day, view.hours[-4], packets=40, parts=(carried,), score=3)
        for p in _PORTS
    ]
    (one,) = campaign.find(view, found)
    assert one.about.asn == 64500 and one.reason["days"] == 1
