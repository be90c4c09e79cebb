"""A station run as a service: what takes in (`part`), the maker as a child, tasks, status and metrics, signals.

    SPOOL/status.json   what runs, and how: written every few seconds, for the doctor
    SPOOL/run/          locks of the child processes

SIGTERM and SIGINT end it cleanly; a second one does not wait for the maker. SIGHUP reads the configuration again.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final, Protocol

import teiten
from teiten.errors import TeitenError
from teiten.station import notify, standing
from teiten.station.children import Child, Tell
from teiten.station.doing import Doing
from teiten.station.metrics import Metrics
from teiten.station.spool import boot_id
from teiten.station.tasks import Task
from teiten.stationing import Station

TICK: Final = 0.5
STATUS: Final = 5.0
"""seconds between two writings of status.json"""
SUMMARY: Final = 3600.0
"""seconds between two lines of the log that say what came in and what was lost"""
LAST_ROUND: Final = 30.0
"""seconds that the maker has for its last round; what it does not make, the next start does"""
_LOOKS: Final = 3
"""looks in a row at which nothing may wait before `--once` ends"""


class Part(Protocol):
    """What takes in: a station's inputs (`Live`), or a collector's server."""

    def at_work(self) -> AbstractContextManager[Any]: ...
    def done(self) -> bool: ...
    def failed(self) -> str | None: ...
    def status(self) -> Mapping[str, Any]: ...
    def reload(self, station: Station) -> None: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What the configuration comes to. maker: the program's words, () for none; argv: those of a teiten command by its own."""

    station: Station
    maker: tuple[str, ...]
    tasks: tuple[Task, ...]
    zone: Any
    argv: Callable[[list[str]], list[str]]
    lake: Path | None = None
    """into which the maker makes"""
    digest: str = ""
    """of the configuration: what is not in `station` changes for the maker where it does"""
    ready: Callable[[], bool] = lambda: True
    """may tasks run yet: is there a lake?"""


class Watching:
    """Runs until it is told to end, or (`once`) all that is there is taken in. `again()`: the plan, read anew."""

    def __init__(self, plan: Plan, part: Part, tell: Tell, again: Callable[[], Plan]) -> None:
        self.plan, self.part, self.tell, self.again = plan, part, tell, again
        self.began = time.time()
        self.reloaded: float | None = None
        self.asked = threading.Event()
        self._signals: list[int] = []
        self._maker: Child | None = None
        self._doing: Doing | None = None
        self._metrics = Metrics(self.status)
        self._told_at = 0.0
        self._quiet = 0
        self._failed = False
        self._ready = False
        self._summed: tuple[float, int, int] = (time.monotonic(), 0, 0)

    def run(self, *, once: bool = False) -> int:
        """0 where all went well; 1 where it could not go on, or (`once`) the maker's last round did not go well."""
        spool = self.plan.station.spool
        with self._hearing():
            with self.part.at_work():
                self._start()
                notify.ready()
                try:
                    while not self._over(once):
                        self._tick()
                        self.asked.wait(TICK)
                        self.asked.clear()
                finally:
                    notify.stopping()
                    self._metrics.close()
                    if self._doing is not None:
                        self._doing.stop()
            code = self._last_round(once)
        self._write_status(ended=True)
        self.tell("info", f"ended; what came in is in {spool}")
        return 1 if self._failed or (once and code) else 0

    def status(self) -> dict[str, Any]:
        """All of it as plain values."""
        maker = self._maker
        return {
            "program": teiten.__version__, "pid": os.getpid(), "uid": os.getuid(), "boot": boot_id(), "at": time.time(),
            "began": self.began,
            "reloaded": self.reloaded, "spool": str(self.plan.station.spool),
            "inputs": self.part.status(),
            "maker": None if maker is None else {
                "running": maker.process is not None, "starts": maker.starts, "trouble": maker.trouble,
            },
            "tasks": {} if self._doing is None else self._doing.status(),
        }  # fmt: skip

    # ---------------------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        plan = self.plan
        run = plan.station.spool / "run"
        run.mkdir(exist_ok=True)
        if plan.maker:
            self._maker = Child("maker", plan.maker, self.tell, run / "maker.lock")
        if plan.tasks:
            self._doing = Doing(plan.tasks, plan.station.spool, plan.argv, self.tell, plan.zone)
        self._listen()
        names = ", ".join(self.part.status()) or "nothing"
        lake = f", lake {plan.lake}" if plan.lake is not None else ""
        self.tell("info", f"teiten {teiten.__version__} watches {names}; spool {plan.station.spool}{lake}")

    def _listen(self) -> None:
        try:
            self._metrics.listen(self.plan.station.metrics)
        except (OSError, TeitenError) as error:
            self.tell("error", f"metrics: {self.plan.station.metrics} cannot be listened at: {error}")
        if self._metrics.open_to_others:
            self.tell("warning", f"metrics: whoever reaches {self.plan.station.metrics} can read the counters")

    def _tick(self) -> None:
        if signal.SIGHUP in self._signals:
            self._signals.remove(signal.SIGHUP)
            self._reload()
        if self._maker is not None:
            self._maker.tick()
        if self._doing is not None and (self._ready or self.plan.ready()):
            self._ready = True
            self._doing.tick()
        self._sum_up()
        if not 0 <= time.monotonic() - self._told_at < STATUS:
            self._told_at = time.monotonic()
            self._write_status()
            notify.alive()

    def _sum_up(self) -> None:
        """Each hour a line: a log in which nothing stands does not say that all is well."""
        since, received, lost = self._summed
        if time.monotonic() - since < SUMMARY:
            return
        totals = [feed for one in self.part.status().values() for feed in one["feeds"].values()]
        now = sum(feed.get("received", 0) for feed in totals)
        gone = sum(feed.get(key, 0) for feed in totals for key in ("dropped_kernel", "dropped_queue", "lost_estimated"))
        self._summed = (time.monotonic(), now, gone)
        # an input that a reload took away takes its counters with it
        came, went = max(0, now - received), max(0, gone - lost)
        self.tell("warning" if went else "info", f"in the last {SUMMARY / 60:.0f} minutes {came:,} came in, {went:,} were lost")

    def _over(self, once: bool) -> bool:
        if any(number != signal.SIGHUP for number in self._signals):
            return True
        if (why := self.part.failed()) is not None:
            self.tell("error", f"{why}; the station ends, and is to be started again")
            self._failed = True
            return True
        if self.part.done():
            return True
        if not once:
            return False
        self._quiet = self._quiet + 1 if _nothing_waits(self.part.status()) else 0
        return self._quiet >= _LOOKS

    def _reload(self) -> None:
        notify.reloading()
        try:
            plan = self.again()
            if plan.station.spool != self.plan.station.spool:
                raise TeitenError(
                    "the spool cannot be changed while the station runs.", hint="Stop it, and start it with the new spool."
                )
            self.part.reload(plan.station)
        except (TeitenError, OSError) as error:
            self.tell("error", f"the configuration was not taken, and all goes on as before: {error}")
            notify.ready()
            return
        old, self.plan = self.plan, plan
        if self._doing is not None:
            self._doing.argv, self._doing.zone = plan.argv, plan.zone
            self._doing.reload(plan.tasks)
        elif plan.tasks:
            self._doing = Doing(plan.tasks, plan.station.spool, plan.argv, self.tell, plan.zone)
        if self._maker is not None and (plan.maker != old.maker or plan.digest != old.digest):
            self._maker.restart(plan.maker)
        self._listen()
        self.reloaded = time.time()
        self.tell("info", "the configuration was read again")
        notify.ready()

    def _last_round(self, once: bool) -> int | None:
        """Lets the maker make what came in; a second signal ends it at once: the next start makes the rest."""
        maker = self._maker
        if maker is None:
            return None
        if maker.process is None and once:
            maker.tick()
        process, maker.process = maker.process, None
        if process is None:
            return None
        process.let_go()
        had, deadline = len(self._signals), time.monotonic() + (float("inf") if once else LAST_ROUND)
        while (code := process.wait(0.2)) is None:
            if len(self._signals) > had or time.monotonic() > deadline:
                return process.end(5)
        return code

    def _write_status(self, *, ended: bool = False) -> None:
        path = self.plan.station.spool / standing.FILE
        fresh = path.with_suffix(".new")
        text = json.dumps(self.status() | {"ended": ended}, ensure_ascii=False, indent=1, default=str)
        with contextlib.suppress(OSError):  # a full disk: the doctor sees that it is old
            fresh.write_text(text + "\n", encoding="utf-8")
            fresh.chmod(0o640)
            fresh.replace(path)

    @contextlib.contextmanager
    def _hearing(self) -> Iterator[None]:
        """Signals are put down, and looked at by the loop."""

        def heard(number: int, _: FrameType | None) -> None:
            self._signals.append(number)
            self.asked.set()

        before = {number: signal.signal(number, heard) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
        try:
            yield
        finally:
            for number, old in before.items():
                signal.signal(number, old)


def _nothing_waits(inputs: Mapping[str, Any]) -> bool:
    """Has every input ended, or said that nothing more is there, and is all of it on the disk?"""
    for one in inputs.values():
        if any(feed["queued"] for feed in one["feeds"].values()):
            return False
        if not one["ended"] and one["state"].get("lag") != 0:
            return False
    return True
