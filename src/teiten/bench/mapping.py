"""How many sensors a prober finds by what is published: the price of hiding them, in detail."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from teiten.publishing import Publishing

if TYPE_CHECKING:
    from teiten.bench._mapping.world import Detail

NAME: Final = "mapping"
HELP: Final = "a prober (1 million marked probes a day, a /12 with 20 sensors, a week of reports) against what is published"
WORLDS: Final = 10
GOALS: Final = {
    "default.mean": ("<=", 1.0),
    "default_at_once.mean": ("<=", 1.0),
    "exact_daily.mean": (">=", 15.0),
    "exact_hourly.mean": (">=", 15.0),
    "each_sensor.mean": (">=", 15.0),
}


def details() -> dict[str, Detail]:
    """What is published, from all of it to what `teiten publish` lets out by default."""
    from teiten.bench._mapping.world import Detail, rules

    given = Publishing()
    hidden = {"least_packets": given.least_packets, "least_hosts": given.least_hosts}
    at_once = rules(**hidden, least_sensors=given.least_sensors, digits=given.digits)
    out = [
        Detail("each_sensor", rules(), each=True),
        Detail("exact_hourly", rules(), parts=24),
        Detail("exact_daily", rules()),
        Detail("exact_weekly", rules(), days=7),
        Detail("digits_3", rules(digits=3)),
        Detail("digits_2", rules(digits=2)),
        Detail("digits_1", rules(digits=1)),
        Detail("rare_10", rules(least_packets=10, least_hosts=10)),
        Detail("rare_50", rules(**hidden)),
        Detail("rare_250", rules(least_packets=250, least_hosts=50)),
        Detail("rare_50_digits_2", rules(**hidden, digits=2)),
        Detail("sensors_2", rules(least_sensors=2)),
        Detail("sensors_3", rules(least_sensors=3)),
        Detail("sensors_5", rules(least_sensors=5)),
        Detail("sensors_3_rare_10", rules(least_sensors=3, least_packets=10, least_hosts=10)),
        Detail("delay_3", rules(delay=3)),
        Detail("default_at_once", at_once),
        Detail("default", given),
        *(Detail(f"default_{million}m", at_once, probes=million * 10**6) for million in (10, 100, 1000)),
        Detail("default_hourly", at_once, parts=24),
    ]
    return {one.name: one for one in out}


def run_benchmark(work_folder: Path, quick: bool) -> dict[str, float]:
    """NAME.mean and NAME.most: sensors found, of 20, in the mean of the worlds and in the worst of them."""
    from teiten.bench._mapping import prober

    worlds = int(os.environ.get("TEITEN_BENCH_SEEDS", "2" if quick else str(WORLDS)))
    chosen = os.environ.get("TEITEN_BENCH_DETAILS", "")
    wanted = {name: one for name, one in details().items() if not chosen or name in chosen.split(",")}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    figures: dict[str, float] = {}
    with ProcessPoolExecutor(cores) as pool:
        jobs = {name: [pool.submit(prober.attack, one, seed) for seed in range(worlds)] for name, one in wanted.items()}
        for name, own in jobs.items():
            found = [job.result() for job in own]
            figures[f"{name}.mean"] = sum(found) / len(found)
            figures[f"{name}.most"] = float(max(found))
    return figures


def table(figures: Mapping[str, float]) -> str:
    """The figures as a person reads them."""
    lines = ["of 20 sensors found      mean  worst world"]
    for name in dict.fromkeys(key.rpartition(".")[0] for key in figures):
        lines.append(f"  {name:<20} {figures[f'{name}.mean']:>6.1f} {figures[f'{name}.most']:>12.0f}")
    return "\n".join(lines)
