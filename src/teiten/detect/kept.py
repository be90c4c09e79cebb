"""Detections and stories of a lake's days: made, kept, found again. What is kept is what making it again would give.

    kept.refresh(lake, settings, days)      makes what is not there or does not hold, in order, up to the last of these days
    kept.stories(lake, settings, day)       the stories as they stand on that day

A day's detections are stale where anything of what they were made from has changed: its events, verdicts and hours watched,
those of the 35 days before, thresholds, the program's version. Its stories follow from these and from the stories of the day
before; where they come out as they were, nothing after them is made again. Days whose events are no longer kept stay.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from teiten.detect import beside, rows
from teiten.detect.material import Material
from teiten.detect.material import days as days_of
from teiten.detect.model import Detection, Story
from teiten.errors import LakeError, TeitenError, UsageError

if TYPE_CHECKING:
    from teiten.detect.view import View
    from teiten.lake import Lake
    from teiten.settings import Settings

VERSION: Final = 2
"""of what detection finds; days that another version made are made again"""
BEFORE: Final = 14
"""days before those asked for with which stories begin in a lake that has none yet"""
PATIENCE: Final = 2.0
"""seconds for which another writer is waited for"""
STORE_DAYS: Final = 31
STORE_SECONDS: Final = 10.0
"""days, or seconds of work, after which what was made is put into the lake: so much is lost where it is interrupted"""
_DAY: Final = dt.timedelta(days=1)
Progress = Callable[[int, int], None]
"""called with the days made so far, and how many there are to look at"""


@dataclass(slots=True)
class Result:
    """What a run did: the days whose detections or stories it made, how many these have."""

    days: list[dt.date] = field(default_factory=list)
    detections: int = 0
    stories: int = 0
    trouble: TeitenError | None = None
    """why days stayed as they were: the lake is being written, or cannot be"""
    stale: list[dt.date] = field(default_factory=list)
    """days that stayed stale"""


@dataclass(frozen=True, slots=True)
class _Stamp:
    """From what a day's rows were made, and what they are: digests."""

    of: str
    content: str

    def text(self) -> str:
        return json.dumps([VERSION, self.of, self.content], separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> _Stamp | None:
        version, *told = json.loads(text)
        return cls(*told) if version == VERSION else None


# making -------------------------------------------------------------------------------------------------------------


def refresh(
    lake: Lake,
    settings: Settings,
    days: Iterable[dt.date] | None = None,
    progress: Progress | None = None,
    *,
    again: bool = False,
    whole: bool = False,
    wait: float | None = PATIENCE,
    processes: int = 1,
) -> Result:
    """Makes detections and stories of all days up to the last of `days` (None: of the lake) that are not there or do not hold.

    A lake that has none yet begins with the first of `days`, less `BEFORE`, so that one report needs not all years; with
    `whole` (or without `days`), with its own first. again: those of `days` are made even where they hold. What hinders is told
    in the result: then what there is stays. UsageError and DataError for lists. processes: in which many days are looked at
    (`detect/beside.py`); who asks for several must be a program that can be started again beside itself (no bare script).
    """
    asked = None if days is None else sorted(set(days))
    plan = _plan(lake, settings, asked, whole)
    if not plan:
        return Result()
    try:
        _prepare(lake, settings, plan, wait)
        with Material(lake, settings, plan, wait=wait) as material:
            run = _Run(lake, settings, material, plan, set(asked or plan) if again else set(), wait)
            return run.run(progress, processes)
    except LakeError as error:
        return Result(trouble=error, stale=plan)


def _plan(lake: Lake, settings: Settings, asked: Sequence[dt.date] | None, whole: bool) -> list[dt.date]:
    """The days whose stories follow from each other, up to the last one asked for."""
    every = days_of(lake, settings)
    if asked is None:
        return every
    if not asked:
        return []
    made = lake.changes_state("stories", settings.zone_name)["day"].to_list()
    begin = dt.date.min if whole else min([asked[0] - BEFORE * _DAY, *made])
    return [day for day in every if begin <= day <= asked[-1]]


def _prepare(lake: Lake, settings: Settings, plan: Sequence[dt.date], wait: float | None) -> None:
    """Verdicts and coverage of the days, and of those before them, are brought up to date."""
    from teiten import classify, coverage
    from teiten.detect.view import HISTORY

    near = [plan[0] + n * _DAY for n in range(-HISTORY, (plan[-1] - plan[0]).days + 1)]
    judged = classify.refresh(lake, settings, near, wait=wait)
    if judged.trouble is not None:
        raise judged.trouble
    with contextlib.suppress(LakeError):
        coverage.refresh(lake, settings, near, wait=wait)


class _Run:
    """Days in order, each held against what it was made from; what is made is stored now and then."""

    def __init__(
        self,
        lake: Lake,
        settings: Settings,
        material: Material,
        plan: Sequence[dt.date],
        again: set[dt.date],
        wait: float | None,
    ) -> None:
        self._lake, self._zone, self._material, self._plan, self._wait = lake, settings.zone_name, material, plan, wait
        self._settings = settings
        self._looks: Callable[[dt.date], beside.Shown | None] = lambda day: None
        self._again = again
        self._dropped = lake.dropped_days(self._zone)
        self._had = {name: _stamps(lake, name, self._zone) for name in ("detections", "stories")}
        self._waiting: dict[str, dict[dt.date, tuple[_Stamp, pl.DataFrame]]] = {"detections": {}, "stories": {}}
        self._stored = time.monotonic()
        self.result = Result()

    def run(self, progress: Progress | None, processes: int = 1) -> Result:
        todo = [day for day in self._plan if not self._holds(day)] if processes > 1 else []
        if len(todo) >= beside.LEAST and not self._material.count_ahead():
            todo = []  # cells that cannot be kept would be counted by each process again
        with beside.looking(self._lake, self._settings, todo, processes) as self._looks:
            return self._through(progress)

    def _holds(self, day: dt.date) -> bool:
        """Are the day's detections what looking again would give?"""
        had = self._had["detections"].get(day)
        if had is None or day in self._again:
            return False
        return had.of == self._material.digest(day) or day in self._dropped

    def _through(self, progress: Progress | None) -> Result:
        before: list[Story] | None = []
        last: dt.date | None = None
        content = ""
        for done, day in enumerate(self._plan, 1):
            if last is not None and day - last > _DAY:
                before, content = [], ""  # nothing was made between: what was told then is over
            stamp, made = self._day(day, last, before, content)
            before, content, last = made, stamp.content, day
            if progress is not None:
                progress(done, len(self._plan))
        self._store()
        return self.result

    def _day(
        self, day: dt.date, last: dt.date | None, before: list[Story] | None, content: str
    ) -> tuple[_Stamp, list[Story] | None]:
        """The stamp of the day's stories, and these where they were made now."""
        had, stories_had = self._had["detections"].get(day), self._had["stories"].get(day)
        of = self._material.digest(day)
        holds = self._holds(day)
        story_of = _digest([had.of, had.content, content, self._told(day)]) if had is not None else ""
        if holds and stories_had is not None and stories_had.of == story_of:
            return stories_had, None
        if before is None:
            before = _read(self._lake, self._zone, [last] if last else [])
        if not self.result.days:
            with self._lake.writer(self._wait):
                pass  # it is known before the work is done whether it can be kept
        found, stories = self._fold(day, before) if holds else self._make(day, before)
        frame, told = rows.of_detections(day, found), rows.of_stories(day, stories)
        first = had if holds and had is not None else _Stamp(of, _content(frame))
        second = _Stamp(_digest([first.of, first.content, content, self._told(day)]), _content(told))
        if not holds:
            self._waiting["detections"][day] = first, frame
        self._waiting["stories"][day] = second, told
        self.result.days.append(day)
        self.result.detections += len(found)
        self.result.stories += len(stories)
        if len(self._waiting["stories"]) >= STORE_DAYS or time.monotonic() - self._stored > STORE_SECONDS:
            self._store()
        return second, stories

    def _make(self, day: dt.date, before: Sequence[Story]) -> tuple[list[Detection], list[Story]]:
        from teiten import detect
        from teiten.detect import own

        shown = self._looks(day)
        if shown is None:
            return detect.follow(self._material.view(day), before)
        line, found = shown
        return found, detect.told(own.righted(self._material.view(day), line), found, before)

    def _fold(self, day: dt.date, before: Sequence[Story]) -> tuple[list[Detection], list[Story]]:
        """The stories alone: the detections are those that are kept."""
        from teiten.detect import own, taught
        from teiten.detect.stories import fold

        found = rows.detections(self._lake.changes("detections", self._zone, [day]))
        view = self._material.view(day)
        seen, _ = own.look(view)
        made = fold(before, found, day, view=seen, said=taught.said(view.taught))
        return found, taught.marked(made, view.taught)

    def _told(self, day: dt.date) -> str:
        """What the analyst says of stories, as far as it is about this day."""
        return self._material.marks(day)

    def _store(self) -> None:
        for name in ("detections", "stories"):
            held = self._waiting[name]
            if held:
                basis = {day: stamp.text() for day, (stamp, _) in held.items()}
                frames = [frame for _, frame in held.values()]
                last = self._material.session.last_batch
                self._lake.replace_changes(name, basis, self._zone, frames, last_batch=last, wait=self._wait)
                held.clear()
        self._stored = time.monotonic()


def _stamps(lake: Lake, name: str, zone: str) -> dict[dt.date, _Stamp]:
    found = lake.changes_state(name, zone).select("day", "basis").iter_rows()
    return {day: stamp for day, text in found if (stamp := _Stamp.read(text)) is not None}


def _content(frame: pl.DataFrame) -> str:
    return _digest(frame.write_json())


def _digest(told: Any) -> str:
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:16]


# finding again ------------------------------------------------------------------------------------------------------


def days(lake: Lake, settings: Settings) -> list[dt.date]:
    """The days of the settings' zone that are made, in order; those on which nothing was found, too."""
    return sorted(lake.changes_state("stories", settings.zone_name)["day"])


def detections(lake: Lake, settings: Settings, day: dt.date) -> list[Detection]:
    """What was found on that day, most telling first."""
    return rows.detections(lake.changes("detections", settings.zone_name, [day]))


def stories(lake: Lake, settings: Settings, day: dt.date) -> list[Story]:
    """The stories as they stand on that day, most telling first; with the resting ones, which `stories.told` leaves out."""
    return _laid_over(_read(lake, settings.zone_name, [day]), lake)


def span(lake: Lake, settings: Settings, days: Iterable[dt.date] | None = None) -> dict[dt.date, list[Story]]:
    """The same of several days (None: of all that are made)."""
    out: dict[dt.date, list[Story]] = {}
    for one in _laid_over(_read(lake, settings.zone_name, days), lake):
        out.setdefault(one.day, []).append(one)
    return out


def history(lake: Lake, settings: Settings, story: str) -> list[Story]:
    """The story of that id on each of its days, in order."""
    told = lake.changes("stories", settings.zone_name).filter(pl.col("id") == story)
    found = lake.changes("detections", settings.zone_name, told["day"].unique())
    return _laid_over(rows.stories(told, rows.detections(found)), lake)


def story(lake: Lake, settings: Settings, id: str) -> Story | None:
    """The story of that id as it stands on its last day; None where there is none."""
    return next(reversed(history(lake, settings, id)), None)


def find(lake: Lake, settings: Settings, text: str) -> Detection | Story:
    """The story (as it stands on its last day) or else the detection whose id begins with that text. UsageError where none
    does, or several."""
    key = text.strip().lower()
    for name in ("stories", "detections"):
        frame = lake.changes(name, settings.zone_name).filter(pl.col("id").str.starts_with(key))
        ids = sorted(frame["id"].unique()) if key else []
        if len(ids) > 1:
            raise UsageError(f"'{text}' begins several ids: {', '.join(ids[:5])}.", hint="Give more of its characters.")
        if ids:
            if name == "stories":
                return history(lake, settings, ids[0])[-1]
            return rows.detections(frame.sort("day"))[-1]
    raise UsageError(f"There is no story or detection {text}.", hint="`teiten detect` lists them with their ids.")


def view(lake: Lake, settings: Settings, day: dt.date, upto: dt.datetime | None = None) -> View:
    """The view of that day, with `upto` as it was known then. Without questions about single sources, and as it came: what the
    own line did is not looked at (`detect.own.look`)."""
    with Material(lake, settings, [day], keep=False) as material:
        return replace(material.view(day, upto), asked=None)


@contextlib.contextmanager
def viewing(lake: Lake, settings: Settings, day: dt.date, upto: dt.datetime | None = None) -> Iterator[View]:
    """The same with questions about single sources, as long as the context lasts; nothing is put into the lake."""
    with Material(lake, settings, [day], keep=False) as material:
        yield material.view(day, upto)


def _read(lake: Lake, zone: str, days: Iterable[dt.date] | None) -> list[Story]:
    wanted = None if days is None else sorted(set(days))
    found = rows.detections(lake.changes("detections", zone, wanted))
    return rows.stories(lake.changes("stories", zone, wanted), found)


def _laid_over(found: Sequence[Story], lake: Lake) -> list[Story]:
    """Stories with what the analyst says of them now."""
    from teiten.detect import taught

    return taught.marked(
        [replace(one, verdict=None, because=None) for one in found], taught.lessons(lake.notes().iter_rows(named=True))
    )
