"""Honeytrap's log of attacks (attackers.json), also as T-Pot keeps it: a line an attack, with the bytes that were sent."""

from __future__ import annotations

import re
from typing import Any, Final

from teiten.readers import _honeypots, _lines
from teiten.readers._base import ReadOptions

NAME: Final = "honeytrap"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REJECTED, 10: "the bytes are not as long as they are said to be"}
KINDS: Final = {**_lines.IGNORED}

_HEAD: Final = re.compile(rb'^\{[^\n]{0,8000}"attack_connection": ?\{', re.MULTILINE)
_PROTOCOLS: Final = {"tcp": _honeypots.TCP, "udp": _honeypots.UDP}
_NAMES: Final = {"local_ip": "dest_ip", "local_port": "dest_port", "remote_ip": "src_ip", "remote_port": "src_port"}
"""as T-Pot renames them"""


def recognise(head: bytes) -> float:
    """0.9 where a line has an attack's connection."""
    return 0.9 if _HEAD.search(head) else 0.0


def parse(line: bytes, options: ReadOptions) -> list[_lines.Event] | int:
    """One line."""
    try:
        found = _honeypots.told(line)
        attack: dict[str, Any] = found["attack_connection"]
        flat = {**found, **{name: attack[own] for own, name in _NAMES.items() if own in attack}}
        base = {**_honeypots.ends(flat), "time": _honeypots.time(found.get("timestamp", found.get("@timestamp")))}
        payload = attack.get("payload") or {}
        said = bytes.fromhex(payload.get("data_hex") or "")
        length = payload.get("length", len(said))
        if type(length) is not int or length < len(said):
            return 10
        events = _honeypots.heard(base, [said], protocol=_PROTOCOLS[attack["protocol"]])
        # (of a long one only the beginning may be kept)
        return [{**one, "payload_len": length} if "payload" in one else one for one in events]
    except _honeypots.WRONG:
        return 1


read = _lines.reader(parse, REASONS)
