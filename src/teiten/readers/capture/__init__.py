"""Captures of packets: pcap in its variants, pcapng, ERF; the part's declaration.

_frames   the headers of files, sections, interfaces       _columns  rows -> columns of events
_walk     kernels that walk over records                   _read     blocks, side by side, in order
_link     kernels from a link type to the IP header        _codes    numbers that they share
_packet   the kernel over IP, what is above it, quotes         _told     what is said once about a capture
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from teiten.readers._base import Chunk, ReadOptions
from teiten.readers._input import Input
from teiten.readers.capture._codes import KINDS, REASONS

NAME: Final = "capture"
STATUS: Final = "stable"
LINES: Final = False
ROWS: Final = True


def recognise(head: bytes) -> float:
    """1 for the magic numbers of pcap and pcapng, .6 for what looks like ERF, which has none."""
    from teiten.readers.capture import _frames

    found = _frames.layout(head)
    if _frames.header_cut(head):
        return 1.0
    return 0.0 if found is None else 0.6 if found.kind == "erf" else 1.0


def read(source: Input, options: ReadOptions) -> Iterator[Chunk]:
    """The capture's chunks in order. InputError only for the input itself."""
    from teiten.readers.capture import _read

    yield from _read.read(source, options)


__all__ = ["KINDS", "LINES", "NAME", "REASONS", "ROWS", "STATUS", "read", "recognise"]
