"""RouterOS's firewall log: 'PREFIX CHAIN: in:... out:..., proto TCP (SYN), A:P->B:Q, len N', IPv4 and IPv6, with NAT's part.

Whether a packet was dropped or let through is in the rule's prefix alone (`drop-in`, `accept`), as with netfilter.
"""

from __future__ import annotations

import re
from typing import Final

from teiten.readers import _fields, _lines

NAME: Final = "mikrotik"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = _lines.REASONS
KINDS: Final = _lines.KINDS

_BODY: Final = re.compile(
    r"(?:(?P<prefix>[^:]{0,64}?) )?(?P<chain>[\w.-]{1,64}): in:(?P<interface>\([^)]*\)|[^\s,]+) "
    r"out:(?P<out>\([^)]*\)|[^\s,]+), "
    r"(?:packet-mark:\S+ )?(?:connection-mark:\S+ )?(?:connection-state:(?P<state>[\w,]+?),? ?)?(?:src-mac (?P<mac>[\w:]+),? )?"
    r"proto (?P<protocol>[\w-]+)(?: \((?P<detail>[^)]*)\))?, "
    r"(?P<src_ip>\[[\w:.%]+\]|[\d.]+|[\da-fA-F:]+?)(?::(?P<src_port>\d{1,5}))?->"
    r"(?P<dst_ip>\[[\w:.%]+\]|[\d.]+|[\da-fA-F:]+?)(?::(?P<dst_port>\d{1,5}))?"
    r"(?:, NAT .{0,200}?)?(?:, (?:prio \S+ )?len (?P<ip_len>\d{1,6}))?\s*$"
)
_ICMP: Final = re.compile(r"type (?P<icmp_type>\d{1,3}), code (?P<icmp_code>\d{1,3})")
_WORDS: Final = re.compile(r"drop|block|deny|reject|accept|allow|pass", re.IGNORECASE)
_HEAD: Final = re.compile(r"(?:^|[\s:])(?:[a-z]+,)*firewall(?:,[a-z]+)*:? ")
_UNKNOWN: Final = "(unknown"

recognise = _lines.recogniser(rb"\bin:(?:\([^)\n]*\)|[^\s,]+) out:(?:\([^)\n]*\)|[^\s,]+), .{0,200}?proto [\w-]+")


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line."""
    begin = _HEAD.search(line.text[:200])
    found = _BODY.match(line.text, begin.end() if begin else 0) or (None if begin else _BODY.search(line.text))
    if not found:
        return 1 if begin and " in:" in line.text and "proto " in line.text else _lines.OTHER
    texts = found.groupdict()
    prefix, detail = texts.pop("prefix") or "", texts.pop("detail") or ""
    word = _WORDS.search(prefix)
    for name in ("chain", "out", "state", "mac"):
        del texts[name]
    event = _fields.event(texts)
    if len(event["src_ip"]) == 16 and "ip_len" in event:  # of IPv6 it tells the payload's length
        event["ip_len"] += 40
    if event["interface"].startswith(_UNKNOWN):
        event["interface"] = ""
    if word:
        event["action"] = {"pass": "accept", "allow": "accept", "accept": "accept", "reject": "reject"}.get(
            word[0].lower(), "drop"
        )
    icmp = _ICMP.search(detail)
    if event.get("protocol") == _fields.TCP and detail:
        event["tcp_flags"] = _fields.flags(detail)
    elif icmp:
        event |= {"icmp_type": int(icmp[1]), "icmp_code": int(icmp[2])}
    return event


read = _lines.texts(parse, REASONS, stamps=True)
