"""teiten sensor: the remote end: what comes in is written down and sent to a collector; light enough for a small box."""

from __future__ import annotations

import argparse
import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

from teiten.cli import _station
from teiten.cli._common import add_settings
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.station.watching import Plan

NAME = "sensor"
HELP = "the remote end: what comes in is written down and sent to a collector, now or when it can be reached again"
EXAMPLE = """\
  teiten sensor --config /etc/teiten/teiten.toml
  teiten sensor --once"""

QUEUE = 8 << 20
"""bytes that wait in memory for the disk, at most: a sensor has 64 MiB for all"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="take in what is there, send it, and end")
    parser.add_argument("--spool", metavar="DIR", help="folder in which all is written down first (default: teiten-spool)")
    _station.add_log(parser)
    add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten.station.shipping import Sensor
    from teiten.station.watching import Watching

    plan = _plan(args)
    os.umask(0o027)
    tell = _station.log(args)
    return Watching(plan, Sensor(plan.station, tell), tell, lambda: _plan(args)).run(once=args.once)


def _plan(args: argparse.Namespace) -> Plan:
    """What the settings come to: no maker, no tasks. UsageError."""
    from teiten import settings
    from teiten.station.watching import Plan

    chosen = settings.load(config=args.config)
    station = chosen.station
    if not station.inputs:
        raise UsageError("Nothing is to come in.", hint="Write [station.input.NAME] into teiten.toml.")
    if args.spool:
        station = dataclasses.replace(station, spool=Path(args.spool))
    station = dataclasses.replace(station, queue=min(station.queue, QUEUE))
    return Plan(station, (), (), chosen.zone, lambda words: words)
