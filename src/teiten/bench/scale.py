"""Lakes of 5, 50, 200 million events, and a billion: what they take to fill, keep and ask, beside peers on the same rows."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from teiten.bench._scale_work import PEERS, QUESTIONS, Size, free
from teiten.errors import TeitenError

NAME: Final = "scale"
HELP: Final = "a month of 5, 50, 200 million (--large: 1,000) events: filling, bytes, standard questions, beside peers"
ALONE: Final = True
"""takes hours: not one of `all`"""
GOALS: Final = {
    "50m_day_worst_s": ("<", 1.5),
    "50m_all_worst_s": ("<", 6.0),
    "50m_memory_mib": ("<", 2048.0),
    "50m_day_times_fastest_worst": ("<=", 1.3),
    "50m_all_times_fastest_worst": ("<=", 1.3),
    "50m_bytes_over_best": ("<=", 1.05),
    "growth_worst": ("<=", 1.0),
}
_SPANS: Final = ("day", "all")
_DAYS: Final = 30
_ROOM: Final = 130
"""bytes of disk for an event: the lake before and after its files are put together, the peers' files"""


def sizes(quick: bool) -> tuple[int, ...]:
    """Events of each lake: those of $TEITEN_BENCH_SIZES (millions, with commas between), else the usual ones."""
    named = os.environ.get("TEITEN_BENCH_SIZES")
    if named:
        return tuple(int(float(word) * 1e6) for word in named.split(","))
    return (300_000,) if quick else (5_000_000, 50_000_000, 200_000_000)


def name_of(events: int) -> str:
    """'50m' for 50 million."""
    return f"{events / 1e6:g}m"


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """Figures of each size, named by it, and how they grow. Each step is done once: started again with the same --work, it
    goes on where it ended."""
    figures: dict[str, float] = {}
    for events in sizes(quick):
        figures |= measure(work, events, 3 if quick else _DAYS)
    return figures | growth(figures)


def run_large(work: Path) -> dict[str, float]:
    """A billion events: some 130 GB and a night."""
    return measure(work, 1_000_000_000, _DAYS)


def measure(work: Path, events: int, days: int) -> dict[str, float]:
    """One size. TeitenError where there is no room, or a peer's answer differs from ours."""
    size = Size(work, events, days, lambda step: print(f"teiten bench scale: {step}", file=sys.stderr))
    if "sizes" not in size.done and free(work) < events * _ROOM / 1e9:
        raise TeitenError(f"{events:,} events need {events * _ROOM / 1e9:,.0f} GB in {work}; {free(work):,.0f} are free.")
    peers = size.peers()
    found = size.fill()
    found |= size.files(peers)
    for span in _SPANS:
        for question in QUESTIONS:
            for who in ("teiten", *peers):
                found |= size.ask(span, question, who, peers.get(who, ""), 3 if span == "day" else 2)
    return {f"{name_of(events)}_{name}": value for name, value in (found | judged(found)).items()}


def judged(found: Mapping[str, float]) -> dict[str, float]:
    """What the goals are about: the slowest question, the memory, the fastest peer, the smallest peer."""
    out = {}
    for span in _SPANS:
        ours = {q: found[f"{span}_{q}_teiten_s"] for q in QUESTIONS}
        out[f"{span}_worst_s"] = max(ours.values())
        out[f"{span}_cold_worst_s"] = max(found[f"{span}_{q}_teiten_cold_s"] for q in QUESTIONS)
        for what, name in (("s", "times_fastest"), ("processor_s", "processor_times_fastest")):
            ratios = []
            for question in QUESTIONS:
                theirs = [found[key] for p in PEERS if (key := f"{span}_{question}_{p}_{what}") in found]
                ratios.append(found[f"{span}_{question}_teiten_{what}"] / min(theirs))
                out[f"{span}_{question}_{name}"] = ratios[-1]
            out[f"{span}_{name}_worst"] = max(ratios)
    out["memory_mib"] = max(found[f"{span}_{q}_teiten_memory_mib"] for span in _SPANS for q in QUESTIONS)
    kept = [value for name, value in found.items() if name.endswith("_bytes_per_event") and name.split("_")[0] in PEERS]
    out["bytes_over_best"] = found["events_bytes_per_event"] / min(kept)
    return out


def growth(figures: Mapping[str, float]) -> dict[str, float]:
    """How each question about all events grows from the smallest size to the largest, as an exponent: 1 is linear."""
    known = sorted({int(float(name.partition("m_")[0]) * 1e6) for name in figures if name.endswith("m_events")})
    if len(known) < 2:
        return {}
    low, high = known[0], known[-1]
    times = math.log(figures[f"{name_of(high)}_events"] / figures[f"{name_of(low)}_events"])
    out = {}
    for question in QUESTIONS:
        key = f"all_{question}_teiten_processor_s"
        out[f"growth_{question}"] = math.log(figures[f"{name_of(high)}_{key}"] / figures[f"{name_of(low)}_{key}"]) / times
    out["growth_worst"] = max(out.values())
    rates = [figures[f"{name_of(n)}_ingest_events_per_processor_s"] for n in (high, low)]
    out["growth_ingest"] = 1 - math.log(rates[0] / rates[1]) / times
    return out


def table(figures: Mapping[str, float]) -> str:
    """The figures as a page has them: a table of each size, then the goals."""
    out = []
    for events in sorted({float(name.partition("m_")[0]) for name in figures if name.endswith("m_events")}):
        prefix = f"{events:g}m_"
        own = {name.removeprefix(prefix): value for name, value in figures.items() if name.startswith(prefix)}
        out += _size(own)
    reached = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b}
    for name, (sign, bound) in GOALS.items():
        if name in figures:
            word = "reached" if reached[sign](figures[name], bound) else "NOT REACHED"
            out.append(f"{name:<34} {figures[name]:>8.2f}   goal {sign} {bound:g}: {word}")
    out += [f"{name:<34} {value:>8.2f}" for name, value in figures.items() if name.startswith("growth_") and name not in GOALS]
    return "\n".join(out)


def _size(own: Mapping[str, float]) -> list[str]:
    whos = ["teiten", *(p for p in PEERS if f"day_ports_{p}_s" in own)]
    out = [f"{own['events']:,.0f} events in {own['events_files']:.0f} files"]
    kept = [("events", own["events_bytes_per_event"]), ("whole lake", own["lake_bytes_per_event"])]
    kept += [(p, own[f"{p}_bytes_per_event"]) for p in PEERS if f"{p}_bytes_per_event" in own]
    out.append("bytes an event: " + ", ".join(f"{name} {value:.2f}" for name, value in kept))
    out.append(
        f"stored at {own['ingest_events_per_s']:,.0f} a second with {own['ingest_memory_mib']:,.0f} MiB,"
        f" put together at {own['compact_events_per_s']:,.0f} with {own['compact_memory_mib']:,.0f} MiB"
    )
    out.append("clock seconds warm (cold) / processor seconds / MiB of the whole process:")
    out.append(" " * 16 + "".join(f"{who:>30}" for who in whos))
    for span in _SPANS:
        for question in QUESTIONS:
            cells = []
            for who in whos:
                key = f"{span}_{question}_{who}"
                times = f"{own[f'{key}_s']:.2f} ({own[f'{key}_cold_s']:.2f})"
                cells.append(f"{times} /{own[f'{key}_processor_s']:6.2f} /{own[f'{key}_memory_mib']:5.0f}")
            out.append(f"{span:<5}{question:<11}" + "".join(f"{cell:>30}" for cell in cells))
    return [*out, ""]
