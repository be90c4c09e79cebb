"""The user's own folder of lists is an empty one of the test's; lakes are made of log lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from teiten import intake
from teiten.enrich import datasets
from teiten.lake import Lake
from teiten.settings import Settings

LINE = (
    "{time}+09:00 router kernel: {what} IN=ppp0 OUT= MAC= SRC={src} DST=198.51.100.1 LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID={n} "
    "PROTO={protocol} {rest}\n"
)
TOKYO = Settings("Asia/Tokyo", "flag")
Packet = tuple[str, str, str]
"""time (local), source, port such as 23/tcp, 53/udp or icmp"""
MakeLake = Callable[[Sequence[Packet]], Lake]


def line(n: int, time: str, src: str, port: str, what: str = "DROP") -> str:
    number, _, protocol = port.partition("/")
    if protocol == "tcp":
        rest = f"SPT=40000 DPT={number} SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0"
    elif protocol == "udp":
        rest = f"SPT=40000 DPT={number} LEN=20"
    else:
        protocol, rest = "icmp", f"TYPE=8 CODE=0 ID={n % 65536} SEQ=1"
    return LINE.format(time=time, what=what, src=src, n=n % 65536, protocol=protocol.upper(), rest=rest)


@pytest.fixture(autouse=True)
def own_folder(own_data: Path) -> Iterator[Path]:
    datasets.forget()
    yield own_data / "watchlists"
    datasets.forget()


@pytest.fixture
def make_lake(tmp_path: Path) -> MakeLake:
    """Packets -> a lake that holds them and has not been judged. Called again it adds to the same lake."""

    def make(packets: Sequence[Packet]) -> Lake:
        count = len(list(tmp_path.glob("*.log")))
        log = tmp_path / f"{count}.log"
        log.write_text("".join(line(1000 * count + n, *packet) for n, packet in enumerate(packets)))
        lake = Lake.open_or_create(tmp_path / "lake", "Asia/Tokyo")
        result = intake.ingest(lake, [str(log)], TOKYO, judge=False)
        assert result.total.events == len(packets)
        return lake

    return make
