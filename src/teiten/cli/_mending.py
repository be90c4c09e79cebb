"""teiten lake check, mend, take-out: what is damaged, the lake without it, and what to ingest again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from teiten.cli import _common, _output
from teiten.errors import LakeError, UsageError

if TYPE_CHECKING:
    from teiten.lake import check, mend


def main(args: argparse.Namespace, where: str | Path) -> int:
    """One of the three, by `args.what`; 1 where `check` finds damage."""
    from teiten.lake import _lake, mend

    path = Path(where)
    if args.what == "mend" and not args.dry_run and _lake.restore_meta(path):
        print(f"{path}: {_lake.META} was put back from its copy", file=sys.stderr)
    lake = _lake.Lake.open(path)
    if args.what == "check":
        return _check(path, args)
    if args.what == "take-out" and not args.inputs:
        raise UsageError("Which inputs are to be taken out?", hint="teiten lake take-out messages-20260401")
    if args.what == "take-out":

        def choose(folder: Path) -> mend.Plan:
            return mend.of_inputs(folder, args.inputs, args.sensor)

    else:

        def choose(folder: Path) -> mend.Plan:
            return mend.plan(folder, _looked(folder))

    if args.dry_run:
        _told(path, choose(path), None)
        return 0
    done, aside = lake.take_out(choose)
    _told(path, done, aside)
    return 0


def _looked(path: Path) -> list[check.Damage]:
    from teiten.lake import check

    told = _common.Progress("checking", None)
    try:
        return check.look(path, progress=lambda done, whole: told.show(done, f"{done:,} of {whole:,} bytes"))
    finally:
        told.clear()


def _check(path: Path, args: argparse.Namespace) -> int:
    found = _looked(path)
    if not found:
        print(f"{path}: every file is there and can be read", file=sys.stderr)
        return 0
    rows = [{"file": one.file, "what": one.why, "rows": one.rows, "first": one.low, "last": one.high} for one in found]
    _output.write_rows(rows, args.output, args.out)
    raise LakeError(
        f"The lake {path} is damaged: {len(rows):,} file{'' if len(rows) == 1 else 's'}, {sum(d.rows for d in found):,} rows.",
        hint=f"Put them back from a copy, or go on without them: teiten lake mend --lake {path} (first with --dry-run).",
    )


def _told(path: Path, done: mend.Plan, aside: Path | None) -> None:
    """What went, on the standard error."""
    if done.nothing:
        print(f"{path}: nothing is damaged", file=sys.stderr)
        return
    would = "would be " if aside is None else ""
    for table, names in done.files.items():
        for name in names:
            print(f"{table}/{name}: {would}taken out", file=sys.stderr)
    events = f"{done.events:,} event{'' if done.events == 1 else 's'}"
    print(f"{path}: {events} of {len(done.batches):,} batches {would}taken out", file=sys.stderr)
    for one in done.inputs:
        span = f", {one.first:%Y-%m-%d %H:%M} to {one.last:%Y-%m-%d %H:%M} UTC" if one.first and one.last else ""
        print(f"  ingest again: {one.path or one.source} (sensor {one.sensor}): {one.events:,} events{span}", file=sys.stderr)
    if done.unknown:
        print(f"  and the inputs of {done.unknown:,} events, of which the lake no longer knows the names", file=sys.stderr)
    if done.notes:
        print(f"  {done.notes:,} rows of notes are lost: nothing can make them again", file=sys.stderr)
    if done.forgotten:
        print(
            f"  {done.forgotten:,} events of these batches had been forgotten: their logs bring them back; forget again then.",
            file=sys.stderr,
        )
    if aside is not None and aside.is_file():
        print(f"What could still be read of them is kept in {aside}; delete it when they are back.", file=sys.stderr)
