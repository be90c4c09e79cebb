"""teiten geo: which country and AS data there are, the user's own, and what they say of an address."""

from __future__ import annotations

import argparse
import datetime as dt
import ipaddress
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teiten.cli._common import add_settings
from teiten.cli._output import add_output, write_rows
from teiten.errors import TeitenError, UsageError

if TYPE_CHECKING:
    from teiten.enrich.datasets import DataSet

NAME = "geo"
HELP = "country and AS data: what there is and how old, your own MMDB or CSV, what they say of an address"
EXAMPLE = """\
  teiten geo status
  teiten geo import GeoLite2-Country.mmdb
  teiten geo import dbip-country-ipv4.csv dbip-country-ipv6.csv --name dbip-lite --date 2026-11-01
  teiten geo lookup 192.0.2.1 2001:db8::1"""


def arguments(parser: argparse.ArgumentParser) -> None:
    subs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    status = subs.add_parser("status", help="the data sets with their dates, ages, sizes and licences")
    add_output(status)
    bring = subs.add_parser("import", help="take your own MMDB or CSV files as a data set")
    bring.add_argument("files", nargs="+", metavar="FILE", help="files that make up one data set (IPv4 and IPv6, say)")
    bring.add_argument("--name", help="what to call it (default: as the file says)")
    bring.add_argument("--date", metavar="YYYY-MM-DD", help="its day (default: as the file says, else its modification time)")
    bring.add_argument("--kind", choices=("country", "asn"), help="take only this of a file that tells both")
    lookup = subs.add_parser("lookup", help="what each data set says of addresses")
    lookup.add_argument("addresses", nargs="+", metavar="ADDRESS")
    lookup.add_argument("--lang", choices=("ja", "en"), help="language of the countries' names")
    add_settings(lookup)
    add_output(lookup)


def main(args: argparse.Namespace) -> int:
    if args.action == "status":
        return _status(args)
    if args.action == "import":
        return _import(args)
    return _lookup(args)


def _status(args: argparse.Namespace) -> int:
    from teiten.enrich import datasets

    today = dt.datetime.now(dt.UTC).date()
    rows = [_row(data, today) for data in datasets.catalogue()]
    if args.output == "table":
        rows = [{k: v for k, v in row.items() if k not in ("names", "source", "folder")} for row in rows]
    write_rows(rows, args.output, args.out)
    for kind in datasets.KINDS:
        known = datasets.of_kind(kind)
        if not known:
            print(f"There are no {kind} data: install teiten again, or import your own.", file=sys.stderr)
        elif today - known[-1].date > datasets.OLD_AFTER:
            age = (today - known[-1].date).days
            print(
                f"The newest {kind} data are {age} days old: addresses change hands. teiten geo import FILE takes newer.",
                file=sys.stderr,
            )
    return 0


def _row(data: DataSet, today: dt.date) -> dict[str, Any]:
    return {
        "kind": data.kind,
        "name": data.name,
        "date": data.date.isoformat(),
        "age_days": (today - data.date).days,
        "ipv4": data.entries.get("v4", 0),
        "ipv6": data.entries.get("v6", 0),
        "names": data.entries.get("names", 0),
        "licence": data.licence,
        "whose": "yours" if data.own else "package",
        "source": data.source,
        "folder": str(data.folder),
    }


def _import(args: argparse.Namespace) -> int:
    from teiten.enrich import datasets, importing

    date = None
    if args.date:
        try:
            date = dt.date.fromisoformat(args.date)
        except ValueError:
            raise UsageError(f"'{args.date}' is no day.", hint="Write --date like 2026-11-01.") from None
    if sys.stderr.isatty():
        print("Reading and packing; half a million entries take some ten seconds.", file=sys.stderr)
    try:
        made = importing.import_files(
            [Path(f) for f in args.files],
            name=args.name,
            date=date,
            kind=args.kind,
            say=lambda text: print(text, file=sys.stderr),
        )
    except OSError as error:
        raise TeitenError(
            f"{error.filename or datasets.user_folder()} cannot be written: {error.strerror}.",
            hint="Name another place in $TEITEN_DATA.",
        ) from None
    for data in made:
        v4, v6 = data.entries["v4"], data.entries["v6"]
        print(f"{data.kind} {data.id}: {v4:,} stretches of IPv4, {v6:,} of IPv6, in {data.folder}", file=sys.stderr)
    print(
        "Events ingested from now on take the newest data not later than their own day; stored ones stay as they are.",
        file=sys.stderr,
    )
    return 0


def _lookup(args: argparse.Namespace) -> int:
    from teiten import settings
    from teiten.data import countries
    from teiten.enrich import datasets, geo

    language = settings.load(config=args.config, language=args.lang).language
    packed = []
    for text in args.addresses:
        try:
            packed.append(ipaddress.ip_address(text))
        except ValueError:
            raise UsageError(f"'{text}' is no address.", hint="Write one like 192.0.2.1 or 2001:db8::1.") from None
    rows = []
    for address in packed:
        for data in datasets.catalogue():
            code, text = geo.lookup(address.packed, data)
            country = data.kind == "country"
            rows.append(
                {
                    "address": str(address),
                    "data": data.id,
                    "country": text if country else None,
                    "asn": code if code and not country else None,
                    "name": countries.name(text, language) if country else text,
                }
            )
    write_rows(rows, args.output, args.out)
    return 0
