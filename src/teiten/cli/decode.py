"""teiten decode: the events of log files to stdout, in the files' order; no lake needed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from teiten.cli import _common, _output
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.readers._base import Chunk, Tally

NAME = "decode"
HELP = "events of log files to stdout, no lake needed"
EXAMPLE = "  teiten decode --output csv --columns time,src_ip,dst_port /var/log/messages*"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="files, folders, globs; - is stdin; .gz .bz2 .xz .zst as they are"
    )
    _output.add_output(parser, "jsonl")
    parser.add_argument("--columns", metavar="NAMES", help="columns, with commas between (default: all)")
    parser.add_argument(
        "--payload-bytes", type=int, metavar="N", help="first bytes of a captured payload in the column payload (default: 0)"
    )
    parser.add_argument("--sensor", metavar="NAME", help="the sensor's name in the events")
    _common.add_reading(parser)
    _common.add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten import readers, settings
    from teiten.readers import _input

    chosen = settings.load(config=args.config, zone=args.tz)
    _common.check_year(args.year)
    if args.format != readers.AUTO:
        readers.module(args.format)
    columns = _columns(args.columns)
    if args.payload_bytes is not None:
        settings.check_payload_bytes(args.payload_bytes, "--payload-bytes")
        chosen = replace(chosen, reading=replace(chosen.reading, payload_bytes=args.payload_bytes))
    sources = _input.inputs(args.files, chosen.reading)
    return _Run(args, chosen, sources, columns).go()


def _columns(text: str | None) -> list[str]:
    from teiten import event

    known = [c.name for c in event.DECODED_COLUMNS]
    if text is None:
        return known
    names = [n.strip() for n in text.split(",") if n.strip()]
    for name in names:
        if name not in known:
            raise UsageError(f"'{name}' is no column of an event.", hint=f"Choose from: {', '.join(known)}.")
    if not names or len(set(names)) != len(names):
        raise UsageError("--columns wants names, each once.", hint="Such as: --columns time,src_ip,dst_port")
    return names


class _Run:
    """One decoding: the frames as they come, the accounting beside them."""

    def __init__(self, args: argparse.Namespace, chosen: Any, sources: list[Any], columns: list[str]) -> None:
        self.args, self.settings, self.sources, self.columns = args, chosen, sources, columns
        self.tallies: list[tuple[str, Tally]] = []
        self.progress = _common.Progress("decoding", sum(s.size or 0 for s in sources) or None)

    def go(self) -> int:
        from teiten.readers import pick

        readers = [pick(s.head(), self.args.format, s.name) for s in self.sources]
        with _common.RejectedFile(self.args.rejected) as rejected:
            try:
                self._write(readers, self._chunks(readers, rejected))
            finally:
                self.progress.clear()
        _common.show_accounts(self.tallies)
        return 0

    def _write(self, readers: list[Any], chunks: Iterator[Chunk]) -> None:
        from teiten import event
        from teiten.readers._marks import Marked

        marked = any(name in event.MARKS for name in self.columns)
        if self.args.output == "parquet" and all(reader.ROWS for reader in readers):
            rows: Iterator[Any] = (c.made for c in chunks)
            _output.write_parquet(map(Marked, rows) if marked else rows, self.columns, self.args.out)
            return
        import polars as pl

        from teiten import frame, marks

        def shown(chunk: Chunk) -> Any:
            if marked and not isinstance(chunk.made, pl.DataFrame):
                return Marked(chunk.made).frame().select(self.columns)
            return (marks.add(chunk.events) if marked else chunk.events).select(self.columns)

        schema = {name: frame.DECODED_SCHEMA[name] for name in self.columns}
        _output.write_frames(map(shown, chunks), schema, self.args.output, self.args.out)

    def _chunks(self, readers: list[Any], rejected: _common.RejectedFile) -> Iterator[Chunk]:
        """Those with events."""
        from teiten.readers._base import ReadOptions, Tally, unit

        zone = self.settings.zone
        done = 0
        for number, (source, reader) in enumerate(zip(self.sources, readers, strict=True)):
            known = self.settings.sensor_of(source.path) if source.path is not None else None
            options = ReadOptions(
                zone=zone if self.args.tz or known is None or known.zone is None else _zone(known.zone),
                sensor=self.args.sensor or (known.name if known else "home"),
                year=self.args.year,
                boot_time=_common.boot_time(self.args.boot_time, zone),
                source_id=number,
                hashed=False,
                reading=self.settings.reading,
            )
            tally = Tally(unit=unit(reader))
            self.tallies.append((source.name, tally))
            for chunk in reader.read(source, options):
                tally.lines += len(chunk.outcome)
                tally.events += len(chunk.event_line)
                tally.count(chunk.outcome, reader)
                rejected.write(source.name, chunk.rejected)
                for note in chunk.notes:
                    self.progress.clear()
                    print(f"teiten: {source.name}: {note}", file=sys.stderr)
                share = chunk.end if source.compression is None else 0
                self.progress.show(done + share, f"{tally.events:,} events")
                if len(chunk.event_line):
                    yield chunk
            done += source.size or 0
            tally.check()


def _zone(name: str) -> Any:
    from teiten import periods

    return periods.zone(name)
