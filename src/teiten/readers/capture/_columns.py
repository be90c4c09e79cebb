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

_NARROW: Final[dict[str, tuple[int, int]]] = {  # width in bits, column
    "protocol": (16, k.PROTOCOL), "src_port": (32, k.SPT), "dst_port": (32, k.DPT), "icmp_type": (16, k.TYPE),
    "icmp_code": (16, k.CODE), "ttl": (16, k.TTL), "ip_id": (32, k.ID), "ip_len": (32, k.LEN), "tcp_flags": (16, k.FLAGS),
    "tcp_seq": (64, k.SEQ), "tcp_ack": (64, k.ACK), "tcp_window": (32, k.WINDOW), "tcp_opt_len": (16, k.OPT_LEN),
    "ip_flags": (16, k.IP_FLAGS), "frag_offset": (32, k.FRAG), "payload_len": (32, k.PAYLOAD), "time": (64, k.TIME),
}  # fmt: skip
_ADDRESSES: Final = {"src_ip": (k.SRC, k.SRC_HIGH), "dst_ip": (k.DST, k.DST_HIGH)}
_QUOTED: Final = {"inner_protocol": k.IN_PROTOCOL, "inner_src_port": k.IN_SPT, "inner_dst_port": k.IN_DPT}
_QUOTED_ADDRESSES: Final = {"inner_src_ip": k.IN_SRC_HIGH, "inner_dst_ip": k.IN_DST_HIGH}
_NOTHING: Final = Plain("constant")


@dataclass(slots=True)
class Columns:
    """Events (`_base.Rows`), n of them.

    c16, c32, c64   (columns, n) as the kernel made them (`_packet`); IPv6's columns mean something where FAMILY is 6
    six             how many are IPv6
    quotes          (WIDTH_QUOTED, m) int64: the packets quoted in m of them
    positions       (n) byte offsets in the input
    received        which of them have the input's time, for want of their own; None: none
    interfaces      a place in `names` each, or None
    payload         starts, lengths and bytes of what was kept of the payload; None where none was asked for
    """

    c16: npt.NDArray[np.int16]
    c32: npt.NDArray[np.int32]
    c64: Ints
    six: int
    quotes: Ints
    positions: Ints
    received: npt.NDArray[np.bool_] | None
    interfaces: Ints | None
    names: tuple[str, ...]
    sensor: str
    source_id: int
    payload: tuple[Ints, Ints, npt.NDArray[np.uint8]] | None = None

    def __len__(self) -> int:
        return int(self.c16.shape[1])

    def narrow(self, name: str) -> Plain:
        """As `column`, but numbers have the column's own width, and are not copied; where every address is IPv4, `numbers`
        (the families) is None and `low` of dtype '>u4': its bytes are the packed addresses."""
        if name in _NARROW:
            width, which = _NARROW[name]
            numbers: Any = self.c16[which] if width == 16 else self.c32[which] if width == 32 else self.c64[which]
            return Plain("numbers", numbers=numbers)
        if name in _ADDRESSES and not self.six:
            packed: Any = self.c32[_ADDRESSES[name][0]].view(">u4")
            return Plain("addresses", low=packed)
        return self.column(name)

    def column(self, name: str) -> Plain:
        """One of `event.READ_COLUMNS`."""
        if name in _NARROW:
            numbers = self.narrow(name).numbers
            assert numbers is not None
            return Plain("numbers", numbers=numbers.astype(np.int64, copy=False))
        if name in _ADDRESSES:
            return self._addresses(*_ADDRESSES[name])
        if name in _QUOTED or name in _QUOTED_ADDRESSES:
            return self._quoted(name)
        if name == "source_pos":
            return Plain("numbers", numbers=self.positions)
        if name == "payload" and self.payload is not None:
            return _bytes(*self.payload)
        if name == "time_basis" and self.received is not None:
            return Plain("texts", numbers=np.where(self.received, 3, 0).astype(np.int64), texts=event.TIME_BASES)
        if name == "interface" and self.interfaces is not None:
            return Plain("texts", numbers=self.interfaces, texts=self.names)
        constants: dict[str, Any] = {
            "sensor": self.sensor, "packets": 1, "source_id": self.source_id, "time_basis": event.TIME_BASES[0],
        }  # fmt: skip
        return Plain("constant", constants.get(name))

    def _addresses(self, short: int, high: int) -> Plain:
        four = self.c32[short].view(">u4").astype(np.int64)
        if not self.six:
            return Plain("addresses", numbers=np.full(len(self), 4), high=np.zeros(len(self), np.int64), low=four)
        families = self.c16[k.FAMILY].astype(np.int64)
        six = families == 6
        return Plain(
            "addresses",
            numbers=families,
            high=np.where(six, self.c64[high], 0),
            low=np.where(six, self.c64[high + 1], four),
        )

    def _quoted(self, name: str) -> Plain:
        rows = self.quotes[k.ROW]
        if not len(rows):
            return _NOTHING

        def spread(which: int, nothing: int) -> Ints:
            out = np.full(len(self), nothing, np.int64)
            out[rows] = self.quotes[which]
            return out

        if name in _QUOTED:
            return Plain("numbers", numbers=spread(_QUOTED[name], -1))
        high = _QUOTED_ADDRESSES[name]
        return Plain("addresses", numbers=spread(k.IN_FAMILY, 0), high=spread(high, 0), low=spread(high + 1, 0))

    def frame(self) -> pl.DataFrame:
        """The events as a frame of `frame.READ_SCHEMA`."""
        from teiten.readers import _frames

        return _frames.frame(self)


def _bytes(starts: Ints, lengths: Ints, data: npt.NDArray[np.uint8]) -> Plain:
    return Plain("bytes", numbers=starts, high=lengths, data=data)
