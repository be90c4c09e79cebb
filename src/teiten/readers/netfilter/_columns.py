"""Rows of integers become a polars frame of `frame.READ_SCHEMA`, by way of Arrow buffers (no copy per value)."""

from __future__ import annotations

from typing import Any, Final

import nanoarrow as na
import numpy as np
import numpy.typing as npt
import polars as pl

from teiten import event
from teiten.frame import READ_SCHEMA
from teiten.readers._jit import jit
from teiten.readers.netfilter import _codes as k

Ints = npt.NDArray[np.int64]

_ARROW: Final[dict[str, tuple[Any, Any]]] = {
    "int16": (na.int16(), np.int16),
    "int32": (na.int32(), np.int32),
    "int64": (na.int64(), np.int64),
}
_PLACES: Final[dict[str, int]] = {
    "protocol": k.PROTOCOL, "src_port": k.SPT, "dst_port": k.DPT, "icmp_type": k.TYPE, "icmp_code": k.CODE, "ttl": k.TTL,
    "ip_id": k.ID, "ip_len": k.LEN, "tcp_flags": k.FLAGS, "tcp_seq": k.SEQ, "tcp_ack": k.ACK, "tcp_window": k.WINDOW,
    "tcp_opt_len": k.OPT_LEN, "ip_flags": k.IP_FLAGS, "frag_offset": k.FRAG, "payload_len": k.PAYLOAD,
    "inner_protocol": k.IN_PROTOCOL, "inner_src_port": k.IN_SPT, "inner_dst_port": k.IN_DPT,
}  # fmt: skip
_ADDRESSES: Final[dict[str, tuple[int, int]]] = {  # family, upper half; the lower half is next
    "src_ip": (k.FAMILY, k.SRC_HI), "dst_ip": (k.FAMILY, k.DST_HI),
    "inner_src_ip": (k.IN_SRC_FAMILY, k.IN_SRC_HI), "inner_dst_ip": (k.IN_DST_FAMILY, k.IN_DST_HI),
}  # fmt: skip
_BASES: Final = pl.Series(event.TIME_BASES, dtype=pl.String)
_ACTIONS: Final = pl.Series([*event.ACTIONS, None], dtype=pl.String)


def _bitmap(valid: npt.NDArray[np.bool_]) -> Any:
    return None if valid.all() else np.packbits(valid, bitorder="little")


def _arrow(name: str, kind: Any, n: int, buffers: list[Any]) -> pl.Series:
    return pl.Series(na.c_array_from_buffers(kind, n, buffers, null_count=0 if buffers[0] is None else -1)).alias(name)


def integers(name: str, values: Ints, kind: str) -> pl.Series:
    """A column; -1 is null."""
    arrow, dtype = _ARROW[kind]
    valid = values >= 0
    if not valid.any():
        return pl.Series(name, [None], dtype=READ_SCHEMA[name]).new_from_index(0, len(values))
    return _arrow(name, arrow, len(values), [_bitmap(valid), np.ascontiguousarray(values, dtype=dtype)])


@jit
def _pack(families: Any, hi: Any, lo: Any, offsets: Any, data: Any) -> None:
    """Addresses of both families into one buffer of bytes."""
    at = 0
    for i in range(len(families)):
        offsets[i] = at
        family = int(families[i])
        if family == 4:
            for j in range(4):
                data[at + j] = (int(lo[i]) >> (24 - 8 * j)) & 255
            at += 4
        elif family == 6:
            for j in range(8):
                data[at + j] = (int(hi[i]) >> (56 - 8 * j)) & 255
                data[at + 8 + j] = (int(lo[i]) >> (56 - 8 * j)) & 255
            at += 16
    offsets[len(families)] = at


def addresses(name: str, families: Ints, hi: Ints, lo: Ints) -> pl.Series:
    """A binary column of 4 or 16 bytes; a family of neither 4 nor 6 is null."""
    n = len(families)
    valid = families > 0
    if not valid.any():
        return pl.Series(name, [None], dtype=pl.Binary).new_from_index(0, n)
    if (families == 4).all():
        offsets: npt.NDArray[np.int32] = np.arange(0, 4 * n + 4, 4, dtype=np.int32)
        return _arrow(name, na.binary(), n, [None, offsets, lo.astype(">u4").view(np.uint8)])
    offsets = np.empty(n + 1, np.int32)
    data = np.empty(int(4 * (families == 4).sum() + 16 * (families == 6).sum()), np.uint8)
    _pack(families, np.ascontiguousarray(hi), np.ascontiguousarray(lo), offsets, data)
    return _arrow(name, na.binary(), n, [_bitmap(valid), offsets, data])


def texts(name: str, lookup: pl.Series, numbers: Ints) -> pl.Series:
    """A column of few distinct texts: `lookup` by number."""
    return lookup.gather(pl.Series(numbers.astype(np.uint32))).alias(name)


def constant(name: str, value: Any, n: int) -> pl.Series:
    return pl.Series(name, [value], dtype=READ_SCHEMA[name]).new_from_index(0, n)


def frame(
    rows: Ints, times: Ints, basis: Any, interfaces: list[str], sensor: str, source_id: int, positions: Ints
) -> pl.DataFrame:
    """Events. `rows` (n, WIDTH) as the kernel made them; `times` microseconds UTC; `basis` an index into
    event.TIME_BASES, or one a row; `positions` bytes in the input."""
    n = len(rows)
    if n == 0:
        return pl.DataFrame(schema=READ_SCHEMA)
    names = pl.Series([*interfaces, None], dtype=pl.String)
    iface = rows[:, k.IFACE]
    made: dict[str, pl.Series] = {
        "time": _arrow("time", na.timestamp("us", timezone="UTC"), n, [None, np.ascontiguousarray(times)]),
        "sensor": constant("sensor", sensor, n),
        "packets": constant("packets", 1, n),
        "source_id": constant("source_id", source_id, n),
        "source_pos": _arrow("source_pos", na.int64(), n, [None, np.ascontiguousarray(positions)]),
        "time_basis": constant("time_basis", event.TIME_BASES[basis], n)
        if isinstance(basis, int)
        else texts("time_basis", _BASES, basis),
        "action": texts("action", _ACTIONS, rows[:, k.ACTION]),
        "interface": texts("interface", names, np.where(iface < 0, len(interfaces), iface)),
    }
    for column in event.READ_COLUMNS:
        name = column.name
        if name in _PLACES:
            made[name] = integers(name, rows[:, _PLACES[name]], column.kind)
        elif name in _ADDRESSES:
            family, hi = _ADDRESSES[name]
            made[name] = addresses(name, rows[:, family], rows[:, hi], rows[:, hi + 1])
        elif name not in made:
            made[name] = constant(name, None, n)
    return pl.DataFrame([made[c.name] for c in event.READ_COLUMNS])
