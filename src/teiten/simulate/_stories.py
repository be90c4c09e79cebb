"""What happens once: bursts, announced scans, a sweep of ports, outages, a new address; each with its truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from teiten.simulate._sources import draw
from teiten.simulate._traffic import DAY, SCHEMA, Span, frame, generator

Story = dict[str, Any]
"""kind, from, to (seconds since 1970), and what else is true of it"""

NOTICE_PORTS: Final = (8080, 80, 22, 23, 8000, 23023, 2222, 21, 443, 81, 2323)
NOTICE_HOSTS: Final = (
    "153.231.226.170",
    "153.231.216.178",
    "153.231.215.10",
    "153.231.216.186",
    "153.231.226.162",
    "153.231.227.194",
)
"""Within the prefixes that NICT announced for NOTICE in 2019 (https://www.nict.go.jp/info/topics/2019/02/13-2.html)."""


def number(address: str) -> int:
    """An address as its number."""
    a, b, c, d = map(int, address.split("."))
    return a << 24 | b << 16 | c << 8 | d


@dataclass(frozen=True, slots=True)
class Burst:
    """Many packets of one country within an hour, on a day that is a part of the period away."""

    label: str
    passed: float
    hour: int
    country: str
    ports: tuple[int, ...]
    packets: int
    hosts: int
    shape: str = "linux"
    because: str = ""


BURSTS: Final = (
    Burst("burst-mail", 0.35, 5, "US", (25, 465, 587), 420, 6, "masscan", "SMTP(S) ports from the US within an hour"),
    Burst("burst-adb", 0.62, 0, "FR", (5555,), 260, 9, "linux", "Android debug bridge from France after midnight"),
    Burst("burst-telnet", 0.8, 16, "NL", (23,), 480, 4, "zmap-old", "Telnet from the Netherlands"),
    Burst("burst-estonia", 0.88, 11, "EE", (23, 2323), 350, 3, "linux", "Telnet from Estonia"),
)


def burst(
    what: Burst, seed: int, span: Span, scale: float, sensor: Callable[[np.random.Generator, int], Any]
) -> tuple[pl.DataFrame, Story]:
    """The packets of a burst, and its truth."""
    rng = generator(seed, what.label)
    begin = span.start + int(what.passed * span.days) * DAY + what.hour * 3600
    count = max(30, int(what.packets * scale))
    hosts = draw(what.country, what.hosts, rng)
    seconds = begin + rng.uniform(60, 3480, count)
    packets = frame(
        {
            "time": (seconds * 1e6).astype(np.int64),
            "sensor": sensor(rng, count),
            "src": hosts[rng.integers(0, len(hosts), count)],
            "country": what.country,
            "port": rng.choice(np.array(what.ports), count),
            "shape": what.shape,
            "label": what.label,
            "visit": rng.integers(0, 1 << 40, count).astype(np.uint64),
        }
    )
    story = {
        "kind": "burst",
        "label": what.label,
        "from": begin,
        "to": begin + 3600,
        "country": what.country,
        "ports": list(what.ports),
        "hosts": what.hosts,
        "packets": count,
        "because": what.because,
    }
    return packets, story


def sweep(seed: int, span: Span, scale: float) -> tuple[pl.DataFrame, Story]:
    """One country's few hosts try a long run of consecutive ports within three hours: perhaps forged sources."""
    rng = generator(seed, "port-sweep")
    begin = span.start + int(0.28 * span.days) * DAY + 13 * 3600
    count = max(120, int(700 * scale))
    hosts = draw("NL", 12, rng)
    story = {
        "kind": "port sweep",
        "label": "port-sweep",
        "from": begin,
        "to": begin + 3 * 3600,
        "country": "NL",
        "hosts": len(hosts),
        "port_range": [20000, 20000 + count - 1],
        "packets": count,
        "consecutive": True,
        "because": "consecutive ports from one country",
    }
    return frame(
        {
            "time": ((begin + np.sort(rng.uniform(0, 3 * 3600, count))) * 1e6).astype(np.int64),
            "sensor": 0,
            "src": hosts[rng.integers(0, len(hosts), count)],
            "country": "NL",
            "port": 20000 + np.arange(count),
            "shape": "masscan",
            "label": "port-sweep",
            "visit": rng.integers(0, 1 << 40, count).astype(np.uint64),
        }
    ), story


def notice(seed: int, span: Span, sensors: int) -> tuple[pl.DataFrame, list[Story]]:
    """Announced scans: now eleven ports within a minute, now one or two an hour apart; silent in the last third."""
    rng = generator(seed, "announced")
    parts, stories = [pl.DataFrame(schema=SCHEMA)], []
    for day in range(max(1, int(span.days * 0.67))):
        if span.days > 2 and rng.random() > 0.45:
            continue
        round_of_all = bool(rng.random() < 0.5)
        ports = (
            list(rng.permutation(np.array(NOTICE_PORTS)))
            if round_of_all
            else list(rng.choice(np.array([22, 80, 23, 443, 8080]), 2, False))
        )
        gaps = rng.exponential(5.5, len(ports)) if round_of_all else rng.uniform(600, 9000, len(ports))
        times = span.start + day * DAY + rng.uniform(9, 18) * 3600 + np.cumsum(gaps)
        host = str(rng.choice(NOTICE_HOSTS))
        parts.append(
            frame(
                {
                    "time": (times * 1e6).astype(np.int64),
                    "sensor": int(rng.integers(0, sensors)),
                    "src": np.full(len(ports), number(host)),
                    "country": "JP",
                    "port": np.array(ports),
                    "shape": "announced",
                    "label": "announced",
                    "visit": np.full(len(ports), day, dtype=np.uint64),
                }
            )
        )
        stories.append(
            {
                "kind": "announced scan",
                "label": "announced",
                "from": int(times[0]),
                "to": int(times[-1]) + 1,
                "src_ip": host,
                "ports": [int(p) for p in ports],
                "packets": len(ports),
                "because": "NOTICE, by its announced addresses",
            }
        )
    return pl.concat(parts), stories


def thinned(packets: pl.DataFrame, seed: int, begin: int, end: int, kept: float) -> pl.DataFrame:
    """Only a part of the packets between two times: a fall across every port and country at once."""
    lucky = generator(seed, f"fall {begin}").random(len(packets)) < kept
    inside = (pl.col("time") >= begin * 1_000_000) & (pl.col("time") < end * 1_000_000)
    return packets.filter(~inside | pl.Series(lucky))


def silent(packets: pl.DataFrame, gaps: Sequence[tuple[int, int]]) -> pl.DataFrame:
    """The packets without those between the times of an outage: the sensor wrote nothing."""
    for begin, end in gaps:
        packets = packets.filter((pl.col("time") < begin * 1_000_000) | (pl.col("time") >= end * 1_000_000))
    return packets


def counted(stories: Sequence[Story], packets: pl.DataFrame) -> list[Story]:
    """The stories with the packets that are left of each, after outages; one with none left did not happen."""
    out = []
    for story in stories:
        if "packets" in story:
            begin, end = story["from"] * 1_000_000, story["to"] * 1_000_000
            own = packets.filter((pl.col("label") == story["label"]) & pl.col("time").is_between(begin, end, closed="left"))
            if "src_ip" in story:
                own = own.filter(pl.col("src") == number(story["src_ip"]))
            if not len(own):
                continue
            story = {**story, "packets": len(own), "hosts": own["src"].n_unique()}
        out.append(story)
    return out
