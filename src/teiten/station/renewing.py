"""A stream whose history the collector does not share goes on as another one: what is common stays where it is, the rest moves.

That happens where a sensor's disk is put back to an older state, or lost what it had said to have: then the collector has
records that the sensor has not, and the sensor writes others under their numbers. Neither is overwritten.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from teiten.disk import sync_folder
from teiten.station._disk import make_folder
from teiten.station.records import Record, digest, follows, parse
from teiten.station.segments import PACKETS, About, Segment, data_of, lines_of, numbers
from teiten.station.spool import Spool
from teiten.station.streams import Stream

_GROUP: Final = 1 << 20
"""bytes that are written at once"""
_PCAP: Final = {b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d"}
_HEAD: Final = 24


def common(find: Callable[[int], str | None], own: Callable[[int], str | None], most: int) -> int:
    """The last record that both have, by their hashes: 0 for none. most: the last number that both have."""
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        sha = own(middle)
        if sha is not None and sha == find(middle):
            least = middle
        else:
            most = middle - 1
    return least


def renew(spool: Spool, one: About, after: int) -> About:
    """Another stream that follows `one`, with what `one` has after that record; nobody may write to either meanwhile.

    It is made aside and moved in as a whole, so that a kill leaves it or does not. OSError, SpoolError.
    """
    folder = spool.streams_path / one.id
    made = replace(one, id=f"{one.id.rpartition('.')[0]}.{secrets.token_hex(8)}", follows=one.id)
    aside = spool.path / "renewing"
    shutil.rmtree(aside, ignore_errors=True)
    make_folder(aside)
    workshop = Spool(aside)
    workshop.streams_path = aside
    there = numbers(folder)
    # the first segment of which something moves; the mark is in it or in the one before
    begin = next((number for number in reversed(there) if _first(folder, number) <= after), 0)
    for number in there:
        for record in _records(folder, number) if number in (begin - 1, begin) else ():
            if record.mark is not None and record.number <= after:
                made = replace(made, mark=record.mark)
    stream = workshop.make(made)
    for number in there:
        if number >= begin:
            if stream.number and "seal" not in stream.last.told:
                stream.seal()
            _move(stream, folder, number, after)
    stream.close()
    (aside / made.id).rename(spool.streams_path / made.id)
    sync_folder(spool.streams_path)
    return made


def _move(stream: Stream, folder: Path, number: int, after: int) -> None:
    """What a segment has after that record, as a segment of the new stream; bytes that are gone end it."""
    own, last = stream.about, stream.last
    old = Segment(own, number, data_of(folder, number), ())
    group: list[tuple[bytes, bytes]] = []
    told_of = own.told
    size = at = end = 0
    fresh = True
    for record in _records(folder, number):
        begin, at = at, record.end
        told_of = record.told.get("as", {}).get("told", told_of)
        if record.number <= after:
            continue
        block = old.read(begin, record.end) if record.end > begin else b""
        if len(block) < record.end - begin:
            break
        told = {key: value for key, value in record.told.items() if key != "as"}
        if fresh:
            whose = About(own.id, own.sensor, own.input, own.data, told_of, own.follows)
            told = {"as": asdict(whose), **told}
        if block and not end and begin and own.data == PACKETS and (head := old.read(0, _HEAD))[:4] in _PCAP:
            block = head + block
        end += len(block)
        last = Record(
            last.number + 1, record.at, record.up, end, digest(block), last.sha, record.counts, record.mark, told
        )  # fmt: skip
        line = last.line()
        last, fresh = replace(last, sha=line[-67:-3].decode()), False
        group.append((line, block))
        size += len(line) + len(block)
        if size > _GROUP:
            stream.take(group)
            group, size = [], 0
    if group:
        stream.take(group)


def _records(folder: Path, number: int) -> Iterator[Record]:
    last = None
    for line in lines_of(folder, number):
        one = parse(line)
        if one is None or not follows(one, last):
            return
        last = one
        yield one


def _first(folder: Path, number: int) -> int:
    """The number of a segment's first record."""
    return next((one.number for one in _records(folder, number)), 0)
