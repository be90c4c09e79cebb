"""Takes all that the lake holds of an address or prefix out of it, for good: events, verdicts, notes, samples of lines.

What is to be done is written down first (`forget.json`, on disk before anything else); from then on it is carried through, by
the lake's next writer if need be. Each table changes in one entry of its log, so a reader sees it as it was or as it is
to be; then the replaced files are deleted. What stays are the keyed hashes of the lines, so that the same log
does not bring the events back, and how many events each batch lost. Packets have no hashes until then: they get them first,
from their events. Logs of tables hold no addresses (see `_delta`).
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from teiten.errors import LakeError
from teiten.lake import _delta, changes, device, history, note, packets, rollup
from teiten.lake import batch as batches
from teiten.lake._writer import batch_number

JOURNAL: Final = "forget.json"
_QUOTED: Final = ("inner_src_ip", "inner_dst_ip")
_ADDRESSES: Final = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}|(?<![0-9A-Za-z])[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_CUT: Final = re.compile(r"[0-9A-Fa-f.:]+$")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Wish:
    """Whom to forget: as the source of events, or as their destination."""

    network: Network
    destination: bool = False

    @property
    def column(self) -> str:
        return "dst_ip" if self.destination else "src_ip"

    def within(self, column: str) -> pl.Expr:
        """Is that address (bytes) one of them? False for null."""
        low, high = self.network[0].packed, self.network[-1].packed
        inside = (pl.col(column).bin.size() == len(low)) & (pl.col(column) >= pl.lit(low)) & (pl.col(column) <= pl.lit(high))
        return inside.fill_null(False)

    def quoted(self) -> pl.Expr:
        """Events of others whose quoted packet names them."""
        return (self.within(_QUOTED[0]) | self.within(_QUOTED[1])) & ~self.within(self.column)

    def is_named(self, text: str | None) -> bool:
        """Does the text name one of them?"""
        return any(self._holds(found.group(0)) for found in _ADDRESSES.finditer(text or ""))

    def _holds(self, text: str) -> bool:
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(text.rstrip(".:") if not text.endswith("::") else text) in self.network
        return False

    def is_cut(self, text: str) -> bool:
        """May the text end in the beginning of one of them? A line that could not be read often is one that was cut."""
        found = _CUT.search(text)
        if found is None or len(found.group(0)) < 2:
            return False
        first, last = self.network[0], self.network[-1]
        spelled = {str(first), str(last), first.exploded, last.exploded}
        return any(one.startswith(found.group(0).lower()) for one in spelled)


@dataclass(slots=True)
class Held:
    """What the lake holds of them: rows of each table. `others`: events that have them as the other side, which stay."""

    events: int = 0
    packets: int = 0
    first: Any = None
    last: Any = None
    sensors: set[str] = field(default_factory=set)
    quoted: int = 0
    others: int = 0
    verdicts: int = 0
    notes: int = 0
    aggregates: int = 0
    """rows of aggregates that are about one of them"""
    detections: int = 0
    """detections and stories that name one of them"""
    devices: int = 0
    """rows of evidence of what stands behind one of them, or that name one"""
    samples: int = 0
    """lines, and ends of lines, of which the lake keeps the text"""
    inputs: set[str] = field(default_factory=set)
    """names of inputs in which they stand, which stay: by them a log is found again"""
    files: dict[str, int] = field(default_factory=dict)
    """name of a file of events that must be written anew -> its events that go"""

    @property
    def nothing(self) -> bool:
        return not (
            self.files or self.verdicts or self.notes or self.aggregates or self.detections or self.devices or self.samples
        )


# counting -----------------------------------------------------------------------------------------------------------


def look(path: Path, wish: Wish) -> Held:
    """What the lake in that folder holds of them, counted file by file."""
    held = Held()
    for file in _delta.Table(path / "events").files():
        _count(held, file, wish)
    for file in _files(path, "verdicts"):
        held.verdicts += pl.read_parquet(file).filter(_judged(wish)).height
    for file in _files(path, _aggregates(wish)):
        held.aggregates += pl.scan_parquet(file).filter(wish.within(wish.column)).select(pl.len()).collect().item()
    for name in changes.SHOWN:
        for file in _files(path, name):
            held.detections += int(_tells(pl.read_parquet(file), wish).sum())
    for file in _files(path, "devices"):
        frame = pl.read_parquet(file)
        held.devices += frame.filter(_witnessed(frame, wish)).height
    held.notes = len(_about(note.read(_files(path, "notes")), wish))
    for file in _files(path, "batches"):
        for text, tail, *names in pl.read_parquet(file, columns=["samples", "tail", "source", "path"]).iter_rows():
            held.inputs |= {name for name in names if wish.is_named(name)}
            line = (tail or b"").decode("utf-8", "replace")
            held.samples += _samples(text, wish)[1] + (wish.is_named(line) or wish.is_cut(line))
    return held


def _files(path: Path, name: str) -> list[Path]:
    return _delta.Table(path / name).files() if _delta.Table.exists(path / name) else []


def _count(held: Held, file: Path, wish: Wish) -> None:
    other = "src_ip" if wish.destination else "dst_ip"
    columns = ["time", "sensor", "packets", "src_ip", "dst_ip", *_QUOTED]
    there = pl.read_parquet_schema(file)
    rows = pl.scan_parquet(file).select(c for c in columns if c in there)
    kept = rows.filter(wish.within("src_ip") | wish.within("dst_ip") | wish.within(_QUOTED[0]) | wish.within(_QUOTED[1]))
    found = kept.collect()
    own = found.filter(wish.within(wish.column))
    quoted = found.filter(wish.quoted()).height
    held.others += found.filter(wish.within(other) & ~wish.within(wish.column)).height
    if not own.height and not quoted:
        return
    held.files[file.name] = own.height
    held.events += own.height
    held.quoted += quoted
    if own.height:
        held.packets += int(own["packets"].sum())
        held.sensors |= set(own["sensor"].unique())
        held.first = min(filter(None, (held.first, own["time"].min())))
        held.last = max(filter(None, (held.last, own["time"].max())))


def _judged(wish: Wish) -> pl.Expr:
    """Verdicts on them: on one, or on a prefix that lies within."""
    return wish.within("src_ip") & (pl.col("prefix_len") >= wish.network.prefixlen)


def _about(every: pl.DataFrame, wish: Wish) -> list[str]:
    """Ids of notes about them, or that name one of them, with what withdraws such a note."""
    found = []
    for row in every.iter_rows(named=True):
        about = row["src"] is not None and _inside(row["src"], wish.network)
        if about or any(wish.is_named(row[name]) for name in ("text", "url", "value", "author")) or row["replaces"] in found:
            found.append(row["id"])
    return found


def _inside(text: str, network: Network) -> bool:
    with contextlib.suppress(ValueError, TypeError):
        return ipaddress.ip_network(text).subnet_of(network)  # type: ignore[arg-type]
    return False


def _tells(frame: pl.DataFrame, wish: Wish) -> pl.Series:
    """Which rows of detections or stories name one of them: in what is told of who carries it, of why, or by an analyst."""
    named = [name for name in ("parts", "reason", "because") if name in frame.columns]
    found = [any(wish.is_named(text) for text in row) for row in frame.select(named).iter_rows()]
    return pl.Series(found, dtype=pl.Boolean)


def _witnessed(frame: pl.DataFrame, wish: Wish) -> pl.Series:
    """Which rows of evidence are about one of them, or name one."""
    named = pl.Series(
        [any(wish.is_named(text) for text in row) for row in frame.select(device.EVIDENCE).iter_rows()], dtype=pl.Boolean
    )
    return named if wish.destination else named | frame.select(about=wish.within("src_ip"))["about"]


def drop_devices(path: Path, gone: pl.Expr) -> int:
    """Takes those rows of evidence out but for their ids, in one entry of the log: how many went. Under the lake's lock."""
    count = sum(pl.read_parquet(file).filter(gone.fill_null(value=False)).height for file in _files(path, "devices"))
    if count:
        _rewrite(path, "devices", ("time",), lambda frame: device.emptied(frame, gone))
        _delta.Table(path / "devices").sweep(grace=0)
    return count


def _samples(text: str | None, wish: Wish) -> tuple[str | None, int]:
    """The kept samples without those that name one of them, and how many those are."""
    samples: dict[str, list[str]] = json.loads(text or "{}")
    left = {why: [one for one in lines if not (wish.is_named(one) or wish.is_cut(one))] for why, lines in samples.items()}
    gone = sum(map(len, samples.values())) - sum(map(len, left.values()))
    return (json.dumps(left, ensure_ascii=False, sort_keys=True) if gone else text), gone


# doing --------------------------------------------------------------------------------------------------------------


def begin(path: Path, wish: Wish, held: Held) -> None:
    """Writes down what is to be done; from here on it will be. Under the lake's lock; `held` as it was looked up there."""
    lost: dict[int, int] = {}
    for name, count in held.files.items():
        number = batch_number(name)
        if number is not None:
            lost[number] = lost.get(number, 0) + count
    before = _forgotten(path)
    told = {
        "prefix": str(wish.network),
        "destination": wish.destination,
        # what each batch will have lost in all, so that it may be written twice
        "forgotten": {str(number): before.get(number, 0) + count for number, count in lost.items()},
    }
    new = path / (JOURNAL + ".new")
    new.write_text(json.dumps(told), encoding="utf-8")
    _delta.fsync(new)
    new.replace(path / JOURNAL)
    _delta.fsync(path)


def _forgotten(path: Path) -> dict[int, int]:
    files = _files(path, "batches")
    if not files:
        return {}
    rows = pl.scan_parquet(files, schema=batches.SCHEMA, missing_columns="insert", extra_columns="ignore")
    return {number: count or 0 for number, count in rows.select("batch", "forgotten").collect().iter_rows()}


def finish(path: Path, key: int) -> bool:
    """Does what is written down, if there is any; all of it may be done again. Under the lake's lock, after its recovery.

    key: the lake's. OSError and its like where the disk does not let it: then the next writer tries again.
    """
    journal = path / JOURNAL
    if not journal.exists():
        return False
    try:
        told = json.loads(journal.read_text(encoding="utf-8"))
        wish = Wish(ipaddress.ip_network(told["prefix"]), bool(told["destination"]))
        forgotten = {int(number): int(count) for number, count in told["forgotten"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LakeError(f"{journal} cannot be understood ({error}).", hint="Remove it and run teiten forget again.") from None
    _keep_hashes(path, wish, key)
    _events(path, wish)
    _rewrite(path, "verdicts", ("day", "zone"), lambda frame: frame.filter(~_judged(wish)))
    _counted(path, wish)
    about = _about(note.read(_files(path, "notes")), wish)
    _rewrite(path, "notes", ("created",), lambda frame: frame.filter(~pl.col("id").is_in(about)))
    _rewrite(path, "batches", ("batch", "sensor", "t_min", "t_max"), lambda frame: _scrubbed(frame, wish, forgotten, key))
    if _files(path, "devices"):
        _rewrite(path, "devices", ("time",), lambda frame: device.emptied(frame, pl.lit(_witnessed(frame, wish))))
    for name in changes.SHOWN:
        if _files(path, name):
            _rewrite(path, name, ("day", "zone"), lambda frame: frame.filter(~_tells(frame, wish)))
    for name in ("events", "verdicts", "notes", "batches", "devices", *rollup.TABLES, *changes.TABLES):
        if not _delta.Table.exists(path / name):
            continue
        _delta.Table(path / name).sweep(grace=0)
        _delta.fsync(path / name)
    journal.unlink()
    _delta.fsync(path)
    return True


def _keep_hashes(path: Path, wish: Wish, key: int) -> None:
    """The hashes of packets that are about to go (`packets`) become part of their batches, by which a capture tells them."""
    files = _files(path, "batches")
    if not files:
        return
    rows = pl.scan_parquet(files, schema=batches.SCHEMA, missing_columns="insert", extra_columns="ignore")
    told = rows.filter(pl.col("hashed").is_not_null()).select("batch", "source_id", "start").collect()
    if not told.height:
        return
    told = told.sort("source_id", "start")
    going: dict[int, tuple[packets.Hashes, history.Ints]] = {}
    for file in _delta.Table(path / "events").files():
        own = pl.scan_parquet(file).filter(wish.within(wish.column))
        found = own.select("source_id", "source_pos", *packets.COLUMNS).collect().sort("source_id", "source_pos")
        # its batch: the last of its source that begins at its place or before
        found = found.join_asof(
            told, left_on="source_pos", right_on="start", by="source_id", strategy="backward", check_sortedness=False
        )
        for (number,), part in found.drop_nulls("batch").partition_by("batch", as_dict=True, include_key=True).items():
            hashes, places = packets.of_frame(part, key), (part["source_pos"] - part["start"]).to_numpy()
            before = going.get(number)
            going[number] = (
                (np.concatenate([before[0], hashes]), np.concatenate([before[1], places])) if before else (hashes, places)
            )

    def with_hashes(frame: pl.DataFrame) -> pl.DataFrame:
        if "hashed" not in frame.columns:
            return frame
        data, numbers = frame["line_hashes"].to_list(), frame["hashed"].to_list()
        for i, number in enumerate(frame["batch"].to_list()):
            if number in going:
                data[i], numbers[i] = batches.packed_with(data[i], numbers[i], *going[number])
        return frame.with_columns(pl.Series("line_hashes", data, dtype=pl.Binary), pl.Series("hashed", numbers, dtype=pl.Int64))

    if going:
        _rewrite(path, "batches", ("batch", "sensor", "t_min", "t_max"), with_hashes)


def _events(path: Path, wish: Wish) -> None:
    held = Held()
    table = _delta.Table(path / "events")
    table.sweep(grace=0)  # what an interrupted one has written: where the disk is nearly full it would not fit twice
    for file in table.files():
        _count(held, file, wish)

    def without(frame: pl.DataFrame) -> pl.DataFrame:
        blank = [pl.when(~wish.within(name)).then(pl.col(name)).alias(name) for name in _QUOTED]
        return frame.filter(~wish.within(wish.column)).with_columns(blank)

    _replace(table, [path / "events" / name for name in held.files], ("time", "sensor"), without)


def _aggregates(wish: Wish) -> str:
    """The table of aggregates whose rows name them."""
    return "rollup_targets" if wish.destination else "rollup_sources"


def _counted(path: Path, wish: Wish) -> None:
    """Takes them out of aggregates: those of days that events are kept of are counted anew anyhow, of others they lose them."""
    name = _aggregates(wish)
    named = [pl.read_parquet(file, columns=[wish.column]).filter(wish.within(wish.column)) for file in _files(path, name)]
    found = pl.concat(named).unique()[wish.column].to_list() if named else []
    if not found:
        return
    hosts = [] if wish.destination else [rollup.hashed(address) for address in found]
    for table in ("rollup_ports", "rollup_busy") if hosts else ():
        if _files(path, table):
            _rewrite(path, table, ("day", "zone"), lambda frame: frame.filter(~pl.col("host").is_in(hosts).fill_null(False)))
    if hosts and _files(path, "rollup_pairs"):
        _rewrite(path, "rollup_pairs", ("day", "zone"), lambda frame: frame.filter(~wish.within(wish.column)))
    # the last: by its rows an interrupted one finds the hashes again
    _rewrite(path, name, ("day", "zone"), lambda frame: frame.filter(~wish.within(wish.column)))


def _rewrite(path: Path, name: str, bounds: Iterable[str], change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Those files of a table that a change leaves otherwise, in one entry of its log."""
    table = _delta.Table(path / name)
    touched = [file for file in table.files() if not (frame := pl.read_parquet(file)).equals(change(frame))]
    _replace(table, touched, bounds, change)


def _replace(
    table: _delta.Table, files: list[Path], bounds: Iterable[str], change: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    written = []
    for file in files:
        frame = change(pl.read_parquet(file))
        if frame.height:
            written.append(_delta.write_parquet(frame, table.path, _named_like(file.name), bounds))
    if files:
        table.commit(written, [file.name for file in files])


def _named_like(name: str) -> str:
    """The same name with another uuid: what stands before it tells which batch or month it is."""
    return f"{_UUID.sub('', name.removesuffix('.parquet'))}{uuid.uuid4()}.parquet"


def _scrubbed(frame: pl.DataFrame, wish: Wish, forgotten: dict[int, int], key: int) -> pl.DataFrame:
    """Rows of `batches` without samples that name them, with line ends sealed and with what each batch lost."""

    def rows() -> Iterator[dict[str, Any]]:
        columns = ["batch", "samples", "tail", *(["forgotten"] if "forgotten" in frame.columns else [])]
        for row in frame.select(columns).iter_rows(named=True):
            yield {
                "samples": _samples(row["samples"], wish)[0],
                "tail": history.sealed(row["tail"], key) if row["tail"] else row["tail"],
                "forgotten": forgotten.get(row["batch"], row.get("forgotten")),
            }

    changed = pl.DataFrame(list(rows()), schema={name: batches.SCHEMA[name] for name in ("samples", "tail", "forgotten")})
    if "forgotten" not in frame.columns and changed["forgotten"].null_count() == changed.height:
        changed = changed.drop("forgotten")
    return frame.with_columns(changed)
