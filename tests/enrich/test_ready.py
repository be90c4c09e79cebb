"""A data set made ready is kept, read again, and made anew where what was kept is damaged or of other data."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from teiten.enrich import _ready, datasets
from teiten.readers import _jit


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_jit, "folder", lambda: tmp_path / "kernels")
    return tmp_path


def same(one: _ready.Ready, other: _ready.Ready) -> bool:
    arrays = ("codes", "named", "index", "starts", "of_starts")
    return all(np.array_equal(getattr(one, a), getattr(other, a)) for a in arrays) and list(one.texts) == list(other.texts)


def test_kept_and_read_again(kept: Path) -> None:
    (data,) = datasets.of_kind("country")
    made = _ready.ready(data)
    (folder,) = kept.glob("geo-country-*")
    before = (folder / "starts.npy").stat().st_mtime_ns
    assert same(_ready.ready(data), made)
    assert (folder / "starts.npy").stat().st_mtime_ns == before
    assert not list(kept.glob(".geo-*"))
    japan = data.code("JP")
    assert made.texts[int(made.places(np.array([japan]))[0])] == "JP"


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", None])
def test_what_is_damaged_is_made_anew(kept: Path, damage: bytes | None) -> None:
    (data,) = datasets.of_kind("country")
    made = _ready.ready(data)
    (folder,) = kept.glob("geo-country-*")
    if damage is None:  # whole files that do not fit together
        np.save(folder / "index.npy", np.full(65537, 1 << 30, np.int32))
    else:
        (folder / "places.npy").write_bytes(damage)
    assert same(_ready.ready(data), made)


def test_other_files_are_other_data(kept: Path) -> None:
    (data,) = datasets.of_kind("country")
    one = _ready._kept(data)
    assert one.name.startswith("geo-country-") and one.parent == kept
    stat = (data.folder / "v4.xz").stat()
    try:
        os.utime(data.folder / "v4.xz", ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
        assert _ready._kept(data) != one
    finally:
        os.utime(data.folder / "v4.xz", ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_jit, "folder", lambda: Path("/proc/nowhere/kernels"))
    (data,) = datasets.of_kind("country")
    assert len(_ready.ready(data).codes) > 200


def test_texts() -> None:
    texts = _ready.Texts.of(["", "日本", "x"])
    assert list(texts) == ["", "日本", "x"] and texts[1:] == ["日本", "x"] and len(texts) == 3
    with pytest.raises(IndexError):
        texts[3]
