"""A station in a test: its inputs at work in this process, and what is in its spool afterwards."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from teiten.station.live import Live
from teiten.station.spool import LINES, Spool
from teiten.stationing import Station, Table


def station(folder: Path, inputs: dict[str, dict[str, Any]], **more: Any) -> Station:
    """With those tables [station.input.NAME]; it syncs often."""
    tables = tuple(Table(name, given, f"[station.input.{name}]", folder) for name, given in inputs.items())
    return Station(**{"spool": folder / "spool", "sync": 0.01, "inputs": tables, **more})


@contextlib.contextmanager
def at_work(of: Station) -> Iterator[tuple[Live, list[str]]]:
    """While it runs; what it says."""
    said: list[str] = []
    live = Live(of, lambda level, text: said.append(f"{level}: {text}"))
    with live.at_work():
        yield live, said


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Waits until it is; AssertionError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.01)


def content(folder: Path, input: str | None = None, data: str = LINES) -> bytes:
    """All that the spool's streams (of that input) hold, in order, as far as it is durable."""
    spool, out = Spool(folder / "spool"), []
    for about in spool.streams() if (folder / "spool").is_dir() else ():
        if about.data == data and input in (None, about.input):
            for segment in spool.segments(about.id):
                if segment.path is not None:
                    out.append(segment.path.read_bytes()[: segment.end])
    return b"".join(out)


def counts(folder: Path) -> dict[str, int]:
    """The counters of all chains, summed."""
    spool, out = Spool(folder / "spool"), dict[str, int]()
    for about in spool.streams():
        for segment in spool.segments(about.id):
            for record in segment.records:
                for name, many in record.counts.items():
                    out[name] = out.get(name, 0) + many
    return out
