"""teiten notify: operators are told of infected hosts in their networks: prepared, shown, sent only as shown, remembered."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teiten.cli import _common, _output, _question
from teiten.errors import LakeError, TeitenError, UsageError

if TYPE_CHECKING:
    from teiten.engine.filters import Filters
    from teiten.lake import Lake
    from teiten.notify.drafts import Plan, Ready
    from teiten.notify.kept import Book, Told, Writer
    from teiten.settings import Settings

NAME = "notify"
HELP = "operators told of infected hosts in their networks: letters prepared, shown, sent as shown; who was told when"
EXAMPLE = """\
  teiten notify prepare --period 2026-05 --contacts contacts.csv
  teiten notify show
  teiten notify send --confirm 4f1d0c8a5b7e2d31
  teiten notify told"""
FOLDER = "teiten-notify"
DAYS = 7
FILTERS = ("country", "asn", "src")
FORMS = ("csv", "shadowserver", "iodef", "xarf", "xarf4")


def arguments(parser: argparse.ArgumentParser) -> None:
    subs = parser.add_subparsers(dest="what", metavar="WHAT", required=True, help="what to do")
    prepare = subs.add_parser("prepare", help="letters into a folder; nothing is sent")
    prepare.add_argument(
        "--from", dest="start", metavar="T", help=f"from this day or time on (default: {DAYS} days before the end)"
    )
    prepare.add_argument("--to", dest="end", metavar="T", help="up to, and without, this day or time (default: the lake's end)")
    prepare.add_argument("--period", metavar="P", help="a day, week, month or quarter: 2026-05-01, 2026-W18, 2026-05, 2026-Q2")
    for name in FILTERS:
        prepare.add_argument(f"--{name}", metavar=name.upper(), help=_question.HELP[name])
    prepare.add_argument("--contacts", metavar="FILE", help="a CSV of contacts (default: [notify] contacts)")
    prepare.add_argument("--rdap", metavar="PLACE", help="a saved RDAP answer, or a folder of them (default: [notify] rdap)")
    prepare.add_argument("--out", default=FOLDER, metavar="DIR", help=f"the folder (default: {FOLDER})")
    prepare.add_argument(
        "--forms", default=",".join(FORMS), metavar="FORMS", help=f"files beside each mail (default: {','.join(FORMS)})"
    )
    show = subs.add_parser("show", help="what would be sent: a line a letter, or one letter whole; and what confirms it")
    show.add_argument("--id", metavar="ID", help="this letter, whole")
    send = subs.add_parser("send", help="send the letters that were shown, over the mail server of [notify]")
    send.add_argument("--confirm", metavar="HASH", required=True, help="what `show` gave: these letters, with these bytes")
    for sub in (show, send):
        sub.add_argument("folder", nargs="?", default=FOLDER, metavar="DIR", help=f"the folder (default: {FOLDER})")
        sub.add_argument("--only", metavar="MAIL", help="letters to this contact alone")
    told = subs.add_parser("told", help="who was told when; letters sent by hand, or in doubt, set right")
    told.add_argument("--src", metavar="ADDRESS", help="letters that name this address")
    told.add_argument("--state", choices=("prepared", "doubt", "sent", "withdrawn"), help="letters in this state")
    change = told.add_mutually_exclusive_group()
    change.add_argument("--by-hand", metavar="ID", help="note: this letter was sent by hand")
    change.add_argument("--went-out", metavar="ID", help="of a letter in doubt: it went out")
    change.add_argument("--not-sent", metavar="ID", help="of a letter in doubt: it did not go out, and waits again")
    told.add_argument("-n", type=int, default=50, metavar="N", help="at most N letters, the latest (default: 50)")
    _output.add_output(told)
    for sub in (prepare, show, send, told):
        sub.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
        _common.add_settings(sub)


def main(args: argparse.Namespace) -> int:
    from teiten import settings
    from teiten.lake import Lake

    chosen = settings.load(config=args.config, lake=args.lake)
    lake = Lake.open(chosen.lake)
    return {"prepare": _prepare, "show": _show, "send": _send, "told": _told}[args.what](args, lake, chosen)


# prepare --------------------------------------------------------------------------------------------------------------


def _prepare(args: argparse.Namespace, lake: Lake, chosen: Settings) -> int:
    from teiten import classify
    from teiten.engine import open_session
    from teiten.notify import contacts, drafts, hosts, kept

    drafts.checked(chosen)
    wanted = _span(args, lake, chosen)
    forms = tuple(dict.fromkeys(part.strip() for part in args.forms.split(",") if part.strip()))
    if strange := [form for form in forms if form not in FORMS]:
        raise UsageError(f"There is no form '{strange[0]}'.", hint=f"There are: {', '.join(FORMS)}.")
    own = chosen.notifying
    known = contacts.load(Path(args.contacts) if args.contacts else own.contacts, Path(args.rdap) if args.rdap else own.rdap)
    for remark in known.remarks[:20]:
        print(f"teiten notify: {remark}.", file=sys.stderr)
    if len(known.remarks) > 20:
        print(f"teiten notify: and {len(known.remarks) - 20:,} lines more that could not be used.", file=sys.stderr)
    judged = classify.refresh(lake, chosen, _question.days(wanted, chosen))
    if judged.trouble is not None:
        _common.show_verdicts(judged)
    with open_session(lake, chosen) as session:
        found = hosts.find(session, wanted, own)
    now = dt.datetime.now(dt.UTC)
    with kept.writing(lake.path) as writer:
        made = drafts.plan(found, known, writer.book, chosen, now)
        old = drafts.write(made, found, Path(args.out), chosen, now, forms, writer)
    _summary(made, known.count, len(old), wanted, chosen, args)
    return 0


def _span(args: argparse.Namespace, lake: Lake, chosen: Settings) -> Filters:
    """The filters with their span: what was named, else the last days of the lake. UsageError, LakeError."""
    wanted = _question.filters_of(args, chosen, FILTERS)
    rows = lake.batches(["t_min", "t_max"]).drop_nulls()
    if not rows.height:
        raise LakeError("The lake has no events yet.", hint="Take a log in first: teiten ingest FILE.")
    last: Any = rows["t_max"].max()
    end = wanted.end or _midnight(last.astimezone(chosen.zone).date() + dt.timedelta(days=1), chosen)
    start = wanted.start or _midnight((end.astimezone(chosen.zone) - dt.timedelta(days=DAYS)).date(), chosen)
    if start >= end:
        raise UsageError(f"The span ends at {end:%Y-%m-%d %H:%M}, before it begins.", hint="--from is included, --to is not.")
    return wanted.between(start, end)


def _midnight(day: dt.date, chosen: Settings) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), chosen.zone)


_REASONS = {
    "own": "own addresses", "research": "research scanners", "forged": "forged sources", "backscatter": "backscatter",
    "reserved": "addresses of nobody on the Internet", "quiet": "without an attempt that fits",
}  # fmt: skip


def _summary(made: Plan, contacts: int, old: int, wanted: Filters, chosen: Settings, args: argparse.Namespace) -> None:
    assert wanted.start is not None and wanted.end is not None
    last = (wanted.end - dt.timedelta(microseconds=1)).astimezone(chosen.zone)
    mails = len(made.letters)
    people = len({letter.group.contact.mail for _, letter in made.letters})
    first = wanted.start.astimezone(chosen.zone)
    print(f"{made.found:,} hosts from {first:%Y-%m-%d} to {last:%Y-%m-%d}; {contacts:,} contacts known.")
    print(f"  {made.prepared:,} in {mails:,} letters to {people:,} contacts")
    lines = [
        (made.unknown, "of networks whose contact is not known"),
        (made.told, "told already, and nothing new speaks of them"),
    ]
    lines += [(made.beyond, "beyond [notify] most_letters: the next time")]
    lines += [(n, f"left out: {_REASONS[why]}") for why, n in sorted(made.left_out.items())]
    for n, text in lines:
        if n:
            print(f"  {n:,} {text}")
    if old:
        print(f"{old:,} letters that were prepared there before, and not sent, are withdrawn.")
    print(f"{args.out}: nothing was sent. Look at it with: teiten notify show {args.out}")


# show, send -----------------------------------------------------------------------------------------------------------


def _waiting(args: argparse.Namespace, book: Book) -> list[Ready]:
    from teiten.notify import drafts

    found = drafts.ready(Path(args.folder), book)
    if args.only:
        found = [one for one in found if one.letter.mail == args.only.strip().lower() or one.letter.mail == args.only.strip()]
    return found


def _show(args: argparse.Namespace, lake: Lake, chosen: Settings) -> int:
    from teiten.notify import drafts, kept

    found = _waiting(args, kept.load(lake.path))
    if args.id:
        return _whole(found, args.id)
    _doubts(lake)
    if not found:
        print(f"No letter of {args.folder} waits to be sent.")
        return 0
    rows = [
        {
            "id": one.letter.id, "to": one.letter.mail, "hosts": f"{len(one.letter.hosts):,}",
            "kB": f"{len(one.content) / 1000:,.0f}",
            "networks": _question.cut(" ".join(one.letter.networks), 30), "trouble": one.trouble or one.letter.why,
        }
        for one in found
    ]  # fmt: skip
    if not any(row["trouble"] for row in rows):
        rows = [{k: v for k, v in row.items() if k != "trouble"} for row in rows]
    _output.write_rows(_question.fitted(rows, ("networks", "kB"), ("hosts", "kB")), "table")
    hosts = sum(len(one.letter.hosts) for one in found)
    server = chosen.notifying.server or "(no server in [notify])"
    print(f"{len(found):,} letters of {hosts:,} hosts, from {chosen.notifying.mail}, over {server}. One whole: --id ID.")
    only = f" --only {args.only}" if args.only else ""
    print(f"To send exactly these: teiten notify send {args.folder}{only} --confirm {drafts.confirmation(found)}")
    return 0


def _whole(found: Sequence[Ready], number: str) -> int:
    from teiten import inert
    from teiten.notify import drafts

    one = next((one for one in found if one.letter.id == number), None)
    if one is None:
        raise UsageError(f"No letter '{number[:60]}' waits in that folder.", hint="teiten notify show lists them.")
    if one.trouble:
        raise TeitenError(f"{one.file} {one.trouble}.", hint="Prepare the letters again.")
    for name, content in drafts.parts(one.content).items():
        text = content.decode("utf-8", "replace").replace("\r\n", "\n")
        if name == "head":
            print(inert.text(text), end="\n\n")
        elif name.startswith("part-"):
            print(inert.text(text))
        else:
            print(f"[{inert.line(name)}: {len(content):,} bytes, {text.count(chr(10)) - 1:,} rows]")
    return 0


def _send(args: argparse.Namespace, lake: Lake, chosen: Settings) -> int:
    from teiten.engine import filters, open_session
    from teiten.notify import drafts, kept, sending
    from teiten.publish import hosts

    drafts.checked(chosen)
    if not chosen.notifying.server:
        raise UsageError(
            "[notify] names no mail server.", hint='Write server = "mail.example.org", or send the drafts by hand.'
        )
    with kept.writing(lake.path) as writer:
        found = _waiting(args, writer.book)
        if not found:
            _doubts(lake)
            print(f"No letter of {args.folder} waits to be sent.")
            return 0
        if drafts.confirmation(found) != args.confirm.strip().lower():
            raise UsageError(
                "These are not the letters that were shown: nothing was sent.",
                hint=f"Look again: teiten notify show {args.folder}",
            )
        with open_session(lake, chosen) as session:
            own = hosts.own(session, filters.Filters())
        outcome = sending.send(found, writer, chosen, own, _line)
        left = [one for one in found if one.letter.state == "prepared"]
    print(f"{len(outcome.sent):,} of {len(found):,} letters sent.", file=sys.stderr)
    if left:
        print(f"teiten notify: {len(left):,} wait; teiten notify show {args.folder} tells why.", file=sys.stderr)
    _doubts(lake)
    return 1 if left or outcome.doubt or outcome.failed else 0


def _line(letter: Told, what: str) -> None:
    print(f"{letter.id} to {letter.mail} ({len(letter.hosts):,} hosts): {what}", flush=True)


def _doubts(lake: Lake) -> None:
    """Letters of which nobody knows whether they went out."""
    from teiten.notify import kept

    for one in kept.load(lake.path).letters.values():
        if one.state == "doubt":
            print(
                f"teiten notify: whether {one.id} to {one.mail} went out at {one.sent} is not known. Ask the mail server's "
                f"log, then: teiten notify told --went-out {one.id} (or --not-sent {one.id}).",
                file=sys.stderr,
            )


# told -----------------------------------------------------------------------------------------------------------------

COLUMNS = ("id", "state", "sent", "by", "mail", "name", "hosts", "packets", "networks", "prepared", "subject", "why")
_LEAST_WANTED = ("subject", "prepared", "why", "name", "networks", "packets", "by")


def _told(args: argparse.Namespace, lake: Lake, chosen: Settings) -> int:
    from teiten.notify import kept

    if args.by_hand or args.went_out or args.not_sent:
        with kept.writing(lake.path) as writer:
            return _set_right(args, writer)
    if args.n < 1:
        raise UsageError(f"-n {args.n} shows nothing.", hint="Give 1 or more.")
    book = kept.load(lake.path)
    letters = list(book.letters.values()) if not args.src else book.about(_address(args.src))
    rows = kept.rows_of([one for one in letters if args.state in (None, one.state)])[: args.n]
    if args.output != "table":
        _output.write_rows([{name: row[name] for name in COLUMNS} for row in rows], args.output, args.out, columns=COLUMNS)
        return 0
    if rows:
        texts = [{name: "-" if row[name] is None else str(row[name]) for name in COLUMNS} for row in rows]
        _output.write_rows(_question.fitted(texts, _LEAST_WANTED, ("hosts", "packets")), "table", args.out)
    sent = [one for one in book.letters.values() if one.state == "sent"]
    hosts = len({address for one in sent for address in one.hosts})
    print(f"{len(sent):,} letters sent, of {hosts:,} hosts, to {len({one.mail for one in sent}):,} contacts.", file=sys.stderr)
    _doubts(lake)
    return 0


def _address(text: str) -> str:
    import ipaddress

    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise UsageError(f"'{text[:60]}' is no address.", hint="Write 192.0.2.7 or 2001:db8::7.") from None


def _set_right(args: argparse.Namespace, writer: Writer) -> int:
    number = args.by_hand or args.went_out or args.not_sent
    letter = writer.book.letters.get(number)
    if letter is None:
        raise UsageError(f"There is no letter '{number[:60]}'.", hint="teiten notify told --output csv lists them all.")
    wanted = "prepared" if args.by_hand else "doubt"
    if letter.state != wanted:
        raise UsageError(f"The letter {letter.id} is {letter.state}, not {wanted}.")
    if args.by_hand:
        writer.state("sent", letter, by="hand")
        print(f"{letter.id}: {len(letter.hosts):,} hosts told to {letter.mail}, by hand.", file=sys.stderr)
        return 0
    writer.state("decided", letter, sent=bool(args.went_out))
    print(f"{letter.id}: {'it went out' if args.went_out else 'it waits again'}.", file=sys.stderr)
    return 0
