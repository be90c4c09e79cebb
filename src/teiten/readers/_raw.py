"""The raw lines behind events, brought back from their inputs; a line counts only where its hash is that of the lake.

An event says where it came from: `source_id` (an input; the lake's `batches` keep its path) and `source_pos` (the byte, in the
uncompressed input, where its line begins). The lake keeps a keyed hash of every line that it stored. So a line is shown only
where the bytes at that place hash to one of the batch's; a file that was rotated, cut or edited since is looked for among its
siblings, and otherwise said to be gone. What cannot be had is rebuilt from the event's columns, and marked as rebuilt.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from teiten import event, readers
from teiten.errors import InputError
from teiten.frame import address_text
from teiten.readers import _input

if TYPE_CHECKING:
    import polars as pl

    from teiten.lake import Lake
    from teiten.settings import Reading

Place = tuple[int, int]
"""source_id and source_pos"""

GONE: Final = "gone"
"""the file is no longer where it was"""
CHANGED: Final = "changed"
"""what stands there now is another line"""
UNREADABLE: Final = "unreadable"
STREAM: Final = "stream"
"""it was read from a pipe, which keeps nothing"""
UNKNOWN: Final = "unknown"
"""the lake knows no such input, or no such place in it"""

NO_LINE: Final = "no line"
"""it came from a capture of packets"""
NOT_SHOWN: Final = frozenset({
    "adbhoney", "conpot", "cowrie", "dionaea", "elasticpot", "exchange", "heralding", "honeytrap", "honeytrap_go", "mailoney",
    "opencanary", "tanner", "tpot",
})  # fmt: skip
"""what strangers said stands in their lines: `payloads` shows that"""

_BACK: Final = 1 << 16
_SIBLINGS: Final = 24


@dataclass(frozen=True, slots=True)
class Raw:
    """A line as it stands in the input, without its line end (`why` empty); else why it is not at hand."""

    text: str = ""
    why: str = ""


def lines(lake: Lake, wanted: Iterable[Place], reading: Reading) -> dict[Place, Raw]:
    """Every wanted place's raw line, or why there is none. Each input is read once, forward; compressed ones as a stream."""
    places: dict[int, list[int]] = {}
    for source, pos in sorted(set(wanted)):
        places.setdefault(source, []).append(pos)
    import polars as pl

    batches = lake.batches(["batch", "source_id", "path", "format", "start", "end"]).filter(
        pl.col("source_id").is_in(list(places))
    )
    out: dict[Place, Raw] = {}
    for source, positions in places.items():
        own = batches.filter(pl.col("source_id") == source)
        out |= {(source, pos): raw for pos, raw in _of_source(lake, own, positions, reading).items()}
    return out


def _of_source(lake: Lake, batches: pl.DataFrame, positions: list[int], reading: Reading) -> dict[int, Raw]:
    if not batches.height:
        return {pos: Raw(why=UNKNOWN) for pos in positions}
    if not _is_log(batches["format"][-1]):
        return {pos: Raw(why=NO_LINE) for pos in positions}
    paths = [Path(p) for p in dict.fromkeys(reversed(batches["path"].drop_nulls().to_list()))]
    if not paths:
        return {pos: Raw(why=STREAM) for pos in positions}
    # a place that nothing was read from holds no event, and may lie beyond what a file can be sought in
    held = {pos for start, end in batches.select("start", "end").iter_rows() for pos in positions if start <= pos <= end}
    found = {pos: Raw(why=UNKNOWN) for pos in positions if pos not in held}
    hashes = _hashes(lake, batches, positions)
    why = GONE
    for path in candidates(paths):
        left = [pos for pos in positions if pos not in found]
        if not left:
            break
        try:
            with Window(_input.of(path, reading)) as window:
                here = _read(window, left, hashes, lake.hash_key, reading.max_line)
            why = CHANGED if why == GONE else why
            found |= here
        except InputError:
            why = UNREADABLE if path in paths and path.exists() else why
    return {pos: found.get(pos, Raw(why=why)) for pos in positions}


def _is_log(name: str) -> bool:
    """Do the events of that format stand in lines of text?"""
    return name in readers.names() and readers.module(name).LINES and name not in NOT_SHOWN


def _hashes(lake: Lake, batches: pl.DataFrame, positions: Sequence[int]) -> frozenset[int]:
    """The keyed hashes of the lines of those batches that hold one of the places."""
    import numpy as np

    # the last line of an input without a line end lies at its batch's end
    numbers = [
        number
        for number, start, end in batches.select("batch", "start", "end").iter_rows()
        if any(start <= pos <= end for pos in positions)
    ]
    stored = lake.line_hashes(numbers)
    return frozenset(h for data in stored.values() for h in np.frombuffer(data, dtype="<u8").tolist())


def candidates(paths: Sequence[Path]) -> list[Path]:
    """Where an input may lie now: the paths themselves, then the other members of their rotated sets, the latest first."""
    out = list(paths)
    for path in paths:
        base = _input.rotation_key(path)[0]
        try:
            siblings = [p for p in path.parent.iterdir() if p not in out and _input.rotation_key(p)[0] == base and p.is_file()]
        except OSError:
            continue
        out += sorted(siblings, key=_input.rotation_key, reverse=True)[:_SIBLINGS]
    return out


class Window:
    """Bytes of an input by their place, asked for in rising order: a plain file is sought in, a packed one streams past."""

    def __init__(self, source: _input.Input) -> None:
        self._stream: Any = source.open()
        self._plain = source.compression is None and source.seekable
        self._base = 0
        self._held = bytearray()

    def piece(self, begin: int, n: int) -> bytes:
        """Up to n bytes from `begin`, which may lie at most `_BACK` before what was asked for last."""
        if self._plain:
            self._stream.seek(begin)
            return self._some(n)
        while self._base + len(self._held) < begin + n:
            piece = self._stream.read(1 << 20)
            if not piece:
                break
            self._held += piece
            spare = begin - _BACK - self._base
            if spare > 0:
                cut = min(spare, len(self._held))
                del self._held[:cut]
                self._base += cut
        at = begin - self._base
        return b"" if at < 0 else bytes(self._held[at : at + n])

    def _some(self, n: int) -> bytes:
        out = bytearray()
        while len(out) < n and (piece := self._stream.read(n - len(out))):
            out += piece
        return bytes(out)

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def _read(window: Window, positions: Sequence[int], hashes: frozenset[int], key: int, limit: int) -> dict[int, Raw]:
    found = {}
    for pos in positions:
        begin = max(0, pos - _BACK)
        before = window.piece(begin, pos - begin)
        if len(before) < pos - begin:
            continue
        start = before.rfind(b"\n") + 1 + begin
        data = window.piece(start, 4096)
        size = 4096
        while b"\n" not in data and len(data) == size and size <= limit:
            size *= 8
            data = window.piece(start, size)
        # a journal's record in the export format ends with an empty line, all others with their line
        record = data.partition(b"\n\n")[0] + b"\n"
        line = data.partition(b"\n")[0].rstrip(b"\r")
        for text in (line, record):
            if _hash(text, key) in hashes:
                shown = text[pos - start :] if text is line else text
                found[pos] = Raw(shown.decode("utf-8", "backslashreplace"))
                break
    return found


def _hash(text: bytes, key: int) -> int:
    """The reader's own hash of a line, for the few that are shown (without compiling anything)."""
    from teiten.readers import _jit
    from teiten.readers.netfilter import _scan

    return int(_jit._hash_plain(text, 0, len(text), _scan.key64(key)))


_FLAGS: Final = ("AE", "CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN")
_PROTOCOLS: Final = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6", 136: "UDPLITE", 51: "AH", 50: "ESP"}
_ACTIONS: Final = {"drop": "DROP", "reject": "REJECT", "accept": "ACCEPT", "audit": "AUDIT"}


def rebuild(row: Mapping[str, Any], zone: ZoneInfo) -> str:
    """An event's columns (addresses packed) as a line of netfilter's form: what the event does not say is left out.

    The name of the machine is not kept by the lake: a hyphen stands for it, as in RFC 5424.
    """
    time: dt.datetime = row["time"].astimezone(zone)
    words = [time.isoformat(timespec="seconds"), "- kernel:"]
    words += [w for w in (_ACTIONS.get(row["action"] or ""),) if w]
    words += [
        f"IN={row['interface'] or ''}",
        "OUT=",
        f"SRC={address_text(row['src_ip'])}",
        f"DST={address_text(row['dst_ip'])}",
    ]
    six = len(row["src_ip"]) == 16
    words += _said(row, (("LEN", "ip_len"), ("HOPLIMIT" if six else "TTL", "ttl"), ("ID", "ip_id")))
    words += [name for name in ("DF", "MF") if (row["ip_flags"] or 0) & event.IP_FLAGS[name]]
    if row["frag_offset"]:
        words.append(f"FRAG:{row['frag_offset'] if six else row['frag_offset'] // 8}")
    if row["protocol"] is not None:
        words.append(f"PROTO={_PROTOCOLS.get(row['protocol'], row['protocol'])}")
    words += _said(
        row,
        (("SPT", "src_port"), ("DPT", "dst_port"), ("TYPE", "icmp_type"), ("CODE", "icmp_code"), ("SEQ", "tcp_seq"),
         ("ACK", "tcp_ack"), ("WINDOW", "tcp_window")),
    )  # fmt: skip
    if row["protocol"] == 17 and row["payload_len"] is not None:
        words.append(f"LEN={row['payload_len'] + 8}")
    flags = row["tcp_flags"] or 0
    words += [name for name in _FLAGS if flags & event.TCP_FLAGS[name]]
    return " ".join(words)


def _said(row: Mapping[str, Any], fields: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{name}={row[column]}" for name, column in fields if row[column] is not None]
