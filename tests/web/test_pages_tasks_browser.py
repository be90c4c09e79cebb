"""Was that only us? Asked in Chromium, with mouse and keyboard, of a lake of three sensors; actions are counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from teiten import intake, settings
from teiten.bench import _web_serve as browser
from teiten.bench import _web_tasks as doing
from teiten.lake import Lake
from teiten.web import elsewhere

from .conftest import BEGIN, Client, line, served

pytestmark = [pytest.mark.browser, pytest.mark.full]
EVERYWHERE = (23, 445, 22, 80, 8080, 3389)
"""ports at every sensor, the first with most packets"""
SEEN = {"home": (*EVERYWHERE, 9530, 5555), "lab": (*EVERYWHERE, 5555), "office": EVERYWHERE}
ALIKE, APART = "Others alike", "Others apart"


def log(sensor: str) -> str:
    """Twelve hours of a sensor: the first of its ports comes with each hour most often."""
    out = []
    for hour in range(12):
        second = 0
        for at, port in enumerate(SEEN[sensor]):
            for _ in range(len(EVERYWHERE) + 2 - at):
                out.append(line(BEGIN + dt.timedelta(hours=hour, seconds=second), f"8.8.{at}.{second % 50 + 1}", port))
                second += 2
    return "".join(out)


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Three sensors, and figures of two others: one saw the same ports, one others."""
    folder = tmp_path_factory.mktemp("only-us")
    told = "".join(f'[sensor.{name}]\npaths = ["{name}.log"]\n' for name in SEEN)
    (folder / "teiten.toml").write_text(f'zone = "Asia/Tokyo"\nlake = "lake"\n{told}')
    found = settings.load(config=folder / "teiten.toml")
    lake = Lake.open_or_create(found.lake, "Asia/Tokyo")
    for name in SEEN:
        (folder / f"{name}.log").write_text(log(name))
        assert not intake.ingest(lake, [str(folder / f"{name}.log")], found, judge=False).failed
    lines = [f"{ALIKE},2019-10-21,port,{port}/tcp,{at},,,," for at, port in enumerate(EVERYWHERE, 1)]
    lines += [f"{APART},2019-10,port,{port}/udp,{port},,,," for port in range(1, 7)]
    given = elsewhere.folder(found.lake)
    given.mkdir()
    text = "\n".join(["source,period,thing,name,rank,share,count,unit,url", *lines, ""])
    (given / "others.csv").write_text(text, encoding="utf-8")
    with served(found, workers=1) as client:
        yield client


@pytest.fixture(scope="module")
def call() -> Iterator[Any]:
    with browser.tab() as found:
        yield found


@pytest.fixture
def person(call: Any, station: Client) -> doing.Person:
    return doing.Person(call, f"http://127.0.0.1:{station.port}")


@pytest.mark.parametrize(
    ("port", "sensors"), [("23/tcp", {"home", "lab", "office"}), ("5555/tcp", {"home", "lab"}), ("9530/tcp", {"home"})]
)
def test_one_sensor_or_all(person: doing.Person, port: str, sensors: set[str]) -> None:
    """A click into the search, the port typed and sent off: its page names the sensors that saw it, and no other."""
    doing.tasks(port, "")["one_sensor_or_all"](person)
    assert sorted(row[1] for row in person.rows("sensors")) == sorted(sensors)
    assert person.actions == 2


def test_only_here_or_elsewhere_too(person: doing.Person) -> None:
    """A click: beside what others published of the lake's day; another, and beside what somebody else did of its month."""
    doing.tasks("", "", ALIKE)["only_us"](person)
    person.reads("It does not look as if it were only here: 6 of the first 6 of Others alike are among the first 6 here.")
    assert person.actions == 1
    own = person.rows("rows")
    assert [row[0].split(" ")[0] for row in own[:6]] == [f"{port}/tcp" for port in EVERYWHERE]
    person.clicks(rf"^/compare.* {APART}$")
    person.reads("It may well be only here: no more than 0 of the first 6 of Others apart are among the first 6 here.")
    assert person.actions == 2
