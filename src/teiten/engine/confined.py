"""A process shuts itself in: files that it may read or write, memory, processor time; it ends with the one that started it.

What a query may do is refused by the session already. This is the wall behind that one: where the kernel has Landlock (Linux
from 5.13 on), a hole in the engine opens no file outside either, and (from 6.7 on) no connection.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""numbers of the calls, the same on all processors of today"""
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_READ: Final = 1 << 2 | 1 << 3
"""read a file, list a folder"""
_FILE: Final = 1 << 1 | 1 << 2 | 1 << 14
"""what a rule about a file may allow: write, read, cut off (run a program is never allowed)"""


def end_with_parent() -> None:
    """Whoever started this process ends: so does this."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def bound(memory_mb: int | None = None, seconds: float | None = None) -> None:
    """So much more data than there is now, so many seconds of processors altogether; no core is left. On systems that do not
    count it, the engine's own limits are what there is."""
    import resource

    if memory_mb is not None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            status = Path("/proc/self/status").read_text(encoding="ascii")
            most = (int(status.partition("VmData:")[2].split()[0]) << 10) + (memory_mb << 20)
            resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    if seconds is not None:
        with contextlib.suppress(OSError, ValueError):
            whole = max(1, int(seconds * (os.cpu_count() or 1))) + 5
            resource.setrlimit(resource.RLIMIT_CPU, (whole, whole))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def shut_in(read: Iterable[Path], write: Iterable[Path]) -> bool:
    """From now on this thread, and those that it starts, open files beneath these folders only, and connect to nothing.

    False where the kernel has no Landlock: nothing is changed then.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        libc: Any = ctypes.CDLL(None, use_errno=True)
        version = int(libc.syscall(_CREATE, None, 0, 1))
    except (OSError, AttributeError):
        return False
    if version < 1:
        return False
    # every kind of access that this kernel tells apart: what no rule allows is denied
    files = (1 << (13 if version < 2 else 14 if version < 3 else 15 if version < 5 else 16)) - 1
    fields = [files] + ([0b11] if version >= 4 else []) + ([0b11] if version >= 6 else [])
    attr = struct.pack(f"{len(fields)}Q", *fields)
    rules = int(libc.syscall(_CREATE, attr, len(attr), 0))
    if rules < 0:
        return False
    try:
        for folders, allowed in ((read, _READ), (write, files & ~1)):
            for folder in {one.resolve() for one in folders}:
                _allow(libc, rules, folder, allowed & files)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return int(libc.syscall(_RESTRICT, rules, 0)) == 0
    finally:
        os.close(rules)


def _allow(libc: Any, rules: int, path: Path, allowed: int) -> None:
    with contextlib.suppress(OSError):
        at = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            libc.syscall(_ADD, rules, 1, struct.pack("=Qi", allowed if path.is_dir() else allowed & _FILE, at), 0)
        finally:
            os.close(at)
