"""teiten alert: what cannot wait for the report, sent to the channels of teiten.toml; each thing once."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from typing import TYPE_CHECKING

from teiten.cli._common import add_settings
from teiten.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from teiten.alerting import Channel
    from teiten.alerts.box import Box
    from teiten.alerts.channels import Message
    from teiten.alerts.notices import Due, Notice
    from teiten.lake import Lake
    from teiten.settings import Settings

NAME = "alert"
HELP = "what cannot wait for the report: sends what changed, once, to file, webhook, mail, Slack and others"
EXAMPLE = """\
  teiten alert
  teiten alert --dry-run
  teiten alert --test desk
  teiten alert --at "2019-10-22 06:00"
  teiten alert --log"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    add_settings(parser)
    parser.add_argument("--lang", choices=("ja", "en"), help="language of messages (default: as the settings say)")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--dry-run", action="store_true", help="show what would be sent, and send and remember nothing")
    mode.add_argument(
        "--at",
        metavar="TIME",
        help="show what had begun in the 24 hours before that time, as it was known then; nothing is sent",
    )
    mode.add_argument("--test", metavar="CHANNEL", nargs="?", const="", help="send a test to that channel, or to all of them")
    mode.add_argument("--log", action="store_true", help="the messages of the last days, and what became of them")


def main(args: argparse.Namespace) -> int:
    from teiten import settings

    chosen = settings.load(config=args.config, lake=args.lake)
    _check(chosen)
    if args.test is not None:
        return _test(chosen, args)
    from teiten.lake import Lake

    lake = Lake.open(chosen.lake)
    if args.log:
        return _log(lake)
    if args.at:
        return _at(lake, chosen, args)
    return _run(lake, chosen, args)


def _check(chosen: Settings) -> None:
    """UsageError for kinds that there are not, and for a watch of a group or sensor that nobody has."""
    from teiten.alerts.notices import SILENT
    from teiten.detect.model import MEANINGS

    known = {*MEANINGS, SILENT}
    alerts = chosen.alerts
    for key, names in (("kinds", alerts.kinds), ("leave", alerts.leave), ("quiet_but", alerts.quiet_but)):
        strange = sorted(set(names) - known - ({"all"} if key == "quiet_but" else set()))
        if strange:
            raise UsageError(
                f"[alerts] {key}: there is no kind '{strange[0]}'.", hint=f"There are: {', '.join(sorted(known))}."
            )
    groups = {one.group for one in chosen.sensors}
    for watch in alerts.watches:
        if watch.group is not None and watch.group not in groups:
            raise UsageError(f"The watch '{watch.name}' names the group {watch.group}, which no sensor is in.")


def _channels(chosen: Settings) -> tuple[Channel, ...]:
    from teiten.alerting import Channel

    return chosen.alerts.channels or (Channel("stdout", "stdout"),)


def _language(chosen: Settings, args: argparse.Namespace) -> str:
    return str(args.lang or chosen.alerts.language or chosen.language)


def _run(lake: Lake, chosen: Settings, args: argparse.Namespace) -> int:
    from teiten.alerts import box as boxes
    from teiten.alerts import notices, now

    moment = dt.datetime.now(dt.UTC)
    with boxes.opened(lake.path) as file:
        box = boxes.load(file)
        first = box.told is None
        found, trouble = now.stories(lake, chosen, moment)
        silent, heard = now.sensors(lake, chosen, moment)
        due, told = notices.due(found, silent, box.told, chosen.alerts, moment, heard)
        to = _channels(chosen)
        codes = sorted({one.language or _language(chosen, args) for one in to})
        said = _worded(lake, due, chosen, moment, codes)
        out = boxes.gather(box, said, told, chosen.alerts, moment, moment.astimezone(chosen.zone))
        if args.dry_run:
            return _shown([*out, *box.waiting], len(box.waiting), codes[0], moment, chosen)
        if out:
            made = _messages(box, out, codes, moment, chosen)
            boxes.put(box, out, made, to, _language(chosen, args))
        boxes.save(file, box)
        outcome = boxes.deliver(box, file, chosen.alerts, to, moment)
    for line in (*outcome.remarks, *outcome.troubles):
        print(f"teiten alert: {line}.", file=sys.stderr)
    if trouble is not None:
        print(f"teiten alert: what changed could not be looked at: {trouble}", file=sys.stderr)
    _told(outcome.sent, out, box, to, first)
    if outcome.troubles or trouble is not None:
        return 1
    return _beat(chosen)


def _worded(lake: Lake, due: Sequence[Due], chosen: Settings, moment: dt.datetime, codes: Sequence[str]) -> list[Notice]:
    """Notices with their texts."""
    from dataclasses import replace

    from teiten.alerts import now, words

    if not due:
        return []
    told = [story for _, story in due if story is not None]
    around = now.beside(lake, chosen, told, moment - dt.timedelta(days=2), moment + dt.timedelta(days=1))
    out = []
    for one, story in due:
        said = words.said(one, story, chosen, moment, codes, around.networks)
        said = {code: (around.clean(title), around.clean(text)) for code, (title, text) in said.items()}
        out.append(replace(one, said=said))
    return out


def _messages(
    box: Box, out: Sequence[Notice], codes: Sequence[str], moment: dt.datetime, chosen: Settings
) -> dict[str, Message]:
    from teiten.alerts import box as boxes
    from teiten.alerts import words

    number = boxes.new_id(moment)
    threads = {box.threads.get(one.key) for one in out}
    answers = next(iter(threads)) if len(threads) == 1 else None
    return {code: words.message(out, number, moment, code, answers, chosen.zone) for code in codes}


def _told(sent: Sequence[str], out: Sequence[Notice], box: Box, to: Sequence[Channel], first: bool) -> None:
    """What the run did, to stderr."""
    if sent and not all(one.kind == "stdout" for one in to):
        for line in sent:
            print(f"sent to {line}", file=sys.stderr)
    elif not out and not sent:
        begun = " From now on, what is new is told." if first else ""
        waits = f" {len(box.waiting)} wait." if box.waiting else ""
        print(f"Nothing new to tell.{waits}{begun}", file=sys.stderr)


def _shown(out: Sequence[Notice], waiting: int, code: str, moment: dt.datetime, chosen: Settings) -> int:
    """The message as it would be, to stdout."""
    from teiten.alerts import words

    if not out:
        print("Nothing would be sent.", file=sys.stderr)
        return 0
    made = words.message(out, "teiten-dry-run", moment, code, None, chosen.zone)
    print(f"{made.title}\n\n{made.text}")
    later = f"; {waiting} of them later, since it is quiet or another message went out just now" if waiting else ""
    print(f"Nothing was sent: {len(out)} would be{later}.", file=sys.stderr)
    return 0


def _at(lake: Lake, chosen: Settings, args: argparse.Namespace) -> int:
    from teiten import periods
    from teiten.alerts import notices, now

    moment = periods.moment(args.at, chosen.zone).astimezone(dt.UTC)
    due, _ = notices.due(now.as_of(lake, chosen, moment), (), None, chosen.alerts, moment)
    code = _language(chosen, args)
    return _shown(_worded(lake, due, chosen, moment, [code]), 0, code, moment, chosen)


def _test(chosen: Settings, args: argparse.Namespace) -> int:
    from teiten.alerts import box as boxes
    from teiten.alerts import channels, words

    to = _channels(chosen)
    if args.test:
        to = tuple(one for one in to if one.name == args.test)
        if not to:
            known = ", ".join(one.name for one in chosen.alerts.channels) or "none"
            raise UsageError(f"There is no channel '{args.test}'.", hint=f"There are: {known}.")
    moment, code, failed = dt.datetime.now(dt.UTC), _language(chosen, args), 0
    for channel in to:
        message = words.trial(moment, channel.language or code, boxes.new_id(moment), chosen.zone)
        try:
            remark = channels.way(channel.kind).send(channel, message)
            print(f"{channel.name}: sent{f', but {remark}' if remark else ''}", file=sys.stderr)
        except (channels.ChannelError, UsageError) as error:
            failed += 1
            print(f"{channel.name}: {error}", file=sys.stderr)
    return 1 if failed else 0


def _log(lake: Lake) -> int:
    from teiten.alerts import box as boxes
    from teiten.cli._output import write_rows

    box = boxes.load(lake.path / boxes.FOLDER / boxes.NAME)
    rows = [
        {
            "made": dt.datetime.fromisoformat(message["made"]).strftime("%Y-%m-%d %H:%MZ"),
            "channel": name,
            "state": state["state"],
            "tries": str(state["tries"]),
            "told": next(iter(message["languages"].values()))["title"],
        }
        for message in box.messages
        for name, state in message["channels"].items()
    ]
    write_rows(rows, "table", None)
    if not rows:
        print("There was no message in the last days.", file=sys.stderr)
    return 0


def _beat(chosen: Settings) -> int:
    """The heartbeat, after a run that went well: an address is asked for, or a file written. 1 where that failed."""
    from teiten.alerts import heartbeat
    from teiten.alerts.channels import ChannelError

    secret = chosen.alerts.heartbeat
    if secret is None:
        return 0
    try:
        heartbeat.beat(secret.value())
        return 0
    except ChannelError as error:
        print(f"teiten alert: the heartbeat failed: {error}.", file=sys.stderr)
        return 1
