"""teiten federate: several lakes asked together: a key, counts that go, contributions that came, one report of all."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teiten.cli import _common
from teiten.errors import TeitenError, UsageError

if TYPE_CHECKING:
    from teiten.federation.exporting import Draft
    from teiten.periods import Period
    from teiten.settings import Settings

NAME = "federate"
HELP = (
    "several lakes asked together: a key, signed counts for the others, what came of them, one report with members side by side"
)
EXAMPLE = """  teiten federate key
  teiten federate export --dry-run
  teiten federate export --out outbox
  teiten federate merge inbox/*.teiten --store friends
  teiten federate report 2026-10 --store friends --lang en --out friends-october"""

STORE = "teiten-federation"


def arguments(parser: argparse.ArgumentParser) -> None:
    subs = parser.add_subparsers(dest="what", metavar="WHAT", required=True, help="what is to be done")
    key = subs.add_parser("key", help="your key: made where there is none, its public part shown for the list of members")
    key.add_argument("--new", action="store_true", help="make another one; the old one stays beside it, and signs no more")
    key.add_argument("--hosts", metavar="FILE", help="make the members' shared key for sketches of hosts instead")
    _common.add_settings(key)
    export = subs.add_parser("export", help="counts of settled days that are new or have changed, signed, as one file")
    export.add_argument("--out", metavar="DIR", help="folder for the file (default: teiten-outbox)")
    export.add_argument("--dry-run", action="store_true", help="show exactly what would go; nothing is written")
    export.add_argument("--from", dest="start", metavar="DAY", help="no day before this one")
    export.add_argument("--to", dest="end", metavar="DAY", help="no day after this one")
    export.add_argument("--again", action="store_true", help="the days as they are, told before or not")
    export.add_argument("--after", metavar="FILE", help="your last contribution, where this machine does not know of it")
    export.add_argument("--today", metavar="DAY", help="as on that day (default: today, in the settings' zone)")
    export.add_argument("--lake", metavar="DIR", help="the lake (default: teiten-lake)")
    _common.add_settings(export)
    merge = subs.add_parser("merge", help="look at members' files, and keep those that hold, each once")
    merge.add_argument("files", nargs="+", metavar="FILE", help="contributions, in whatever order")
    _store(merge)
    report = subs.add_parser("report", help="a report of a period: rankings, members side by side, who differs")
    report.add_argument("period", metavar="PERIOD", help="2026-10-22, 2026-W43, 2026-10, 2026-Q4 or 2026-10-01--2026-10-20")
    report.add_argument("--lang", choices=("ja", "en"), help="its language (default: that of the settings)")
    report.add_argument("--out", metavar="DIR", help="its folder (default: teiten-federation-report/PERIOD)")
    _common.add_settings(report)
    _store(report)


def _store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", metavar="DIR", default=STORE, help=f"where accepted contributions lie (default: {STORE})")
    parser.add_argument("--members", metavar="FILE", help="the list of members (default: members.toml in the store)")


def main(args: argparse.Namespace) -> int:
    return {"key": _key, "export": _export, "merge": _merge, "report": _report}[args.what](args)


def _key(args: argparse.Namespace) -> int:
    import base64

    from teiten import settings
    from teiten.federation import keys

    if args.hosts:
        made = keys.make_hosts(Path(args.hosts))
        print(f"{args.hosts}: key {made} for sketches; give it to members alone.", file=sys.stderr)
        return 0
    found = settings.load(config=args.config)
    signer = keys.make(new=args.new)
    name = found.federating.member or "your-name"
    print(f'[[member]]\nname = "{name}"\n[[member.key]]\npublic = "{base64.b64encode(signer.public).decode()}"')
    print(f"Key {signer.id}, in {keys.folder() / 'key'}. Keep a copy of that file; show it to nobody.", file=sys.stderr)
    return 0


def _day(text: str | None, flag: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"{flag} '{text}' is no day.", hint="Write it like 2026-11-23.") from None


def _export(args: argparse.Namespace) -> int:
    from teiten import settings
    from teiten.federation import exporting, keys
    from teiten.lake import Lake
    from teiten.site.plan import addresses

    found = settings.load(config=args.config, lake=args.lake)
    rules = found.federating
    exporting.check(rules)
    signer = keys.own()
    today = _day(args.today, "--today") or dt.datetime.now(found.zone).date()
    span = (_day(args.start, "--from"), _day(args.end, "--to"))
    lake = Lake.open(found.lake)
    counting = _common.Progress("counting")

    def told(done: int, days: int) -> None:
        counting.total = days
        counting.show(done, f"of {days} days")

    with exporting.chain(rules) as (path, links):
        if args.after:
            links = _after(Path(args.after), rules, signer, links)
        try:
            draft = exporting.draft(lake, found, signer, links, today, span, again=args.again, progress=told)
        finally:
            counting.clear()
        if not draft.days:
            print(f"Nothing is new: {draft.unchanged} settled days are as they were told.", file=sys.stderr)
            return 0
        made = dt.datetime.now(dt.UTC)
        name, data, link = exporting.sealed(found, signer, draft, links, made, addresses(lake, found))
        if args.dry_run:
            sys.stdout.write(data.decode("ascii"))
            _said(draft, found, f"{name} would go ({len(data):,} bytes, as above)", len(data))
            return 0
        place = exporting.put(Path(args.out or "teiten-outbox"), name, data, path, link)
    _said(draft, found, f"{place}: {len(data):,} bytes, number {link.sequence}", len(data))
    return 0


def _after(file: Path, rules: Any, signer: Any, links: list[Any]) -> list[Any]:
    from teiten.federation import exporting

    link = exporting.after(file, rules, signer)
    if links and link.sequence <= links[-1].sequence:
        raise UsageError(f"{file} is number {link.sequence}, and this machine has made number {links[-1].sequence} since.")
    return [*links, link]


def _said(draft: Draft, found: Settings, first: str, size: int) -> None:
    """What goes, what does not, and what it gives away."""
    from teiten.federation import exporting, keys, telling

    rules = found.federating
    print(f"{first}; {len(draft.days)} days, {draft.days[0]} to {draft.days[-1]}, {len(draft.rows):,} rows.", file=sys.stderr)
    for one in exporting.summary(draft):
        print(f"  {one['what']:<8} {one['told']:>7,} told, {one['withheld']:>7,} withheld", file=sys.stderr)
    print(
        f"  withheld: under {rules.least_packets} packets or {rules.least_hosts} hosts a day; figures of {rules.digits} digits;"
        f" no destination, no source, no sensor's name.",
        file=sys.stderr,
    )
    if size > keys.MIB << 20:
        print(
            f"  larger than the {keys.MIB} MiB that are taken of a member by default: whoever merges writes mib ="
            f" {-(-size >> 20)} beside your name in the list.",
            file=sys.stderr,
        )
    if rules.epsilon:
        print(
            f"  noise: epsilon {rules.epsilon:g} for a packet and day, a standard deviation of {telling.scale(rules):.1f};"
            f" a packet's own key shows with a chance of {telling.delta(rules):.2g}.",
            file=sys.stderr,
        )
    if rules.hosts == "sketch":
        print("  sketches: whoever has the members' key can test whether an address was seen.", file=sys.stderr)


def _merge(args: argparse.Namespace) -> int:
    from teiten import inert
    from teiten.federation import keys, store

    place = Path(args.store)
    listed = keys.members(Path(args.members) if args.members else place / store.LIST)
    done = store.accept(place, [Path(name) for name in args.files], listed, dt.datetime.now(dt.UTC))
    counts = {state: sum(1 for one in done if one.state == state) for state in ("accepted", "known", "refused")}
    for one in done:
        if one.state == "refused":
            print(inert.line(f"teiten: {one.why}"), file=sys.stderr)
    print(
        f"{place}: {counts['accepted']} accepted, {counts['known']} known already, {counts['refused']} refused.",
        file=sys.stderr,
    )
    return 1 if counts["refused"] else 0


def _period(text: str, found: Settings, zone: str) -> Period:
    from teiten import periods

    for kind in (*periods.KINDS, "span"):
        try:
            return periods.parse(kind, text, periods.zone(zone))
        except UsageError:
            continue
    raise UsageError(f"'{text}' names no period.", hint="Write it like 2026-10-22, 2026-W43, 2026-10 or 2026-Q4.")


def _report(args: argparse.Namespace) -> int:
    from teiten import settings
    from teiten.federation import store
    from teiten.federation.report import files
    from teiten.report import bundle

    found = settings.load(config=args.config, language=args.lang)
    held = store.load(Path(args.store), Path(args.members) if args.members else None)
    period = _period(args.period, found, held.members.zone)
    out = Path(args.out or f"teiten-federation-report/{period.name}")
    bundle.check_place(out)
    drawing = _common.Progress("drawing")

    def told(done: int, whole: int) -> None:
        drawing.total = whole
        drawing.show(done, f"{done} of {whole} pictures")

    try:
        made, watched = files(held, period, found, out, told)
    finally:
        drawing.clear()
    if not watched:
        days = sorted(day for one in held.contributions for day in one.head.days)
        known = f" What is here is of {days[0]} to {days[-1]}." if days else ""
        raise TeitenError(
            f"No member told anything of {period.name}.{known}", hint="'teiten federate merge FILE...' accepts what they sent."
        )
    bundle.write(made, out, ())
    print(f"{out / 'index.html'}: {watched} of {len(held.members.members)} members", file=sys.stderr)
    return 0
