"""teiten export: lists of hosts for others (Shadowserver's columns, MISP's feed and warning list), feeds of what changed."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teiten.cli import _common, _output, _question
from teiten.errors import TeitenError, UsageError

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.engine.filters import Filters
    from teiten.lake import Lake
    from teiten.settings import Settings

NAME = "export"
HELP = "for others: hosts in Shadowserver's columns, MISP feed and warning list, an anonymised data set, feeds of what changed"
EXAMPLE = """\
  teiten export hosts --period 2026-05-01 --tool mirai --country JP --out hosts.csv
  teiten export warninglist --period 2026-05 --out list.json
  teiten export misp --period 2026-05 --org "Example CERT" --out feed/
  teiten export atom teiten-report --url https://example.org/reports/
  teiten export research --period 2026-05 --title "Example darknet, May 2026" --out set/
  teiten export stories --form ics --out stories.ics"""

FILTERS = (
    "port", "protocol", "country", "asn", "src", "sensor", "group", "action", "kind", "tool", "scanner", "scanners", "spoofed",
)  # fmt: skip
_TLP = ("clear", "green", "amber", "amber+strict", "red")
_LEAST_WANTED = ("public_source", "count", "src_asn", "src_port")


def arguments(parser: argparse.ArgumentParser) -> None:
    subs = parser.add_subparsers(dest="what", metavar="WHAT", required=True, help="what for whom")
    hosts = subs.add_parser(
        "hosts", help="hosts in the columns of Shadowserver's event4_honeypot_darknet: a row a source, day and port it tried"
    )
    _question.arguments(hosts, FILTERS, scanners=_SCANNERS.format("out"), spoofed=_FORGED, kind=_KIND)
    hosts.set_defaults(output="csv")
    hosts.add_argument("--source", metavar="NAME", help="who says so, for public_source (default: [publish] name)")
    lists = subs.add_parser("warninglist", help="a MISP warning list of the announced scanners that were seen")
    misp = subs.add_parser("misp", help="an event in a MISP feed (manifest.json, hashes.csv): the research scanners seen")
    for sub, scanners in ((lists, "only"), (misp, "only")):
        _question.arguments(sub, FILTERS, scanners=_SCANNERS.format(scanners), spoofed=_FORGED, kind=_KIND)
        sub.add_argument("--org", metavar="NAME", help="who says so (default: [publish] name, else teiten)")
    lists.add_argument("--large", action="store_true", help="large scanners too, whom nobody announced")
    misp.add_argument("--org-uuid", metavar="UUID", help="your organisation's in MISP (default: made from its name)")
    misp.add_argument("--tlp", choices=_TLP, default="green", help="who may read it (default: green)")
    misp.add_argument("--to-ids", action="store_true", help="mark the sources as something to be looked for")
    research = subs.add_parser("research", help="an anonymised data set: Parquet, FlowTuple, codebook, risk, licence, manifest")
    _question.arguments(research, FILTERS, scanners=_SCANNERS.format("in"), spoofed=_FORGED.replace("out)", "in)"), kind=_ALL)
    research.add_argument("--title", metavar="TEXT", help="the data set's title")
    research.add_argument("--scheme", choices=_SCHEMES, help="what becomes of sources (default: [publish] research)")
    research.add_argument(
        "--destinations", choices=("drop", "hash"), default="drop", help="left out, or numbers (default: drop)"
    )
    research.add_argument("--interval", type=int, default=60, metavar="S", help="seconds of an interval (default: 60)")
    research.add_argument(
        "--key", metavar="FILE", help="key of 32 bytes, made where there is none (default: one that nobody keeps)"
    )
    atom = subs.add_parser("atom", help="feed.xml of the reports that lie beside each other in a folder")
    atom.add_argument("folder", metavar="FOLDER", help="the folder, such as teiten-report")
    atom.add_argument("--url", metavar="URL", help="where it is published (default: [publish] url; else links are relative)")
    atom.add_argument("--title", metavar="TEXT", help="the feed's title")
    atom.add_argument("--out", metavar="FILE", help="the feed (default: feed.xml in the folder)")
    atom.add_argument("--lang", choices=("ja", "en"), help="language of the feed's title")
    _common.add_settings(atom)

    stories = subs.add_parser("stories", help="what changed, as an Atom feed, a JSON Feed, or a calendar (iCalendar)")
    stories.add_argument("--form", choices=("atom", "json", "ics"), default="atom", help="which (default: atom)")
    stories.add_argument("--from", dest="start", metavar="DAY", help="first day (default: 30 days before the last)")
    stories.add_argument("--to", dest="end", metavar="DAY", help="the day after the last (default: that after the lake's last)")
    stories.add_argument("--kind", metavar="KINDS", help="only these kinds, such as burst,new_port")
    stories.add_argument("--url", metavar="URL", help="where the feed itself is published")
    stories.add_argument("--title", metavar="TEXT", help="the feed's title")
    stories.add_argument("--out", metavar="FILE", help="the file (default: standard output)")
    stories.add_argument("--lang", choices=("ja", "en"), help="language of titles and texts")
    stories.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    _common.add_settings(stories)


_SCANNERS = "in, out or only: announced and large scanners (default: {})"
_FORGED = "in, out or only: sources taken for forged (default: out)"
_ALL = "what a packet is: syn, tcp, udp, icmp, backscatter, other"
_SCHEMES = ("cryptopan", "truncate", "hash", "drop")
_KIND = "what a packet is: syn, tcp, udp, icmp, backscatter, other (default: all but backscatter)"


def main(args: argparse.Namespace) -> int:
    kinds = {
        "hosts": _hosts,
        "warninglist": _warning_list,
        "misp": _misp,
        "research": _research,
        "atom": _atom,
        "stories": _stories,
    }
    return kinds[args.what](args)


def _asked(args: argparse.Namespace, chosen: Settings, scanners: str) -> Filters:
    """The filters, with what such a list leaves out unless it was asked for."""
    from teiten.publish import hosts

    args.scanners = args.scanners or (None if args.scanner else scanners)
    args.spoofed = args.spoofed or "out"
    return hosts.usual(_question.filters_of(args, chosen, FILTERS))


def _hosts(args: argparse.Namespace) -> int:
    from teiten.publish import hosts

    chosen = _question.settings_of(args)
    wanted = _asked(args, chosen, "out")
    with _question.asked(args, chosen, wanted) as session:
        found = hosts.shadowserver(session, wanted, args.source or chosen.publisher)
        secret, since = hosts.own(session, wanted), _lost(session, wanted)
    rows = found.rows
    sources = rows["src_ip"].n_unique()
    if args.n:
        rows = rows.sort("count", descending=True, maintain_order=True).head(args.n)
    _look((*rows["src_ip"].unique(), args.source or chosen.publisher), secret)
    if args.output == "table":
        empty = [name for name in rows.columns if rows[name].null_count() == rows.height]
        lines = [{k: "-" if v is None else str(v) for k, v in row.items()} for row in rows.drop(empty).iter_rows(named=True)]
        lines = lines[: args.n or _question.LISTED]
        if lines:
            numbers = ("src_port", "src_asn", "dst_port", "count")
            _output.write_rows(_question.fitted(lines, _LEAST_WANTED, numbers), "table", args.out)
    else:
        _output.write_frames(iter([rows]), dict(rows.schema), args.output, args.out)
    six = f"; {found.six:,} of IPv6 do not fit these columns" if found.six else ""
    print(f"{found.rows.height:,} rows of {sources:,} sources of IPv4{six}.{_left_out(wanted)}{since}", file=sys.stderr)
    return 0


def _warning_list(args: argparse.Namespace) -> int:
    from teiten.publish import hosts, misp

    chosen = _question.settings_of(args)
    wanted = _asked(args, chosen, "only")
    with _question.asked(args, chosen, wanted) as session:
        rows = hosts.sources(session, wanted)
        secret, since = hosts.own(session, wanted), _lost(session, wanted)
    if not args.large and args.scanners == "only":
        rows = [row for row in rows if row["scanner"]]
    org = args.org or chosen.publisher or "teiten"
    day, span = _day(wanted, rows), _span(args, wanted, chosen)
    kinds = "Announced and large scanners" if args.large else "Announced scanners"
    told = f"{kinds} that {org} observed{f' ({span})' if span else ''}"
    content = misp.warning_list(rows, told, f"{told}: addresses whose packets need no alarm.", day)
    _look((*(row["src_ip"] for row in rows), told), secret)
    _write(content, args.out)
    print(f"{len(rows):,} addresses.{since}", file=sys.stderr)
    return 0


def _misp(args: argparse.Namespace) -> int:
    from teiten.publish import hosts, misp

    chosen = _question.settings_of(args)
    wanted = _asked(args, chosen, "only")
    if not args.out or args.output != "table":
        raise UsageError("A feed is a folder of files of its own kind.", hint="Name the folder with --out, without --output.")
    span, uuid_ = _span(args, wanted, chosen), _uuid(args.org_uuid)
    if not span or wanted.start is None:
        raise UsageError("An event of a feed is about a period.", hint="Name it: --period 2026-05, or --from and --to.")
    misp.held(Path(args.out))
    with _question.asked(args, chosen, wanted) as session:
        rows = hosts.sources(session, wanted)
        secret, since = hosts.own(session, wanted), _lost(session, wanted)
    org = misp.Organisation(args.org or chosen.publisher or "teiten", uuid_)
    if not rows:
        print(f"No source fits, so there is no event to write.{since}", file=sys.stderr)
        return 0
    words = {**wanted.words, "scanners": args.scanners or "in"}
    narrowed = ", ".join(f"{k} {v}" for k, v in sorted(words.items()) if k not in ("scanners", "spoofed"))
    what = "Research scanners" if args.scanners == "only" else "Sources"
    info = f"{what} observed{f' ({narrowed})' if narrowed else ''}, {span}"
    named = f"{span} {sorted(words.items())}"
    told = misp.event(rows, org, named, info, wanted.start.date(), args.tlp, to_ids=args.to_ids)
    files, changed = misp.feed(Path(args.out), told, dt.datetime.now(dt.UTC))
    # not the bytes of the files: in the digits of uuids and hashes any address is found by chance
    _look((*(f"{a['value']} {a['comment']}" for a in told["Attribute"]), info, org.name), secret)
    _write_all(Path(args.out), files)
    state = "written" if changed else "as it was"
    print(f"{len(rows):,} sources: {Path(args.out) / told['uuid']}.json, {state}.{_left_out(wanted)}{since}", file=sys.stderr)
    return 0


def _research(args: argparse.Namespace) -> int:
    import secrets

    from teiten.publish import hosts, research, sources

    chosen = _question.settings_of(args)
    rules = chosen.publishing
    if not args.out or args.output != "table":
        raise UsageError(
            "A data set is a folder of files of its own kind.", hint="Name the folder with --out, without --output."
        )
    if not rules.licence:
        raise UsageError("Nobody may use a data set without a licence.", hint='Say it: licence = "CC BY 4.0" in [publish].')
    if not 1 <= args.interval <= 86_400:
        raise UsageError(f"--interval {args.interval} is no interval.", hint="Give seconds, from 1 to 86400.")
    args.scanners, args.spoofed = args.scanners or None, args.spoofed or None
    wanted = _question.filters_of(args, chosen, FILTERS)
    publisher, span = chosen.publisher or "teiten", _span(args, wanted, chosen)
    asked = research.Wanted(
        args.title or f"Unsolicited traffic observed by {publisher}{f', {span}' if span else ''}", publisher, rules.licence,
        rules.licence_url, args.scheme or rules.research, args.destinations, args.interval,
        sources.key_of(Path(args.key)) if args.key else secrets.token_bytes(32), secrets.token_bytes(32), chosen.site or "",
    )  # fmt: skip
    with _question.asked(args, chosen, wanted) as session:
        made = research.make(session, wanted, asked, dt.datetime.now(dt.UTC).date())
        secret, since = hosts.own(session, wanted), _lost(session, wanted)
    # not the digits of hashes, nor anonymised addresses, in which any address is found by chance
    _look(
        (*(made.files[name].decode() for name in ("README.md", "codebook.md", "risk.md", "LICENSE.txt", "CITATION.cff")),),
        secret,
    )
    _write_all(Path(args.out), made.files)
    alone = 100 * made.risk["by"]["interval, both ports, TTL"]["k<2"]
    told = f"{made.flows:,} flows of {made.sources:,} sources ({asked.scheme}): {args.out}."
    told += f" {alone:.1f} % of the sources stand alone by interval, ports and TTL: read risk.md before it leaves the house."
    print(told + since, file=sys.stderr)
    return 0


def _atom(args: argparse.Namespace) -> int:
    from teiten import lang, settings
    from teiten.report import feed

    chosen = settings.load(config=args.config, language=args.lang)
    site = settings.site_of(args.url, "--url") if args.url else chosen.site
    found = feed.entries(Path(args.folder))
    title = args.title or lang.words(chosen.language)("page.feed")
    out = args.out or str(Path(args.folder) / feed.FEED)
    _write(feed.atom(found, title, chosen.publisher or "teiten", site), out)
    relative = "" if site else " Its links are relative: name the site with --url to make them whole."
    print(f"{len(found)} reports: {out}.{relative}", file=sys.stderr)
    return 0


def _stories(args: argparse.Namespace) -> int:
    from teiten import lang, settings
    from teiten.alerts import feeds, now
    from teiten.detect import kept
    from teiten.lake import Lake

    chosen = settings.load(config=args.config, language=args.lang, lake=args.lake)
    lake = Lake.open(chosen.lake)
    days = _days(args, lake, chosen)
    result = kept.refresh(lake, chosen, days)
    if result.trouble is not None:
        print(f"teiten export: some days may be out of date: {result.trouble}", file=sys.stderr)
    found = kept.span(lake, chosen, days)
    if args.kind:
        kinds = _kinds(args.kind)
        found = {day: [one for one in told if one.kind in kinds] for day, told in found.items()}
    title = args.title or lang.words(chosen.language)("feed.title")
    made = feeds.Feed(title, chosen.language, chosen.publisher or "teiten", lake.meta.id, args.url or "")
    start, end = (dt.datetime.combine(day, dt.time(), chosen.zone) for day in (days[0], days[-1] + dt.timedelta(days=1)))
    around = now.beside(lake, chosen, [one for told in found.values() for one in told], start, end)
    entries = feeds.entries(found, chosen, made, around.networks)
    form = {"atom": feeds.atom, "json": feeds.as_json, "ics": feeds.calendar}[args.form]
    _look((*(f"{one.title} {one.text}" for one in entries), title), set(around.own))
    _write(form(entries, made), args.out)
    shown = sum(not one.false for one in entries)
    print(f"{shown:,} stories of {len(days):,} days{f': {args.out}' if args.out else ''}.", file=sys.stderr)
    return 0


def _kinds(text: str) -> set[str]:
    from teiten.detect.model import MEANINGS

    kinds = {name.strip() for name in text.split(",")}
    if strange := sorted(kinds - set(MEANINGS)):
        raise UsageError(f"There is no kind '{strange[0]}'.", hint=f"There are: {', '.join(sorted(MEANINGS))}.")
    return kinds


def _days(args: argparse.Namespace, lake: Lake, chosen: Settings) -> list[dt.date]:
    """The days that are asked for, of those of the lake. UsageError, TeitenError where it has none."""
    from teiten.detect import material

    every = material.days(lake, chosen)
    if not every:
        raise TeitenError("The lake has no events yet.", hint="Take a log in first: teiten ingest FILE.")
    after = _named_day(args.end, "--to") or every[-1] + dt.timedelta(days=1)
    first = _named_day(args.start, "--from") or after - dt.timedelta(days=31)
    if first >= after:
        raise UsageError(f"--from {first} is not before --to {after}.", hint="--from is included, --to is not.")
    days = [day for day in every if first <= day < after]
    if not days:
        raise UsageError(f"The lake has no day from {first} up to {after}.", hint=f"It has {every[0]} to {every[-1]}.")
    return days


def _named_day(text: str | None, flag: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"'{text}' is no day.", hint=f"Write {flag} like 2019-03-12.") from None


def _uuid(text: str | None) -> str:
    import uuid

    try:
        return str(uuid.UUID(text)) if text else ""
    except ValueError:
        raise UsageError(
            f"--org-uuid '{text}' is no UUID.", hint="MISP shows your organisation's under Administration."
        ) from None


def _span(args: argparse.Namespace, wanted: Filters, chosen: Settings) -> str:
    """How the period is called: '2026-05', or its days, the last one included; nothing where there is no beginning or end."""
    if args.period:
        return str(args.period)
    if wanted.start is None or wanted.end is None:
        return ""
    last = (wanted.end - dt.timedelta(microseconds=1)).astimezone(chosen.zone)
    return f"{wanted.start:%Y-%m-%d} to {last:%Y-%m-%d}"


def _day(wanted: Filters, rows: list[dict[str, Any]]) -> dt.date:
    """The last day that a list tells of."""
    seen: list[dt.datetime] = [row["last"] for row in rows]
    if seen:
        return max(seen).date()
    return (wanted.end - dt.timedelta(microseconds=1)).date() if wanted.end else dt.datetime.now(dt.UTC).date()


def _lost(session: Session, wanted: Filters) -> str:
    """What is to be said where events of the span are no longer kept."""
    since = session.kept_since
    if since is None or (wanted.start is not None and wanted.start >= since):
        return ""
    return f" Events before {since:%Y-%m-%d %H:%M} are no longer kept: who sent them is not in the list."


def _left_out(wanted: Filters) -> str:
    """What the list leaves out by itself."""
    out = [
        *(["research scanners"] if wanted.scanners == "out" else []),
        *(["sources taken for forged"] if wanted.spoofed == "out" else []),
        *(["backscatter"] if None in wanted.kind and "backscatter" not in wanted.kind else []),
    ]
    return f" Left out: {', '.join(out)}." if out else ""


def _look(texts: Iterable[str], secret: set[bytes]) -> None:
    """TeitenError where one of them would name an address to which packets were sent."""
    from teiten.publish import leaks

    if leaks.find({"list": "\n".join(texts).encode()}, secret) is not None:
        raise TeitenError("The list was not written: it would name an address of a sensor.")


def _write(content: bytes, out: str | None) -> None:
    """To stdout, or to a file that appears when it is whole. TeitenError."""
    if out is None or out == "-":
        sys.stdout.buffer.write(content)
        return
    _write_all(Path(out).parent, {Path(out).name: content})


def _write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    """Files under temporary names, then each under its own, in that order. TeitenError."""
    made: list[tuple[Path, Path]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as sink:
                made.append((Path(sink.name), folder / name))
                sink.write(content)
            made[-1][0].chmod(0o644)
        for temporary, path in made:
            temporary.replace(path)
    except OSError as error:
        for temporary, _ in made:
            temporary.unlink(missing_ok=True)
        why = error.strerror or error
        raise TeitenError(f"{folder} cannot be written: {why}.", hint="Make room, or name another place.") from None
