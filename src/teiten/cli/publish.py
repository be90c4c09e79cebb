"""teiten publish: the public site, made from the lake under the rules [publish]; what would go out; is a site whole?"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teiten.cli import _common
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.settings import Settings
    from teiten.site.plan import Plan

NAME = "publish"
HELP = "make the public site: overview, reports, weekly graphs, ports, what changed, feeds, data, under rules that hide sensors"
EXAMPLE = """  teiten publish --dry-run
  teiten publish --out public
  teiten publish --check public"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", metavar="DIR", help="the site's folder; what is there is replaced in one step (default: teiten-site)"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would go out, and what the rules take; nothing is written"
    )
    parser.add_argument("--check", metavar="DIR", help="look whether the site in DIR is whole, and names nobody's address")
    parser.add_argument("--today", metavar="DAY", help="publish as on that day (default: today, in the settings' zone)")
    parser.add_argument("--lake", metavar="DIR", help="the lake (default: teiten-lake)")
    _common.add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten import settings

    found = settings.load(config=args.config, lake=args.lake)
    if args.check:
        if args.out or args.dry_run:
            raise UsageError("--check looks at a site and makes none.", hint="Leave out --out and --dry-run.")
        return _check(Path(args.check), found)
    return _make(args, found)


def _today(args: argparse.Namespace, found: Settings) -> Any:
    import datetime as dt

    if not args.today:
        return dt.datetime.now(found.zone).date()
    try:
        return dt.date.fromisoformat(args.today)
    except ValueError:
        raise UsageError(f"--today '{args.today}' is no day.", hint="Write it like 2026-11-23.") from None


def _make(args: argparse.Namespace, found: Settings) -> int:
    from teiten.lake import Lake
    from teiten.site import build
    from teiten.site.plan import plan

    begun = time.monotonic()
    out = Path(args.out or "teiten-site")
    build.manifest_of(out)
    counting = _common.Progress("counting")

    def told(done: int, days: int) -> None:
        counting.total = days
        counting.show(done, f"of {days} days")

    try:
        made = plan(Lake.open(found.lake), found, out, _today(args, found), told)
    finally:
        counting.clear()
    for text in made.warnings:
        print(f"teiten: {text}", file=sys.stderr)
    if args.dry_run:
        _dry(made)
        return 0
    drawing = _common.Progress("drawing", len(made.jobs))
    try:
        done = build.build(made.jobs, out, made.secret, made.about, lambda n, whole: drawing.show(n, f"{n} of {whole} pages"))
    finally:
        drawing.clear()
    more = f", {done.resumed} of an interrupted run" if done.resumed else ""
    print(
        f"{out / 'index.html'}: {done.drawn} pages drawn, {done.kept} as they were{more}; {done.files:,} files,"
        f" {done.size / 1e6:.1f} MB, in {time.monotonic() - begun:.1f} s; as of {made.about['last_day']}",
        file=sys.stderr,
    )
    return 0


def _dry(made: Plan) -> None:
    """What would go out, and what the rules took, over the last four weeks."""
    from teiten.site.plan import drawn_cells

    rules = made.about["rules"]
    print(f"As of {made.about['last_day']}; {made.about['sensors']} sensors; groups: {_groups(made)}.")
    print(
        f"Rules: at least {rules['least_packets']} packets and {rules['least_hosts']} hosts a day,"
        f" {rules['least_sensors']} sensors;"
        f" {rules['digits']} digits; {rules['delay']} days late; sensors as {rules['sensors']}, sources as {rules['sources']}."
    )
    print(f"{'of the last 28 days':<22}{'told':>8}{'withheld':>10}{'packets withheld':>18}{'single sensors':>16}")
    cells = drawn_cells(made.book)
    for what, taken in made.taken.items():
        name = {"port": "ports", "country": "countries", "asn": "asns", "source": "sources"}[what]
        whole = taken.packets or 1.0
        print(
            f"{name:<22}{cells.get(name, 0):>8,}{taken.withheld:>10,}{taken.packets_withheld / whole:>17.1%} "
            f"{taken.packets_settled / whole:>15.1%}"
        )
    print("'single sensors': packets of things that are told, which a sensor saw beyond the others, and which are left out.")
    print(f"Pages: {len(made.jobs)}. What such rules leave to a prober: docs/concepts/mapping.md, teiten bench mapping.")


def _groups(made: Plan) -> str:
    return ", ".join(f"{name or 'all'} ({len(own)})" for name, own in made.book.groups.items())


def _check(out: Path, found: Settings) -> int:
    from teiten.lake import Lake
    from teiten.site import check
    from teiten.site.plan import addresses

    secret = None
    if found.lake.is_dir():
        secret = addresses(Lake.open(found.lake), found)
    else:
        print(f"teiten: there is no lake {found.lake}, so sensors' addresses were not looked for.", file=sys.stderr)
    wrong = 0
    for text in check.check(out, secret):
        wrong += 1
        print(text)
    about = "" if secret is None else f" None of {len(secret):,} addresses is in it."
    print(f"{out}: {wrong} things are wrong." if wrong else f"{out} is whole.{about}", file=sys.stderr)
    return 1 if wrong else 0
