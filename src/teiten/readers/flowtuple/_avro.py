"""An Avro file (avro.apache.org/docs, specification 1.11): its header, the plan that its schema makes, its blocks.

A block says how many records and bytes it has, and ends with the file's sixteen sync bytes. Where that does not hold, the next
sync bytes are looked for, and what lies before them is one damaged record: the file goes on behind them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.readers.flowtuple import _codes as k

MAGIC: Final = b"Obj\x01"
CODECS: Final = ("null", "deflate", "snappy")
MOST: Final = 16 << 20
"""bytes of a block, packed or not; corsaro's have 16 KiB, those of Java's library 64 KiB"""
KEPT_TEXT: Final = 4096
_SYNC: Final = 16
_LAST_TIME: Final = 253_402_300_799
"""the last second of the year 9999"""
_PACKETS: Final = 1 << 40
"""in one record: a hundred times what corsaro can count"""
_PLAIN: Final = {
    "int": (k.INTEGER, 0), "long": (k.INTEGER, 0), "enum": (k.INTEGER, 0), "string": (k.TEXT, 0), "bytes": (k.TEXT, 0),
    "boolean": (k.FIXED, 1), "float": (k.FIXED, 4), "double": (k.FIXED, 8), "null": (k.FIXED, 0),
}  # fmt: skip
_NEEDED: Final = {
    "time": (k.TIME, 0, _LAST_TIME, k.BAD_TIME), "src_ip": (k.SRC, 0, 2**32 - 1, k.BAD_ADDRESS),
    "protocol": (k.PROTOCOL, 0, 255, k.BAD_NUMBER), "dst_port": (k.DPT, 0, 65535, k.BAD_NUMBER),
    "packet_cnt": (k.PACKETS, 1, _PACKETS, k.BAD_COUNT),
}  # fmt: skip
_VERSIONS: Final = {
    3: {
        "dst_ip": (k.DST, 0, 2**32 - 1, k.BAD_ADDRESS), "src_port": (k.SPT, 0, 65535, k.BAD_NUMBER),
        "ttl": (k.TTL, -1, 255, k.BAD_NUMBER), "tcp_flags": (k.FLAGS, -1, 511, k.BAD_NUMBER),
        "ip_len": (k.LEN, -1, 65535, k.BAD_NUMBER), "tcp_synlen": (k.SYN_LEN, -1, 65535, k.BAD_NUMBER),
        "tcp_synwinlen": (k.SYN_WINDOW, -1, 65535, k.BAD_NUMBER),
    },
    4: {
        "dst_net": (k.DST, 0, 2**32 - 1, k.BAD_ADDRESS), "uniq_src_ports": (k.SPORTS, -1, 2**31, k.BAD_NUMBER),
        "uniq_ttls": (k.TTLS, -1, 2**31, k.BAD_NUMBER), "uniq_tcp_flags": (k.FLAG_SETS, -1, 2**31, k.BAD_NUMBER),
        "uniq_pkt_sizes": (k.SIZES, -1, 2**31, k.BAD_NUMBER), "common_srcports": (k.SPT, -1, 65535, k.BAD_NUMBER),
        "common_ttls": (k.TTL, -1, 255, k.BAD_NUMBER), "common_tcpflags": (k.FLAGS, -1, 511, k.BAD_NUMBER),
        "common_pktsizes": (k.LEN, -1, 65535, k.BAD_NUMBER),
    },
}  # fmt: skip
_ALSO: Final = {
    "common_src_ports": "common_srcports",
    "common_tcp_flags": "common_tcpflags",
    "common_pkt_sizes": "common_pktsizes",
}
"""as CAIDA's page and readers name what its converter names without the second hyphen"""
_MUST: Final = {3: {*_NEEDED, "dst_ip", "src_port"}, 4: {*_NEEDED, "dst_net"}}


@dataclass(frozen=True, slots=True)
class Layout:
    """What an Avro file's header says. trouble: why its records cannot be read, "" if they can.

    sync: the sixteen bytes after each block. begin: where the first block lies. version: of FlowTuple.
    plan: (fields, k.ROW) int64, what the kernel does with each field. least: bytes of a record at least.
    """

    trouble: str = ""
    codec: str = ""
    sync: bytes = b""
    begin: int = 0
    version: int = 0
    plan: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty((0, k.ROW), np.int64))
    least: int = 1

    @property
    def packed(self) -> bool:
        return self.codec != "null"


def number(data: bytes | bytearray | memoryview, p: int) -> tuple[int, int] | None:
    """A zigzag number, and where it ends; None where it is not whole. One of more than 64 bits is 2^62."""
    value = 0
    for i in range(10):
        if p + i >= len(data):
            return None
        value |= (data[p + i] & 127) << (7 * i)
        if data[p + i] < 128:
            return (value >> 1) ^ -(value & 1), p + i + 1
    return k.HUGE, p + 10


def layout(head: bytes) -> Layout | None:
    """Of an input that begins so; None where the header is longer than what is there."""
    found = _header(head)
    if found is None or isinstance(found, str):
        return None if found is None else Layout(trouble=found)
    told, p = found
    codec = told.get("avro.codec", b"null").decode("ascii", "replace")
    if p + _SYNC > len(head):
        return None
    try:
        schema = json.loads(told.get("avro.schema", b""))
    except (ValueError, RecursionError):
        return Layout(trouble="its schema is no JSON")
    made = _plan(schema)
    if isinstance(made, str):
        return Layout(trouble=made)
    if codec not in CODECS:
        return Layout(trouble=f"its blocks are packed as {codec[:20]!r}, not as one of {', '.join(CODECS)}")
    version, plan, least = made
    return Layout("", codec, head[p : p + _SYNC], p + _SYNC, version, plan, least)


def _header(head: bytes) -> tuple[dict[str, bytes], int] | str | None:
    """The header's names and values, and where it ends; what is wrong with it; None where it is not whole."""
    told: dict[str, bytes] = {}
    p = len(MAGIC)
    while True:
        found = number(head, p)
        if found is None:
            return None
        count, p = found
        if count == 0:
            return told, p
        if count < 0:
            count = -count
            passed = number(head, p)
            if passed is None:
                return None
            p = passed[1]
        for _ in range(count):
            words = []
            for _ in range(2):
                found = number(head, p)
                if found is None:
                    return None
                size, p = found
                if not 0 <= size <= MOST:
                    return "its header is damaged"
                if size > len(head) - p:
                    return None
                words.append(head[p : p + size])
                p += size
            told[words[0].decode("utf-8", "replace")] = words[1]


def _plan(schema: Any) -> tuple[int, npt.NDArray[np.int64], int] | str:
    """Version, plan, least bytes of a record; or why the schema's records are no FlowTuples."""
    fields = schema.get("fields") if isinstance(schema, dict) else None
    if not isinstance(fields, list) or not all(isinstance(f, dict) and isinstance(f.get("name"), str) for f in fields):
        return "its schema is no record's"
    names = [f["name"] for f in fields]
    version = next((n for n, must in _MUST.items() if must <= set(names)), 0)
    if not version or len(names) != len(set(names)):
        return f"its records are {str(schema.get('name'))[:40]!r}, whose fields are not those of a FlowTuple"
    wanted = {**_NEEDED, **_VERSIONS[version]}
    rows, least = [], 0
    for one in fields:
        kind = _kind(one.get("type"))
        if kind is None:
            return f"its field {one['name'][:40]!r} is of a type that no FlowTuple has"
        how, size, null = kind
        column, low, high, outcome = wanted.get(_ALSO.get(one["name"], one["name"]), (-1, 0, 0, 0))
        if column >= 0 and how not in (k.INTEGER, k.INTEGERS):
            return f"its field {one['name'][:40]!r} is no number"
        if one["name"] not in _MUST[version]:
            low = min(low, -1)
        rows.append([how, size, column, null, low, high, outcome])
        least += 1 if null >= 0 or how != k.FIXED else size
    return version, np.array(rows, np.int64), least


def _kind(told: Any, null: int = -1) -> tuple[int, int, int] | None:
    """How a field of that type is written: kind, bytes of a FIXED, which branch of a union is null. None: not known here."""
    if isinstance(told, list):
        if null >= 0 or len(told) != 2 or "null" not in told:
            return None
        place = told.index("null")
        return _kind(told[1 - place], place)
    if isinstance(told, dict):
        if told.get("type") == "array":
            inside = _kind(told.get("items"))
            if inside is None or inside[2] >= 0 or inside[0] >= k.INTEGERS or (inside[0] == k.FIXED and not inside[1]):
                return None
            return inside[0] + k.INTEGERS, inside[1], null
        if told.get("type") == "fixed":
            bytes_ = told.get("size")
            return (k.FIXED, bytes_, null) if isinstance(bytes_, int) and 0 <= bytes_ <= KEPT_TEXT else None
        told = told.get("type")
    found = _PLAIN.get(told) if isinstance(told, str) else None
    return None if found is None else (*found, null)


@dataclass(frozen=True, slots=True)
class Block:
    """A block: from byte `begin` to `end` of the input, `data` from byte `place` on. damage: the outcome of the whole stretch,
    of which `data` is the beginning; 0: it is sound as far as one sees from outside."""

    begin: int
    end: int
    place: int
    data: bytes
    count: int = 0
    damage: int = 0


class Blocks:
    """The blocks of a stream that stands at `layout.begin`; what was met on the way. Bounded by `MOST`."""

    def __init__(self, stream: Any, layout: Layout) -> None:
        self._stream, self._layout = stream, layout
        self._held = bytearray()
        self._base = layout.begin
        self._ended = False
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[Block]:
        while self._more(1):
            block = self._next()
            if block is None:
                return
            del self._held[: block.end - self._base]
            self._base = block.end
            yield block

    def _more(self, n: int) -> bool:
        """Are there n bytes from here on?"""
        while len(self._held) < n and not self._ended:
            piece = self._stream.read(max(1 << 18, n - len(self._held)))
            self._ended = not piece
            self._held += piece or b""
        return len(self._held) >= n

    def _next(self) -> Block | None:
        """The block, or damaged stretch, that begins here; None where the rest is not whole."""
        self._more(20)
        head = number(self._held, 0)
        body = number(self._held, head[1]) if head is not None else None
        if head is None or body is None:
            self._not_whole(0)
            return None
        (count, _), (size, p) = head, body
        if count < 0 or size < 0:
            return self._damaged(k.DAMAGED)
        if size > MOST:
            return self._damaged(k.TOO_LARGE)
        end = p + size + _SYNC
        if not self._more(end):
            # a block that was cut, or a length that is not true
            if self._layout.sync in self._held:
                return self._damaged(k.DAMAGED)
            self._not_whole(count)
            return None
        if self._held[end - _SYNC : end] != self._layout.sync:
            return self._damaged(k.DAMAGED)
        return Block(self._base, self._base + end, self._base + p, bytes(memoryview(self._held)[p : p + size]), count)

    def _not_whole(self, count: int) -> None:
        told = f", which would have {count:,} records" if 0 < count < k.HUGE else ""
        self.notes.append(
            f"the block at byte {self._base} is not whole{told}: {len(self._held)} bytes of it are there;"
            " the file was cut, or is still written"
        )

    def _damaged(self, why: int) -> Block:
        """All up to the next sync bytes, or to the end, as one record."""
        begin, text, sync = self._base, b"", self._layout.sync
        looked = 0
        while (at := self._held.find(sync, looked)) < 0 and not self._ended:
            # the sync bytes may lie astride
            looked = max(0, len(self._held) - _SYNC)
            if len(self._held) > MOST:
                text = text or bytes(self._held[:KEPT_TEXT])
                del self._held[:looked]
                self._base, looked = self._base + looked, 0
            self._more(len(self._held) + (1 << 18))
        end = self._base + (len(self._held) if at < 0 else at + _SYNC)
        text = text or bytes(self._held[: min(KEPT_TEXT, end - begin)])
        self.notes.append(f"the block at byte {begin} is damaged: {end - begin} bytes up to the next one cannot be read")
        return Block(begin, end, begin, text, damage=why)
