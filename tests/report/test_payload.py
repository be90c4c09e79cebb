"""First bytes of payloads are kept only where they are asked for; they are in SQL, and in no report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.readers.capture import making as make

from teiten.cli import main
from teiten.publish import leaks

DESTINATION = "198.51.100.7"
TOKEN = b"canary-7361"
BODY = TOKEN + DESTINATION.encode() + bytes([198, 51, 100, 7])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of 40 UDP packets whose payloads name their destination, and settings that keep 64 bytes of them."""
    folder = tmp_path_factory.mktemp("payload")
    udp = (40000).to_bytes(2, "big") + (53413).to_bytes(2, "big") + (8 + len(BODY)).to_bytes(2, "big") + bytes(2) + BODY
    packet = make.ethernet(0x800, make.ipv4(udp, protocol=17))
    (folder / "a.pcap").write_bytes(make.pcap([packet] * 40))
    (folder / "teiten.toml").write_text('zone = "UTC"\nlake = "lake"\n[reading]\npayload_bytes = 64\n')
    (folder / "without.toml").write_text('zone = "UTC"\nlake = "without"\n')
    for name in ("teiten", "without"):
        assert main(["ingest", "--config", str(folder / f"{name}.toml"), str(folder / "a.pcap")]) == 0
    return folder


def asked(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> list[str | None]:
    capsys.readouterr()
    query = "SELECT DISTINCT payload, time::DATE AS day FROM events"
    assert main(["sql", "--config", str(folder / f"{name}.toml"), "--output", "json", query]) == 0
    rows = json.loads(capsys.readouterr().out)
    folder.joinpath("day").write_text(rows[0]["day"])
    return [row["payload"] for row in rows]


def test_payloads_are_kept_where_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(folder, "teiten", capsys) == [BODY.hex()]
    assert asked(folder, "without", capsys) == [None]


@pytest.mark.parametrize(("form", "shown"), [("jsonl", f'"payload":"{BODY[:9].hex()}"'), ("csv", BODY[:9].hex()),
                                             ("table", BODY[:9].hex())])  # fmt: skip
def test_decode_shows_them_as_digits(folder: Path, capfdbinary: pytest.CaptureFixture[bytes], form: str, shown: str) -> None:
    words = ["decode", "--payload-bytes", "9", "--output", form, "--columns", "dst_port,payload", str(folder / "a.pcap")]
    assert main(words) == 0
    assert capfdbinary.readouterr().out.decode().count(shown) == 40


@pytest.mark.parametrize("number", ["-1", "513"])
def test_so_many_are_never_kept(folder: Path, capsys: pytest.CaptureFixture[str], number: str) -> None:
    assert main(["decode", "--payload-bytes", number, str(folder / "a.pcap")]) == 2
    assert "--payload-bytes must be a whole number from 0 to 512" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["daily", pytest.param("monthly", marks=pytest.mark.full)])
def test_no_report_holds_them(folder: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    asked(folder, "teiten", capsys)
    day = folder.joinpath("day").read_text()
    out = folder / kind
    words = ["report", kind, day if kind == "daily" else day[:7], "--config", str(folder / "teiten.toml"), "--out", str(out)]
    assert main(words) == 0
    files = {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()}
    assert len(files) > 5
    for name, data in files.items():
        assert TOKEN not in data and TOKEN.hex().encode() not in data.lower(), name
    assert leaks.find(files, leaks.packed([DESTINATION])) is None
