"""teiten spool: the evidence of a live station: what there is of it, whether it is whole, a lake made anew, files of it."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teiten.cli import _output
from teiten.cli._common import add_settings
from teiten.errors import TeitenError, UsageError

if TYPE_CHECKING:
    from teiten.settings import Settings
    from teiten.station.spool import Segment, Spool

NAME = "spool"
HELP = "a station's evidence, byte for byte as it came: what there is, whether it is whole, a lake made anew from it, files"
EXAMPLE = """\
  teiten spool status
  teiten spool verify
  teiten spool rebuild --into teiten-lake-anew
  teiten spool export --sensor home --from 2026-04-01 --to 2026-04-02 --into evidence"""


def arguments(parser: argparse.ArgumentParser) -> None:
    subs = parser.add_subparsers(dest="action", metavar="status|verify|rebuild|export", required=True)
    status = subs.add_parser("status", help="what came in, from when to when, what of it is in the lake, what it takes")
    _output.add_output(status)
    check = subs.add_parser("verify", help="hold every byte and every record against the chain of hashes")
    check.add_argument("--stream", metavar="NAME", help="of this stream alone")
    check.add_argument("--heads", metavar="FILE", help="write each stream's last hash there, to be kept elsewhere")
    check.add_argument("--against", metavar="FILE", help="hashes written so before must still be in the chains")
    anew = subs.add_parser("rebuild", help="a new lake from all the evidence there is: the same rows")
    anew.add_argument("--into", metavar="DIR", required=True, help="the new lake's folder, which must not be there yet")
    out = subs.add_parser("export", help="what came in, as files, with their hashes")
    out.add_argument("--into", metavar="DIR", required=True, help="a new folder")
    out.add_argument("--sensor", metavar="NAME", help="of this sensor alone")
    out.add_argument("--input", metavar="NAME", help="of this input alone")
    out.add_argument("--from", dest="start", metavar="T", help="segments that hold something from this day or time on")
    out.add_argument("--to", dest="end", metavar="T", help="up to, and without, this day or time")
    for one in (status, check, anew, out):
        one.add_argument("--spool", metavar="DIR", help="the spool's folder (default: teiten-spool)")
        add_settings(one)


def main(args: argparse.Namespace) -> int:
    return {"status": _status, "verify": _verify, "rebuild": _rebuild, "export": _export}[args.action](args)


def _opened(args: argparse.Namespace, **more: Any) -> tuple[Settings, Spool]:
    from teiten import settings
    from teiten.station.spool import Spool

    chosen = settings.load(config=args.config, **more)
    return chosen, Spool.there(Path(args.spool) if args.spool else chosen.station.spool)


# status -----------------------------------------------------------------------------------------------------------------


def _status(args: argparse.Namespace) -> int:
    from teiten.station import made
    from teiten.station.overview import overview, taken

    chosen, spool = _opened(args)
    said = made.read(spool.path)
    rows = [
        {
            "input": one.about.input, "sensor": one.about.sensor or "", "data": one.about.data,
            "from": _time(one.begin, chosen), "to": _time(one.end, chosen), "received": one.counts.get("received", 0),
            "refused": one.counts.get("refused", 0),
            "lost": one.counts.get("dropped_kernel", 0) + one.counts.get("dropped_queue", 0),
            "segments": one.segments, "bytes": one.bytes, "on_disk": one.on_disk, "gone": one.gone,
            "behind": one.behind, "stream": one.about.id,
        }
        for one in overview(spool, said)
    ]  # fmt: skip
    shown = list(rows[0]) if rows else ["input", "sensor", "data", "stream"]
    if args.output == "table":
        shown = [name for name in shown if name != "stream"]
        rows = [{name: row[name] for name in shown} for row in rows]
    _output.write_rows(rows, args.output, args.out, columns=shown)
    print(f"The spool takes {taken(spool):,} of its {chosen.station.disk:,} bytes.", file=sys.stderr)
    return 0


def _time(at: float | None, chosen: Settings) -> str:
    return "" if at is None else dt.datetime.fromtimestamp(at, chosen.zone).isoformat(timespec="seconds")


# verify -----------------------------------------------------------------------------------------------------------------


def _verify(args: argparse.Namespace) -> int:
    from teiten.station.verifying import DAMAGE, Verified, missing, verify

    _, spool = _opened(args)
    done = Verified()
    bad = 0
    for found in verify(spool, done, args.stream):
        bad += found.kind == DAMAGE
        print(f"{found.kind}: {found.where}: {found.text}")
    if args.stream and not done.streams:
        raise UsageError(f"There is no stream '{args.stream}'.", hint="`teiten spool status --output json` names them.")
    if args.against:
        try:
            earlier = json.loads(Path(args.against).read_text(encoding="utf-8"))["heads"]
        except (OSError, ValueError, KeyError, TypeError):
            raise UsageError(f"{args.against} is no file that --heads wrote.") from None
        for where, text in missing(spool, earlier):
            bad += 1
            print(f"damage: {where}: {text}")
    if args.heads:
        heads = {stream: list(head) for stream, head in sorted(done.heads.items())}
        try:
            Path(args.heads).write_text(json.dumps({"heads": heads}, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise TeitenError(f"{args.heads} cannot be written: {error.strerror}.") from None
    print(
        f"{done.streams:,} streams, {done.segments:,} segments, {done.records:,} records, {done.bytes:,} bytes: "
        + (f"{bad:,} findings of damage" if bad else "all as it was written down")
        + (f"; of {done.gone:,} segments the bytes are no longer kept" if done.gone else "")
    )
    return 1 if bad else 0


# rebuild ----------------------------------------------------------------------------------------------------------------


def _rebuild(args: argparse.Namespace) -> int:
    from teiten.station.making import Maker

    into = Path(args.into)
    if into.exists():
        raise UsageError(f"{into} is there already.", hint="Name a folder that is not; the lakes can be compared then.")
    chosen, spool = _opened(args, lake=str(into))
    gone = [one for one in _segments(spool) if one.path is None and one.end]
    maker = Maker(spool, chosen, lambda level, text: print(f"{level}: {text}", file=sys.stderr) if level != "debug" else None)
    maker.silent = True
    done = maker.round()
    print(f"{done.segments:,} segments, {done.tally.events:,} events in {done.batches:,} batches: {into}")
    if gone:
        print(
            f"{len(gone):,} segments are not among them: their {sum(one.end for one in gone):,} bytes are no longer kept.",
            file=sys.stderr,
        )
    return 1 if done.trouble or gone else 0


def _segments(spool: Spool) -> list[Segment]:
    return [segment for one in spool.streams() if one.sensor is not None for segment in spool.segments(one.id)]


# export -----------------------------------------------------------------------------------------------------------------


def _export(args: argparse.Namespace) -> int:
    from teiten import periods
    from teiten.station.exporting import export

    chosen, spool = _opened(args)
    start = periods.moment(args.start, chosen.zone).timestamp() if args.start else None
    end = periods.moment(args.end, chosen.zone).timestamp() if args.end else None

    def wanted(one: Segment) -> bool:
        return (
            (args.sensor is None or one.stream.sensor == args.sensor)
            and (args.input is None or one.stream.input == args.input)
            and (start is None or one.records[-1].at >= start)
            and (end is None or one.records[0].at < end)
        )

    done = export([one for one in _segments(spool) if one.end and wanted(one)], Path(args.into))
    print(f"{done.files:,} files, {done.bytes:,} bytes: {args.into}")
    if done.gone:
        print(f"The bytes of {done.gone:,} segments are no longer kept.", file=sys.stderr)
    return 0
