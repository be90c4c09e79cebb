"""What is counted straight from captures is what the lake answers: every thing and filter, several files, the accounting."""

from __future__ import annotations

import datetime as dt
import gzip
import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from teiten import intake, settings, straight
from teiten.cli import main
from teiten.engine import filters, open_session, questions
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.readers import _counts

BEGIN = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
FOUR = [bytes([8, 8, 8, n]) for n in range(6)] + [bytes([1, 0, 16, 1]), bytes([10, 0, 0, 1]), bytes([203, 0, 113, 9])]
SIX = [bytes.fromhex("24000dd0" + "0" * 22 + f"{n:02x}") for n in range(3)] + [bytes.fromhex("20014860" + "0" * 24)]


def packet(rng: random.Random) -> bytes:
    """An Ethernet frame: mostly TCP; UDP, ICMP, a later fragment, SCTP cut short, GRE, IPv6, ARP, damage."""
    what = rng.choices(("tcp", "udp", "icmp", "rest", "cut", "gre", "six", "arp", "bad"), (40, 15, 8, 4, 3, 4, 20, 4, 2))[0]
    port = rng.choice((22, 23, 445, 8080, rng.randrange(65536)))
    above = struct.pack(">HHIIHHHH", rng.randrange(65536), port, 1, 2, 0x5002, 1024, 0, 0)
    if what == "arp":
        return b"\0" * 12 + b"\x08\x06" + bytes(28)
    if what == "six":
        kind, body = rng.choice(((6, above), (17, above[:4] + b"\0\x08\0\0"), (58, b"\x80\0" + bytes(6)), (0, b"")))
        head = struct.pack(">IHBB", 6 << 28, len(body), kind, 61) + rng.choice(SIX) + SIX[0]
        return b"\0" * 12 + b"\x86\xdd" + head + body
    kind, body, offset = {
        "tcp": (6, above, 0), "udp": (17, above[:4] + b"\0\x08\0\0", 0), "icmp": (1, b"\x08\0" + bytes(6), 0),
        "rest": (6, above, 5), "cut": (132, above[:3], 0), "gre": (47, b"\0" * 4, 0), "bad": (6, above, 0),
    }[what]  # fmt: skip
    head = struct.pack(">BBHHHBBH", 0x45 if what != "bad" else 0x42, 0, 20 + len(body), 7, offset, 60, kind, 0)
    return b"\0" * 12 + b"\x08\0" + head + rng.choices(FOUR, range(9, 0, -1))[0] + bytes([198, 51, 100, 7]) + body


def capture(path: Path, seed: int, begin: dt.datetime, hours: float, packets: int = 400) -> Path:
    rng = random.Random(seed)
    first = begin.timestamp()
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for stamp in sorted(first + rng.random() * hours * 3600 for _ in range(packets)):
        frame = packet(rng)
        out.append(struct.pack("<IIII", int(stamp), int(stamp % 1 * 1e6), len(frame), len(frame)) + frame)
    data = b"".join(out)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


class World:
    def __init__(self, folder: Path) -> None:
        self.files = [
            str(capture(folder / "a.pcap", 1, BEGIN, 24)),
            str(capture(folder / "b.pcap.gz", 2, BEGIN + dt.timedelta(days=1), 20)),
            str(capture(folder / "other.pcap", 3, BEGIN, 48)),
        ]
        config = folder / "teiten.toml"
        config.write_text('zone = "UTC"\n[sensor.other]\npaths = ["*other.pcap"]\n', encoding="utf-8")
        self.config = str(config)
        self.settings = settings.load(config=config)
        self.lake = Lake.create(folder / "lake", "UTC")
        self.read = intake.ingest(self.lake, self.files, self.settings, judge=False)
        self.session = open_session(self.lake, self.settings)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("straight"))
    with found.session:
        yield found


DAY = (BEGIN, BEGIN + dt.timedelta(days=1))
NEXT = (BEGIN + dt.timedelta(days=1), BEGIN + dt.timedelta(days=2))
ASKED: dict[str, dict[str, Any]] = {
    "everything": {}, "a day": {"span": DAY}, "before": {"span": NEXT, "before": DAY},
    "nothing before": {"span": DAY, "before": (BEGIN - dt.timedelta(days=1), BEGIN)},
    "a port": {"port": "23"}, "ports": {"port": "23/tcp,8000-9000,53/udp"}, "icmp": {"port": "icmp,icmpv6"},
    "a protocol": {"protocol": "udp,gre"}, "a prefix": {"src": "8.8.8.0/30"}, "prefixes": {"src": "2400::/16,1.0.16.1"},
    "an address": {"src": "2400:dd0::1"}, "a sensor": {"sensor": "other", "span": NEXT, "before": DAY},
    "no sensor": {"sensor": "none"}, "filtered, with the day before": {"port": "445", "span": NEXT, "before": DAY},
}  # fmt: skip


def ask(world: World, what: str, by: questions.By, n: int, how: dict[str, Any]) -> tuple[Any, Any]:
    texts = {name: text for name, text in how.items() if isinstance(text, str)}
    wanted = filters.parse(world.settings, **texts)
    wanted = wanted.between(*how.get("span", (None, None)))
    before = how.get("before")
    got = straight.rank(world.files, world.settings, what, wanted, by=by, before=before, n=n)
    want = questions.rank(world.session, what, wanted.start, wanted.end, by=by, before=before, filters=wanted, n=n)
    return got, want


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("what", straight.THINGS)
def test_the_same_as_from_the_lake(world: World, what: str, asked: str) -> None:
    for by, n in (("packets", 7), ("hosts", 3)):
        got, want = ask(world, what, by, n, ASKED[asked])  # type: ignore[arg-type]
        assert got is not None
        assert list(got.rows) == list(want)
        assert [list(row) for row in got.rows] == [list(row) for row in want]
        assert got.rows.total == want.total


def test_the_whole_ranking(world: World) -> None:
    got, want = ask(world, "ports", "packets", 10_000, {"span": NEXT, "before": DAY})
    assert len(want) > 80
    assert list(got.rows) == list(want)


def test_the_accounting_is_the_lakes(world: World) -> None:
    got = straight.rank(world.files, world.settings, "ports", Filters())
    assert got is not None
    assert [one.name for one in got.inputs] == [one.name for one in world.read.inputs]
    assert [one.tally for one in got.inputs] == [one.tally for one in world.read.inputs]
    assert got.inputs[0].tally.rejected and got.inputs[0].tally.ignored


@pytest.mark.parametrize(
    "texts",
    [{"country": "US"}, {"asn": "AS15169"}, {"action": "drop"}, {"kind": "syn"}, {"tool": "zmap"}, {"scanners": "out"}],
    ids=lambda texts: next(iter(texts)),
)
def test_other_filters_are_for_the_lake(world: World, texts: dict[str, str]) -> None:
    wanted = filters.parse(world.settings, **texts)
    assert straight.rank(world.files, world.settings, "ports", wanted) is None


def test_records_that_may_be_in_two_files_are_for_the_lake(world: World, tmp_path: Path) -> None:
    again = tmp_path / "again.pcap"
    again.write_bytes(Path(world.files[0]).read_bytes())
    assert straight.rank([world.files[0], str(again)], world.settings, "ports", Filters()) is None
    assert straight.rank([world.files[0], world.files[1]], world.settings, "ports", Filters()) is not None


def test_other_inputs_are_for_the_lake(world: World, tmp_path: Path) -> None:
    assert straight.rank([str(tmp_path / "none.pcap")], world.settings, "ports", Filters()) is None
    log = tmp_path / "messages"
    log.write_text("Apr  1 12:00:00 router kernel: DROP IN=ppp0 OUT= SRC=8.8.8.8 DST=198.51.100.1 PROTO=TCP SPT=1 DPT=23\n")
    assert straight.rank([world.files[0], str(log)], world.settings, "ports", Filters()) is None
    assert straight.rank([world.files[0]], world.settings, "tools", Filters()) is None


def test_more_sources_than_it_can_hold_are_for_the_lake(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise _counts.TooMany

    monkeypatch.setattr(_counts.Four, "_grow", full)
    monkeypatch.setattr(_counts, "_FULL", 0.002)
    assert straight.rank(world.files, world.settings, "ports", Filters()) is None


def test_the_command(world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Both ways print the same, to the letter, and keep the same rejected records."""
    words = ["top", "sources", "--config", world.config, "--from", "2026-04-02", "--to", "2026-04-03", *world.files]
    assert main([*words, "--rejected", str(tmp_path / "straight")]) == 0
    fast = capsys.readouterr()
    monkeypatch.setattr(straight, "rank", lambda *_, **__: None)
    assert main([*words, "--rejected", str(tmp_path / "lake")]) == 0
    slow = capsys.readouterr()
    assert (fast.out, fast.err) == (slow.out, slow.err)
    assert "total: 1,200 packets" in fast.err
    assert (tmp_path / "straight").read_text() == (tmp_path / "lake").read_text() != ""


@pytest.mark.parametrize("what", straight.THINGS)
def test_captures_without_events(world: World, what: str, tmp_path: Path) -> None:
    frame = b"\0" * 12 + b"\x08\x06" + bytes(28)
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    arp, nothing = tmp_path / "arp.pcap", tmp_path / "nothing.pcap"
    arp.write_bytes(head + struct.pack("<IIII", 1, 2, len(frame), len(frame)) + frame)
    nothing.write_bytes(head)
    for by in ("packets", "hosts"):
        found = straight.rank([str(arp), str(nothing)], world.settings, what, Filters(), by=by, before=DAY)  # type: ignore[arg-type]
        assert found is not None and found.rows == [] and found.rows.total == 0
        assert [one.tally.lines for one in found.inputs] == [1, 0]
