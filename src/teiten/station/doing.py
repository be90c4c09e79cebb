"""Runs a station's tasks: each when it is due, never two runs of one at once, one long and one quick one at a time."""

from __future__ import annotations

import contextlib
import datetime as dt
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from teiten.station import tasks
from teiten.station.children import BusyError, Process, Tell, told_code
from teiten.station.tasks import Ran, Task

NICE: Final = 10
"""how far tasks step back behind what comes in"""


class Doing:
    """`tick()` is to be called often. argv(words): the program and its words for a teiten command."""

    def __init__(
        self, wanted: Sequence[Task], spool: Path, argv: Callable[[list[str]], list[str]], tell: Tell, zone: dt.tzinfo
    ) -> None:
        self.path, self.locks = spool / "tasks.json", spool / "run"
        self.argv, self.tell, self.zone = argv, tell, zone
        self.ran = tasks.load(self.path)
        self.running: dict[str, tuple[Task, float, Process]] = {}
        self.wanted: tuple[Task, ...] = ()
        self.reload(wanted)

    def reload(self, wanted: Sequence[Task]) -> None:
        """Goes on with these tasks; a run that is under way ends as it would."""
        self.wanted = tuple(wanted)
        now = self._now()
        for task in self.wanted:
            self.ran.setdefault(task.name, tasks.begun(task, now))

    def tick(self) -> None:
        """Ends what has ended, starts what is due."""
        for name, (task, due, process) in list(self.running.items()):
            code = process.poll()
            if code is not None:
                del self.running[name]
                self._ended(task, due, process, code)
            elif time.monotonic() - process.began > task.limit:
                self.tell("error", f"{name}: took longer than {task.limit:.0f} s, and is ended")
                process.end(10)
        now = self._now()
        for task in self.wanted:
            if any(one.quick == task.quick for one, _, _ in self.running.values()):
                continue
            when = tasks.due(task, self.ran.get(task.name), now)
            if when is not None:
                self._start(task, when)

    def stop(self, patience: float = 10) -> None:
        """Ends what runs: it counts as not run, and is caught up."""
        for _, _, process in self.running.values():
            process.signal(signal.SIGTERM)
        for _, _, process in self.running.values():
            process.end(patience)
        self.running = {}

    def status(self) -> dict[str, Any]:
        """For metrics and the doctor."""
        return {
            task.name: {
                "command": task.command, "running": task.name in self.running, "ended": self.ran[task.name].ended,
                "code": self.ran[task.name].code, "failures": self.ran[task.name].failures,
                "said": list(self.ran[task.name].said),
                "took": max(0.0, self.ran[task.name].ended - self.ran[task.name].began),
            }
            for task in self.wanted
        }  # fmt: skip

    def _now(self) -> dt.datetime:
        return dt.datetime.now(self.zone)

    def _start(self, task: Task, due: float) -> None:
        words = task.words(dt.datetime.fromtimestamp(due, self.zone))
        try:
            folder = task.folder
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
            process = Process(
                task.name, self.argv(words), self.tell, self.locks / f"task.{task.name}.lock", folder=folder, nice=NICE,
                usual="debug",
            )  # fmt: skip
        except BusyError:
            return  # one of a station before still runs: it is the run that is due
        except OSError as error:
            self._failed(task, due, f"cannot be started: {error.strerror or error}")
            return
        process.let_go()
        self.running[task.name] = (task, due, process)

    def _ended(self, task: Task, due: float, process: Process, code: int) -> None:
        present = time.time()
        took = time.monotonic() - process.began
        before = self.ran[task.name].failures
        failures = before + 1 if code else 0
        self.ran[task.name] = Ran(due, present - took, present, code, failures, tuple(process.last))
        self._save()
        if code:
            said = f": {' / '.join(process.last)}" if process.last else ""
            self.tell("error", f"{task.name}: teiten {task.command} ended with {told_code(code)} after {took:.0f} s{said}")
        elif before:
            self.tell("info", f"{task.name}: teiten {task.command} works again")
        elif not task.quick:
            self.tell("info", f"{task.name}: teiten {task.command} done in {took:.0f} s")

    def _failed(self, task: Task, due: float, why: str) -> None:
        present = time.time()
        self.ran[task.name] = Ran(due, present, present, 1, self.ran[task.name].failures + 1, (why,))
        self._save()
        self.tell("error", f"{task.name}: {why}")

    def _save(self) -> None:
        with contextlib.suppress(OSError):  # a full disk: it is written after the next run; at worst a run is made twice
            tasks.save(self.path, self.ran)
