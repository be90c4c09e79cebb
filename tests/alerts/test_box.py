"""What was told and what waits: quiet hours, messages together, channels that fail, kills between any two steps."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from teiten.alerting import Alerts, Channel
from teiten.alerts import box as boxes
from teiten.alerts import channels, notices
from teiten.alerts.box import Box
from teiten.alerts.channels import ChannelError, Message
from teiten.alerts.notices import Notice
from teiten.errors import LakeBusyError, LakeError

NOW = dt.datetime(2026, 3, 9, 22, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def notice(key: str = "aa", **given: Any) -> Notice:
    plain: dict[str, Any] = {"what": "new", "kind": "burst", "about": "25/6|US|||", "start": NOW.isoformat(), "packets": 10.0}
    return Notice(key, **{**plain, **given}, said={"ja": (f"{key}の題", "文")})


def gather(box: Box, *found: Notice, now: dt.datetime = NOW, local: dt.datetime | None = None, **wanted: Any) -> list[str]:
    out = boxes.gather(box, found, {}, Alerts(**wanted), now, local or now)
    if out:
        boxes.put(box, out, {"ja": Message(f"m{len(box.messages)}", now.isoformat(), "ja", "題", "文")}, (), "ja")
    return [one.key for one in out]


def test_in_quiet_hours_it_waits_and_then_goes_out_as_it_is_then() -> None:
    box, quiet = Box(), {"quiet": (dt.time(23), dt.time(7))}
    night, morning = NOW.replace(hour=3), NOW.replace(hour=7)
    assert gather(box, notice("aa", times=2.0), notice("bb", kind="outage"), now=night, **quiet) == ["bb"]
    assert gather(box, notice("aa", what="grew", times=5.0, before=2.0), now=night + 30 * MINUTE, **quiet) == []
    assert gather(box, notice("cc", what="silent", kind="silent"), now=night + 60 * MINUTE, quiet_but=(), **quiet) == []
    assert gather(box, notice("cc", what="back", kind="silent"), now=night + 70 * MINUTE, quiet_but=(), **quiet) == []
    again = box.waiting
    assert [(one.key, one.what, one.times, one.before) for one in again] == [("aa", "new", 5.0, None)]
    assert gather(box, now=morning, **quiet) == ["aa"]
    assert gather(box, now=morning + 30 * MINUTE, **quiet) == [] == box.waiting


def test_messages_are_some_minutes_apart() -> None:
    box = Box()
    assert gather(box, notice("aa")) == ["aa"]
    assert gather(box, notice("bb"), now=NOW + 4 * MINUTE) == []
    assert gather(box, notice("cc"), now=NOW + 9 * MINUTE) == []
    assert sorted(gather(box, now=NOW + 10 * MINUTE)) == ["bb", "cc"]
    assert gather(Box(), notice("dd"), together_minutes=0) == ["dd"]


def test_the_box_is_the_same_after_the_disk(tmp_path: Path) -> None:
    box, file = Box(), tmp_path / "box.json"
    assert boxes.load(file) == box
    told = {"aa": notices.Told("burst", "25/6|US|||", NOW.isoformat(), 2.0, 10.0, False, 0, NOW.isoformat())}
    boxes.gather(box, [notice("aa"), notice("bb")], told, Alerts(quiet=(dt.time(0), dt.time(23))), NOW, NOW)
    boxes.put(box, [notice("cc")], {"ja": Message("m1", NOW.isoformat(), "ja", "題", "文")}, (Channel("a", "stdout"),), "ja")
    boxes.save(file, box)
    assert boxes.load(file) == box
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"version": 2}', '{"version":1,"told":{"a":{}},"waiting":[],"messages":[],"threads":{}}']
)
def test_a_box_that_cannot_be_understood_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "box.json").write_text(text, encoding="utf-8")
    with pytest.raises(LakeError, match="cannot be understood"):
        boxes.load(tmp_path / "box.json")


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with boxes.opened(tmp_path) as file:
        assert file.parent.is_dir()
        with pytest.raises(LakeBusyError), boxes.opened(tmp_path):
            pass
    with boxes.opened(tmp_path):
        pass


# sending


class Kill(BaseException):
    """The program dies."""


class Side:
    """Another side: what it has, and what it does with the next attempts (None: takes it)."""

    def __init__(self, *then: Any, looks: bool = False) -> None:
        self.got: list[str] = []
        self.then = list(then)
        self.has = (lambda channel, message: message.id in self.got) if looks else None

    def send(self, channel: Channel, message: Message) -> str | None:
        what = self.then.pop(0) if self.then else None
        if what == "taken, then killed":
            self.got.append(message.id)
            raise Kill
        if isinstance(what, BaseException):
            raise what
        self.got.append(message.id)
        return what


@pytest.fixture
def sides(monkeypatch: pytest.MonkeyPatch) -> dict[str, Side]:
    known: dict[str, Side] = {}
    monkeypatch.setattr(channels, "way", lambda kind: SimpleNamespace(send=known[kind].send, has=known[kind].has))
    return known


def run(file: Path, now: dt.datetime, names: Sequence[str], found: Sequence[Notice] = ()) -> boxes.Outcome:
    """As the command does it."""
    wanted, to = Alerts(), tuple(Channel(name, name) for name in names)
    box = boxes.load(file)
    out = boxes.gather(box, found, {}, wanted, now, now)
    if out:
        boxes.put(box, out, {"ja": Message(boxes.new_id(now), now.isoformat(), "ja", "題", "文")}, to, "ja")
    boxes.save(file, box)
    return boxes.deliver(box, file, wanted, to, now, wait=lambda _: None)


def test_what_fails_is_tried_again_later_and_the_rest_is_not(tmp_path: Path, sides: dict[str, Side]) -> None:
    sides["good"], sides["bad"] = Side(), Side(*[ChannelError("no")] * 3, *[ChannelError("gone", again=False)] * 2)
    file = tmp_path / "box.json"
    first = run(file, NOW, ["good", "bad"], [notice()])
    assert first.sent == ["good: 題"] and "bad: no" in first.troubles[0]
    assert run(file, NOW + 0.5 * MINUTE, ["good", "bad"]).troubles == [], "it is not yet time"
    assert len(run(file, NOW + 1 * MINUTE, ["good", "bad"]).troubles) == 1
    assert run(file, NOW + 2 * MINUTE, ["good", "bad"]).troubles == [], "two minutes, then four"
    assert len(run(file, NOW + 3 * MINUTE, ["good", "bad"]).troubles) == 1
    assert run(file, NOW + 7 * MINUTE, ["good", "bad"]).sent == ["bad: 題"]
    assert len(sides["good"].got) == 1 == len(set(sides["bad"].got)) == len(sides["bad"].got)
    assert run(file, NOW + 60 * MINUTE, ["good", "bad"]).sent == []


def test_it_waits_as_long_as_the_other_side_asks(tmp_path: Path, sides: dict[str, Side]) -> None:
    sides["slow"] = Side(ChannelError("later", wait=1800))
    file = tmp_path / "box.json"
    run(file, NOW, ["slow"], [notice()])
    assert run(file, NOW + 29 * MINUTE, ["slow"]).sent == []
    assert run(file, NOW + 30 * MINUTE, ["slow"]).sent == ["slow: 題"]


def test_after_three_days_it_is_given_up_and_said(tmp_path: Path, sides: dict[str, Side]) -> None:
    sides["dead"] = Side(*[ChannelError("no", again=False)] * 99)
    file = tmp_path / "box.json"
    run(file, NOW, ["dead"], [notice()])
    last = run(file, NOW + dt.timedelta(hours=73), ["dead"])
    assert "given up" in last.troubles[0]
    assert run(file, NOW + dt.timedelta(hours=74), ["dead"]).troubles == []
    run(file, NOW + dt.timedelta(days=9), ["dead"])
    assert boxes.load(file).messages == []


def test_a_channel_that_is_no_longer_there_is_forgotten(tmp_path: Path, sides: dict[str, Side]) -> None:
    sides["old"] = Side(ChannelError("no", again=False))
    file = tmp_path / "box.json"
    run(file, NOW, ["old"], [notice()])
    assert run(file, NOW + 60 * MINUTE, []).troubles == []
    assert boxes.load(file).messages[0]["channels"]["old"]["state"] == "given up"


@pytest.mark.parametrize("looks", [True, False])
@pytest.mark.parametrize("dies", ["before", "after"])
def test_killed_while_sending_it_is_sent_once_or_again_with_the_same_id(
    tmp_path: Path, sides: dict[str, Side], looks: bool, dies: str
) -> None:
    sides["file"] = side = Side(Kill() if dies == "before" else "taken, then killed", looks=looks)
    file = tmp_path / "box.json"
    with pytest.raises(Kill):
        run(file, NOW, ["file"], [notice()])
    run(file, NOW + MINUTE, ["file"])
    run(file, NOW + 2 * MINUTE, ["file"])
    assert len(set(side.got)) == 1
    assert len(side.got) == (2 if dies == "after" and not looks else 1)


def test_killed_at_any_write_nothing_is_told_twice_or_never(
    tmp_path: Path, sides: dict[str, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before or after each write of the box: the next runs tell each thing exactly once, as a file does that is looked at."""
    save, calls = boxes.save, 0
    for at in range(12):
        sides["file"] = side = Side(looks=True)
        file, calls = tmp_path / f"{at}.json", 0

        def dying(where: Path, box: Box, at: int = at) -> None:
            nonlocal calls
            calls += 1
            if calls == at // 2 + 1 and not at % 2:
                raise Kill
            save(where, box)
            if calls == at // 2 + 1:
                raise Kill

        monkeypatch.setattr(boxes, "save", dying)
        died = True
        try:
            run(file, NOW, ["file"], [notice()])
            died = False
        except Kill:
            pass
        monkeypatch.setattr(boxes, "save", save)
        due = [] if boxes.load(file).told is not None else [notice()]
        run(file, NOW + MINUTE, ["file"], due)
        run(file, NOW + 90 * MINUTE, ["file"])
        assert len(side.got) == 1, (at, died, side.got)


def test_an_update_answers_the_message_that_told_it_first() -> None:
    box = Box()
    gather(box, notice("aa"))
    gather(box, notice("aa", what="grew"), now=NOW + 60 * MINUTE)
    assert box.threads == {"aa": "m0"}
    assert json.loads(box.text())["threads"] == {"aa": "m0"}
    assert replace(box, threads={}) != box
