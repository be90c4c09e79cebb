"""teiten spool: what there is, whether it is whole, a lake made anew with the same rows, evidence as files."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from teiten import cli
from teiten.lake import Lake
from teiten.station.spool import Spool

LINE = (
    "Nov  3 03:00:01 gw kernel: IN=eth0 OUT= MAC= SRC=192.0.2.%d DST=198.51.100.2 LEN=40 TTL=50 ID=1"
    " PROTO=TCP SPT=1 DPT=23 SEQ=%d WINDOW=1 RES=0x00 SYN URGP=0\n"
)


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the spool of two sensors in it, and its lake."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "teiten.toml").write_text("zone = 'UTC'\n[station]\nspool = 'evidence'\n")
    spool = Spool.open(tmp_path / "evidence")
    for sensor in ("home", "attic"):
        stream = spool.stream("kern", sensor)
        stream.limit = 3100
        stream.run()
        for n in range(20):
            stream.commit("".join(LINE % (n, n) for _ in range(2)).encode(), counts={"received": 2}, at=1_793_674_801.0 + n)
        stream.stop()
        stream.close()
    return tmp_path


def rows(lake: str) -> pl.DataFrame:
    files, _ = Lake.open(Path(lake)).live_files()
    keys = ["sensor", "time", "src_ip_bytes", "tcp_seq", "source_pos"]
    whole = pl.concat([pl.read_parquet(one.path) for one in files])
    return whole.select(pl.col([name for name in keys if name in whole.columns])).sort(pl.all())


def test_status(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["spool", "status", "--output", "jsonl"]) == 0
    attic, home = map(json.loads, capsys.readouterr().out.splitlines())
    assert (home["sensor"], home["received"], home["segments"], home["lost"]) == ("home", 40, 2, 0)
    assert home["bytes"] == home["behind"] == home["on_disk"] and attic["stream"].startswith("kern.attic.")
    assert home["from"].startswith("2026-") and home["from"].endswith("+00:00")
    assert cli.main(["spool", "status"]) == 0
    assert "attic" in capsys.readouterr().out


def test_verify(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["spool", "verify", "--heads", "heads.json"]) == 0
    assert "2 streams, 4 segments" in capsys.readouterr().out
    assert cli.main(["spool", "verify", "--against", "heads.json"]) == 0
    data = next((station / "evidence" / "streams").glob("kern.home.*/00000001.data"))
    data.write_bytes(data.read_bytes().replace(b"DPT=23", b"DPT=22", 1))
    assert cli.main(["spool", "verify"]) == 1
    out = capsys.readouterr().out
    assert "damage: kern.home." in out and "/00000001: the bytes of record 2 are not those that were written" in out
    assert cli.main(["spool", "verify", "--stream", "nobody"]) == 2
    assert cli.main(["spool", "verify", "--against", "teiten.toml"]) == 2


def test_a_lake_made_anew(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["spool", "rebuild", "--into", "one"]) == 0
    assert not (station / "evidence" / "made.json").exists(), "the station's own lake is another"
    assert cli.main(["spool", "rebuild", "--into", "two"]) == 0
    assert rows("one").height == 80 and rows("one").equals(rows("two"))
    assert cli.main(["spool", "rebuild", "--into", "two"]) == 2
    capsys.readouterr()
    next((station / "evidence" / "streams").glob("kern.home.*/00000001.data")).unlink()
    assert cli.main(["spool", "rebuild", "--into", "three"]) == 1
    assert "1 segments are not among them" in capsys.readouterr().err
    assert 40 <= rows("three").height < 80


def test_export(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["spool", "export", "--sensor", "home", "--into", "out"]) == 0
    manifest = json.loads((station / "out" / "manifest.json").read_text())
    assert [one["sensor"] for one in manifest] == ["home", "home"]
    text = b"".join((station / "out" / one["file"]).read_bytes() for one in manifest)
    assert text.count(b"\n") == 40
    assert cli.main(["spool", "export", "--from", "2030-01-01", "--into", "none"]) == 0
    assert "0 files, 0 bytes" in capsys.readouterr().out
    assert cli.main(["spool", "export", "--to", "2026-01-01", "--input", "kern", "--into", "none"]) == 2


def test_no_spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["spool", "status"]) != 0
    assert "There is no spool at" in capsys.readouterr().err
    assert not (tmp_path / "teiten-spool").exists()
