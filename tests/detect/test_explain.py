"""Explaining: the cell that carries the excess, the hours that it lasted, and nothing of it left for another."""

from __future__ import annotations

import pytest
from tests.detect.worlds import quiet, with_rows

from teiten.detect import explain, scan
from teiten.detect.view import View


@pytest.fixture(scope="module")
def world() -> View:
    return quiet()


def told(view: View) -> list[str]:
    made = scan.ground(view)
    assert made is not None
    return [explain.about(made, change).text() for change in explain.changes(made, 1.0)]


def test_two_changes_are_two(world: View) -> None:
    rows = [
        {"hour": 5, "dst_port": 25, "country": "US", "asn": 100, "packets": 300, "hosts": 80},
        {"hour": 14, "dst_port": 9001, "country": "TW", "asn": 400, "packets": 200, "hosts": 90},
    ]
    assert {text.split("|")[0] for text in told(with_rows(world, *rows))} == {"25/6", "9001/6"}


def test_a_change_is_told_by_what_carries_four_fifths(world: View) -> None:
    shares = {"CN": 850, "RU": 100, "BR": 50}
    rows = [
        {"hour": 5, "dst_port": 8080, "country": land, "asn": 50 + n, "packets": count, "hosts": count // 2}
        for n, (land, count) in enumerate(shares.items())
    ]
    found = told(with_rows(world, *rows))
    assert found[0] == "8080/6|CN|50||"


def test_what_is_left_is_not_told_again(world: View) -> None:
    lands = ["CN", "US", "RU", "BR", "TW", "VN", "KR", "NL"]
    rows = [
        {"hour": h, "dst_port": 8080, "country": land, "asn": n * 100, "packets": 40, "hosts": 25}
        for h in (5, 6, 7)
        for n, land in enumerate(lands)
    ]
    assert told(with_rows(world, *rows)) == ["8080/6||||"]
