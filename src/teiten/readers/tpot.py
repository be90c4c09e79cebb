"""T-Pot's collection: the logs of several honeypots in one stream, as Logstash hands them on; `type` says whose a line is.

A line is read by its honeypot's own reader. Lines of programs that see the same traffic once more (Suricata, p0f), and of
honeypots without a reader, are ignored by that kind.
"""

from __future__ import annotations

import re
from typing import Any, Final

from teiten import readers
from teiten.readers import _honeypots, _lines
from teiten.readers._base import FIRST_IGNORED

NAME: Final = "tpot"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
TYPES: Final = (
    "adbhoney", "conpot", "cowrie", "dionaea", "elasticpot", "heralding", "honeytrap", "mailoney", "tanner",
)  # fmt: skip
"""honeypots with a reader, by T-Pot's `type` in small letters"""

_LEANING: Final = ("adbhoney", "conpot", "cowrie", "heralding", "mailoney", "tanner")
"""those whose lines lean on others"""
_OTHER: Final = 129
_OWN: Final[dict[str, Any]] = {name: readers.module(name) for name in TYPES}
_KINDS: Final = [(name, code) for name, own in _OWN.items() for code in sorted(own.KINDS) if code not in _lines.IGNORED]
_REASONS: Final = [(name, code) for name, own in _OWN.items() for code in sorted(own.REASONS) if code not in _lines.REJECTED]
_CODES: Final = {key: _OTHER + n for n, key in enumerate(_KINDS, 1)} | {key: 10 + n for n, key in enumerate(_REASONS)}
KINDS: Final = {
    **_lines.IGNORED,
    _OTHER: "another program's",
    **{_CODES[name, code]: f"{name}: {_OWN[name].KINDS[code]}" for name, code in _KINDS},
}
REASONS: Final = {
    **_lines.REJECTED,
    **{_CODES[name, code]: f"{name}: {_OWN[name].REASONS[code]}" for name, code in _REASONS},
}

_HEAD: Final = re.compile(rb'"type": ?"(?:Adbhoney|ConPot|Cowrie|Dionaea|ElasticPot|Heralding|Honeytrap|Mailoney|Tanner)"')
_STAMP: Final = re.compile(rb'"@timestamp": ?"')


def recognise(head: bytes) -> float:
    """1 where a line says of which of these honeypots it is, and has Logstash's stamp."""
    return 1.0 if _HEAD.search(head) and _STAMP.search(head) else 0.0


def parse(line: _lines.Line) -> _lines.Event | list[_lines.Event] | int:
    """One line."""
    try:
        name = _honeypots.told(line.raw)["type"].lower()
    except _honeypots.WRONG:
        return 1
    if name not in _OWN:
        return _OTHER
    own = _lines.Line(line.raw, "", 0, line.options, line.state.setdefault(name, {}), line.at)
    made: _lines.Event | list[_lines.Event] | int = (
        _OWN[name].parse(own) if name in _LEANING else _OWN[name].parse(line.raw, line.options)
    )
    if isinstance(made, int):
        known = _lines.IGNORED if made >= FIRST_IGNORED else _lines.REJECTED
        return made if made in known else _CODES[name, made]
    return made


read = _lines.sessions(parse, REASONS, _STAMP, _OWN["cowrie"].REACH)
