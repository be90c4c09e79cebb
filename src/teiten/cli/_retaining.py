"""`teiten lake retain`: events that are no longer to be kept go, once what stays of them is there; or only what would go."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from teiten.cli import _common
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.lake import Lake
    from teiten.retention import Plan
    from teiten.settings import Settings


def main(args: argparse.Namespace, lake: Lake, chosen: Settings) -> int:
    """Says what goes and what stays, and does it where --dry-run is not given."""
    from teiten import retention

    if not chosen.keeping.told:
        raise UsageError(
            "Nothing says how long events are kept, so they are kept for good.",
            hint='Write it into teiten.toml: [lake], then keep_events = "90d" or disk = "50GB".',
        )
    _since(lake)
    for line in retention.near_the_limit(lake, chosen):
        print(line, file=sys.stderr)
    devices = retention.old_devices(lake, chosen)
    if devices is not None:
        day = devices[0].astimezone(chosen.zone).date()
        print(
            f"{lake.path}: to go by [lake] keep_devices: {devices[1]:,} rows of evidence of devices from before {day}",
            file=sys.stderr,
        )
        if not args.dry_run:
            print(f"{lake.path}: {retention.drop_devices(lake, chosen):,} rows of evidence are no longer kept", file=sys.stderr)
    wanted = retention.plan(lake, chosen)
    if wanted is None:
        print(f"{lake.path}: {'nothing is' if devices is None else 'no events are'} to go", file=sys.stderr)
        return 0
    print(f"{lake.path}: {_told(wanted)}", file=sys.stderr)
    if args.dry_run:
        return 0
    _detections(lake, chosen, wanted)
    told = _common.Progress("counting days", None)
    count = retention.carry_out(
        lake, chosen, wanted, lambda days, whole: told.show(days, f"{days:,} of {whole:,} days"), grace=args.hours * 3600
    )
    told.clear()
    later = "" if args.hours == 0 else f"; their files are deleted by the next writer after {args.hours:g} hours"
    print(f"{lake.path}: {count:,} events are no longer kept{later}", file=sys.stderr)
    return 0


def _detections(lake: Lake, chosen: Settings, wanted: Plan) -> None:
    """What changed on these days is told while their events are there: afterwards no single source can be asked for."""
    from teiten.detect import kept

    told = _common.Progress("detecting")
    done = kept.refresh(lake, chosen, wanted.days, lambda days, whole: told.show(days, f"{days:,} of {whole:,} days"))
    told.clear()
    if done.trouble is not None:
        raise done.trouble


def _since(lake: Lake) -> None:
    since = lake.kept_since()
    if since is not None:
        print(f"{lake.path}: events before {since.isoformat(timespec='minutes')} are not kept", file=sys.stderr)


def _told(wanted: Plan) -> str:
    weight = wanted.weight
    about = "about " if weight.cut else ""
    span = f"{wanted.days[0]} to {wanted.days[-1]}" if len(wanted.days) > 1 else str(wanted.days[0])
    return (
        f"to go by [lake] {wanted.because}: {len(wanted.days):,} days ({span}), {about}{weight.events:,} events,"
        f" {about}{weight.bytes:,} bytes; counts, verdicts, stories, coverage and notes of these days stay"
    )
