"""teiten forget: all that the lake holds of an address or prefix, out of it for good."""

from __future__ import annotations

import argparse
import ipaddress
import sys
from typing import TYPE_CHECKING, Any

from teiten.cli import _common
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.lake import Lake
    from teiten.lake.forget import Held, Network
    from teiten.settings import Settings

NAME = "forget"
HELP = "take all that the lake holds of an address or prefix out of it, for good"
EXAMPLE = "  teiten forget 192.0.2.7\n  teiten forget 2001:db8:1::/48 --yes\n  teiten forget 198.51.100.1 --destination"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS|PREFIX", help="whom: the source of the events that go")
    parser.add_argument("--destination", action="store_true", help="the events to that destination go instead")
    parser.add_argument("--yes", action="store_true", help="do not ask back")
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    parser.add_argument("--tz", metavar="ZONE", help="zone in which times are shown")
    _common.add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten import settings
    from teiten.lake import Lake
    from teiten.notify import kept

    network = _network(args.address)
    chosen = settings.load(config=args.config, zone=args.tz, lake=args.lake)
    lake = Lake.open(chosen.lake)
    if lake.is_forgetting():
        print("An earlier teiten forget was interrupted; it is completed first.", file=sys.stderr)
        with lake.writer():
            pass
    held = lake.look_for(network, destination=args.destination)
    _show(held, args, chosen.zone, lake)
    named = 0 if args.destination else _named(chosen, network)
    told = 0 if args.destination else kept.holds(lake.path, network)
    if named:
        print(f"  The cache of looked-up names knows {named:,} such addresses: they go too.", file=sys.stderr)
    if told:
        print(f"  Operators were told of such addresses {told:,} times: the record of it goes too.", file=sys.stderr)
    if held.nothing and not named and not told:
        return 0
    if not args.yes and not _asked():
        print("Nothing was changed.", file=sys.stderr)
        return 1
    if not held.nothing:
        gone = lake.forget(network, destination=args.destination)
        print(f"Taken out: {_counts(gone)}.", file=sys.stderr)
    if told:
        print(f"Taken out of who was told of what: {kept.forget(lake.path, network):,} times.", file=sys.stderr)
    if named:
        count = _named(chosen, network, forget=True)
        print(f"Taken out of the cache of names: {count:,} addresses.", file=sys.stderr)
    return 0


def _named(chosen: Settings, network: Network, *, forget: bool = False) -> int:
    """How many of those addresses the cache of looked-up names knows, or knew."""
    from teiten.classify import ptr

    place = ptr.place(chosen)
    if not place.is_file():
        return 0
    with ptr.Cache(place, write=forget) as cache:
        return cache.forget(network) if forget else len(cache.inside(network))


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise UsageError(f"'{text}' is no address or prefix.", hint="Write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32.") from None


def _asked() -> bool:
    """Does somebody at a terminal want it? UsageError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise UsageError("Nobody can be asked back here.", hint="Give --yes, if you are sure: it cannot be undone.")
    print("Take this out of the lake? It cannot be undone. [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _show(held: Held, args: argparse.Namespace, zone: Any, lake: Lake) -> None:
    side = "destination" if args.destination else "source"
    if held.nothing:
        print(f"The lake {lake.path} holds nothing of {args.address} as a {side}.", file=sys.stderr)
    else:
        print(f"The lake {lake.path} holds of {args.address}, as a {side}: {_counts(held)}.", file=sys.stderr)
    if held.events:
        times = " to ".join(f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in (held.first, held.last))
        sensors = ", ".join(sorted(held.sensors)[:5]) + (", ..." if len(held.sensors) > 5 else "")
        files = f"{len(held.files):,} {'file that is' if len(held.files) == 1 else 'files that are'} written anew"
        print(f"  The events are of {times} ({sensors}), in {files}.", file=sys.stderr)
    if held.quoted:
        print(f"  {held.quoted:,} events of others quote it in an ICMP error: they stay, without its address.", file=sys.stderr)
    if held.others:
        other = "as their source" if args.destination else "as their destination"
        more = "without --destination" if args.destination else "with --destination"
        print(f"  {held.others:,} events have it {other}: they stay ({more} they go).", file=sys.stderr)
    if held.inputs:
        print(f"  It stands in names of your log files, which stay: {', '.join(sorted(held.inputs)[:3])}.", file=sys.stderr)
    print(
        "  Out of reach: reports that were made or published, your log files and lists, a station's spool (what came in, as it"
        " came,\n  for as long as `keep` says), copies. The lake keeps keyed hashes of the lines, so that the same log does not"
        " bring them\n  back; new lines come in, and a lake made anew from the spool has them again.",
        file=sys.stderr,
    )


def _counts(held: Held) -> str:
    parts = [f"{held.events:,} {'event' if held.events == 1 else 'events'}"]
    for count, one, many in (
        (held.quoted, "quotation", "quotations"),
        (held.verdicts, "verdict", "verdicts"),
        (held.notes, "note", "notes"),
        (held.detections, "detection or story", "detections and stories"),
        (held.devices, "evidence on devices", "pieces of evidence on devices"),
        (held.samples, "kept line", "kept lines"),
    ):
        if count:
            parts.append(f"{count:,} {one if count == 1 else many}")
    return ", ".join(parts)
