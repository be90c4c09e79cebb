"""A lake in Python: its documented views as polars frames, a DuckDB connection, or a stream of Arrow.

    lake = teiten.open("teiten-lake")
    lake.sql("SELECT dst_port, count(*) AS n FROM events GROUP BY ALL ORDER BY n DESC")     # a polars frame
    lake.polars().filter(pl.col("dst_port") == 23).select("src_ip").unique().collect()      # a lazy frame
    pyarrow.table(lake.arrow("SELECT * FROM events"))                                       # or anything that takes Arrow

What is open is the lake as it was then; `refresh` sees what came later. Nothing is written.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from teiten import event
from teiten import settings as configuration
from teiten.lake import Lake

if TYPE_CHECKING:
    import duckdb
    import nanoarrow
    import polars as pl

    from teiten.engine.duckdb import Session


class Opened:
    """An open lake; also a context manager. `zone` is the zone of its days and of the times in its answers: the one given,
    else that of teiten.toml, else the one in which the lake was made."""

    def __init__(self, path: str | Path, zone: str | None = None) -> None:
        self._lake = Lake.open(path)
        found = configuration.load(zone=zone, lake=str(path))
        if found.zone_from == "machine":
            found = configuration.load(zone=self._lake.meta.zone, lake=str(path))
        self._settings = found
        self._session: Session | None = None

    @property
    def path(self) -> Path:
        """The lake's folder."""
        return self._lake.path

    @property
    def zone(self) -> str:
        """Name of the zone."""
        return self._settings.zone_name

    def sql(self, query: str, params: Mapping[str, Any] | Sequence[Any] = ()) -> pl.DataFrame:
        """The rows of a query over the views (`teiten sql --views`). UsageError, TeitenError (memory)."""
        return self._open().frame(query, params)

    def duckdb(self) -> duckdb.DuckDBPyConnection:
        """A cursor with the same views, which can read the lake's files and no others. Joined columns (`tool`, `scanner`,
        ...) are there when `sql` names them, not here."""
        return self._open().cursor()

    def polars(self, start: dt.datetime | None = None, end: dt.datetime | None = None) -> pl.LazyFrame:
        """The events of [start, end) as a lazy frame: columns of the event, addresses as bytes (`addresses_as_text` of
        `teiten.frame` makes text of them). Only the files and columns that are needed are read."""
        import polars as pl

        from teiten import frame

        files, _ = self._lake.live_files(start, end)
        if not files:
            return pl.LazyFrame(schema=frame.SCHEMA)
        found = pl.scan_parquet([f.path for f in files], schema=frame.SCHEMA, missing_columns="insert", extra_columns="ignore")
        if start is not None:
            found = found.filter(pl.col("time") >= start)
        return found.filter(pl.col("time") < end) if end is not None else found

    def arrow(self, query: str = "SELECT * FROM events") -> nanoarrow.ArrayStream:
        """The rows of a query as a stream of Arrow batches: for pyarrow, pandas, whatever takes `__arrow_c_stream__`."""
        return self._open().stream(query)

    def columns(self) -> dict[str, str]:
        """Column of `events` -> what it means."""
        return {c.name: c.en for c in event.COLUMNS}

    def refresh(self) -> None:
        """Sees what was stored since."""
        self.close()
        self._lake = Lake.open(self._lake.path)

    def _open(self) -> Session:
        if self._session is None:
            from teiten.engine.duckdb import Session

            self._session = Session(self._lake, self._settings)
        return self._session

    def close(self) -> None:
        """Ends what is open; the next question opens it again."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"teiten.open({str(self.path)!r}, zone={self.zone!r})"


__all__ = ["Opened"]
