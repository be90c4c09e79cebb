"""teiten devices survey: what would be asked is shown; what is permitted is asked."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from teiten.cli import _common, _output
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.settings import Settings


def run(args: argparse.Namespace, chosen: Settings) -> int:
    """UsageError without a permission that holds today; nothing is asked then."""
    from teiten import classify
    from teiten.devices.survey import permission, running, talking
    from teiten.engine import open_session
    from teiten.lake import Lake

    if not args.permission:
        raise UsageError(
            "A survey asks nobody without a written permission.",
            hint="Give --permission FILE; the guide says what stands in it.",
        )
    if not 0 < args.per_second <= running.QUICKEST:
        raise UsageError(f"--per-second {args.per_second:g} is no pace of a survey.", hint=f"At most {running.QUICKEST:g}.")
    if args.most < 1:
        raise UsageError(f"--most {args.most} asks nobody.")
    path = Path(args.permission)
    allowed = permission.read(path)
    book = path.with_name(path.name + ".asked.jsonl")
    lake = Lake.open(chosen.lake)
    judged = classify.refresh(lake, chosen, None)
    if judged.trouble is not None:
        _common.show_verdicts(judged)
    with open_session(lake, chosen) as session:
        found = running.plan(session, allowed, book, args.most)
    asked = ", ".join(one.text for one in talking.QUESTIONS)
    lines = [
        f"Permitted by {allowed.by} ({allowed.reference}), {allowed.first} to {allowed.last}; contact told: {allowed.contact}",
        f"{found.sources:,} sources of the last day: {len(found.asked):,} are asked"
        + "".join(f", {n:,} not ({why})" for why, n in found.left_out.most_common()),
        f"Each of them: {asked}; at most {args.per_second:g} connections a second.",
    ]
    if args.dry_run:
        agent = talking.Caller(allowed, lambda: None).agent
        lines += [f"User-Agent: {agent}", *(f"  {address}" for address in found.asked), "Nothing was asked (--dry-run)."]
        _output.write_text(lines, args.out)
        return 0
    for line in lines:
        print(line, file=sys.stderr)
    progress = _common.Progress("asking", len(found.asked) or None)
    try:
        result = running.run(lake, allowed, found.asked, book, per_second=args.per_second, progress=progress.show)
    finally:
        progress.clear()
    print(
        f"Asked {result.asked:,}, of which {result.answered:,} answered: {result.rows:,} rows of evidence, "
        f"{result.connections:,} connections. Who was asked stands in {book}.",
        file=sys.stderr,
    )
    return 0
