"""Netfilter's log lines (iptables LOG, nftables log, ulogd, vendors' firmware) in every transport; the part's declaration.

_stamp    the kernel that reads time stamps          _times    stamps -> UTC
_body     the kernel that reads what follows IN=     _columns  rows -> polars
_scan     the kernel over a block of lines           _read     blocks, side by side, in order
_journal  journald's export format and JSON          _codes    numbers that they share
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from teiten.readers import _recognise
from teiten.readers._base import Chunk, ReadOptions
from teiten.readers._input import Input
from teiten.readers.netfilter._codes import KINDS, REASONS

NAME: Final = "netfilter"
STATUS: Final = "stable"
LINES: Final = True
ROWS: Final = True

_FIELDS: Final = re.compile(rb"\bSRC=[0-9A-Fa-f:.*]+ DST=[0-9A-Fa-f:.*]+ ")
_STAMP: Final = re.compile(
    rb"^(?:<\d{1,3}>)?(?:1 )?"
    rb"(?:(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ \d]\d |\d{4}-\d\d-\d\d[T ]\d\d:|\[ *\d+\.\d{6}\])",
    re.MULTILINE,
)
_JOURNAL: Final = re.compile(
    rb'^\x1e?(?:data: )?(?:__CURSOR=|__REALTIME_TIMESTAMP=|\{.*"(?:__REALTIME_TIMESTAMP|MESSAGE)" ?:)', re.MULTILINE
)


def recognise(head: bytes) -> float:
    """.9 and more for netfilter's fields (the larger their part of the lines is), .5 for a journal, .3 for lines with a
    syslog's stamps, .02 for other text, 0 for bytes that are no text."""
    if not head:
        return 0.02
    if found := _recognise.share(head, _FIELDS):
        return found
    # a log may hold NUL bytes and text in any encoding, but most of it is printable
    odd = len(head.translate(None, bytes(range(32, 256)) + b"\t\r\n\0\x1b"))
    nul = head.count(0)
    if odd > len(head) // 20 or (nul > len(head) // 10 and not head.strip(b"\0").isascii()) or nul == len(head):
        return 0.0
    if _JOURNAL.search(head):
        return 0.5
    if nul > len(head) // 3:
        return 0.0
    if _STAMP.search(head):
        return 0.3
    high = len(head.translate(None, bytes(range(128))))
    if high > len(head) // 4:
        try:
            head[:-4].decode("utf-8")
        except UnicodeDecodeError:
            return 0.0
    return 0.02


def read(source: Input, options: ReadOptions) -> Iterator[Chunk]:
    """The input's chunks in order. InputError only for the input itself."""
    if _JOURNAL.match(source.head().lstrip(b"\r\n")):
        from teiten.readers.netfilter import _journal

        yield from _journal.read(source, options)
        return
    from teiten.readers.netfilter import _read

    yield from _read.read(source, options)


__all__ = ["KINDS", "LINES", "NAME", "REASONS", "ROWS", "STATUS", "read", "recognise"]
