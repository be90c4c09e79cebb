"""teiten simulate: labelled traffic to try, test and measure with."""

from __future__ import annotations

import argparse
import datetime as dt
import sys

from teiten.errors import UsageError

NAME = "simulate"
HELP = "write simulated logs or captures, the truth about every line or packet, and the teiten.toml of their sensors"
EXAMPLE = """\
  teiten simulate --scenario home --seed 1 --start 2026-04-01 --days 61 --out try
  teiten ingest --config try/teiten.toml try
  teiten simulate --scenario march2019 --out march
  teiten simulate --scenario overview2019 --out october
  teiten simulate --scenario telescope --prefix 44.11.38.0/24 --days 3 --events 500000 --out dark
  teiten simulate --scenario telescope --days 1 --write pcap,log --out both
  teiten simulate --scenario telescope --prefix 2001:db8:38::/64 --days 7 --out six"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scenario",
        default="home",
        metavar="home|sensors|march2019|overview2019|telescope",
        help="one household line; many sensors; February and March 2019 as a blog told of them; five weeks up to "
        "22 October 2019 as a daily overview told of them; captures of a dark prefix (default: home)",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed gives the same files (default: 1)")
    parser.add_argument("--start", metavar="DAY", help="first day, in Japan (default: 2026-04-01, or the scenario's own)")
    parser.add_argument("--days", type=int, metavar="D", help="how many days (default: 30, telescope 7, or the scenario's own)")
    parser.add_argument("--events", type=int, metavar="N", help="about that many packets in all (default: as on a real line)")
    parser.add_argument(
        "--sensors", type=int, default=10, metavar="N", help="how many sensors the scenario 'sensors' has (default: 10)"
    )
    parser.add_argument(
        "--prefix",
        metavar="PREFIX",
        help="the dark prefix of the scenario 'telescope', /16 to /28, or /48 to /64 of IPv6 (default: 44.11.38.0/24)",
    )
    parser.add_argument(
        "--write",
        metavar="pcap|log|pcap,log",
        help="captures, the kernel's log, or both of the same packets (default: home and sensors log, telescope pcap)",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="a new or empty folder")


def main(args: argparse.Namespace) -> int:
    from teiten import simulate
    from teiten.cli._common import Progress

    try:
        start = dt.date.fromisoformat(args.start) if args.start else None
    except ValueError:
        raise UsageError(f"'{args.start}' is no day.", hint="Write --start like 2026-04-01.") from None
    progress, done = Progress("simulating"), 0

    def wrote(lines: int) -> None:
        nonlocal done
        done += lines
        progress.show(0, f"{done:,} lines")

    made = simulate.run(
        args.scenario,
        args.seed,
        start,
        args.days,
        args.events,
        args.out,
        n_sensors=args.sensors,
        prefix=args.prefix,
        kinds=[word.strip() for word in args.write.split(",")] if args.write else (),
        progress=wrote,
    )
    progress.clear()
    captures = sum(path.suffix == ".pcap" for path in made.paths)
    logs = len(made.paths) - captures
    what = f"{made.lines:,} lines, {made.events:,} events in {logs} log files" if logs else f"{made.events:,} packets"
    if captures:
        what += f" in {captures} captures" if not logs else f", and in {captures} captures"
    print(f"{what}; the truth is in {made.truth.parent}.", file=sys.stderr)
    # both kinds tell of the same packets: one of them goes into a lake
    where = made.paths[0].parent if captures and logs else made.config.parent
    print(f"Next: teiten ingest --config {made.config} {where}", file=sys.stderr)
    for path in made.paths:
        print(path)
    return 0
