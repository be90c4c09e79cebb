"""teiten payloads: what senders said: alike ones together, what they would fetch, run, log in with."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from teiten.cli import _output, _question
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.payloads import beside
    from teiten.payloads.asked import Group
    from teiten.payloads.logins import Login

NAME = "payloads"
HELP = "what senders said: payloads, alike ones together; what they would fetch, run, log in with; nothing of it is run"
EXAMPLE = """\
  teiten payloads --from 2026-11-01 --to 2026-12-01
  teiten payloads --port 23/tcp,2323/tcp
  teiten payloads --show 4f1d0c8a
  teiten payloads --credentials
  teiten payloads --output json"""
FILTERS = ("port", "protocol", "country", "asn", "src", "sensor", "group", "scanner", "scanners")
_SAMPLE = 33
_DAYS = 14
"""days of a sparkline: the last ones"""
_LEAST_WANTED = ("last", "payloads", "times", "days")


def arguments(parser: argparse.ArgumentParser) -> None:
    _question.arguments(parser, FILTERS)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--show",
        metavar="HASH",
        help="one group or payload, by the beginning of its hash: whole, who sent it, what else they did",
    )
    kind.add_argument("--credentials", action="store_true", help="names and passwords that were tried, by hosts")


def main(args: argparse.Namespace) -> int:
    from teiten.payloads import asked, logins

    chosen = _question.settings_of(args)
    wanted = _question.filters_of(args, chosen, FILTERS)
    with _question.asked(args, chosen, wanted) as session:
        own = asked.own(session, wanted)
        if args.credentials:
            return _credentials(args, logins.logins(session, wanted, own), own)
        groups = asked.grouped(asked.payloads(session, wanted))
        if args.show:
            return _show(args, session, wanted, _chosen(groups, args.show), own)
    if args.output == "table":
        _table(args, groups, own)
    else:
        from teiten.publish import said

        _output.write_rows(
            [said.row(one, own) for one in groups[: args.n or None]], args.output, args.out, columns=said.COLUMNS
        )
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


def _table(args: argparse.Namespace, groups: list[Group], own: Collection[bytes]) -> None:
    from teiten.publish import said

    shown_groups = groups[: args.n or _question.LISTED]
    last = max((day for one in groups for day in one.days), default=dt.date.today())
    lines = [
        {
            "group": one.hash[:8],
            "hosts": f"{one.hosts:,}",
            "times": f"{one.times:,}",
            "payloads": f"{len(one.members):,}",
            "ports": " ".join(one.ports[:2]) + (f" +{len(one.ports) - 2}" if len(one.ports) > 2 else ""),
            "last": f"{one.last:%Y-%m-%d %H:%M}" if one.last else "",
            "days": _spark(one, last),
            "what": _question.cut(said.what(one, own, _SAMPLE), _SAMPLE),
        }
        for one in shown_groups
    ]
    if lines:
        _output.write_rows(_question.fitted(lines, _LEAST_WANTED, ("hosts", "times", "payloads")), "table", args.out)
    payloads = sum(len(one.members) for one in groups)
    notes = [f"{payloads:,} payloads in {len(groups):,} groups. teiten payloads --show GROUP shows one."]
    if not groups:
        notes = [
            "There is no payload in that time: teiten respond hears them, captures keep them by the setting payload_bytes."
        ]
    elif len(groups) > len(shown_groups):
        notes.append(f"The {len(shown_groups)} of the most hosts; -n {len(groups)} shows all.")
    _output.write_text(notes, args.out if not lines else None)


def _spark(one: Group, last: dt.date) -> str:
    from teiten.publish import said

    return said.sparkline(one.days.get(last - dt.timedelta(days=n), 0) for n in reversed(range(_DAYS)))


def _credentials(args: argparse.Namespace, found: list[Login], own: Collection[bytes]) -> int:
    from teiten.publish import said

    rows = [said.login(one, own) for one in found[: args.n or (_question.LISTED if args.output == "table" else None)]]
    if args.output != "table":
        _output.write_rows(rows, args.output, args.out, columns=said.LOGIN_COLUMNS)
        return 0
    lines = [
        {
            **{name: _question.cut(row[name], 24) for name in ("user", "password")},
            **{name: f"{row[name]:,}" for name in ("hosts", "times")},
            "ports": _question.cut(row["ports"], 24),
            **{name: f"{row[name]:%Y-%m-%d %H:%M}" for name in ("first", "last")},
        }
        for row in rows
    ]
    if lines:
        _output.write_rows(_question.fitted(lines, ("first", "last", "times"), ("hosts", "times")), "table", args.out)
    notes = [
        f"{len(found):,} names and passwords. Nobody was let in with any." if found else "No name and password in that time."
    ]
    _output.write_text(notes, args.out if not lines else None)
    return 0


def _show(args: argparse.Namespace, session: Any, wanted: Any, one: Group, own: Collection[bytes]) -> int:
    from teiten.payloads import asked, beside
    from teiten.publish import said

    senders = asked.senders(session, wanted, one)
    every = asked.grouped(asked.payloads(session, beside.anywhere(wanted)))
    ports, others = beside.ports(session, wanted, one), beside.groups(every, one)
    row = said.row(one, own)
    if args.output != "table":
        more = {
            "senders": len(one.sources),
            "other_ports": " ".join(f"{each.port}:{each.hosts}" for each in ports if not each.own),
            "other_groups": " ".join(f"{each.group.hash}:{each.hosts}" for each in others),
        }
        _output.write_rows([{**row, **more}], args.output, args.out, columns=(*said.COLUMNS, *more))
        return 0
    lines = [
        f"group {one.hash}",
        f"{one.hosts:,} hosts, {one.times:,} times, {len(one.members):,} payloads; ports {row['ports']}",
        f"{one.first:%Y-%m-%d %H:%M:%S} to {one.last:%Y-%m-%d %H:%M:%S}",
    ]
    lines += [f"exploit     {rule.id} {rule.name} ({rule.source})" for rule in one.exploits]
    lines += [f"ja4         {one.ja4}"] if one.ja4 else []
    lines += [f"download    {each}" for each in said.downloads(one, own)]
    lines += [f"command     {each}" for each in said.commands(one, own)]
    lines += [f"credential  {user} : {word}" for user, word in said.credentials(one, own)]
    lines += _days(one)
    lines += ["", *said.hexadecimal(one.members[0], own), ""]
    lines += [
        f"{sender['src_ip']:39}  {sender['country'] or '-':3} {_as(sender, own):30.30}  {sender['times']:>7,}  "
        f"{sender['first']:%m-%d %H:%M} - {sender['last']:%m-%d %H:%M}"
        for sender in senders
    ]
    lines += _beside(one, ports, others, own)
    _output.write_text(lines, args.out)
    return 0


def _days(one: Group) -> list[str]:
    from teiten.publish import said

    first, last = min(one.days), max(one.days)
    count = min(60, (last - first).days + 1)
    spark = said.sparkline(one.days.get(last - dt.timedelta(days=n), 0) for n in reversed(range(count)))
    return ["", f"by day      {spark}  {last - dt.timedelta(days=count - 1)} to {last}"]


def _beside(one: Group, ports: list[beside.Port], others: list[beside.Other], own: Collection[bytes]) -> list[str]:
    """What its hosts did besides, with shares of them."""
    from teiten.publish import said

    lines = ["", f"The {one.hosts:,} hosts also tried:"]
    more = [each for each in ports if not each.own]
    lines += [f"  {each.port:12} {each.hosts:>7,} hosts ({each.share:.1%})  {each.packets:>9,} packets" for each in more[:15]]
    lines += [] if more else ["  no other port in that time"]
    if others:
        lines += ["", f"Of the {one.hosts:,} hosts, these also sent:"]
        lines += [
            f"  {each.group.hash[:8]}  {each.hosts:>7,} hosts ({each.share:.1%})  "
            + _question.cut(said.what(each.group, own), 50)
            for each in others[:15]
        ]
    return lines


def _as(sender: dict[str, Any], own: Collection[bytes]) -> str:
    from teiten.publish import said

    return "-" if sender["asn"] is None else f"AS{sender['asn']} {said.safe(sender['as_name'] or '', own)}"
