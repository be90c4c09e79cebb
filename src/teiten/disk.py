"""Small files that are on the disk, whole, when a call returns; a file that one process holds at a time.

The lake and the spool have ways of their own (`lake/_delta.py`, `station/_disk.py`): a store to mirror, places to write at.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

PART: Final = ".part"
"""how the name ends of what is being written; a kill may leave it"""


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """The file, all of it or as it was before, on the disk with its name. OSError: as it was before.

    What is written lies beside it as `.NAME.part` until then: for one writer at a time.
    """
    part = path.with_name(f".{path.name}{PART}")
    # what a kill left may have been made for other eyes
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """The names in a folder are on the disk. OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def alone(path: Path, cannot: Callable[[OSError], Exception], busy: Exception, *, mode: int = 0o644) -> Iterator[None]:
    """Holds that file (made where it is missing), or folder, for this process. What `cannot` makes of the reason where it
    cannot be opened; `busy` where another holds it."""
    try:
        handle = os.open(path, os.O_CLOEXEC | (os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT), mode)
    except OSError as error:
        raise cannot(error) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise busy from None
        yield
    finally:
        os.close(handle)
