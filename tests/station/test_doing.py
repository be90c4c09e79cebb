"""Tasks that run: each alone, in a process of its own, its end on the disk; what is cut short is caught up."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable
from pathlib import Path

from teiten.station.doing import Doing
from teiten.station.tasks import Ran, Task, load, save

NOTE = "import os, sys; open('out', 'a').write(sys.argv[1] + '\\n')"


def argv(words: list[str]) -> list[str]:
    """A task's words are a little program's here."""
    return [sys.executable, "-c", *words]


def until(doing: Doing, true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        doing.tick()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def overdue(folder: Path, *names: str) -> None:
    folder.mkdir()
    save(folder / "tasks.json", {name: Ran(due=1000.0) for name in names})


def test_a_task_runs_in_its_folder_and_its_end_is_known(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    overdue(spool, "x", "y")
    told: list[str] = []
    good = Task("x", f'"{NOTE}" {{yesterday}}', at=(0, 0), folder=tmp_path / "public")
    bad = Task("y", '"print(5); raise SystemExit(4)"', every=3600, quick=True)
    doing = Doing((good, bad), spool, argv, lambda level, text: told.append(f"{level} {text}"), dt.UTC)
    until(doing, lambda: len(told) >= 3)
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    assert (tmp_path / "public" / "out").read_text() == f"{yesterday}\n"
    ran = load(spool / "tasks.json")
    assert (ran["x"].code, ran["x"].failures) == (0, 0)
    assert (ran["y"].code, ran["y"].failures, ran["y"].said) == (4, 1, ("5",))
    assert any(line.startswith("error y: teiten") and "ended with code 4" in line and line.endswith(": 5") for line in told)
    doing.tick()
    assert not doing.running  # nothing is due again
    assert doing.status()["y"]["failures"] == 1


def test_of_long_ones_one_runs_at_a_time_and_quick_ones_do_not_wait(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    overdue(spool, "a", "b", "c")
    sleep = '"import time; time.sleep(60)"'
    wanted = (Task("a", sleep, every=60), Task("b", sleep, every=60), Task("c", sleep, every=60, quick=True))
    doing = Doing(wanted, spool, argv, lambda *_: None, dt.UTC)
    doing.tick()
    doing.tick()
    assert set(doing.running) == {"a", "c"}
    # another station that was started beside it sees that they run
    other = Doing(wanted[:1], spool, argv, lambda *_: None, dt.UTC)
    other.tick()
    assert not other.running
    doing.stop()
    assert not doing.running
    # it counts as not run
    other.tick()
    assert set(other.running) == {"a"}
    other.stop()


def test_one_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    overdue(spool, "a")
    told: list[str] = []
    task = Task("a", '"import time; time.sleep(60)"', every=60, limit=0.05)
    doing = Doing((task,), spool, argv, lambda _, text: told.append(text), dt.UTC)
    until(doing, lambda: any("signal 15" in text for text in told))
    assert load(spool / "tasks.json")["a"].code == -15
