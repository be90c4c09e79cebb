"""How answers travel: compressed, files under names that tell their content, and the word of forms never the same bytes twice.

A page that is compressed and has a secret in it tells the secret to whoever can put text into it and see its length (BREACH).
So `covered` writes the word of forms under a fresh pad each time: nothing in a page is as long as a guess makes it.
"""

from __future__ import annotations

import base64
import binascii
import functools
import gzip
import hashlib
import re
import secrets
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

LEAST: Final = 600
"""bytes of an answer below which nothing is gained"""
LEVEL: Final = 5
"""of gzip: a page takes a third of level 9's time and is 3 % longer"""
YEAR: Final = 365 * 24 * 3600
_TYPES: Final = {"css": "text/css", "js": "text/javascript", "woff2": "font/woff2", "svg": "image/svg+xml", "png": "image/png"}


def middleware() -> Middleware:
    """Compresses what is worth it; streams of events are left as they are, each line goes at once."""
    return Middleware(GZipMiddleware, minimum_size=LEAST, compresslevel=LEVEL)


def covered(word: str) -> str:
    """The word under a pad of its own: other bytes each time."""
    plain = word.encode()
    pad = secrets.token_bytes(len(plain))
    return base64.urlsafe_b64encode(pad + bytes(a ^ b for a, b in zip(plain, pad, strict=True))).decode()


def same(text: str, word: str) -> bool:
    """Is that text the word, covered or as it is?"""
    sent = text.encode()
    if secrets.compare_digest(sent, word.encode()):
        return True
    try:
        both = base64.b64decode(sent, altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return False
    half = len(both) // 2
    return secrets.compare_digest(bytes(a ^ b for a, b in zip(both[:half], both[half:], strict=False)), word.encode())


@dataclass(frozen=True, slots=True)
class File:
    """A file that pages take: its bytes, the same compressed (empty: not worth it), type and digest."""

    data: bytes
    packed: bytes
    kind: str
    digest: str


@functools.cache
def file(name: str) -> File | None:
    """The file of that name in static/, or the font; None where there is none. No name leads out of there."""
    stem, _, ending = name.rpartition(".")
    kind = _TYPES.get(ending)
    if kind is None or not stem.replace("-", "").replace("_", "").isalnum():
        return None
    data = _bytes(name)
    if data is None:
        return None
    packed = b"" if ending in ("woff2", "png") else gzip.compress(data, 9, mtime=0)
    return File(data, packed, kind, hashlib.blake2b(data, digest_size=6).hexdigest())


def address(name: str) -> str:
    """Where pages take that file from: another address whenever its content is another."""
    found = file(name)
    stem, _, ending = name.rpartition(".")
    return f"/static/{stem}.{found.digest}.{ending}" if found else f"/static/{name}"


async def static(request: Request) -> Response:
    """A file, by its address or by its plain name. Under its address it never changes, and is asked for once."""
    name: str = request.path_params["name"]
    stem, _, ending = name.rpartition(".")
    plain, _, digest = stem.rpartition(".")
    found = file(f"{plain}.{ending}") if plain else file(name)
    if found is None or (plain and digest != found.digest):
        return Response("There is no such file.\n", 404, media_type="text/plain")
    tag = f'"{found.digest}"'
    kept = f"public, max-age={YEAR}, immutable" if plain else "no-cache"
    headers = {"etag": tag, "cache-control": kept, "vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if found.packed and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, media_type=found.kind, headers=headers | {"content-encoding": "gzip"})
    return Response(found.data, media_type=found.kind, headers=headers)


def _bytes(name: str) -> bytes | None:
    if name == "teiten-sans.woff2":
        from teiten.data import fonts

        return fonts.WOFF2.read_bytes()
    if name == "colours.css":
        from teiten.report import figures

        return figures.whole_css().encode()
    found = resources.files("teiten.web") / "static" / name
    if not found.is_file():
        return None
    data = found.read_bytes()
    if not name.endswith(".css"):
        return data
    # what a style sheet takes has such an address too
    return re.sub(rb'url\("([\w.-]+)"\)', lambda m: f'url("{address(m[1].decode())}")'.encode(), data)
