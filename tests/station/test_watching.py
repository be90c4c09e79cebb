"""A station as a service: signals, reload, the maker's last round, what stands in status.json."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from teiten.errors import UsageError
from teiten.station import watching
from teiten.station.live import Live
from teiten.station.spool import SpoolError
from teiten.station.tasks import Task
from teiten.station.watching import Plan, Watching
from teiten.stationing import Station, Table

MAKER = "import sys; print('begun', sys.argv[1], flush=True); sys.stdin.read(); print('all made', flush=True)"
BROKEN = "import sys; sys.stdin.read(); sys.exit(1)"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(watching, "TICK", 0.02)
    monkeypatch.setattr(watching, "STATUS", 0.02)
    yield


class House:
    """A folder with a log, and a station on it."""

    def __init__(self, folder: Path, maker: str = MAKER) -> None:
        self.folder, self.maker = folder, maker
        self.told: list[str] = []
        self.inputs = {"kern": {"kind": "file", "path": "kern.log", "poll": 0.02}}
        self.more: dict[str, object] = {}
        self.tasks: tuple[Task, ...] = ()
        (folder / "kern.log").write_bytes(b"one\n")

    def tell(self, level: str, text: str) -> None:
        self.told.append(f"{level} {text}")

    def plan(self) -> Plan:
        tables = tuple(Table(name, given, f"[station.input.{name}]", self.folder) for name, given in self.inputs.items())
        station = Station(spool=self.folder / "spool", sync=0.01, inputs=tables)
        station = dataclasses.replace(station, **self.more)  # type: ignore[arg-type]
        maker = (sys.executable, "-c", self.maker, str(len(tables)))
        return Plan(station, maker, self.tasks, dt.UTC, lambda words: [sys.executable, "-c", *words])

    def watching(self) -> Watching:
        plan = self.plan()
        return Watching(plan, Live(plan.station, self.tell), self.tell, self.plan)

    def status(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.folder / "spool" / "status.json").read_text())
        return found

    def stored(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("spool/streams/*/*.data")))

    def after(self, *steps: tuple[Callable[[], bool], Callable[[], object]]) -> threading.Thread:
        """Does each thing once its condition holds."""

        def go() -> None:
            deadline = time.monotonic() + 30
            for true, act in steps:
                while not true() and time.monotonic() < deadline:
                    time.sleep(0.01)
                act()

        thread = threading.Thread(target=go, daemon=True)
        thread.start()
        return thread

    def heard(self, words: str) -> Callable[[], bool]:
        return lambda: any(words in line for line in self.told)


def send(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def test_it_ends_cleanly_and_the_maker_makes_a_last_round(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.after((lambda: house.heard("maker: begun")() and house.stored() == b"one\n", send(signal.SIGTERM)))
    assert house.watching().run() == 0
    assert house.stored() == b"one\n"
    assert house.told[0].startswith("info teiten ") and "watches kern" in house.told[0]
    assert [line for line in house.told if "maker" in line] == ["info maker: begun 1", "info maker: all made"]
    status = house.status()
    assert status["ended"] is True and status["maker"]["starts"] == 1  # type: ignore[index]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_once_ends_when_nothing_is_left_to_read(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert house.watching().run(once=True) == 0
    assert house.stored() == b"one\n" and "info maker: all made" in house.told
    house.maker = BROKEN
    assert house.watching().run(once=True) == 1


def test_a_second_signal_does_not_wait_for_the_maker(tmp_path: Path) -> None:
    def wait_and_send() -> None:
        time.sleep(0.3)
        send(signal.SIGINT)()

    deaf = "import time; print('begun', flush=True); time.sleep(60)"
    house = House(tmp_path, deaf)
    house.after(
        (lambda: house.heard("maker: begun")() and house.stored() == b"one\n", send(signal.SIGINT)),
        (lambda: "ended" in (tmp_path / "spool" / "status.json").read_text(), wait_and_send),
    )
    begun = time.monotonic()
    assert house.watching().run() == 0
    assert time.monotonic() - begun < 30
    assert house.stored() == b"one\n"


def test_the_configuration_is_read_again(tmp_path: Path) -> None:
    house = House(tmp_path)
    threads: list[set[int | None]] = []

    def of_kern() -> None:
        threads.append({one.ident for one in threading.enumerate() if one.name == "kern"})

    def another() -> None:
        of_kern()
        house.inputs["two"] = {"kind": "file", "path": "two.log", "poll": 0.02}
        (tmp_path / "two.log").write_bytes(b"two\n")
        send(signal.SIGHUP)()

    def wrong() -> None:
        of_kern()
        house.inputs["three"] = {"kind": "fiel"}
        send(signal.SIGHUP)()

    def moved() -> None:
        del house.inputs["three"]
        house.more["spool"] = tmp_path / "elsewhere"
        send(signal.SIGHUP)()

    def without() -> None:
        house.more.clear()
        del house.inputs["kern"]
        send(signal.SIGHUP)()

    def taken(text: bytes) -> Callable[[], bool]:
        return lambda: text in house.stored()

    house.after(
        (taken(b"one\n"), another),
        (lambda: taken(b"two\n")() and house.heard("maker: begun 2")(), wrong),
        (house.heard("kind 'fiel' is unknown"), moved),
        (house.heard("the spool cannot be changed"), without),
        (lambda: sum("read again" in line for line in house.told) == 2, send(signal.SIGTERM)),
    )
    assert house.watching().run() == 0
    # the input that did not change was never stopped
    assert threads[0] and threads[0] == threads[1]
    assert list(house.status()["inputs"]) == ["two"]  # type: ignore[call-overload]
    kern = next(tmp_path.glob("spool/streams/kern*/00000001.chain")).read_text().splitlines()
    assert '"stop":true' in kern[-1]


def test_tasks_run_beside_it_and_are_cut_short_at_its_end(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.tasks = (
        Task("good", '"print(1)"', every=60, quick=True),
        Task("long", '"import time; time.sleep(60)"', every=60),
    )
    (tmp_path / "spool").mkdir()
    ran: dict[str, object] = {"due": 1, "began": 0, "ended": 0, "code": None, "failures": 0, "said": []}
    (tmp_path / "spool" / "tasks.json").write_text(json.dumps({"good": ran, "long": ran}))

    def both() -> bool:
        try:
            tasks = house.status()["tasks"]
            return tasks["good"]["code"] == 0 and tasks["long"]["running"]  # type: ignore[index,no-any-return]
        except (OSError, ValueError, KeyError):
            return False

    house.after((both, send(signal.SIGTERM)))
    assert house.watching().run() == 0
    kept = json.loads((tmp_path / "spool" / "tasks.json").read_text())
    assert kept["good"]["code"] == 0 and kept["long"]["due"] == 1 and kept["long"]["code"] is None


def test_metrics_that_cannot_be_listened_for_stop_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.more["metrics"] = "192.0.2.1:9514"
    assert house.watching().run(once=True) == 0
    assert house.heard("metrics: 192.0.2.1:9514 cannot be listened at")()


def test_two_stations_on_one_spool_are_refused(tmp_path: Path) -> None:
    house = House(tmp_path)
    live = Live(house.plan().station, house.tell)
    with live.at_work(), pytest.raises(SpoolError, match="Another station"):
        house.watching().run(once=True)


def test_a_wrong_table_is_told_before_anything_is_made(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.inputs["kern"]["kind"] = "fiel"
    with pytest.raises(UsageError):
        house.watching()
    assert not (tmp_path / "spool").exists()


def test_a_station_whose_writer_died_ends(tmp_path: Path) -> None:
    house = House(tmp_path)
    watch = house.watching()
    assert isinstance(watch.part, Live)
    watch.part.desk.failed = MemoryError("no more")
    assert watch.run() == 1
    assert house.heard("what writes to the spool died of MemoryError: no more; the station ends")()


def test_tasks_wait_until_there_is_a_lake_and_an_hour_is_summed_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SUMMARY", 0.05)
    house = House(tmp_path)
    house.tasks = (Task("judge", '"print(1)"', every=60, quick=True),)
    (tmp_path / "spool").mkdir()
    ran: dict[str, object] = {"due": 1, "began": 0, "ended": 0, "code": None, "failures": 0, "said": []}
    (tmp_path / "spool" / "tasks.json").write_text(json.dumps({"judge": ran}))
    lake = tmp_path / "lake.toml"
    plan = dataclasses.replace(house.plan(), ready=lake.exists)
    seen: list[bool] = []

    def code() -> object:
        return json.loads((tmp_path / "spool" / "tasks.json").read_text())["judge"]["code"]

    def make() -> None:
        seen.append(code() is None)
        lake.touch()

    house.after((house.heard("1 came in, 0 were lost"), make), (lambda: code() == 0, send(signal.SIGTERM)))
    assert Watching(plan, Live(plan.station, house.tell), house.tell, house.plan).run() == 0
    assert seen == [True] and code() == 0
