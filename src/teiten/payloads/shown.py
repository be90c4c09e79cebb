"""Bytes of strangers as text that does nothing: for terminals, pages, files, chats."""

from __future__ import annotations

import re
from typing import Final

_PLAIN: Final = {n: chr(n) for n in range(0x20, 0x7F)} | {0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}
_TEXT: Final = tuple(_PLAIN.get(n, f"\\x{n:02x}") for n in range(256))
_ASCII: Final = tuple(chr(n) if 0x20 <= n < 0x7F else "." for n in range(256))
_ADDRESS: Final = re.compile(r"\b([a-zA-Z][a-zA-Z0-9+\-]{0,15})://([^\s/'\"<>`;|&(){}\\]{0,300})")
_IPV4: Final = re.compile(r"\b(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\b")


def text(data: bytes, most: int | None = None) -> str:
    """Printable ASCII as it is, all else escaped (\\x1b, \\n); `most`: so many bytes, then how many more there are."""
    kept = data if most is None else data[:most]
    out = "".join(_TEXT[byte] for byte in kept)
    return out if len(kept) == len(data) else f"{out} ... (+{len(data) - len(kept):,})"


def hexadecimal(data: bytes, most: int = 4096) -> list[str]:
    """Lines of place, sixteen bytes, and these as text, where no address is a link (http.//); beyond `most`, how many more
    there are."""
    out = []
    for at in range(0, min(len(data), most), 16):
        row = data[at : min(at + 16, most)]
        left, right = row[:8].hex(" "), row[8:].hex(" ")
        out.append(f"{at:08x}  {left:23}  {right:23}  |{''.join(_ASCII[byte] for byte in row).replace('://', './/')}|")
    if len(data) > most:
        out.append(f"... (+{len(data) - most:,})")
    return out


def defanged(words: str) -> str:
    """The words, with no address in them that anything takes for a link: hxxp://192[.]0[.]2[.]1/x, ftp[:]//a[@]b[.]example."""

    def link(found: re.Match[str]) -> str:
        scheme, host = found.groups()
        head = f"hxxp{scheme[4:]}://" if scheme.lower() in ("http", "https") else f"{scheme}[:]//"
        return head + host.replace(".", "[.]").replace("@", "[@]")

    return _IPV4.sub(r"\1[.]\2[.]\3[.]\4", _ADDRESS.sub(link, words))
