"""What is sent to harm whoever reads it: bombs, escapes, formulas, scripts, every encoding, files of two kinds at once."""

from __future__ import annotations

import codecs
from typing import Final

_LAUGHS: Final = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol">' + b"".join(
    b'<!ENTITY %c "%s">' % (97 + n, b"&%c;" % (96 + n) * 10) for n in range(1, 12)
) + b"]><l>&l;</l>"  # fmt: skip
_TEXT: Final = "GET /<script>alert(1)</script> ภาษา 日本語 \u202e http://evil.example/ =1+1"
ENCODINGS: Final = (
    "utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-7", "shift_jis", "euc_jp", "iso2022_jp", "gb18030", "big5",
    "euc_kr", "koi8_r", "cp1252", "cp037",
)  # fmt: skip
BAD: Final[dict[str, bytes]] = {
    "nothing but zeros": bytes(5000),
    "every byte": bytes(range(256)) * 20,
    "terminal escapes": b"\x1b[2J\x1b]0;owned\x07\x1b]8;;http://evil.example\x07click\x1b]8;;\x07\x9b31m\x1bP$q\x1b\\\x07" * 20,
    "billion laughs": _LAUGHS,
    "an entity that reads a file": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd"><!ENTITY % p SYSTEM "http://evil.example/">]><x>&e;</x>',
    "GIF and JavaScript": b"GIF89a/*\x00\x00*/=1;alert(document.cookie)//<svg onload=alert(1)>",
    "PDF, ZIP and HTML": b"%PDF-1.7\n<script>alert(1)</script>PK\x03\x04" + bytes(30) + b"trailer<</Root 1 0 R>>",
    "gzip in gzip": bytes.fromhex("1f8b0800000000000003") + b"\xff" * 3000,
    "formulas": b"=cmd|' /C calc'!A0\r\n+1+1\r\n-2\r\n@SUM(1)\r\n\t=1\r\n",
    "line ends of every kind": b"\r\n\n\r\x0b\x0c\x85\xe2\x80\xa8\xe2\x80\xa9" * 300,
    "a header without end": b"GET / HTTP/1.1\r\nX: " + b"a" * 60_000,
    "very many headers": b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 9000,
    "a length that lies": b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\nx",
    "a negative length": b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\nx",
    "chunks without end": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 5000,
    "for a slow pattern": b"user=" + b"a" * 3000 + b"!" + b"&pass=" * 3000 + b"wget " * 2000 + b"${IFS}" * 2000 + b"%25" * 5000,
    "deep brackets": b"[" * 20_000 + b"{" * 20_000,
    "UTF-8 that is none": b"\xc0\x80\xed\xa0\x80\xf8\x88\x80\x80\x80\xff\xfe" * 200,
    **{
        f"in {name}": _TEXT.encode(name, "replace") if codecs.lookup(name) else b"" for name in ENCODINGS
    },
}  # fmt: skip
LARGE: Final = b"A" * 10_000_000
