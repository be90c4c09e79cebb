"""Is every file of the lake there, whole and readable? What is not has a name, a reason, and a number of rows."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from teiten.errors import LakeChangedError, LakeError
from teiten.lake import _delta, _mirror

_READING: Final = (pl.exceptions.PolarsError, OSError, ValueError)
_SPOT: Final = re.compile(r"\d{20}\.(json|checkpoint\.parquet)")


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that the lake's log names and that cannot be read. `rows` by the log; low, high: the times of its rows there."""

    table: str
    name: str
    why: str
    rows: int
    low: dt.datetime | None = None
    high: dt.datetime | None = None

    @property
    def file(self) -> str:
        """Its path within the lake."""
        return f"{self.table}/{self.name}"

    def text(self) -> str:
        """events/part-...parquet is not there (150 rows of 2026-04-01 00:00 to 2026-04-01 00:02)"""
        span = f" of {self.low:%Y-%m-%d %H:%M} to {self.high:%Y-%m-%d %H:%M} UTC" if self.low and self.high else ""
        return f"{self.file} {self.why} ({self.rows:,} row{'' if self.rows == 1 else 's'}{span})"


def tables(path: Path) -> list[str]:
    """Names of the lake's tables, those of what it holds first."""
    known = ["events", "batches", "verdicts", "notes"]
    found = sorted(p.parent.name for p in path.glob("*/_delta_log"))
    return [name for name in known if name in found] + [name for name in found if name not in known]


def look(path: Path, *, whole: bool = True, progress: Callable[[int, int], None] | None = None) -> list[Damage]:
    """What is damaged of the lake in that folder; with `whole`, every row of every file is read, otherwise names and sizes.

    LakeError where a table's log cannot be read.
    """
    files = list(_live(path))
    found = []
    done, size = 0, sum(row["size_bytes"] or 0 for _, row in files)
    for table, row in files:
        file = path / table / row["path"]
        why = _fault(file, row["size_bytes"], row["num_records"], whole)
        if why is not None:
            low, high = (_moment(row.get(side)) for side in ("min.time", "max.time"))
            found.append(Damage(table, row["path"], why, int(row["num_records"] or 0), low, high))
        done += row["size_bytes"] or 0
        if progress is not None:
            progress(done, size)
    return found


def _live(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in tables(path):
        try:
            rows = _delta.Table(path / name).live().sort("path") if _delta.Table.exists(path / name) else pl.DataFrame()
        except _delta.ERRORS as error:
            raise broken_log(path, name, error) from None
        yield from ((name, row) for row in rows.iter_rows(named=True))


def _moment(value: Any) -> dt.datetime | None:
    return value if isinstance(value, dt.datetime) else None


def _size(file: Path, whole: bool) -> int:
    mirror = _mirror.of(file)
    if mirror is not None and not file.exists():
        if not whole:
            return mirror.objects.head(f"{file.parent.name}/{file.name}").size
        mirror.want([file.absolute()])
    return file.stat().st_size


def _fault(file: Path, size: int | None, rows: int | None, whole: bool) -> str | None:
    """What is wrong with a Parquet file; None where nothing is."""
    try:
        there = _size(file, whole)
    except (FileNotFoundError, LakeChangedError):
        return "is not there"
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    if size is not None and there != size:
        return f"is {'cut short' if there < size else 'too long'}: {there:,} of {size:,} bytes"
    if not whole:
        return None
    try:
        scan = pl.scan_parquet(file)
        # every page of every column is decoded, a few columns at a time
        names = scan.collect_schema().names()
        counts = {scan.select(names[n : n + 8]).collect().height for n in range(0, len(names), 8)}
    except _READING as error:
        return f"cannot be read: {str(error).splitlines()[0].rstrip('.')}"
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # polars' own, about bytes that it did not expect
            raise
        return "cannot be read: its bytes are not Parquet's"
    if rows is not None and counts != {rows}:
        return f"holds {max(counts):,} rows, and should hold {rows:,}"
    return None


def broken_log(path: Path, name: str, error: BaseException) -> LakeError:
    """The log of a table cannot be read, and that is no matter of its last entry alone: which file of it, and what to do."""
    log = path / name / "_delta_log"
    what = f"the log of its table {name} is broken ({str(error).splitlines()[0].rstrip('.') if str(error) else 'unreadable'})"
    culprit = _torn(log)
    if culprit is not None:
        what = f"{log / culprit} is damaged or not there"
    return LakeError(
        f"The lake {path} cannot be read: {what}.",
        hint="Put that file back from a copy of the lake, or make the lake anew from its inputs: teiten ingest --lake NEW ...",
    )


def _torn(log: Path) -> str | None:
    """The first file of a table's log that is missing or no JSON, or a checkpoint that cannot be read."""
    names = sorted(p.name for p in log.glob("*") if _SPOT.fullmatch(p.name)) if log.is_dir() else []
    points = [int(n[:20]) for n in names if n.endswith(".parquet")]
    for number in points[-1:]:
        if _fault(log / f"{number:020}.checkpoint.parquet", None, None, True):
            return f"{number:020}.checkpoint.parquet"
    entries = [int(n[:20]) for n in names if n.endswith(".json") and int(n[:20]) > max(points, default=-1)]
    for expected, number in enumerate(entries, max(points, default=-1) + 1):
        name = f"{number:020}.json"
        if number != expected:
            return f"{expected:020}.json"
        try:
            text = (log / name).read_text(encoding="utf-8")
            for line in text.splitlines() if text.strip() else [""]:
                json.loads(line)
        except ValueError:
            return name
    return None


def damaged(path: Path, *, whole: bool = False) -> LakeError | None:
    """The sentence about the first damage that is found quickly (`whole`: by reading all); None where there is none."""
    found = look(path, whole=whole)
    if not found:
        return None
    more = f" (and {len(found) - 1:,} more files)" if len(found) > 1 else ""
    return LakeError(
        f"The lake {path} is damaged: {found[0].text()}{more}.",
        hint=f"Put it back from a copy, or see teiten lake check --lake {path}; teiten lake mend goes on without it.",
    )
