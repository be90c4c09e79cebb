"""The captured packet behind an event, brought back from where it was read; it counts only where it is that event's.

`source_pos` is the byte of the packet's record in the uncompressed capture. The lake keeps no hash of a captured packet, so
what stands at that place counts where it holds an IP header with the event's two addresses.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from teiten.errors import InputError
from teiten.readers import _input, _raw
from teiten.readers.capture import _frames

if TYPE_CHECKING:
    from teiten.lake import Lake
    from teiten.settings import Reading

LOST: Final = (_raw.GONE, _raw.CHANGED, _raw.UNREADABLE, _raw.STREAM, _raw.UNKNOWN)
_LONGEST: Final = 28 + _frames.MAX_RECORD


@dataclass(frozen=True, slots=True)
class Packet:
    """Bytes from the IP header on (`why` empty), else why there are none: one of `LOST`."""

    data: bytes = b""
    why: str = ""


def packet(lake: Lake, source_id: int, source_pos: int, addresses: tuple[bytes, bytes], reading: Reading) -> Packet:
    """The packet at that place of that input; addresses: the event's source and destination, packed."""
    import polars as pl

    own = lake.batches(["batch", "source_id", "path"]).filter(pl.col("source_id") == source_id)
    if not own.height:
        return Packet(why=_raw.UNKNOWN)
    paths = [Path(p) for p in dict.fromkeys(reversed(own["path"].drop_nulls().to_list()))]
    if not paths:
        return Packet(why=_raw.STREAM)
    why = _raw.GONE
    for path in _raw.candidates(paths):
        try:
            with _raw.Window(source := _input.of(path, reading)) as window:
                found = _at(window, source.head(), source_pos, addresses)
        except InputError:
            why = _raw.UNREADABLE if path in paths and path.exists() else why
            continue
        if found:
            return Packet(found)
        why = _raw.CHANGED if why == _raw.GONE else why
    return Packet(why=why)


def _at(window: Any, head: bytes, place: int, addresses: tuple[bytes, bytes]) -> bytes:
    """What the record at that place holds from its IP header on; empty where it is not the event's."""
    layout = _frames.layout(head)
    if layout is None:
        return b""
    record = window.piece(place, _LONGEST)
    return _from_header(_body(layout, record), addresses)


def _body(layout: _frames.Layout, record: bytes) -> bytes:
    """The packet's bytes in a record, which may be followed by others."""
    if layout.kind == "pcap":
        if len(record) < layout.header:
            return b""
        length = struct.unpack_from(">I" if layout.big else "<I", record, 8)[0]
        return record[layout.header : layout.header + length]
    if layout.kind == "erf":
        return record[16 : struct.unpack_from(">H", record, 10)[0]] if len(record) >= 16 else b""
    if len(record) < 32:
        return b""
    # a file may hold sections of both orders of bytes: the one in which the block's two lengths agree is its own
    for order in (">", "<"):
        kind, total = struct.unpack_from(order + "II", record)
        if 16 <= total <= len(record) and struct.unpack_from(order + "I", record, total - 4)[0] == total:
            if kind in (2, 6) and total >= 32:
                return record[28 : 28 + min(struct.unpack_from(order + "I", record, 20)[0], total - 32)]
            if kind == 3:
                return record[12 : 12 + min(struct.unpack_from(order + "I", record, 8)[0], total - 16)]
    return b""


def _from_header(body: bytes, addresses: tuple[bytes, bytes]) -> bytes:
    """The bytes from the IP header with those two addresses on; empty where there is none."""
    pair = addresses[0] + addresses[1]
    before, version = (12, 4) if len(addresses[0]) == 4 else (8, 6)
    at = body.find(pair)
    while at >= 0:
        begin = at - before
        if begin >= 0 and body[begin] >> 4 == version:
            return body[begin:]
        at = body.find(pair, at + 1)
    return b""
