"""What a station does when: tasks of teiten.toml and those that go by themselves, each a teiten command.

    [station.task.daily]
    command = "report daily {yesterday} --out public/{yesterday}"
    at = "06:10"

A run that was missed (the station was off, or the one before took longer) is caught up once. When a task last ran, and how it
ended, is on the disk (SPOOL/tasks.json).
"""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from teiten.errors import UsageError
from teiten.stationing import Given, Key, Table, given, seconds, text

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WORDS: Final = {
    "today": "the day on which it runs",
    "yesterday": "the day before",
    "last_week": "the week before, as 2026-W47",
    "last_month": "the month before, as 2026-10",
    "last_quarter": "the quarter before, as 2026-Q3",
}
"""what a command may hold in braces"""
_AT: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
FIRST: Final = 60.0
"""seconds after which a task of `every` runs for the first time"""


@dataclass(frozen=True, slots=True)
class Task:
    """A command, and when it runs: each `every` seconds, or at `at` (hour, minute), daily or `on` a weekday (0: Monday) or a
    day of the month (1 to 28)."""

    name: str
    command: str
    every: float | None = None
    at: tuple[int, int] | None = None
    weekday: int | None = None
    day: int | None = None
    folder: Path | None = None
    """where it runs: what it writes lies there"""
    limit: float = 6 * 3600.0
    """seconds after which a run is ended"""
    quick: bool = False
    """of those that keep the lake's conclusions current: they do not wait for long ones (reports)"""

    def words(self, due: dt.datetime) -> list[str]:
        """The command's words for the run that is due then (local time)."""
        today = due.date()
        last_month = today.replace(day=1) - dt.timedelta(days=1)
        quarter = (today.month - 1) // 3  # of the one before: 0 is the year before's last
        week = (today - dt.timedelta(days=7)).isocalendar()
        filled = {
            "today": str(today),
            "yesterday": str(today - dt.timedelta(days=1)),
            "last_week": f"{week.year}-W{week.week:02d}",
            "last_month": f"{last_month:%Y-%m}",
            "last_quarter": f"{today.year}-Q{quarter}" if quarter else f"{today.year - 1}-Q4",
        }
        return [_fill(word, filled) for word in shlex.split(self.command)]

    def latest(self, now: dt.datetime) -> dt.datetime:
        """The last time, at or before `now` (with a zone), at which a task of `at` was due."""
        assert self.at is not None
        hour, minute = self.at
        for back in range(32):
            day = now.date() - dt.timedelta(days=back)
            if self.weekday not in (None, day.weekday()) or self.day not in (None, day.day):
                continue
            moment = dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=now.tzinfo)
            # a time that summer time leaves out comes an hour later; of one that comes twice, the first counts
            if moment.timestamp() <= now.timestamp():
                return moment
        raise AssertionError("every task is due within 32 days")


def _fill(word: str, filled: Mapping[str, str]) -> str:
    for name, value in filled.items():
        word = word.replace("{" + name + "}", value)
    return word


# reading -----------------------------------------------------------------------------------------------------------------


def _time(value: Any, where: str) -> tuple[int, int]:
    found = _AT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise UsageError(f'{where} must be a time of day such as "06:10", not {value!r}.')
    return int(found[1]), int(found[2])


def _on(value: Any, where: str) -> tuple[str, int]:
    if isinstance(value, str) and value.lower() in WEEKDAYS:
        return "weekday", WEEKDAYS.index(value.lower())
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 28:
        return "day", value
    raise UsageError(f'{where} must be a weekday such as "monday", or a day of the month from 1 to 28, not {value!r}.')


def _command(value: Any, where: str) -> str:
    line = text(value, where)
    try:
        words = shlex.split(line)
    except ValueError:
        raise UsageError(f"{where} has a quotation mark that nothing closes: {line}") from None
    for name in re.findall(r"\{([^{}]*)\}", line):
        if name not in WORDS:
            raise UsageError(f"{where} knows no {{{name}}}.", hint=f"It knows: {', '.join('{' + one + '}' for one in WORDS)}.")
    if words[0] == "teiten":
        raise UsageError(f"{where} begins with the command's name, such as report, not with teiten.")
    return line


def _every(value: Any, where: str) -> float:
    return seconds(value, where, 10, 7 * 86400)


def _limit(value: Any, where: str) -> float:
    return seconds(value, where, 1, 7 * 86400)


def _off(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{where} must be true or false, not {value!r}.")
    return value


KEYS: Final = (
    Key("command", _command, "the teiten command with its words, such as `report daily {yesterday}`"),
    Key("every", _every, "how often it runs, such as `15m`"),
    Key("at", _time, "at what time of day, such as `06:10` (zone: the setting `zone`)"),
    Key("on", _on, "with `at`: on which weekday (`monday`) or day of the month (1 to 28); without it, daily"),
    Key("folder", text, "the folder in which it runs, relative to this file; without it, this file's"),
    Key("limit", _limit, "after how long a run is ended", 6 * 3600.0),
    Key("off", _off, "true: it does not run; for those that go by themselves", False),
)
_WHEN: Final = ("every", "at", "on")


def read(tables: tuple[Table, ...], usual: tuple[Task, ...] = ()) -> tuple[Task, ...]:
    """The tasks of [station], after the `usual` ones, which a table of the same name changes. UsageError."""
    named = {task.name: task for task in usual}
    for table in tables:
        one = given(table, KEYS)
        if one["off"]:
            named.pop(table.name, None)
            continue
        named[table.name] = _task(one, named.get(table.name))
    return tuple(named.values())


def _task(one: Given, usual: Task | None) -> Task:
    command = one["command"] or (usual.command if usual else None)
    if command is None:
        raise UsageError(f"{one.where} has no command.", hint='It is a teiten command, such as "report daily {yesterday}".')
    if all(one[key] is None for key in _WHEN) and usual is not None:
        every, at, weekday, day = usual.every, usual.at, usual.weekday, usual.day
    else:
        every, at = one["every"], one["at"]
        on = dict([one["on"]]) if one["on"] else {}
        weekday, day = on.get("weekday"), on.get("day")
        if (every is None) == (at is None):
            raise UsageError(f"{one.where} needs every or at, and not both.")
        if on and at is None:
            raise UsageError(f"{one.where} has on without at.", hint='Say the time of day, such as at = "06:10".')
    return Task(
        one.name, command, every, at, weekday, day, one.base / Path(one["folder"]).expanduser() if one["folder"] else one.base,
        one["limit"], bool(usual and usual.quick),
    )  # fmt: skip


def usual(*, alerts: bool = False, retain: bool = False) -> tuple[Task, ...]:
    """Those that go by themselves: conclusions kept current, files put together at night. `alerts`: whether somebody is to be
    told; `retain`: whether events are kept for a time only."""
    out = [
        Task("judge", "lake judge", every=900, quick=True),
        Task("detect", "detect", every=900, quick=True),
    ]
    if alerts:
        out.append(Task("alert", "alert", every=900, quick=True))
    out.append(Task("compact", "lake compact", at=(3, 20)))
    if retain:
        out.append(Task("retain", "lake retain", at=(4, 20)))
    return tuple(out)


# what is on the disk ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Ran:
    """When a task last ran, and how it went; seconds since 1970. `due`: the run that it was."""

    due: float = 0.0
    began: float = 0.0
    ended: float = 0.0
    code: int | None = None
    failures: int = 0
    """runs in a row that did not end with 0"""
    said: tuple[str, ...] = ()
    """the last lines of the last run"""


def load(path: Path) -> dict[str, Ran]:
    """What is known of tasks by name; nothing where the file is not there or cannot be read: then they begin anew."""
    out: dict[str, Ran] = {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        for name, one in found.items():
            code = one["code"]
            out[str(name)] = Ran(
                float(one["due"]), float(one["began"]), float(one["ended"]), None if code is None else int(code),
                int(one["failures"]), tuple(map(str, one["said"])),
            )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return out
    return out


def save(path: Path, ran: Mapping[str, Ran]) -> None:
    """Puts it down, all of it or as it was. OSError."""
    from teiten.station.spool import write_whole

    table = {
        name: {
            "due": one.due, "began": one.began, "ended": one.ended, "code": one.code, "failures": one.failures,
            "said": list(one.said),
        }
        for name, one in ran.items()
    }  # fmt: skip
    write_whole(path, (json.dumps(table, ensure_ascii=False, indent=1) + "\n").encode())


AGAIN: Final = (60.0, 300.0, 900.0, 3600.0)
"""seconds until a run that failed is tried again, growing; the next one that is due takes its place"""


REST: Final = 4
"""a task of `every` rests so many times as long as it took: on a small machine it takes a fifth of the time at most"""


def due(task: Task, ran: Ran | None, now: dt.datetime) -> float | None:
    """The moment (seconds since 1970) of the run that is due at `now` (with a zone), None where none is.

    A task that never ran is not caught up. A run that lies in the future (the clock was set back) is none."""
    present = now.timestamp()
    if ran is None:
        return None
    if ran.due > present + 60:
        return present if task.every is not None else task.latest(now).timestamp()
    if ran.code not in (None, 0) and ran.failures:
        pause = AGAIN[min(ran.failures - 1, len(AGAIN) - 1)]
        if task.every is None and 0 < ran.failures <= len(AGAIN) and present >= ran.ended + pause:
            return max(ran.due, task.latest(now).timestamp())
    if task.every is not None:
        rest = (ran.ended - ran.began) * REST if ran.due <= ran.began <= ran.ended <= present else 0.0
        return present if present >= max(ran.due + task.every, ran.ended + rest) else None
    latest = task.latest(now).timestamp()
    return latest if latest > ran.due else None


def begun(task: Task, now: dt.datetime) -> Ran:
    """What is put down of a task that is new: it runs at its next time, or soon where it has none of its own."""
    present = now.timestamp()
    return Ran(due=present - task.every + min(task.every, FIRST) if task.every is not None else task.latest(now).timestamp())
