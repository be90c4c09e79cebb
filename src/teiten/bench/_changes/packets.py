"""A world's counts as packets in a log, read by the real program: whether its cells, and what is told of them, are the same."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from teiten.bench import _process
from teiten.bench._changes import score
from teiten.bench._changes.kinds import Change
from teiten.bench._changes.shown import shown
from teiten.bench._changes.trials import seen
from teiten.bench._changes.world import ZONE, World, generator
from teiten.detect.view import CELLS

_SHAPES = {1: "ping", 6: "linux", 17: "udp"}
_PROTOCOLS = {shape: protocol for protocol, shape in _SHAPES.items()}
_SAME = ["time", "protocol", "dst_port", "country", "asn"]


def frame(world: World, cells: pl.DataFrame) -> pl.DataFrame:
    """Packets (simulate's schema) of cells of one sensor: each host of a cell sends once or more, within the hour."""
    from teiten.simulate._sources import draw
    from teiten.simulate._traffic import SCHEMA

    rng = generator("packets", world.scale.name, world.seed)
    cells = cells.sort("time", "protocol", "dst_port", "country", "asn")
    hosts, packets = cells["hosts"].to_numpy(), cells["packets"].to_numpy()
    # a packet of each host, what is left to the cell's first one
    cell = np.repeat(np.arange(cells.height), packets)
    number = np.arange(len(cell)) - np.repeat(np.cumsum(packets) - packets, packets)
    host = np.maximum(0, number - np.repeat(packets - hosts, packets))
    source = np.repeat(np.cumsum(hosts) - hosts, packets) + host
    country = np.repeat(np.array(cells["country"].to_list()), hosts)
    addresses = np.zeros(len(country), np.uint32)
    for name in np.unique(country):
        mine = country == name
        addresses[mine] = draw(str(name), int(mine.sum()), rng)
    begins = cells["time"].to_physical().to_numpy()[cell]
    made = pl.DataFrame(
        {
            "time": begins + rng.integers(0, 3_600_000_000, len(cell)),
            "sensor": np.zeros(len(cell), np.int16),
            "src": addresses[source],
            "country": country[source],
            "port": cells["dst_port"].fill_null(0).to_numpy()[cell],
            "shape": np.array([_SHAPES[p] for p in cells["protocol"].to_list()])[cell],
            "label": np.full(len(cell), "suite"),
            "visit": source.astype(np.uint64),
        }
    )
    return made.cast(pl.Schema(SCHEMA)).sort("time")


def counted(world: World, packets: pl.DataFrame) -> pl.DataFrame:
    """Cells of those packets, told by who made them: the suite's own AS are nobody's, so that addresses have others."""
    from teiten.enrich import geo

    hour = packets["time"] // 3_600_000_000 * 3_600_000_000
    rows = packets.with_columns(hour.cast(pl.Datetime("us", "UTC")).alias("hour"))
    octets = rows["src"].to_numpy().astype(">u4").tobytes()
    address = [octets[at : at + 4] for at in range(0, len(octets), 4)]
    rows = rows.with_columns(pl.Series("address", address, pl.Binary))
    days = rows.with_columns(rows["hour"].dt.date().alias("day")).partition_by("day")
    placed = [day.with_columns(geo.located(day["address"], day["day"][0])["asn"]) for day in days]
    protocol = pl.col("shape").replace_strict(list(_PROTOCOLS), list(_PROTOCOLS.values()), return_dtype=pl.Int16)
    port = pl.when(pl.col("protocol") == 1).then(None).otherwise(pl.col("port"))
    cells = pl.concat(placed).with_columns(protocol.alias("protocol")).with_columns(port.alias("dst_port"))
    summed = cells.group_by("hour", "protocol", "dst_port", "country", "asn").agg(
        pl.len().alias("packets"), pl.col("src").n_unique().alias("hosts")
    )
    own = summed.with_columns(pl.lit(world.sensor(0)).alias("sensor"), pl.lit(False).alias("scanner"))
    return own.rename({"hour": "time"}).select(pl.col(name).cast(kind) for name, kind in CELLS.items())


def ingested(world: World, packets: pl.DataFrame, folder: Path) -> Path:
    """A log of these packets, ingested by the command; its configuration."""
    from teiten.simulate._household import DROP, HOST
    from teiten.simulate._write import Sensor, write_files

    shutil.rmtree(folder, ignore_errors=True)
    head, pattern = f"{HOST} {DROP}", "%Y-%m-%dT%H:%M:%S"
    name = world.sensor(0)
    sensor = Sensor(name, "suite", "JP", 9, pattern, head, ((int(world.start.timestamp()), 0xCB007107),))
    write_files(sensor, packets, world.seed, folder, ("log",), lambda _lines: None)
    config = folder / "teiten.toml"
    text = f'zone = "{ZONE}"\nlake = "lake"\n\n[sensor.{name}]\naddresses = 1\npaths = ["logs/*"]\n'
    config.write_text(text, encoding="utf-8")
    _process.run(_process.teiten("ingest", "--config", str(config), str(folder / "logs")))
    return config


def held(world: World, changes: Sequence[Change], folder: Path) -> dict[str, Any]:
    """The changes as packets: cells (by hour, port, country, AS) that came out otherwise, and what was told of which change."""
    from teiten import detect, settings
    from teiten.detect import kept
    from teiten.lake import Lake

    made = frame(world, seen(world, changes).cells)
    look = shown(world, counted(world, made))
    config = ingested(world, made, folder)
    chosen = settings.load(config=config)
    lake = Lake.open(folder / "lake")
    out: dict[str, Any] = {"cells": 0, "unlike": 0, "told": {}, "counted": {}}
    for day in sorted({day for change in changes for day in change.truth.days}):
        with kept.viewing(lake, chosen, world.day(day)) as read:
            known = look.view(day)
            start, after = read.bounds(read.day)
            within = pl.col("time").is_between(start, after, closed="left")
            sums = [v.cells.filter(within).group_by(_SAME).agg(pl.col("packets", "hosts").sum()) for v in (read, known)]
            both = sums[0].join(sums[1], on=_SAME, how="full", nulls_equal=True, coalesce=True)
            same = pl.col("packets").eq_missing(pl.col("packets_right")) & pl.col("hosts").eq_missing(pl.col("hosts_right"))
            out["cells"] += both.height
            out["unlike"] += both.filter(~same).height
            for name, view in (("told", read), ("counted", known)):
                found = detect.find(view)
                for change in changes:
                    telling = sorted({one.kind for one in found if score.tells(one, change.truth)})
                    out[name].setdefault(change.truth.kind, []).append(",".join(telling))
    shutil.rmtree(folder)
    return out
