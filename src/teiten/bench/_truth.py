"""The truth of simulated traffic beside the lake that was made of it: what each source sent on a day, and due to what."""

from __future__ import annotations

import gzip
import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import polars as pl

    from teiten.settings import Settings

_ASKED: Final = (
    "SELECT parse_path(path)[-1] AS file, e.source_pos, e.src_ip, e.dst_ip, e.time, e.protocol, e.src_port, e.dst_port,"
    " e.inner_dst_ip, coalesce(e.mark_zmap OR e.mark_masscan, false) AS marked,"
    " (epoch_us(e.time) + $offset) // 86400000000 AS day"
    " FROM raw_events e JOIN (SELECT source_id, any_value(path) AS path FROM sources GROUP BY ALL) s USING (source_id)"
)
IDLE, LEAST, LASTS, BUSY, WINDOW, STEP = 300.0, 25, 60.0, 30, 60.0, 10.0
"""CAIDA's rule for an attack that is seen by its backscatter (corsaro_dos.c): seconds and packets"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one simulation."""

    units: pl.DataFrame
    """src_ip, day, cause -> packets; targets: distinct destinations of the port with most; run: packets of a series of ports
    in order; telnet: packets to 23 and 2323; marked: with ZMap's or masscan's mark"""
    victims: pl.DataFrame
    """src_ip (of the victim), day -> packets; rsdos: whether the day's packets alone meet the rule"""
    verdicts: pl.DataFrame
    tools: dict[str, str]
    """cause -> the tool that sends it"""
    packets: int
    strays: int
    """events without a cause, and causes without an event: 0 where all went well"""


def _told(folder: Path) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """file, source_pos, cause, actor of every packet or line; and the lines of truth.jsonl."""
    import polars as pl

    rows = [json.loads(line) for line in (folder / "truth" / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    parts = []
    for path in sorted((folder / "truth").glob("packets-*.parquet")):
        some = pl.read_parquet(path)
        actor = pl.col("actor").cast(pl.Int64) if "actor" in some.columns else pl.lit(0, dtype=pl.Int64).alias("actor")
        name = pl.lit(_capture(folder, path.stem.removeprefix("packets-"))).alias("file")
        parts.append(some.select(name, "source_pos", pl.col("cause").cast(pl.String), actor))
    for path in sorted((folder / "truth" / "lines").glob("*.labels")) if not parts else []:
        parts.append(_lines(folder, path))
    return pl.concat(parts), rows


def _capture(folder: Path, stem: str) -> str:
    """The name of the capture that a truth of that name tells of: `DAY`, `DAY-2`, or `SENSOR-MONTH`."""
    (name,) = [p.name for p in (folder / "captures").iterdir() if p.stem == stem or p.stem.endswith(f"-{stem[:10]}")]
    return name


def _lines(folder: Path, labels: Path) -> pl.DataFrame:
    """The lines of one log that tell of packets: where each begins, and its label."""
    import numpy as np
    import polars as pl

    (log,) = [p for p in folder.rglob(f"{labels.stem}*") if p.suffix in (".log", ".gz")]
    plain = gzip.decompress(log.read_bytes()) if log.suffix == ".gz" else log.read_bytes()
    ends = np.flatnonzero(np.frombuffer(plain, dtype=np.uint8) == 10)
    begins = np.concatenate(([0], ends[:-1] + 1))
    said = labels.read_text(encoding="utf-8").splitlines()
    frame = pl.DataFrame({"source_pos": begins, "cause": said}).filter(~pl.col("cause").str.starts_with("ignored: "))
    return frame.select(pl.lit(log.name).alias("file"), "source_pos", "cause", pl.lit(0).cast(pl.Int64).alias("actor"))


def seen(folder: Path, settings: Settings) -> Seen:
    """A simulation's folder and the lake within it -> what its sources sent and what was said of them."""
    import polars as pl

    from teiten.engine.duckdb import Session
    from teiten.lake import Lake

    lake = Lake.open(folder / "lake")
    with Session(lake, settings) as session:
        events = session.frame(_ASKED, {"offset": 9 * 3_600_000_000})
    told, rows = _told(folder)
    both = events.join(told, on=["file", "source_pos"], how="left")
    strays = both["cause"].null_count() + told.join(events, on=["file", "source_pos"], how="anti").height
    both = both.with_columns(pl.col("day").cast(pl.Int32).cast(pl.Date), pl.col("cause").fill_null("?"))
    in_order = [(r["label"], r.get("actor", 0)) for r in rows if r.get("consecutive")]
    verdicts = lake.verdicts(zone=settings.zone_name)
    tools = {r["label"]: r["tool"] for r in rows if r["kind"] == "label" and r.get("tool")}
    return Seen(_units(both, in_order), _victims(both, rows), verdicts, tools, events.height, strays)


def _units(both: pl.DataFrame, in_order: list[tuple[str, int]]) -> pl.DataFrame:
    import polars as pl

    runs = pl.DataFrame(in_order, schema={"cause": pl.String, "actor": pl.Int64}, orient="row").with_columns(
        pl.lit(1, dtype=pl.Int64).alias("run")
    )
    marked = both.join(runs, on=["cause", "actor"], how="left").with_columns(pl.col("run").fill_null(0))
    key = ["src_ip", "day", "cause"]
    telnet = (pl.col("protocol") == 6) & pl.col("dst_port").is_in([23, 2323])
    whole = marked.group_by(key).agg(
        pl.len().alias("packets"), pl.col("run").sum(), pl.col("marked").sum(), telnet.sum().alias("telnet")
    )
    targets = (
        both.group_by([*key, "dst_port"])
        .agg(pl.col("dst_ip").n_unique().alias("targets"))
        .group_by(key)
        .agg(pl.col("targets").max())
    )
    return whole.join(targets, on=key).with_columns(pl.col("packets", "run", "telnet", "targets", "marked").cast(pl.Int64))


def _victims(both: pl.DataFrame, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """The victims of attacks that the truth tells of (a log's: the sources of backscatter), by day."""
    import polars as pl

    some = both.filter(pl.col("cause") == "backscatter")
    known = {r["actor"]: ipaddress.ip_address(r["victim"]).packed for r in rows if r["kind"] == "attack"}
    if known:
        victim = pl.DataFrame({"actor": list(known), "victim": list(known.values())}, schema_overrides={"actor": pl.Int64})
        some = some.join(victim, on="actor")
    else:
        some = some.with_columns(pl.coalesce("inner_dst_ip", "src_ip").alias("victim"))
    out = []
    for (address, day), part in some.group_by("victim", "day"):
        seconds = (part["time"].to_physical().sort() / 1e6).to_list()
        out.append((address, day, len(seconds), int(rsdos(seconds))))
    schema = {"src_ip": pl.Binary, "day": pl.Date, "packets": pl.Int64, "rsdos": pl.Int64}
    return pl.DataFrame(out, schema=schema, orient="row")


def rsdos(seconds: list[float]) -> bool:
    """Do packets at these times (sorted) make an attack by CAIDA's rule?"""
    begin = 0
    for end in range(1, len(seconds) + 1):
        if end == len(seconds) or seconds[end] - seconds[end - 1] > IDLE:
            if _attack(seconds[begin:end]):
                return True
            begin = end
    return False


def _attack(seconds: list[float]) -> bool:
    import numpy as np

    if len(seconds) < LEAST or seconds[-1] - seconds[0] < LASTS:
        return False
    times = np.array(seconds)
    starts = np.arange(times[0] - WINDOW, times[-1], STEP)
    within = np.searchsorted(times, starts + WINDOW, side="left") - np.searchsorted(times, starts, side="left")
    return bool(within.max() >= BUSY)
