"""The same attacker went for 81, 52869 and 37215: what a group's hosts did besides, with how many of how many."""

from __future__ import annotations

from teiten.engine import filters
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.payloads import asked, beside


def test_other_ports_and_groups(heard: Session) -> None:
    every = asked.grouped(asked.payloads(heard, Filters()))
    camera = next(one for one in every if one.ports == ["81/tcp"])
    ports = beside.ports(heard, Filters(), camera)
    assert [(one.port, one.hosts, one.packets, one.share, one.own) for one in ports] == [
        ("81/tcp", 10, 10, 1.0, True), ("52869/tcp", 10, 10, 1.0, False), ("37215/tcp", 6, 6, 0.6, False),
    ]  # fmt: skip
    others = beside.groups(every, camera)
    assert [(one.group.ports, one.hosts, one.share) for one in others] == [(["52869/tcp"], 10, 1.0), (["37215/tcp"], 6, 0.6)]


def test_a_filter_of_the_port_does_not_hide_the_others(heard: Session) -> None:
    chosen = heard.settings
    wanted = filters.parse(chosen, port="37215/tcp")
    huawei = asked.grouped(asked.payloads(heard, wanted))[0]
    assert {one.port: one.hosts for one in beside.ports(heard, wanted, huawei)} == {"81/tcp": 6, "52869/tcp": 6, "37215/tcp": 6}
