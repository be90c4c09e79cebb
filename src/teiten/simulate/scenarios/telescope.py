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

HELP = "a dark prefix of IPv4 or IPv6, as captures"
FILES: Final = ("pcap", "log")
GLOBS: Final = {"pcap": "captures/{}-*.pcap", "log": "logs/{}-*.log"}
DAYS: Final = 7
A_DAY: Final = 200_000
"""packets on a usual day; a real /24 of 2025 would have nine times as many, a /16 two thousand times"""
PREFIX: Final = "44.11.38.0/24"
"""in a network that was given to amateur radio and is mostly dark; the packets are invented all the same"""

A_DAY_6: Final = 2_000
"""packets on a usual day of a /64"""
PREFIX_6: Final = "2001:db8:38::/64"
"""documentation's"""


def prefix_of(text: str | None) -> Prefix | ipaddress.IPv6Network:
    """The dark prefix by its text. UsageError where it is none, or none that scanners reach."""
    try:
        found = ipaddress.ip_network(text or PREFIX)
    except ValueError:
        raise UsageError(f"'{text}' is no prefix.", hint=f"Write --prefix like {PREFIX} or {PREFIX_6}.") from None
    if isinstance(found, ipaddress.IPv6Network):
        if not 48 <= found.prefixlen <= 64:
            raise UsageError(f"A prefix of /{found.prefixlen} cannot be simulated.", hint="Give --prefix from /48 to /64.")
        return found
    if not 16 <= found.prefixlen <= 28:
        raise UsageError(f"A prefix of /{found.prefixlen} cannot be simulated.", hint="Give --prefix from /16 to /28.")
    index_of(int(found.network_address), found.prefixlen)
    return Prefix(int(found.network_address), found.prefixlen)


def write(wish: Wish, out: Path, progress: Callable[[int], None]) -> Captured:
    """The captures (and logs of the same packets), their truth, and what the configuration says of the sensor."""
    prefix = prefix_of(wish.prefix)
    if isinstance(prefix, ipaddress.IPv6Network):
        return _write_six(wish, prefix, out, progress)
    total = wish.events if wish.events is not None else A_DAY * wish.span.days
    planned = plan(wish.seed, wish.span, total, prefix)
    done = record(planned, wish.span, total, out, prefix, wish.kinds, progress)
    truth = write_truth(planned, done, out)
    return Captured(done.paths, done.packets, done.lines, truth, _sensors(wish, [f"addresses = {prefix.size}"]))


def _write_six(wish: Wish, prefix: ipaddress.IPv6Network, out: Path, progress: Callable[[int], None]) -> Captured:
    from teiten.simulate.dark import _record6, _six

    total = wish.events if wish.events is not None else A_DAY_6 * wish.span.days
    planned = _six.plan(wish.seed, wish.span, total, prefix)
    paths, truth = _record6.record(planned, wish.span, out, wish.kinds, progress)
    count = len(planned.packets)
    return Captured(paths, count, count if "log" in wish.kinds else 0, truth, _sensors(wish, []))


def _sensors(wish: Wish, more: list[str]) -> list[tuple[str, str]]:
    """The tables of teiten.toml and their files."""
    out = []
    for i, kind in enumerate(wish.kinds):
        table = [f"[sensor.{SENSOR}{f'-{kind}' if i else ''}]", 'group = "dark"', *more]
        out.append(("\n".join([SAME, *table] if i else table), GLOBS[kind].format(SENSOR)))
    return out
