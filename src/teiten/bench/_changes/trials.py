"""What is asked of a world: changes in groups, quiet days, faults, and how soon a change is told while it happens."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from teiten.bench._changes import faults, kinds, score
from teiten.bench._changes.kinds import KINDS, Change, Draw
from teiten.bench._changes.shown import Shown, shown
from teiten.bench._changes.world import FIRST, World, generator
from teiten.detect import model, stories
from teiten.detect.model import Detection, Story
from teiten.detect.view import View

Method = Callable[[View, Sequence[Story]], tuple[list[Detection], list[Story]]]
"""a view and the stories of the day before -> detections, and the stories of the day"""
TOGETHER: Final = 5
"""changes that are put into one trial, of ports and countries of their own"""
QUIET: Final = tuple(range(FIRST, FIRST + 7))
LOOKS: Final = (15, 30, 45, 60, 75, 90, 105, 120, 180, 240, 360)
"""minutes after its beginning at which a change is looked for"""
SOON: Final = frozenset(
    {
        "burst", "burst_country", "burst_few", "burst_group", "burst_sensor", "country", "wide_scan", "new_port", "rise",
        "stands_out", "campaign",
    }
)  # fmt: skip
"""kinds that can be told within hours"""


def folded(find: Callable[[View], list[Detection]]) -> Method:
    """A method that knows no stories: its detections are followed as ours are."""

    def method(view: View, before: Sequence[Story]) -> tuple[list[Detection], list[Story]]:
        found = find(view)
        return found, stories.fold(before, found, view.day)

    return method


def groups(world: World, size: float, names: Sequence[str] = ()) -> Iterator[list[Change]]:
    """The kinds of change, so many together, each group with its changes."""
    names = list(names) or [name for name in KINDS if not name.endswith("_sensor") or world.scale.sensors > 1]
    order = generator("order", world.seed).permutation(len(names))
    names = [names[n] for n in order]
    for begin in range(0, len(names), TOGETHER):
        yield made(world, names[begin : begin + TOGETHER], size)


def made(world: World, names: Sequence[str], size: float) -> list[Change]:
    """These changes, none of them of a port or country of another."""
    taken: set[object] = set()
    out = []
    for name in names:
        change = KINDS[name](Draw(world, generator("change", name, world.scale.name, world.seed, size), size, taken))
        if change.more is not None:
            asns, lands = (frozenset(change.more[name].to_list()) for name in ("asn", "country"))
            change = replace(change, truth=replace(change.truth, systems=asns, lands=lands))
        out.append(change)
    return out


def seen(world: World, changes: Sequence[Change]) -> Shown:
    """The world with the changes in it, as it is seen."""
    return shown(world, kinds.put_in(world.cells, changes, world, generator("thin", world.seed)))


def change_trial(world: World, changes: Sequence[Change], method: Method) -> dict[str, Any]:
    """What is told of these changes, and what is told beside them: detections by day, stories over the trial."""
    truths = [change.truth for change in changes]
    look = seen(world, changes)
    out: list[dict[str, Any]] = [_row(world, t) for t in truths]
    counts = {"days": 0, "detections": 0, "false": 0, "seconds": 0.0}
    words, told, before = [], _Told(), list[Story]()
    for day, view in look.views(sorted({day for truth in truths for day in truth.days})):
        begun = time.process_time()
        found, before = method(view, before)
        counts["seconds"] += time.process_time() - begun
        wrong = score.false(found, truths)
        counts["days"] += 1
        counts["detections"] += len(found)
        counts["false"] += len(wrong)
        words += [f"day {day}: false: {score.said(one)}" for one in wrong]
        told.add(before, truths)
        for row, truth in zip(out, truths, strict=True):
            telling = [one for one in found if score.tells(one, truth)] if day in truth.days else []
            if telling and row["told"] is None:
                row["told"] = day - truth.days[0]
                row["tellings"] = sum(score.telling(one.detections, truth, truths) for one in before)
            row["right"] |= any(one.kind in truth.right for one in telling)
    return {"changes": out, "days": counts, "stories": told.counts(), "words": words}


class _Told:
    """Stories over the days of a trial, and which of them nothing that was put in explains."""

    def __init__(self) -> None:
        self.all: set[str] = set()
        self.fine: set[str] = set()
        self.own: set[str] = set()

    def add(self, day: Sequence[Story], truths: Sequence[kinds.Truth]) -> None:
        for one in day:
            if one.detections:
                self.all.add(one.id)
                if any(score.explained(d, truth) for d in one.detections for truth in truths):
                    self.fine.add(one.id)
                if one.kind in model.OWN:
                    self.own.add(one.id)

    def counts(self) -> dict[str, int]:
        return {"told": len(self.all), "false": len(self.all - self.fine), "own": len(self.own)}


def _row(world: World, truth: kinds.Truth) -> dict[str, Any]:
    return {
        "scale": world.scale.name, "seed": world.seed, "kind": truth.kind, "size": truth.size, "usual": round(truth.usual, 1),
        "excess": round(truth.excess, 1),
        "about": f"{truth.ports} {truth.countries} {truth.asn} {truth.sensor} {truth.start:%d %H:%M}",
        "told": None, "right": False, "tellings": 0,
    }  # fmt: skip


def quiet_days(world: World, method: Method, days: Sequence[int] = QUIET) -> dict[str, Any]:
    """What is told of days on which nothing happens; `false`: stories, `own` of them of the observer's line."""
    out: dict[str, Any] = {"days": 0, "detections": 0, "words": [], "seconds": 0.0}
    told, before = _Told(), list[Story]()
    for day, view in shown(world, world.cells).views(days):
        begun = time.process_time()
        found, before = method(view, before)
        out["seconds"] += time.process_time() - begun
        out["days"] += 1
        out["detections"] += len(found)
        told.add(before, ())
        out["words"] += [f"day {day}: quiet: {score.said(one)}" for one in found]
    return out | told.counts()


def fault_trial(world: World, kind: str, method: Method) -> dict[str, Any]:
    """What is told of a fault on its day, and what on the day after it."""
    fault, (cells, watched) = faults.made(world, kind)
    out: dict[str, Any] = {
        "scale": world.scale.name, "seed": world.seed, "kind": kind, "told": False, "right": False, "false": 0, "after": 0,
        "about": f"{fault.sensor} {fault.start:%d %H:%M}-{fault.end:%d %H:%M} {fault.share:.2f}", "words": [],
    }  # fmt: skip
    before: list[Story] = []
    for day, view in shown(world, cells, watched).views((fault.day, fault.day + 1)):
        found, before = method(view, before)
        # what no story is made of nobody is told: the end of what was not told
        world_s = [one for story in before for one in story.detections if one.kind not in model.OWN]
        if day == fault.day:
            telling = score.own(found, fault)
            out["told"], out["right"] = bool(telling), any(fault.told_rightly(one) for one in telling)
            out["false"] = len(world_s)
        else:
            out["after"] = len(world_s)
        out["words"] += [f"day {day}: {score.said(one)}" for one in found]
    return out


def stream_trial(world: World, changes: Sequence[Change], method: Method) -> list[dict[str, Any]]:
    """Minutes from a change's beginning until it is told, looked at every quarter of an hour; None: not within six hours."""
    look = seen(world, changes)
    out = []
    for truth in (change.truth for change in changes):
        row = _row(world, truth) | {"minutes": None}
        for minutes in LOOKS:
            upto = truth.start + dt.timedelta(minutes=minutes)
            day = int((upto - dt.timedelta(seconds=1) - world.start) / dt.timedelta(days=1))
            if any(score.tells(one, truth) for one in method(look.view(day, upto), ())[0]):
                row["minutes"] = minutes
                break
        out.append(row)
    return out


def stream_quiet(world: World, method: Method, day: int = FIRST) -> dict[str, Any]:
    """How many different things are told over a quiet day that is looked at every hour: each look may be wrong."""
    look = shown(world, world.cells)
    found: dict[str, str] = {}
    for hour in range(1, 25):
        for one in method(look.view(day, world.time(day * 24 + hour)), ())[0]:
            if one.kind not in model.OWN:
                found.setdefault(one.id, f"hour {hour}: streaming: {score.said(one)}")
    return {"days": 1, "false": len(found), "words": list(found.values())}
