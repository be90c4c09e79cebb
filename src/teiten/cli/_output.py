"""Rows to stdout or a file in every format of the contract: jsonl, json, csv, parquet, table.

    write_rows(rows, "table")                   a list of dicts (rankings, SQL)
    write_frames(frames, schema, "parquet")     a stream of polars frames (events), bounded memory

Times are ISO 8601 with their zone, addresses text, nulls kept. Text cells of a CSV that a spreadsheet would take for a
formula get an apostrophe in front; control characters never reach a terminal. A file appears under its name only when
it is whole.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from teiten import inert
from teiten.errors import TeitenError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from teiten.readers._base import Rows

FORMATS = ("jsonl", "json", "csv", "parquet", "table")
_TABLE_WINDOW = 10_000
"""rows that decide a streamed table's column widths"""
_MANY = 2000


def add_output(parser: argparse.ArgumentParser, default: str = "table") -> None:
    """--output FORMAT and --out FILE."""
    parser.add_argument("--output", choices=FORMATS, default=default, help=f"format of the rows (default: {default})")
    parser.add_argument("--out", metavar="FILE", help="write there instead of stdout; it appears when it is whole")


def write_rows(rows: Sequence[Mapping[str, Any]], fmt: str, out: str | None = None, *, columns: Sequence[str] = ()) -> None:
    """Rows of dicts. `columns` names the columns where there may be no row."""
    names = list(columns) or (list(rows[0]) if rows else [])
    if fmt == "table" and all(isinstance(value, str) for row in rows for value in row.values()):
        with _destination(out, binary_guard=False) as sink, _troubles(out):
            _texts(rows, names, sink)
            sink.flush()
        return
    import polars as pl

    data = {name: [row.get(name) for row in rows] for name in names}
    frame = pl.DataFrame({k: pl.Series(k, v, strict=False) for k, v in data.items()}) if names else pl.DataFrame()
    write_frames(iter([frame]), dict(frame.schema), fmt, out)


def write_frames(frames: Iterator[pl.DataFrame], schema: Mapping[str, Any], fmt: str, out: str | None = None) -> None:
    """A stream of frames of one schema. TeitenError where the place cannot be written."""
    if fmt not in FORMATS:
        raise UsageError(f"'{fmt}' is no output format.", hint=f"Choose one of: {', '.join(FORMATS)}.")
    with _destination(out, binary_guard=fmt == "parquet") as sink, _troubles(out):
        if fmt == "parquet":
            _parquet(frames, schema, sink)
        elif fmt == "jsonl":
            _jsonl(frames, sink)
        elif fmt == "json":
            _json(frames, sink)
        elif fmt == "csv":
            _csv(frames, schema, sink)
        else:
            _table(frames, schema, sink)
        sink.flush()


def write_parquet(parts: Iterator[Rows], columns: Sequence[str], out: str | None = None) -> None:
    """A stream of a reader's rows to Parquet, those columns, without a frame between: several times as fast."""
    from teiten.readers import _parquet

    with _destination(out, binary_guard=True) as sink, _troubles(out), _parquet.Writer(sink, columns) as writer:
        for part in parts:
            writer.add(part)


def write_text(lines: Iterable[str], out: str | None = None) -> None:
    """Lines of text; control characters are written as \\xNN. TeitenError where the place cannot be written."""
    with _destination(out, binary_guard=False) as sink, _troubles(out):
        for line in lines:
            sink.write((_cell(line) + "\n").encode("utf-8", "replace"))
        sink.flush()


@contextlib.contextmanager
def _troubles(out: str | None) -> Iterator[None]:
    """What polars says of a pipe or a disk, as Python says it: BrokenPipeError, or one sentence (TeitenError)."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        text = error.strerror or str(error)
        if "os error 32" in text:
            raise BrokenPipeError from None
        if out is not None and out != "-":
            raise
        reason = text.partition(" (os error")[0]
        raise TeitenError(f"stdout cannot be written: {reason}.", hint="Make room, or send it elsewhere.") from None


@contextlib.contextmanager
def _told(place: str) -> Iterator[None]:
    """A place that cannot be written is said in one sentence; a reader that has gone is no trouble."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        why = error.strerror or str(error)
        raise TeitenError(f"{place} cannot be written: {why}.", hint="Make room, or choose another place with --out.") from None


@contextlib.contextmanager
def _destination(out: str | None, *, binary_guard: bool) -> Iterator[IO[bytes]]:
    if out is None or out == "-":
        if binary_guard and sys.stdout.isatty():
            raise UsageError("Parquet is not for a terminal.", hint="Send it to a file: --out events.parquet.")
        with _told("stdout"):
            yield sys.stdout.buffer
        return
    path = Path(out)
    if path.exists() and not path.is_file():  # /dev/stdout, a pipe: nothing to rename
        with _told(out), path.open("wb") as sink:
            yield sink
        return
    try:
        fd, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise TeitenError(f"{path} cannot be written: {error.strerror}.", hint="Choose another place with --out.") from None
    temporary = Path(name)
    try:
        with os.fdopen(fd, "wb") as sink:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise TeitenError(
            f"{path} cannot be written: {error.strerror or error}; nothing was left there.", hint="Make room, or use --out."
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


# formats ------------------------------------------------------------------------------------------------------------


def _edge(frame: pl.DataFrame, *, times: bool) -> pl.DataFrame:
    """Addresses as text; with `times`, ISO 8601 text as well."""
    import polars as pl

    if frame.height >= _MANY:
        from teiten.readers import _text  # compiled: for many rows only

        frame = _text.addresses_as_text(frame)
    else:
        from teiten import frame as frames

        frame = frames.addresses_as_text(frame)
    if not times:
        return frame
    out = []
    for name, dtype in frame.schema.items():
        if isinstance(dtype, pl.Datetime):
            zone = dtype.time_zone
            pattern = "%Y-%m-%dT%H:%M:%S%.6f" + ("Z" if zone == "UTC" else "%:z" if zone else "")
            out.append(pl.col(name).dt.strftime(pattern))
        elif dtype == pl.Binary:
            out.append(pl.col(name).bin.encode("hex"))
    return frame.with_columns(out) if out else frame


def _parquet(frames: Iterator[pl.DataFrame], schema: Mapping[str, Any], sink: IO[bytes]) -> None:
    import polars as pl
    from polars.io.plugins import register_io_source

    from teiten import event

    addresses = {c.name for c in event.COLUMNS if c.kind == "address"}
    types = {n: pl.String() if n in addresses and t == pl.Binary else t for n, t in schema.items()}
    trouble: list[BaseException] = []

    def source(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        try:
            for frame in frames:
                frame = _edge(frame, times=False)
                yield frame if with_columns is None else frame.select(with_columns)
        except BaseException as error:  # polars would wrap it: kept, to be raised as it was
            trouble.append(error)
            raise

    sink.flush()
    try:
        # small row groups bound the memory of the writer
        register_io_source(source, schema=types).sink_parquet(
            sink, compression="zstd", compression_level=1, row_group_size=122_880, statistics=True
        )
    except BaseException as error:
        if trouble:
            raise trouble[0] from None
        if isinstance(error, pl.exceptions.ComputeError | OSError):
            if "os error 32" in str(error):
                raise BrokenPipeError from None
            raise OSError(getattr(error, "errno", None) or 0, str(error)) from None
        raise


def _jsonl(frames: Iterator[pl.DataFrame], sink: IO[bytes]) -> None:
    for frame in frames:
        if frame.height:
            sink.write(inert.json(_edge(frame, times=True).write_ndjson()).encode())


def _json(frames: Iterator[pl.DataFrame], sink: IO[bytes]) -> None:
    sink.write(b"[")
    first = True
    for frame in frames:
        if not frame.height:
            continue
        body = inert.json(_edge(frame, times=True).write_ndjson()).rstrip("\n").replace("\n", ",\n")
        sink.write((b"\n" if first else b",\n") + body.encode())
        first = False
    sink.write(b"]\n" if first else b"\n]\n")


def _csv(frames: Iterator[pl.DataFrame], schema: Mapping[str, Any], sink: IO[bytes]) -> None:
    import polars as pl

    head = pl.DataFrame({str(at): [inert.cell(name)] for at, name in enumerate(schema)})
    head.write_csv(sink, include_header=False)
    for frame in frames:
        if frame.height:
            _harmless(_edge(frame, times=True)).write_csv(sink, include_header=False)


def _harmless(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame's texts as cells that no spreadsheet takes for a formula. Few texts are looked at one by one."""
    import polars as pl

    out = []
    for name, dtype in frame.schema.items():
        if dtype == pl.String:
            column = frame[name]
            risky = column.filter(column.str.contains(inert.RISKY).fill_null(value=False)).unique()
            if len(risky):
                out.append(column.replace(risky, pl.Series([inert.cell(one) for one in risky])))
    return frame.with_columns(out) if out else frame


def _table(frames: Iterator[pl.DataFrame], schema: Mapping[str, Any], sink: IO[bytes]) -> None:
    names = list(schema)
    if not names:
        return
    right = [t.is_numeric() for t in schema.values()]
    widths: list[int] = []
    for frame in frames:
        for part in _edge(frame, times=True).iter_slices(_TABLE_WINDOW):
            rows = [[_cell(v) for v in row] for row in part.rows()]
            if not widths:
                widths = [max([width(n), *(width(r[i]) for r in rows)]) for i, n in enumerate(names)]
                _lines([names], widths, right, sink)
            _lines(rows, widths, right, sink)
    if not widths:
        _lines([names], [width(n) for n in names], right, sink)


def _texts(rows: Sequence[Mapping[str, str]], names: Sequence[str], sink: IO[bytes]) -> None:
    """A table of texts: nothing heavy is imported for it."""
    if not names:
        return
    cells = [[_cell(row[name]) for name in names] for row in rows]
    widths = [max(map(width, column)) for column in zip(names, *cells, strict=True)]
    _lines([names, *cells], widths, [False] * len(names), sink)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return inert.line(text)


def width(text: str) -> int:
    """Columns that a terminal gives to the text (East Asian wide characters take two)."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _lines(rows: Iterable[Sequence[str]], widths: Sequence[int], right: Sequence[bool], sink: IO[bytes]) -> None:
    out = []
    for row in rows:
        cells = []
        for text, wide, to_right in zip(row, widths, right, strict=True):
            pad = " " * (wide - width(text))
            cells.append(pad + text if to_right else text + pad)
        out.append("  ".join(cells).rstrip())
    if out:
        sink.write(("\n".join(out) + "\n").encode("utf-8", "replace"))
