"""Promise 19: a thousand addresses of sensors, in every spelling that a log can bring, are in nothing that is published."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import ipaddress
import random
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from tests.site.conftest import make

from teiten import intake, settings
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.periods import parse
from teiten.publishing import Publishing
from teiten.report import edition
from teiten.settings import Settings

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]
CANARIES = 1000
DAYS = 10
FIRST = dt.date(2026, 8, 3)
ZONE = ZoneInfo("Asia/Tokyo")
_TOKEN = re.compile(rb"[0-9A-Za-z.:_-]{7,}")


def canaries() -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    pick = random.Random(19)
    four = {ipaddress.IPv4Address(pick.randrange(0x64000000, 0xDF000000)) for _ in range(900)}
    six = {ipaddress.IPv6Address((0x20010DB8 << 96) | pick.getrandbits(80) << 8 | 0x77) for _ in range(100)}
    return [*sorted(four), *sorted(six)]


def spellings(one: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[str]:
    digits = one.packed.hex()
    if isinstance(one, ipaddress.IPv6Address):
        return [str(one), one.exploded, digits, ".".join(reversed(digits)), str(one).upper(), digits.upper()]
    turned = ".".join(reversed(str(one).split(".")))
    return [str(one), str(one).replace(".", "-"), turned, digits, digits.upper(), one.packed[::-1].hex(), str(int(one))]


def log(own: list[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> Iterator[str]:
    """Each day something to each of them: its address in the prefix, a quoted packet, a sequence number, a host's name."""
    begin = dt.datetime.combine(FIRST, dt.time(), ZONE)
    for day in range(DAYS):
        for n, one in enumerate(own):
            at = (begin + dt.timedelta(days=day, seconds=n * 340)).isoformat()
            said = spellings(one)[(n + day) % len(spellings(one))]
            head = [
                f"gw kernel: [{said}] DROP ",
                f"{said}.example kernel: {said} ",
                f"gw kernel: DROP-{said}: ",
                "gw kernel: ",
            ][n % 4]
            if isinstance(one, ipaddress.IPv6Address):
                packet = (
                    f"SRC=2001:db8:ffff::{n:x} DST={one.exploded} LEN=60 TC=0 HOPLIMIT=50 FLOWLBL=0 PROTO=TCP SPT=4000 DPT=23"
                )
                yield f"{at} {head}IN=ppp0 OUT= MAC= {packet} SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
                continue
            packet = f"SRC=9.9.{day}.{n % 200} DST={one} LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID=7"
            if n % 5 == 0:
                quoted = f"[SRC={one} DST=9.9.{day}.1 LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID=7 PROTO=TCP SPT=80 DPT=4000 ]"
                yield f"{at} {head}IN=ppp0 OUT= MAC= {packet} PROTO=ICMP TYPE=3 CODE=1 {quoted}\n"
            else:
                tail = (
                    f"PROTO=TCP SPT=4000 DPT={[23, 445, 22, 8080][n % 4]} SEQ={int(one)} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0"
                )
                yield f"{at} {head}IN=ppp0 OUT= MAC= {packet} {tail}\n"


def texts(name: str, content: bytes) -> Iterator[bytes]:
    """All that can be read in a file, by other means than `publish.leaks`: its bytes, whatever zlib can open, cells."""
    yield name.encode()
    yield content
    for match in re.finditer(rb"x[\x01\x5e\x9c\xda]", content) if name.endswith((".pdf", ".png", ".apng")) else ():
        try:
            yield zlib.decompressobj().decompress(content[match.start() :], 1 << 20)
        except zlib.error:
            continue
    if name.endswith(".parquet"):
        yield pl.read_parquet(io.BytesIO(content)).write_csv().encode()


def seen(folder: Path, needles: set[bytes]) -> list[str]:
    """Files below the folder that hold one of the needles."""
    lengths = sorted({len(one) for one in needles})
    out = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".woff2"):
        tokens = {t for text in texts(path.relative_to(folder).as_posix(), path.read_bytes()) for t in _TOKEN.findall(text)}
        # digests are no text of anybody's
        for token in (t for t in tokens if not re.fullmatch(rb"[0-9a-f]{64}", t)):
            if any(token[at : at + size] in needles for size in lengths for at in range(len(token) - size + 1)):
                out.append(f"{path.name}: {token!r}")
                break
    return out


def lake(folder: Path) -> Settings:
    own = canaries()
    text = 'zone = "Asia/Tokyo"\nlake = "lake"\n'
    for n in range(4):
        (folder / f"s{n}.log").write_text("".join(log(own[n::4])))
        text += f'[sensor.s{n}]\npaths = ["s{n}.log"]\n'
    (folder / "teiten.toml").write_text(text)
    found = settings.load(config=folder / "teiten.toml")
    store = Lake.open_or_create(found.lake, "Asia/Tokyo")
    assert not intake.ingest(store, [str(folder / f"s{n}.log") for n in range(4)], found).failed
    return found


def test_no_canary_is_published(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    found = lake(tmp_path)
    store = Lake.open(found.lake)
    needles = {text.encode() for one in canaries() for text in spellings(one)}
    public = tmp_path / "public"
    # it would be seen: in a name, a page, cells
    planted = tmp_path / "planted"
    planted.mkdir()
    first = spellings(canaries()[0])[0]
    (planted / f"{first}.txt").write_text("")
    (planted / "a.html").write_text(f"<p>x{spellings(canaries()[999])[2]}y</p>")
    pl.DataFrame({"a": ["x", spellings(canaries()[5])[6]]}).write_parquet(planted / "a.parquet", compression="zstd")
    assert len(seen(planted, needles)) == 3

    with open_session(store, found) as session:
        assert session.query("SELECT count(DISTINCT dst_ip) AS n FROM events")[0]["n"] == CANARIES
        for n in range(8):
            period = parse("daily", f"{FIRST + dt.timedelta(days=n + 1)}", found.zone)
            out = {code: public / f"{period.name}-{code}" for code in ("ja", "en")}
            # with PNG and PDF where pictures are drawn
            edition.make(session, found, period, Filters(), out, "teiten report {lang}", pictures=n == 0)
    for n, rules in enumerate(
        (
            Publishing(delay=0, least_packets=5, least_hosts=2, least_sensors=1, digits=6, sources="address"),
            Publishing(delay=0, least_packets=5, least_hosts=2, sensors="alias", sources="network"),
            Publishing(delay=0, least_packets=5, least_hosts=2, sources="pseudonym", periods=("daily",)),
            Publishing(),
        )
    ):
        chosen = dataclasses.replace(found, publishing=rules)
        made = make(chosen, public / f"site-{n}", FIRST + dt.timedelta(days=DAYS + 4))
        assert len(made.plan.secret) >= CANARIES
    files = [p for p in public.rglob("*") if p.is_file()]
    kinds = {p.suffix for p in files}
    assert {".html", ".csv", ".parquet", ".svg", ".png", ".pdf", ".json", ".xml", ".ics", ".md"} <= kinds
    assert len(list(public.iterdir())) == 20
    assert seen(public, needles) == []
    figure(
        19,
        f"{CANARIES:,} addresses of sensors (100 of IPv6) in {len(needles):,} spellings, in destinations, prefixes, names of"
        f" hosts, quoted packets and sequence numbers of {CANARIES * DAYS:,} lines: none in the {len(files):,} files of 16"
        f" reports and 4 sites ({', '.join(sorted(k for k in kinds if k))})",
    )
