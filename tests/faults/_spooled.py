"""Takes a log into a spool, in small groups and segments, makes a lake of it now and then, and says `acked N` when the first N
lines are durable. Run under strace, and again on what a power cut or a failed call left: it goes on where it was.

    python _spooled.py FOLDER LOG [lake] [pack]
"""

from __future__ import annotations

import dataclasses
import os
import random
import sys
import time
from pathlib import Path

from teiten import settings
from teiten.station.feeds import Desk
from teiten.station.keeping import Keeper
from teiten.station.spool import Spool
from teiten.stationing import Station

LIMIT = 3000
"""bytes of a segment: what is rare in a long life comes often here"""


def take(folder: Path, log: Path, *, lake: bool, pack: bool, patience: float = 30.0) -> None:
    """All lines of the log that the spool does not have yet."""
    lines = log.read_bytes().splitlines(keepends=True)
    spool = Spool.open(folder / "spool")
    desk = Desk(spool, Station(spool=folder / "spool"))
    feed = retried(lambda: desk.feed("log", "home"), patience)
    feed.stream.limit = LIMIT
    keeper = Keeper(spool, desk.station, lambda: lambda _, __: True, lambda *_: None, lambda _: None)
    chance, at = random.Random(7), feed.mark or 0
    while at < len(lines):
        many = min(chance.randint(1, 15), len(lines) - at)
        feed.put(b"".join(lines[at : at + many]), mark=at + many, received=many)
        at += many
        if chance.random() < 0.6 or at == len(lines):
            retried(lambda: None if feed.write() else retry(feed.trouble), patience)
            os.write(1, f"acked {feed.stream.mark}\n".encode())
        if lake and chance.random() < 0.08:
            make(folder)
        if pack and chance.random() < 0.1:
            retried(keeper.look, patience)
    assert desk.stop(patience)
    if lake:
        make(folder)


def make(folder: Path) -> None:
    """A round of a maker that has just begun."""
    from teiten.station.making import Maker

    chosen = dataclasses.replace(settings.Settings("UTC", "flag"), lake=folder / "lake")
    done = Maker(Spool.open(folder / "spool"), chosen, lambda *_: None).round()
    assert done.trouble is None, done.trouble


def retry(why: str | None) -> None:
    raise OSError(why)


def retried(call, patience: float):  # type: ignore[no-untyped-def]
    """What the call gives; a disk that fails is tried again, as a station does."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return call()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]), lake="lake" in sys.argv[3:], pack="pack" in sys.argv[3:])
