"""ArcSight's Common Event Format (CEF:0|...) with a source and a destination, as UniFi's gateways send it, and others.

UniFi's own head is sometimes UTC and sometimes not: a time in the record (`UNIFIutcTime`, `rt`, `start`) counts before it.
"""

from __future__ import annotations

import re
from typing import Final

from teiten.readers import _fields, _lines

NAME: Final = "cef"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = _lines.REASONS
KINDS: Final = _lines.KINDS

_HEAD: Final = re.compile(r"^[^|]{0,300}?\bCEF: ?[01]\|" + r"((?:[^|\\]|\\.){0,300}+)\|" * 6)
_KEY: Final = re.compile(r"(?:^|\s)([\w.-]+)=")
_NAMES: Final = {
    "src": "src_ip", "c6a2": "src_ip", "spt": "src_port", "dst": "dst_ip", "c6a3": "dst_ip", "dpt": "dst_port",
    "proto": "protocol", "deviceInboundInterface": "interface", "cnt": "packets", "in": "bytes",
}  # fmt: skip
_WORDS: Final = re.compile(r"\b(block|deny|denie|drop|reject|allow|accept|permit)", re.IGNORECASE)

recognise = _lines.recogniser(rb"\bCEF: ?[01]\|[^|\n]{0,99}\|[^|\n]{0,99}\|[^|\n]{0,99}\|.{0,900}?\bsrc=")


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line."""
    text = line.raw.decode("utf-8", "replace")
    head = _HEAD.match(text)
    if not head:
        return _lines.NO_PACKET if "CEF:" in text[:300] else _lines.OTHER
    parts = _KEY.split(text[head.end() :])
    # the first of a name counts: what a message's text holds after it is somebody's words
    pairs = {name: value.strip() for name, value in reversed(list(zip(parts[1::2], parts[2::2], strict=True)))}
    if not ({"src", "c6a2"} & pairs.keys() and {"dst", "c6a3"} & pairs.keys()):
        return _lines.NO_PACKET
    event = _fields.event({_NAMES[name]: value for name, value in pairs.items() if name in _NAMES})
    for key in ("UNIFIutcTime", "start", "rt"):
        stated = pairs.get(key, "")
        if stated.isdecimal() or stated[4:5] == "-":
            when = _fields.when(stated)
            event["time"] = when.value if key == "UNIFIutcTime" and isinstance(when, _fields.Stamp) else when
            break
    word = _WORDS.search(pairs.get("act", "")) or _WORDS.search(head[5])
    if word:
        said = word[1].lower()
        event["action"] = "reject" if said == "reject" else "accept" if said in ("allow", "accept", "permit") else "drop"
    return {**event, "interface": ""} if pairs.get("deviceDirection") == "1" else event


read = _lines.texts(parse, REASONS, stamps=True)
