"""What the user asked to be told: a number passed, a rise that few would see, something new; and nothing on quiet days."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from teiten.alerting import Watch
from teiten.detect.kinds import watch
from teiten.detect.model import WATCH, Detection
from teiten.detect.view import CELLS, WATCHED, View

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
PORT = ((6, 9530, 9530),)


def view(*more: tuple[int, int, int, str, int, str], days: int = 22, seed: int = 0, rate: float = 2.0, **given: Any) -> View:
    """Two sensors and 9530/tcp from CN and US; more: hour, packets, port, country, asn, sensor. The last day is today."""
    random = np.random.default_rng(seed)
    rows = [(hour, n, 9530, land, asn, "a") for land, asn in (("CN", 1), ("US", 2))
            for hour, n in enumerate(random.poisson(rate / 2, 24 * days)) if n]  # fmt: skip
    rows += [(hour, 40, 23, "CN", 1, "b") for hour in range(24 * days)]
    plain = [
        {"time": START + dt.timedelta(hours=hour), "sensor": sensor, "protocol": 6, "dst_port": port, "country": land,
         "asn": asn, "scanner": False, "packets": int(n), "hosts": 1}
        for hour, n, port, land, asn, sensor in [*rows, *more]
    ]  # fmt: skip
    hours = [(START + dt.timedelta(hours=h), sensor, 1.0, 1) for h in range(24 * days) for sensor in "ab"]
    frame = pl.DataFrame(plain, schema=CELLS), pl.DataFrame(hours, schema=WATCHED, orient="row")
    return View(*frame, (START + dt.timedelta(days=days - 1)).date(), groups={"a": "home", "b": "away"}, **given)


def told(made: View) -> list[Detection]:
    return watch.find(made, [])


def burst(*, at: int = 21 * 24 + 5, packets: int = 20, hours: int = 3) -> list[tuple[int, int, int, str, int, str]]:
    return [(at + n, packets, 9530, "TW", 7, "a") for n in range(hours)]


def test_a_rise_is_told_with_its_numbers() -> None:
    (one,) = told(view(*burst(), watches=(Watch("mine", ports=PORT),)))
    assert (one.kind, one.about.text(), one.reason["name"]) == (WATCH, "9530/6||||", "mine")
    assert one.start == START + dt.timedelta(days=21, hours=5) and one.end == one.start + dt.timedelta(hours=3)
    assert one.packets >= 60 and one.usual is not None and 3 < one.usual < 10 and one.times is not None and one.times > 5
    assert (one.parts[0].what, one.parts[0].key) == ("country", "TW") and one.parts[0].share > 0.8
    assert one.confidence in ("sure", "likely")
    assert len(one.reason["counts"]) == 24 == len(one.reason["expected"])


def test_a_rise_of_another_thing_is_none_of_it() -> None:
    others = (
        Watch("other port", ports=((6, 22, 22),)), Watch("other protocol", ports=((17, 9530, 9530),)),
        Watch("other country", ports=PORT, country=("JP",)), Watch("other sensor", ports=PORT, sensor="b"),
        Watch("other group", ports=PORT, group="away"), Watch("other AS", asn=(9,)),
    )  # fmt: skip
    assert told(view(*burst(), watches=others)) == []
    mine = (
        Watch("country", country=("TW", "JP")), Watch("AS", asn=(7,)), Watch("range", ports=((6, 9000, 9999),)),
        Watch("group", ports=PORT, group="home"),
    )  # fmt: skip
    assert [one.reason["name"] for one in told(view(*burst(), watches=mine))] == [one.name for one in mine]


def test_quiet_days_tell_nothing_of_it() -> None:
    watches = (Watch("port", ports=PORT), Watch("CN", country=("CN",)), Watch("new", when="new"), Watch("all"))
    found = [len(told(view(seed=seed, rate=rate, watches=watches))) for seed in range(10) for rate in (0.3, 6.0)]
    assert sum(found) <= 1, found


def test_it_needs_days_and_says_nothing_with_three() -> None:
    watches = (Watch("port", ports=PORT), Watch("new", country=("TW",), when="new"))
    assert told(view(*burst(at=2 * 24 + 5), days=3, watches=watches)) == []


@pytest.mark.parametrize(("per", "over", "hours"), [("hour", 15, 3), ("hour", 60, 0), ("day", 60, 24), ("day", 1000, 0)])
def test_over_a_number(per: str, over: float, hours: int) -> None:
    watches = (Watch("over", "over", PORT, over=over, per=per),)
    found = told(view(*burst(), watches=watches))
    assert len(found) == (1 if hours else 0)
    if found:
        end = found[0].end or START + dt.timedelta(days=22)
        assert (end - found[0].start) / dt.timedelta(hours=1) == hours
        assert found[0].confidence == "sure" and found[0].reason["over"] == over
    early = told(view(*burst(at=5), days=1, watches=watches))
    assert bool(early) == bool(hours), "a number needs no days before"


def test_something_new_from_a_country_and_for_a_port() -> None:
    today = 21 * 24
    more = [(today + 3, 4, 5555, "TW", 7, "a"), (today + 4, 9, 37215, "TW", 7, "a"), (today + 4, 2, 81, "TW", 7, "a")]
    more += [(30, 1, 9530, "TW", 7, "a")]
    (one,) = told(view(*more, watches=(Watch("Taiwan", "new", country=("TW",)),)))
    assert [part.key for part in one.parts] == ["37215/6", "5555/6"] == one.reason["new"]
    assert one.about.country == "TW" and one.about.ports == () and one.packets == 13 and one.times is None
    (land,) = told(view(*more, (today + 5, 3, 9530, "EE", 8, "a"), watches=(Watch("who", "new", PORT),)))
    assert land.about.country == "EE" and [part.key for part in land.parts] == ["EE"]


def test_ids_of_two_watches_of_one_thing_differ() -> None:
    one, other = told(view(*burst(), watches=(Watch("x", ports=PORT), Watch("y", ports=PORT))))
    assert one.id != other.id
    assert one.id == told(view(*burst(), watches=(Watch("x", ports=PORT),)))[0].id


class _Asked:
    """A lake that knows one prefix."""

    def prefix(self, prefix: str, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        rows = [(START + dt.timedelta(hours=n), "a", 6, 23, 30 if n >= 21 * 24 + 20 else 1) for n in range(22 * 24)]
        schema = {
            "time": pl.Datetime("us", "UTC"),
            "sensor": pl.String,
            "protocol": pl.Int16,
            "dst_port": pl.Int32,
            "packets": pl.Int64,
        }
        return pl.DataFrame(rows if prefix == "192.0.2.0/24" else [], schema=schema, orient="row")


def test_a_prefix_is_asked_of_the_lake() -> None:
    watches = (Watch("net", prefix="192.0.2.0/24"), Watch("nobody", prefix="198.51.100.0/24"))
    (one,) = told(view(watches=watches, asked=_Asked()))
    assert one.reason["name"] == "net" and one.end is None and one.packets == 120
    assert told(view(watches=watches)) == []


def test_nothing_at_all_is_no_error() -> None:
    empty = View(
        pl.DataFrame(schema=CELLS), pl.DataFrame(schema=WATCHED), START.date(), watches=(Watch("x"), Watch("y", "new"))
    )
    assert watch.find(empty, []) == []
