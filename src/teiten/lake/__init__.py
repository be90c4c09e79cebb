"""The lake: events on disk as Delta Lake tables, each stored exactly once; readable by others while it is written.

from teiten.lake import Lake
lake = Lake.open_or_create(path, "Asia/Tokyo")
with lake.writer() as writer:
    writer.commit(batch, frame)                     or the bytes of a Parquet file that was made already (`Made`)
"""

from teiten.lake._delta import Made
from teiten.lake._gather import BOUNDS
from teiten.lake._lake import SCHEMA_VERSION, Lake, LakeMeta, LiveFile
from teiten.lake._writer import Writer
from teiten.lake.batch import Batch

__all__ = ["BOUNDS", "SCHEMA_VERSION", "Batch", "Lake", "LakeMeta", "LiveFile", "Made", "Writer"]
