"""A quarter of traffic whose every packet is written down: the truth, as a frame, and the logs or the capture that hold it.

It shares no code with what reads, judges and counts. Countries are those of well-known networks; what is announced stands in
the lists that NICT and Yokohama National University published.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

ZONE: Final = dt.timezone(dt.timedelta(hours=9))
FIRST, QUARTER, AFTER = dt.date(2021, 6, 16), dt.date(2021, 7, 1), dt.date(2021, 10, 1)
"""the last half month of one quarter, and the 92 days of the next"""
PLACES: Final = {
    "CN": "1.80.0.0", "RU": "5.3.0.0", "TW": "114.32.0.0", "KR": "175.200.0.0", "VN": "113.160.0.0", "BR": "177.32.0.0",
    "EG": "41.32.0.0", "TR": "78.160.0.0", "IN": "59.88.0.0", "FR": "90.5.0.0", "DE": "84.136.0.0", "GB": "82.0.0.0",
    "JP": "126.200.0.0", "US": "71.6.135.0", None: "203.0.113.0",
}  # fmt: skip
"""country (None: no data tell) -> where its sources begin"""
ANNOUNCED: Final = {"NOTICE": ("153.231.215.9", "150.249.227.161"), "YNU": ("133.34.169.31",)}
LAPSED: Final = "122.1.4.87"
"""announced for the winter of 2018, no longer in 2021"""
LARGE: Final = 80
"""packets a day from which a source of 30 ports is a large scanner here (`TOML`)"""
TOML: Final = f"""zone = "Asia/Tokyo"
animations = false
[thresholds]
ranked_coverage = 0.1
large_scanner_packets = 300
large_scanner_floor = {LARGE}
"""
DARK: Final = ipaddress.ip_network("44.11.0.0/20")
TCP, UDP, ICMP = 6, 17, 1


@dataclass(frozen=True)
class Kind:
    """What visits: so many sources a day, each with so many packets, at these ports (their shares) from these countries."""

    label: str
    hosts: float
    packets: int
    ports: dict[int, float]
    countries: dict[str | None, float]
    protocol: int = TCP
    since: float = -1.0
    """part of the quarter that passes before it begins"""


IOT: Final[dict[str | None, float]] = {"CN": 5, "TW": 3, "BR": 3, "RU": 2, "EG": 2, "JP": 2, "VN": 2, None: 1}
KINDS: Final = (
    Kind("mirai", 5, 3, {23: 9, 2323: 1}, IOT),
    Kind("mirai 9530", 6, 2, {9530: 1}, {"TW": 6, "RU": 2, "JP": 2}, since=0.5),
    Kind("mirai low", 1, 2, {23: 1}, {"KR": 1, "JP": 1}),
    Kind("telnet", 4, 3, {23: 8, 2323: 2}, IOT),
    Kind("smb", 5, 4, {445: 1}, {"VN": 4, "RU": 3, "IN": 3, "TR": 2, None: 1}),
    Kind("web", 5, 3, {80: 4, 8080: 3, 22: 3, 443: 2, 3389: 2, 5555: 1, 37215: 1}, {"US": 4, "CN": 3, "DE": 2, "GB": 1}),
    Kind("odd", 1, 3, dict.fromkeys(range(2000, 60000, 1500), 1), {"US": 2, "DE": 1, "BR": 1}),
    Kind("at home", 2, 3, {6666: 1}, {"US": 1, "CN": 2}, since=0.0),
    Kind("at one", 1, 3, {7777: 1}, {"US": 1, "CN": 2}, since=0.0),
    Kind("udp", 3, 3, {123: 2, 53413: 2, 5060: 3}, {"US": 3, "FR": 2, "GB": 2}, UDP),
    Kind("ping", 2, 2, {0: 1}, {"US": 1, "JP": 1, "CN": 1}, ICMP),
)  # fmt: skip
WIDE: Final = range(100, 140)


def day_of(day: dt.date) -> int:
    """Its midnight as µs since 1970."""
    return int(dt.datetime.combine(day, dt.time(), ZONE).timestamp()) * 1_000_000


def number(address: str) -> int:
    return int(ipaddress.IPv4Address(address))


def golden(
    seed: int, sensors: int, scale: float, *, dark: bool = False, land: Callable[[int], str | None] = lambda _: None
) -> pl.DataFrame:
    """One row for each packet, in order of time: time (µs), day, sensor, src, dst (numbers), protocol, port (null: ICMP), seq,
    spt, label, country (null: unknown), mirai ('narrow', 'wide' or null), organisation; large, research, spoofed (booleans).

    land: what the geo data say of an address drawn from anywhere, as forged ones are.
    """
    rng, parts = np.random.default_rng(seed), []
    days = (AFTER - FIRST).days
    for n in range(days):
        day = FIRST + dt.timedelta(days=n)
        passed = (day - QUARTER).days / (AFTER - QUARTER).days
        for kind in KINDS:
            if passed >= kind.since:
                parts += _visits(kind, n, rng, scale)
        parts += _scanners(n, rng)
        parts += _beat(n, 1 if dark else sensors)
    found = pl.concat([pl.DataFrame(part, schema=COLUMNS) for part in parts])
    first, size = (int(DARK.network_address), DARK.num_addresses) if dark else (number("192.0.2.1"), sensors)
    beat, chosen = (
        pl.col("label") == "beat",
        np.zeros(len(found), dtype=np.int64) if dark else rng.integers(0, sensors, len(found)),
    )
    # of a beat the port says for now which hour and sensor it is of; the very first and the very last moment are seen too
    hour, within = pl.col("port") // 1000, pl.Series(rng.integers(0, 3_600_000_000, len(found)))
    within = (
        pl.when((hour == 0) & (pl.col("day") == 0))
        .then(0)
        .when((hour == 23) & (pl.col("day") == days - 1))
        .then(3_599_999_999)
        .otherwise(within)
    )
    found = found.with_columns(
        sensor=pl.when(beat)
        .then(pl.col("port") % 1000)
        .when(pl.col("label") == "at home")
        .then(pl.Series(chosen) % ((sensors + 1) // 2))
        .when(pl.col("label") == "at one")
        .then(min(1, sensors - 1))
        .otherwise(pl.Series(chosen)),
        time=pl.when(beat).then(hour * 3_600_000_000 + within).otherwise(pl.Series(rng.integers(0, 86_400_000_000, len(found))))
        + pl.col("day") * 86_400_000_000
        + day_of(FIRST),
    ).with_columns(dst=pl.Series(rng.integers(first, first + size, len(found))) if dark else pl.col("sensor") + first)
    found = pl.concat([found, _flood(rng, first, land)], how="diagonal_relaxed")
    label, other = pl.col("label"), pl.Series(rng.integers(0, 1 << 32, len(found)))
    low, marked = label == "mirai low", label.str.starts_with("mirai")
    return found.sort("time", maintain_order=True).with_columns(
        day=pl.lit(FIRST) + pl.duration(days=pl.col("day")),
        port=pl.when(pl.col("protocol") != ICMP).then("port"),
        spt=pl.when(low).then(1024).otherwise(pl.Series(rng.integers(1025, 65536, len(found)))),
        seq=pl.when(marked).then("dst").otherwise(other),
        mirai=pl.when(low).then(pl.lit("wide")).when(marked).then(pl.lit("narrow")),
        research=pl.col("large") | pl.col("organisation").is_not_null(),
        spoofed=label == "spoofed",
    )


COLUMNS: Final = {
    "day": pl.Int64, "src": pl.Int64, "protocol": pl.Int64, "port": pl.Int64, "label": pl.String, "country": pl.String,
    "organisation": pl.String, "large": pl.Boolean,
}  # fmt: skip


def _rows(
    n: int, src: int, protocol: int, ports: Sequence[int], label: str, country: str | None, **more: Any
) -> dict[str, Any]:
    many = len(ports)
    return {
        "day": [n] * many, "src": [src] * many, "protocol": [protocol] * many, "port": list(map(int, ports)),
        "label": [label] * many, "country": [country] * many, "organisation": [more.get("organisation")] * many,
        "large": [more.get("large", False)] * many,
    }  # fmt: skip


def _visits(kind: Kind, n: int, rng: np.random.Generator, scale: float) -> list[dict[str, Any]]:
    """The sources of a day: most of them were there the day before."""
    names, weights = list(kind.countries), np.array(list(kind.countries.values()))
    ports, shares = list(kind.ports), np.array(list(kind.ports.values()))
    at = KINDS.index(kind) * 7
    out = []
    for _ in range(rng.poisson(kind.hosts * scale)):
        country = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        # a pool of sources that moves on with the days; the last octet tells the kinds apart
        pool = int(n / 3 + rng.integers(0, 8))
        src = number(PLACES[country]) + (at + pool % 7 + 1) + (0 if country in (None, "US") else 256 * (pool // 7))
        chosen = rng.choice(ports, kind.packets + int(rng.integers(0, 3)), p=shares / shares.sum())
        out.append(_rows(n, src, kind.protocol, list(chosen), kind.label, country))
    return out


def _scanners(n: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Announced ones on some days; large ones; and two that miss a threshold by one."""
    out = []
    for at, (organisation, addresses) in enumerate(ANNOUNCED.items()):
        if n % (at + 2) == 0:
            for address in map(number, addresses):
                ports = list(rng.choice([22, 23, 80, 8080, 2323], 6))
                out.append(_rows(n, address, TCP, ports, "announced", "JP", organisation=organisation))
    for country, octet, every in (("US", 250, 3), ("RU", 251, 4), ("DE", 252, 5), (None, 253, 11)):
        if n % every == 0:
            ports = [WIDE[i % len(WIDE)] for i in range(LARGE + 5 * (n % 7))]
            out.append(_rows(n, number(PLACES[country]) + octet, TCP, ports, "large", country, large=True))
    if n % 4 == 1:
        out.append(_rows(n, number(LAPSED), TCP, [22, 23, 80], "lapsed", "JP"))
        out.append(_rows(n, number(PLACES["JP"]) + 250, TCP, list(range(7000, 7010)), "ten ports", "JP"))
        out.append(_rows(n, number(PLACES["JP"]) + 251, TCP, list(range(7000, 7009)), "nine ports", "JP"))
    if n % 9 == 0:
        out.append(_rows(n, number(PLACES["GB"]) + 250, TCP, [WIDE[i % 40] for i in range(LARGE - 1)], "too few", "GB"))
        out.append(_rows(n, number(PLACES["FR"]) + 250, TCP, [WIDE[i % 29] for i in range(LARGE + 40)], "too narrow", "FR"))
    return out


def _beat(n: int, sensors: int) -> list[dict[str, Any]]:
    """A neighbour that pings every sensor once an hour: so that there is no silence that could be an outage."""
    marks = [hour * 1000 + at for hour in range(24) for at in range(sensors)]
    return [_rows(n, number(PLACES["US"]) + 254, ICMP, marks, "beat", "US")]


def _flood(rng: np.random.Generator, first: int, land: Callable[[int], str | None]) -> pl.DataFrame:
    """Forged SYNs of one quarter of an hour, a packet each from anywhere, at one port of the first address."""
    n, count = (dt.date(2021, 8, 18) - FIRST).days, 900
    src = rng.choice(np.arange(1 << 24), count, replace=False) * 256 + rng.integers(1, 255, count)
    start = day_of(dt.date(2021, 8, 18)) + 13 * 3_600_000_000
    same = {"day": n, "protocol": TCP, "port": 8545, "label": "spoofed", "large": False, "sensor": 0, "dst": first}
    return pl.DataFrame(
        {
            "src": src, "country": [land(int(one)) for one in src], "organisation": pl.Series([None] * count, dtype=pl.String),
            "time": start + rng.integers(0, 900_000_000, count), **{name: [what] * count for name, what in same.items()},
        }
    )  # fmt: skip


# what the observer has ------------------------------------------------------------------------------------------------


def _address(column: str) -> pl.Expr:
    octets = [(pl.col(column) // (1 << shift) % 256).cast(pl.String) for shift in (24, 16, 8, 0)]
    return pl.concat_str(octets, separator=".")


def _identification() -> pl.Expr:
    """None that has masscan's mark by accident: of 65,536 packets one would, and be no forged one's any more."""
    number, marked = pl.col("seq") % 54_000, (pl.col("dst") ^ pl.col("port") ^ pl.col("seq")) % 65_536
    return pl.when(number == marked).then(number + 1).otherwise(number).alias("identification")


def lines_of(packets: pl.DataFrame) -> pl.DataFrame:
    """The packets, each with its line of a router's log."""
    stamp = pl.from_epoch(pl.col("time") + 9 * 3_600_000_000, time_unit="us").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+09:00")
    head = pl.format(
        "{} gw kernel: [DROP] IN=eth0 OUT= MAC= SRC={} DST={} LEN=40 TOS=0x00 PREC=0x00 TTL=51 ID={} ",
        stamp, _address("src"), _address("dst"), _identification(),
    )  # fmt: skip
    text = (
        pl.when(pl.col("protocol") == TCP)
        .then(pl.format("PROTO=TCP SPT={} DPT={} SEQ={} ACK=0 WINDOW=29200 RES=0x00 SYN URGP=0", "spt", "port", "seq"))
        .when(pl.col("protocol") == UDP)
        .then(pl.format("PROTO=UDP SPT={} DPT={} LEN=20", "spt", "port"))
        .otherwise(pl.format("PROTO=ICMP TYPE=8 CODE=0 ID={} SEQ=1", "spt"))
    )
    return packets.with_columns(line=head + text)


def write_logs(packets: pl.DataFrame, folder: Path, sensors: int, *, by: Sequence[str] = ("sensor",)) -> Path:
    """Logs, one for each sensor or for whatever `by` tells apart besides, and teiten.toml, which is returned."""
    folder.mkdir(parents=True)
    for key, own in lines_of(packets).group_by(*by, maintain_order=True):
        name = "-".join(f"{part:02d}" if isinstance(part, int) else str(part) for part in key)
        (folder / f"s{name}.log").write_text("".join(f"{line}\n" for line in own["line"]), encoding="ascii")
    toml = [TOML]
    for at in range(sensors):
        name = sensor_name(at)
        home = at < (sensors + 1) // 2
        toml += [
            f"[sensor.{name}]", f'group = "{"domestic" if home else "overseas"}"', f'country = "{"JP" if home else "DE"}"',
            "addresses = 1", f"from = {FIRST}T00:00:00+09:00", f"to = {AFTER}T00:00:00+09:00", f'paths = ["s{at:02d}*.log"]',
        ]  # fmt: skip
    return _toml(folder, toml)


def sensor_name(at: int) -> str:
    return f"s{at + 1:02d}"


def _toml(folder: Path, lines: list[str]) -> Path:
    path = folder / "teiten.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_capture(packets: pl.DataFrame, folder: Path) -> Path:
    """One capture of the dark prefix, and teiten.toml, which is returned."""
    folder.mkdir(parents=True)
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)]
    fields = packets.select("time", "src", "dst", "protocol", "port", "seq", "spt", _identification())
    for time, src, dst, protocol, port, seq, spt, identification in fields.iter_rows():
        if protocol == TCP:
            above = struct.pack(">HHIIBBHHH", spt, port, seq, 0, 0x50, 2, 29200, 0, 0)
        elif protocol == UDP:
            above = struct.pack(">HHHH", spt, port, 20, 0) + bytes(12)
        else:
            above = struct.pack(">BBHHH", 8, 0, 0, spt, 1)
        ip = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(above), identification, 0, 51, protocol, 0, src, dst)
        out.append(struct.pack("<IIII", time // 1_000_000, time % 1_000_000, 20 + len(above), 20 + len(above)) + ip + above)
    (folder / "dark.pcap").write_bytes(b"".join(out))
    return _toml(folder, [
        TOML, "[sensor.s01]", 'group = "dark"', f"addresses = {DARK.num_addresses}", f"from = {FIRST}T00:00:00+09:00",
        f"to = {AFTER}T00:00:00+09:00", 'paths = ["dark.pcap"]',
    ])  # fmt: skip
