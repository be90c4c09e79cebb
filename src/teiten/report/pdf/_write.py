"""PDF objects as bytes (ISO 32000-1): dictionaries, streams, references; the same content gives the same file."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Ref:
    """An object by its number."""

    number: int


@dataclass(frozen=True, slots=True)
class Name:
    """/Name."""

    text: str


@dataclass(frozen=True, slots=True)
class Raw:
    """Written as it stands."""

    text: str


class Document:
    """Objects in the order in which they were asked for; a number may be had before what stands under it."""

    def __init__(self) -> None:
        self._objects: list[bytes | None] = []

    def reserve(self) -> Ref:
        self._objects.append(None)
        return Ref(len(self._objects))

    def put(self, value: Any, ref: Ref | None = None) -> Ref:
        """Adds an object, or fills in a reserved one."""
        ref = ref or self.reserve()
        self._objects[ref.number - 1] = token(value).encode("latin-1")
        return ref

    def stream(self, data: bytes, entries: Mapping[str, Any] | None = None, *, pack: bool = True) -> Ref:
        """Adds a stream."""
        ref = self.reserve()
        body = zlib.compress(data, 9) if pack else data
        head = {**(entries or {}), "Length": len(body), **({"Filter": Name("FlateDecode")} if pack else {})}
        self._objects[ref.number - 1] = token(head).encode("latin-1") + b"\nstream\n" + body + b"\nendstream"
        return ref

    def bytes(self, root: Ref, info: Ref) -> bytes:
        """The whole file. Its identifier is made from its content."""
        out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        places = []
        for number, body in enumerate(self._objects, 1):
            assert body is not None, f"object {number} was asked for and never written"
            places.append(len(out))
            out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
        start = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
        out += b"".join(b"%010d 00000 n \n" % place for place in places)
        same = Raw(f"<{hashlib.sha256(out).hexdigest()[:32]}>")
        trailer = {"Size": len(places) + 1, "Root": root, "Info": info, "ID": [same, same]}
        return bytes(out) + b"trailer\n" + token(trailer).encode("latin-1") + b"\nstartxref\n%d\n%%%%EOF\n" % start


def token(value: Any) -> str:
    """A value in PDF's syntax. Text becomes UTF-16 unless it is plain."""
    if isinstance(value, Ref):
        return f"{value.number} 0 R"
    if isinstance(value, Name):
        return f"/{value.text}"
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        return "<< " + " ".join(f"/{key} {token(one)}" for key, one in value.items() if one is not None) + " >>"
    if isinstance(value, Sequence):
        return "[" + " ".join(map(token, value)) + "]"
    raise TypeError(f"a PDF has no {type(value).__name__}")


def text(value: str) -> str:
    """A text string: plain ones in brackets, others as UTF-16 in hexadecimal."""
    if value.isascii() and value.isprintable():
        return "(" + value.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") + ")"
    return "<FEFF" + value.encode("utf-16-be", "replace").hex().upper() + ">"


def number(value: float) -> str:
    """A number: at most three decimals, no exponent."""
    out = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if out in ("-0", "") else out
