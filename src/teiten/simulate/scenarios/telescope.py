"""A dark prefix: captures of everything that scanners, bots, victims and neighbours send to addresses that nobody uses."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Final

from teiten.errors import UsageError
from teiten.simulate._traffic import Wish
from teiten.simulate._write import SAME, Captured
from teiten.simulate.dark._plan import plan
from teiten.simulate.dark._record import SENSOR, record, write_truth
from teiten.simulate.dark._series import Prefix
from teiten.simulate.dark._walk import index_of

HELP = "a dark prefix, as captures"
FILES: Final = ("pcap", "log")
GLOBS: Final = {"pcap": "captures/{}-*.pcap", "log": "logs/{}-*.log"}
DAYS: Final = 7
A_DAY: Final = 200_000
"""packets on a usual day; a real /24 of 2025 would have nine times as many, a /16 two thousand times"""
PREFIX: Final = "44.11.38.0/24"
"""in a network that was given to amateur radio and is mostly dark; the packets are invented all the same"""


def prefix_of(text: str | None) -> Prefix:
    """The dark prefix by its text. UsageError where it is none, or none that scanners reach."""
    try:
        found = ipaddress.IPv4Network(text or PREFIX)
    except ValueError:
        raise UsageError(f"'{text}' is no IPv4 prefix.", hint=f"Write --prefix like {PREFIX}.") from None
    if not 16 <= found.prefixlen <= 28:
        raise UsageError(f"A prefix of /{found.prefixlen} cannot be simulated.", hint="Give --prefix from /16 to /28.")
    index_of(int(found.network_address), found.prefixlen)
    return Prefix(int(found.network_address), found.prefixlen)


def write(wish: Wish, out: Path, progress: Callable[[int], None]) -> Captured:
    """The captures (and logs of the same packets), their truth, and what the configuration says of the sensor."""
    prefix = prefix_of(wish.prefix)
    total = wish.events if wish.events is not None else A_DAY * wish.span.days
    planned = plan(wish.seed, wish.span, total, prefix)
    done = record(planned, wish.span, total, out, prefix, wish.kinds, progress)
    sensors = []
    for i, kind in enumerate(wish.kinds):
        table = [f"[sensor.{SENSOR}{f'-{kind}' if i else ''}]", 'group = "dark"', f"addresses = {prefix.size}"]
        sensors.append(("\n".join([SAME, *table] if i else table), GLOBS[kind].format(SENSOR)))
    return Captured(done.paths, done.packets, done.lines, write_truth(planned, done, out), sensors)
