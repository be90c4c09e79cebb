"""No byte and no record of the evidence changes unseen; what is as it should be is no damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from teiten.station import _packed, exporting, verifying
from teiten.station.overview import overview
from teiten.station.records import Record, digest
from teiten.station.spool import Spool
from teiten.station.verifying import DAMAGE, NOTE, Verified, verify


def made(path: Path) -> Spool:
    """Two streams, the first of three segments, its middle one packed."""
    spool = Spool.open(path / "spool")
    for sensor in ("home", "attic"):
        stream = spool.stream("kern", sensor)
        stream.limit = 40
        stream.run()
        for n in range(7 if sensor == "home" else 2):
            stream.commit(b"line %d of %s\n" % (n, sensor.encode()), counts={"received": 1})
        stream.commit()
        if sensor == "home":
            for ending in ("data", "chain"):
                packed = stream.folder / f"00000002.{ending}"
                _packed.pack(packed, packed.stat().st_size)
                packed.unlink()
    return spool


def folder_of(spool: Spool) -> Path:
    return next(spool.streams_path / one.id for one in spool.streams() if one.sensor == "home")


def findings(spool: Spool) -> list[tuple[str, str, str]]:
    return [(one.where.rpartition("/")[2], one.kind, one.text) for one in verify(spool, Verified())]


def test_all_is_as_it_was_written(tmp_path: Path) -> None:
    spool, done = made(tmp_path), Verified()
    assert list(verify(spool, done)) == []
    assert (done.streams, done.segments, done.gone, done.bytes) == (2, 4, 0, 7 * 15 + 2 * 16)
    assert set(done.heads) == {one.id for one in spool.streams()}
    assert list(verifying.missing(spool, done.heads)) == []


def test_every_changed_byte_is_seen(tmp_path: Path) -> None:
    spool = made(tmp_path)
    folder = folder_of(spool)
    for name in ("00000001.data", "00000001.chain", "00000002.data.zst", "00000003.data"):
        path = folder / name
        whole = path.read_bytes()
        for n in range(0, len(whole), 1 if len(whole) < 200 else 37):
            changed = bytearray(whole)
            changed[n] ^= 0x20
            path.write_bytes(changed)
            try:
                found = [kind for _, kind, _ in findings(spool)]
            finally:
                path.write_bytes(whole)
            # zstd's header has bits that say nothing about the bytes
            assert DAMAGE in found or (name.endswith(".zst") and n < 12), (name, n)
    assert findings(spool) == []


def test_what_is_taken_out_is_seen(tmp_path: Path) -> None:
    spool = made(tmp_path)
    folder = folder_of(spool)
    (folder / "00000002.data.zst").unlink()
    assert [(where, kind) for where, kind, _ in findings(spool)] == [("00000002", DAMAGE)]
    (folder / "00000002.chain.zst").unlink()
    assert [text for _, _, text in findings(spool)] == ["it is missing, and nothing says that it was let go"]


def test_a_chain_made_anew_needs_the_hash_that_was_kept_elsewhere(tmp_path: Path) -> None:
    """Whoever may write all of it can make all of it anew: only a hash from before, kept elsewhere, tells."""
    spool, done = made(tmp_path), Verified()
    list(verify(spool, done))
    folder = folder_of(spool)
    for path in folder.glob("0*"):
        path.unlink()
    own = next(one for one in spool.streams() if one.sensor == "home")
    stream = spool.make(own)
    for n in range(12):
        stream.commit(b"forged %d\n" % n)
    stream.close()
    assert findings(spool) == []
    number = done.heads[own.id][0]
    found = list(verifying.missing(spool, done.heads))
    assert [text for _, text in found] == [f"record {number} is not the one of which the hash was written down"]
    done.heads[own.id] = (999, "x")
    assert [text for _, text in verifying.missing(spool, done.heads)] == [
        "record 999, of which the hash was written down, is missing"
    ]


def test_a_torn_end_is_no_damage(tmp_path: Path) -> None:
    spool = made(tmp_path)
    folder = folder_of(spool)
    with (folder / "00000003.chain").open("ab") as chain, (folder / "00000003.data").open("ab") as data:
        chain.write(b'{"n":99,"at"')
        data.write(b"half a li")
    assert [(kind, text.partition(":")[0]) for _, kind, text in findings(spool)] == [
        (NOTE, "its end is torn"), (NOTE, "9 bytes lie behind its last record"),
    ]  # fmt: skip
    with (folder / "00000003.chain").open("ab") as chain:
        chain.write(b"\n" + Record(99, 1.0, 1.0, 0, "", "0" * 64).line())
    assert DAMAGE in [kind for _, kind, _ in findings(spool)]


def test_evidence_as_files(tmp_path: Path) -> None:
    spool = made(tmp_path)
    own = next(one for one in spool.streams() if one.sensor == "home")
    done = exporting.export(spool.segments(own.id), tmp_path / "out")
    files = sorted(path for path in (tmp_path / "out").iterdir() if path.suffix == ".log")
    assert b"".join(path.read_bytes() for path in files) == b"".join(b"line %d of home\n" % n for n in range(7))
    assert [one["sha256"] for one in done.manifest] == [digest(path.read_bytes()) for path in files]
    with pytest.raises(exporting.UsageError, match="is there already"):
        exporting.export([], tmp_path / "out")
    data = spool.streams_path / own.id / "00000001.data"
    data.write_bytes(data.read_bytes().replace(b"line 1", b"line 2"))
    with pytest.raises(exporting.TeitenError, match="is not what was written down: record 3"):
        exporting.export(spool.segments(own.id), tmp_path / "other")


def test_an_overview(tmp_path: Path) -> None:
    spool = made(tmp_path)
    attic, home = overview(spool, None)
    assert (attic.about.sensor, home.about.sensor) == ("attic", "home")
    assert (home.segments, home.bytes, home.behind, home.gone, home.counts) == (3, 105, 105, 0, {"received": 7})
    assert home.on_disk == sum(path.stat().st_size for path in folder_of(spool).glob("*.data*"))
    assert home.begin is not None and home.end is not None and home.begin <= home.end
