"""One writer: on this host by the lock, and where a network's disk may not carry it to others, by what it says."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from teiten.errors import LakeBusyError
from teiten.lake import Lake, _lock

MOUNTED = """\
/dev/sda1 / ext4 rw,relatime 0 0
proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0
nas.example.net:/export/observation {place} nfs4 rw,relatime,vers=4.2,hard,proto=tcp,timeo=600,sec=sys,local_lock=none 0 0
me@host:/home /mnt/my\\040files fuse.sshfs rw,nosuid,nodev,relatime,user_id=0,group_id=0 0 0
tmpfs {place}/inner tmpfs rw 0 0
"""
"""as Linux says it in /proc/self/mounts"""


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lake's folder lies on NFS, as far as the list of mounts says."""
    listed = tmp_path / "mounts"
    listed.write_text(MOUNTED.format(place=tmp_path / "nas"))
    monkeypatch.setattr(_lock, "MOUNTS", listed)
    (tmp_path / "nas").mkdir()
    return tmp_path / "nas"


def test_a_disk_of_a_network_is_known_by_its_type(mounts: Path, tmp_path: Path) -> None:
    assert _lock.network(mounts / "lake") == "nfs4"
    assert _lock.network(mounts / "inner" / "lake") is None
    assert _lock.network(tmp_path / "nasty") is None, "a name that only begins alike"
    assert _lock.network(Path("/mnt/my files/lake")) == "fuse.sshfs"


def test_two_hosts_do_not_write_one_lake(mounts: Path) -> None:
    """Even where the lock of one does not reach the other: who wrote last must have said that it ended."""
    lake = Lake.create(mounts / "lake", "UTC")
    with lake.writer():
        pass
    with lake.writer():
        assert json.loads((lake.path / ".lock").read_text())["host"] == socket.gethostname()
    (lake.path / ".lock").write_text(json.dumps({"pid": 12, "host": "other.example.net", "since": "2026-04-01T00:00:00+00:00"}))
    before = sorted(p.name for p in lake.path.rglob("*"))
    with pytest.raises(LakeBusyError) as told, lake.writer(wait=0):
        pass
    assert all(word in str(told.value) for word in ("nfs4", "process 12 on other.example.net", f"rm {lake.path / '.lock'}"))
    assert sorted(p.name for p in lake.path.rglob("*")) == before
    assert lake.live_files() == ([], 0), "it can be read"
    (lake.path / ".lock").unlink()
    with lake.writer(wait=0):
        pass


def test_this_host_goes_on_after_its_own_crash(mounts: Path) -> None:
    lake = Lake.create(mounts / "lake", "UTC")
    (lake.path / ".lock").write_text(json.dumps({"pid": 1, "host": socket.gethostname(), "since": "2026-04-01T00:00:00+00:00"}))
    with lake.writer(wait=0):
        pass


def test_on_a_disk_of_ones_own_the_lock_alone_counts(tmp_path: Path) -> None:
    """A container's name, or a disk that was moved to another machine."""
    lake = Lake.create(tmp_path / "lake", "UTC")
    (lake.path / ".lock").write_text(json.dumps({"pid": 1, "host": "old.example.net", "since": "2026-04-01T00:00:00+00:00"}))
    with lake.writer(wait=0):
        pass
    assert os.path.getsize(lake.path / ".lock") == 0  # noqa: PTH202
