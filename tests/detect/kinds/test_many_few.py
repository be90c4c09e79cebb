"""Many hosts at few ports: named where a change is theirs, and not where few hosts, heavy ones, or scanners of all make it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.detect.kinds.tables import Tables
from tests.detect.worlds import quiet, with_rows

from teiten.detect.kinds import burst, many_few
from teiten.detect.model import BURST, MANY_FEW
from teiten.detect.singles import Breadth
from teiten.detect.view import View


@pytest.fixture(scope="module")
def world() -> View:
    return quiet()


def change(world: View, packets: int, hosts: int, ports: int = 1) -> View:
    lands = ("CN", "US", "RU", "BR")
    return with_rows(
        world,
        *[
            {"hour": h, "dst_port": 8000 + n, "country": land, "asn": 100 * m, "packets": packets, "hosts": hosts}
            for h in (5, 6)
            for m, land in enumerate(lands)
            for n in range(ports)
        ],
    )


def test_many_hosts_with_little_each_are_named(world: View) -> None:
    view = change(world, 30, 25)
    (one,) = found = burst.find(view, [])
    (told,) = many_few.find(view, found)
    assert (told.kind, told.about, told.start, told.end, told.sources) == (MANY_FEW, one.about, one.start, one.end, "many")
    assert 150 < told.reason["hours_of_hosts"] <= 200 and told.hosts is None and told.score < one.score


@pytest.mark.parametrize(("packets", "hosts"), [(200, 20), (60, 3)])
def test_heavy_or_few_hosts_are_not(world: View, packets: int, hosts: int) -> None:
    view = change(world, packets, hosts)
    found = burst.find(view, [])
    assert found and found[0].kind == BURST and many_few.find(view, found) == []


def test_single_sources_decide_where_they_can_be_asked_for(world: View) -> None:
    view = change(world, 30, 25)
    found = burst.find(view, [])
    for seen, fine in (
        (Breadth(180, 250, 175, 230), True),
        (Breadth(180, 250, 120, 230), False),  # a third of them try many ports
        (Breadth(180, 250, 175, 100), False),  # and these send most
        (Breadth(40, 50, 40, 50), False),
        (Breadth(0, 0, 0, 0), False),
    ):
        told = many_few.find(replace(view, asked=Tables(broad=seen)), found)
        assert bool(told) == fine
        if fine:
            assert told[0].hosts == 180 and told[0].reason["ports"] == 1 and told[0].reason["each"] == pytest.approx(1.39)


def test_many_ports_or_one_network_are_another_matter(world: View) -> None:
    view = change(world, 30, 25)
    (one,) = burst.find(view, [])
    wide = replace(one, about=replace(one.about, ports=tuple((6, 8000 + n) for n in range(4))))
    assert many_few.find(view, [wide, replace(one, about=replace(one.about, asn=100))]) == []
    twice = [one, replace(one, kind="rising", score=one.score / 2)]
    (told,) = many_few.find(view, twice)  # the same hosts
    assert told.reason["kind"] == "rising"
