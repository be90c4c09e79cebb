"""A process that ends in the middle: an exception that nobody catches, before the nth step that reaches the disk."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


class Killed(BaseException):
    """As if the process had ended there."""


@contextlib.contextmanager
def dying(step: int) -> Iterator[list[bool]]:
    """Syncs, renames and deletions are counted, and the one numbered `step` (from 0 on) is not done any more, nor any later.

    Yields a list that holds True in the end if it came to that.
    """
    done, died = 0, []

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            nonlocal done
            if done >= step:
                raise Killed
            done += 1
            return real(*args, **more)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", counting(os.fsync))
        patch.setattr(Path, "unlink", counting(Path.unlink))
        patch.setattr(Path, "replace", counting(Path.replace))
        try:
            yield died
        except Killed:
            died.append(True)
