"""The maker: a lake from the spool, in rounds, each line exactly once. `python -m teiten.station.making`.

A segment of the spool is an input of the lake, known by its identity; of it is taken what is durable. Where each ended is in
the batch that stores its events, so a maker that is killed goes on from there. Lines of one segment are never taken for those
of another; only with what came otherwise into the lake (`teiten ingest` of the same log) they are compared.
"""

from __future__ import annotations

import argparse
import bisect
import contextlib
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from teiten import intake, periods, readers, settings
from teiten.errors import InputError, LakeBusyError, TeitenError, UsageError
from teiten.lake import Lake, watching
from teiten.lake.history import SPOOL, History, Resume
from teiten.readers import _input
from teiten.readers._base import ReadOptions, Received, Tally
from teiten.readers._memory import settle_memory
from teiten.station import made as mades
from teiten.station.spool import PACKETS, Spool
from teiten.station.unmade import Growing, Unmade

if TYPE_CHECKING:
    from teiten.lake import Writer

SHARE: Final = 0.2
"""of the time, at most, that rounds take: where one takes long, the next waits longer"""
LONGEST: Final = 60.0
"""seconds between two rounds at most"""
_LAST_WAIT: Final = 10.0
"""seconds that the last round waits for another writer"""
TOGETHER: Final = 64
"""segments whose batches are stored together at most"""
_HELD: Final = 16 << 20
"""bytes of lines' hashes that are held for that, more or less"""
ACCOUNT: Final = 300.0
"""seconds after which it is stored, by the clock's five minutes, when inputs were alive and what they lost"""
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
        self.silent = False
        """says nothing of what it made: the spool's own lake is another"""
        self.rounds = 0
        self.stopping = threading.Event()
        self._unmade: Unmade | None = None
        self._stale = False
        self._history: History | None = None
        self._version: tuple[int, int] = (0, -1)
        self._written: object = None
        self._resume: dict[str, Resume] = {}
        self._bad: dict[str, int] = {}
        """identity -> its end when it could not be read: tried again when it has grown"""
        self._trouble: str | None = None
        """what was wrong with the last of them"""
        self._told: list[dict[str, Any]] = []
        """rows of `watching` that are not stored yet"""
        self._accounted = 0.0

    # a round ---------------------------------------------------------------------------------------------------------

    def round(self, wait: float | None = None, *, account: bool = True) -> Round:
        """Takes in all that is durable now; with `account`, stores also when inputs were alive and what they lost.

        LakeError where the lake cannot be written, OSError where the spool cannot be read: what was stored is whole."""
        begun = time.monotonic()
        done = Round()
        try:
            unmade = self._known(wait)
            unmade.look()
            if gone := unmade.drop_gone():
                self.tell("error", f"the bytes of {gone} segments are no longer there, and the lake has not all of them: lost")
            work = [one for one in unmade.work() if self._bad.get(one.identity) != one.end]
            if work:
                with intake.run_of(self.lake, history=self._held, wait=wait, together=True) as run:
                    self._take_all(run, unmade, work, done, begun)
                    self._history, self._version = run.history, _version(run.writer)
                    self._written = self.lake.written()
            if account:
                self._account(unmade, wait)
        except BaseException:
            self._stale = True  # what was stored of it is looked up anew
            raise
        self.rounds += 1
        done.trouble = self._trouble if self._bad else None
        done.took = time.monotonic() - begun
        self._say(done, done.took)
        return done

    def _take_all(self, run: intake.Run, unmade: Unmade, work: Sequence[Growing], done: Round, begun: float) -> None:
        said, taken = begun, list[tuple[Growing, int]]()
        for one in work:
            if self.stopping.is_set():
                break
            try:
                taken.append((one, self._take(run, one, done)))
            except (InputError, UsageError) as error:  # of words: a zone or a format that nobody knows
                self._bad[one.identity] = one.end
                self._trouble = f"{one.identity}: {error}"
                self.tell("error", self._trouble)
            if len(taken) >= TOGETHER or run.writer.added > _HELD:
                taken = self._settle(run, unmade, taken)
            if time.monotonic() - said > _TOLD_EVERY:
                taken, said = self._settle(run, unmade, taken), time.monotonic()
                self._say(done, said - begun)
        self._settle(run, unmade, taken)

    @staticmethod
    def _settle(run: intake.Run, unmade: Unmade, taken: list[tuple[Growing, int]]) -> list[tuple[Growing, int]]:
        """Stores what was taken, in one entry of the lake's log; only then it is in the lake."""
        run.writer.settle()
        for one, end in taken:
            unmade.took(one, end)
        return []

    def _take(self, run: intake.Run, one: Growing, done: Round) -> int:
        """One segment's new bytes, up to where the answer says."""
        end = one.ready
        source, options, reader = self._source(one, end), self._options(one, end), self._reader(one)
        result = intake.InputResult(source.name, options.sensor, reader.NAME)
        taking = intake.OneInput(run, source, reader, options, result, _quiet, self._resume.pop(one.identity, None))
        taking.run()
        result.tally.check()
        done.tally.add(result.tally)
        done.segments += 1
        done.batches += result.batches
        if not one.sealed and taking.ended is not None:
            self._resume[one.identity] = taking.ended
        for note in result.notes:
            self.tell("debug", f"{one.identity}: {note}")
        return end

    def _source(self, one: Growing, end: int) -> _input.Input:
        path = one.path
        if path is None:
            raise InputError("its bytes are no longer kept.")
        # packets without a time of their own get the segment's; it must not change while it grows
        moment = one.first if one.about.data == PACKETS else one.times[-1]
        return _input.Input(
            SPOOL + one.identity, path, datetime.fromtimestamp(moment, UTC), end, True, self.chosen.reading,
            compression="zstd" if path.suffix == ".zst" else None, identity=one.identity, end=end,
        )  # fmt: skip

    def _options(self, one: Growing, end: int) -> ReadOptions:
        sensor = one.about.sensor or settings.DEFAULT_SENSOR
        known = self.chosen.sensor(sensor)
        zone = one.told.get("zone") or (known.zone if known else None) or self.chosen.zone_name
        pieces = bisect.bisect_left(one.ends, end) + 1
        times, untils = (
            np.round(np.array(column[:pieces], np.float64) * 1e6).astype(np.int64) for column in (one.times, one.untils)
        )
        groups = np.arange(pieces)
        if not all(one.settled):
            ending = np.append(np.flatnonzero(np.array(one.settled[: pieces - 1], np.bool_)), pieces - 1)
            groups = ending[np.searchsorted(ending, groups)]
        came = Received(np.array(one.ends[:pieces], np.int64), times, untils, groups)
        return ReadOptions(
            zone=periods.zone(str(zone)), sensor=sensor, received=came, hash_key=self.lake.hash_key, reading=self.chosen.reading
        )

    @staticmethod
    def _reader(one: Growing) -> Any:
        told = str(one.told.get("format") or readers.AUTO)
        if told == readers.AUTO:  # a few first lines, such as a segment may begin with, are no reason to take it for no log
            told = "capture" if one.about.data == PACKETS else "netfilter"
        return readers.module(told)

    def _account(self, unmade: Unmade, wait: float | None) -> None:
        """Stores when inputs were alive, and what they lost."""
        self._told += unmade.alive()
        if self._told:
            schema = {name: kind for name, kind in watching.SCHEMA.items() if name != "last_batch"}
            frame = pl.DataFrame(self._told, schema=schema).unique(["stream", "record", "start"], keep="last")
            self.lake.put_watching(frame, wait)
            self._told = []
        self._accounted = time.time()

    # what is there ---------------------------------------------------------------------------------------------------

    def _known(self, wait: float | None) -> Unmade:
        """What is not in the lake: looked up once, and again when somebody else wrote to it."""
        if self._unmade is None or self._stale or self.lake.written() != self._written:
            with self.lake.writer(wait) as writer:
                self._look(writer)
        assert self._unmade is not None
        return self._unmade

    def _held(self, writer: Writer) -> History | None:
        if _version(writer) != self._version:
            self._look(writer)
        return self._history

    def _look(self, writer: Writer) -> None:
        self._history, self._version = History(self.lake, writer.last, thin=True), _version(writer)
        self._written = self.lake.written()
        found = {name.removeprefix(SPOOL): known.end for name, known in self._history.segments().items()}
        self._resume = {name: held for name, held in self._resume.items() if found.get(name) == held.start}
        if (
            self._unmade is None
            or self._stale
            or any(found.get(identity, 0) != end for identity, end in self._unmade.ends.items())
        ):
            # the first look, or something was taken out of the lake: then all of the spool is looked at again
            last = mades.read(self.spool.path)
            rows = self.lake.watching().group_by("stream", maintain_order=True).last()
            by_stream = {row["stream"]: row for row in rows.iter_rows(named=True)}
            self._unmade = Unmade(self.spool, found, last if last and last.lake == self.lake.meta.id else None, by_stream)
            self._told, self._stale = [], False

    def _say(self, done: Round, took: float) -> None:
        if self.silent:
            return
        one = self._unmade
        told = mades.Made(
            self.lake.meta.id, self._version[0], time.time(), round(took, 3), self.rounds, one.behind() if one else 0,
            done.trouble, dict(one.whole) if one else {}, one.held() if one else {}, one.open_ends() if one else {},
        )  # fmt: skip
        try:
            mades.write(self.spool.path, told)
        except OSError as error:
            self.tell("warning", f"{self.spool.path / mades.FILE} could not be written: {error.strerror}")

    # for as long as it lives -------------------------------------------------------------------------------------------

    def work(self, last: threading.Event) -> bool:
        """Round after round, until `stopping` is set, or `last`: then once more. False where something is not in the lake that
        could not be made."""
        tries, busy = 0, 0.0
        while True:
            begun, ending = time.monotonic(), last.is_set()
            pause = self.chosen.station.every
            try:
                done = self.round(
                    _LAST_WAIT if ending else None, account=ending or time.time() // ACCOUNT > self._accounted // ACCOUNT
                )
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
                with contextlib.suppress(OSError):
                    if self._unmade is not None:
                        self._unmade.look()  # so that it is told how much waits
                self._say(Round(trouble=str(error)), 0.0)
            else:
                if ending or self.stopping.is_set():
                    return done.trouble is None
            if ending or self.stopping.is_set():
                self.tell("error", "The lake has not all of what came in; the spool keeps it for the next time.")
                return False
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
        return 0 if maker.work(last) else 1
    except TeitenError as error:
        _tell("error", str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
