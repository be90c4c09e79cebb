"""teiten attacks: attacks seen through backscatter, and DoS-like arrivals at a sensor's own services."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from teiten.cli import _output, _question
from teiten.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from teiten.engine.duckdb import Session
    from teiten.engine.filters import Filters
    from teiten.settings import Settings

NAME = "attacks"
HELP = "attacks seen by their victims' answers (backscatter), and DoS-like arrivals at the sensor's own services"
EXAMPLE = """  teiten attacks --from 2026-05-01 --to 2026-06-01
  teiten attacks --kind backscatter --port 80/tcp,443/tcp --output csv darknet.pcap.gz"""

KINDS = ("backscatter", "arrival")
FILTERS = ("port", "protocol", "country", "asn", "src", "sensor", "group")
COLUMNS = (
    "kind", "victim", "sensor", "country", "asn", "as_name", "answers", "ports", "start", "end", "seconds", "goes_on", "days",
    "packets", "per_minute", "rate", "port_count", "destinations", "responders", "sources", "together",
)  # fmt: skip
_LEAST_WANTED = ("dark", "answers", "country", "lasted")


def arguments(parser: argparse.ArgumentParser) -> None:
    _question.arguments(
        parser,
        FILTERS,
        port="of the victim or service: 80/tcp, 1-1023/tcp, icmp",
        country="the victim's (of arrivals: the sources')",
        asn="the victim's: AS4134",
        src="the victim's address or prefix",
    )
    parser.add_argument("--kind", metavar="KIND", help="backscatter, arrival (default: both)")


def main(args: argparse.Namespace) -> int:
    chosen = _question.settings_of(args)
    wanted = _question.filters_of(args, chosen, FILTERS)
    kinds = [k.strip() for k in (args.kind or ",".join(KINDS)).split(",")]
    if unknown := [k for k in kinds if k not in KINDS]:
        raise UsageError(f"'{unknown[0]}' is no kind of attack.", hint=f"Choose among {', '.join(KINDS)}.")
    with _question.asked(args, chosen, wanted) as session:
        rows = _rows(session, chosen, wanted, kinds)
    whole = rows.height
    most = args.n or (_question.LISTED if args.output == "table" else None)
    if most:
        rows = rows.sort("packets", "start", descending=[True, False]).head(most).sort("start", "kind", "victim", "sensor")
    if args.output == "table":
        _table(args, chosen, rows, whole, kinds)
    else:
        _output.write_frames(iter([rows]), dict(rows.schema), args.output, args.out)
    return 0


def _rows(session: Session, chosen: Settings, wanted: Filters, kinds: list[str]) -> pl.DataFrame:
    """COLUMNS: attacks in order of their starts; addresses as text, times in the session's zone."""
    import polars as pl

    from teiten import frame
    from teiten.classify import arrivals, attacks

    rule = attacks.Rule.of(chosen)
    seen = attacks.attacks(session, wanted, rule) if "backscatter" in kinds else pl.DataFrame(schema=attacks.ATTACK)
    if "goes_on" not in seen.columns:
        seen = seen.with_columns(pl.lit(None, dtype=pl.Boolean).alias("goes_on"))
    victims = frame.addresses_as_text(seen.select(pl.col("victim").alias("src_ip")))["src_ip"]
    seen = seen.with_columns(victims.alias("victim"), pl.lit("backscatter").alias("kind"))
    came = pl.DataFrame(schema=arrivals.ARRIVAL)
    if "arrival" in kinds:
        came = arrivals.arrivals(session, chosen, wanted, rule)
    ports = pl.Series(
        "ports", [arrivals.port_text(*row) for row in came.select("protocol", "port").iter_rows()], dtype=pl.String
    )
    came = came.with_columns(ports, pl.lit("arrival").alias("kind"), pl.lit(1, dtype=pl.Int64).alias("port_count"))
    rows = pl.concat([seen.drop("protocols", "numbers"), came.drop("protocol", "port")], how="diagonal")
    zone = session.zone_name
    rows = rows.with_columns(pl.col("start", "end").dt.convert_time_zone(zone))
    seconds = (pl.col("end") - pl.col("start")).dt.total_microseconds() / 1e6
    days = (pl.col("end").dt.date() - pl.col("start").dt.date()).dt.total_days() + 1
    rows = rows.with_columns(seconds.alias("seconds"), days.alias("days"))
    rows = rows.with_columns((pl.col("packets") / pl.col("seconds")).round(3).alias("rate"))
    return rows.select(COLUMNS).sort("start", "kind", "victim", "sensor", nulls_last=True)


def _table(args: argparse.Namespace, chosen: Settings, rows: pl.DataFrame, whole: int, kinds: list[str]) -> None:
    lines: list[dict[str, Any]] = []
    for row in rows.iter_rows(named=True):
        ports = row["ports"].split(" ")
        more = row["port_count"] - 2
        lines.append(
            {
                "start": f"{row['start']:%Y-%m-%d %H:%M}",
                "lasted": _question.lasted(row["seconds"]) + ("+" if row["goes_on"] else ""),
                "victim": row["victim"] or f"({row['sensor']})",
                "country": row["country"] or "-",
                "ports": " ".join(ports[:2]) + (f" +{more}" if more > 0 else ""),
                "answers": row["answers"] or "(arrivals)",
                "packets": f"{row['packets']:,}",
                "a minute": f"{row['per_minute']:,}",
                "dark": "-" if row["destinations"] is None else f"{row['destinations']:,}",
            }
        )
    if lines:
        fitted = _question.fitted(lines, _LEAST_WANTED, ("packets", "a minute", "dark", "lasted"))
        _output.write_rows(fitted, "table", args.out)
    notes = []
    if not lines:
        notes.append("There is no attack in that time.")
    if whole > rows.height:
        notes.append(f"The {rows.height} with the most packets of {whole:,}; -n {whole} shows all.")
    if any(line["lasted"].endswith("+") for line in lines):
        notes.append("+: goes on at the end of what was recorded.")
    if "backscatter" in kinds and lines:
        notes.append("a minute: the most in some 60 seconds; dark: addresses of ours that got answers.")
    if kinds == ["arrival"] and not any(s.services for s in chosen.sensors):
        notes.append('No sensor says what it serves: services = ["80/tcp"] in teiten.toml.')
    print(" ".join(notes), file=sys.stderr)
