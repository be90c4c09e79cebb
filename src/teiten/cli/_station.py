"""What `watch` and `collect` share: the plan made from the settings, the words of children, the log's flag."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import os
import sys
from typing import TYPE_CHECKING

from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.settings import Settings
    from teiten.station.tasks import Task
    from teiten.station.telling import Log
    from teiten.station.watching import Plan

NEVER = ("watch", "sensor", "collect", "serve", "bench", "demo", "restore")
"""commands that are no task of a station"""


def add_log(parser: argparse.ArgumentParser) -> None:
    """--log --verbose."""
    parser.add_argument(
        "--log",
        choices=("text", "json", "journal"),
        help="form of the log (default: journal under systemd, else text)",
    )
    parser.add_argument("--verbose", action="store_true", help="tell in the log what is only of use in finding a fault, too")


def log(args: argparse.Namespace) -> Log:
    """The log, in the form that was said, else in that which whoever reads it wants."""
    from teiten.station.telling import Log

    form = args.log or ("journal" if os.environ.get("JOURNAL_STREAM") else "text")
    return Log(str(form), least="debug" if args.verbose else "info")


def plan(chosen: Settings, *, tasks: bool = True) -> Plan:
    """What the settings come to. UsageError for a task that is no command of teiten's."""
    from teiten.station import tasks as schedule
    from teiten.station.watching import Plan

    # files are named as they are from anywhere: a task may run in a folder of its own
    lake, spool = chosen.lake.absolute(), chosen.station.spool.absolute()
    config = ["--config", str(chosen.file.absolute())] if chosen.file else []
    maker = [*_python("teiten.station.making"), *config, "--spool", str(spool), "--lake", str(lake)]
    wanted: tuple[Task, ...] = ()
    if tasks:
        keeping = chosen.keeping.told
        usual = schedule.usual(alerts=bool(chosen.alerts.channels), retain=keeping)
        wanted = schedule.read(chosen.station.tasks, usual)
    for task in wanted:
        _checked(task)
    digest = hashlib.sha256(chosen.file.read_bytes()).hexdigest() if chosen.file else ""

    def argv(words: list[str]) -> list[str]:
        known = vars(_parsed(words))
        lake_words = ["--lake", str(lake)] if known.get("lake", "") is None else []
        config_words = config if known.get("config", "") is None else []
        return [*_python("teiten"), *words, *config_words, *lake_words]

    return Plan(chosen.station, tuple(maker), wanted, chosen.zone, argv, chosen.lake, digest, (lake / "lake.toml").exists)


def _python(module: str) -> list[str]:
    # -P: a folder in which a task runs adds nothing to what is imported
    return [sys.executable, "-P", "-m", module]


def _checked(task: Task) -> None:
    """UsageError where the command line would not understand the task's words."""
    import datetime as dt

    words = task.words(dt.datetime(2026, 1, 1))
    if words[0] in NEVER:
        raise UsageError(f"[station.task.{task.name}]: teiten {words[0]} is no task: it does not end, or asks.")
    try:
        _parsed(words)
    except UsageError as error:
        raise UsageError(f"[station.task.{task.name}]: teiten {task.command}: {error.message}") from None


def _parsed(words: list[str]) -> argparse.Namespace:
    """The words as the command line understands them. UsageError."""
    from teiten import cli

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            return cli.parser().parse_args(words)
    except SystemExit:
        last = (said.getvalue().strip().splitlines() or [""])[-1]
        raise UsageError(f"{last.partition('error: ')[2] or 'these are no words of a command'}.") from None
