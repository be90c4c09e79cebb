"""The maker: a lake from the spool, in rounds, each line exactly once. `python -m teiten.station.making`.

A segment of the spool is an input of the lake, known by its identity; of it is taken what is durable. Where each ended is in
the batch that stores its events, so a maker that is killed goes on from there. Lines of one segment are never taken for those
of another; only with what came otherwise into the lake (`teiten ingest` of the same log) they are compared.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from teiten import intake, periods, readers, settings
from teiten.errors import InputError, LakeBusyError, TeitenError
from teiten.lake import Lake
from teiten.lake.history import SPOOL, History, Resume
from teiten.readers import _input
from teiten.readers._base import ReadOptions, Received, Tally
from teiten.readers._memory import settle_memory
from teiten.station import made as mades
from teiten.station.spool import PACKETS, Segment, Spool

if TYPE_CHECKING:
    from teiten.lake import Writer

SHARE: Final = 0.2
"""of the time, at most, that rounds take: where one takes long, the next waits longer"""
LONGEST: Final = 60.0
"""seconds between two rounds at most"""
_PAUSES: Final = (5, 15, 60)
"""seconds until a lake that could not be written is tried again, growing"""
_PATIENCE: Final = 300.0
"""seconds for which another writer may hold the lake before that is told"""
_TOLD_EVERY: Final = 5.0
"""seconds after which `made.json` is written within a long round"""

Tell = Callable[[str, str], None]
"""a level (error, warning, info, debug) and one sentence"""


@dataclass(slots=True)
class Round:
    """What a round did."""

    tally: Tally = field(default_factory=Tally)
    segments: int = 0
    batches: int = 0
    took: float = 0.0
    trouble: str | None = None


class Maker:
    """Makes a lake from a spool. Two at once do no harm: what the lake has is looked up under its lock."""

    def __init__(self, spool: Spool, chosen: settings.Settings, tell: Tell) -> None:
        settle_memory()
        self.spool, self.chosen, self.tell = spool, chosen, tell
        self.lake = Lake.open_or_create(chosen.lake, chosen.zone_name)
        self.rounds = 0
        self.behind = 0
        self.stopping = threading.Event()
        self._history: History | None = None
        self._version: tuple[int, int] = (0, -1)
        self._written: object = None
        self._ends: dict[str, int] = {}
        """identity -> bytes that the lake has of it"""
        self._resume: dict[str, Resume] = {}
        self._whole: dict[str, int] = {}
        """stream -> all its segments up to that number are sealed and in the lake"""
        self._bad: dict[str, int] = {}
        """identity -> its end when it could not be read: tried again when it has grown"""

    # a round ---------------------------------------------------------------------------------------------------------

    def round(self, wait: float | None = None) -> Round:
        """Takes in all that is durable now. LakeError where the lake cannot be written: what was stored is whole."""
        begun = time.monotonic()
        done = Round()
        with self._known(wait):
            work = [one for one in self._pending() if self._bad.get(one.identity) != one.end]
            self.behind = sum(one.end - self._ends.get(one.identity, 0) for one in work)
            if work:
                with intake.run_of(self.lake, history=self._held, wait=wait) as run:
                    self._take_all(run, work, done, begun)
                    self._history, self._version = run.history, _version(run.writer)
                    self._written = self.lake.written()
        self.rounds += 1
        done.took = time.monotonic() - begun
        self._say(done, done.took)
        return done

    def _take_all(self, run: intake.Run, work: Sequence[Segment], done: Round, begun: float) -> None:
        said = begun
        for one in work:
            if self.stopping.is_set():
                return
            try:
                self._take(run, one, done)
            except InputError as error:
                self._bad[one.identity] = one.end
                done.trouble = f"{one.identity}: {error}"
                self.tell("error", done.trouble)
            if time.monotonic() - said > _TOLD_EVERY:
                said = time.monotonic()
                self._say(done, said - begun)

    def _take(self, run: intake.Run, one: Segment, done: Round) -> None:
        """One segment's new bytes."""
        source, options, reader = self._source(one), self._options(one), self._reader(one)
        result = intake.InputResult(source.name, options.sensor, reader.NAME)
        taking = intake.OneInput(run, source, reader, options, result, _quiet, self._resume.get(one.identity))
        taking.run()
        result.tally.check()
        done.tally.add(result.tally)
        done.segments += 1
        done.batches += result.batches
        self.behind -= one.end - self._ends.get(one.identity, 0)
        self._ends[one.identity] = one.end
        if one.sealed and one.number == self._whole.get(one.stream.id, 0) + 1:
            self._whole[one.stream.id] = one.number
        self._resume.pop(one.identity, None)
        if not one.sealed and taking.ended is not None:
            self._resume[one.identity] = taking.ended
        for note in result.notes:
            self.tell("debug", f"{one.identity}: {note}")

    def _source(self, one: Segment) -> _input.Input:
        if one.path is None:
            raise InputError("its evidence is no longer kept, and the lake has not all of it")
        # packets without a time of their own get the segment's; it must not change while it grows
        moment = one.records[0].at if one.stream.data == PACKETS else one.records[-1].at
        return _input.Input(
            SPOOL + one.identity, one.path, datetime.fromtimestamp(moment, UTC), one.end, True, self.chosen.reading,
            compression="zstd" if one.path.suffix == ".zst" else None, identity=one.identity, end=one.end,
        )  # fmt: skip

    def _options(self, one: Segment) -> ReadOptions:
        sensor = one.stream.sensor or settings.DEFAULT_SENSOR
        known = self.chosen.sensor(sensor)
        zone = one.stream.told.get("zone") or (known.zone if known else None) or self.chosen.zone_name
        grown = [(record.end, record.at) for record in one.records]
        ends = np.array([end for end, _ in grown], np.int64)
        times = np.round(np.array([at for _, at in grown], np.float64) * 1e6).astype(np.int64)
        return ReadOptions(
            zone=periods.zone(str(zone)), sensor=sensor, received=Received(ends, times), hash_key=self.lake.hash_key,
            reading=self.chosen.reading,
        )  # fmt: skip

    @staticmethod
    def _reader(one: Segment) -> Any:
        told = one.stream.told.get("format")
        return readers.module(str(told) if told else "capture" if one.stream.data == PACKETS else "netfilter")

    # what is there ---------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _known(self, wait: float | None) -> Iterator[None]:
        """With what the lake has of the spool known: it is looked up once, and again when somebody else wrote to it."""
        if self._history is None or self.lake.written() != self._written:
            with self.lake.writer(wait) as writer:
                self._look(writer)
        try:
            yield
        except BaseException:
            self._history = None  # what was stored of it is looked up anew
            raise

    def _held(self, writer: Writer) -> History | None:
        if _version(writer) != self._version:
            self._look(writer)
        return self._history

    def _look(self, writer: Writer) -> None:
        self._history, self._version = History(self.lake, writer.last), _version(writer)
        self._written = self.lake.written()
        found = {name.removeprefix(SPOOL): known.end for name, known in self._history.segments().items()}
        if any(found.get(identity, 0) != end for identity, end in self._ends.items()):
            self._whole = {}  # something was taken out of the lake: all of the spool is looked at again
        self._resume = {name: held for name, held in self._resume.items() if found.get(name) == held.start}
        self._ends = found

    def _pending(self) -> list[Segment]:
        """Segments of which the lake has not all that is durable: of each stream in order, the shortest work first."""
        streams = []
        for about in self.spool.streams():
            first = self._whole.get(about.id, 0) + 1
            own = self.spool.segments(about.id, first)
            for one in own:
                if one.number == first and one.sealed and self._ends.get(one.identity, 0) >= one.end:
                    self._whole[about.id] = first
                    first += 1
            if about.sensor is not None:
                own = [one for one in own if one.end > self._ends.get(one.identity, 0)]
                streams.append((sum(one.end - self._ends.get(one.identity, 0) for one in own), own))
        return [one for _, own in sorted(streams, key=lambda pair: pair[0]) for one in own]

    def _say(self, done: Round, took: float) -> None:
        ends = {
            identity: end
            for identity, end in self._ends.items()
            if int(identity.rpartition("/")[2]) > self._whole.get(identity.rpartition("/")[0], 0)
        }
        told = mades.Made(
            self.lake.meta.id, self._version[0], time.time(), round(took, 3), self.rounds, max(0, self.behind), done.trouble,
            dict(self._whole), ends,
        )  # fmt: skip
        try:
            mades.write(self.spool.path, told)
        except OSError as error:
            self.tell("warning", f"{self.spool.path / mades.FILE} could not be written: {error.strerror}")

    # for as long as it lives -------------------------------------------------------------------------------------------

    def work(self, last: threading.Event) -> None:
        """Round after round, until `stopping` is set, or `last`: then once more."""
        tries, busy = 0, 0.0
        while True:
            begun, ending = time.monotonic(), last.is_set()
            pause = self.chosen.station.every
            try:
                done = self.round()
                pause = min(LONGEST, max(pause, done.took / SHARE))
                tries, busy = 0, 0.0
            except LakeBusyError as error:
                busy = busy or begun
                if begun - busy > _PATIENCE:
                    self.tell("warning", f"{error}; the spool keeps what comes in")
                    busy = begun
            except (TeitenError, OSError) as error:
                pause = _PAUSES[min(tries, len(_PAUSES) - 1)]
                self.tell("error", f"{error} The spool keeps what comes in; tried again in {pause} s.")
                tries += 1
                self._say(Round(trouble=str(error)), 0.0)
            if ending or self.stopping.is_set():
                return
            _wait(max(0.1, begun + pause - time.monotonic()), self.stopping, last)


def _version(writer: Writer) -> tuple[int, int]:
    """What tells whether anybody else has written batches since, or taken any out."""
    return writer.last, int(writer.batches.delta.version())


def _quiet(_end: int, _events: int) -> None:
    pass


def _wait(seconds: float, *events: threading.Event) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not any(event.is_set() for event in events):
        time.sleep(min(0.2, max(0.0, deadline - time.monotonic())))


# as a process ----------------------------------------------------------------------------------------------------------

_LEVELS: Final = {"error": 3, "warning": 4, "info": 6, "debug": 7}


def _tell(level: str, text: str) -> None:
    shown = "teiten: " if sys.stderr.isatty() else f"<{_LEVELS[level]}>"
    with contextlib.suppress(OSError):
        print(f"{shown}{text}", file=sys.stderr, flush=True)


def _until_eof(last: threading.Event) -> None:
    """Whoever started it holds the other end of stdin: where that is closed, or its process gone, it ends."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    last.set()


def main(argv: Sequence[str] | None = None) -> int:
    """0: all that was durable is in the lake, or it was told to end; 1: there was trouble, and it was told."""
    parser = argparse.ArgumentParser(prog="python -m teiten.station.making", description=__doc__)
    parser.add_argument("--config", metavar="FILE")
    parser.add_argument("--spool", metavar="DIR")
    parser.add_argument("--lake", metavar="DIR")
    parser.add_argument("--once", action="store_true", help="one round of all that is durable")
    args = parser.parse_args(argv)
    try:
        chosen = settings.load(config=args.config, lake=args.lake)
        maker = Maker(Spool.open(Path(args.spool) if args.spool else chosen.station.spool), chosen, _tell)
        signal.signal(signal.SIGTERM, lambda *_: maker.stopping.set())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the station too, which ends this one
        if args.once:
            return 1 if maker.round().trouble else 0
        last = threading.Event()
        if stat.S_ISFIFO(os.fstat(0).st_mode) or stat.S_ISSOCK(os.fstat(0).st_mode):
            threading.Thread(target=_until_eof, args=(last,), daemon=True).start()
        maker.work(last)
    except TeitenError as error:
        _tell("error", str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
