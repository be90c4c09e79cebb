"""Things with their counts become rows of a ranking: sorted, named, held against the period before."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.engine.questions import By
from teiten.readers import _counts
from teiten.readers._base import Plain
from teiten.readers._rows import integers

Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Sources:
    """Distinct sources with their packets: families, addresses in halves (IPv4 in `low`)."""

    families: Ints
    high: Ints
    low: Ints
    packets: Ints


@dataclass(slots=True)
class Ranked:
    """Things with their counts. keys: what tells a thing from another, in columns; order: the columns by which equals are
    sorted, the most weighty first; name: what a row of the answer says of a thing."""

    packets: Ints
    hosts: Ints
    known: Truths
    keys: list[Sequence[Any] | npt.NDArray[Any]]
    order: list[npt.NDArray[Any]]
    name: Callable[[int], dict[str, Any]]

    def first(self, by: By, n: int) -> list[int]:
        """The n best that are known, and the n best of the unknown after them."""
        one, two = (self.packets, self.hosts) if by == "packets" else (self.hosts, self.packets)
        out: list[int] = []
        for which in (np.flatnonzero(self.known), np.flatnonzero(~self.known)):
            if len(which) > n:  # what cannot be among them need not be sorted
                least = np.partition(one[which], len(which) - n)[len(which) - n]
                which = which[one[which] >= least]
            order = np.lexsort([*(column[which] for column in self.order[::-1]), -two[which], -one[which]])
            out += which[order[:n]].tolist()
        return out

    def places(self, by: By) -> Ints:
        """Each known thing's rank; equals share one."""
        values = self.packets if by == "packets" else self.hosts
        known = np.sort(values[self.known])
        return len(known) - np.searchsorted(known, values, side="right") + 1


class Earlier:
    """What the period before tells of a thing."""

    def __init__(self, ranked: Ranked, by: By) -> None:
        self._ranked, self._by, self._places = ranked, by, ranked.places(by)
        keys = [column.tolist() if isinstance(column, np.ndarray) else column for column in ranked.keys]
        self._at = {key: i for i, key in enumerate(zip(*keys, strict=True))}

    def of(self, key: tuple[Any, ...], value: int) -> dict[str, Any]:
        ranked = self._ranked
        i = self._at.get(key)
        packets, hosts = (0, 0) if i is None else (int(ranked.packets[i]), int(ranked.hosts[i]))
        was = packets if self._by == "packets" else hosts
        return {
            "rank_before": int(self._places[i]) if i is not None and ranked.known[i] else None,
            "packets_before": packets,
            "hosts_before": hosts,
            "difference": value - was,
            "change": 100.0 * (value - was) / was if was else None,
        }


_LAST: Final = 1 << 40
"""a null, where the least comes first"""


def _all(values: npt.NDArray[Any]) -> Truths:
    return np.ones(len(values), np.bool_)


def ports(packets_of: Ints, hosts_of: Ints) -> Ranked:
    """Ports by their slots (`_counts.port_slots`)."""
    at = np.flatnonzero(packets_of)
    ported = at < _counts.OTHERS
    protocols = np.where(ported, np.array([*_counts.WITH_PORTS, -1])[at // _counts.PORTS], at - _counts.OTHERS)
    protocols[at == _counts.UNKNOWN] = -1
    ports = np.where(ported, at % _counts.PORTS, -1)
    packets, hosts = packets_of[at], hosts_of[at]
    order = [np.where(ports < 0, _LAST, ports), np.where(protocols < 0, _LAST, protocols)]

    def name(i: int) -> dict[str, Any]:
        return {"dst_port": _or_none(ports[i]), "protocol": _or_none(protocols[i])}

    return Ranked(packets, hosts, protocols >= 0, [ports, protocols], order, name)


def _or_none(value: Any) -> int | None:
    return None if value < 0 else int(value)


def sources(found: Sources, located: dict[str, Plain]) -> Ranked:
    """Each source with its country and AS."""
    n = len(found.packets)
    four = found.families == 4
    high, low = found.high.view(np.uint64), found.low.view(np.uint64)
    # as bytes are compared: an address that begins another one is the lesser
    order = [np.where(four, low << np.uint64(32), high), np.where(four, np.uint64(0), low), found.families]
    told = {name: _values(located[name], n) for name in ("country", "asn", "as_name")}

    def name(i: int) -> dict[str, Any]:
        if four[i]:
            text = socket.inet_ntop(socket.AF_INET, int(low[i]).to_bytes(4, "big"))
        else:
            text = socket.inet_ntop(socket.AF_INET6, ((int(high[i]) << 64) | int(low[i])).to_bytes(16, "big"))
        return {"src_ip": text, **{column: values(i) for column, values in told.items()}}

    return Ranked(found.packets, np.ones(n, np.int64), _all(four), [found.families, found.high, found.low], order, name)


def _values(plain: Plain, n: int) -> Callable[[int], Any]:
    """A column's values by their rows."""
    if plain.kind == "constant" or plain.numbers is None:
        return lambda i: plain.value
    if plain.kind == "texts":
        texts, places = plain.texts, plain.numbers
        return lambda i: texts[places[i]] if 0 <= places[i] < len(texts) else None
    numbers = integers(plain, n)
    return lambda i: _or_none(numbers[i])


def places(what: str, found: Sources, located: dict[str, Plain]) -> Ranked:
    """Countries or ASes: sources put together."""
    n = len(found.packets)
    if what == "countries":
        of, texts = located["country"], located["country"].texts
        numbers = of.numbers if of.kind == "texts" and of.numbers is not None else np.full(n, -1)
        numbers = np.where((numbers < 0) | (numbers >= len(texts)), -1, numbers)
    else:
        numbers = integers(located["asn"], n) if located["asn"].kind != "constant" else np.full(n, -1)
    values, which = np.unique(numbers, return_inverse=True)
    packets = np.zeros(len(values), np.int64)
    np.add.at(packets, which, found.packets)
    hosts = np.bincount(which, minlength=len(values))
    if what == "countries":
        codes = [texts[v] if v >= 0 else None for v in values.tolist()]
        order = np.argsort(np.argsort(np.array([code or "" for code in codes])))
        return Ranked(packets, hosts, values >= 0, [codes], [order], lambda i: {"country": codes[i]})
    names: dict[int, str] = {}
    told = located["as_name"]
    if told.kind == "texts" and told.numbers is not None:
        pairs = np.unique(np.stack([which.reshape(-1), told.numbers]), axis=1)
        for group, place in pairs.T.tolist():
            if 0 <= place < len(told.texts):
                names[group] = max(names.get(group, ""), told.texts[place])

    def name(i: int) -> dict[str, Any]:
        return {"asn": _or_none(values[i]), "as_name": names.get(i)}

    return Ranked(packets, hosts, values >= 0, [values], [values], name)
