"""A sensor's packets as a capture, beside the log of the same packets, with the truth of each."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from teiten.simulate._shapes import ICMP, TCP, UDP, near
from teiten.simulate.dark._batch import Batch, together
from teiten.simulate.dark._tools import UDP_PAYLOADS
from teiten.simulate.dark._wire import (
    HEADER,
    IP,
    LENGTHS,
    MSS,
    NONE,
    OLD_WINDOWS,
    PING,
    QUOTE_8,
    QUOTE_WHOLE,
    STILL,
    WINDOWS,
    lengths,
    records,
)

_OPTIONS: Final = np.array([NONE, MSS, WINDOWS, OLD_WINDOWS, STILL])
"""place in `_shapes.OPTIONS` -> place in `_wire.EXTRAS`"""


def batch_of(filled: pl.DataFrame) -> Batch:
    """Packets of `_shapes.fill`, in the order of time -> the columns that go on the wire."""
    f = {name: filled[name].to_numpy() for name in filled.columns if name not in ("label", "country", "shape")}
    protocol, kind = f["protocol"], f["icmp_type"]
    echo = (protocol == ICMP) & (kind == 8)
    extra = np.where(protocol == TCP, _OPTIONS[f["options"]], NONE)
    for port, payload in UDP_PAYLOADS.items():
        fits = (protocol == UDP) & (f["dpt"] == port) & (f["payload"] >= LENGTHS[payload])
        extra[fits] = payload
    extra[echo] = PING
    extra[(protocol == ICMP) & ~echo] = np.where(kind[(protocol == ICMP) & ~echo] == 11, QUOTE_8, QUOTE_WHOLE)
    columns = {
        name: f[own]
        for name, own in (
            ("time", "time"), ("src", "src"), ("dst", "dst"), ("protocol", "protocol"), ("ttl", "ttl"), ("ip_id", "id"),
            ("df", "df"), ("tos", "tos"), ("dport", "dpt"), ("ack", "ack"), ("window", "window"), ("flags", "flags"),
            ("icmp_type", "icmp_type"), ("icmp_code", "icmp_code"), ("inner_sport", "inner_spt"), ("inner_dport", "inner_dpt"),
        )
    }  # fmt: skip
    columns |= {
        "sport": np.where(echo, f["icmp_id"], f["spt"]),
        "seq": np.where(echo, f["icmp_seq"], f["seq"]),
        "extra": extra,
        "inner_dst": near(f["src"].astype(np.int64)),
        "inner_id": f["seq"] % 65536,
    }
    batch = together([columns])
    # what is left of the length that the log tells is padding
    batch["pad"] = (f["len"] - lengths(batch)).astype(np.uint16)
    return batch


def save(path: Path, filled: pl.DataFrame, mac: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Writes the capture; (n) the byte at which each packet's record begins. `mac`: the Ethernet header as a log says it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    batch = batch_of(filled)
    with path.open("wb") as file:
        file.write(HEADER)
        for piece in records(batch, bytes.fromhex(mac.replace(":", ""))[:12]):
            file.write(piece)
    sizes = lengths(batch) + IP
    return np.asarray(len(HEADER) + np.cumsum(sizes) - sizes, dtype=np.int64)


def save_truth(path: Path, columns: dict[str, pl.Series | np.ndarray[tuple[int], np.dtype[np.int64]]]) -> None:
    """A row for each packet: source_pos in the capture, log_pos in the log where there is one, cause."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # by way of memory: polars' own errors of a full disk are not OSErrors
    plain = io.BytesIO()
    pl.DataFrame(columns).write_parquet(plain, compression="zstd", compression_level=3)
    path.write_bytes(plain.getbuffer())
