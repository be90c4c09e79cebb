"""teiten doctor: what is wrong here? Lake, log, clock, zone, data, one's own side; each with what mends it."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

from teiten.cli import _common, _output

if TYPE_CHECKING:
    from teiten.doctor import Result

NAME = "doctor"
HELP = "what is wrong here: is the log arriving, clock, zone, disk, data, own side, each with what mends it"
EXAMPLE = """  teiten doctor
  teiten doctor --log /var/log/router.log --tz Asia/Tokyo"""
_MARKS = {"ok": "ok   ", "look": "look ", "wrong": "WRONG"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lake", metavar="DIR", help="the lake (default: teiten-lake)")
    parser.add_argument("--log", nargs="+", default=[], metavar="FILE", help="look at these logs, too; nothing is stored")
    group = parser.add_argument_group("reading")
    group.add_argument("--format", default="auto", metavar="NAME", help="the input's format (default: auto)")
    group.add_argument("--tz", metavar="ZONE", help="zone of stamps that state none, such as Asia/Tokyo")
    group.add_argument("--year", type=int, metavar="YEAR", help="year of each file's first line, for stamps without one")
    group.add_argument("--boot-time", metavar="TIME", help="when the machine booted, for dmesg's seconds since boot")
    _common.add_settings(parser)
    _output.add_output(parser)


def main(args: argparse.Namespace) -> int:
    """0 where nothing is wrong, 1 where something is."""
    from teiten import doctor, settings

    chosen = settings.load(config=args.config, zone=args.tz, lake=args.lake)
    year, boot = _common.check_year(args.year), _common.boot_time(args.boot_time, chosen.zone)
    with doctor.open_patient(chosen, args.log, fmt=args.format, zone=args.tz, year=year, boot_time=boot) as patient:
        results = doctor.run(patient)
    if args.output == "table" and not args.out:
        print(_told(results))
    else:
        rows = [{"check": r.check, "state": r.state, "seen": r.seen, "mend": r.mend or None} for r in results]
        _output.write_rows(rows, args.output, args.out)
    return 1 if any(r.state == "wrong" for r in results) else 0


def _told(results: list[Result]) -> str:
    """A line a finding, folded, with what mends it below; and how many of each there are."""
    wide = max(len(r.check) for r in results)
    width = max(60, shutil.get_terminal_size().columns) if sys.stdout.isatty() else 10_000
    lines = []
    for r in results:
        indent = " " * (wide + 8)
        head = f"{_MARKS[r.state]}  {r.check.ljust(wide)} "
        lines.append(textwrap.fill(_plain(r.seen), width, initial_indent=head, subsequent_indent=indent))
        if r.mend:
            lines.append(textwrap.fill(_plain(r.mend), width, initial_indent=f"{indent}-> ", subsequent_indent=f"{indent}   "))
    counts = {state: sum(r.state == state for r in results) for state in _MARKS}
    lines.append(f"{counts['ok']} ok, {counts['look']} to look at, {counts['wrong']} wrong")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """What stood in a log goes to a terminal as text alone."""
    return "".join(c if c.isprintable() else "?" for c in text)
