"""A dark IPv6 prefix' captures and logs, a file a day, with the truth of every packet and of every source's day."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from teiten.simulate._traffic import DAY, Span
from teiten.simulate.dark._batch import ICMP
from teiten.simulate.dark._record import SENSOR, UP, local, parquet, tell
from teiten.simulate.dark._six import CAUSES, Plan6, by_day
from teiten.simulate.dark._wire import HEADER
from teiten.simulate.dark._wire6 import ICMP6, Packet, line
from teiten.simulate.dark._wire6 import record as in_capture

_TIME = pl.Datetime("us", "UTC")


def record(
    plan: Plan6, span: Span, out: Path, kinds: Sequence[str], progress: Callable[[int], None]
) -> tuple[list[Path], Path]:
    """Writes captures, logs and truth; the paths of the former, and of truth.jsonl."""
    paths: list[Path] = []
    (out / "truth").mkdir(parents=True)
    for number, some in enumerate(by_day(plan.packets, span)):
        day = f"{local(span.start + number * DAY):%Y-%m-%d}"
        paths += _day(out, day, some, kinds, span.start - UP)
        progress(len(some))
    return paths, _truth(plan, out)


def _day(out: Path, day: str, packets: Sequence[Packet], kinds: Sequence[str], boot: int) -> list[Path]:
    truth: dict[str, Any] = {}
    written = {}
    if "pcap" in kinds:
        written["pcap"] = [in_capture(p) for p in packets]
        truth["source_pos"] = _begins(len(HEADER), written["pcap"])
    if "log" in kinds:
        written["log"] = [f"{line(p, SENSOR, boot)}\n".encode() for p in packets]
        truth["log_pos"] = _begins(0, written["log"])
    paths = []
    for kind in kinds:
        folder, end, head = ("captures", "pcap", HEADER) if kind == "pcap" else ("logs", "log", b"")
        path = out / folder / f"{SENSOR}-{day}.{end}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(head + b"".join(written[kind]))
        paths.append(path)
    names = pl.Enum(list(CAUSES))
    truth |= {
        "cause": pl.Series([p.cause for p in packets], dtype=names),
        "actor": pl.Series([p.actor for p in packets], dtype=pl.UInt32),
    }
    parquet(pl.DataFrame(truth), out / "truth" / f"packets-{day}.parquet")
    parquet(_sources(packets, names), out / "truth" / f"sources-{day}.parquet")
    return paths


def _begins(at: int, pieces: Sequence[bytes]) -> pl.Series:
    sizes = pl.Series([len(piece) for piece in pieces], dtype=pl.Int64)
    return at + sizes.cum_sum() - sizes


def _sources(packets: Sequence[Packet], names: pl.Enum) -> pl.DataFrame:
    rows = [
        (str(ipaddress.IPv6Address(p.src)), p.cause, CAUSES[p.cause].tool, p.country, p.protocol, p.dport, p.time)
        for p in packets
    ]
    schema: dict[str, Any] = {
        "src_ip": pl.String, "cause": names, "tool": pl.String, "country": pl.String, "protocol": pl.Int64, "port": pl.Int64,
        "time": pl.Int64,
    }  # fmt: skip
    port = pl.when(~pl.col("protocol").is_in([ICMP, ICMP6])).then(pl.struct("protocol", "port"))
    return (
        pl.DataFrame(rows, schema=schema, orient="row")
        .group_by("src_ip", "cause", "tool", "country")
        .agg(
            pl.len().cast(pl.Int64).alias("packets"),
            port.drop_nulls().n_unique().cast(pl.Int64).alias("ports"),
            pl.col("time").min().cast(_TIME).alias("first"),
            pl.col("time").max().cast(_TIME).alias("last"),
        )
        .sort("packets", "src_ip", "cause", descending=[True, False, False])
    )


def _truth(plan: Plan6, out: Path) -> Path:
    causes = Counter(p.cause for p in plan.packets)
    actors = Counter((p.cause, p.actor) for p in plan.packets)
    return tell(out, CAUSES, causes, plan.stories, lambda story: actors[story["label"], story["actor"]])
