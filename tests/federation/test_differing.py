"""Twenty households of which three lie: the merged ranking holds, and the three are told, with what and by how much."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from teiten.federation import differing, store
from teiten.federation.differing import Outlier
from teiten.federation.merging import Merged

from .conftest import DAYS, House, Row, contribution, inflate, listed, stored


def merged(found: store.Store) -> Merged:
    return Merged(found, DAYS[0], DAYS[-1])


def names(found: Merged, what: str, most: int = 8) -> list[str]:
    table = found.table(what)
    return [table.keys[n] for n in table.ranked[:most]]


def test_the_ranking_holds(honest: store.Store, lied: store.Store) -> None:
    """A port inflated a hundred times, one invented, one denied, hosts invented: the first six are as they were, and no
    figure of an honest port moves by more than a tenth."""
    true, told = merged(honest), merged(lied)
    assert names(told, "port", 6) == names(true, "port", 6)
    assert names(told, "country") == names(true, "country")
    assert "31337/6" not in names(told, "port", 100)
    for key in names(true, "port", 8):
        one, other = (float(m.table("port").rate[m.table("port").keys.index(key)]) for m in (true, told))
        assert other == pytest.approx(one, rel=0.1)
    # a plain sum would have fallen for it
    sums = told.table("port").packets.sum(axis=1)
    assert told.table("port").keys[int(sums.argmax())] in ("8080/6", "31337/6")


def test_the_liars_are_told(lied: store.Store) -> None:
    found = differing.outliers(merged(lied))
    assert {one.member for one in found} == {"home-03", "home-09", "home-15"}
    told = {(one.member, one.reason, one.key) for one in found}
    assert ("home-03", "high", "8080/6") in told and ("home-15", "high", "8080/6") in told
    assert ("home-09", "low", "23/6") in told
    assert ("home-09", "high", "31337/6") in told and ("home-15", "high", "31337/6") in told
    assert ("home-03", "high", "") in {(o.member, o.reason, o.key) for o in found if o.what == "hosts"}
    assert any(one.member == "home-15" and one.reason == "sum" and one.what == "port" for one in found)
    worst = next(one for one in found if one.member == "home-03" and one.key == "8080/6")
    assert worst.value == pytest.approx(100 * worst.usual, rel=0.4) and worst.z > 3.5
    assert differing.unbelieved(found) == ["home-03", "home-09", "home-15"]


def test_nobody_is_told_who_is_honest(honest: store.Store) -> None:
    """home-07, which did not watch for three days, neither."""
    assert differing.outliers(merged(honest)) == []
    assert all((value or 0) > 0.9 for value in differing.correlations(merged(honest)).values())


def test_what_one_alone_tells(houses: list[House], tmp_path: Path) -> None:
    def alone(rows: list[Row]) -> list[Row]:
        return rows + [(day, "port", "4444/6", 60, 9) for day in DAYS]

    stored(
        tmp_path / "s", listed(houses[:6]), [contribution(h, lie=alone if h.name == "home-04" else None) for h in houses[:6]]
    )
    found = differing.outliers(merged(store.load(tmp_path / "s")))
    assert [(o.member, o.reason, o.key) for o in found if o.key == "4444/6"] == [("home-04", "alone", "4444/6")]


def test_few_members_have_no_usual(houses: list[House], tmp_path: Path) -> None:
    files = [contribution(h, lie=inflate("port", "23/6", 100) if h.name == "home-01" else None) for h in houses[:3]]
    stored(tmp_path / "s", listed(houses[:3]), files)
    found = differing.outliers(merged(store.load(tmp_path / "s")))
    # but sums that do not add up speak for themselves
    assert {(o.member, o.reason) for o in found} == {("home-01", "sum")}


def moved(hours: int) -> object:
    """A clock that is off by so many hours: what came at h is told of h + hours."""

    def lie(rows: list[Row]) -> list[Row]:
        counts: dict[tuple[dt.date, int], int] = {}
        for day, what, key, packets, _ in rows:
            if what == "hour":
                at = dt.datetime.combine(day, dt.time(int(key))) + dt.timedelta(hours=hours)
                counts[at.date(), at.hour] = packets
        kept = [row for row in rows if row[1] != "hour"]
        return kept + [(day, "hour", f"{hour}", n, 0) for (day, hour), n in counts.items() if day in DAYS]

    return lie


@pytest.mark.parametrize("hours", [9, -9, 1])
def test_a_clock_that_is_off(houses: list[House], tmp_path: Path, hours: int) -> None:
    """Nine hours: a station that takes UTC for Japan's time."""
    files = [contribution(h, lie=moved(hours) if h.name == "home-05" else None) for h in houses[:8]]  # type: ignore[arg-type]
    stored(tmp_path / "s", listed(houses[:8]), files)
    found = [one for one in differing.outliers(merged(store.load(tmp_path / "s"))) if one.reason == "clock"]
    assert found == [Outlier("home-05", "clock", "hour", "", float(hours), 0.0)]


def test_figures_of_another_are_told_as_such(houses: list[House], tmp_path: Path) -> None:
    """A member that tells what another told, signed by itself: both are named, since nobody can see who had it first."""
    copy = contribution(houses[2], by=houses[4].signer, name="home-05")
    files = [contribution(h) for h in houses[:4]] + [copy, contribution(houses[5])]
    stored(tmp_path / "s", listed(houses[:6]), files)
    found = [one for one in differing.outliers(merged(store.load(tmp_path / "s"))) if one.reason == "copied"]
    assert {(one.member, one.key, one.value) for one in found} == {("home-03", "home-05", 10.0), ("home-05", "home-03", 10.0)}


def test_days_of_hardly_anything_are_no_copies(houses: list[House], tmp_path: Path) -> None:
    """Quiet lines that tell the same two rows have them from nobody."""

    def quiet(rows: list[Row]) -> list[Row]:
        kept = [row for row in rows if row[1] in ("watching", "hour")]
        return kept + [
            (day, what, key, 10, 3) for day in DAYS for what, key in (("all", ""), ("port", "23/6"), ("country", "CN"))
        ]

    stored(tmp_path / "s", listed(houses[:5]), [contribution(h, lie=quiet) for h in houses[:5]])
    assert [o for o in differing.outliers(merged(store.load(tmp_path / "s"))) if o.reason == "copied"] == []
