"""FlowTuple, CAIDA's records of telescope data in Avro files: corsaro 3's (version 3), and version 4; the part's declaration.

_avro     an Avro file's header, schema, blocks           _columns  records' fields -> columns of events
_records  the kernel over a block's records               _read     stretches of blocks, side by side, in order
_snappy   the kernel that unpacks snappy                  _codes    numbers that they share
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from teiten.readers._base import Chunk, ReadOptions
from teiten.readers._input import Input
from teiten.readers.flowtuple._codes import KINDS, REASONS

NAME: Final = "flowtuple"
STATUS: Final = "trial"
LINES: Final = False
ROWS: Final = True
UNIT: Final = "records"


def recognise(head: bytes) -> float:
    """1 for an Avro file of FlowTuples; a little for other Avro files, so that the reader may say what is wrong with them."""
    if not head.startswith(b"Obj\x01"):
        return 0.0
    from teiten.readers.flowtuple import _avro

    layout = _avro.layout(head)
    return 0.05 if layout is None or layout.trouble else 1.0


def read(source: Input, options: ReadOptions) -> Iterator[Chunk]:
    """The file's chunks in order. InputError only for the input itself: another schema, another compression."""
    from teiten.readers.flowtuple import _read

    yield from _read.read(source, options)


__all__ = ["KINDS", "LINES", "NAME", "REASONS", "ROWS", "STATUS", "UNIT", "read", "recognise"]
