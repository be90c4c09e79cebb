"""What the kernel made of the packets, column by column: rows of integers, and which of them is which column of an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from teiten import event
from teiten.readers._base import Plain
from teiten.readers.capture import _packet as k

if TYPE_CHECKING:
    import polars as pl

Ints = npt.NDArray[np.int64]

_NUMBERS: Final[dict[str, int]] = {
    "protocol": k.PROTOCOL, "src_port": k.SPT, "dst_port": k.DPT, "icmp_type": k.TYPE, "icmp_code": k.CODE, "ttl": k.TTL,
    "ip_id": k.ID, "ip_len": k.LEN, "tcp_flags": k.FLAGS, "tcp_seq": k.SEQ, "tcp_ack": k.ACK, "tcp_window": k.WINDOW,
    "tcp_opt_len": k.OPT_LEN, "ip_flags": k.IP_FLAGS, "frag_offset": k.FRAG, "payload_len": k.PAYLOAD,
    "inner_protocol": k.IN_PROTOCOL, "inner_src_port": k.IN_SPT, "inner_dst_port": k.IN_DPT,
}  # fmt: skip
_ADDRESSES: Final[dict[str, tuple[int, int]]] = {  # the family; the upper half, which the lower follows
    "src_ip": (k.FAMILY, k.SRC_HIGH), "dst_ip": (k.FAMILY, k.DST_HIGH),
    "inner_src_ip": (k.IN_FAMILY, k.IN_SRC_HIGH), "inner_dst_ip": (k.IN_FAMILY, k.IN_DST_HIGH),
}  # fmt: skip
_NOTHING: Final = Plain("constant")


@dataclass(slots=True)
class Columns:
    """Events (`_base.Rows`). `rows` (WIDTH, n) as the kernel made them; `times` microseconds UTC; `received`: which of them
    are the input's, for want of their own; `interfaces`: a place in `names` each, or None."""

    rows: Ints
    times: Ints
    positions: Ints
    received: npt.NDArray[np.bool_] | None
    interfaces: Ints | None
    names: tuple[str, ...]
    sensor: str
    source_id: int

    def __len__(self) -> int:
        return int(self.rows.shape[1])

    def column(self, name: str) -> Plain:
        """One of `event.READ_COLUMNS`."""
        if name in _NUMBERS:
            values = self.rows[_NUMBERS[name]]
            if _NUMBERS[name] >= k.FIRST_INNER:
                return Plain("numbers", numbers=values - 1) if values.any() else _NOTHING
            return Plain("numbers", numbers=values)
        if name in _ADDRESSES:
            family, high = _ADDRESSES[name]
            if family >= k.FIRST_INNER and not self.rows[family].any():
                return _NOTHING
            return Plain("addresses", numbers=self.rows[family], high=self.rows[high], low=self.rows[high + 1])
        if name == "time":
            return Plain("numbers", numbers=self.times)
        if name == "source_pos":
            return Plain("numbers", numbers=self.positions)
        if name == "time_basis" and self.received is not None:
            return Plain("texts", numbers=np.where(self.received, 3, 0).astype(np.int64), texts=event.TIME_BASES)
        if name == "interface" and self.interfaces is not None:
            return Plain("texts", numbers=self.interfaces, texts=self.names)
        constants: dict[str, Any] = {
            "sensor": self.sensor, "packets": 1, "source_id": self.source_id, "time_basis": event.TIME_BASES[0],
        }  # fmt: skip
        return Plain("constant", constants.get(name))

    def frame(self) -> pl.DataFrame:
        """The events as a frame of `frame.READ_SCHEMA`."""
        from teiten.readers import _frames

        return _frames.frame(self)
