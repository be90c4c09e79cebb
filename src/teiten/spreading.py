"""Many inputs stored at once: read by tasks of a cluster, each for itself, and stored by this process, the lake's one writer.

A task reads one input whole (a capture, a log), leaves out what the lake has, looks up country and AS, and writes its batches
as files beside the lake's tables (`lake.staging`). What it gives back is what became of the lines, and the batches without
numbers. This process holds the lake's lock all the while, gives them numbers and commits, a round of inputs at a time. So a
task that is killed, run again or run twice leaves nothing but files that are swept away, and a killed driver whole rounds.

Tasks of one round do not see each other's lines. What shares a time with what a round has stored meanwhile, of the same sensor,
is therefore read again here, after it, in the usual way, and adds only what is new.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from teiten import __version__, intake, periods, readers
from teiten.errors import InputError, TeitenError
from teiten.intake import InputResult, OneInput, OnRejected, Result, Run
from teiten.lake import Lake, staging
from teiten.lake.history import SLACK, History
from teiten.readers import _input, _parquet
from teiten.readers._base import ReadOptions
from teiten.settings import DEFAULT_SENSOR, Settings

REJECTED: Final = 10_000
"""rejected lines of an input whose text a task gives back; all are counted"""
ROUND: Final = 4
"""inputs of a round for each core of the cluster"""


@dataclass(frozen=True, slots=True)
class Task:
    """One input to be read by whoever gets it; all that it needs goes along."""

    lake: Path
    """in the same place on every machine"""
    job: str
    path: Path | None
    """None: not to be sent; only this process can read it"""
    name: str
    fmt: str
    sensor: str
    zone: str
    year: int | None
    boot_time: dt.datetime | None
    settings: Settings
    last: int
    source_id: int
    version: str = __version__


@dataclass(slots=True)
class Told:
    """What became of a task. trouble: (sentence, hint, does the input say so?)."""

    host: str
    result: InputResult
    staged: list[staging.Staged] = field(default_factory=list)
    rejected: list[Any] = field(default_factory=list)
    trouble: tuple[str, str | None, bool] | None = None


def read(task: Task) -> Told:
    """Runs on a worker: reads the task's input into the staging folder."""
    from teiten.readers._memory import settle_memory

    host = socket.gethostname()
    told = Told(host, InputResult(task.name, task.sensor))
    if task.version != __version__:
        told.trouble = (
            f"The worker {host} has teiten {__version__}, this machine {task.version}.",
            "Install the same on both.",
            False,
        )
        return told
    settle_memory()
    try:
        lake = Lake.open(task.lake)
        history = History(lake, task.last)
        history.last_source = task.source_id - 1
        stage = staging.Stage(lake.path, task.job, task.last)
        (source,) = _input.inputs([str(task.path)], task.settings.reading)

        def refused(_: str, rows: Sequence[Any]) -> None:
            told.rejected.extend(rows[: max(0, REJECTED - len(told.rejected))])

        with contextlib.closing(_parquet.Workers(packed=True)) as encoders:
            run = Run(lake, history, stage, encoders, refused)  # type: ignore[arg-type]
            _one(run, source, task, told.result)
        told.staged = stage.staged
    except InputError as error:
        told.trouble = (str(error), None, True)
    except TeitenError as error:
        told.trouble = (f"The worker {host}: {error}", None, False)
    except OSError as error:
        told.trouble = (f"The worker {host} cannot write beside the lake {task.lake}: {error.strerror or error}.", None, False)
    return told


def _one(run: Run, source: _input.Input, task: Task, result: InputResult) -> None:
    """Reads one input, as `intake.ingest` does. InputError is kept in the result: what came before it is whole."""
    options = ReadOptions(
        zone=periods.zone(task.zone), sensor=task.sensor, year=task.year, boot_time=task.boot_time,
        hash_key=run.lake.hash_key, reading=task.settings.reading,
    )  # fmt: skip
    try:
        reader = readers.pick(source.head(), task.fmt, source.name)
        result.format = reader.NAME
        OneInput(run, source, reader, options, result, lambda end, events: None).run()
    except InputError as error:
        result.error = error
    result.tally.check()


def about(folder: str) -> dict[str, Any]:
    """Runs on a worker, sent by value: which Python and teiten it has, and whether it sees the lake and may write there."""
    import os
    import socket as sockets
    import sys as system

    told: dict[str, Any] = {"host": sockets.gethostname(), "python": system.version.split()[0], "teiten": None}
    try:
        import teiten

        told["teiten"] = teiten.__version__
    except ImportError:
        pass
    told["sees"] = os.path.exists(os.path.join(folder, "lake.toml"))  # noqa: PTH110, PTH118 (sent as it is)
    told["writes"] = os.access(folder, os.W_OK)
    return told


def check(found: Iterable[dict[str, Any]], lake: Path) -> None:
    """TeitenError where a worker has no teiten, another one, or does not see the lake."""
    for one in found:
        host = one["host"]
        if one["teiten"] is None:
            raise TeitenError(
                f"The worker {host} has no package teiten for its Python {one['python']}.",
                hint=f"Install teiten {__version__} there, or name another Python: [spark] conf, spark.pyspark.python.",
            )
        if one["teiten"] != __version__:
            raise TeitenError(
                f"The worker {host} has teiten {one['teiten']}, this machine {__version__}.", hint="Install the same on both."
            )
        if not one["sees"]:
            raise TeitenError(
                f"The worker {host} does not see the lake {lake}.",
                hint="The lake must lie in the same place on every machine (NFS).",
            )
        if not one["writes"]:
            raise TeitenError(f"The worker {host} may not write in the lake {lake}.", hint="Give its user the right to.")


def ingest(
    lake: Lake,
    inputs: Sequence[_input.Input | str],
    settings: Settings,
    *,
    sensor: str | None = None,
    fmt: str = readers.AUTO,
    zone: str | None = None,
    year: int | None = None,
    boot_time: dt.datetime | None = None,
    rejected: OnRejected | None = None,
    progress: intake.OnProgress | None = None,
    judge: bool = True,
) -> Result:
    """As `intake.ingest`, its inputs read by the cluster of the settings. Errors as there; TeitenError of the cluster.

    What lies in no file of its own (a pipe) is read here."""
    from teiten.engine import spark

    begun = time.monotonic()
    result = Result()
    sources = list(intake.opened(inputs, settings, result))
    folder = lake.path.absolute()
    check(spark.everywhere(settings, about, str(folder)), folder)
    size = ROUND * spark.cores(settings)
    done = 0
    with intake.run_of(lake, rejected=rejected) as run:
        first, job = run.writer.last, uuid.uuid4().hex
        for start in range(0, len(sources), size):
            some, before = sources[start : start + size], run.writer.last
            tasks = []
            for n, source in enumerate(some):
                path = source.path.absolute() if source.path is not None and source.seekable else None
                known = settings.sensor_of(source.path) if source.path is not None and sensor is None else None
                named = sensor or (known.name if known else DEFAULT_SENSOR)
                of_zone = zone or (known.zone if known else None) or settings.zone_name
                own = run.history.last_source + 1 + n
                tasks.append(Task(folder, job, path, source.name, fmt, named, of_zone, year, boot_time, settings, before, own))
            answers = iter(spark.run(settings, read, [task for task in tasks if task.path is not None]))
            for source, task in zip(some, tasks, strict=True):
                result.inputs.append(_take(run, source, task, next(answers) if task.path is not None else None))
                done += source.size or 0
                if progress is not None:
                    progress(done, result.total.events)
            run.writer.settle()
        staging.clear(lake.path)
        run.writer.tidy()
        last = run.writer.last
    if judge and last > first:
        intake.after(lake, settings, result, first, time.monotonic() - begun)
    return result


def _take(run: Run, source: _input.Input, task: Task, told: Told | None) -> InputResult:
    """Takes over what a task made of an input, or reads the input here."""
    if told is not None and told.trouble is not None:
        sentence, hint, own = told.trouble
        if not own:
            raise TeitenError(sentence, hint=hint)
        told.result.error = InputError(sentence)
        return told.result
    if told is None or _meets(run.history, task, told.staged):
        run.writer.settle()
        one = InputResult(source.name, task.sensor)
        _one(run, source, task, one)
        return one
    for staged in told.staged:
        run.history.add(run.writer.adopt(staged), staged.batch)
    if run.rejected is not None and told.rejected:
        run.rejected(told.result.name, told.rejected)
    return told.result


def _meets(history: History, task: Task, staged: Sequence[staging.Staged]) -> bool:
    """Has the lake got something of the same sensor and time that the task could not know?"""
    known = history.since(task.last, task.sensor)
    if not known or not staged:
        return False
    batches = [one.batch for one in staged]
    slack = SLACK if any(one.hashed is None for one in batches) else dt.timedelta()
    for low, high in known:
        for one in batches:
            if low is None or high is None or one.t_min is None or one.t_max is None:
                return True
            if low <= one.t_max + slack and high >= one.t_min - slack:
                return True
    return False


__all__ = ["Task", "Told", "about", "check", "ingest", "read"]
