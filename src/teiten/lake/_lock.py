"""One writer at a time: an advisory lock on the lake's `.lock`, which says who holds it."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import fcntl
import json
import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Final

from teiten.errors import LakeBusyError, LakeError

WAIT: Final = 30.0
"""seconds that a second writer waits before it gives up"""


class Lock:
    """Context manager. LakeBusyError, with who holds it, after `wait` seconds (default `WAIT`)."""

    def __init__(self, lake: Path, wait: float | None = None) -> None:
        self.path = lake / ".lock"
        self.wait = WAIT if wait is None else wait
        self._handle: int | None = None

    def __enter__(self) -> Lock:
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise LakeError(f"The lake {self.path.parent} cannot be written: {error.strerror}.") from error
        deadline = time.monotonic() + self.wait
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    os.close(handle)
                    raise LakeError(f"The lake {self.path.parent} cannot be locked: {error.strerror}.") from error
                if time.monotonic() >= deadline:
                    holder = _holder(handle)
                    os.close(handle)
                    raise LakeBusyError(
                        f"The lake {self.path.parent} is being written by {holder}.", hint="Try again when it has finished."
                    ) from None
                time.sleep(0.05)
        self._handle = handle
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        who = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": now}).encode()
        with contextlib.suppress(OSError):  # a full disk must not keep anybody from the lock
            os.ftruncate(handle, 0)
            os.pwrite(handle, who, 0)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None


def _holder(handle: int) -> str:
    try:
        who = json.loads(os.pread(handle, 4096, 0))
        return f"process {who['pid']} on {who['host']} since {who['since']}"
    except (ValueError, KeyError, TypeError, OSError):
        return "another process"
