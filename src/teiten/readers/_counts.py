"""Kernels that count: packets, and distinct sources, of each of many things; and the set of sources that they grow.

A thing is a small number (a slot). A set is a table of open addressing, in which a place is empty (0) or holds a source and
its slot. Places follow from sums of products with numbers that nobody outside knows, so that no choice of addresses makes
them meet.
"""

from __future__ import annotations

import os
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.readers import _jit
from teiten.readers._jit import entry, get, get16, get32, jit, put, put32
from teiten.readers._words import prefetch

PORTS: Final = 1 << 16
WITH_PORTS: Final = (6, 17, 33, 132, 136)
OTHERS: Final = len(WITH_PORTS) * PORTS
UNKNOWN: Final = OTHERS + 256
SLOTS: Final = UNKNOWN + 1
"""slots of ports: those of the five protocols that have some, then protocols without, then the unknown"""

FILLED, FRESH, STATE = range(3)
_AHEAD: Final = 16
_FULL: Final = 0.7

Bytes4 = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]


@entry
def port_slots(n: int, protocols: Any, ports: Any, slots: Any) -> int:
    """Of n rows (int16 and int32; -1 for null) the slot of the port that was tried. UNKNOWN for a null protocol, and for a null
    port of a protocol that has ports."""
    for i in range(n):
        protocol, port = get16(protocols, i), get32(ports, i)
        slot = OTHERS + protocol
        if protocol == 6:
            slot = port
        elif protocol == 17:
            slot = PORTS + port
        elif protocol == 33:
            slot = 2 * PORTS + port
        elif protocol == 132:
            slot = 3 * PORTS + port
        elif protocol == 136:
            slot = 4 * PORTS + port
        elif protocol < 0:
            slot = UNKNOWN
        if slot < OTHERS and port < 0:
            slot = UNKNOWN
        put32(slots, i, slot)
    return n


@jit
def _place(source: int, slot: int, key: int, other: int, mask: int) -> Any:
    return ((source * key + slot * other) >> 33) & mask


@entry
def four(
    begin: int, n: int, slots: Any, sources: Any, table: Any, bits: int, width: int, key: int, other: int, limit: int,
    packets: Any, hosts: Any, fresh: Any, places: Any, state: Any,
) -> int:  # fmt: skip
    """Rows begin..n of IPv4: `packets` of their slot, and where the source is new to the slot its `hosts`, are one more; new
    sources come into `fresh`. Rows with a slot below 0 are passed over. Returns where it ended: before the table was too full.

    table: 2^bits places of `width` words; the second word counts the packets. places: room for 16 numbers."""
    mask = (1 << bits) - 1
    i = begin
    filled, new = get(state, FILLED), get(state, FRESH)
    while i < n and filled + _AHEAD <= limit:
        stop = min(i + _AHEAD, n)
        for j in range(i, stop):
            place = _place(get32(sources, j), get32(slots, j), key, other, mask) * width
            prefetch(table, place)
            put(places, j - i, place)
        for j in range(i, stop):
            slot = get32(slots, j)
            if slot < 0:
                continue
            put(packets, slot, get(packets, slot) + 1)
            source = get32(sources, j)
            # (never 0, and below 2^63 either way)
            wanted = (source << 32) + slot + 1
            place = get(places, j - i)
            found = get(table, place)
            while found != wanted:
                if found == 0:
                    put(table, place, wanted)
                    put(hosts, slot, get(hosts, slot) + 1)
                    put32(fresh, new, source)
                    new += 1
                    filled += 1
                    break
                place = (place + width) & (mask * width + width - 1)
                found = get(table, place)
            if width == 2:
                put(table, place + 1, get(table, place + 1) + 1)
        i = stop
    put(state, FILLED, filled)
    put(state, FRESH, new)
    return i


@jit
def _place6(slot: int, high: int, low: int, key: int, other: int, mask: int) -> Any:
    # halves of halves, so that each bit reaches those that are taken; products of sums, so that no two words can be exchanged
    one = ((high >> 32) ^ other) * key + (high & 0xFFFFFFFF) * other
    two = ((low >> 32) ^ key) * other + (low & 0xFFFFFFFF) * key
    return ((((one >> 32) & 0xFFFFFFFF) * key + ((two >> 32) & 0xFFFFFFFF) * other + slot * key) >> 33) & mask


@entry
def six(
    begin: int, n: int, slots: Any, high: Any, low: Any, table: Any, bits: int, key: int, other: int, limit: int, packets: Any,
    hosts: Any, fresh: Any, state: Any,
) -> int:  # fmt: skip
    """As `four` for IPv6: addresses in halves (int64), places of four words (slot + 1, halves, packets); `fresh`: rows."""
    mask = (1 << bits) - 1
    filled, new = get(state, FILLED), get(state, FRESH)
    i = begin
    while i < n and filled < limit:
        slot = get32(slots, i)
        if slot >= 0:
            put(packets, slot, get(packets, slot) + 1)
            one, two = get(high, i), get(low, i)
            place = _place6(slot, one, two, key, other, mask)
            found = get(table, 4 * place)
            while found != 0 and (found != slot + 1 or get(table, 4 * place + 1) != one or get(table, 4 * place + 2) != two):
                place = (place + 1) & mask
                found = get(table, 4 * place)
            if found == 0:
                put(table, 4 * place, slot + 1)
                put(table, 4 * place + 1, one)
                put(table, 4 * place + 2, two)
                put(hosts, slot, get(hosts, slot) + 1)
                put(fresh, new, i)
                new += 1
                filled += 1
            put(table, 4 * place + 3, get(table, 4 * place + 3) + 1)
        i += 1
    put(state, FILLED, filled)
    put(state, FRESH, new)
    return i


@entry
def move6(table: Any, bits: int, other_table: Any, other_bits: int, key: int, other: int) -> int:
    """As `move` for IPv6."""
    mask = (1 << other_bits) - 1
    n = 0
    for old in range(1 << bits):
        found = get(table, 4 * old)
        if found == 0:
            continue
        place = _place6(found - 1, get(table, 4 * old + 1), get(table, 4 * old + 2), key, other, mask)
        while get(other_table, 4 * place) != 0:
            place = (place + 1) & mask
        for word in range(4):
            put(other_table, 4 * place + word, get(table, 4 * old + word))
        n += 1
    return n


@entry
def move(table: Any, bits: int, other_table: Any, other_bits: int, width: int, key: int, other: int) -> int:
    """All that is in a table into a larger one, which is empty: how many."""
    mask = (1 << other_bits) - 1
    n = 0
    for old in range(1 << bits):
        wanted = get(table, old * width)
        if wanted == 0:
            continue
        place = _place((wanted - 1) >> 32, (wanted - 1) & 0xFFFFFFFF, key, other, mask) * width
        while get(other_table, place) != 0:
            place = (place + width) & (mask * width + width - 1)
        put(other_table, place, wanted)
        if width == 2:
            put(other_table, place + 1, get(table, old * width + 1))
        n += 1
    return n


class TooMany(Exception):
    """More distinct sources than a set may hold."""


class Four:
    """Distinct IPv4 sources of slots. `packets`, `hosts`: (slots) int64. counted: packets of each source are counted too."""

    def __init__(self, slots: int, *, counted: bool = False, most_bits: int = 25) -> None:
        self.packets, self.hosts = np.zeros(slots, np.int64), np.zeros(slots, np.int64)
        self._width, self._most = 1 + counted, most_bits - counted
        self._bits = 14
        self._table = np.zeros(self._width << self._bits, np.int64)
        self._state, self._places = np.zeros(STATE, np.int64), np.zeros(_AHEAD, np.int64)
        self._keys: Any = tuple((int.from_bytes(os.urandom(8), "little") >> 2) | 1 for _ in range(2))

    def add(self, slots: Bytes4, sources: Bytes4) -> Bytes4:
        """Rows of a slot (below 0: passed over) and a source's four bytes. Sources that were new to their slot. TooMany."""
        n = len(slots)
        fresh = np.empty(n, np.int32)
        self._state[FRESH] = 0
        done = 0
        given: Any = n, _jit.view(slots), _jit.view(sources)
        counted: Any = (
            _jit.view(self.packets),
            _jit.view(self.hosts),
            _jit.view(fresh),
            _jit.view(self._places),
            _jit.view(self._state),
        )
        while done < n:
            room = int(_FULL * (1 << self._bits))
            table: Any = (_jit.view(self._table), self._bits, self._width, *self._keys, room)
            done = four(*(done, *given, *table, *counted))
            if done < n:
                self._grow()
        return fresh[: int(self._state[FRESH])]

    def _grow(self) -> None:
        if self._bits >= self._most:
            raise TooMany
        bits = min(self._bits + 2, self._most)
        table = np.zeros(self._width << bits, np.int64)
        move(_jit.view(self._table), self._bits, _jit.view(table), bits, self._width, *self._keys)
        self._bits, self._table = bits, table

    def sources(self) -> tuple[npt.NDArray[np.uint32], Ints]:
        """Of a counted set: each source as a number, and its packets; in no order."""
        pairs, counts = self._table[0::2], self._table[1::2]
        there = pairs != 0
        raw = ((pairs[there] - 1) >> 32).astype(np.int32)
        return raw.view(">u4").astype(np.uint32), counts[there]


class Six:
    """The same of IPv6."""

    def __init__(self, slots: int, *, most_bits: int = 22) -> None:
        self.packets, self.hosts = np.zeros(slots, np.int64), np.zeros(slots, np.int64)
        self._most, self._bits = most_bits, 8
        self._table = np.zeros(4 << self._bits, np.int64)
        self._state = np.zeros(STATE, np.int64)
        self._keys: Any = tuple((int.from_bytes(os.urandom(4), "little") >> 1) | 1 for _ in range(2))

    def add(self, slots: Bytes4, high: Ints, low: Ints) -> Ints:
        """Rows of a slot (below 0: passed over) and an address's halves. The rows whose source was new to its slot. TooMany."""
        n = len(slots)
        fresh = np.empty(n, np.int64)
        self._state[FRESH] = 0
        done = 0
        given: Any = n, _jit.view(slots), _jit.view(high), _jit.view(low)
        counted: Any = _jit.view(self.packets), _jit.view(self.hosts), _jit.view(fresh), _jit.view(self._state)
        while done < n:
            table: Any = _jit.view(self._table), self._bits, *self._keys, int(_FULL * (1 << self._bits))
            done = six(*(done, *given, *table, *counted))
            if done < n:
                self._grow()
        return fresh[: int(self._state[FRESH])]

    def _grow(self) -> None:
        if self._bits >= self._most:
            raise TooMany
        table = np.zeros(4 << (self._bits + 2), np.int64)
        move6(_jit.view(self._table), self._bits, _jit.view(table), self._bits + 2, *self._keys)
        self._bits, self._table = self._bits + 2, table

    def sources(self) -> tuple[Ints, Ints, Ints]:
        """Each place's address in halves, and its packets; in no order."""
        rows = self._table.reshape(-1, 4)
        rows = rows[rows[:, 0] != 0]
        return rows[:, 1].copy(), rows[:, 2].copy(), rows[:, 3].copy()
