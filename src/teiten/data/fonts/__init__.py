"""The font that pages and charts carry: where its files are, its licence, what it covers, how wide it runs."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import lzma
import os
import tempfile
from pathlib import Path

from teiten.errors import DataError

FAMILY = "Teiten Sans"
WOFF2 = Path(__file__).parent / "teiten-sans.woff2"
"""The font for pages: the @font-face rule of a report names a copy of this file."""
LICENCE = Path(__file__).parent / "LICENSE-OFL.txt"
"""The SIL Open Font License: to be laid beside every copy of the font."""
_PACKED = Path(__file__).parent / "teiten-sans.otf.xz"
_WIDTHS = Path(__file__).parent / "teiten-sans.widths.txt"


@functools.cache
def widths() -> dict[int, int]:
    """Code point -> advance width in 1/1000 em. A code point that is not in it has no glyph. DataError."""
    try:
        lines = _WIDTHS.read_text(encoding="ascii").splitlines()
        runs = [line.split() for line in lines if not line.startswith("#")]
        return {point: int(width) for first, last, width in runs for point in range(int(first, 16), int(last, 16) + 1)}
    except (OSError, ValueError) as error:
        raise DataError(f"{_WIDTHS}: the table of the font's widths cannot be read ({error}).", hint=_REINSTALL) from None


def covers(text: str) -> set[str]:
    """The characters of a text that the font has no glyph for; empty where it can draw them all."""
    known = widths()
    return {c for c in text if ord(c) not in known}


@functools.cache
def unpacked() -> Path:
    """The font as a file that a renderer can open. DataError where it can be written nowhere.

    It is unpacked once for each machine and user, under a name made of its own hash: a new version never finds an
    old one's file, and a file appears whole or not at all, however many processes begin at the same time.
    """
    try:
        data = _PACKED.read_bytes()
        name = f"teiten-sans-{hashlib.sha256(data).hexdigest()[:16]}.otf"
        for folder in _folders():
            path = folder / name
            if _is_whole(path):
                return path
        font = lzma.decompress(data)
    except (OSError, lzma.LZMAError) as error:
        raise DataError(f"{_PACKED}: the font cannot be read ({error}).", hint=_REINSTALL) from None
    for folder in _folders():
        with contextlib.suppress(OSError):
            return _written(folder / name, font)
    raise DataError(
        "The font for charts can be unpacked neither into the cache folder nor into the folder for temporary files.",
        hint="Set XDG_CACHE_HOME to a folder that can be written.",
    )


_REINSTALL = "Install teiten again."


def _folders() -> list[Path]:
    """Where the unpacked font may lie: the user's cache, else a temporary folder of the user's own."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    cache = Path(base) if Path(base).is_absolute() else Path("~/.cache")
    folders = [Path(tempfile.gettempdir()) / f"teiten-{os.getuid() if hasattr(os, 'getuid') else 'user'}"]
    with contextlib.suppress(RuntimeError):  # no home folder is known
        folders.insert(0, cache.expanduser() / "teiten" / "fonts")
    return folders


def _is_whole(path: Path) -> bool:
    """Whether the file is there, ours, and as long as its unpacked length says."""
    try:
        status = path.stat()
    except OSError:
        return False
    ours = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return ours and status.st_size == _length()


@functools.cache
def _length() -> int:
    """The length of the unpacked font in bytes, from the index at the end of the .xz file."""
    with lzma.open(_PACKED) as file:
        return file.seek(0, os.SEEK_END)


def _written(path: Path, data: bytes) -> Path:
    """Writes the file under a temporary name and renames it. OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if hasattr(os, "getuid") and path.parent.stat().st_uid != os.getuid():
        raise PermissionError(f"{path.parent} belongs to another user")
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".font-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    return path
