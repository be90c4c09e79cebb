"""teiten backup: a copy of lake, spool and settings, made while the station runs; what has not changed takes no room twice."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from teiten.cli._common import add_settings
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.settings import Settings

NAME = "backup"
HELP = "a whole copy of lake, spool and settings, while a station runs; the next one takes only what is new"
EXAMPLE = """\
  teiten backup /mnt/backup/teiten
  teiten backup /mnt/backup/teiten --keep 14
  teiten backup /mnt/backup/teiten --users
  teiten backup /mnt/backup/teiten --verify"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("to", metavar="DIR", help="the folder of copies, on another disk")
    parser.add_argument("--keep", type=int, metavar="N", help="the newest N copies stay, older ones go (default: all stay)")
    parser.add_argument(
        "--verify", action="store_true", help="make no copy: read every file of the newest one against its hash"
    )
    parser.add_argument(
        "--users", action="store_true", help="the dashboard's users and audit log too: whoever reads the copy has their hashes"
    )
    parser.add_argument("--spool", metavar="DIR", help="the spool's folder (default: as configured)")
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten import backup, settings

    to = Path(args.to)
    if args.verify:
        return _verify(to)
    if args.keep is not None and args.keep < 1:
        raise UsageError(f"--keep {args.keep} would keep nothing.", hint="Give 1 or more.")
    chosen = settings.load(config=args.config, lake=args.lake)
    spool = Path(args.spool) if args.spool else chosen.station.spool
    if not chosen.lake.is_dir() and not spool.is_dir():
        raise UsageError(f"There is neither a lake {chosen.lake} nor a spool {spool}.", hint="Name them: --lake, --spool.")
    users = _users(chosen) if args.users else None
    lake = chosen.lake if chosen.lake.is_dir() else None
    done = backup.make(to, lake, spool if spool.is_dir() else None, chosen.file, keep=args.keep, users=users)
    print(
        f"{done.path}: {done.files:,} files, {done.bytes:,} bytes, of which {done.copied:,} files and"
        f" {done.copied_bytes:,} bytes are new",
        file=sys.stderr,
    )
    if done.gone:
        print(f"removed: {', '.join(done.gone)}", file=sys.stderr)
    return 0


def _users(chosen: Settings) -> Path:
    from teiten.web.users import store

    folder = store.folder_of(chosen)
    if not folder.is_dir():
        raise UsageError(f"There are no users: {folder} is not there.", hint="Leave --users out, or make one: teiten users add")
    return folder


def _verify(to: Path) -> int:
    from teiten import backup

    found = backup.copies(to)
    if not found:
        raise UsageError(f"There is no copy in {to}.", hint="Make one: teiten backup DIR")
    bad = backup.verify(found[-1])
    for name in bad:
        print(f"{found[-1] / name}: is not what it was when it was copied", file=sys.stderr)
    if not bad:
        print(f"{found[-1]}: every file is as it was", file=sys.stderr)
    return 1 if bad else 0
