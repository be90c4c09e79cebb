"""A stream whose history the collector does not share goes on as another one: what is common stays where it is, the rest moves.

That happens where a sensor's disk is put back to an older state, or lost what it had said to have: then the collector has
records that the sensor has not, and the sensor writes others under their numbers. Neither is overwritten.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace

from teiten.station._disk import make_folder, sync_folder
from teiten.station.segments import About, Segment
from teiten.station.spool import Spool


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
    name = one.id.rpartition(".")[0]
    made = replace(one, id=f"{name}.{secrets.token_hex(8)}", follows=one.id)
    aside = spool.path / "renewing"
    shutil.rmtree(aside, ignore_errors=True)
    make_folder(aside)
    workshop = Spool(aside)
    workshop.streams_path = aside
    segments = spool.segments(one.id)
    marks = [r.mark for s in segments for r in s.records if r.mark is not None and r.number <= after]
    made = replace(made, mark=marks[-1] if marks else one.mark)
    stream = workshop.make(made)
    for segment in segments:
        if segment.records and segment.records[-1].number > after:
            at = 0
            for record in segment.records:
                block, at = _block(segment, at, record.end), record.end
                if record.number > after:
                    told = {key: value for key, value in record.told.items() if key not in ("as", "seal", "step")}
                    stream.commit(block, counts=record.counts, mark=record.mark, told=told, at=record.at)
    stream.close()
    (aside / made.id).rename(spool.streams_path / made.id)
    sync_folder(spool.streams_path)
    return made


def _block(segment: Segment, begin: int, end: int) -> bytes:
    return segment.read(begin, end) if end > begin else b""
