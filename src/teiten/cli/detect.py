"""teiten detect: what changed, day by day: stories made, kept and listed."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from teiten.cli import _change, _common, _output, _question
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.detect.kept import Result
    from teiten.detect.model import Story
    from teiten.lake import Lake
    from teiten.settings import Settings

NAME = "detect"
HELP = "what changed, day by day: stories of bursts, new ports, rises, the own line, made, kept and listed"
EXAMPLE = """\
  teiten detect
  teiten detect --from 2026-05-01 --to 2026-06-01
  teiten detect --day 2026-05-07 --again
  teiten detect --output json --out stories.json"""

COLUMNS = (
    "day", "id", "state", "kind", "ports", "country", "asn", "sensor", "group", "first", "last", "times", "peak", "peak_day",
    "rank", "rank_before", "days", "again", "score", "confidence", "verdict", "because",
)  # fmt: skip
_LEAST_WANTED = ("days", "sure", "since")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--day", metavar="DAY", help="the stories of this day (default: the last one)")
    parser.add_argument("--from", dest="start", metavar="DAY", help="the stories of the days from this one on, each once")
    parser.add_argument("--to", dest="end", metavar="DAY", help="up to, and without, this day")
    parser.add_argument("--kind", metavar="KIND", help="only of these kinds, with commas between: burst, new_port, ...")
    parser.add_argument("--all", action="store_true", help="those that are over and were told, too")
    parser.add_argument("--again", action="store_true", help="make these days anew even where nothing has changed")
    parser.add_argument("-n", type=int, metavar="N", help="at most N, the most telling")
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    parser.add_argument("--tz", metavar="ZONE", help="zone of the days (default: as configured)")
    parser.add_argument("--lang", choices=("ja", "en"), help="language of names in the table")
    _output.add_output(parser)
    _common.add_engine(parser)
    _common.add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten import settings
    from teiten.detect import kept
    from teiten.lake import Lake

    if args.n is not None and args.n < 1:
        raise UsageError(f"-n {args.n} shows nothing.", hint="Give 1 or more.")
    if args.day and (args.start or args.end):
        raise UsageError("--day and --from or --to exclude each other.", hint="Give the one or the others.")
    chosen = settings.load(config=args.config, zone=args.tz, language=args.lang, lake=args.lake, engine=args.engine)
    kinds = _kinds(args.kind)
    lake = Lake.open(chosen.lake)
    wanted = _days(args, lake, chosen)
    progress = _common.Progress("detecting")
    try:
        done = kept.refresh(
            lake,
            chosen,
            wanted,
            lambda made, whole: progress.show(made, f"{made:,} of {whole:,} days"),
            again=args.again,
            whole=True,
            processes=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        )
    finally:
        progress.clear()
    found = kept.span(lake, chosen, wanted)
    told = [one for one in _once(found) if (args.all or one.state != "resting") and (not kinds or one.kind in kinds)]
    _show(args, chosen, told)
    _tell(args, done, found, told, chosen)
    _tell_little(lake, chosen, wanted)
    return 0


def _tell_little(lake: Lake, chosen: Settings, wanted: Sequence[dt.date]) -> None:
    """Says where too few days come before for anything to be called unusual."""
    from teiten.detect import material

    least = round(chosen.threshold("detect_days"))
    before = [day for day in material.days(lake, chosen) if wanted and day < wanted[-1]]
    came = "1 day comes" if len(before) == 1 else f"{len(before)} days come"
    if wanted and len(before) < least:
        print(
            f"Too little data to say what is usual: {came} before {wanted[-1]}, and {least} are needed (detect_days).",
            file=sys.stderr,
        )


def _kinds(text: str | None) -> set[str]:
    from teiten.detect.model import MEANINGS

    kinds = {one.strip() for one in (text or "").split(",") if one.strip()}
    if unknown := sorted(kinds - MEANINGS.keys()):
        raise UsageError(f"'{unknown[0]}' is no kind of detection.", hint=f"Choose among {', '.join(MEANINGS)}.")
    return kinds


def _days(args: argparse.Namespace, lake: Lake, chosen: Settings) -> list[dt.date]:
    """The days that are asked for: those of the span, else the last one that the lake has. All of the lake are made for it."""
    from teiten.detect import material

    there = material.days(lake, chosen)
    first, after = (_day(text) for text in (args.start or args.day, args.end))
    if args.day and first is not None:
        after = first + dt.timedelta(days=1)
    if first is None and after is None:
        return there[-1:]
    if first is not None and after is not None and after <= first:
        raise UsageError(f"--from {first} is not before --to {after}.", hint="--from is included, --to is not.")
    return [day for day in there if (first is None or day >= first) and (after is None or day < after)]


def _day(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"'{text}' is no day.", hint="Write it as 2026-05-01.") from None


def _once(found: dict[dt.date, list[Story]]) -> list[Story]:
    """Each story as it stands on the last of the days on which it was told, the latest days first."""
    out: dict[str, Story] = {}
    for day in sorted(found, reverse=True):
        for one in found[day]:
            known = out.get(one.id)
            if known is None or known.state == "resting":
                out[one.id] = one
    return sorted(out.values(), key=lambda one: one.day, reverse=True)


def _show(args: argparse.Namespace, chosen: Settings, told: Sequence[Story]) -> None:
    rows = [_row(one) for one in told[: args.n]]
    if args.output != "table":
        _output.write_rows(rows, args.output, args.out, columns=COLUMNS)
        return
    several = len({one.day for one in told}) > 1
    lines = [_line(one, chosen, several) for one in told[: args.n or (_question.LISTED if several else None)]]
    if lines:
        _output.write_rows(_question.fitted(lines, _LEAST_WANTED, ("times", "days")), "table", args.out)


def _row(one: Story) -> dict[str, Any]:
    from teiten.engine.filters import thing_text

    best = max((d.score for d in one.detections), default=None)
    return {
        **{name: getattr(one, name, None) for name in COLUMNS},
        "ports": ",".join(thing_text(*port) for port in one.about.ports) or None,
        "country": one.about.country,
        "asn": one.about.asn,
        "sensor": one.about.sensor,
        "group": one.about.group,
        "score": best,
        "confidence": next((d.confidence for d in one.detections if d.score == best), None),
    }


def _line(one: Story, chosen: Settings, several: bool) -> dict[str, str]:
    sure = max(one.detections, key=lambda d: d.score).confidence if one.detections else "-"
    return {
        **({"day": one.day.isoformat()} if several else {}),
        "id": one.id,
        "state": f"({one.verdict})" if one.verdict else one.state,
        "kind": one.kind,
        "about": _question.cut(_change.about_text(one.about, chosen, 2), 36),
        "since": f"{one.first.astimezone(chosen.zone):%m-%d %H:%M}",
        "times": "-" if one.times is None else f"x {one.times:,.1f}" if one.times < 100 else f"x {one.times:,.0f}",
        "days": str(one.days),
        "sure": sure,
    }


def _tell(
    args: argparse.Namespace, done: Result, found: dict[dt.date, list[Story]], told: Sequence[Story], chosen: Settings
) -> None:
    if done.trouble is not None:
        print(f"teiten: {len(done.stale):,} days wait to be made: {done.trouble} What follows is as it was.", file=sys.stderr)
    if done.days:
        first, last = min(done.days), max(done.days)
        print(f"{len(done.days):,} days made ({first} to {last}, {chosen.zone_name})", file=sys.stderr)
    most = args.n or (_question.LISTED if args.output == "table" and len({one.day for one in told}) > 1 else None)
    if most and len(told) > most:
        print(f"The {most} latest and most telling of {len(told):,}; -n {len(told)} shows all.", file=sys.stderr)
    if told:
        print("times: how many times the usual. teiten explain ID says why.", file=sys.stderr)
    else:
        print(
            "Nothing has changed that stands out." if found or done.days else "There is nothing in that time.", file=sys.stderr
        )
