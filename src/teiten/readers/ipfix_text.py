"""Text made of IPFIX: tables with bars (yafscii --tabular, super_mediator, SiLK's rwcut), and JSON with IPFIX's own names.

A flow's packets and bytes are those of its forward direction. Columns are named by a header line; without one they stand as
yafscii prints them. Times that state no zone are UTC, as these tools write them.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from teiten.readers import _fields, _lines

NAME: Final = "ipfix_text"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REASONS, 10: "another number of fields than its header"}
KINDS: Final = {**_lines.KINDS, 140: "no flow"}

_YAFSCII: Final = (
    "start-time", "end-time", "duration", "rtt", "proto", "sip", "sp", "dip", "dp", "iflags", "uflags", "riflags", "ruflags",
    "isn", "risn", "tag", "rtag", "pkt", "oct", "rpkt", "roct",
)  # fmt: skip
_RWCUT: Final = ("sip", "dip", "sport", "dport", "pro", "packets", "bytes", "flags", "stime", "duration", "etime", "sensor")
_NAMES: Final = {
    **dict.fromkeys(("sip", "sourceipv4address", "sourceipv6address", "src_ip", "source-address"), "src_ip"),
    **dict.fromkeys(("dip", "destinationipv4address", "destinationipv6address", "dst_ip"), "dst_ip"),
    **dict.fromkeys(("sp", "sport", "sourcetransportport"), "src_port"),
    **dict.fromkeys(("dp", "dport", "destinationtransportport"), "dst_port"),
    **dict.fromkeys(("proto", "pro", "protocol", "protocolidentifier"), "protocol"),
    **dict.fromkeys(("pkt", "packets", "packettotalcount", "packetdeltacount"), "packets"),
    **dict.fromkeys(("oct", "bytes", "octettotalcount", "octetdeltacount"), "bytes"),
    **dict.fromkeys(("start-time", "stime", "flowstartmilliseconds", "flowstartmicroseconds", "flowstartseconds"), "time"),
    **dict.fromkeys(("end-time", "etime", "flowendmilliseconds", "flowendmicroseconds", "flowendseconds"), "time_end"),
    **dict.fromkeys(("flags", "tcpcontrolbits"), "tcp_flags"),
}  # fmt: skip
_FLAGS: Final = ("iflags", "initialtcpflags", "uflags", "uniontcpflags")
_ICMP: Final = ("icmptypecodeipv4", "icmptypecodeipv6")
_SILK_TIME: Final = re.compile(r"(\d{4})/(\d\d)/(\d\d)T")

recognise = _lines.recogniser(
    rb"^(?: *(?:start-time|sIP|flowStartMilliseconds)\s*\|.*\||\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\s*\|.*\||"
    rb' *[\da-fA-F.:]{2,39}\| *[\da-fA-F.:]{2,39}\| *\d{1,5}\| *\d{1,5}\| *\d{1,3}\|.*\||\{.*"sourceIPv[46]Address" ?:)'
)


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line."""
    text = line.text.strip()
    if text.startswith("{"):
        entry: dict[str, Any] = json.loads(text)
        flow = entry.get("flows", entry)
        if not isinstance(flow, dict) or not any(name.lower().startswith("sourceip") for name in flow):
            return 140
        return _event({name.lower(): str(value) for name, value in flow.items() if isinstance(value, str | int | float)})
    words = [word.strip() for word in text.removesuffix("|").split("|")]
    if words[0].lower() in _NAMES:
        line.state["columns"] = [word.lower() for word in words]
        return _lines.HEADER
    columns = line.state.get("columns") or (_YAFSCII if words[0][4:5] == "-" else _RWCUT)
    if not len(columns) - 2 <= len(words) <= len(columns) + 1:
        return 10
    return _event(dict(zip(columns, words, strict=False)))


def _event(fields: dict[str, str]) -> _lines.Event:
    texts = {_NAMES[name]: value for name, value in fields.items() if name in _NAMES}
    for name in ("time", "time_end"):
        if name in texts:
            texts[name] = _SILK_TIME.sub(r"\1-\2-\3T", texts[name])
    event = _fields.event(texts)
    for name in ("time", "time_end"):
        if isinstance(event.get(name), _fields.Stamp):
            event[name] = event[name].value
    if event.get("protocol") == _fields.TCP and "tcp_flags" not in event:
        # of the first packet, and of all others together
        for bits in [_fields.flags(fields[name]) for name in _FLAGS if fields.get(name) not in (None, "", "0")]:
            event["tcp_flags"] = (event.get("tcp_flags") or 0) | (bits or 0)
    icmp = next((fields[name] for name in _ICMP if name in fields), None)
    if event.get("protocol") in (_fields.ICMP, _fields.ICMPV6):
        port = fields.get("dp", fields.get("dport", fields.get("destinationtransportport", "")))
        whole = _fields.number(icmp) if icmp else _fields.number(port) if port.isdecimal() else None
        if whole is not None:  # type * 256 + code, in ICMP's own field or in the port's
            event |= {"icmp_type": whole >> 8, "icmp_code": whole & 255}
    return event


# no line that `parse` takes for a header may be missed; what it does not take for one does no harm
_FIRST: Final = "|".join(sorted(map(re.escape, _NAMES), key=len, reverse=True))
read = _lines.texts(parse, REASONS, header=re.compile(rb"[^\w\n|]*(?:%s)" % _FIRST.encode(), re.IGNORECASE))
