"""Rows of the kernel become a polars frame of `frame.READ_SCHEMA`, by way of Arrow buffers."""

from __future__ import annotations

from typing import Any, Final

import nanoarrow as na
import numpy as np
import numpy.typing as npt
import polars as pl

from teiten import event
from teiten.frame import READ_SCHEMA
from teiten.readers._jit import jit
from teiten.readers.capture import _packet as k

Matrix = npt.NDArray[Any]

_MATRIX: Final[dict[str, tuple[str, int]]] = {
    "protocol": ("narrow", k.PROTOCOL), "src_port": ("middle", k.SPT), "dst_port": ("middle", k.DPT),
    "icmp_type": ("narrow", k.TYPE), "icmp_code": ("narrow", k.CODE), "ttl": ("narrow", k.TTL), "ip_id": ("middle", k.ID),
    "ip_len": ("middle", k.LEN), "tcp_flags": ("narrow", k.FLAGS), "tcp_seq": ("wide", k.SEQ), "tcp_ack": ("wide", k.ACK),
    "tcp_window": ("middle", k.WINDOW), "tcp_opt_len": ("narrow", k.OPT_LEN), "ip_flags": ("narrow", k.IP_FLAGS),
    "frag_offset": ("middle", k.FRAG), "payload_len": ("middle", k.PAYLOAD), "inner_protocol": ("narrow", k.IN_PROTOCOL),
    "inner_src_port": ("middle", k.IN_SPT), "inner_dst_port": ("middle", k.IN_DPT),
}  # fmt: skip
_ADDRESSES: Final[dict[str, tuple[int, int]]] = {
    "src_ip": (k.FAMILY, k.SRC), "dst_ip": (k.FAMILY, k.DST),
    "inner_src_ip": (k.IN_FAMILY, k.IN_SRC), "inner_dst_ip": (k.IN_FAMILY, k.IN_DST),
}  # fmt: skip
_ARROW: Final = {"int16": na.int16(), "int32": na.int32(), "int64": na.int64()}
_BASES: Final = pl.Series(event.TIME_BASES, dtype=pl.String)


class Rows:
    """Columns of n rows for the kernel to fill."""

    def __init__(self, n: int) -> None:
        self.words = np.empty((k.WORDS, n), np.uint32)
        self.wide = np.empty((k.WIDE, n), np.int64)
        self.middle = np.empty((k.MIDDLE, n), np.int32)
        self.narrow = np.empty((k.NARROW, n), np.int16)

    def only(self, chosen: npt.NDArray[np.bool_]) -> Rows:
        """The rows where `chosen`."""
        rows = object.__new__(Rows)
        for name in ("words", "wide", "middle", "narrow"):
            setattr(rows, name, np.ascontiguousarray(getattr(self, name)[:, chosen]))
        return rows


def _series(name: str, kind: Any, n: int, buffers: list[Any]) -> pl.Series:
    return pl.Series(na.c_array_from_buffers(kind, n, buffers, null_count=0 if buffers[0] is None else -1)).alias(name)


def constant(name: str, value: Any, n: int) -> pl.Series:
    return pl.Series(name, [value], dtype=READ_SCHEMA[name]).new_from_index(0, n)


def _integers(name: str, values: Matrix, kind: str) -> pl.Series:
    valid = values >= 0
    if valid.all():
        return _series(name, _ARROW[kind], len(values), [None, values])
    if not valid.any():
        return constant(name, None, len(values))
    return _series(name, _ARROW[kind], len(values), [np.packbits(valid, bitorder="little"), values])


@jit
def _pack(families: Any, words: Any, first: int, offsets: Any, data: Any) -> None:
    """Addresses of both families into one buffer of bytes."""
    p = 0
    for i in range(len(families)):
        offsets[i] = p
        many = 0
        if families[i] == 4:
            many = 1
        elif families[i] == 6:
            many = 4
        for j in range(many):
            word = words[first + j, i]
            for b in range(4):
                data[p] = (word >> np.uint32(24 - 8 * b)) & np.uint32(255)
                p += 1
    offsets[len(families)] = p


def _addresses(name: str, families: Matrix, words: Matrix, first: int) -> pl.Series:
    n = len(families)
    four, six = int((families == 4).sum()), int((families == 6).sum())
    if four == n:
        offsets: npt.NDArray[np.int32] = np.arange(0, 4 * n + 4, 4, dtype=np.int32)
        return _series(name, na.binary(), n, [None, offsets, words[first].astype(">u4").view(np.uint8)])
    if four + six == 0:
        return constant(name, None, n)
    offsets, data = np.empty(n + 1, np.int32), np.empty(4 * four + 16 * six, np.uint8)
    _pack(families, words, first, offsets, data)
    bitmap = None if four + six == n else np.packbits(families > 0, bitorder="little")
    return _series(name, na.binary(), n, [bitmap, offsets, data])


def frame(
    rows: Rows, times: Matrix, received: Matrix | None, names: pl.Series | None, sensor: str, source_id: int, positions: Matrix
) -> pl.DataFrame:
    """Events. times: microseconds UTC; received: which have the time of the input, not their own; names: of interfaces."""
    n = len(times)
    if n == 0:
        return pl.DataFrame(schema=READ_SCHEMA)
    made: dict[str, pl.Series] = {
        "time": _series("time", na.timestamp("us", timezone="UTC"), n, [None, np.ascontiguousarray(times)]),
        "sensor": constant("sensor", sensor, n),
        "packets": constant("packets", 1, n),
        "source_id": constant("source_id", source_id, n),
        "source_pos": _series("source_pos", na.int64(), n, [None, np.ascontiguousarray(positions)]),
        "time_basis": constant("time_basis", event.TIME_BASES[0], n)
        if received is None
        else _BASES.gather(pl.Series(np.where(received, 3, 0).astype(np.uint32))).alias("time_basis"),
    }
    if names is not None:
        made["interface"] = names.alias("interface")
    for column in event.READ_COLUMNS:
        name = column.name
        if name in _MATRIX:
            matrix, row = _MATRIX[name]
            made[name] = _integers(name, getattr(rows, matrix)[row], column.kind)
        elif name in _ADDRESSES:
            family, first = _ADDRESSES[name]
            made[name] = _addresses(name, rows.narrow[family], rows.words, first)
        elif name not in made:
            made[name] = constant(name, None, n)
    return pl.DataFrame([made[c.name] for c in event.READ_COLUMNS])
