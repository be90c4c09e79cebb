"""Child processes of a station: their words go into its log, one of a name runs at a time, one that dies is started again.

A child holds a lock file that it inherits: where the station is killed, its child may go on to its end, and the next
station sees that it does. Nothing of the station's own files is left open in it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from teiten.station.telling import level_of

Tell = Callable[[str, str], None]
PAUSES: Final = (1, 2, 5, 15, 60)
"""seconds until a child that died is started again, growing"""
STEADY: Final = 120.0
"""seconds after which one that ran counts as having run well: the pauses begin anew"""
_LINE: Final = 4096


class BusyError(Exception):
    """A child of that name still runs: of a station that was killed."""


class Process:
    """One run of a program. BusyError where another of that lock still runs; OSError where it cannot be started."""

    def __init__(
        self, name: str, argv: Sequence[str], tell: Tell, lock: Path, *, folder: Path | None = None, nice: int = 0,
        usual: str = "info",
    ) -> None:  # fmt: skip
        self.name, self.tell, self.usual = name, tell, usual
        self.last: list[str] = []
        """its last lines"""
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(name) from None
            # the lock is the child's: it is held until the last process that has it open ends
            self.process = subprocess.Popen(
                list(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                pass_fds=(handle,), cwd=folder, start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(handle)
        if nice:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self.process.pid, nice)
        self.began = time.monotonic()
        self._reader = threading.Thread(target=self._read, name=f"{name} says", daemon=True)
        self._reader.start()

    def poll(self) -> int | None:
        """Its exit code (negative: the signal that ended it), None while it runs."""
        code = self.process.poll()
        if code is not None:
            self._reader.join(1)
            self.let_go()
        return code

    def let_go(self) -> None:
        """Ends its input: it finishes what is to be done, and ends."""
        stdin = self.process.stdin
        if stdin is not None:
            with contextlib.suppress(OSError):
                stdin.close()

    def signal(self, number: int) -> None:
        """To it and to whatever it started."""
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, number)

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None where it still runs after that time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, seconds))
        return self.poll()

    def end(self, patience: float) -> int | None:
        """Asks it to end (SIGTERM), and makes it (SIGKILL) where it does not in that time."""
        self.signal(signal.SIGTERM)
        if self.wait(patience) is None:
            self.signal(signal.SIGKILL)
            self.wait(5)
        return self.poll()

    def _read(self) -> None:
        out = self.process.stdout
        assert out is not None
        with contextlib.suppress(OSError, ValueError):
            while line := out.readline(_LINE):
                text = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
                if not text.strip():
                    continue
                level, text = level_of(text, self.usual)
                self.last = [*self.last[-4:], text]
                self.tell(level, f"{self.name}: {text}")
        out.close()


class Child:
    """A process that is to run all the time."""

    def __init__(self, name: str, argv: Sequence[str], tell: Tell, lock: Path) -> None:
        self.name, self.argv, self.tell, self.lock = name, list(argv), tell, lock
        self.process: Process | None = None
        self.starts = 0
        self.trouble: str | None = None
        """why it does not run, while it does not"""
        self._failed = 0
        self._next = 0.0
        self._waits = False

    def tick(self) -> None:
        """Starts it where it is due, sees whether it died. To be called often."""
        now = time.monotonic()
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return
            if now - self.process.began > STEADY:
                self._failed = 0
            self._again(now, f"ended with {told_code(code)}")
            self.process = None
        if now >= self._next:
            self._start(now)

    def restart(self, argv: Sequence[str], patience: float = 20) -> None:
        """Goes on with other words: the one that runs ends in its own time first."""
        self.argv = list(argv)
        if self.process is not None:
            self.process.end(patience)
            self.process = None
        self._next, self._failed = 0.0, 0
        self.tick()

    def finish(self, patience: float) -> int | None:
        """Lets it do what is to be done, and end; ends it where it takes longer than `patience` seconds."""
        process, self.process = self.process, None
        if process is None:
            return None
        process.let_go()
        code = process.wait(patience)
        return process.end(10) if code is None else code

    def _start(self, now: float) -> None:
        try:
            self.process = Process(self.name, self.argv, self.tell, self.lock)
            self.starts += 1
            self.trouble, self._waits = None, False
        except BusyError:
            if not self._waits:
                self.tell("info", f"{self.name}: one of a station before still runs; waiting for its end")
            self._waits, self._next, self.trouble = True, now + 1, "one of a station before still runs"
        except OSError as error:
            self._again(now, f"cannot be started: {error.strerror or error}")

    def _again(self, now: float, why: str) -> None:
        pause = PAUSES[min(self._failed, len(PAUSES) - 1)]
        self._failed += 1
        self._next, self.trouble = now + pause, why
        self.tell("error", f"{self.name}: {why}; started again in {pause} s")


def told_code(code: int) -> str:
    """'code 1', 'signal 9 (SIGKILL)'."""
    if code >= 0:
        return f"code {code}"
    with contextlib.suppress(ValueError):
        return f"signal {-code} ({signal.Signals(-code).name})"
    return f"signal {-code}"
