"""Who differs from the others, in what, by how much: told with numbers, and no more than told. The figures stand without it.

A thing at a member is an outlier where its modified z-score (Iglewicz and Hoaglin, "How to Detect and Handle Outliers",
1993) is 3.5 or more: z = (x - median) / (1.4826 MAD), x = log10(rate + 1), where the scale is never taken for less than
`LEAST_SCALE`; the rate is `TIMES` times the median or a quarter of it; and the count is further from what the median would
give than chance explains (5 standard deviations of a Poisson count, and `PACKETS`). Besides: sums that do not add up; rates
of ports that do not go with those of the others; a clock. Fewer than `ENOUGH` members have no 'usual' to differ from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.federation import sketch, telling
from teiten.federation.merging import Floats, Merged, Table, robust

Z: Final = 3.5
TIMES: Final = 4.0
PACKETS: Final = 50
CHANCE: Final = 5.0
LEAST_SCALE: Final = 0.1
"""of log10: members whose rates are within a quarter of each other are not taken for more alike than that"""
ENOUGH: Final = 4
LOOKED_AT: Final = {"port": 30, "country": 20}
"""ranks of the merged ranking that are looked at; besides, whatever is a member's own first ten"""
OWN: Final = 10
COMPARED: Final = 50
"""ports over which rates are correlated"""
LEAST_CORRELATION: Final = 0.2
"""by which a correlation must be below the median of the members'"""
LAGS: Final = 12
"""hours by which a clock is tried to be off"""
CLOCK: Final = (0.5, 0.3)
"""correlation of hours at the best lag, and by how much it must beat that of a right clock"""
LEAST_HOURS: Final = 168
COPIED: Final = 8
"""rows of ports, countries and pairs that a day must have for the same ones at two members to be no chance"""


@dataclass(frozen=True, slots=True)
class Outlier:
    """A member that differs. reason: 'high', 'low', 'alone' (no other tells it), 'sum' (does not add up), 'unlike' (its
    ports do not go with the others'), 'clock', 'copied' (it tells days as another does, which is `key`). value and usual:
    rates an address and day (sum: told and possible; unlike: correlations; clock: the hours by which it is off, and 0;
    copied: days that are the same, and its days). z: the modified z-score, where one decides."""

    member: str
    reason: str
    what: str
    key: str
    value: float
    usual: float
    z: float = 0.0


def outliers(merged: Merged) -> list[Outlier]:
    """Those of the span, the most striking of each member first."""
    found = _sums(merged) + _copied(merged)
    if len(merged.there) >= ENOUGH:
        for what in ("all", "port", "country"):
            found += _rates(merged, what, merged.table(what), hosts=False)
        found += _rates(merged, "hosts", merged.table("all"), hosts=True)
        found += _unlike(merged)
        found += _clocks(merged)
    return sorted(found, key=lambda one: (one.member, -abs(one.z), one.what, one.key))


def unbelieved(found: list[Outlier]) -> list[str]:
    """Members whose hosts are left out where hosts are added or united: those that have far too many, or whose sums are
    none."""
    return sorted({one.member for one in found if (one.what == "hosts" and one.reason != "low") or one.reason == "sum"})


def correlations(merged: Merged) -> dict[str, float | None]:
    """Of each member that watched: how its ports' rates go with what the others say together (Pearson, of log10(rate + 1))."""
    table = merged.table("port")
    top = table.ranked[:COMPARED]
    out: dict[str, float | None] = {}
    for m in merged.there:
        others = [n for n in merged.there if n != m]
        own = _log(table.rates[top, m])
        rest = _log(robust(table.rates[top][:, others])) if others and top else own[:0]
        out[merged.members[m]] = _correlation(own, rest) if len(rest) >= 5 else None
    return out


def _log(rates: Floats) -> Floats:
    out: Floats = np.log10(np.maximum(rates, 0) + 1)
    return out


def _correlation(one: Floats, other: Floats) -> float | None:
    if len(one) < 2 or one.std() == 0 or other.std() == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _scores(logs: Floats) -> tuple[Floats, Floats]:
    """Things x members -> modified z-scores, and the medians."""
    middle = np.median(logs, axis=1, keepdims=True)
    spread = 1.4826 * np.median(np.abs(logs - middle), axis=1, keepdims=True)
    return (logs - middle) / np.maximum(spread, LEAST_SCALE), middle[:, 0]


def _rates(merged: Merged, what: str, table: Table, *, hosts: bool) -> list[Outlier]:
    counts = table.hosts if hosts else table.packets
    rows = _looked_at(merged, what, table)
    if not rows:
        return []
    there = merged.there
    if hosts:
        there = there[counts[rows[0], there] > 0]
        if len(there) < ENOUGH:
            return []
    counts, days = counts[rows][:, there], merged.address_days[there]
    rates = counts / days
    scores, middle = _scores(_log(rates))
    usual = 10**middle - 1
    expected = usual[:, None] * days
    far = np.abs(counts - expected) >= np.maximum(PACKETS, CHANCE * np.sqrt(np.maximum(counts, expected)))
    times = (rates + 1) / (usual[:, None] + 1)
    high = (scores >= Z) & (times >= TIMES) & far
    low = (
        (scores <= -Z)
        & (times <= 1 / TIMES)
        & far
        & (usual[:, None] * _addresses(merged)[there] >= 2 * _withheld(merged)[there])
    )
    out = []
    for n, m in np.argwhere(high | low):
        key = table.keys[rows[int(n)]]
        alone = int((counts[n] > 0).sum()) == 1 and what == "port"
        reason = "alone" if alone else "high" if high[n, m] else "low"
        told = float(rates[n, m]), float(usual[n]), float(scores[n, m])
        out.append(Outlier(merged.members[there[int(m)]], reason, what, key, *told))
    return out


def _looked_at(merged: Merged, what: str, table: Table) -> list[int]:
    if what not in LOOKED_AT:
        return list(range(len(table.keys)))
    rows = set(table.ranked[: LOOKED_AT[what]])
    for m in merged.there:
        own = np.argsort(-table.packets[:, m], kind="stable")[:OWN]
        rows |= {int(n) for n in own if table.packets[n, m] > 0 and table.keys[n] not in ("", "/")}
    return sorted(rows)


def _addresses(merged: Merged) -> Floats:
    """Addresses of each member, the mean over what it watched."""
    watched = merged.seconds.sum(axis=(1, 2)) / 86_400
    out: Floats = merged.address_days / np.maximum(watched, 1e-9)
    return out


def _withheld(merged: Merged) -> npt.NDArray[np.int64]:
    """Packets of a day below which each member withholds a thing."""
    found = [merged.head(name) for name in merged.members]
    return np.array([int(one.head.rules["least_packets"]) if one else 0 for one in found])


def _sums(merged: Merged) -> list[Outlier]:
    """Members whose parts are more than the whole, by more than rounding and noise explain."""
    whole, out = merged.table("all"), []
    at = whole.at("")
    for m in merged.there:
        name = merged.members[m]
        head = merged.head(name)
        if at is None or head is None:
            continue
        digits, epsilon = int(head.head.rules["digits"]), float(head.head.rules["epsilon"])
        total = float(whole.packets[at, m])
        # a figure of d digits is off by half of its last one at most: of the first being 1, that is 1/2 of 10^(1-d)
        slack = 0.5 * 10 ** (1 - digits) * (2 + (1 if epsilon else 0))
        for what in ("port", "country", "asn", "pair", "hour"):
            told = float(merged.table(what).packets[:, m].sum())
            things = int((merged.table(what).packets[:, m] > 0).sum())
            room = 10 * things * len(merged.days) * _noise(head.head.rules) + PACKETS
            if told > total * (1 + slack) + room:
                out.append(Outlier(name, "sum", what, "", told, total))
        if float(whole.hosts[at, m]) > total * (1 + slack) + PACKETS:
            out.append(Outlier(name, "sum", "hosts", "", float(whole.hosts[at, m]), total))
        out += _sketches(merged, int(m), slack)
    return out


def _sketches(merged: Merged, m: int, slack: float) -> list[Outlier]:
    """A member whose sketches come to many more hosts than it tells, over all days that have one."""
    own = merged.rows("sketch").filter(pl.col("member") == m)
    if not own.height:
        return []
    said = merged.rows("all").filter((pl.col("member") == m) & pl.col("at").is_in(own["at"].to_list()))
    hosts, united = float(said["hosts"].sum()), sum(sketch.read(text).estimate for text in own["key"])
    if united <= hosts * (1 + slack + 5 * sketch.ERROR) + PACKETS:
        return []
    return [Outlier(merged.members[m], "sum", "hosts", "", united, hosts)]


def _noise(rules: object) -> float:
    from teiten.federating import Federating

    own = dict(rules)  # type: ignore[call-overload]
    told = Federating(epsilon=own["epsilon"], hours=own["hours"], asns=own["asns"], pairs=own["pairs"], hosts=own["hosts"])
    return telling.scale(told)


def _copied(merged: Merged) -> list[Outlier]:
    """Members of whom each row of a day is another's, to the last digit: one of the two has them from the other."""
    rows = merged.rows_of("port", "country", "pair")
    days = (
        rows.with_columns(pl.concat_str("what", "key", "packets", "hosts", separator=" ").alias("told"))
        .sort("told")
        .group_by("member", "at")
        .agg(pl.len(), pl.col("told").str.join("\n"))
    )
    many = dict(days.group_by("member").len().iter_rows())
    days = days.filter(pl.col("len") >= COPIED)
    same = days.join(days, on=("at", "told"), suffix="_other").filter(pl.col("member") != pl.col("member_other"))
    found = same.group_by("member", "member_other").len().sort("len", "member", "member_other", descending=(True, False, False))
    return [
        Outlier(merged.members[m], "copied", "day", merged.members[other], float(n), float(many[m]))
        for m, other, n in found.unique("member", keep="first", maintain_order=True).iter_rows()
    ]


def _unlike(merged: Merged) -> list[Outlier]:
    found = {name: value for name, value in correlations(merged).items() if value is not None}
    if len(found) < ENOUGH:
        return []
    values = np.array(list(found.values()))
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle)))
    least = middle - max(Z * spread, LEAST_CORRELATION)
    return [Outlier(name, "unlike", "port", "", value, middle) for name, value in found.items() if value < least]


def _clocks(merged: Merged) -> list[Outlier]:
    """Members whose hours go with the others' once they are moved by some hours, and else do not."""
    hourly = merged.hourly()[:, :, :24].reshape(len(merged.members), -1)
    told = [int(m) for m in merged.there if (~np.isnan(hourly[m])).sum() >= LEAST_HOURS]
    if len(told) < ENOUGH:
        return []
    logs = np.log10(hourly[told] + 1)
    out = []
    for n, m in enumerate(told):
        rest = np.delete(logs, n, axis=0)
        with np.errstate(invalid="ignore"):
            usual = np.where((~np.isnan(rest)).sum(axis=0) >= ENOUGH - 1, _median(rest), np.nan)
        fits = {lag: _fit(logs[n], usual, lag) for lag in range(-LAGS, LAGS + 1)}
        best = max(fits, key=lambda lag: (fits[lag], -abs(lag)))
        if best and fits[best] >= CLOCK[0] and fits[best] - fits[0] >= CLOCK[1]:
            out.append(Outlier(merged.members[m], "clock", "hour", "", float(best), 0.0))
    return out


def _median(rows: Floats) -> Floats:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # hours of which nobody tells
        out: Floats = np.nanmedian(rows, axis=0)
    return out


def _fit(own: Floats, usual: Floats, lag: int) -> float:
    """The correlation of the member's hour h + lag with the others' hour h."""
    a, b = (own[lag:], usual[: len(usual) - lag]) if lag >= 0 else (own[:lag], usual[-lag:])
    both = ~np.isnan(a) & ~np.isnan(b)
    if both.sum() < LEAST_HOURS // 2:
        return 0.0
    return _correlation(a[both], b[both]) or 0.0
