"""teiten collect: the receiving end: sensors' streams and others' lines over HTTPS, the lake kept current; and credentials."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teiten.cli import _station
from teiten.cli._common import add_settings
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.settings import Settings
    from teiten.station.credentials import Credential
    from teiten.stationing import Given

NAME = "collect"
HELP = "the receiving end: sensors' streams over HTTPS with a credential each, the lake kept current; credentials by command"
EXAMPLE = """\
  teiten collect --config /etc/teiten/teiten.toml
  teiten collect add office
  teiten collect rotate office --grace 7d
  teiten collect revoke office
  teiten collect list"""

ACTIONS = ("run", "add", "rotate", "revoke", "list")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        default="run",
        choices=ACTIONS,
        help="run (default); add, rotate, revoke a sensor's credential; list them",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="the sensor's name")
    parser.add_argument("--also", action="append", default=[], metavar="SENSOR", help="add: a further sensor of the same box")
    parser.add_argument("--grace", default="7d", metavar="SPAN", help="rotate: how long the old one stays valid (default: 7d)")
    parser.add_argument("--id", metavar="ID", help="revoke: only the credential of that id")
    parser.add_argument("--no-tasks", action="store_true", help="do no tasks: neither those of the settings nor the usual ones")
    parser.add_argument("--spool", metavar="DIR", help="folder in which all is written down first (default: teiten-spool)")
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    parser.add_argument("--tz", metavar="ZONE", help="zone of stamps that state none, of days, and of tasks' times")
    _station.add_log(parser)
    add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten.station import collecting

    os.umask(0o027)
    chosen = _chosen(args)
    found = collecting.settings(chosen.station.collect, Path())
    if args.action == "run":
        return _run(args, chosen, found)
    if args.action == "list":
        if args.name:
            raise UsageError("teiten collect list names no sensor.")
        return _list(chosen, found)
    if not args.name:
        raise UsageError(f"teiten collect {args.action} needs the sensor's name.", hint=f"teiten collect {args.action} office")
    return _changed(args, chosen, found)


def _run(args: argparse.Namespace, chosen: Settings, found: Given) -> int:
    from teiten.station import collecting, keeping
    from teiten.station.live import Live
    from teiten.station.watching import Watching

    collecting.certificate(found, chosen.station.spool)
    tell = _station.log(args)
    plan = _station.plan(chosen, tasks=not args.no_tasks)
    live = Live(chosen.station, tell, also=collecting.wanted, whole=keeping.in_lake(chosen.station.spool, chosen.lake))
    return Watching(plan, live, tell, lambda: _station.plan(_chosen(args), tasks=not args.no_tasks)).run()


def _chosen(args: argparse.Namespace) -> Settings:
    import dataclasses

    from teiten import settings

    chosen = settings.load(config=args.config, zone=args.tz, lake=args.lake)
    if args.spool:
        chosen = dataclasses.replace(chosen, station=dataclasses.replace(chosen.station, spool=Path(args.spool)))
    return chosen


def _changed(args: argparse.Namespace, chosen: Settings, found: Given) -> int:
    from teiten.station import collecting
    from teiten.stationing import seconds

    file = collecting.certificate(found, chosen.station.spool)[0] if args.action != "revoke" else None
    kept = collecting.credentials(found, chosen.station.spool)
    if args.action == "revoke":
        many = kept.revoke(args.name, args.id)
        print(f"{args.name}: {many} credential{'s' if many != 1 else ''} revoked; refused from the next request on.")
        return 0
    if args.action == "add":
        one, text = kept.add(args.name, tuple(args.also))
    else:
        one, text = kept.rotate(args.name, seconds(_number(args.grace), "--grace"))
    _show(one, text, file, found)
    return 0


def _number(text: str) -> Any:
    return float(text) if text.replace(".", "", 1).isdigit() else text


def _show(one: Credential, text: str, file: Path | None, found: Given) -> None:
    """What to put on the sensor; the secret is shown this once."""
    from teiten.station import certificates

    host, port = found["names"][0] if found["names"] else "COLLECTOR", found["listen"][1]
    print(f"# Credential {one.id} of {one.name}. It is shown this once; put it into the sensor's teiten.toml:")
    print("[station.collector]")
    print(f'url = "https://{host}:{port}"')
    print(f'credential = "{text}"')
    if found["certificate"] is None and file is not None:
        print(f'pin = "{certificates.fingerprint_of(file)}"')


def _list(chosen: Settings, found: Given) -> int:
    from teiten.station import collecting

    now = time.time()
    heard = collecting.heard(chosen.station.spool)
    rows = [("sensor", "id", "made", "valid", "last heard", "clock ahead")]
    for one in sorted(collecting.credentials(found, chosen.station.spool).all(), key=lambda one: (one.name, one.made)):
        of = heard.get(one.name, {})
        mine = of if of.get("credential") == one.id else {}
        valid = "yes" if one.until is None else f"until {_when(one.until)}" if one.valid(now) else f"revoked {_when(one.until)}"
        # the sensor says how far the collector's clock is ahead of its own: the other way round reads easier here
        skew = f"{-mine['skew']:+.2f} s" if isinstance(mine.get("skew"), (int, float)) else "-"
        last = _when(mine["last"]) if isinstance(mine.get("last"), (int, float)) else "-"
        rows.append((one.name, one.id, _when(one.made), valid, last, skew))
    if len(rows) == 1:
        print("There is no credential yet: teiten collect add NAME")
        return 0
    wide = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(wide[i]) for i, cell in enumerate(row)).rstrip())
    return 0


def _when(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d %H:%M")
