"""teiten note: what an analyst adds to the machine's findings: notes, addenda, words for a gap, corrections, marks."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from typing import TYPE_CHECKING, Any

from teiten.cli._common import add_settings
from teiten.cli._output import add_output, write_rows
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.settings import Settings

NAME = "note"
HELP = "an analyst's notes, addenda, words for a gap, corrections of verdicts and of stories, kept in the lake"
EXAMPLE = """\
  teiten note add --period 2019-03 --kind addendum "Seen again on 2 April." --url https://example.org/
  teiten note add --kind gap --from 2019-03-12 --to 2019-03-13 --lang ja "停電のため観測を停止"
  teiten note add --period 2021-Q2 --section events --title "9530/tcp" --lang en - < 9530.txt
  teiten note add --correct 192.0.2.7 --label not_a_scanner "our own monitoring"
  teiten note add --correct 192.0.2.0/24 --label announced_scanner --value "Campus CERT" --from 2019-03-01 "told by mail"
  teiten note add --story 7c0e11aa --label false "our own load test"
  teiten note lessons
  teiten note edit ID "Seen again on 2 and 5 April."
  teiten note withdraw ID"""

KINDS = ("note", "addendum", "gap")
STORY_LABELS = ("false", "explained")
_ABOUT = ("period", "from", "to", "src", "port", "country", "asn", "sensor", "organisation", "lang", "url", "author")


def arguments(parser: argparse.ArgumentParser) -> None:
    subs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = subs.add_parser("add", help="add a note, or with --correct a correction")
    add.add_argument("text", metavar="TEXT", help="what there is to say (-: read it from standard input); with --correct, why")
    add.add_argument(
        "--kind", choices=KINDS, default="note", help="an addendum is shown with its date; a gap's words with the gap"
    )
    add.add_argument(
        "--correct", metavar="ADDRESS|PREFIX", help="correct what sources are taken for; this wins over every rule"
    )
    add.add_argument("--story", metavar="ID", help="mark a story: --label false or explained; it stays so, and teaches")
    from teiten import correcting

    labels = [*STORY_LABELS, *correcting.labels()]
    add.add_argument("--label", choices=labels, metavar="LABEL", help=f"with --correct: {', '.join(labels)}")
    add.add_argument(
        "--value", metavar="NAME", help="with --label announced_scanner: whose scanner it is; with --label tool: which"
    )
    _about(add)
    _placed(add)
    _where(add)
    edit = subs.add_parser("edit", help="put another note in the place of one; the old one is kept, and shown no more")
    edit.add_argument("id", metavar="ID")
    edit.add_argument("text", metavar="TEXT", nargs="?", help="its new text (-: from standard input; default: as it was)")
    _about(edit)
    _placed(edit)
    _where(edit)
    lessons = subs.add_parser(
        "lessons", help="what marked stories teach: from what size on the same is told again, and until when"
    )
    _where(lessons)
    add_output(lessons)
    withdraw = subs.add_parser("withdraw", help="take a note back; it is kept, and shown no more")
    withdraw.add_argument("id", metavar="ID")
    withdraw.add_argument("--author", metavar="NAME", help="who takes it back")
    _where(withdraw)
    listed = subs.add_parser("list", help="the notes that hold")
    listed.add_argument("--all", action="store_true", help="those withdrawn or replaced too")
    listed.add_argument("--kind", choices=(*KINDS, "correction", "story"), help="only these")
    listed.add_argument("--period", metavar="P", help="only those on this period")
    _where(listed)
    add_output(listed)


def _about(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what it is about")
    group.add_argument("--period", metavar="P", help="a report's period: 2019-03, 2019-W10, 2019-03-05, 2019-Q1")
    group.add_argument("--from", dest="start", metavar="DAY", help="its first day")
    group.add_argument("--to", dest="end", metavar="DAY", help="its last day (this one is included)")
    group.add_argument("--src", metavar="ADDRESS|PREFIX", help="a source")
    group.add_argument("--port", metavar="PORT", help="a port, such as 23/tcp")
    group.add_argument("--country", metavar="CODE", help="a country, by code or name")
    group.add_argument("--asn", metavar="AS", help="a network, such as AS4134")
    group.add_argument("--sensor", metavar="NAME", help="a sensor")
    group.add_argument("--organisation", metavar="NAME", help="an organisation of the watchlists")
    group.add_argument("--lang", choices=("ja", "en"), help="the text's language (default: it is shown in both)")
    group.add_argument("--url", metavar="URL", help="a page about it")
    group.add_argument("--author", metavar="NAME", help="who wrote it (default: nobody is named)")


def _placed(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where a note stands in its report")
    group.add_argument(
        "--section", metavar="ID", help="a section of the report (its address ends with #ID), or 'events' for one of its own"
    )
    group.add_argument("--title", metavar="TEXT", help="with --section: what stands above it")
    group.add_argument("--place", metavar="N", type=int, help="with --section: its place among several notes there")


def _where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten import settings

    chosen = settings.load(config=args.config, lake=args.lake)
    actions = {"add": _add, "edit": _edit, "withdraw": _withdraw, "list": _list, "lessons": _lessons}
    return actions[args.action](args, chosen)


# add, edit, withdraw ------------------------------------------------------------------------------------------------


def _add(args: argparse.Namespace, chosen: Settings) -> int:
    from teiten.lake import Lake

    text = _text(args.text)
    if not text:
        raise UsageError("A note without a text says nothing.", hint="Write the text last, in quotation marks.")
    given = _given(args, chosen) | {"text": text}
    kind = args.kind
    if args.section and (kind != "note" or args.correct is not None):
        raise UsageError("Only a note has a section.", hint="Leave --kind and --correct out, or --section.")
    given |= _in_section(args, given)
    lake = Lake.open(chosen.lake)
    if args.story is not None:
        kind, given = "story", given | _mark(lake, args, chosen)
    elif args.label in STORY_LABELS:
        raise UsageError(f"--label {args.label} is said of a story.", hint="Say of which: --story ID.")
    elif args.correct is not None:
        kind, given = "correction", given | _correction(args)
    elif args.label or args.value:
        raise UsageError("--label and --value belong to a correction.", hint="Say of what: --correct ADDRESS, or --story ID.")
    elif kind == "gap":
        given |= _days_of_gap(given, chosen)
    number = lake.add_note(kind, **given)
    print(number)
    print(f"The {'mark' if kind == 'story' else kind} is kept as {number}. {_next(kind)}", file=sys.stderr)
    return 0


def _text(text: str) -> str:
    """What there is to say; '-' reads it from standard input."""
    return (sys.stdin.read() if text == "-" else text).strip()


def _in_section(args: argparse.Namespace, given: dict[str, Any]) -> dict[str, Any]:
    """Section, place and title of a note, in the lake's columns. UsageError where they cannot be."""
    from teiten.report import sections

    if not args.section:
        if args.title or args.place is not None:
            raise UsageError("--title and --place belong to a note with a section.", hint="Say which: --section events.")
        return {}
    known = [part.id for part in sections.parts()]
    if args.section not in known:
        raise UsageError(f"There is no section '{args.section}' in any report.", hint=f"There are: {', '.join(known)}.")
    if args.place is not None and args.place < 0:
        raise UsageError(f"'{args.place}' is no place.", hint="Count from 1.")
    out: dict[str, Any] = {"label": args.section}
    if args.place is not None:
        out["value"] = str(args.place)
    if args.title and "text" in given:
        out["text"] = f"# {' '.join(args.title.split())}\n\n{given['text']}"
    return out


def _next(kind: str) -> str:
    return {
        "correction": "Rankings, queries and reports go by it from now on.",
        "gap": "Reports of its days say it with the gap.",
        "story": "The story keeps it; `teiten note lessons` shows what it teaches.",
    }.get(kind, "Reports that it is about show it when they are made again.")


def _mark(lake: Any, args: argparse.Namespace, chosen: Settings) -> dict[str, Any]:
    """What a note keeps of the story that it marks, in the lake's columns. UsageError."""
    from teiten.detect import kept, taught
    from teiten.detect.model import Story

    if args.correct is not None or args.kind != "note" or args.section or args.value:
        raise UsageError("--story is a kind of its own.", hint="Leave --correct, --kind, --section and --value out.")
    if args.label not in STORY_LABELS:
        raise UsageError("What is the story?", hint="Give --label false, or --label explained.")
    found = kept.find(lake, chosen, args.story)
    if not isinstance(found, Story):
        raise UsageError(f"{args.story} is a detection of a story, not one itself.", hint="`teiten detect` lists stories.")
    return taught.mark(found, kept.history(lake, chosen, found.id), args.label, chosen.zone)


def _correction(args: argparse.Namespace) -> dict[str, Any]:
    from teiten import correcting

    if args.kind != "note" or args.src:
        raise UsageError("--correct is a kind of its own and names its source itself.", hint="Leave --kind and --src out.")
    return correcting.columns(args.correct, args.label or "", args.value)


def _given(args: argparse.Namespace, chosen: Settings) -> dict[str, Any]:
    """What the flags say, in the lake's columns; only what was given."""
    from teiten.data import countries
    from teiten.engine import filters

    out: dict[str, Any] = {}
    if args.period:
        out["period"] = _period(args.period, chosen).name
    out |= {
        name: _day(text, flag)
        for name, text, flag in (("day_from", args.start, "--from"), ("day_to", args.end, "--to"))
        if text
    }
    if args.port:
        asked = filters.parse(chosen, port=args.port)
        if len(asked.port) + len(asked.protocol) != 1 or (asked.port and asked.port[0].first != asked.port[0].last):
            raise UsageError(f"'{args.port}' is not one port.", hint="A note is about one: 23/tcp.")
        out |= (
            {"protocol": asked.port[0].protocol, "port": asked.port[0].first} if asked.port else {"protocol": asked.protocol[0]}
        )
    if args.country:
        code = countries.find(args.country)
        if code is None:
            raise UsageError(f"'{args.country}' is no country that I know.", hint="Write a code such as JP, or a name.")
        out["country"] = code
    if args.asn:
        number = filters.parse(chosen, asn=args.asn).asn
        if len(number) != 1 or number[0] is None:
            raise UsageError(f"'{args.asn}' is not one AS.", hint="A note is about one: AS4134.")
        out["asn"] = number[0]
    if args.organisation:
        from teiten.classify import watchlists

        out["organisation"] = watchlists.load(chosen).organisation(args.organisation).name
    if args.url and not args.url.startswith(("https://", "http://")):
        raise UsageError(f"'{args.url}' is no address of a page.", hint="Write it with https://.")
    return out | {name: getattr(args, name) for name in ("src", "sensor", "lang", "url", "author") if getattr(args, name)}


def _period(text: str, chosen: Settings) -> Any:
    from teiten import periods

    for kind in periods.KINDS:
        try:
            return periods.parse(kind, text, chosen.zone)
        except UsageError:
            continue
    raise UsageError(f"'{text}' names no period.", hint="Write 2019-03, 2019-W10, 2019-03-05 or 2019-Q1.")


def _day(text: str, flag: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is no day.", hint=f"Write {flag} like 2019-03-12.") from None


def _days_of_gap(given: dict[str, Any], chosen: Settings) -> dict[str, Any]:
    """The days of a gap: as given, one of them for both, or the period's."""
    first, last = given.get("day_from"), given.get("day_to")
    if first or last:
        return {"day_from": first or last, "day_to": last or first}
    if "period" in given:
        days = _period(given["period"], chosen).days
        return {"day_from": days[0], "day_to": days[-1]}
    raise UsageError("Which days was nothing observed?", hint="Give --from and --to, or --period.")


def _edit(args: argparse.Namespace, chosen: Settings) -> int:
    from teiten.lake import Lake

    lake = Lake.open(chosen.lake)
    old = _one(lake, args.id)
    kept = {k: v for k, v in old.items() if k not in ("id", "created", "kind", "withdrawn", "replaces") and v is not None}
    given = kept | _given(args, chosen) | {"replaces": args.id}
    if args.text is not None:
        text = _text(args.text)
        if not text:
            raise UsageError("A note without a text says nothing.", hint=f"To take it back: teiten note withdraw {args.id}")
        given["text"] = text
    if args.section and old["kind"] != "note":
        raise UsageError("Only a note has a section.", hint="Leave --section out.")
    given |= _in_section(args, given)
    number = lake.add_note(old["kind"], **given)
    print(number)
    print(f"{number} stands in the place of {args.id}.", file=sys.stderr)
    return 0


def _withdraw(args: argparse.Namespace, chosen: Settings) -> int:
    from teiten.lake import Lake

    lake = Lake.open(chosen.lake)
    kind = _one(lake, args.id)["kind"]
    lake.withdraw_note(args.id, args.author)
    print(f"The {kind} {args.id} is taken back. It is kept, and shown no more.", file=sys.stderr)
    return 0


def _one(lake: Any, number: str) -> dict[str, Any]:
    for row in lake.notes().iter_rows(named=True):
        if row["id"] == number:
            return dict(row)
    raise UsageError(
        f"There is no note {number}, or it was withdrawn or replaced.", hint="`teiten note list` shows those that hold."
    )


# lessons ------------------------------------------------------------------------------------------------------------


def _lessons(args: argparse.Namespace, chosen: Settings) -> int:
    from teiten.detect import taught
    from teiten.lake import Lake

    known = taught.lessons(Lake.open(chosen.lake).notes().iter_rows(named=True))
    days = chosen.threshold("detect_taught_days")
    rows = [
        {
            "note": one.note,
            "story": one.story,
            "label": one.verdict,
            "kinds": " ".join(one.kinds),
            "about": _spoken(taught.about_of(one.about)),
            "told_from": taught.bar_text(one, chosen.threshold(f"detect_taught_{one.verdict}")),
            "until": (one.day + dt.timedelta(days=int(days))).isoformat(),
            "text": one.because,
        }
        for one in known
    ]
    if args.output == "table":
        rows = [
            {**row, "kinds": _cut(row["kinds"], 14), "about": _cut(row["about"], 22), "text": _cut(row["text"], 12)}
            for row in rows
        ]
        for row in rows:
            del row["kinds"]
    write_rows(rows, args.output, args.out, columns=[] if rows else ["note", "story", "label", "about", "told_from", "until"])
    if not rows:
        print("No story is marked: nothing was taught.", file=sys.stderr)
    return 0


def _spoken(about: Any) -> str:
    """What a mark is about, as a terminal has it: 25/tcp 465/tcp US."""
    from teiten.engine.filters import thing_text

    parts = [thing_text(protocol, port) for protocol, port in about.ports]
    parts += [about.country or "unknown country"] if about.country is not None else []
    parts += [f"AS{about.asn}"] if about.asn is not None else []
    parts += [name for name in (about.sensor, about.group) if name]
    return " ".join(parts) or "all"


# list ---------------------------------------------------------------------------------------------------------------


def _list(args: argparse.Namespace, chosen: Settings) -> int:
    from teiten.lake import Lake

    found = Lake.open(chosen.lake).notes(every=args.all)
    rows = [row for row in found.iter_rows(named=True) if not args.kind or row["kind"] == args.kind]
    if args.period:
        name = _period(args.period, chosen).name
        rows = [row for row in rows if row["period"] == name]
    if args.output == "table":
        after = {row["replaces"]: row for row in found.iter_rows(named=True) if row["replaces"]}
        shown = [_short(row, after.get(row["id"]) if args.all else None, args.all) for row in rows if not row["withdrawn"]]
        write_rows(shown, "table", args.out)
        if not rows:
            print("There are no such notes.", file=sys.stderr)
        return 0
    write_rows([_plain(row) for row in rows], args.output, args.out, columns=[] if rows else list(found.columns))
    return 0


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, dt.date) and not isinstance(v, dt.datetime) else v for k, v in row.items()}


def _short(row: dict[str, Any], after: dict[str, Any] | None, every: bool) -> dict[str, Any]:
    """What fits a terminal: id, day, kind, what it is about, the beginning of the text; with `every` what became of it."""
    line = {
        "id": row["id"],
        "written": f"{row['created']:%Y-%m-%d}",
        "kind": row["kind"],
        "about": _cut(_subject(row), 16 if every else 20),
        "text": _cut(row["text"] or "", 14 if every else 24),
    }
    if every:
        line["state"] = "holds" if after is None else "withdrawn" if after["withdrawn"] else f"now {after['id']}"
    return line


def _subject(row: dict[str, Any]) -> str:
    from teiten.engine.filters import thing_text

    if row["kind"] == "story":
        return f"{row['label']} {_story_of(row['value'])}"
    parts = [str(row[k]) for k in ("period", "src", "label", "value", "country", "sensor", "organisation") if row[k]]
    parts += [f"AS{row['asn']}"] if row["asn"] is not None else []
    if row["protocol"] is not None or row["port"] is not None:
        parts.append(thing_text(row["protocol"], row["port"]) if row["protocol"] is not None else str(row["port"]))
    if not row["period"] and (row["day_from"] or row["day_to"]):
        parts.append(f"{row['day_from'] or ''}..{row['day_to'] or ''}")
    return " ".join(parts)


def _story_of(value: str | None) -> str:
    try:
        return str(json.loads(value or "")["story"])
    except (ValueError, KeyError, TypeError):
        return "?"


def _cut(text: str, most: int) -> str:
    from teiten.cli._output import width

    plain = " ".join(text.split())
    if width(plain) <= most:
        return plain
    while width(plain) >= most:
        plain = plain[:-1]
    return plain + "…"
