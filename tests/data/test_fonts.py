"""The font that is carried: what it covers, its licence and name, and unpacking it."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from teiten.data import fonts
from teiten.errors import DataError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fonts.unpacked.cache_clear()
    yield tmp_path / "cache" / "teiten" / "fonts"
    fonts.unpacked.cache_clear()


def test_it_covers_what_reports_say() -> None:
    assert fonts.covers("ABCxyz0123456789 -–—…·×÷≥≤→▲▼■□●○◆※〜①⑳℃№é ü ñ ß Å œ") == set()
    assert fonts.covers("あいうえおアイウエオヴー々〆ヶ、。「」『』()・ｱｲｳ") == set()
    assert fonts.covers("観測国港時刻曜脆弱性竄曖昧攪乱罠嘘") <= set("罠嘘")
    level_1 = [bytes((0xA0 + row, 0xA0 + cell)) for row in range(16, 47) for cell in range(1, 95)]
    assert fonts.covers("".join(pair.decode("euc_jp") for pair in level_1)) == set()
    assert fonts.covers("𠮷😀") == {"𠮷", "😀"}


def test_widths() -> None:
    widths = fonts.widths()
    assert widths[ord("東")] == widths[ord("あ")] == widths[ord("。")] == 1000
    assert len({widths[ord(d)] for d in "0123456789"}) == 1
    assert widths[ord("i")] < widths[ord("W")]


def names(font: bytes) -> dict[int, str]:
    """The name table: number -> text."""
    count = struct.unpack(">H", font[4:6])[0]
    tables = {font[12 + 16 * i : 16 + 16 * i]: struct.unpack(">II", font[20 + 16 * i : 28 + 16 * i]) for i in range(count)}
    start, length = tables[b"name"]
    table = font[start : start + length]
    number, texts = struct.unpack(">HH", table[2:6])
    out = {}
    for i in range(number):
        *_, name, size, at = struct.unpack(">HHHHHH", table[6 + 12 * i : 18 + 12 * i])
        out[name] = table[texts + at : texts + at + size].decode("utf-16-be")
    return out


def test_its_name_and_licence_are_right() -> None:
    """OFL 1.1: a modified version keeps copyright and licence and bears no reserved name; 'Noto' is a trademark."""
    said = names(fonts.unpacked().read_bytes())
    for number in (1, 4, 6):
        assert "Teiten" in said[number]
        assert "Noto" not in said[number] and "Source" not in said[number]
    assert "Adobe" in said[0] and "SIL Open Font License" in said[13]
    licence = fonts.LICENCE.read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence and "Adobe" in licence


def test_it_is_unpacked_once_and_whole(cache: Path) -> None:
    path = fonts.unpacked()
    assert path.parent == cache
    before = path.stat().st_mtime_ns
    fonts.unpacked.cache_clear()
    assert fonts.unpacked() == path and path.stat().st_mtime_ns == before
    path.write_bytes(path.read_bytes()[:1000])  # a disk that was full once
    fonts.unpacked.cache_clear()
    assert fonts.unpacked().stat().st_size > 500_000
    assert [p.name for p in cache.iterdir()] == [path.name], "no temporary file is left"
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_many_processes_at_once(cache: Path) -> None:
    code = "from teiten.data import fonts; print(fonts.unpacked())"
    children = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(6)]
    said = {child.communicate(timeout=60)[0] for child in children}
    assert len(said) == 1 and [c.returncode for c in children] == [0] * 6
    assert len(list(cache.iterdir())) == 1


def test_where_the_cache_cannot_be_written(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "cache"
    blocked.write_text("a file where a folder should be")
    monkeypatch.setattr(fonts.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    assert fonts.unpacked().is_relative_to(tmp_path / "tmp")
    fonts.unpacked.cache_clear()
    monkeypatch.setattr(fonts.tempfile, "gettempdir", lambda: str(blocked))
    with pytest.raises(DataError, match="XDG_CACHE_HOME"):
        fonts.unpacked()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no users here")
def test_a_file_of_another_user_is_not_trusted(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fonts.unpacked()
    fonts.unpacked.cache_clear()
    monkeypatch.setattr(fonts.os, "getuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(DataError):
        fonts.unpacked()
