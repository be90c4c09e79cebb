"""Marks of a reader's rows by a kernel, in one pass: the rules of `teiten.marks`, for columns that are no frame yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from teiten import event, marks
from teiten.readers._base import Plain, Rows
from teiten.readers._jit import entry, get, put, view
from teiten.readers._rows import integers

if TYPE_CHECKING:
    import polars as pl

_ICMP, _TCP, _UDP, _ICMPV6 = marks.ICMP, marks.TCP, marks.UDP, marks.ICMPV6
_RST, _SYN, _SYN_ACK = marks.RST, marks.SYN, marks.SYN_ACK
_SYN_OF_THREE: Final = _RST | _SYN_ACK
_ABOVE, _ZMAP, _ECHO, _DNS = marks.MIRAI_PORTS_ABOVE, marks.ZMAP_ID, marks.ECHO_REQUEST, marks.DNS
_ANSWERS: Final = sum(1 << n for n in marks.ANSWERS)
_LAST_ERROR, _REPLY = marks.ANSWERS_V6[-2:]
_KINDS = {name: place for place, name in enumerate(event.KINDS)}
_IS_SYN, _IS_TCP, _IS_UDP, _IS_ICMP, _IS_ANSWER, _IS_OTHER = (
    _KINDS[name] for name in ("syn", "tcp", "udp", "icmp", "backscatter", "other")
)
_NEEDED: Final = ("protocol", "src_port", "dst_port", "icmp_type", "ip_id", "tcp_flags", "tcp_seq")


@entry
def mark(
    protocols: Any, sources: Any, ports: Any, types: Any, ids: Any, flags: Any, numbers: Any, families: Any, low: Any, n: int,
    mirai: Any, masscan: Any, zmap: Any, kinds: Any,
) -> int:  # fmt: skip
    """n rows, -1 for null; `low`: an IPv4 destination. Fills the marks (0, 1, or -1 for null) and places in event.KINDS. n.

    A SYN of which all is known, as most are, comes first. For the rest choices, no branches: which packets have a mark cannot
    be guessed, and a wrong guess costs more than all of this.
    """
    for i in range(n):
        protocol = int(get(protocols, i))
        flag = int(get(flags, i))
        icmp = int(get(types, i))
        ip_id = int(get(ids, i))
        seq = int(get(numbers, i))
        source = int(get(sources, i))
        port = int(get(ports, i))
        destination = int(get(low, i))
        is_v4 = 1 if get(families, i) == 4 else 0
        if protocol == _TCP and flag & _SYN_OF_THREE == _SYN and is_v4 == 1 and ip_id | seq | source | port | flag >= 0:
            put(mirai, i, (1 if seq == destination else 0) & (1 if source > _ABOVE else 0))
            put(masscan, i, 1 if ip_id == (destination ^ port ^ seq) & 0xFFFF else 0)
            put(zmap, i, 1 if ip_id == _ZMAP else 0)
            put(kinds, i, _IS_SYN)
            continue
        is_tcp = 1 if protocol == _TCP else 0
        is_udp = 1 if protocol == _UDP else 0
        is_icmp = 1 if protocol == _ICMP else 0
        is_six = 1 if protocol == _ICMPV6 else 0
        # 1 where it is null
        no_protocol, no_flag, no_icmp, no_id = protocol >> 63 & 1, flag >> 63 & 1, icmp >> 63 & 1, ip_id >> 63 & 1
        no_seq, no_source, no_port = seq >> 63 & 1, source >> 63 & 1, port >> 63 & 1
        syn_bits = 1 if flag & _SYN_ACK == _SYN else 0

        # what may hold for all that is known; it does hold where nothing that it needs is null
        syn = (is_tcp | no_protocol) & (no_flag | syn_bits) & is_v4
        null = no_protocol | no_flag | no_seq
        same = 1 if seq == destination else 0
        high = 1 if source > _ABOVE else 0
        put(mirai, i, (syn & (no_source | high) & (no_seq | same)) * (1 - 2 * (null | no_source)))
        same = 1 if ip_id == (destination ^ port ^ seq) & 0xFFFF else 0
        put(masscan, i, (syn & (no_seq | no_id | no_port | same)) * (1 - 2 * (null | no_id | no_port)))
        echo = 1 if icmp == _ECHO else 0
        marked = 1 if ip_id == _ZMAP else 0
        sure = (is_tcp & syn_bits & (1 - no_flag) | is_udp | is_icmp & echo) & is_v4 & marked
        may = (syn | is_udp | no_protocol | is_icmp & (echo | no_icmp)) & is_v4 & (marked | no_id)
        put(zmap, i, 2 * sure - may)

        answers = 1 if flag & _RST != 0 else 1 if flag & _SYN_ACK == _SYN_ACK else 0
        of_tcp = -1 if no_flag else _IS_ANSWER if answers else _IS_SYN if syn_bits else _IS_TCP
        of_udp = _IS_ANSWER if source == _DNS else _IS_UDP
        listed = _ANSWERS >> (icmp & 31) & 1 if icmp < 32 else 0
        listed_six = (1 if icmp > 0 else 0) & (1 if icmp <= _LAST_ERROR else 0) | (1 if icmp == _REPLY else 0)
        listed = is_icmp & (1 - no_icmp) & listed | is_six & listed_six
        of_icmp = _IS_ANSWER if listed else _IS_ICMP
        kind = of_icmp if is_icmp | is_six else _IS_OTHER
        kind = of_udp if is_udp else kind
        kind = of_tcp if is_tcp else kind
        put(kinds, i, -1 if no_protocol else kind)
    return n


def columns(rows: Rows) -> dict[str, Plain]:
    """The columns of `event.MARKS`: numbers 0, 1 and -1 for null; `kind` as texts."""
    n = len(rows)
    given = [np.ascontiguousarray(integers(rows.column(name), n)) for name in _NEEDED]
    destination = rows.column("dst_ip")
    assert destination.numbers is not None and destination.low is not None
    given += [np.ascontiguousarray(destination.numbers), np.ascontiguousarray(destination.low)]
    made = np.empty((4, n), np.int64)
    arguments: list[Any] = [*map(view, given), n, *map(view, made)]
    mark(*arguments)
    packets = rows.column("packets")
    if packets.kind != "constant" or (
        isinstance(packets.value, int) and packets.value > 1
    ):  # flows: the flags of several packets together, as `marks.columns` says
        flags = given[_NEEDED.index("tcp_flags")]
        tcp = (given[0] == _TCP) & (integers(packets, n) > 1) & (flags > 0)
        mixed = tcp & (flags & _SYN != 0) & (flags & _SYN_OF_THREE != _SYN) & (flags != _SYN_ACK)
        made[3][mixed] = -1
    out = {name: Plain("numbers", numbers=made[i]) for i, name in enumerate(event.MARKS[:3])}
    return {**out, "kind": Plain("texts", numbers=made[3], texts=event.KINDS)}


@dataclass(slots=True)
class Marked:
    """A reader's rows that answer the marks too (made when the first is asked for)."""

    rows: Rows
    _made: dict[str, Plain] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> Plain:
        """One of `event.DECODED_COLUMNS`."""
        if name not in event.MARKS:
            return self.rows.column(name)
        if not self._made:
            self._made = columns(self.rows)
        return self._made[name]

    def frame(self) -> pl.DataFrame:
        """The events as a frame of `frame.DECODED_SCHEMA`."""
        from teiten.readers import _frames

        return _frames.frame(self, event.DECODED_COLUMNS)
