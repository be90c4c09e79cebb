"""AWS VPC flow logs: the default format (version 2) and any other, whose header line names its fields; with CloudWatch's time.

A record is a flow of some minutes in one direction, of one network interface: `interface` is its name where the record says
that the flow came in (or does not say), empty where it went out (`flow-direction` egress). NODATA and SKIPDATA tell of none.
"""

from __future__ import annotations

import re
from typing import Final

from teiten.readers import _fields, _lines

NAME: Final = "aws_flow"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REASONS, 10: "another number of fields than its header"}
KINDS: Final = {**_lines.KINDS, 140: "no data", 141: "skipped"}

_DEFAULT: Final = (
    "version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes",
    "start", "end", "action", "log-status",
)  # fmt: skip
_NAMES: Final = {
    "interface-id": "interface", "srcaddr": "src_ip", "dstaddr": "dst_ip", "srcport": "src_port", "dstport": "dst_port",
    "protocol": "protocol", "packets": "packets", "bytes": "bytes", "start": "time", "end": "time_end",
    "tcp-flags": "tcp_flags",
}  # fmt: skip
_INNER: Final = {"pkt-srcaddr": "srcaddr", "pkt-dstaddr": "dstaddr"}
_CLOUDWATCH: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z? ")
_STATES: Final = {"NODATA": 140, "SKIPDATA": 141}

recognise = _lines.recogniser(
    rb"^(?:(?:[a-z][a-z0-9-]+ )*?(?:srcaddr|dstaddr)\b[ a-z0-9-]*$|(?:\d{4}-\d\d-\d\dT[\d:.]+Z? )?"
    rb"\d (?:\d{12}|unknown) eni-[0-9a-f]+ \S+ \S+ \S+ \S+ \S+ \S+ \S+ \d{10} \d{10} \S+ (?:OK|NODATA|SKIPDATA)\b)"
)


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line."""
    words = _CLOUDWATCH.sub("", line.text, count=1).split()
    if "srcaddr" in words or "dstaddr" in words or "log-status" in words:
        line.state["columns"] = words
        return _lines.HEADER
    columns = line.state.get("columns") or _DEFAULT
    if len(words) != len(columns):
        return 10
    fields = dict(zip(columns, words, strict=True))
    if fields.get("log-status", "OK") != "OK":
        return _STATES.get(fields["log-status"], 1)
    for inner, outer in _INNER.items():  # the packet's own address, where the record's is that of the interface alone
        if fields.get(inner, "-") != "-" and fields.get(outer, "-") == "-":
            fields[outer] = fields[inner]
    event = _fields.event({_NAMES[name]: value for name, value in fields.items() if name in _NAMES})
    if "action" in fields:
        event["action"] = {"ACCEPT": "accept", "REJECT": "drop"}.get(fields["action"])
    if fields.get("flow-direction") == "egress":
        event["interface"] = ""
    return event


# no line that `parse` takes for a header may be missed; what it does not take for one does no harm
read = _lines.texts(parse, REASONS, header=re.compile(rb"[^\n]*(?:srcaddr|dstaddr|log-status)"))
