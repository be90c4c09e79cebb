"""teiten watchlist: which lists of announced scanners there are, others' lists taken in, and what they say of an address."""

from __future__ import annotations

import argparse
import datetime as dt
import ipaddress
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teiten.cli._common import add_settings
from teiten.cli._output import add_output, write_rows
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.classify.lists import WatchList
    from teiten.classify.watchlists import Match, Watchlists

NAME = "watchlist"
HELP = "lists of announced scanners: which there are and how old, others' lists taken in, what they say of an address"
EXAMPLE = """\
  teiten watchlist status
  teiten watchlist import misp-warninglists/lists openfilters_cidr --date 2026-06-22
  teiten watchlist import scanners.txt --name campus --organisation "Campus CERT" --licence CC0-1.0
  teiten watchlist check 153.231.226.170 --on 2019-02-20
  teiten watchlist list NOTICE"""
_SHOWN_REJECTED = 5


def arguments(parser: argparse.ArgumentParser) -> None:
    subs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = subs.add_parser("list", help="the organisations, or the prefixes and names of those that are named")
    listed.add_argument("organisations", nargs="*", metavar="ORGANISATION", help="short name, as `list` shows it")
    listed.add_argument("--on", metavar="YYYY-MM-DD", help="what counts on that day (default: the newest lists, whatever day)")
    _last(listed)
    status = subs.add_parser("status", help="the lists with their versions, ages, licences and counts")
    status.add_argument("--all", action="store_true", help="older versions too")
    _last(status)
    check = subs.add_parser("check", help="what the lists say of an address")
    check.add_argument("address", metavar="ADDRESS", help="an IPv4 or IPv6 address")
    check.add_argument("--on", metavar="YYYY-MM-DD", help="the day (default: today; what is not valid then is shown too)")
    check.add_argument("--ptr", metavar="NAME", help="the address's PTR name, where you know it; no name server is asked")
    _last(check)
    bring = subs.add_parser("import", help="take others' lists: MISP, OpenFilters, CSV, a prefix a line, our own schema")
    bring.add_argument(
        "paths", nargs="+", metavar="PATH", help="files and folders: */list.json, cidr/*.txt, *.txt, .csv, .toml"
    )
    bring.add_argument("--name", help="what to call the list (default: as the files say)")
    bring.add_argument("--organisation", help="whose the prefixes are, where the files do not say (default: the file's name)")
    bring.add_argument("--licence", help="the list's licence (default: as the files say)")
    bring.add_argument(
        "--date", metavar="YYYY-MM-DD", help="day of lists that state none (default: their files' modification time)"
    )
    bring.add_argument("--page", metavar="URL", help="the organisation's page about its scans")
    bring.add_argument("--allow-broad", action="store_true", help="take prefixes as broad as /0 to /7 (IPv6: /15) too")
    _last(bring)


def _last(parser: argparse.ArgumentParser) -> None:
    add_settings(parser)
    add_output(parser)


def main(args: argparse.Namespace) -> int:
    return {"list": _list, "status": _status, "check": _check, "import": _import}[args.action](args)


def _lists(args: argparse.Namespace) -> Watchlists:
    from teiten import settings
    from teiten.classify import watchlists

    return watchlists.load(settings.load(config=args.config))


def _day(text: str | None, flag: str) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is no day.", hint=f"Write {flag} like 2019-02-20.") from None


# list ---------------------------------------------------------------------------------------------------------------


def _list(args: argparse.Namespace) -> int:
    known = _lists(args)
    day = _day(args.on, "--on")
    if args.organisations:
        rows = [row for name in args.organisations for row in _prefixes(known, name, day)]
        if args.output == "table":
            rows = [{k: v for k, v in row.items() if k not in ("page", "licence", "version")} for row in rows]
        write_rows(rows, args.output, args.out, columns=[] if rows else list(_PREFIX))
        return 0
    chosen = known.newest() if day is None else known.of_day(day)
    rows = [
        _organisation(known, name, chosen)
        for name in sorted({o for one in chosen for o in one.organisations}, key=str.casefold)
    ]
    if args.output == "table":
        rows = [{k: v for k, v in row.items() if k not in ("en", "ja", "page")} for row in rows]
    write_rows(rows, args.output, args.out)
    return 0


_PREFIX = ("organisation", "prefix", "list", "version", "from", "to", "page", "licence")


def _prefixes(known: Watchlists, name: str, day: dt.date | None) -> list[dict[str, Any]]:
    matches = known.prefixes(name, day)
    return [dict(zip(_PREFIX, _said(m), strict=True)) for m in matches]


def _said(match: Match) -> tuple[Any, ...]:
    start, end = match.valid_from, match.valid_to
    return (
        match.organisation, match.prefix, match.list, match.list_version,
        start and start.isoformat(), end and end.isoformat(), match.page, match.licence,
    )  # fmt: skip


def _organisation(known: Watchlists, name: str, chosen: list[WatchList]) -> dict[str, Any]:
    about = known.organisations[name]
    entries = [(one, e) for one in chosen for e in one.entries if e.organisation == name]
    return {
        "organisation": name,
        "prefixes": sum(len(e.prefixes) for _, e in entries),
        "names": sum(len(e.names) for _, e in entries),
        "lists": len({one.name for one, _ in entries}),
        "page": about.page,
        "en": about.en,
        "ja": about.ja,
    }


# status -------------------------------------------------------------------------------------------------------------


def _status(args: argparse.Namespace) -> int:
    from teiten.classify.watchlists import OLD_AFTER

    known = _lists(args)
    today = dt.datetime.now(dt.UTC).date()
    newest = {(one.name, one.version) for one in known.newest()}
    rows = []
    for window in known.windows:
        one = window.list
        if args.all or (one.name, one.version) in newest:
            rows.append(
                {
                    "list": one.name,
                    "version": one.version,
                    "date": one.date.isoformat(),
                    "age_days": (today - one.date).days,
                    "organisations": len(one.organisations),
                    "prefixes": one.prefixes,
                    "names": one.patterns,
                    "whose": one.whose,
                    "licence": one.licence,
                    "used_from": window.first and window.first.isoformat(),
                    "used_to": window.last and window.last.isoformat(),
                    "source": one.source,
                    "file": str(one.file) if one.file else None,
                }
            )
    if args.output == "table":
        rows = [_narrow(row, args.all) for row in rows]
    write_rows(rows, args.output, args.out)
    own = [one for one in known.newest() if one.whose != "package"]
    old = [one for one in own if today - one.date > OLD_AFTER]
    if not own:
        print("Only the package's own lists are here. teiten watchlist import PATH takes in others'.", file=sys.stderr)
    elif old:
        oldest = min(old, key=lambda one: one.date)
        print(
            f"{len(old)} of your {len(own)} lists are older than {OLD_AFTER.days} days ({oldest.name}: {oldest.date}); "
            "addresses change hands. teiten watchlist import PATH takes newer.",
            file=sys.stderr,
        )
    return 0


def _narrow(row: dict[str, Any], versions: bool) -> dict[str, Any]:
    """What fits a terminal of 80 columns; the other formats have it all."""
    days = {"from": row["used_from"], "to": row["used_to"]} if versions else {"age": row["age_days"]}
    shown = {"list": _cut(row["list"], 24), "version": row["version"], **days, "prefixes": row["prefixes"]}
    return shown if versions else shown | {"names": row["names"], "licence": _cut(row["licence"] or "-", 10)}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


# check --------------------------------------------------------------------------------------------------------------


def _check(args: argparse.Namespace) -> int:
    try:
        address = ipaddress.ip_address(args.address.strip())
    except ValueError:
        raise UsageError(f"'{args.address}' is no address.", hint="Write one like 192.0.2.1 or 2001:db8::1.") from None
    known = _lists(args)
    today = dt.datetime.now(dt.UTC).date()
    day = _day(args.on, "--on") or today
    found = known.match(address.packed, day)
    if args.ptr:
        found += known.match_name(args.ptr, day)
    rows = [_checked(str(address), day, match, True) for match in found]
    told = {_key(match) for match in found}
    if args.on is None:
        rows += [
            _checked(str(address), day, match, False) for match in known.match_ever(address.packed) if _key(match) not in told
        ]
    if args.output == "table":
        if rows:
            _tell(str(address), day, rows)
        else:
            print(f"{address} is on no list ({day.isoformat()}).")
        return 0
    write_rows(rows, args.output, args.out, columns=_CHECK)
    return 0


_CHECK = (
    "address", "day", "valid", "organisation", "list", "version", "list_date", "prefix", "by",
    "from", "to", "page", "licence", "confidence",
)  # fmt: skip


def _key(match: Match) -> tuple[str, ...]:
    return (match.organisation, match.list, match.list_version, match.prefix)


def _checked(address: str, day: dt.date, match: Match, valid: bool) -> dict[str, Any]:
    organisation, prefix, name, version, start, end, page, licence = _said(match)
    values = (
        address, day.isoformat(), valid, organisation, name, version, match.list_date.isoformat(), prefix,
        "name" if match.by_name else "prefix", start, end, page, licence, match.confidence,
    )  # fmt: skip
    return dict(zip(_CHECK, values, strict=True))


def _tell(address: str, day: dt.date, rows: list[dict[str, Any]]) -> None:
    """A paragraph for each statement: they are few, and their pages are long."""
    if not any(row["valid"] for row in rows):
        print(f"{address} is on no list that is valid on {day.isoformat()}; on another day it was:")
    for row in rows:
        ends = (f"from {row['from']}," if row["from"] else "", f"to {row['to']}" if row["to"] else "no end stated")
        when = " ".join(ends).strip() if row["from"] or row["to"] else "not stated"
        print(f"{address}  {row['organisation']}  {'valid' if row['valid'] else 'not valid'} on {row['day']}")
        print(f"  {row['by'] + ':':<11}{row['prefix']}")
        print(f"  list:      {row['list']} {row['version']} (of {row['list_date']}, {row['licence'] or 'licence not stated'})")
        print(f"  validity:  {when}; confidence {row['confidence']:.1f}")
        print(f"  page:      {row['page'] or 'none stated'}")


# import -------------------------------------------------------------------------------------------------------------


def _import(args: argparse.Namespace) -> int:
    from teiten.classify import importing, watchlists

    wishes = importing.Wishes(
        name=_name(args.name),
        organisation=args.organisation,
        licence=args.licence,
        date=_day(args.date, "--date"),
        page=args.page,
        allow_broad=args.allow_broad,
    )
    folder = watchlists.user_folder()
    made, rejected = importing.import_files(
        [Path(p) for p in args.paths], wishes, folder, lambda text: print(text, file=sys.stderr)
    )
    for one in rejected[:_SHOWN_REJECTED]:
        print(f"rejected: {one}", file=sys.stderr)
    if len(rejected) > _SHOWN_REJECTED:
        print(f"rejected: {len(rejected) - _SHOWN_REJECTED:,} more", file=sys.stderr)
    rows = [
        {
            "list": one.name,
            "version": one.version,
            "date": one.date.isoformat(),
            "organisations": len(one.organisations),
            "prefixes": one.prefixes,
            "names": one.patterns,
            "licence": one.licence,
        }
        for one in made
    ]
    if args.output == "table":
        rows = [row | {"list": _cut(str(row["list"]), 24), "licence": _cut(str(row["licence"] or "-"), 10)} for row in rows]
        rows = [{k: v for k, v in row.items() if k != "organisations"} for row in rows]
    write_rows(rows, args.output, args.out)
    prefixes = sum(one.prefixes for one in made)
    print(f"{prefixes:,} prefixes in {len(made)} lists kept in {folder}; {len(rejected):,} rejected.", file=sys.stderr)
    print("The next ingest or report judges the days again that they change.", file=sys.stderr)
    return 0


def _name(text: str | None) -> str | None:
    import re

    from teiten.classify import lists

    if text is not None and not re.fullmatch(lists.NAMES_ALLOWED, text):
        raise UsageError(f"'{text}' cannot name a list.", hint="Use small letters, digits, dots and hyphens, 60 at most.")
    return text
