"""What the kernel made of the lines, column by column: rows of integers, and which of them is which column of an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from teiten import event
from teiten.readers._base import Plain
from teiten.readers.netfilter import _codes as k

if TYPE_CHECKING:
    import polars as pl

Ints = npt.NDArray[np.int64]

_NUMBERS: Final[dict[str, int]] = {
    "protocol": k.PROTOCOL, "src_port": k.SPT, "dst_port": k.DPT, "icmp_type": k.TYPE, "icmp_code": k.CODE, "ttl": k.TTL,
    "ip_id": k.ID, "ip_len": k.LEN, "tcp_flags": k.FLAGS, "tcp_seq": k.SEQ, "tcp_ack": k.ACK, "tcp_window": k.WINDOW,
    "tcp_opt_len": k.OPT_LEN, "ip_flags": k.IP_FLAGS, "frag_offset": k.FRAG, "payload_len": k.PAYLOAD,
    "inner_protocol": k.IN_PROTOCOL, "inner_src_port": k.IN_SPT, "inner_dst_port": k.IN_DPT,
}  # fmt: skip
_ADDRESSES: Final[dict[str, int]] = {  # the family; the halves of the source's and the destination's follow it
    "src_ip": k.SRC_HI, "dst_ip": k.DST_HI, "inner_src_ip": k.IN_SRC_HI, "inner_dst_ip": k.IN_DST_HI,
}  # fmt: skip
_FAMILIES: Final[dict[str, int]] = {"inner_src_ip": k.IN_SRC_FAMILY, "inner_dst_ip": k.IN_DST_FAMILY}
_NOTHING: Final = Plain("constant")


@dataclass(slots=True)
class Columns:
    """Events (`_base.Rows`). `rows` (n, WIDTH) as the kernel made them; `times` microseconds UTC; `basis` an index into
    event.TIME_BASES, or one a row; `positions` bytes in the input."""

    rows: Ints
    times: Ints
    positions: Ints
    basis: Any
    interfaces: list[str]
    sensor: str
    source_id: int

    def __len__(self) -> int:
        return len(self.rows)

    def _of(self, place: int) -> Ints:
        return np.ascontiguousarray(self.rows[:, place])

    def column(self, name: str) -> Plain:
        """One of `event.READ_COLUMNS`."""
        if name in _NUMBERS:
            values = self._of(_NUMBERS[name])
            if _NUMBERS[name] >= k.FIRST_INNER:
                return Plain("numbers", numbers=values - 1) if values.any() else _NOTHING
            return Plain("numbers", numbers=values)
        if name in _ADDRESSES:
            high = _ADDRESSES[name]
            families = self._of(_FAMILIES.get(name, k.FAMILY))
            if high >= k.FIRST_INNER and not families.any():
                return _NOTHING
            return Plain("addresses", numbers=families, high=self._of(high), low=self._of(high + 1))
        if name == "time":
            return Plain("numbers", numbers=self.times)
        if name == "source_pos":
            return Plain("numbers", numbers=self.positions)
        if name == "time_basis":
            if isinstance(self.basis, int):
                return Plain("constant", event.TIME_BASES[self.basis])
            return Plain("texts", numbers=self.basis.astype(np.int64), texts=event.TIME_BASES)
        if name == "action":
            return Plain("texts", numbers=self._of(k.ACTION), texts=event.ACTIONS)
        if name == "interface":
            # a netfilter line always says where the packet came in; IN= with nothing after it says that it did not
            numbers = self._of(k.IFACE)
            none = numbers < 0
            if not none.any():
                return Plain("texts", numbers=numbers, texts=tuple(self.interfaces))
            return Plain("texts", numbers=np.where(none, len(self.interfaces), numbers), texts=(*self.interfaces, ""))
        constants: dict[str, Any] = {"sensor": self.sensor, "packets": 1, "source_id": self.source_id}
        return Plain("constant", constants.get(name))

    def frame(self) -> pl.DataFrame:
        """The events as a frame of `frame.READ_SCHEMA`."""
        from teiten.readers import _frames

        return _frames.frame(self)
