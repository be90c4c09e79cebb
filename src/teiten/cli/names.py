"""teiten names: PTR names of scanning sources, looked up (only where the settings allow it) and kept."""

from __future__ import annotations

import argparse
import datetime as dt
import ipaddress
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from teiten.cli import _common, _output, _question
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.classify.ptr import Answer, Cache
    from teiten.classify.resolver import Resolver
    from teiten.classify.watchlists import Watchlists
    from teiten.settings import Settings

NAME = "names"
HELP = "look up PTR names of scanning sources (off unless the settings allow it), and show what is known"
EXAMPLE = "  teiten names resolve --dry-run\n  teiten names resolve --from 2026-05-01 --limit 200\n  teiten names status"

FILTERS: Final = (
    "port", "protocol", "country", "asn", "src", "sensor", "group", "kind", "tool", "scanner", "scanners", "spoofed",
)  # fmt: skip
_KEEP_AT_ONCE: Final = 25
"""answers that go to disk together: what a kill may cost"""


def arguments(parser: argparse.ArgumentParser) -> None:
    subs = parser.add_subparsers(dest="action", metavar="resolve|status|list", required=True)
    ask = subs.add_parser("resolve", help="ask name servers for the names of scanning sources, and the names for theirs")
    ask.add_argument("--from", dest="start", metavar="T", help="sources seen from this day or time on")
    ask.add_argument("--to", dest="end", metavar="T", help="up to, and without, this day or time")
    ask.add_argument("--limit", type=int, default=500, metavar="N", help="ask about so many at most (default: 500)")
    ask.add_argument("--all-sources", action="store_true", help="not only about sources that behave as scanners do")
    ask.add_argument("--dry-run", action="store_true", help="show whom it would ask about, and ask nobody")
    group = ask.add_argument_group("filters (several values with commas between)")
    for name in FILTERS:
        group.add_argument(f"--{name}", metavar=name.upper(), help=_question.HELP[name])
    ask.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    status = subs.add_parser("status", help="how many names are known, how old they are, what failed, who would be asked")
    known = subs.add_parser("list", help="the names that were looked up, with their days")
    known.add_argument("--src", metavar="ADDRESS|PREFIX", help="of these addresses only")
    for one in (ask, status, known):
        _common.add_settings(one)
        _output.add_output(one)


def main(args: argparse.Namespace) -> int:
    return {"resolve": _resolve, "status": _status, "list": _list}[args.action](args)


# resolve ------------------------------------------------------------------------------------------------------------


def _resolve(args: argparse.Namespace) -> int:
    from teiten import settings
    from teiten.classify import ptr

    if args.limit < 1:
        raise UsageError(f"--limit {args.limit} leaves nobody to ask about.", hint="Give 1 or more.")
    chosen = settings.load(config=args.config, lake=args.lake)
    if not args.dry_run and not chosen.names.resolve:
        raise UsageError(
            "Looking up names is off: every question tells name servers, and often the scanner's own, what was seen here.",
            hint="See the guide; then write in teiten.toml: [names] resolve = true. --dry-run shows whom it would ask about.",
        )
    with ptr.Cache(ptr.place(chosen), write=not args.dry_run) as cache:
        wanted = _candidates(args, chosen, cache)
        if args.dry_run:
            rows = [{"address": a, "packets": n, "label": label} for a, n, label in wanted]
            _output.write_rows(rows, args.output, args.out, columns=["address", "packets", "label"])
            print(f"{len(rows):,} addresses would be asked about; nobody was asked.", file=sys.stderr)
            return 0
        if not wanted:
            print("There is nobody to ask about: no such source, or all were asked about lately.", file=sys.stderr)
            return 0
        resolver = _resolver(chosen)
        answers = _ask([ipaddress.ip_address(a).packed for a, _, _ in wanted], resolver, cache, chosen)
        gone = cache.prune(chosen.names.cache_addresses)
    _show(answers, resolver, gone, args, chosen)
    return 0


def _candidates(args: argparse.Namespace, chosen: Settings, cache: Cache) -> list[tuple[str, int, str | None]]:
    """Address, packets and label of those to ask about now."""
    import polars as pl

    from teiten import classify
    from teiten.classify import candidates
    from teiten.engine import filters
    from teiten.engine.duckdb import Session
    from teiten.lake import Lake

    wanted = filters.parse(chosen, start=args.start, end=args.end, **{name: getattr(args, name) for name in FILTERS})
    lake = Lake.open(chosen.lake)
    _common.show_verdicts(classify.refresh(lake, chosen))
    with Session(lake, chosen, start=wanted.start, end=wanted.end) as session:
        found = candidates.find(session, wanted, everyone=args.all_sources)
    settled = pl.Series("src_ip", list(cache.settled(dt.datetime.now(dt.UTC))), dtype=pl.Binary())
    due = found.join(settled.to_frame(), on="src_ip", how="anti", maintain_order="left")
    if due.height < found.height:
        print(f"{found.height - due.height:,} of {found.height:,} candidates were asked about lately.", file=sys.stderr)
    return [(str(ipaddress.ip_address(src)), packets, label) for src, packets, label in due.head(args.limit).iter_rows()]


def _resolver(chosen: Settings) -> Resolver:
    from teiten.classify import resolver

    how = chosen.names
    servers = [resolver.parse_server(text) for text in how.servers] or resolver.system_servers()
    return resolver.Resolver(servers, per_second=how.per_second, timeout=how.timeout, attempts=how.attempts)


def _ask(addresses: list[bytes], resolver: Resolver, cache: Cache, chosen: Settings) -> list[Answer]:
    """The answers in the order asked for, kept while they come, so that one who stops it, or kills it, loses few."""
    from teiten.classify.resolver import SILENT, look_up_all

    progress = _common.Progress("asking", len(addresses))
    out: list[Answer] = []
    waiting: list[Answer] = []
    silent: list[Answer] = []
    """of these it is not known yet whether they are to blame, or the way to the servers"""

    def keep() -> None:
        cache.keep(waiting, dt.datetime.now(dt.UTC), chosen.names.cache_days)
        waiting.clear()

    kept = time.monotonic()
    try:
        for answer in look_up_all(resolver, addresses):
            out.append(answer)
            if answer.why in SILENT:
                silent.append(answer)
            else:
                waiting += [*silent, answer]
                silent.clear()
            if len(waiting) >= _KEEP_AT_ONCE or time.monotonic() - kept > 1:
                keep()
                kept = time.monotonic()
            progress.show(len(out), f"{len(out):,} of {len(addresses):,} addresses")
        waiting += silent
    finally:
        progress.clear()
        keep()
    place = {address: n for n, address in enumerate(addresses)}
    return sorted(out, key=lambda one: place[one.address])


def _show(answers: list[Answer], resolver: Resolver, gone: int, args: argparse.Namespace, chosen: Settings) -> None:
    from teiten.classify import watchlists

    lists = watchlists.load(chosen)
    today = dt.datetime.now(dt.UTC).astimezone(chosen.zone).date()
    rows = [row for answer in answers for row in _rows(answer, lists, today)]
    _output.write_rows(rows, args.output, args.out, columns=["address", "status", "name", "confirmed", "organisation"])
    sure = sum(any(sure for _, sure in one.names) for one in answers)
    by = {status: sum(one.status == status for one in answers) for status in ("named", "none", "odd", "failed")}
    print(
        f"{len(answers):,} addresses, {resolver.tally.questions:,} questions: {by['named']:,} have names ({sure:,} confirmed),"
        f" {by['none']:,} none, {by['odd']:,} odd ones, {by['failed']:,} failed{_failures(resolver.tally.failures)}.",
        file=sys.stderr,
    )
    if gone:
        print(f"{gone:,} answers of old were dropped: cache_addresses is {chosen.names.cache_addresses:,}.", file=sys.stderr)
    if any(row["organisation"] and row["confirmed"] for row in rows):
        print("The next ingest or report judges the days again that this changes.", file=sys.stderr)


def _rows(answer: Answer, lists: Watchlists, day: dt.date) -> list[dict[str, Any]]:
    address = str(ipaddress.ip_address(answer.address))
    told = answer.why or answer.status
    if not answer.names:
        return [{"address": address, "status": told, "name": None, "confirmed": None, "organisation": None}]
    out = []
    for name, sure in answer.names:
        hit = next(iter(lists.match_name(name, day)), None)
        row = {"address": address, "status": told, "name": name, "confirmed": sure}
        out.append(row | {"organisation": hit.organisation if hit else None})
    return out


def _failures(counted: dict[str, int]) -> str:
    if not counted:
        return ""
    return f" (questions without an answer: {', '.join(f'{why} {n:,}' for why, n in sorted(counted.items()))})"


# status, list -------------------------------------------------------------------------------------------------------


def _status(args: argparse.Namespace) -> int:
    from teiten import settings
    from teiten.classify import ptr, resolver

    chosen = settings.load(config=args.config)
    with ptr.Cache(ptr.place(chosen)) as cache:
        told = cache.status(dt.datetime.now(dt.UTC))
    how = chosen.names
    servers = [str(resolver.parse_server(text)) for text in how.servers]
    row = {
        "resolve": how.resolve,
        "servers": ", ".join(servers) or "this machine's",
        "per_second": how.per_second,
        "cache": str(ptr.place(chosen)),
        **told,
        "failures": ", ".join(f"{why} {n}" for why, n in told["failures"].items()) or None,
    }
    if args.output == "table":
        _output.write_rows([{"what": key, "value": _value(value)} for key, value in row.items()], "table", args.out)
    else:
        _output.write_rows([row], args.output, args.out)
    return 0


def _value(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _list(args: argparse.Namespace) -> int:
    from teiten import settings
    from teiten.classify import ptr, watchlists
    from teiten.engine import filters

    chosen = settings.load(config=args.config)
    networks = filters.parse(chosen, src=args.src).src
    lists = watchlists.load(chosen)
    with ptr.Cache(ptr.place(chosen)) as cache:
        names = cache.names()
    rows = []
    for src, name, sure, first, last in names.iter_rows():
        address = ipaddress.ip_address(src)
        if networks and not any(address in network for network in networks):
            continue
        hit = next(iter(lists.match_name(name, last)), None)
        row = {"address": str(address), "name": name, "confirmed": sure, "first": first, "last": last}
        rows.append(row | {"organisation": hit.organisation if hit else None})
    _output.write_rows(rows, args.output, args.out, columns=["address", "name", "confirmed", "first", "last", "organisation"])
    return 0
