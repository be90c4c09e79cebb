"""What was told and what waits, on the disk: written before anything is sent, and after. So nothing is told twice, or never.

`alerts/box.json` in the lake holds what was told of each thing, what waits for the end of quiet hours, and the messages with
what became of them at each channel. A message is made and what it tells is marked as told in one write. Then, by channel:
marked as being sent; sent; marked as sent. What was being sent at a kill may or may not have arrived: a file is looked at;
others get it again with the same id (Message-ID, Idempotency-Key), by which it can be known as the same.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from teiten import disk
from teiten.alerting import Alerts, Channel
from teiten.alerts import channels, notices
from teiten.alerts.channels import ChannelError, Message
from teiten.alerts.notices import Notice, Told
from teiten.errors import LakeBusyError, LakeError, UsageError

FOLDER: Final = "alerts"
NAME: Final = "box.json"
_VERSION: Final = 1
_KEPT: Final = dt.timedelta(days=7)
_TRIES: Final = 3
"""of one run, where it may help to try again at once"""
_FIRST: Final = 1.0
"""seconds before the second try; four times that before the third"""
_LONGEST: Final = dt.timedelta(hours=1)


@dataclass
class Box:
    """What is known from run to run. Times are ISO 8601 in UTC."""

    told: dict[str, Told] | None = None
    """None: alerts never ran"""
    waiting: list[Notice] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    """id, made, notices, languages (title, text, items by language), channels (state, tries, next, why by name)"""
    threads: dict[str, str] = field(default_factory=dict)
    """thing -> id of the message that told it first"""

    def text(self) -> str:
        """As it is kept."""
        return json.dumps(
            {
                "version": _VERSION,
                "told": None if self.told is None else {k: notices.plain(v) for k, v in sorted(self.told.items())},
                "waiting": [notices.plain(one) for one in self.waiting],
                "messages": self.messages,
                "threads": self.threads,
            },
            ensure_ascii=False,
            indent=1,
        )


@contextlib.contextmanager
def opened(lake: Path) -> Iterator[Path]:
    """The box's file in that lake, for this run alone. LakeBusyError where another run has it, LakeError."""
    folder = lake / FOLDER

    def cannot(error: OSError) -> LakeError:
        return LakeError(f"{folder} cannot be written: {error.strerror}.", hint="Alerts keep there what was told.")

    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise cannot(error) from None
    busy = LakeBusyError("Another `teiten alert` is running on this lake.", hint="It sends what is due.")
    with disk.alone(folder / ".lock", cannot, busy):
        yield folder / NAME


def load(file: Path) -> Box:
    """The box as it was left; an empty one where there is none. LakeError for one that cannot be understood."""
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Box()
    except OSError as error:
        raise LakeError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError:
        table = {}
    try:
        if table["version"] != _VERSION:
            raise KeyError("version")
        return Box(
            None if table["told"] is None else {k: notices.told(v) for k, v in table["told"].items()},
            [notices.notice(one) for one in table["waiting"]],
            list(table["messages"]),
            dict(table["threads"]),
        )
    except (KeyError, TypeError, AttributeError):
        raise LakeError(
            f"{file} cannot be understood.",
            hint="Take it away, and alerts begin anew: what is older than a day is not told again.",
        ) from None


def save(file: Path, box: Box) -> None:
    """The whole box, or as it was. LakeError."""
    try:
        disk.write_whole(file, box.text().encode())
    except OSError as error:
        raise LakeError(f"{file} cannot be written: {error.strerror}.", hint="Nothing more is sent until it can.") from None


def gather(
    box: Box, found: Sequence[Notice], told: dict[str, Told], wanted: Alerts, now: dt.datetime, local: dt.datetime
) -> list[Notice]:
    """Puts what is due into the box; answers what goes out now, in one message. Nothing is sent here.

    In quiet hours only what breaks them goes; within `together_minutes` of the last message all but that waits too.
    """
    box.told = told
    waiting = {one.key: one for one in box.waiting}
    for one in found:
        before = waiting.pop(one.key, None)
        if before is not None and one.what == "back":
            continue  # silent and back again before anybody was told
        if before is not None and before.what in ("new", "silent") and one.what in ("grew", "ended"):
            one = _joined(before, one)
        waiting[one.key] = one
    quiet = notices.in_quiet(wanted, local)
    last = max((dt.datetime.fromisoformat(m["made"]) for m in box.messages), default=None)
    soon = last is not None and now - last < dt.timedelta(minutes=wanted.together_minutes)
    out = [one for one in waiting.values() if (not quiet or notices.breaks_quiet(one, wanted)) and not soon]
    box.waiting = [one for one in waiting.values() if one not in out]
    return sorted(out, key=notices.order)


def _joined(before: Notice, after: Notice) -> Notice:
    """What was not told yet and has gone on: told as new, as it is now."""
    return replace(after, what=before.what, start=min(before.start, after.start), before=None)


def put(box: Box, out: Sequence[Notice], made: Mapping[str, Message], to: Sequence[Channel], language: str) -> None:
    """A message of what goes out: one text a language (`made`), for each of those channels. Nothing is sent here."""
    first = next(iter(made.values()))
    for one in out:
        box.threads.setdefault(one.key, first.id)
    box.messages.append(
        {
            "id": first.id,
            "made": first.made,
            "keys": [one.key for one in out],
            "languages": {code: message.table() for code, message in made.items()},
            "channels": {
                c.name: {"state": "waiting", "language": c.language or language, "tries": 0, "next": first.made} for c in to
            },
        }
    )


def new_id(now: dt.datetime) -> str:
    """Of a message: no other one has it."""
    return f"teiten-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


@dataclass
class Outcome:
    """What became of a run."""

    sent: list[str] = field(default_factory=list)
    """channel: title"""
    remarks: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    """channel: why"""


def deliver(
    box: Box, file: Path, wanted: Alerts, to: Sequence[Channel], now: dt.datetime, wait: Callable[[float], None] = time.sleep
) -> Outcome:
    """Sends what waits at each channel, and writes down what becomes of it. What fails is tried again in a later run."""
    outcome = Outcome()
    known = {channel.name: channel for channel in to}
    for message in box.messages:
        for name, state in message["channels"].items():
            if state["state"] in ("sent", "given up"):
                continue
            if name not in known:
                state.update(state="given up", why="the channel is no longer configured")
                continue
            age = now - dt.datetime.fromisoformat(message["made"])
            if state["tries"] and age > dt.timedelta(hours=wanted.keep_trying_hours):
                state.update(state="given up")
                outcome.troubles.append(f"{name}: given up after {state['tries']} tries: {state.get('why', '')}")
                continue
            if state["state"] == "waiting" and dt.datetime.fromisoformat(state["next"]) > now:
                continue
            _one(box, file, message, state, known[name], now, outcome, wait)
    old = [m for m in box.messages if now - dt.datetime.fromisoformat(m["made"]) > _KEPT]
    box.messages = [m for m in box.messages if m not in old or any(s["state"] == "waiting" for s in m["channels"].values())]
    ids = {m["id"] for m in box.messages}
    box.threads = {k: v for k, v in box.threads.items() if v in ids or k in (box.told or {})}
    save(file, box)
    return outcome


def _one(
    box: Box,
    file: Path,
    message: dict[str, Any],
    state: dict[str, Any],
    channel: Channel,
    now: dt.datetime,
    outcome: Outcome,
    wait: Callable[[float], None],
) -> None:
    """One message to one channel."""
    told = message["languages"].get(state["language"]) or next(iter(message["languages"].values()))
    text = Message(
        told["id"], told["time"], told["language"], told["title"], told["text"], tuple(told["items"]), told.get("answers")
    )
    try:
        way = channels.way(channel.kind)
        doubt = state["state"] == "sending"
        if doubt and way.has is not None and way.has(channel, text):
            state.update(state="sent", at=now.isoformat())
            return
        state["state"] = "sending"
        save(file, box)
        remark = _tried(way, channel, text, wait)
        state.update(state="sent", at=now.isoformat(), tries=state["tries"] + 1)
        state.pop("why", None)
        outcome.sent.append(f"{channel.name}: {text.title}")
        if remark:
            outcome.remarks.append(f"{channel.name}: {remark}")
    except (ChannelError, UsageError) as error:
        tries = state["tries"] + 1
        pause = min(_LONGEST, dt.timedelta(minutes=2 ** min(tries - 1, 10)))
        if isinstance(error, ChannelError) and error.wait:
            pause = max(pause, dt.timedelta(seconds=error.wait))
        why = str(error).rstrip(".")
        state.update(state="waiting", tries=tries, next=(now + pause).isoformat(), why=why)
        outcome.troubles.append(f"{channel.name}: {why}; it is tried again from {now + pause:%H:%M} UTC on")
    save(file, box)


def _tried(way: channels.Way, channel: Channel, text: Message, wait: Callable[[float], None]) -> str | None:
    """Up to some tries one after another, farther and farther apart. ChannelError: the last one's."""
    for number in range(_TRIES):
        try:
            return way.send(channel, text)
        except ChannelError as error:
            if not error.again or error.wait or number == _TRIES - 1:
                raise
        wait(_FIRST * 4**number)
    raise AssertionError("unreachable")
