"""A first look over an input of lines: which stamps it holds, where a read that begins in its middle has to begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from teiten.readers import _blocks, _jit, _stamp
from teiten.readers._base import ReadOptions
from teiten.readers._blocks import Stream
from teiten.readers._clock import Ints, Survey
from teiten.readers._input import Input, exactly
from teiten.readers._times import Times

CONTEXT: Final = 1 << 16
"""bytes before `start` that are read again"""
_WHOLE: Final = 16 << 20
_STRETCHES: Final = 256
_EVERY: Final = 1 << 20

Stamps = Callable[[int, bytes], tuple[Ints, Ints, Ints]]
"""(byte of the input, whole lines from there on) -> place, kind and value of each of their stamps"""


def survey(source: Input, look: Stamps, first: bytes = b"") -> Survey:
    """A first look over the stamps of an input: all of it where it is small, else stretches of it."""
    found = Survey()
    if not source.seekable:
        found.stretches.append(look(0, first[: first.rfind(b"\n") + 1] or first))
        return found
    stream: Any = source.open()
    try:
        size = source.size or 0
        if source.compression is None and size > _WHOLE:
            step = max(CONTEXT, (size - CONTEXT) // (_STRETCHES - 1))
            for at in [*range(0, size - CONTEXT, step), size - CONTEXT]:
                stream.seek(at)
                found.stretches.append(look(*_whole_lines(at, stream.read(CONTEXT), at == size - CONTEXT)))
            return found
        offset = 0
        found.whole = source.compression is None
        while True:
            data = exactly(stream, _EVERY)
            last = len(data) < _EVERY
            if data:
                # what is compressed has been unpacked anyway, but its stamps need not all be looked at
                pieces = [(offset, data)] if found.whole or last or offset == 0 else [(offset, data[:CONTEXT])]
                for at, piece in pieces:
                    found.stretches.append(look(*_whole_lines(at, piece, last)))
            if last:
                return found
            offset += len(data)
    finally:
        stream.close()


def look_at(source: Input, look: Stamps, begin: int, end: int) -> Survey:
    """The stamps of the lines in those bytes, all of them."""
    found = Survey()
    stream: Any = Stream(source.open())
    try:
        _blocks.skip_to(stream, begin, source.compression is None)
        offset, rest = begin, b""
        while offset < end and (data := stream.read(min(_EVERY, end - offset - len(rest)))):
            whole, mark, rest = (rest + data).rpartition(b"\n")
            if whole + mark:
                found.stretches.append(look(offset, whole + mark))
                offset += len(whole + mark)
    finally:
        stream.close()
    return found


def _whole_lines(offset: int, data: bytes, last: bool) -> tuple[int, bytes]:
    """Without the parts of lines at its ends."""
    begin = 0 if offset == 0 else data.find(b"\n") + 1
    end = len(data) if last else data.rfind(b"\n") + 1
    return offset + begin, data[begin : max(begin, end)]


def context(source: Input, options: ReadOptions) -> int:
    """Where a read that is to begin at `start` begins: some lines before it, outside of a repeated hour."""
    back, start = CONTEXT, options.start
    if start <= 0 or not source.seekable:
        return 0
    times = Times(options, source.mtime, 0, Survey, True)
    while True:
        begin = max(0, start - back)
        if begin == 0:
            return 0
        stream = Stream(source.open())
        try:
            _blocks.skip_to(stream, begin, source.compression is None)  # type: ignore[arg-type]
            data = exactly(stream, min(back, CONTEXT))
        finally:
            stream.close()
        cut = data.find(b"\n") + 1
        if cut == 0:
            return start
        scratch = np.zeros(8, np.int64)
        array = np.frombuffer(data[cut : cut + 256] + b"\n" * _blocks.PAD, np.uint8)
        _stamp.find_stamp(_jit.view(array), 0, len(array) - _blocks.PAD, _jit.view(scratch))
        if back >= (64 << 20) or times.settle((int(scratch[_stamp.KIND]), int(scratch[_stamp.VALUE]))):
            return begin + cut
        back *= 4
