"""Packets as columns of numpy: what a packet's headers say, and its cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.simulate._sources import mixed

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
Columns = Mapping[str, Any]
"""column -> (n) array, or one value for all rows; `time` is always an array"""
Batch = dict[str, npt.NDArray[Any]]

ICMP, TCP, UDP = 1, 6, 17
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

FIELDS: Final[dict[str, tuple[type[np.generic], int]]] = {
    "time": (np.int64, 0),
    "src": (np.uint32, 0),
    "dst": (np.uint32, 0),
    "protocol": (np.uint8, TCP),
    "ttl": (np.uint8, 64),
    "ip_id": (np.uint16, 0),
    "df": (np.uint8, 0),
    "tos": (np.uint8, 0),
    "sport": (np.uint16, 0),
    "dport": (np.uint16, 0),
    "seq": (np.uint32, 0),
    "ack": (np.uint32, 0),
    "flags": (np.uint8, SYN),
    "window": (np.uint16, 0),
    "extra": (np.uint8, 0),
    "pad": (np.uint16, 0),
    "icmp_type": (np.uint8, 0),
    "icmp_code": (np.uint8, 0),
    "inner_dst": (np.uint32, 0),
    "inner_protocol": (np.uint8, TCP),
    "inner_sport": (np.uint16, 0),
    "inner_dport": (np.uint16, 0),
    "inner_id": (np.uint16, 0),
    "cause": (np.uint8, 0),
    "actor": (np.uint32, 0),
    "country": (np.int16, -1),
}
"""column -> (type, value where an actor says nothing). time: µs since 1970. extra: which TCP options or payload (`_wire`).
pad: zero bytes after it.
inner_*: the packet that an ICMP error quotes, whose source is `dst`. actor: who of the cause. country: its place in
`COUNTRIES`, -1 where nobody knows it (forged sources)."""


def together(parts: Sequence[Columns]) -> Batch:
    """Parts -> one batch in the order of time; equal times keep the parts' order."""
    sizes = [len(p["time"]) for p in parts]
    ends = np.cumsum(sizes, dtype=np.int64)
    out: Batch = {}
    order: I64 | None = None
    for name, (kind, default) in FIELDS.items():
        column = np.empty(int(ends[-1]) if sizes else 0, dtype=kind)
        for part, end, size in zip(parts, ends, sizes, strict=True):
            # numbers are cut to the field's width, as a sender's registers cut them
            value = part.get(name, default)
            column[end - size : end] = value.astype(kind) if isinstance(value, np.ndarray) else value
        if order is None:
            order = np.argsort(column, kind="stable")
        out[name] = column[order]
    return out


def chosen(batch: Columns, rows: npt.NDArray[Any]) -> dict[str, Any]:
    """Some rows (mask or numbers) of columns."""
    return {name: value[rows] if isinstance(value, np.ndarray) else value for name, value in batch.items()}


def below(values: npt.NDArray[Any], salt: int, top: int, bottom: int = 0) -> I64:
    """bottom <= x < top, the same for equal values and salt."""
    return ((mixed(values, salt) >> np.uint64(11)) % np.uint64(top - bottom)).astype(np.int64) + bottom


def unit(values: npt.NDArray[Any], salt: int) -> npt.NDArray[np.float64]:
    """0 <= x < 1, the same for equal values and salt."""
    out: npt.NDArray[np.float64] = (mixed(values, salt) >> np.uint64(11)).astype(np.float64) / 2**53
    return out
