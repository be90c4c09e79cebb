"""Work on pieces of an input on two threads, the results in the pieces' order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from teiten.readers._input import Input

_WORKERS: Final = 2
_AHEAD: Final = 3

Piece = TypeVar("Piece")
Made = TypeVar("Made")


def in_order(pieces: Iterator[Piece], work: Callable[[Piece], Made], source: Input, small: int) -> Iterator[Made]:
    """What `work` makes of each piece. Kernels hold no GIL, so two threads are of use; few pieces are in flight.

    small: a plain file of fewer bytes is worked on here, without threads."""
    if source.size is not None and source.size < small and source.compression is None:
        yield from map(work, pieces)
        return
    flying: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="teiten-read") as workers:
        try:
            for piece in pieces:
                flying.append(workers.submit(work, piece))
                if len(flying) >= _AHEAD:
                    yield flying.popleft().result()
            while flying:
                yield flying.popleft().result()
        finally:
            for future in flying:
                future.cancel()
