"""teiten watch: a live station: takes in what comes, writes it down, keeps the lake current, and does its tasks."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teiten.cli import _station
from teiten.cli._common import add_settings
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.settings import Settings
    from teiten.stationing import Table

NAME = "watch"
HELP = "a live station: logs, syslog, captures as they come; nothing lost; the lake kept current; tasks done in time"
EXAMPLE = """\
  teiten watch /var/log/kern.log
  teiten watch --syslog 127.0.0.1:5514
  teiten watch --config /etc/teiten/teiten.toml
  tail -F router.log | teiten watch -"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="FILE",
        help="logs to follow, folders of captures, - for stdin: in place of the inputs of the settings",
    )
    parser.add_argument("--syslog", metavar="ADDRESS:PORT", help="take syslog there, over UDP and TCP, in place of them, too")
    parser.add_argument("--sensor", metavar="NAME", help="what comes in by these flags is this sensor's (default: home)")
    parser.add_argument("--once", action="store_true", help="take in what is there, make the lake from it, and end")
    parser.add_argument("--alive", action="store_true", help="only say whether the station runs (0: yes): for health checks")
    parser.add_argument("--no-tasks", action="store_true", help="do no tasks: neither those of the settings nor the usual ones")
    parser.add_argument("--spool", metavar="DIR", help="folder in which all is written down first (default: teiten-spool)")
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    parser.add_argument("--tz", metavar="ZONE", help="zone of stamps that state none, of days, and of tasks' times")
    _station.add_log(parser)
    add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten.station import keeping
    from teiten.station.live import Live
    from teiten.station.watching import Watching

    if args.alive:
        return _alive(args)
    tell = _station.log(args)
    chosen = _chosen(args)
    if not chosen.station.inputs:
        raise UsageError(
            "Nothing is to come in.",
            hint="Name a log (teiten watch /var/log/kern.log), or write [station.input.NAME] into teiten.toml.",
        )
    os.umask(0o027)  # what came in is for its owner and group alone
    plan = _station.plan(chosen, tasks=not (args.no_tasks or args.once))
    live = Live(chosen.station, tell, whole=keeping.in_lake(chosen.station.spool, chosen.lake))
    return Watching(plan, live, tell, lambda: _again(args)).run(once=args.once)


def _alive(args: argparse.Namespace) -> int:
    """0 where a station wrote its status just now, 1 where none did."""
    from teiten.station import standing

    spool = _chosen(args).station.spool
    found = standing.read(spool)
    runs = found is not None and found.runs
    print(f"{spool}: {'the station runs' if runs else 'no station runs'}")
    return 0 if runs else 1


def _again(args: argparse.Namespace) -> Any:
    return _station.plan(_chosen(args), tasks=not (args.no_tasks or args.once))


def _chosen(args: argparse.Namespace) -> Settings:
    """The settings, with what the flags say in place of them. UsageError."""
    import dataclasses

    from teiten import settings

    chosen = settings.load(config=args.config, zone=args.tz, lake=args.lake)
    station = chosen.station
    if args.spool:
        station = dataclasses.replace(station, spool=Path(args.spool))
    named = _tables(args)
    if named:
        station = dataclasses.replace(station, inputs=named)
    elif args.sensor:
        raise UsageError("--sensor is of what comes in by flags.", hint="Name a file or --syslog, too.")
    return dataclasses.replace(chosen, station=station)


def _tables(args: argparse.Namespace) -> tuple[Table, ...]:
    """Inputs as they would stand in teiten.toml, from the flags."""
    from teiten.stationing import Table, endpoint

    out: list[Table] = []
    common = {"sensor": args.sensor} if args.sensor else {}
    common |= {"zone": args.tz} if args.tz else {}

    def add(name: str, **given: Any) -> None:
        taken = {one.name for one in out}
        free = next(n for n in (name, *(f"{name}-{i}" for i in range(2, 1000))) if n not in taken)
        out.append(Table(free, {**given, **common}, f"teiten watch, {name}", Path.cwd()))

    for path in args.paths:
        if path == "-":
            add("stdin", kind="stdin")
        elif Path(path).is_dir():
            add(_name(path), kind="folder", path=path)
        elif not Path(path).parent.is_dir():
            raise UsageError(f"There is no folder {Path(path).parent} for {path} to be in.", hint="Check the name.")
        else:
            add(_name(path), kind="file", path=path)
    if args.syslog:
        endpoint(args.syslog, "--syslog")
        add("syslog-udp", kind="syslog_udp", listen=args.syslog)
        add("syslog-tcp", kind="syslog_tcp", listen=args.syslog)
    return tuple(out)


def _name(path: str) -> str:
    """An input's name made from its file's: kern.log."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "-" for c in Path(path).resolve().name)
    return plain.lstrip("-._")[:60] or "log"
