"""Detections held against what was put in: what was told, as what, and what was told though nothing happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from teiten.detect import model
from teiten.detect.model import Detection

if TYPE_CHECKING:
    from teiten.bench._changes.faults import Fault
    from teiten.bench._changes.kinds import Truth

PART: Final = 0.2
"""share of the excess from which a part is named"""
_AFTER: Final = dt.timedelta(hours=24)
"""how long after its end a change may still be told: that it is over, too"""


def ports_of(one: Detection) -> set[tuple[int, int | None]]:
    """The ports that a detection names: what it is about, and its chief parts."""
    out = set(one.about.ports)
    for part in one.parts:
        if part.what == "port" and part.share >= PART:
            out |= _port(part.key)
    return out


def _port(key: str) -> set[tuple[int, int | None]]:
    """25/6, 25/tcp, 6/25: who writes parts chooses; ports of tcp and udp alone are told apart."""
    number, _, protocol = key.partition("/")
    known = {"tcp": 6, "udp": 17, "icmp": 1}.get(protocol, int(protocol) if protocol.isdigit() else 6)
    return {(known, int(number) if number.isdigit() else None)}


def countries_of(one: Detection) -> set[str]:
    """The countries that a detection names."""
    out = {one.about.country} if one.about.country else set()
    return out | {part.key for part in one.parts if part.what == "country" and part.share >= PART}


def explained(one: Detection, truth: Truth) -> bool:
    """Whether a detection tells (some of) this change, rightly: nothing that it states is another's."""
    about = one.about
    if one.kind in model.OWN or one.start >= truth.end + _AFTER:
        return False
    if one.end is not None and (one.end < truth.start or (one.end == truth.start and one.kind != model.ENDED)):
        return False  # what is told to have ended with midnight has its end where the quiet begins
    if about.sensor is not None and truth.sensor not in (None, about.sensor):
        return False
    if about.asn and truth.asn not in (None, about.asn):
        return False
    if about.country and truth.countries and about.country not in truth.countries:
        return False
    if truth.ports and about.ports:
        # in a ranking the one moves because of the other
        other = _port(str(one.reason["other"])) if "other" in one.reason else set()
        return bool((set(about.ports) | other) & set(truth.ports))
    if truth.ports:
        # of a country, an AS, a sensor or all, whose change these ports are
        lands = truth.countries or truth.lands
        return bool(ports_of(one) & set(truth.ports)) or about.country in lands or (about.asn or 0) in truth.systems
    return bool(countries_of(one) & set(truth.countries)) or (bool(about.asn) and about.asn == truth.asn)


def tells(one: Detection, truth: Truth) -> bool:
    """Whether it names what changed: the port where it is one, else the country (or its AS)."""
    if not explained(one, truth) or (truth.must and one.kind not in truth.right):
        return False
    return not truth.ports or bool(ports_of(one) & set(truth.ports))


def telling(found: Sequence[Detection], truth: Truth, truths: Sequence[Truth]) -> bool:
    """Whether a story of these detections tells this change: it names it, or says of it what is no other's telling."""
    if any(tells(one, truth) for one in found):
        return True
    others = [other for other in truths if other is not truth]
    return any(explained(one, truth) for one in found) and not any(tells(one, other) for one in found for other in others)


def false(found: Iterable[Detection], truths: Sequence[Truth]) -> list[Detection]:
    """Those that none of the changes explains."""
    return [one for one in found if not any(explained(one, truth) for truth in truths)]


def own(found: Iterable[Detection], fault: Fault) -> list[Detection]:
    """Those that tell the fault as the observer's own."""
    return [
        one for one in found
        if one.kind in model.OWN and one.start < fault.end and (one.end is None or one.end > fault.start)
    ]  # fmt: skip


def said(one: Detection) -> str:
    """A detection in a line."""
    times = "-" if one.times is None else f"{one.times:.1f}x"
    usual = "-" if one.usual is None else f"{one.usual:.1f}"
    end = "" if one.end is None else f"{one.end:%H:%M}"
    parts = " ".join(f"{p.what}:{p.key}:{p.share:.2f}" for p in one.parts[:3])
    return (
        f"{one.kind} {one.about.text()} {one.start:%d %H:%M}-{end} {one.packets:.0f} of {usual} {times} {one.measure} "
        f"score {one.score:.1f} [{parts}]"
    )
