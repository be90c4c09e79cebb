"""Log files, a file a month, and the truth beside them: labels line by line, sources, stories, the configuration."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from teiten.simulate import _capture
from teiten.simulate._lines import address, lines
from teiten.simulate._shapes import ICMP, TCP, fill
from teiten.simulate._traffic import generator

GZIP_LEVEL: Final = 4
SAME: Final = "# The same packets once more: store only one of the two in a lake."
PIECE: Final = 250_000
"""lines put together at a time: bounds the memory"""


@dataclass(frozen=True, slots=True)
class Extra:
    """A line of another kind: other daemons' (label 'ignored: pppd'), or one whose text is made by hand."""

    time: int
    """µs since 1970"""
    text: str
    label: str
    src: str | None = None
    country: str | None = None
    port: int | None = None
    events: int = 0


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor: what its log is called, how its lines begin, which address it has when."""

    name: str
    group: str
    country: str
    zone_hours: int
    pattern: str
    """of the time stamp, as for strftime"""
    head: str
    """between the stamp and `SRC=`; `{up}` stands for the seconds since boot"""
    addresses: tuple[tuple[int, int], ...]
    """(seconds since 1970, address as a number) from then on; the first holds before its time too"""
    log: str = ""
    """how the names of its logs begin; its own name where empty"""
    folder: str = "logs"
    extras: tuple[Extra, ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()
    mac: str = ""
    """the Ethernet header as a log says it, where the sensor captures too"""
    accepts: tuple[int, ...] = ()
    """TCP ports that it lets through to services behind it: its lines say ACCEPT there, not DROP"""

    def dst(self, times: pl.Series) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The sensor's own address at those times (µs)."""
        since = np.array([t for t, _ in self.addresses], dtype=np.int64) * 1_000_000
        numbers = np.array([a for _, a in self.addresses], dtype=np.int64)
        at = (np.searchsorted(since, times.to_numpy(), side="right") - 1).clip(min=0)
        found: np.ndarray[Any, np.dtype[np.int64]] = numbers[at]
        return found


@dataclass(slots=True)
class Written:
    """What was written for a sensor."""

    paths: list[Path] = field(default_factory=list)
    lines: int = 0
    events: int = 0
    sources: list[pl.DataFrame] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Captured:
    """What a scenario that writes its own files wrote: captures, truth, and the sensor's part of the configuration."""

    paths: list[Path]
    packets: int
    lines: int
    """in logs"""
    truth: Path
    sensors: list[tuple[str, str]]
    """(its table in teiten.toml, without times and paths; its files)"""


def _months(sensor: Sensor, packets: pl.DataFrame) -> list[tuple[str, pl.DataFrame, list[Extra]]]:
    """Packets and other lines by month of the sensor's zone."""
    shift = sensor.zone_hours * 3_600_000_000
    named = packets.with_columns(pl.from_epoch(pl.col("time") + shift, time_unit="us").dt.strftime("%Y-%m").alias("month"))
    zone = dt.timezone(dt.timedelta(hours=sensor.zone_hours))
    extras: dict[str, list[Extra]] = {}
    for extra in sensor.extras:
        extras.setdefault(f"{dt.datetime.fromtimestamp(extra.time / 1e6, zone):%Y-%m}", []).append(extra)
    by_month = {str(key[0]): part.drop("month") for key, part in named.group_by("month", maintain_order=True)}
    return [(m, by_month.get(m, packets.clear()), extras.get(m, [])) for m in sorted(set(by_month) | set(extras))]


def _prefix(sensor: Sensor) -> pl.Expr:
    if sensor.accepts:
        let_in = (pl.col("protocol") == TCP) & pl.col("dpt").is_in(sensor.accepts)
        return pl.when(let_in).then(pl.lit(sensor.head.replace("DROP", "ACCEPT"))).otherwise(pl.lit(sensor.head))
    if "{up}" not in sensor.head:
        return pl.lit(sensor.head)
    before, after = sensor.head.split("{up}")
    boot = sensor.addresses[0][0] * 1_000_000 - 86_400_000_000
    up = pl.col("time") - boot
    micro = (up % 1_000_000).cast(pl.String).str.zfill(6)
    return pl.format("{}{}.{}{}", pl.lit(before), (up // 1_000_000).cast(pl.String), micro, pl.lit(after))


def _text(sensor: Sensor, filled: pl.DataFrame, extras: Sequence[Extra]) -> pl.DataFrame:
    """Lines in the order of time with the label of each (and of which packets they tell)."""
    prefix = _prefix(sensor)
    pieces = [lines(part, prefix, zone_hours=sensor.zone_hours, pattern=sensor.pattern) for part in filled.iter_slices(PIECE)]
    own = pl.DataFrame(
        {
            "time": filled["time"],
            "line": pl.concat(pieces) if pieces else pl.Series([], dtype=pl.String),
            "label": filled["label"],
        }
    )
    if not extras:
        return own
    others = pl.DataFrame(
        {"time": [e.time for e in extras], "line": [e.text for e in extras], "label": [e.label for e in extras]},
        schema=own.schema,
    )
    return pl.concat([own, others]).sort("time", maintain_order=True)


def _sources(sensor: Sensor, filled: pl.DataFrame, extras: Iterable[Extra]) -> pl.DataFrame:
    """One row for each source, label and port: country, packets, first and last time."""
    by_hand = pl.DataFrame(
        [
            {"src_ip": e.src, "label": e.label, "country": e.country, "time": e.time, "packets": e.events, "port": e.port}
            for e in extras
            if e.src
        ],
        schema={
            "src_ip": pl.String,
            "label": pl.String,
            "country": pl.String,
            "time": pl.Int64,
            "packets": pl.Int64,
            "port": pl.Int64,
        },
    )
    return (
        pl.concat(
            [
                filled.lazy().select(
                    address("src").alias("src_ip"),
                    "label",
                    "country",
                    "time",
                    pl.lit(1, dtype=pl.Int64).alias("packets"),
                    port=pl.when(pl.col("protocol") != ICMP).then("dpt"),
                ),
                by_hand.lazy(),
            ]
        )
        .group_by("src_ip", "label", "country", "port")
        .agg(pl.col("packets").sum(), pl.col("time").min().alias("first"), pl.col("time").max().alias("last"))
        .with_columns(pl.lit(sensor.name).alias("sensor"))
        .collect()
    )


def _begins(text: pl.DataFrame) -> pl.Series:
    """Where each line begins in the log, uncompressed."""
    sizes = text["line"].str.len_bytes().cast(pl.Int64) + 1
    return (sizes.cum_sum() - sizes).rename("log_pos")


def _save(path: Path, text: pl.DataFrame, labels: Path) -> None:
    """The log (compressed where its name says so) and its labels; the log's modification time is its last line's."""
    plain = io.BytesIO()
    text.select("line").write_csv(plain, include_header=False, quote_style="never")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        with path.open("wb") as file, gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0) as packed:
            packed.write(plain.getbuffer())
    else:
        path.write_bytes(plain.getbuffer())
    last = int(text["time"][-1]) // 1_000_000
    os.utime(path, (last, last))
    labels.parent.mkdir(parents=True, exist_ok=True)
    # by way of memory, here and below: polars' own errors of a full disk are not OSErrors
    labels.write_text(text.select("label").write_csv(include_header=False, quote_style="never"), encoding="utf-8")


def write_files(
    sensor: Sensor, packets: pl.DataFrame, seed: int, out: Path, kinds: Sequence[str], progress: Callable[[int], None]
) -> Written:
    """The logs or captures of one sensor, a file a month; all logs but the last are compressed."""
    done = Written()
    months = _months(sensor, packets)
    for i, (month, part, extras) in enumerate(months):
        rng = generator(seed, f"fields {sensor.name} {month}")
        filled = fill(part, sensor.dst(part["time"]), seed, rng)
        told: dict[str, Any] = {}
        if "pcap" in kinds:
            path = out / "captures" / f"{sensor.name}-{month}.pcap"
            told["source_pos"] = _capture.save(path, filled, sensor.mac)
            done.paths.append(path)
        if "log" in kinds:
            text = _text(sensor, filled, extras)
            name = f"{sensor.log or sensor.name}-{month}.log"
            path = out / sensor.folder / (name if i == len(months) - 1 else f"{name}.gz")
            _save(path, text, out / "truth" / "lines" / f"{name}.labels")
            done.paths.append(path)
            done.lines += len(text)
            if told and not extras:
                told["log_pos"] = _begins(text)
        if told:
            told["cause"] = filled["label"]
            _capture.save_truth(out / "truth" / f"packets-{sensor.name}-{month}.parquet", told)
        done.events += len(part) + sum(e.events for e in extras)
        done.sources.append(_sources(sensor, filled, extras))
        progress(len(part) + len(extras))
    return done


def _iso(seconds: float, hours: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.timezone(dt.timedelta(hours=hours))).isoformat(timespec="seconds")


def write_truth(
    out: Path, labels: list[dict[str, Any]], stories: list[dict[str, Any]], sources: pl.DataFrame, zone_hours: int
) -> Path:
    """truth.jsonl (labels, stories), truth.csv (sources); returns the first."""
    folder = out / "truth"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = f"%Y-%m-%dT%H:%M:%S+{zone_hours:02d}:00"
    table = sources.sort("sensor", "packets", "src_ip", "label", descending=[False, True, False, False]).select(
        "sensor",
        "src_ip",
        "country",
        "label",
        "packets",
        "ports",
        *(pl.from_epoch(pl.col(c) + zone_hours * 3_600_000_000, time_unit="us").dt.strftime(stamp) for c in ("first", "last")),
    )
    (folder / "truth.csv").write_text(table.write_csv(), encoding="utf-8")
    path = folder / "truth.jsonl"
    counted = {
        row["label"]: row
        for row in sources.group_by("label").agg(pl.col("packets").sum(), pl.col("src_ip").n_unique()).to_dicts()
    }
    with path.open("w", encoding="utf-8") as file:
        for label in labels:
            if label["label"] in counted:
                row = counted[label["label"]]
                json.dump(
                    {"kind": "label", **label, "packets": row["packets"], "hosts": row["src_ip"]}, file, ensure_ascii=False
                )
                file.write("\n")
        for story in sorted(stories, key=lambda s: (s["from"], s["kind"])):
            told = {k: _iso(v, zone_hours) if k in ("from", "to") else v for k, v in story.items()}
            json.dump(told, file, ensure_ascii=False)
            file.write("\n")
    return path


def v6_text(packed: bytes) -> str:
    """An IPv6 address as the kernel logs it: eight full groups."""
    return ":".join(packed[i : i + 2].hex() for i in range(0, 16, 2))
