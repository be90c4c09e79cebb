"""Bursts: what has many more packets, or hosts, within hours than is usual for those hours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from teiten.detect.model import BURST, OF_TODAY, Confidence, Detection, Part

if TYPE_CHECKING:
    from teiten.detect.explain import Change
    from teiten.detect.ground import Ground
    from teiten.detect.view import View

KINDS: Final = (BURST,)
ORDER: Final = 10
_FEW: Final = 10
"""hosts that are few"""


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """The day's bursts, each once, the least likely first."""
    from teiten.detect import explain, once, scan

    made = scan.ground(view)
    if made is None:
        return []
    score = -math.log10(view.threshold("detect_false_days"))
    return once.joined([_detection(made, change) for change in explain.changes(made, score)])


def _detection(made: Ground, change: Change) -> Detection:
    from teiten.detect import explain
    from teiten.detect.scan import OVER_NIGHT

    view, measure = made.view, change.window.measure
    hours = view.hours[made.skip + made.first :]
    about = explain.about(made, change)
    # what began before midnight is told with all of its hours, where these are few; else with the day's
    over_night = change.first < made.begin < change.after <= change.first + OVER_NIGHT
    today = slice(max(change.first, made.begin), max(change.after, made.begin + 1))
    of = slice(change.first, change.after) if over_night else today
    packets, usual = float(change.counts["packets"][of].sum()), float(change.usual["packets"][of].sum())
    counted, expected = float(change.counts[measure][of].sum()), float(change.usual[measure][of].sum())
    peak = change.first + int(change.counts[measure][change.first : change.after].argmax())
    start = hours[change.first]
    end = hours[change.after] if change.after < made.hours else None
    after = end or view.bounds(view.day)[1]
    hosts = float(view.asked.hosts(about, start, min(after, view.upto or after))) if view.asked is not None else None
    more = float(change.counts["hosts"][of].sum() - change.usual["hosts"][of].sum())
    own = {}
    if over_night:
        both = (float(made["packets"][today].sum()) for made in (change.counts, change.usual))
        own = {OF_TODAY: [round(one, 1) for one in both]}
    return Detection(
        kind=BURST,
        about=about,
        day=view.day,
        start=start,
        end=end,
        peak=hours[peak],
        packets=packets,
        hosts=hosts,
        usual=usual,
        times=counted / expected if expected >= 0.5 else None,
        measure=measure,
        score=change.window.score,
        confidence=_confidence(made, change),
        parts=_parts(made, change),
        sources=_sources(packets - usual, more, hosts),
        reason=_reason(made, change, start.isoformat()) | own,
    )


def _confidence(made: Ground, change: Change) -> Confidence:
    """How sure: by how unlikely it is, and how many days tell what is usual."""
    week = made.clock.before >= 7 * 24
    if change.window.score >= 6 and week:
        return "sure"
    return "likely" if change.window.score >= 2 and week else "possible"


def _sources(packets: float, host_hours: float, hosts: float | None) -> Any:
    """few: that many packets of that few hosts; many: hosts enough, each with little. None where it is neither."""
    if (hosts is not None and hosts <= _FEW) or packets >= 10 * max(host_hours, 1.0):
        return "few"
    return "many" if host_hours >= 2 * _FEW and packets <= 10 * host_hours else None


def _parts(made: Ground, change: Change) -> tuple[Part, ...]:
    """Who carries it: by country, AS, port and sensor, where there are several."""
    from teiten.detect.ground import port_of

    out: list[Part] = []
    for name, shares in change.shares.items():
        for code, count, share in shares[:8]:
            value = made.names[name][code]
            if name == "port":
                protocol, port = port_of(value)
                value = f"{'' if port is None else port}/{protocol}"
            out.append(Part(name, str(value), round(count, 1), round(share, 4)))
    return tuple(out)


def _reason(made: Ground, change: Change, start: str) -> dict[str, Any]:
    from teiten.detect import explain

    one, measure = change.window, change.window.measure
    view, visit = made.view, ("detect_visit_days",) if measure == "packets" else ()
    key = dict(zip(one.family.by, one.family.keys[one.row], strict=True))
    return {
        "series": {name: made.names[name][code] for name, code in key.items()},
        "measure": measure,
        **explain.spare(made, change),
        "least": round(made.least[measure], 1),
        **({"visit": round(made.visits[0 if one.family.wide else 1], 1)} if visit else {}),
        "days": round(made.clock.before / 24, 1),
        "spans": [[start, change.after - change.first]],
        "counts": [round(float(n), 1) for n in change.counts[measure][made.begin :]],
        "expected": [round(float(n), 3) for n in change.usual[measure][made.begin :]],
        "thresholds": {
            name: view.threshold(name)
            for name in (
                "detect_false_days",
                "detect_times",
                f"detect_{measure}",
                "detect_root",
                *visit,
                "detect_share",
                "detect_days",
            )
        },
    }
