"""teiten payloads: what senders said: alike ones together, what they would fetch, run, log in with."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from teiten.cli import _output, _question
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.payloads.asked import Group

NAME = "payloads"
HELP = "what senders said: payloads, alike ones together; what they would fetch, run, log in with; nothing of it is run"
EXAMPLE = """\
  teiten payloads --from 2026-11-01 --to 2026-12-01
  teiten payloads --port 23/tcp,2323/tcp
  teiten payloads --show 4f1d0c8a
  teiten payloads --output json"""
FILTERS = ("port", "protocol", "country", "asn", "src", "sensor", "group", "scanner", "scanners")
COLUMNS = (
    "group", "hosts", "times", "payloads", "ports", "first", "last", "exploits", "ja4", "downloads", "commands", "credentials",
    "sample", "sample_hex",
)  # fmt: skip
_SAMPLE = 60
_LEAST_WANTED = ("last", "payloads", "times")


def arguments(parser: argparse.ArgumentParser) -> None:
    _question.arguments(parser, FILTERS)
    parser.add_argument(
        "--show", metavar="HASH", help="one group or payload, by the beginning of its hash: whole, and who sent it"
    )


def main(args: argparse.Namespace) -> int:
    from teiten.payloads import asked

    chosen = _question.settings_of(args)
    wanted = _question.filters_of(args, chosen, FILTERS)
    with _question.asked(args, chosen, wanted) as session:
        found = asked.payloads(session, wanted)
        groups = asked.grouped(found)
        if args.show:
            one = _chosen(groups, args.show)
            return _show(args, one, asked.senders(session, wanted, one.members))
    if args.output == "table":
        _table(args, groups, len(found))
    else:
        _output.write_rows([_row(one) for one in groups[: args.n or None]], args.output, args.out, columns=COLUMNS)
    return 0


def _chosen(groups: list[Group], text: str) -> Group:
    """The group of that hash, or with a payload of it. UsageError."""
    wanted = text.strip().lower()
    fits = [one for one in groups if one.hash.startswith(wanted) or any(p.hash.startswith(wanted) for p in one.members)]
    if len(fits) != 1 or not wanted:
        why = "No payload of that time has" if not fits else f"{len(fits)} groups have"
        raise UsageError(
            f"{why} a hash that begins with '{text[:70]}'.", hint="teiten payloads --output json lists them whole."
        )
    return fits[0]


def _row(one: Group) -> dict[str, Any]:
    """COLUMNS. What would be fetched is defanged, and all texts are harmless."""
    from teiten.payloads import shown

    return {
        "group": one.hash,
        "hosts": one.hosts,
        "times": one.times,
        "payloads": len(one.members),
        "ports": " ".join(one.ports),
        "first": one.first,
        "last": one.last,
        "exploits": "; ".join(f"{rule.id} {rule.name}" for rule in one.exploits),
        "ja4": one.ja4,
        "downloads": "; ".join(shown.defanged(each.url) for each in one.drawn.downloads),
        "commands": "; ".join(_safe(each) for each in one.drawn.commands),
        "credentials": "; ".join(f"{_safe(user)}:{_safe(word)}" for user, word in one.drawn.credentials),
        "sample": shown.defanged(shown.text(one.members[0].data, 500)),
        "sample_hex": one.members[0].data[:4096].hex(),
    }


def _safe(text: str) -> str:
    from teiten.payloads import shown

    return shown.defanged(shown.text(text.encode("latin-1", "backslashreplace")))


def _what(one: Group) -> str:
    """A few words on a group for a table."""
    from teiten.payloads import shown

    if one.exploits:
        return f"{one.exploits[0].id} {one.exploits[0].name}"
    if one.ja4:
        return f"TLS {one.ja4}"
    return shown.defanged(shown.text(one.members[0].data[:_SAMPLE]))


def _table(args: argparse.Namespace, groups: list[Group], payloads: int) -> None:
    shown_groups = groups[: args.n or _question.LISTED]
    lines = [
        {
            "group": one.hash[:8],
            "hosts": f"{one.hosts:,}",
            "times": f"{one.times:,}",
            "payloads": f"{len(one.members):,}",
            "ports": " ".join(one.ports[:2]) + (f" +{len(one.ports) - 2}" if len(one.ports) > 2 else ""),
            "last": f"{one.last:%Y-%m-%d %H:%M}" if one.last else "",
            "what": _question.cut(_what(one), _SAMPLE),
        }
        for one in shown_groups
    ]
    if lines:
        _output.write_rows(_question.fitted(lines, _LEAST_WANTED, ("hosts", "times", "payloads")), "table", args.out)
    notes = [f"{payloads:,} payloads in {len(groups):,} groups. teiten payloads --show GROUP shows one."]
    if not groups:
        notes = [
            "There is no payload in that time: teiten respond hears them, captures keep them by the setting payload_bytes."
        ]
    elif len(groups) > len(shown_groups):
        notes.append(f"The {len(shown_groups)} of the most hosts; -n {len(groups)} shows all.")
    _output.write_text(notes, args.out if not lines else None)


def _show(args: argparse.Namespace, one: Group, senders: list[dict[str, Any]]) -> int:
    from teiten.payloads import shown

    row = _row(one)
    if args.output != "table":
        _output.write_rows([{**row, "senders": len(senders)}], args.output, args.out, columns=(*COLUMNS, "senders"))
        return 0
    lines = [
        f"group {one.hash}",
        f"{one.hosts:,} hosts, {one.times:,} times, {len(one.members):,} payloads; ports {row['ports']}",
        f"{one.first:%Y-%m-%d %H:%M:%S} to {one.last:%Y-%m-%d %H:%M:%S}",
    ]
    lines += [f"exploit     {rule.id} {rule.name} ({rule.source})" for rule in one.exploits]
    lines += [f"ja4         {one.ja4}"] if one.ja4 else []
    lines += [f"download    {shown.defanged(each.url)}" for each in one.drawn.downloads]
    lines += [f"command     {_safe(each)}" for each in one.drawn.commands]
    lines += [f"credential  {_safe(user)} : {_safe(word)}" for user, word in one.drawn.credentials]
    lines += ["", *shown.hexadecimal(one.members[0].data, 1024), ""]
    lines += [
        f"{sender['src_ip']:39}  {sender['country'] or '-':3} {_as(sender):30.30}  {sender['times']:>7,}  "
        f"{sender['first']:%m-%d %H:%M} - {sender['last']:%m-%d %H:%M}"
        for sender in senders
    ]
    _output.write_text(lines, args.out)
    return 0


def _as(sender: dict[str, Any]) -> str:
    return "-" if sender["asn"] is None else f"AS{sender['asn']} {_safe(sender['as_name'] or '')}"
