"""The dark prefix's captures, a file a day, with the truth of every packet and of every source's day."""

from __future__ import annotations

import datetime as dt
import io
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from teiten.simulate._lines import address
from teiten.simulate._sources import mixed
from teiten.simulate._traffic import DAY, Span
from teiten.simulate.dark._batch import ICMP, Batch, chosen, together
from teiten.simulate.dark._causes import CAUSES, NAMES
from teiten.simulate.dark._plan import COUNTRIES, Plan
from teiten.simulate.dark._wire import HEADER, IP, lengths, records

SENSOR: Final = "telescope"
AT_ONCE: Final = 250_000
"""packets made at a time, about: bounds the memory"""
TOLD_AT_ONCE: Final = 10_000_000
"""rows of truth in one file; a day with more has several"""
SECOND: Final = 1_000_000


@dataclass(slots=True)
class Recorded:
    """What was written."""

    paths: list[Path] = field(default_factory=list)
    packets: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    actors: Counter[tuple[int, int]] = field(default_factory=Counter)
    """(cause's place, actor) -> packets, of those who have a story"""


def _hidden(batch: Batch, plan: Plan) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which packets the sensor never recorded: it was off, or its line lost them."""
    time = batch["time"]
    off = (time >= plan.outage[0] * SECOND) & (time < plan.outage[1] * SECOND)
    thin = (time >= plan.loss[0] * SECOND) & (time < plan.loss[1] * SECOND)
    key = mixed(time, 5) ^ (batch["src"].astype(np.uint64) << np.uint64(32) | batch["dst"].astype(np.uint64))
    lost = (mixed(key, 6) >> np.uint64(11)).astype(np.float64) / 2**53 < plan.lost
    out: np.ndarray[Any, np.dtype[np.bool_]] = off | (thin & lost)
    return out


def _windows(plan: Plan, span: Span, day: int, per_day: float) -> Iterator[tuple[int, int]]:
    """The day in stretches of about AT_ONCE packets (µs)."""
    parts = max(1, round(per_day / AT_ONCE))
    begin = (span.start + day * DAY) * SECOND
    edges = [begin + DAY * SECOND * i // parts for i in range(parts + 1)]
    yield from itertools.pairwise(edges)


_KEY: Final = ("src", "cause", "country", "protocol", "dport")
_SUMS: Final = (pl.col("packets").sum(), pl.col("first").min(), pl.col("last").max())


class _Day:
    """The truth of one day, written as its packets are: packets-DAY.parquet (a row each, in the capture's order; -2, -3 ...
    where there are very many), sources-DAY.parquet."""

    def __init__(self, folder: Path, day: str) -> None:
        self.folder, self.day = folder, day
        self.rows: list[pl.DataFrame] = []
        self.files = 0
        self.sources: list[pl.DataFrame] = []
        self.at = len(HEADER)
        self.names = pl.Series(NAMES, dtype=pl.Enum(NAMES))

    def add(self, batch: Batch) -> None:
        """Packets that were written."""
        sizes = lengths(batch) + IP
        causes = self.names.gather(batch["cause"].astype(np.uint32))
        self.rows.append(
            pl.DataFrame({"source_pos": self.at + np.cumsum(sizes) - sizes, "cause": causes, "actor": batch["actor"]})
        )
        self.at += int(sizes.sum())
        if sum(map(len, self.rows)) >= TOLD_AT_ONCE:
            self._save_rows()
        named = chosen(batch, ~np.isin(batch["cause"], [i for i, c in enumerate(CAUSES.values()) if c.forged]))
        seen = pl.DataFrame({n: named[n] for n in ("time", *_KEY)}).lazy()
        times = (pl.col("time").min().alias("first"), pl.col("time").max().alias("last"))
        self.sources.append(seen.group_by(_KEY).agg(pl.len().cast(pl.Int64).alias("packets"), *times).collect())
        if len(self.sources) > 8:
            self.sources = [self._sources()]

    def _sources(self) -> pl.DataFrame:
        return pl.concat(self.sources).lazy().group_by(_KEY).agg(*_SUMS).collect()

    def _save_rows(self) -> None:
        self.files += 1
        name = f"packets-{self.day}{f'-{self.files}' if self.files > 1 else ''}.parquet"
        _parquet(pl.concat(self.rows), self.folder / name)
        self.rows = []

    def close(self) -> None:
        """Writes what is left."""
        if self.rows or not self.files:
            self._save_rows()
        port = pl.when(pl.col("protocol") != ICMP).then(pl.struct("protocol", "dport"))
        tools = pl.Series([c.tool for c in CAUSES.values()], dtype=pl.String)
        countries = pl.Series([*COUNTRIES, None], dtype=pl.String)
        ports = port.drop_nulls().n_unique().cast(pl.Int64).alias("ports")
        sources = self._sources().group_by("src", "cause", "country").agg(ports, *_SUMS)
        sources = sources.sort("packets", "src", "cause", descending=[True, False, False])
        _parquet(
            sources.select(
                address("src").alias("src_ip"),
                self.names.gather(sources["cause"].cast(pl.UInt32)).alias("cause"),
                tools.gather(sources["cause"].cast(pl.UInt32)).alias("tool"),
                countries.gather(sources["country"].cast(pl.Int64) % len(countries)).alias("country"),
                "packets",
                "ports",
                pl.from_epoch("first", time_unit="us").dt.replace_time_zone("UTC"),
                pl.from_epoch("last", time_unit="us").dt.replace_time_zone("UTC"),
            ),
            self.folder / f"sources-{self.day}.parquet",
        )


def _parquet(frame: pl.DataFrame, path: Path) -> None:
    # by way of memory: polars' own errors of a full disk are not OSErrors
    plain = io.BytesIO()
    frame.write_parquet(plain, compression="zstd", compression_level=3)
    path.write_bytes(plain.getbuffer())


def record(plan: Plan, span: Span, packets: float, out: Path, progress: Callable[[int], None]) -> Recorded:
    """Writes the captures (`captures/`) and the packets' truth (`truth/`) of all days."""
    done = Recorded()
    captures, truth = out / "captures", out / "truth"
    captures.mkdir(parents=True)
    truth.mkdir()
    told = {NAMES.index(s["label"]) for s in plan.stories if "actor" in s}
    carried: dict[str, Any] = chosen(together([]), np.arange(0))
    for number in range(span.days):
        day = f"{_local(span.start + number * DAY):%Y-%m-%d}"
        path, told_day = captures / f"{SENSOR}-{day}.pcap", _Day(truth, day)
        with path.open("wb") as file:
            file.write(HEADER)
            for begin, end in _windows(plan, span, number, packets / span.days):
                parts = [carried]
                for actor in plan.actors:
                    found = actor.packets(begin, end)
                    if found is not None:
                        parts.append({**found, "cause": NAMES.index(actor.cause)})
                batch = together(parts)
                carried = chosen(batch, batch["time"] >= end)
                batch = {n: np.asarray(c) for n, c in chosen(batch, (batch["time"] < end) & ~_hidden(batch, plan)).items()}
                for piece in records(batch):
                    file.write(piece)
                told_day.add(batch)
                _count(done, batch, told)
                progress(len(batch["time"]))
        told_day.close()
        done.paths.append(path)
    return done


def _count(done: Recorded, batch: Batch, told: set[int]) -> None:
    done.packets += len(batch["time"])
    for cause, n in enumerate(np.bincount(batch["cause"], minlength=len(NAMES))):
        done.causes[NAMES[cause]] += int(n)
    some = np.isin(batch["cause"], list(told))
    who = batch["cause"][some].astype(np.uint64) << np.uint64(32) | batch["actor"][some]
    keys, counts = np.unique(who, return_counts=True)
    for key, n in zip(keys.tolist(), counts.tolist(), strict=True):
        done.actors[key >> 32, key & 0xFFFFFFFF] += n


def _local(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.timezone(dt.timedelta(hours=9)))


def write_truth(plan: Plan, done: Recorded, out: Path) -> Path:
    """truth.jsonl: a line for each cause with its packets, then one for each story; returns its path."""
    path = out / "truth" / "truth.jsonl"
    rows: list[dict[str, Any]] = [
        {"kind": "label", "label": name, "tool": c.tool, "because": c.because, "packets": done.causes[name]}
        for name, c in CAUSES.items()
    ]
    for story in sorted(plan.stories, key=lambda s: (s["from"], s["kind"], s.get("actor", 0))):
        told: dict[str, Any] = {
            k: _local(v).isoformat() if k in ("from", "to") else v for k, v in story.items() if v is not None
        }
        if "countries" in told:
            told["countries"] = {c: _local(t).isoformat() for c, t in told["countries"].items()}
        if "actor" in story:
            told["packets"] = done.actors[NAMES.index(story["label"]), story["actor"]]
        rows.append(told)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path
