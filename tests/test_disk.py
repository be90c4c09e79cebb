"""A file is there whole or as it was; one process holds a lock at a time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from teiten import disk


def test_a_file_is_put_in_place_whole(tmp_path: Path) -> None:
    path = tmp_path / "x"
    disk.write_whole(path, b"one")
    disk.write_whole(path, b"two", mode=0o600)
    assert path.read_bytes() == b"two" and path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_what_a_kill_left_is_not_gone_on_with(tmp_path: Path) -> None:
    """A part made for everybody's eyes does not become a secret file."""
    (tmp_path / f".key{disk.PART}").write_bytes(b"half of someth")
    (tmp_path / f".key{disk.PART}").chmod(0o666)
    disk.write_whole(tmp_path / "key", b"k", mode=0o600)
    assert (tmp_path / "key").read_bytes() == b"k" and (tmp_path / "key").stat().st_mode & 0o077 == 0


def test_a_disk_that_fails_leaves_it_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    disk.write_whole(path, b"before")

    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        disk.write_whole(path, b"after")
    assert path.read_bytes() == b"before" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("folder", [True, False])
def test_one_holds_it_at_a_time(tmp_path: Path, folder: bool) -> None:
    path = tmp_path if folder else tmp_path / ".lock"

    def cannot(error: OSError) -> Exception:
        return ValueError(error.strerror)

    for _ in range(2):
        with (
            disk.alone(path, cannot, KeyError("busy")),
            pytest.raises(KeyError, match="busy"),
            disk.alone(path, cannot, KeyError("busy")),
        ):
            pass
    with pytest.raises(ValueError, match="No such file"), disk.alone(tmp_path / "no" / "x", cannot, KeyError("busy")):
        pass
