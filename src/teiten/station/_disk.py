"""Files that are on the disk when a call returns: bytes put at their place, small files whole, names in folders."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from typing import Final

from teiten.disk import sync_folder

_sync: Final = getattr(os, "fdatasync", os.fsync)
"""a file's bytes and its length; not its times, which nobody needs after a power cut"""


def put(handle: int, data: bytes, at: int) -> None:
    """Writes all of it there, and syncs.

    OSError: then nothing is certain of those bytes. The same call made again writes them anew, so that a kernel that dropped
    what it could not write, and says so but once, loses nothing.
    """
    view, done = memoryview(data), 0
    while done < len(view):
        done += os.pwrite(handle, view[done:], at + done)
    _sync(handle)


def cut(path: Path, end: int) -> int:
    """Cuts a file at `end`, for good; how many bytes that were. No file, nothing cut. OSError."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        beyond = os.fstat(handle).st_size - end
        if beyond > 0:
            os.ftruncate(handle, end)
            os.fsync(handle)
        return max(0, beyond)
    finally:
        os.close(handle)


def settled(handle: int) -> None:
    """What was read from there is on the disk, whoever wrote it. A disk that cannot be written to has nothing under way."""
    try:
        _sync(handle)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EINVAL, errno.EBADF):
            raise


def write_whole(path: Path, data: bytes) -> None:
    """A small file, all of it or as it was before, on the disk. OSError: as it was before."""
    fresh = path.with_name(path.name + f".{secrets.token_hex(4)}.new")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        try:
            put(handle, data, 0)
        finally:
            os.close(handle)
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """The folder and those above it, their names on the disk. OSError."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def boot_id() -> str:
    """Which boot of the machine this is; '' where nobody says."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
