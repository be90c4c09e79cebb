"""Ports that the same sources try: by who they are, not by a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import polars as pl
import pytest

from teiten.detect.asking import Asked
from teiten.detect.kinds import port_group
from teiten.detect.model import BURST, About, Detection
from teiten.detect.view import View

Made = Callable[..., View]
_SCHEMA = {"src_ip": pl.Binary(), "country": pl.String(), "asn": pl.Int64(), "protocol": pl.Int16(), "dst_port": pl.Int32(),
           "packets": pl.Int64()}  # fmt: skip


class Sources:
    """Answers of `Asked` from a list: (source, country, AS, port)."""

    def __init__(self, *rows: tuple[int, str, int, int]) -> None:
        self._rows = rows

    def pairs(self, *_: Any) -> pl.DataFrame:
        rows = [(bytes([10, 0, 0, s]), country, asn, 6, port, 3) for s, country, asn, port in self._rows]
        return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def bursts(view: View, *ports: int) -> list[Detection]:
    return [Detection(BURST, About(ports=((6, p),)), view.day, view.hours[-3], packets=30, usual=1, score=3) for p in ports]


def mail(hosts: int, *ports: int, first: int = 0, country: str = "US") -> list[tuple[int, str, int, int]]:
    return [(first + n, country, 64500, port) for n in range(hosts) for port in ports]


def asking(view: View, *rows: tuple[int, str, int, int]) -> View:
    return replace(view, asked=cast(Asked, Sources(*rows)))


def test_ports_of_the_same_sources_are_one(days_of: Made) -> None:
    view = days_of({(23, "CN"): 50}, 9)
    rows = [*mail(12, 25, 465, 587), *mail(9, 22, first=50, country="RO")]
    (one,) = port_group.find(asking(view, *rows), bursts(view, 25, 465, 587, 22))
    assert one.about == About(ports=((6, 25), (6, 465), (6, 587)), country="US", asn=64500)
    assert (one.hosts, one.packets) == (12, 108)


@pytest.mark.parametrize(
    "rows", [mail(4, 25, 465), [*mail(12, 25), *mail(12, 465, first=20)], []], ids=["few", "others", "none"]
)
def test_ports_of_other_sources_are_none(days_of: Made, rows: list[tuple[int, str, int, int]]) -> None:
    view = days_of({(23, "CN"): 50}, 9)
    assert port_group.find(asking(view, *rows), bursts(view, 25, 465)) == []


def test_without_single_sources_nothing_is_said(days_of: Made) -> None:
    view = days_of({(23, "CN"): 50}, 9)
    assert port_group.find(view, bursts(view, 25, 465)) == []
