"""Charts of pages: what is hidden is gone and can be had back, values are those that are drawn, a gap is no zero."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest

from teiten import periods
from teiten.report import figures
from teiten.settings import Settings
from teiten.web import asked as asking
from teiten.web import charts
from teiten.web.pages import _ranked

from .conftest import Client

TOKYO = periods.zone("Asia/Tokyo")
END = dt.datetime(2019, 10, 23, tzinfo=TOKYO)


def asked(chosen: Settings, **words: str) -> asking.Asked:
    return asking.read(chosen, "/ports", words, extent=(END - dt.timedelta(days=2), END - dt.timedelta(seconds=1)))


def figure(**more: Any) -> figures.StackFigure:
    times = [END - dt.timedelta(hours=n) for n in (3, 2, 1)]
    series = [figures.Series("23/tcp", "23/tcp", [5.0, None, 0.0]), figures.Series("a,b", "a,b", [1.0, None, 2.5])]
    return figures.StackFigure(id="t", title="t", times=times, series=series, unit="packets", **more)


def test_hiding_and_showing_are_addresses(chosen: Settings) -> None:
    """Also of a name that holds the sign that parts names."""
    whole = charts.chart(figure(), asked(chosen, period="day"))
    assert [entry.shown for entry in whole.legend] == [True, True]
    hidden = asked(chosen, period="day").toggled("a,b")
    assert next(entry.url for entry in whole.legend if entry.label == "a,b") == f"{hidden}#t"
    told = parse_qs(hidden.partition("?")[2])["hide"][0]
    there = asked(chosen, period="day", hide=told)
    assert there.hide == ("a,b",)
    part = charts.chart(figure(), there)
    assert {entry.label: entry.shown for entry in part.legend} == {"23/tcp": True, "a,b": False}
    assert [name for name, *_ in json.loads(part.values)["series"]] == ["23/tcp"]
    assert "hide=" not in there.toggled("a,b")


def test_values_are_those_of_the_figure(chosen: Settings) -> None:
    told = json.loads(charts.chart(figure(), asked(chosen, lang="ja")).values)
    assert [values for *_, values in told["series"]] == [[5, None, 0], [1, None, 2.5]]
    assert told["names"].split("|")[0] == "10月22日(火)21時" and told["sum"]


@pytest.mark.parametrize("form", ["stack", "lines"])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_each_form_and_scale_is_drawn(chosen: Settings, form: str, scale: str) -> None:
    made = charts.chart(figure(), asked(chosen, form=form, scale=scale, lang="en"))
    for drawing in made.drawings.values():
        assert ("logarithmic" in drawing.svg) == (scale == "log")
        assert "style=" not in drawing.svg and "<title" in drawing.svg
    assert made.switches and made.stacks


def test_a_gap_of_one_sensor_is_none_of_all() -> None:
    hours = [END + dt.timedelta(hours=n) for n in range(10)]
    one, two = [(hours[0], hours[4])], [(hours[2], hours[3]), (hours[6], hours[7])]
    assert _ranked.shared([one, two]) == [(hours[2], hours[3])]
    assert _ranked.shared([one]) == one and _ranked.shared([]) == [] and _ranked.shared([one, []]) == []


def test_a_rate_is_divided_by_who_watched(client: Client) -> None:
    """One address, six packets an hour: 3 an hour of 23/tcp; the ranking counts by the day."""
    page = client.get("/ports?from=2019-10-22&to=2019-10-23&unit=per-ip&lang=en").text
    values = json.loads(_attribute(page, "data-values"))
    # the last event is some minutes before midnight, and what is after it is not observed
    assert {name: row[5] for name, _, row in values["series"]} == {"23/tcp": 3, "445/tcp": 2, "80/tcp": 1}
    assert "Per address a day" in page and "address-days" in page


def _attribute(page: str, name: str) -> str:
    found = re.search(rf'{name}="([^"]*)"', page)
    assert found
    return html.unescape(found[1])


@pytest.mark.parametrize("word", ["earlier", "later", "wider"])
def test_spans_lead_to_their_neighbours(chosen: Settings, word: str) -> None:
    own = asked(chosen, **{"from": "2019-10-21", "to": "2019-10-21T12:00"})
    leads = {"earlier": "from=2019-10-20T12%3A00&to=2019-10-21", "later": "from=2019-10-21T12%3A00&to=2019-10-22",
             "wider": "from=2019-10-20T18%3A00&to=2019-10-21T18%3A00"}  # fmt: skip
    assert getattr(own, word) == f"/ports?{leads[word]}"


def test_a_moment_says_its_offset_where_the_clock_shows_it_twice(chosen: Settings) -> None:
    berlin = replace(chosen, zone_name="Europe/Berlin")
    own = asking.read(berlin, "/", {}, extent=None)
    second = dt.datetime(2019, 10, 27, 1, 30, tzinfo=dt.UTC)
    assert own.moment(second) == "2019-10-27T02:30+01:00"
    assert own.moment(second + dt.timedelta(hours=1)) == "2019-10-27T03:30"


def test_filters_in_force_can_be_taken_away_one_by_one(chosen: Settings) -> None:
    own = asked(chosen, port="23/tcp", scanners="in", spoofed="out", hide="x")
    assert [(name, value) for name, value, _ in own.narrowing] == [("port", "23/tcp"), ("spoofed", "out")]
    assert own.narrowing[0][2] == "/ports?hide=x&scanners=in&spoofed=out" and own.unnarrowed == "/ports"
    assert "hide" not in own.url("/countries") and "port=23" in own.url("/countries")
