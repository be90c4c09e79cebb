"""Which counts may be told, and how: noise, then thresholds, then rounding; and what such a figure says of the true one.

Noise is the two-sided geometric distribution (Ghosh, Roughgarden, Sundararajan, "Universally Utility-Maximizing Privacy
Mechanisms", STOC 2009), of a scale by which a packet more or less changes the chance of any day's contribution by e^epsilon at
most; a key is told only where its figure passes the thresholds with the noise in it (Korolova, Kenthapadi, Mishra, Ntoulas,
"Releasing Search Queries and Clicks Privately", WWW 2009), which fails with `delta`. The same count of the same day has the
same noise however often it is exported: so nobody can ask until it averages out.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from typing import Any, Final

from teiten.federating import Federating
from teiten.federation import keys
from teiten.federation.counting import Counted, sketched
from teiten.publish import release
from teiten.publishing import Publishing

Row = tuple[dt.date, str, str, int, int]
QUARTER: Final = 900
"""seconds to which the time watched in an hour is rounded: an outage to the second would name a line"""
ALWAYS: Final = ("all", "hour")
"""figures that are no cells of a rare thing: told however small"""


def touched(rules: Federating) -> int:
    """Figures of a day that one packet more or less changes by one at most: what the noise is scaled by."""
    packets = 3 + rules.hours + rules.asns + rules.pairs
    hosts = 3 + rules.asns + rules.pairs if rules.hosts != "none" else 0
    return packets + hosts


def scale(rules: Federating) -> float:
    """The noise's standard deviation; 0 without."""
    if not rules.epsilon:
        return 0.0
    alpha = _alpha(rules)
    return math.sqrt(2 * alpha) / (1 - alpha)


def delta(rules: Federating) -> float:
    """The chance that a key that one packet alone made is told in spite of the thresholds; 0 without noise."""
    if not rules.epsilon:
        return 0.0
    alpha = _alpha(rules)
    return float(alpha ** max(0, rules.least_packets - 1) / (1 + alpha))


def _alpha(rules: Federating) -> float:
    return math.exp(-rules.epsilon / touched(rules))


def noise(secret: bytes, told: str, rules: Federating) -> int:
    """The noise for that figure: drawn from a key that only the member has."""
    if not rules.epsilon:
        return 0
    drawn = hashlib.blake2b(told.encode(), key=secret, digest_size=16).digest()
    alpha = _alpha(rules)
    halves = (int.from_bytes(drawn[n : n + 8], "big") for n in (0, 8))
    one, other = (math.floor(math.log((half + 1) / (1 << 64)) / math.log(alpha)) for half in halves)
    return one - other


def tell(counted: Counted, rules: Federating, secret: bytes) -> list[Row]:
    """The rows of a day as they leave the house. TeitenError where the key of sketches cannot be read."""
    day = counted.day
    rounding = Publishing(digits=rules.digits)
    watching = [(hour, min(3600, QUARTER * round(s / QUARTER)), n) for hour, (s, n) in sorted(counted.watching.items())]
    rows: list[Row] = [(day, "watching", f"{hour}", seconds, _round(n, rounding)) for hour, seconds, n in watching if seconds]
    if not rows:
        return []  # nobody watched: there is nothing that it would be told of
    figures = {"all": {"": (0, 0)}, **counted.figures}
    figures["hour"] = {f"{hour}": (counted.hours.get(hour, 0), 0) for hour, *_ in watching} if rules.hours else {}
    for what, own in figures.items():
        for key, (packets, hosts) in own.items():
            name = f"{day} {what} {key}"
            many = packets + noise(secret, f"{name} packets {packets}", rules)
            some = hosts + noise(secret, f"{name} hosts {hosts}", rules)
            if what not in ALWAYS and (many < rules.least_packets or some < rules.least_hosts):
                continue
            shown = _round(max(0, some), rounding) if rules.hosts != "none" and what != "hour" else 0
            rows.append((day, what, key, _round(max(0, many), rounding), shown))
    if rules.hosts == "sketch" and rules.hosts_key is not None:
        rows.append((day, "sketch", sketched(counted, keys.hosts_key(rules.hosts_key)), 0, 0))
    return rows


def _round(value: int, rounding: Publishing) -> int:
    return int(release.rounded(float(value), rounding))


def said(rules: Federating) -> dict[str, Any]:
    """The rules as a contribution's head says them."""
    sketches = rules.hosts == "sketch" and rules.hosts_key is not None
    return {
        "least_packets": rules.least_packets, "least_hosts": rules.least_hosts, "least_sensors": rules.least_sensors,
        "digits": rules.digits, "epsilon": rules.epsilon, "hosts": rules.hosts, "hours": rules.hours, "asns": rules.asns,
        "pairs": rules.pairs, "delay": rules.delay,
        "hosts_key": keys.hosts_id(keys.hosts_key(rules.hosts_key)) if sketches and rules.hosts_key else "",
    }  # fmt: skip


def bounds(told: int, digits: int) -> tuple[int, int]:
    """Between which counts (both included) the true one lies, of a figure told with so many digits and without noise."""
    if told < 10**digits:
        return told, told
    step = 10 ** (len(str(told)) - digits)
    # the next lower figure may be of fewer digits, and closer by
    below = step // 10 if told == 10 ** (len(str(told)) - 1) else step
    return told - below // 2 - 1, told + step // 2 + 1
