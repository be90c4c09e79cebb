"""The fields of each packet, by the shape of the tool that sends it (marks as in the tools' own sources)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.simulate._sources import mixed

Columns = dict[str, npt.NDArray[Any]]
ICMP, TCP, UDP = 1, 6, 17
RST, SYN, ACK = 4, 2, 16
FLAG_TEXT: Final = {SYN: "SYN ", SYN | ACK: "ACK SYN ", RST | ACK: "ACK RST ", RST: "RST ", ACK: "ACK "}

OPTIONS: Final[tuple[str, ...]] = (
    "",
    "020405B4",  # MSS alone: nmap -sS
    "020405B40103030801010402",  # MSS, window scale, SACK: Windows, and ZMap since 4.1
    "020405B401010402",  # the same without a scale: older Windows
    "020405B40402080A00000000000000000103030A",  # MSS, SACK, time stamp, scale: Linux
)
LENGTHS: Final = np.array([len(o) // 2 for o in OPTIONS])

FIELDS: Final = {
    "protocol": TCP,
    "ttl": 64,
    "id": 0,
    "len": 40,
    "df": 0,
    "tos": 0,
    "spt": 0,
    "dpt": 0,
    "seq": 0,
    "ack": 0,
    "window": 0,
    "flags": SYN,
    "options": 0,
    "payload": 0,
    "icmp_type": 0,
    "icmp_code": 0,
    "icmp_id": 0,
    "icmp_seq": 0,
    "inner_spt": 0,
    "inner_dpt": 0,
}


@dataclass(frozen=True, slots=True)
class Given:
    """What is known of the packets before their fields: addresses as numbers, port, constants of source and visit."""

    src: npt.NDArray[np.int64]
    dst: npt.NDArray[np.int64]
    port: npt.NDArray[np.int64]
    time: npt.NDArray[np.int64]
    source: npt.NDArray[np.uint64]
    visit: npt.NDArray[np.uint64]
    rng: np.random.Generator

    def __len__(self) -> int:
        return len(self.src)

    def any(self, below: int, above: int = 0) -> npt.NDArray[np.int64]:
        """(n) numbers, another for each packet: above <= x < below."""
        return self.rng.integers(above, below, len(self))

    def own(self, below: int, above: int = 0, salt: int = 0, of: str = "source") -> npt.NDArray[np.int64]:
        """(n) numbers that are the same for all packets of a source, or of a visit."""
        number: npt.NDArray[np.uint64] = (
            mixed(self.source if of == "source" else self.visit, salt) >> np.uint64(11)
        ) % np.uint64(below - above)
        return number.astype(np.int64) + above


def near(src: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The victim of an attack: a neighbour of the router that answers for it."""
    return src // 256 * 256 + (src % 256 * 7 + 3) % 253 + 1


def _ttl(given: Given, initial: int) -> npt.NDArray[np.int64]:
    return initial - given.own(25, 7, salt=1)


def mirai(g: Given) -> Columns:
    return {
        "ttl": _ttl(g, 64),
        "id": g.any(65536),
        "seq": g.dst,
        "spt": g.own(65536, 1025, 2, "visit"),
        "window": g.own(65536, 1, 3, "visit"),
        "tos": g.own(10, 0, 4) // 9 * 8,
    }


def masscan(g: Given) -> Columns:
    seq = g.any(1 << 32)
    return {
        "ttl": _ttl(g, 255),
        "id": (g.dst ^ g.port ^ seq) & 0xFFFF,
        "seq": seq,
        "spt": g.own(61000, 40000, 2),
        "window": np.full(len(g), 1024),
    }


def zmap_old(g: Given) -> Columns:
    return {
        "ttl": _ttl(g, 255),
        "id": np.full(len(g), 54321),
        "seq": g.any(1 << 32),
        "spt": g.any(61000, 32768),
        "window": np.full(len(g), 65535),
    }


def zmap_new(g: Given) -> Columns:
    return {
        "ttl": _ttl(g, 64),
        "id": g.any(65536),
        "seq": g.any(1 << 32),
        "spt": g.any(61000, 32768),
        "window": np.full(len(g), 65535),
        "options": np.full(len(g), 2),
    }


def nmap(g: Given) -> Columns:
    return {
        "ttl": g.own(60, 37, 5, "visit") - g.own(20, 7, salt=1),
        "id": g.any(65536),
        "seq": g.own(1 << 32, 0, 6, "visit"),
        "spt": g.own(65000, 33000, 2, "visit"),
        "window": np.full(len(g), 1024),
        "options": np.full(len(g), 1),
    }


def linux(g: Given) -> Columns:
    windows = np.array([29200, 64240, 14600, 5840])
    return {
        "ttl": _ttl(g, 64),
        "id": g.any(65536),
        "seq": g.any(1 << 32),
        "spt": g.any(61000, 32768),
        "df": np.ones(len(g)),
        "window": windows[g.own(4, 0, 7)],
        "options": np.full(len(g), 4),
    }


def windows(g: Given) -> Columns:
    # one connection is tried three times: the same port and sequence number, the ID counts on
    old = g.own(3, 0, 8) == 0
    counted = g.time // 1_000_000 * 7
    return {
        "ttl": _ttl(g, 128),
        "id": (g.own(65536, 0, 9, "visit") + counted) & 0xFFFF,
        "seq": g.own(1 << 32, 0, 6, "visit"),
        "spt": np.where(old, g.own(5000, 1025, 2, "visit"), g.own(65536, 49152, 2, "visit")),
        "df": np.ones(len(g)),
        "window": np.where(old, 65535, 8192),
        "options": np.where(old, 3, 2),
    }


def windows_server(g: Given) -> Columns:
    return windows(g) | {"window": np.full(len(g), 64240), "options": np.full(len(g), 2), "spt": g.any(65536, 49152)}


def announced(g: Given) -> Columns:
    """NOTICE's, as one household saw it in 2019: TTL 244, window 1024, no options, one source port a round."""
    return {
        "ttl": np.full(len(g), 244),
        "id": g.any(65536),
        "seq": g.any(1 << 32),
        "spt": g.own(61000, 40000, 2, "visit"),
        "window": np.full(len(g), 1024),
    }


def udp(g: Given) -> Columns:
    sizes = {
        123: 12,
        1900: 94,
        161: 40,
        53: 30,
        53413: 20,
        389: 52,
        11211: 15,
        137: 50,
        111: 40,
        19: 1,
        17: 1,
        5683: 21,
        3702: 150,
    }
    payload = np.array([sizes.get(int(p), 20) for p in np.unique(g.port)])[np.unique(g.port, return_inverse=True)[1]]
    return {
        "protocol": np.full(len(g), UDP),
        "ttl": np.where(g.own(2, 0, 8) == 0, _ttl(g, 255), _ttl(g, 64)),
        "id": g.any(65536),
        "spt": g.own(61000, 30000, 2),
        "payload": payload,
        "len": 28 + payload,
    }


def sip(g: Given) -> Columns:
    payload = 400 + g.own(40, 0, 10)
    return {
        "protocol": np.full(len(g), UDP),
        "ttl": _ttl(g, 64),
        "id": g.any(65536) * 0,
        "df": np.ones(len(g)),
        "spt": g.own(5160, 5060, 2),
        "payload": payload,
        "len": 28 + payload,
    }


def ping(g: Given) -> Columns:
    return {
        "protocol": np.full(len(g), ICMP),
        "ttl": _ttl(g, 64),
        "id": g.any(65536),
        "len": np.full(len(g), 84),
        "icmp_type": np.full(len(g), 8),
        "icmp_id": g.own(65536, 1, 2, "visit"),
        "icmp_seq": g.any(4, 1),
    }


def backscatter(g: Given) -> Columns:
    """Of four victims two answer SYN-ACK, one RST-ACK, one has a router that answers ICMP unreachable or time exceeded."""
    how, web = g.own(4, 0, 11), np.array([80, 443, 80, 443, 53, 25565])[g.own(6, 0, 12)]
    icmp = how == 3
    hidden = g.own(2, 0, 13) == 0
    return {
        "protocol": np.where(icmp, ICMP, TCP),
        "ttl": np.where(how == 2, _ttl(g, 128), _ttl(g, 64)),
        "id": np.where(how < 2, 0, g.any(65536)),
        "df": np.where(how < 2, 1, 0),
        "len": np.where(icmp, np.where(hidden, 68, 56), np.where(how < 2, 44, 40)),
        "spt": web,
        "dpt": g.any(65536, 1024),
        "seq": np.where(how == 2, 0, g.any(1 << 32)),
        "ack": g.any(1 << 32),
        "window": np.where(how == 2, 0, 65535),
        "flags": np.where(how == 2, RST | ACK, SYN | ACK),
        "options": np.where(how < 2, 1, 0),
        "icmp_type": np.where(hidden, 3, 11),
        "icmp_code": np.where(hidden, 1, 0),
        "inner_spt": g.any(65536, 1024),
        "inner_dpt": web,
    }


SHAPES: Final[dict[str, Callable[[Given], Columns]]] = {
    "mirai": mirai,
    "masscan": masscan,
    "zmap-old": zmap_old,
    "zmap-new": zmap_new,
    "nmap": nmap,
    "linux": linux,
    "windows": windows,
    "windows-server": windows_server,
    "announced": announced,
    "udp": udp,
    "sip": sip,
    "ping": ping,
    "backscatter": backscatter,
}


def fill(packets: pl.DataFrame, dst: npt.NDArray[np.int64], seed: int, rng: np.random.Generator) -> pl.DataFrame:
    """Adds `dst` (uint32) and every one of FIELDS to packets of `_traffic.SCHEMA`."""
    n = len(packets)
    fields = {name: np.full(n, value, dtype=np.int64) for name, value in FIELDS.items()}
    src, port = packets["src"].to_numpy().astype(np.int64), packets["port"].to_numpy().astype(np.int64)
    fields["dpt"] = port.copy()
    source = mixed(src, seed & 0xFFFF)
    visit = mixed(packets["visit"].to_numpy(), seed & 0xFFFF)
    shape, time = packets["shape"].to_numpy(), packets["time"].to_numpy()
    for name, rule in SHAPES.items():
        rows = np.flatnonzero(shape == name)
        if len(rows):
            given = Given(src[rows], dst[rows], port[rows], time[rows], source[rows], visit[rows], rng)
            for field, values in rule(given).items():
                fields[field][rows] = values
    plain = (fields["protocol"] == TCP) & (fields["options"] > 0)
    fields["len"][plain] = 40 + LENGTHS[fields["options"][plain]]
    added = [pl.Series("dst", dst.astype(np.uint32)), *(pl.Series(name, values) for name, values in fields.items())]
    return packets.with_columns(added)
