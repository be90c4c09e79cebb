"""The dark prefix's captures, a file a day, with the truth of every packet and of every source's day."""

from __future__ import annotations

import datetime as dt
import io
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.simulate._lines import address
from teiten.simulate._sources import mixed
from teiten.simulate._traffic import DAY, Span
from teiten.simulate.dark._batch import ICMP, Batch, chosen, together
from teiten.simulate.dark._causes import CAUSES, NAMES, Cause
from teiten.simulate.dark._plan import COUNTRIES, Plan
from teiten.simulate.dark._series import Prefix
from teiten.simulate.dark._text import logged, text
from teiten.simulate.dark._wire import HEADER, IP, lengths, records

SENSOR: Final = "telescope"
AT_ONCE: Final = 250_000
"""packets made at a time, about: bounds the memory"""
TOLD_AT_ONCE: Final = 10_000_000
"""rows of truth in one file; a day with more has several"""
SECOND: Final = 1_000_000
UP: Final = 86_400
"""seconds for which the logging machine has run when the first day begins"""


@dataclass(slots=True)
class Recorded:
    """What was written."""

    paths: list[Path] = field(default_factory=list)
    packets: int = 0
    lines: int = 0
    """in the log"""
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
    where there are very many), sources-DAY.parquet. A row has the byte at which the packet begins in the capture
    (`source_pos`) and in the log (`log_pos`, null where it has no line), of those files that are written."""

    def __init__(self, folder: Path, day: str) -> None:
        self.folder, self.day = folder, day
        self.rows: list[pl.DataFrame] = []
        self.files = 0
        self.sources: list[pl.DataFrame] = []
        self.at, self.log_at = len(HEADER), 0
        self.names = pl.Series(NAMES, dtype=pl.Enum(NAMES))

    def add(self, batch: Batch, kinds: Sequence[str], line_sizes: npt.NDArray[np.int64]) -> None:
        """Packets that were written; the length of each one's line, 0 for none."""
        told: dict[str, Any] = {}
        if "pcap" in kinds:
            sizes = lengths(batch) + IP
            told["source_pos"] = self.at + np.cumsum(sizes) - sizes
            self.at += int(sizes.sum())
        if "log" in kinds:
            begins = pl.Series(self.log_at + np.cumsum(line_sizes) - line_sizes)
            told["log_pos"] = pl.select(pl.when(pl.Series(line_sizes > 0)).then(begins)).to_series()
            self.log_at += int(line_sizes.sum())
        told |= {"cause": self.names.gather(batch["cause"].astype(np.uint32)), "actor": batch["actor"]}
        self.rows.append(pl.DataFrame(told))
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
        parquet(pl.concat(self.rows), self.folder / name)
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
        parquet(
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


def parquet(frame: pl.DataFrame, path: Path) -> None:
    """Writes the frame."""
    # by way of memory: polars' own errors of a full disk are not OSErrors
    plain = io.BytesIO()
    frame.write_parquet(plain, compression="zstd", compression_level=3)
    path.write_bytes(plain.getbuffer())


class _Files:
    """The files of one day."""

    def __init__(self, out: Path, day: str, prefix: Prefix, kinds: Sequence[str], boot: int) -> None:
        self.prefix, self.boot, self.kinds = prefix, boot, kinds
        ends = {"pcap": out / "captures" / f"{SENSOR}-{day}.pcap", "log": out / "logs" / f"{SENSOR}-{day}.log"}
        self.paths = {kind: ends[kind] for kind in kinds}

    def __enter__(self) -> Self:
        self.open = {}
        for kind, path in self.paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            self.open[kind] = path.open("wb")
        if "pcap" in self.open:
            self.open["pcap"].write(HEADER)
        return self

    def __exit__(self, *_: object) -> None:
        for file in self.open.values():
            file.close()

    def write(self, batch: Batch) -> npt.NDArray[np.int64]:
        """(n) the length of each packet's line, 0 where it has none."""
        if "pcap" in self.open:
            for piece in records(batch):
                self.open["pcap"].write(piece)
        sizes = np.zeros(len(batch["time"]), dtype=np.int64)
        if "log" in self.open:
            some = np.flatnonzero(logged(batch, self.prefix))
            lines, sizes[some] = text({name: column[some] for name, column in batch.items()}, SENSOR, self.boot)
            self.open["log"].write(lines)
        return sizes


def record(
    plan: Plan, span: Span, packets: float, out: Path, prefix: Prefix, kinds: Sequence[str], progress: Callable[[int], None]
) -> Recorded:
    """Writes the captures (`captures/`) or logs (`logs/`) of all days, and the packets' truth (`truth/`)."""
    done = Recorded()
    truth = out / "truth"
    truth.mkdir(parents=True)
    told = {NAMES.index(s["label"]) for s in plan.stories if "actor" in s}
    carried: dict[str, Any] = chosen(together([]), np.arange(0))
    for number in range(span.days):
        day = f"{local(span.start + number * DAY):%Y-%m-%d}"
        told_day = _Day(truth, day)
        with _Files(out, day, prefix, kinds, span.start - UP) as files:
            for begin, end in _windows(plan, span, number, packets / span.days):
                parts = [carried]
                for actor in plan.actors:
                    found = actor.packets(begin, end)
                    if found is not None:
                        parts.append({**found, "cause": NAMES.index(actor.cause)})
                batch = together(parts)
                carried = chosen(batch, batch["time"] >= end)
                batch = {n: np.asarray(c) for n, c in chosen(batch, (batch["time"] < end) & ~_hidden(batch, plan)).items()}
                sizes = files.write(batch)
                told_day.add(batch, kinds, sizes)
                done.lines += int(np.count_nonzero(sizes))
                _count(done, batch, told)
                progress(len(batch["time"]))
        told_day.close()
        done.paths += [files.paths[kind] for kind in kinds]
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


def local(seconds: float) -> dt.datetime:
    """That time (since 1970) in Japan."""
    return dt.datetime.fromtimestamp(seconds, dt.timezone(dt.timedelta(hours=9)))


def write_truth(plan: Plan, done: Recorded, out: Path) -> Path:
    """truth.jsonl: a line for each cause with its packets, then one for each story; returns its path."""
    return tell(
        out, CAUSES, done.causes, plan.stories, lambda story: done.actors[NAMES.index(story["label"]), story["actor"]]
    )  # fmt: skip


def tell(
    out: Path,
    causes: Mapping[str, Cause],
    packets: Mapping[str, int],
    stories: Sequence[Mapping[str, Any]],
    of: Callable[[Mapping[str, Any]], int],
) -> Path:
    """Writes it. `of` counts the packets of a story's actor."""
    path = out / "truth" / "truth.jsonl"
    rows: list[dict[str, Any]] = [
        {"kind": "label", "label": name, "tool": c.tool, "because": c.because, "packets": packets.get(name, 0)}
        for name, c in causes.items()
    ]
    for story in sorted(stories, key=lambda s: (s["from"], s["kind"], s.get("actor", 0))):
        told: dict[str, Any] = {
            k: local(v).isoformat() if k in ("from", "to") else v for k, v in story.items() if v is not None
        }
        if "countries" in told:
            told["countries"] = {c: local(t).isoformat() for c, t in told["countries"].items()}
        if "actor" in story:
            told["packets"] = of(story)
        rows.append(told)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path
