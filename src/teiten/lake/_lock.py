"""One writer at a time: an advisory lock on the lake's `.lock`, which says who holds it."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import fcntl
import json
import os
import re
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Final

from teiten.errors import LakeBusyError, LakeError
from teiten.lake import _mirror

MOUNTS: Final = Path("/proc/self/mounts")
NETWORK: Final = {
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "beegfs", "glusterfs", "gpfs", "ocfs2", "vboxsf",
    "fuse.sshfs", "fuse.glusterfs", "fuse.cephfs", "fuse.rclone", "fuse.davfs2", "fuse.s3fs", "fuse.smbnetfs",
}  # fmt: skip
"""file systems on which another host may write too, and an advisory lock may not reach it"""
WAIT: Final = 30.0
"""seconds that a second writer waits before it gives up"""


class Lock:
    """Context manager. LakeBusyError, with who holds it, after `wait` seconds (default `WAIT`)."""

    def __init__(self, lake: Path, wait: float | None = None) -> None:
        self.path = lake / ".lock"
        self.wait = WAIT if wait is None else wait
        self._handle: int | None = None
        self._mirror = _mirror.attach(lake)

    def __enter__(self) -> Lock:
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            readable = error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)
            hint = (
                "What it holds can be asked. To change it, make its folder and its disk writable for you." if readable else None
            )
            raise LakeError(f"The lake {self.path.parent} cannot be written: {error.strerror}.", hint=hint) from error
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
        if (kind := network(self.path)) is not None:
            self._refuse_others(handle, kind)
        self._handle = handle
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        who = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": now}).encode()
        with contextlib.suppress(OSError):  # a full disk must not keep anybody from the lock
            os.ftruncate(handle, 0)
            os.pwrite(handle, who, 0)
        if self._mirror is not None:
            try:
                self._mirror.begin(self.wait)
            except BaseException:
                self.__exit__(None, None, None)
                raise
        return self

    def _refuse_others(self, handle: int, kind: str) -> None:
        """On a network's disk the lock may hold on this host alone: who is told there must have said that it ended."""
        try:
            who = json.loads(os.pread(handle, 4096, 0))
            other = who["host"] if who["host"] != socket.gethostname() else None
        except (ValueError, KeyError, TypeError, OSError):
            other = None
        if other is not None:
            holder = _holder(handle)
            os.close(handle)
            raise LakeBusyError(
                f"The lake {self.path.parent} lies on a disk of the network ({kind}), and {holder} has not said that it ended: "
                "whether it still writes cannot be told from here.",
                hint=f"Let one host write. If nothing of teiten runs on {other}: rm {self.path}",
            )

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._handle is not None:
            if self._mirror is not None:
                self._mirror.end()
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None


def network(path: Path) -> str | None:
    """The kind of file system that the path lies on, if it is one of a network; None where not, or where that is not known."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        place = os.path.realpath(path)
    except OSError:
        return None
    found, longest = None, -1
    for fields in (line.split() for line in lines):
        if len(fields) < 3:
            continue
        mount = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m.group(1), 8)), fields[1])
        if len(mount) >= longest and (place == mount or place.startswith(mount.rstrip("/") + "/")):
            found, longest = fields[2], len(mount)
    return found if found in NETWORK else None


def _holder(handle: int) -> str:
    try:
        who = json.loads(os.pread(handle, 4096, 0))
        return f"process {who['pid']} on {who['host']} since {who['since']}"
    except (ValueError, KeyError, TypeError, OSError):
        return "another process"
