"""teiten explain: why a detection was told: its hours beside the usual ones, thresholds, who carries it, the rows behind it."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from teiten.cli import _change, _common, _output

if TYPE_CHECKING:
    from teiten.detect.model import Detection, Story
    from teiten.lake import Lake
    from teiten.settings import Settings

NAME = "explain"
HELP = "why a story or detection was told: its hours, what is usual, thresholds, who carries it, the rows behind it"
EXAMPLE = "  teiten explain a1b2c3d4\n  teiten explain a1b2 --json"

BARS = 40
"""columns of the longest bar"""
DAYS = 14
"""days that a chart by day shows"""
PARTS = 8
_GENERAL = ("counts", "expected", "thresholds", "taught")
"""of a reason: what is shown in a way of its own"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="a story's or detection's id, or its beginning")
    parser.add_argument("--json", action="store_true", help="all of it as JSON")
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    parser.add_argument("--tz", metavar="ZONE", help="zone of the days (default: as configured)")
    parser.add_argument("--lang", choices=("ja", "en"), help="language of names")
    _common.add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten import settings
    from teiten.detect import kept
    from teiten.detect.model import Detection
    from teiten.lake import Lake

    chosen = settings.load(config=args.config, zone=args.tz, language=args.lang, lake=args.lake)
    lake = Lake.open(chosen.lake)
    found = kept.find(lake, chosen, args.id)
    if isinstance(found, Detection):
        known = [one for one in kept.stories(lake, chosen, found.day) if found in one.detections]
        days: list[Story] = kept.history(lake, chosen, known[0].id) if known else []
        told: Sequence[Detection] = [found]
    else:
        days = kept.history(lake, chosen, found.id)
        told = next((one.detections for one in reversed(days) if one.detections), ())
    if args.json:
        _output.write_text(json.dumps(_plain(days, told), ensure_ascii=False, indent=1, default=str).splitlines())
        return 0
    _output.write_text(_lines(lake, chosen, days, told))
    return 0


def _plain(days: Sequence[Story], told: Sequence[Detection]) -> dict[str, Any]:
    return {
        "story": [{**asdict(one), "detections": [d.id for d in one.detections]} for one in days],
        "detections": [{"id": one.id, **asdict(one)} for one in told],
    }


def _lines(lake: Lake, chosen: Settings, days: Sequence[Story], told: Sequence[Detection]) -> Iterator[str]:
    if days:
        yield from _story(chosen, days)
    for one in told:
        yield ""
        yield from _detection(lake, chosen, one)


def _story(chosen: Settings, days: Sequence[Story]) -> Iterator[str]:
    last = days[-1]
    yield f"story {last.id}: {_change.about_text(last.about, chosen, 12)}: {_change.meaning(last.kind, chosen.language)}"
    ended = "" if last.last is None else f", until {_change.when(last.last, chosen)}"
    days_told = f"{last.days} day{'' if last.days == 1 else 's'}"
    yield f"since {_change.when(last.first, chosen)}{ended}; told on {days_told} ({chosen.zone_name})"
    if last.verdict:
        yield f"marked {last.verdict} by an analyst{': ' + last.because if last.because else ''}"
    shown = [one for one in days if one.state != "resting"]
    for one in shown[-DAYS:]:
        times = "" if one.times is None else f"  {one.times:,.1f} times the usual"
        rank = "" if one.rank is None else f"  rank {one.rank} over three days"
        yield f"  {one.day}  {one.state:8}{times}{rank}".rstrip()


def _detection(lake: Lake, chosen: Settings, one: Detection) -> Iterator[str]:
    yield f"{one.id} on {one.day}: {_change.about_text(one.about, chosen, 12)}"
    yield f"  what      {one.kind}: {_change.meaning(one.kind, chosen.language)} ({one.confidence})"
    peak = "" if one.peak is None else f", most at {_change.when(one.peak, chosen)}"
    end = "and goes on" if one.end is None else f"to {_change.when(one.end, chosen)}"
    yield f"  when      {_change.when(one.start, chosen)} {end}{peak} ({chosen.zone_name})"
    usual = "there is no usual to compare with" if one.usual is None else f"{one.usual:,.1f} are usual in that time"
    times = "" if one.times is None else f": {one.times:,.1f} times"
    hosts = "" if one.hosts is None else f", {one.hosts:,.0f} hosts"
    by = " (told by its hosts)" if one.measure == "hosts" else ""
    yield f"  packets   {one.packets:,.0f}{hosts}; {usual}{times}{by}"
    if one.score:
        chance = f"10^-{one.score:.1f} (all that was tried reckoned in)"
        yield f"  chance    a day on which nothing happens shows one so large with {chance}"
    yield from _reason(one.reason)
    yield from _carried(one)
    yield from _charts(lake, chosen, one)
    yield f"  rows      {_change.top_command(one, chosen, str(lake.path))}"


def _reason(reason: Mapping[str, Any]) -> Iterator[str]:
    plain = {name: value for name, value in reason.items() if name not in _GENERAL}
    for n, (name, value) in enumerate(plain.items()):
        yield f"  {'because' if n == 0 else '':9} {name} = {_value(value)}"
    for n, (name, value) in enumerate(_mapping(reason.get("thresholds")).items()):
        yield f"  {'settings' if n == 0 else '':9} {name} = {_value(value)}"
    taught = _mapping(reason.get("taught"))
    if taught:
        told = "more than" if taught.get("beyond") else "no more than"
        yield (
            f"  taught    story {taught.get('story')} was marked {taught.get('verdict')}: this is {told} "
            f"{_value(taught.get('factor'))} times what it was (teiten note list --kind story)"
        )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _carried(one: Detection) -> Iterator[str]:
    for n, part in enumerate(one.parts[:PARTS]):
        since = "" if part.since is None else f"  since {part.since:%Y-%m-%d %H:%M} UTC"
        head = "carried" if n == 0 else ""
        share = f"{part.packets:10,.0f} packets  {100 * part.share:5.1f} %{since}"
        yield f"  {head:9} {part.what} {part.key or 'unknown':14} {share}"
    if len(one.parts) > PARTS:
        yield f"  {'':9} and {len(one.parts) - PARTS} more"
    if one.sources:
        yield f"  sources   {one.sources}"


# charts -------------------------------------------------------------------------------------------------------------


def _charts(lake: Lake, chosen: Settings, one: Detection) -> Iterator[str]:
    """The day's hours beside what is usual in them, and the days before; packets (or hosts) as they came."""
    from teiten.detect import kept, usual

    view = kept.view(lake, chosen, one.day)
    seen = usual.of(view, one.about, one.measure)
    if seen is None:
        return
    unit = "hosts" if one.measure == "hosts" else "packets"
    yield f"  by hour   {unit} of {one.day}; | is what is usual"
    top = max([1.0, *(hour.count for hour in seen.hours), *(hour.usual or 0.0 for hour in seen.hours)])
    for hour in seen.hours:
        mark = "*" if one.start <= hour.time and (one.end is None or hour.time < one.end) else " "
        label = f"{hour.time.astimezone(chosen.zone):%H:%M}"
        yield f"    {mark} {label} {_bar(hour.count, hour.usual, top, watched=hour.watched)}"
    yield f"  by day    {unit} a day"
    top = max([1.0, *(day.count for day in seen.days)])
    for day in seen.days[-DAYS:]:
        yield f"      {day.day:%m-%d} {_bar(day.count, None, top, watched=day.watched)}"


def _bar(count: float, usual: float | None, top: float, *, watched: float) -> str:
    """A bar with its number; '|' where the usual lies. What was not watched has none."""
    if watched <= 0:
        return "not watched"
    wide = min(BARS, max(10, shutil.get_terminal_size((80, 24)).columns - 34))
    length = round(wide * count / top)
    bar = list("#" * length + " " * (wide - length))
    if usual is not None:
        bar[min(wide - 1, round(wide * usual / top))] = "|"
    numbers = f"{count:,.0f}" + ("" if usual is None else f" ({usual:,.1f})")
    part = "" if watched >= 0.95 else f", {100 * watched:.0f} % watched"
    return f"{''.join(bar).rstrip() or '.'} {numbers}{part}"
