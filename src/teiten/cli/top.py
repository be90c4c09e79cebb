"""teiten top: rankings of ports, countries, ASes, sources, prefixes, tools and more, from the lake or straight from files."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teiten.cli import _common, _output, _question
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten import coverage
    from teiten.engine.duckdb import Session
    from teiten.engine.filters import Filters
    from teiten.engine.questions import Rows, Span
    from teiten.lake import Lake
    from teiten.settings import Settings

NAME = "top"
HELP = "ranking of ports, countries, asns, sources, prefixes, sensors, tools or scanners, with the period before"
EXAMPLE = "  teiten top ports --from 2026-05-01 --to 2026-06-01 -n 10\n  teiten top countries --by hosts /var/log/messages*"

THINGS = ("ports", "countries", "asns", "sources", "prefixes", "sensors", "tools", "scanners")
FILTERS = ("port", "protocol", "country", "asn", "src", "sensor", "group", "action", "kind", "tool", "scanner")
SIDES = ("scanners", "spoofed")
"""filters that leave out, or leave alone"""
UNIT = "as --by; per-ip: packets of an address and day that was watched (view coverage), with what they are divided by"
_LEAST_WANTED = ("hosts", "asn", "country", "share", "was", "name")
"""columns that a table goes without, in this order, where it would not fit 80 columns"""
_LEAST_WANTED_OF_SENSORS = ("hosts", "before", "was", "share", "country", "group")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=THINGS, metavar="|".join(THINGS), help="what is ranked")
    parser.add_argument("files", nargs="*", metavar="FILE", help="rank these files' events, without a lake")
    parser.add_argument("--by", choices=("packets", "hosts"), help="rank by packets (the default) or by distinct sources")
    parser.add_argument("--unit", choices=("packets", "hosts", "per-ip"), help=UNIT)
    parser.add_argument("--from", dest="start", metavar="T", help="from this day or time on")
    parser.add_argument("--to", dest="end", metavar="T", help="up to, and without, this day or time")
    parser.add_argument("--period", metavar="P", help="a day, week, month or quarter: 2026-05-01, 2026-W18, 2026-05, 2026-Q2")
    parser.add_argument("-n", type=int, default=10, metavar="N", help="how many (default: 10)")
    group = parser.add_argument_group("filters (several values with commas between)")
    for name in (*FILTERS, *SIDES):
        group.add_argument(f"--{name}", metavar=name.upper(), help=_question.HELP[name])
    group.add_argument("--all-events", action="store_true", help="accepted, audited and outgoing events too")
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    parser.add_argument("--lang", choices=("ja", "en"), help="language of names in the table")
    parser.add_argument("--sql", action="store_true", help="print the SQL instead of its answer")
    _output.add_output(parser)
    _common.add_reading(parser)
    _common.add_engine(parser)
    _common.add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten import settings

    if args.n < 1:
        raise UsageError(f"-n {args.n} ranks nothing.", hint="Give 1 or more.")
    _settle(args)
    chosen = settings.load(config=args.config, zone=args.tz, language=args.lang, lake=args.lake, engine=args.engine)
    wanted, before = _asked(args, chosen)
    if args.files and _straight(args, chosen, wanted, before):
        return 0
    from teiten.engine import open_session
    from teiten.lake import Lake

    if not args.files:
        lake = Lake.open(chosen.lake)
        _judge(args, lake, chosen, wanted, before)
        with open_session(lake, chosen) as session:
            return _answer(args, chosen, session, wanted, before)
    with tempfile.TemporaryDirectory(prefix="teiten-top-") as folder:
        code = _read(args, chosen, Path(folder) / "lake")
        with open_session(Lake.open(Path(folder) / "lake"), chosen) as session:
            _answer(args, chosen, session, wanted, before)
        return code


def _settle(args: argparse.Namespace) -> None:
    """--by and --unit, of which either may say what is counted. UsageError where they disagree."""
    counted = "hosts" if args.unit == "hosts" else "packets" if args.unit else args.by or "packets"
    if args.by and args.by != counted:
        raise UsageError(f"--unit {args.unit} and --by {args.by} exclude each other.", hint="Give the one or the other.")
    args.by = counted


def _judge(args: argparse.Namespace, lake: Lake, chosen: Settings, wanted: Filters, before: Span | None) -> None:
    """Brings the verdicts of the days asked about up to date, where the question needs them."""
    if not _asks_verdicts(args):
        return
    from teiten import classify

    days = None
    if wanted.start and wanted.end:
        first = (before[0] if before else wanted.start).astimezone(chosen.zone).date()
        count = (wanted.end.astimezone(chosen.zone).date() - first).days + 1
        days = [first + dt.timedelta(days=n) for n in range(count)]
    judged = classify.refresh(lake, chosen, days)
    if judged.trouble is not None:
        _common.show_verdicts(judged)


def _asked(args: argparse.Namespace, chosen: Settings) -> tuple[Filters, Span | None]:
    """The filters, with their span; and the span before, as long as the one asked for (or the calendar's, with --period)."""
    from dataclasses import replace

    from teiten.engine import filters

    texts = {name: getattr(args, name) for name in (*FILTERS, *SIDES)}
    wanted = filters.parse(chosen, start=args.start, end=args.end, **texts)
    wanted = replace(wanted, all_events=args.all_events)
    if args.period:
        if args.start or args.end:
            raise UsageError("--period and --from or --to exclude each other.", hint="Give the one or the others.")
        period = _period(args.period, chosen)
        earlier = period.before()
        return wanted.between(period.start, period.end), (earlier.start, earlier.end)
    if wanted.start and wanted.end:
        return wanted, (_earlier(wanted.start, wanted.end), wanted.start)
    return wanted, None


def _earlier(start: dt.datetime, end: dt.datetime) -> dt.datetime:
    """The beginning of the span before: as many days earlier where the span is whole days, the same month before for months."""
    if start.day == end.day == 1 and start.time() == end.time() == dt.time():
        months = (end.year - start.year) * 12 + end.month - start.month
        count = start.year * 12 + start.month - 1 - months
        return start.replace(year=count // 12, month=count % 12 + 1)
    return start - (end.replace(tzinfo=None) - start.replace(tzinfo=None))


def _period(text: str, chosen: Settings) -> Any:
    from teiten import periods

    for kind in periods.KINDS:
        try:
            return periods.parse(kind, text, chosen.zone)
        except UsageError:
            continue
    raise UsageError(f"'{text}' names no period.", hint="Write 2026-05-01, 2026-W18, 2026-05 or 2026-Q2.")


def _asks_verdicts(args: argparse.Namespace) -> bool:
    """Does the question need to know what sources are taken for? Others do not wait for it."""
    return args.what in ("scanners", "tools") or bool(args.scanner or args.scanners or args.tool or args.spoofed)


def _straight(args: argparse.Namespace, chosen: Settings, wanted: Filters, before: Span | None) -> bool:
    """The answer straight from the files, where they are captures and the question is simple; False where it is not."""
    from teiten import straight

    if args.sql or args.unit == "per-ip" or args.what == "sensors":
        # of sensors it is told how much of the time they watched, which takes a lake
        return False
    _common.check_year(args.year)
    _common.boot_time(args.boot_time, chosen.zone)
    with _common.RejectedFile(args.rejected) as rejected:
        found = straight.rank(
            args.files,
            chosen,
            args.what,
            wanted,
            by=args.by,
            before=before,
            n=args.n,
            fmt=args.format,
            zone=args.tz,
            rejected=rejected.write if args.rejected else None,
        )
    if found is None:
        return False
    _accounts(found.inputs)
    _show(args, chosen, found.rows, before)
    return True


def _accounts(inputs: Sequence[Any]) -> None:
    """What became of the inputs, to stderr."""
    for one in inputs:
        for note in one.notes:
            print(f"teiten: {one.name}: {note}", file=sys.stderr)
    read = [one for one in inputs if getattr(one, "error", None) is None or one.tally.lines]
    _common.show_accounts([(one.name, one.tally) for one in read])


def _read(args: argparse.Namespace, chosen: Settings, folder: Path) -> int:
    """The files into a lake that lasts as long as the command."""
    from teiten import intake, readers
    from teiten.lake import Lake

    _common.check_year(args.year)
    if args.format != readers.AUTO:
        readers.module(args.format)
    lake = Lake.create(folder, chosen.zone_name)
    with _common.RejectedFile(args.rejected) as rejected:
        result = intake.ingest(
            lake,
            args.files,
            chosen,
            fmt=args.format,
            zone=args.tz,
            year=args.year,
            boot_time=_common.boot_time(args.boot_time, chosen.zone),
            rejected=rejected.write if args.rejected else None,
            judge=_asks_verdicts(args),
        )
    _accounts(result.inputs)
    for one in result.failed:
        print(f"teiten top: {one.error}", file=sys.stderr)
    return 1 if result.failed else 0


def _answer(
    args: argparse.Namespace,
    chosen: Settings,
    session: Session,
    wanted: Filters,
    before: Span | None,
) -> int:
    from teiten import coverage
    from teiten.engine import questions

    own = args.unit == "per-ip" and args.what == "sensors"  # each divided by its own, which makes another order
    n = None if own else args.n
    found = questions.rank(session, args.what, wanted.start, wanted.end, by=args.by, before=before, filters=wanted, n=n)
    if args.sql:
        print(found.sql + ";")
        return 0
    divided = _rates(session, found, wanted, before, args.n if own else None) if args.unit == "per-ip" else []
    if args.what == "sensors":
        coverage.describe_sensors(session, found, (wanted.start, wanted.end))
    _show(args, chosen, found, before, found.lost.astimezone(session.zone) if found.lost else None)
    if args.output == "table":
        for line in divided:
            print(line, file=sys.stderr)
    if args.output == "table" and args.what == "scanners":
        part, whole = questions.scanner_share(session, wanted.start, wanted.end, by=args.by, filters=wanted)
        share = f" ({_percent(100 * part / whole, '')})" if whole else ""
        print(f"Of all {whole:,} {args.by}, {part:,} are announced scanners'{share}.", file=sys.stderr)
    return 0


def _rates(session: Session, found: Rows, wanted: Filters, before: Span | None, n: int | None) -> list[str]:
    """Gives the rows their rates; what to say of what these are divided by. n: the rows are sensors, put in order of theirs."""
    from teiten import coverage

    seen = before if before is not None and found and found[0]["packets_before"] is not None else None
    span = (wanted.start, wanted.end)
    now, then = coverage.add_rates(session, found, span, seen, sensors=wanted.sensor, each_sensor=n is not None)
    if n is not None:
        found.sort(key=lambda row: (row["per_ip"] is None, -(row["per_ip"] or 0.0), row["sensor"]))
        for suffix in ("", "_before") if seen else ("",):
            rates = sorted((row[f"per_ip{suffix}"] or 0.0 for row in found), reverse=True)
            for row in found:
                rate = row[f"per_ip{suffix}"]
                row[f"rank{suffix}"] = None if not rate else rates.index(rate) + 1
        del found[n:]
    lines = ["per ip = packets of an address and day watched: " + _divided(now)]
    return [*lines, "in the period before: " + _divided(then)] if then is not None else lines


def _divided(by: coverage.Denominator) -> str:
    if not by.address_days:
        return "nobody was watching"
    told = {"stated": "as stated", "seen": "as many as packets came to", "assumed": "assumed, since nothing came"}
    known = " or ".join(told[basis] for basis in by.bases)
    return (
        f"divided by {by.address_days:,.1f} address-days, {by.addresses:,.1f} addresses ({known})"
        f" over {by.address_days / by.addresses:,.2f} days"
    )


def _show(
    args: argparse.Namespace, chosen: Settings, found: Rows, before: Span | None, since: dt.datetime | None = None
) -> None:
    from teiten.engine import questions

    if args.output == "table":
        rows = _table(args.what, args.by, found, chosen.language, before is not None, rates=args.unit == "per-ip")
        _output.write_rows(rows, "table", args.out, columns=list(rows[0]) if rows else ["rank", args.what])
        _footer(args, found, before, since)
        if found.estimated:
            error = _percent(100 * found.error, "")
            print(f"Hosts with ~ are estimated by a sketch; their relative standard error is at most {error}.", file=sys.stderr)
        if args.what == "sensors" and found:
            print(
                "watched: share of the time in which it recorded; per ip: packets of an address and day watched.",
                file=sys.stderr,
            )
        if args.what == "tools" and found:
            print("A source's packets of a day count for the tool that its verdict of that day names.", file=sys.stderr)
    else:
        columns = ["rank", *questions.THINGS[args.what].columns, "packets", "hosts", "share", "share_of"]
        columns += ["rank_before", "packets_before", "hosts_before", "difference", "change"]
        _output.write_rows(found, args.output, args.out, columns=list(found[0]) if found else columns)


def _table(what: str, by: str, found: Rows, language: str, compared: bool, *, rates: bool = False) -> list[dict[str, Any]]:
    """What fits 80 columns: the thing in words, counts with commas, shares and changes in percent.

    was: the rank before; before: the packets or hosts before. rates: per ip, and before it is the rate before.
    """
    out = []
    for row in found:
        line: dict[str, Any] = {"rank": "-" if row["rank"] is None else str(row["rank"])}
        if compared:
            line["was"] = "-" if row["rank_before"] is None else str(row["rank_before"])
        line |= _names(what, row, language)
        line |= {"packets": _number(row["packets"]), "hosts": _hosts(row), "share": _percent(100 * row["share"], "")}
        if rates or "per_ip" in row:
            line["per ip"] = _rate(row["per_ip"])
        if rates:
            if compared:
                now, then = row["per_ip"], row.get("per_ip_before")
                change = None if now is None or not then else 100 * (now - then) / then
                line |= {"before": _rate(then), "change": "-" if change is None else _percent(change, "+")}
        elif compared:
            line |= {
                "before": _number(row[f"{by}_before"]),
                "change": "-" if row["change"] is None else _percent(row["change"], "+"),
            }
        out.append(line)
    for name in ("group", "country"):
        # what no sensor's configuration says needs no column
        if what == "sensors" and all(line[name] == "-" for line in out):
            for line in out:
                del line[name]
    wide = {key: max(_output.width(str(line[key])) for line in [*out, {key: key}]) for key in (out[0] if out else {})}
    for name in _LEAST_WANTED_OF_SENSORS if what == "sensors" else _LEAST_WANTED:
        if sum(wide.values()) + 2 * (len(wide) - 1) > 80:
            wide.pop(name, None)
    numbers = {"rank", "was", "packets", "hosts", "share", "per ip", "before", "change", "watched"}
    return [{k: str(line[k]).rjust(wide[k]) if k in numbers else line[k] for k in wide} for line in out]


def _names(what: str, row: dict[str, Any], language: str) -> dict[str, str]:
    from teiten.data import countries
    from teiten.engine.filters import thing_text

    if what == "ports":
        return {"port": thing_text(row["protocol"], row["dst_port"])}
    if what == "countries":
        return {"country": countries.name(row["country"], language)}
    if what == "asns":
        return {"asn": "unknown" if row["asn"] is None else f"AS{row['asn']}", "name": _cut(row["as_name"] or "", 24)}
    if what == "tools":
        return {"tool": row["tool"] or "unknown"}
    if what in ("sources", "prefixes"):
        asn = "" if row["asn"] is None else f"AS{row['asn']}"
        country = _cut(countries.name(row["country"], language), 12)
        if what == "sources":
            return {"source": row["src_ip"], "country": country, "asn": asn}
        return {"prefix": row["prefix"], "country": country, "asn": asn, "name": _cut(row["as_name"] or "", 24)}
    if what == "scanners":
        return {"scanner": row["scanner"]}
    told = {"sensor": row["sensor"], "group": row.get("group") or "-", "country": row.get("country") or "-"}
    return {**told, "watched": _percent(100 * row["watched"], "")} if "watched" in row else told


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _hosts(row: dict[str, Any]) -> str:
    """12,345, or ~12,345 where it is estimated."""
    return ("~" if row.get("hosts_error") else "") + _number(row["hosts"])


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"


def _percent(value: float, sign: str) -> str:
    return f"{value:{sign},.1f} %"


def _footer(args: argparse.Namespace, found: Rows, before: Span | None, since: dt.datetime | None) -> None:
    if not found:
        none = "No announced scanner is among them." if args.what == "scanners" else "There are no such events."
        print(none, file=sys.stderr)
        return
    note = f"Shares are of {found.total:,} {args.by}."
    if since is not None:
        note += (
            f" Events before {since:%Y-%m-%d %H:%M} are no longer kept, and no aggregate tells this: only the rest is counted."
        )
    if before is not None and found[0]["packets_before"] is None:
        note += f" Nothing was recorded in the period before ({before[0]:%Y-%m-%d %H:%M} to {before[1]:%Y-%m-%d %H:%M})."
    print(note, file=sys.stderr)
