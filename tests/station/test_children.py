"""Child processes: told in the log, started again when they die, let to their end, one of a name at a time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from teiten.station import children
from teiten.station.children import BusyError, Child, Process, told_code

ECHO = "import sys; print('begun', flush=True); sys.stdin.read(); print('<4>last round', flush=True); sys.exit(3)"
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('begun', flush=True); time.sleep(60)"


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_end_of_its_input_lets_it_finish(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    child = Child("maker", python(ECHO), lambda level, text: told.append((level, text)), tmp_path / "run" / "maker.lock")
    child.tick()
    until(lambda: bool(told))
    assert child.finish(20) == 3
    assert told == [("info", "maker: begun"), ("warning", "maker: last round")]


def test_one_of_a_name_runs_at_a_time(tmp_path: Path) -> None:
    told: list[str] = []
    one = Process("a", python(ECHO), lambda _, text: told.append(text), tmp_path / "a.lock")
    with pytest.raises(BusyError):
        Process("a", python(ECHO), lambda *_: None, tmp_path / "a.lock")
    waiting = Child("a", python(ECHO), lambda _, text: told.append(text), tmp_path / "a.lock")
    waiting.tick()
    assert waiting.process is None and waiting.trouble == "one of a station before still runs"
    one.let_go()
    assert one.wait(20) == 3
    waiting._next = 0
    waiting.tick()
    assert waiting.process is not None and waiting.trouble is None
    waiting.finish(20)


def test_one_that_dies_is_started_again_with_growing_pauses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "PAUSES", (0.01, 0.02, 30))
    told: list[str] = []
    child = Child("maker", python("raise SystemExit(1)"), lambda _, text: told.append(text), tmp_path / "m.lock")

    def three() -> bool:
        child.tick()
        return child.starts == 3 and child.process is None

    until(three)
    assert [line.rpartition(" in ")[2] for line in told] == ["0.01 s", "0.02 s", "30 s"]
    assert child.trouble == "ended with code 1"
    child.tick()
    assert child.starts == 3


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    child = Child("maker", ["/no/such/program"], lambda level, text: told.append((level, text)), tmp_path / "m.lock")
    child.tick()
    assert told == [("error", "maker: cannot be started: No such file or directory; started again in 1 s")]
    assert child.finish(1) is None


def test_one_that_does_not_end_is_made_to(tmp_path: Path) -> None:
    told: list[str] = []
    process = Process("a", python(DEAF), lambda _, text: told.append(text), tmp_path / "a.lock")
    until(lambda: bool(told))
    assert process.end(0.1) == -9
    Process("a", python("pass"), lambda *_: None, tmp_path / "a.lock").end(10)  # the lock is free again


def test_codes_in_words() -> None:
    assert [told_code(n) for n in (1, -9, -99)] == ["code 1", "signal 9 (SIGKILL)", "signal 99"]
