"""teiten scans: scan events (a source that tries a port of many destinations), or few hosts with many ports by country."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from teiten.cli import _output, _question

if TYPE_CHECKING:
    import polars as pl

    from teiten.engine.duckdb import Session
    from teiten.engine.filters import Filters
    from teiten.settings import Settings

NAME = "scans"
HELP = "scan events: which source tried which port of how many destinations, from when to when, how fast"
EXAMPLE = """  teiten scans --from 2026-05-01 --to 2026-05-02 --port 23/tcp
  teiten scans --by-country --period 2026-05-01
  teiten scans --output parquet --out scans.parquet darknet.pcap.gz"""

FILTERS = (
    "port",
    "protocol",
    "country",
    "asn",
    "src",
    "sensor",
    "group",
    "action",
    "kind",
    "tool",
    "scanner",
    "scanners",
    "spoofed",
)
_LEAST_WANTED = ("mark", "country", "lasted")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--by-country",
        action="store_true",
        help="instead: countries with few hosts that try very many ports, and with many hosts that try few",
    )
    _question.arguments(parser, FILTERS)


def main(args: argparse.Namespace) -> int:
    chosen = _question.settings_of(args)
    wanted = _question.filters_of(args, chosen, FILTERS)
    with _question.asked(args, chosen, wanted) as session:
        return _by_country(args, chosen, session, wanted) if args.by_country else _scans(args, chosen, session, wanted)


def _scans(args: argparse.Namespace, chosen: Settings, session: Session, wanted: Filters) -> int:
    import polars as pl

    from teiten.classify import observed, scans

    addresses = observed.addresses(session, wanted)
    rule = scans.Rule.of(chosen, addresses)
    rows = pl.concat([pl.DataFrame(schema=scans.SCAN), *scans.scans(session, wanted, rule)])
    whole = rows.height
    most = args.n or (_question.LISTED if args.output == "table" else None)
    if most:
        rows = rows.sort("packets", "start", "src_ip", "port", descending=[True, *[False] * 3]).head(most)
    rows = rows.sort("start", "src_ip", "protocol", "port")
    rows = rows.with_columns(pl.col("start", "end").dt.convert_time_zone(session.zone_name))
    if args.output == "table":
        lines = [_line(row) for row in _text(rows).iter_rows(named=True)]
        if lines:
            numbers = ("destinations", "packets", "a second", "lasted")
            _output.write_rows(_question.fitted(lines, _LEAST_WANTED, numbers), "table", args.out)
    else:
        _output.write_frames(iter([rows]), dict(rows.schema), args.output, args.out)
    told = f"{whole:,} scan events" + (f", the {rows.height} with the most packets" if rows.height < whole else "")
    print(
        f"{told}. a second: packets as if all of IPv4 had been watched (x {scans.WHOLE / addresses:,.0f}:"
        f" {addresses:,} addresses are observed); {rule.rate:g} at least, {rule.destinations} destinations at least.",
        file=sys.stderr,
    )
    return 0


def _text(rows: pl.DataFrame) -> pl.DataFrame:
    from teiten import frame

    return frame.addresses_as_text(rows)


def _line(row: dict[str, Any]) -> dict[str, str]:
    from teiten.engine.filters import thing_text

    marks = [name for name in ("mirai", "masscan", "zmap") if 2 * row[name] > row["packets"]]
    return {
        "start": f"{row['start']:%Y-%m-%d %H:%M}",
        "lasted": _question.lasted((row["end"] - row["start"]).total_seconds()),
        "src_ip": row["src_ip"],
        "country": row["country"] or "-",
        "port": row["traffic"] if row["port"] is None else thing_text(row["protocol"], row["port"]),
        "destinations": f"{row['destinations']:,}",
        "packets": f"{row['packets']:,}",
        "a second": "-" if row["rate"] is None else f"{row['rate']:,.0f}",
        "mark": " ".join(marks) or "-",
    }


def _by_country(args: argparse.Namespace, chosen: Settings, session: Session, wanted: Filters) -> int:
    from teiten.classify import few_many
    from teiten.data import countries

    found = few_many.by_country(session, chosen, wanted)
    rows = found[: args.n or (_question.LISTED if args.output == "table" else None)]
    if args.output != "table":
        _output.write_rows(rows, args.output, args.out, columns=few_many.COLUMNS)
        return 0
    lines = [
        {
            "country": _question.cut(countries.name(row["country"], chosen.language), 14),
            "pattern": row["pattern"],
            "packets": f"{row['packets']:,}",
            "hosts": f"{row['hosts']:,}",
            "many ports": f"{row['hosts_many']:,}",
            "their tries": _percent(row["tries_many"], row["tries"]),
            "few ports": f"{row['hosts_few']:,}",
        }
        for row in rows
    ]
    if lines:
        numbers = ("packets", "hosts", "many ports", "their tries", "few ports")
        _output.write_rows(_question.fitted(lines, ("few ports",), numbers), "table", args.out)
    many, few = round(chosen.threshold("many_ports")), round(chosen.threshold("few_ports"))
    print(
        f"many ports: hosts with {many} or more; their tries: their share of all pairs of a host and a port;"
        f" few ports: hosts with {few} at most.",
        file=sys.stderr,
    )
    return 0


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"
