"""Where batches wait that another process made: files of events beside the lake's tables, taken over by its one writer.

    staging/JOB/TASK/part-….parquet     written and synced by whoever read the input; part of nothing

The writer moves such a file to its table when it stores the batch, under the batch's number, so that what a kill leaves is void
as every other file is. A writer that begins takes the whole folder away: nobody else may have put anything there that counts.
"""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from teiten.lake import _delta
from teiten.lake._delta import Made
from teiten.lake.batch import Batch

FOLDER: Final = "staging"


@dataclass(frozen=True, slots=True)
class Staged:
    """A batch without a number, and its events: a file of the staging folder, with what the log will say of it."""

    batch: Batch
    file: Path | None
    made: Made


class Stage:
    """Takes batches as the lake's writer does (`commit`), and puts their events into a folder of its own. OSError."""

    def __init__(self, lake: Path, job: str, last: int) -> None:
        """last: the number of the lake's last batch, from which on those here are counted for whoever asks."""
        self.folder = lake / FOLDER / job / uuid.uuid4().hex
        self.folder.mkdir(parents=True)
        self.last = last
        self.staged: list[Staged] = []

    def commit(self, batch: Batch, events: Made) -> int:
        """The batch's number if it were the lake's; its events are on the disk."""
        file = None
        if events.rows:
            name = f"part-{len(self.staged):04d}.parquet"
            file = self.folder / name
            _delta.lay(events, file)
        self.staged.append(Staged(batch, file, replace(events, data=())))
        return self.last + len(self.staged)

    add = commit


def clear(lake: Path) -> None:
    """Takes away what nobody took over. Under the lake's lock."""
    folder = lake / FOLDER
    if folder.exists():
        shutil.rmtree(folder, ignore_errors=True)
