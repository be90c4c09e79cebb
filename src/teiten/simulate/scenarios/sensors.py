"""Many sensors with one address each, at home and abroad: the same scanners reach them, but not the same hour."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from teiten.simulate import _stories
from teiten.simulate._mix import HOUSEHOLD
from teiten.simulate._traffic import DAY, Span, Wish, concatenate, generator, visits
from teiten.simulate._write import Sensor

HELP: Final = "many sensors, at home and abroad"
FILES: Final = ("log", "pcap")
A_DAY: Final = 1_500
"""packets that reach one sensor on a usual day"""
OVERSEAS: Final = (("US", "us"), ("DE", "de"), ("SG", "sg"), ("GB", "gb"), ("BR", "br"), ("TW", "tw"))


def _sensor(i: int, count: int, span: Span, gaps: tuple[tuple[int, int], ...]) -> Sensor:
    """Sensor `i` of `count`: six of ten at home, the others abroad; addresses of 192.0.2.0/24."""
    home = max(1, round(count * 0.6))
    domestic = i < home
    country, short = ("JP", "jp") if domestic else OVERSEAS[(i - home) % len(OVERSEAS)]
    name = f"{short}{i + 1:02d}"
    mac = f"00:00:5e:00:53:{i + 1:02x}:00:00:5e:00:53:fe:08:00"
    head = f"{name} kernel: [{{up}}] [DROP] IN=eth0 OUT= MAC={mac} "
    return Sensor(
        name=name,
        group="domestic" if domestic else "overseas",
        country=country,
        zone_hours=9 if domestic else 0,
        pattern="%Y-%m-%dT%H:%M:%S%.6f",
        head=head,
        addresses=((span.start, 0xC0000200 + i + 1),),
        gaps=gaps,
        mac=mac,
    )


def make(wish: Wish) -> tuple[list[tuple[Sensor, pl.DataFrame]], list[dict[str, Any]]]:
    """The sensors with their packets, and the stories."""
    seed, span, count = wish.seed, wish.span, wish.sensors
    total = wish.events if wish.events is not None else A_DAY * span.days * count
    scale = total / (A_DAY * span.days * count)
    weight = sum(c.share for c in HOUSEHOLD)
    parts = [visits(c, seed, span, total * c.share / weight, count) for c in HOUSEHOLD]
    stories: list[dict[str, Any]] = []

    def everywhere(rng: np.random.Generator, n: int) -> Any:
        return rng.integers(0, count, n)

    for what in _stories.BURSTS[:3]:
        packets, story = _stories.burst(what, seed, span, scale * count / 2, everywhere)
        parts.append(packets)
        stories.append({**story, "sensors": "all"})
    lonely = int(generator(seed, "lonely").integers(0, count))
    local = _stories.Burst("burst-local", 0.5, 21, "HK", (23,), 400, 5, "linux", "a burst that one sensor alone sees")
    packets, story = _stories.burst(local, seed, span, scale, lambda rng, n: lonely)
    parts.append(packets)
    packets, scans = _stories.notice(seed, span, max(1, round(count * 0.6)))
    parts.append(packets)
    off = (lonely + 1) % count
    begin = span.start + int(0.4 * span.days) * DAY + 15 * 3600
    outage = (begin, begin + (min(2, span.days) * DAY if span.days >= 4 else 4 * 3600))
    sensors = [_sensor(i, count, span, (outage,) if i == off else ()) for i in range(count)]
    stories += [
        {**story, "sensors": [sensors[lonely].name]},
        {"kind": "outage", "from": outage[0], "to": outage[1], "sensor": sensors[off].name, "because": "the sensor was off"},
        *scans,
    ]
    # some sensors are liked more than others, as in the field
    liked = generator(seed, "liking").uniform(0.75, 1.0, count)
    found = concatenate(parts).filter(pl.col("time").is_between(span.start * 1_000_000, span.end * 1_000_000, closed="left"))
    kept = generator(seed, "kept").random(len(found)) < liked[found["sensor"].to_numpy()]
    found = found.filter(pl.Series(kept) | pl.col("label").str.starts_with("burst") | (pl.col("label") == "announced"))
    by_sensor = {int(str(key[0])): part for key, part in found.group_by("sensor", maintain_order=True)}
    logs = [(sensor, _stories.silent(by_sensor.get(i, found.clear()), sensor.gaps)) for i, sensor in enumerate(sensors)]
    return logs, _stories.counted(stories, pl.concat([packets for _, packets in logs]))
