"""teiten devices: what the sources are, by evidence; evidence brought in from other scanners; a survey that is permitted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from teiten.cli import _output, _question
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.devices.asked import Found
    from teiten.devices.churn import Count
    from teiten.devices.reading import Tally
    from teiten.settings import Settings

NAME = "devices"
HELP = "what the sources are: devices by family and day, from evidence of other scanners, or of a survey that is permitted"
EXAMPLE = """\
  teiten devices import shodan.json.gz scan.xml descriptions/
  teiten devices --from 2026-11-01 --to 2026-12-01
  teiten devices --tool mirai --country JP --days
  teiten devices show 203.0.113.5
  teiten devices survey --permission permission.toml --dry-run
  teiten devices drop --before 2026-01-01"""
FILTERS = ("port", "protocol", "country", "asn", "src", "sensor", "group", "tool", "scanner", "scanners", "spoofed")
ACTIONS = ("show", "import", "survey", "signatures", "drop")
COLUMNS = (
    "day", "family", "vendor", "device_kind", "hosts", "share", "hosts_of_day", "hosts_told", "devices", "devices_low",
    "devices_high",
)  # fmt: skip
EVIDENCE = ("src_ip", "time", "family", "origin", "protocol", "port", "service", "title", "server", "realm", "banner",
            "manufacturer", "model", "uuid", "cert_subject", "cert_issuer", "cert_sha256", "host_key")  # fmt: skip
REST = {"several": "several of these", "unnamed": "answered, not named", "unknown": "unknown: no evidence"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", metavar="ACTION",
        help="show ADDRESS, import FILE..., survey, signatures, drop; without one: devices among the sources",
    )  # fmt: skip
    _question.arguments(parser, FILTERS)
    parser.add_argument("--days", action="store_true", help="each day by itself")
    parser.add_argument("--before", metavar="T", help="drop: evidence from before this day or time")
    parser.add_argument("--signatures", metavar="DIR", help="a folder of your own signatures (*.toml) beside the package's")
    group = parser.add_argument_group("survey (asks nobody without a permission; see the guide)")
    group.add_argument("--permission", metavar="FILE", help="who permits what, until when (TOML)")
    group.add_argument("--dry-run", action="store_true", help="show what would be asked, and ask nothing")
    group.add_argument(
        "--per-second", type=float, default=1.0, metavar="N", help="connections a second, at most 10 (default: 1)"
    )
    group.add_argument("--most", type=int, default=10_000, metavar="N", help="addresses of one run, at most (default: 10000)")


def main(args: argparse.Namespace) -> int:
    if args.action is not None and args.action not in ACTIONS:
        raise UsageError(
            f"'{args.action[:60]}' is nothing that devices does.", hint=f"Choose among {', '.join(ACTIONS)}, or none."
        )
    chosen = _settings(args)
    if args.action == "import":
        return _import(args, chosen)
    if args.action == "show":
        return _show(args, chosen)
    if args.action == "signatures":
        return _signatures(args, chosen)
    if args.action == "drop":
        return _drop(args, chosen)
    if args.action == "survey":
        from teiten.cli._survey import run

        return run(args, chosen)
    return _list(args, chosen)


def _settings(args: argparse.Namespace) -> Settings:
    from dataclasses import replace
    from pathlib import Path

    chosen = _question.settings_of(args)
    return replace(chosen, device_signatures=Path(args.signatures)) if args.signatures else chosen


# devices among the sources --------------------------------------------------------------------------------------------


def _list(args: argparse.Namespace, chosen: Settings) -> int:
    from teiten.devices import asked

    if args.files:
        raise UsageError("Devices are asked of a lake, not of files.", hint="teiten ingest stores files in one.")
    wanted = _question.filters_of(args, chosen, FILTERS)
    with _question.asked(args, chosen, wanted) as session:
        found = asked.of(session, wanted, chosen)
    rows = [row for day in found.days for row in _rows(found, day.day, day.families, day.by_family, day.hosts)]
    if args.output != "table":
        _output.write_rows(rows[: args.n or None], args.output, args.out, columns=COLUMNS)
        return 0
    _tables(args, found, rows)
    return 0


def _rows(found: Found, day: Any, families: Any, counts: dict[str, Count], hosts: int) -> list[dict[str, Any]]:
    """COLUMNS: a row of each family, the rest last."""
    from teiten.devices.churn import Count

    out = []
    for name in found.families:
        if name not in families:
            continue
        one, known = counts.get(name, Count()), found.signatures.families.get(name)
        seen = name in counts
        out.append({
            "day": day, "family": name, "vendor": known.vendor if known else None, "device_kind": known.kind if known else None,
            "hosts": families[name], "share": families[name] / hosts if hosts else None, "hosts_of_day": hosts,
            "hosts_told": one.told if seen else None, "devices": one.devices if seen else None,
            "devices_low": one.low if seen else None, "devices_high": one.high if seen else None,
        })  # fmt: skip
    return out


def _tables(args: argparse.Namespace, found: Found, rows: list[dict[str, Any]]) -> None:
    from collections import Counter

    if not found.days:
        _output.write_text(["There are no sources in that time."], args.out)
        return
    if args.days:
        lines = [
            _line(found, f"{row['day']}", row["family"], row["hosts"], row["share"], row) for row in rows[: args.n or None]
        ]
    else:
        hosts = sum(day.hosts for day in found.days)
        sums: Counter[str] = Counter()
        for day in found.days:
            sums.update(day.families)
        lines = []
        for name in found.families[: args.n or None]:
            one = found.whole_by_family.get(name)
            told = (
                {}
                if one is None
                else {"devices": one.devices, "devices_low": one.low, "devices_high": one.high, "told": one.told}
            )
            lines.append(_line(found, "", name, sums[name], sums[name] / hosts if hosts else None, told))
    _output.write_rows(
        _question.fitted(lines, ("kind", "share"), ("hosts", "host_days", "share", "devices")), "table", args.out
    )
    whole = found.whole
    answered, every = sum(day.answered for day in found.days), sum(day.hosts for day in found.days)
    notes = [f"Of {every:,} host-days, {answered:,} have evidence of what they are."]
    if whole.told:
        notes.append(
            f"{whole.told:,} addresses said who they are: {whole.devices:,} devices (UUID, host key, certificate), "
            f"{whole.churn:.2f} addresses each. All {whole.addresses:,}: between {whole.low:,} and {whole.high:,} devices."
        )
    if found.shared:
        notes.append(f"{found.shared:,} identities are of several devices at once, and were not used.")
    if not answered:
        notes.append("teiten devices import brings results of other scanners in.")
    _output.write_text(notes, None)


def _line(found: Found, day: str, family: str, hosts: int, share: float | None, told: dict[str, Any]) -> dict[str, str]:
    known = found.signatures.families.get(family)
    low, high = told.get("devices_low"), told.get("devices_high")
    return {
        **({"day": day} if day else {}),
        "family": _question.cut(found.name(family, REST, "en"), 36),
        "kind": known.kind if known else "",
        ("hosts" if day else "host_days"): f"{hosts:,}",
        "share": "" if share is None else f"{share:.1%}",
        "devices": "" if low is None else f"{low:,}" if low == high else f"{low:,}-{high:,}",
    }


# one address ----------------------------------------------------------------------------------------------------------


def _show(args: argparse.Namespace, chosen: Settings) -> int:
    import ipaddress

    import polars as pl

    from teiten import inert
    from teiten.devices import signatures
    from teiten.lake import Lake

    if len(args.files) != 1:
        raise UsageError("devices show takes one address.", hint="Write: teiten devices show 203.0.113.5")
    try:
        address = ipaddress.ip_address(args.files[0])
    except ValueError:
        raise UsageError(f"'{args.files[0][:60]}' is no address.", hint="Write one such as 203.0.113.5.") from None
    known = signatures.every(chosen.device_signatures)
    rows = Lake.open(chosen.lake).devices().filter(pl.col("src_ip") == address.packed).sort("time", "port").to_dicts()
    out = [{**row, "src_ip": str(address), "family": known.family(row)} for row in rows]
    if args.output != "table":
        _output.write_rows([{name: row[name] for name in EVIDENCE} for row in out], args.output, args.out, columns=EVIDENCE)
        return 0
    lines = [] if out else [f"There is no evidence of what stands behind {address}."]
    for row in out[-(args.n or 50) :]:
        name = known.name(row["family"], "en") if row["family"] else "not named"
        port = f" port {row['port']}" if row["port"] else ""
        lines.append(
            f"{row['time'].astimezone(chosen.zone):%Y-%m-%d %H:%M}  {row['origin']}{port} {row['service'] or ''}: {name}"
        )
        lines += [f"    {key}: {inert.line(row[key])[:200]}" for key in EVIDENCE[7:] if row[key]]
    _output.write_text([inert.line(line) for line in lines], args.out)
    return 0


# import, signatures, drop ---------------------------------------------------------------------------------------------


def _import(args: argparse.Namespace, chosen: Settings) -> int:
    from teiten.devices import reading
    from teiten.errors import InputError
    from teiten.lake import Lake
    from teiten.readers import _input

    if not args.files:
        raise UsageError(
            "devices import names no file.", hint="Give results of Shodan, Censys, ZGrab2, nmap -oX, or UPnP files."
        )
    lake = Lake.open_or_create(chosen.lake, chosen.zone_name)
    failed: InputError | None = None
    tallies = []
    for source in _input.inputs(_files(args.files), chosen.reading):
        try:
            tally = reading.store(lake, source, args.format)
        except InputError as error:
            print(f"teiten: {source.name}: {error}", file=sys.stderr)
            failed = failed or error
            continue
        tallies.append(tally)
        _told(tally)
    if len(tallies) > 1:
        rows, new = sum(one.rows for one in tallies), sum(one.new for one in tallies)
        print(f"total: {rows:,} rows of evidence, {new:,} new", file=sys.stderr)
    if failed:
        raise failed
    return 0


def _files(names: Sequence[str]) -> list[str]:
    """The files; of a folder every one that lies in it, whatever it is called."""
    from pathlib import Path

    out = []
    for name in names:
        path = Path(name)
        inside = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(".")) if path.is_dir() else [path]
        if not inside:
            raise UsageError(f"There is no file in the folder {name}.", hint="Name the results themselves.")
        out += [str(one) for one in inside] if path.is_dir() else [name]
    return out


def _told(tally: Tally) -> None:
    from teiten import inert

    def part(name: str, counted: Any) -> str:
        return f"{counted.total():,} {name}" + (
            f" ({', '.join(f'{why} {n:,}' for why, n in counted.most_common())})" if counted else ""
        )

    text = (
        f"{tally.name}: {tally.records:,} records = {tally.made:,} with evidence + {part('rejected', tally.rejected)} + "
        f"{part('ignored', tally.ignored)}; {tally.rows:,} rows, {tally.new:,} new"
    )
    print(inert.line(text), file=sys.stderr)
    for place in tally.places:
        print(inert.line(f"  {place}"), file=sys.stderr)
    if tally.trouble:
        print(inert.line(f"teiten: {tally.name}: reading ended early: {tally.trouble}"), file=sys.stderr)


def _signatures(args: argparse.Namespace, chosen: Settings) -> int:
    from teiten.devices import signatures

    known = signatures.every(chosen.device_signatures)
    rows = [
        {"family": one.id, "name": one.text(chosen.language), "vendor": one.vendor, "kind": one.kind,
         "signatures": sum(s.family == one.id for s in known.signatures)}
        for one in known.families.values()
    ]  # fmt: skip
    _output.write_rows(
        rows[: args.n or None], args.output, args.out, columns=("family", "name", "vendor", "kind", "signatures")
    )
    return 0


def _drop(args: argparse.Namespace, chosen: Settings) -> int:
    from teiten import periods
    from teiten.lake import Lake

    if not args.before:
        raise UsageError("devices drop needs --before.", hint="Write: teiten devices drop --before 2026-01-01")
    count = Lake.open(chosen.lake).drop_devices(periods.moment(args.before, chosen.zone))
    print(f"Dropped: {count:,} rows of evidence. The same files do not bring them back.", file=sys.stderr)
    return 0
