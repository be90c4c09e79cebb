"""Records' fields as columns of events: what a FlowTuple knows of its packets, and what its zeros mean.

A FlowTuple's integers know no null. A TTL, a length, flags of 0 are what is not known; a port of 0 is one where the other port
is another number, and none where both are 0 (a later fragment). Of version 4, what all packets have in common is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from teiten import event
from teiten.readers._base import Plain
from teiten.readers.flowtuple import _codes as k

if TYPE_CHECKING:
    import polars as pl

Ints = npt.NDArray[np.int64]

_ICMP: Final = 1
_TCP: Final = 6
_PORTED: Final = (6, 17, 33, 132, 136)
"""TCP, UDP, DCCP, SCTP, UDP-Lite"""
_SYN: Final = 2
_HEADER: Final = 20
_ONE_OF: Final = {k.LEN: k.SIZES, k.TTL: k.TTLS, k.SPT: k.SPORTS, k.FLAGS: k.FLAG_SETS}
_NULL: Final = -1


@dataclass(slots=True)
class Columns:
    """Events (`_base.Rows`), n of them. raw: (k.COLUMNS, n) as the kernel made them; positions: places in the input."""

    raw: Ints
    positions: Ints
    version: int
    sensor: str
    source_id: int

    def __len__(self) -> int:
        return int(self.raw.shape[1])

    def column(self, name: str) -> Plain:
        """One of `event.READ_COLUMNS`."""
        if name in ("src_ip", "dst_ip"):
            low = self.raw[k.SRC if name == "src_ip" else k.DST]
            return Plain("addresses", numbers=np.full(len(self), 4), high=np.zeros(len(self), np.int64), low=low)
        numbers = self._numbers(name)
        if numbers is not None:
            return Plain("numbers", numbers=numbers)
        constants: dict[str, Any] = {"sensor": self.sensor, "source_id": self.source_id, "time_basis": event.TIME_BASES[0]}
        return Plain("constant", constants.get(name))

    def _numbers(self, name: str) -> Ints | None:
        """A column of whole numbers, -1 for null; None for what a FlowTuple does not have."""
        raw = self.raw
        protocol: Ints = raw[k.PROTOCOL]
        match name:
            case "time":
                times: Ints = raw[k.TIME] * 1_000_000
                return times
            case "source_pos":
                return self.positions
            case "protocol":
                return protocol
            case "packets":
                packets: Ints = raw[k.PACKETS]
                return packets
            case "ttl":
                return _known(self._value(k.TTL))
            case "ip_len":
                return _known(self._value(k.LEN))
            case "bytes":
                length = _known(self._value(k.LEN))
                return np.where(length > 0, length * raw[k.PACKETS], _NULL)
            case "tcp_flags":
                return np.where(protocol == _TCP, _known(self._value(k.FLAGS)), _NULL)
            case "icmp_type" | "icmp_code":
                return np.where(protocol == _ICMP, self._icmp()[name == "icmp_code"], _NULL)
            case "src_port" | "dst_port":
                return self._port(name == "dst_port")
            case "tcp_window" | "tcp_opt_len":
                return self._syn(name == "tcp_window")
        return None

    def _value(self, column: int) -> Ints:
        """What all packets of a record have there; -1 where that is not said, or not the same."""
        value: Ints = self.raw[column]
        return value if self.version == 3 else np.where(self.raw[_ONE_OF[column]] == 1, value, _NULL)

    def _icmp(self) -> tuple[Ints, Ints]:
        """Type and code: in version 3 in place of the ports, in version 4 both in the destination's."""
        port = self.raw[k.DPT]
        if self.version == 4:
            return port >> 8, port & 255
        source = self.raw[k.SPT]
        sound = (source < 256) & (port < 256)
        return np.where(sound, source, _NULL), np.where(sound, port, _NULL)

    def _port(self, destination: bool) -> Ints:
        source, port = self._value(k.SPT), self.raw[k.DPT]
        there = (port > 0) | (source > 0)
        if self.version == 4:
            there |= self.raw[k.SPORTS] > 1
        ported = np.isin(self.raw[k.PROTOCOL], _PORTED)
        return np.where(ported & there, port if destination else source, _NULL)

    def _syn(self, window: bool) -> Ints:
        """The window, or the options' length, of a bare SYN; version 4 tells them of the first one only."""
        if self.version == 4:
            return np.full(len(self), _NULL)
        length = self.raw[k.SYN_LEN]
        known = (self.raw[k.PROTOCOL] == _TCP) & (self.raw[k.FLAGS] == _SYN) & (length >= _HEADER) & (length <= 3 * _HEADER)
        return np.where(known, self.raw[k.SYN_WINDOW] if window else length - _HEADER, _NULL)

    def frame(self) -> pl.DataFrame:
        """The events as a frame of `frame.READ_SCHEMA`."""
        from teiten.readers import _frames

        return _frames.frame(self)


def _known(values: Ints) -> Ints:
    """-1 where it is 0."""
    return np.where(values > 0, values, _NULL)
