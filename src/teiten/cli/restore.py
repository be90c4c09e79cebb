"""teiten restore: brings lake, spool and settings back from a copy, every file checked."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from teiten.cli._common import add_settings
from teiten.errors import UsageError

NAME = "restore"
HELP = "bring lake, spool and settings back from a copy that backup made; every file is checked"
EXAMPLE = """\
  teiten restore /mnt/backup/teiten --lake lake --spool spool
  teiten restore /mnt/backup/teiten --at 20261123T031500Z --lake lake --spool spool --settings-to /etc/teiten"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="DIR", help="the folder of copies")
    parser.add_argument("--at", metavar="NAME", help="which copy, by its folder's name (default: the newest)")
    parser.add_argument("--lake", metavar="DIR", help="where the lake goes: not there yet, or empty (default: as configured)")
    parser.add_argument("--spool", metavar="DIR", help="where the spool goes (default: as configured)")
    parser.add_argument("--settings-to", metavar="DIR", help="where the settings' files go (default: they stay in the copy)")
    parser.add_argument(
        "--users-to", metavar="DIR", help="where the dashboard's users go, of a copy that has them (default: they stay in it)"
    )
    add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten import backup, settings
    from teiten.lake import Lake
    from teiten.station.spool import Spool

    found = backup.copies(Path(args.source))
    if args.at:
        found = [one for one in found if one.name == args.at]
    if not found:
        named = f" {args.at}" if args.at else ""
        raise UsageError(f"There is no copy{named} in {args.source}.", hint="teiten backup DIR makes one.")
    chosen = settings.load(config=args.config, lake=args.lake)
    places = {"lake": chosen.lake, "spool": Path(args.spool) if args.spool else chosen.station.spool}
    if args.settings_to:
        places["settings"] = Path(args.settings_to)
    if args.users_to:
        places["users"] = Path(args.users_to)
    made = backup.restore(found[-1], places, lambda line: print(line, file=sys.stderr))
    if "lake" in made:
        lake = Lake.open(places["lake"])
        rows = lake.holdings("events").rows
        print(f"{lake.path}: {rows:,} events, as they were at {found[-1].name}", file=sys.stderr)
    if "spool" in made:
        streams = len(Spool.there(places["spool"]).streams())
        print(f"{places['spool']}: {streams} streams; what is not in the lake yet, the station makes", file=sys.stderr)
    if "users" in made:
        day = found[-1].name
        print(
            f"{places['users']}: users, tokens and passwords are those of {day}; what was withdrawn since holds again:"
            " look with teiten users list",
            file=sys.stderr,
        )
    return 0
