"""What stands between a syslog line's stamp and its message: host, program, RFC 5424's fields. Shared by readers of text.

The stamp itself has been read by `_stamp` (RFC 3164 with and without a year, RFC 5424, ISO 8601, rsyslog's and routers'
spellings). A program's name counts only where it stands: text that an attacker put into a message of another daemon is not
taken for a line of the firewall's.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from teiten.readers import _stamp
from teiten.readers._lines import Line

_WORD: Final = r"[^\s:\[\]=]{1,255}"
_RFC5424: Final = re.compile(
    r' ?(?P<host>\S{1,255}) (?P<app>\S{1,128}) \S{1,128} \S{1,128} (?:-|(?:\[(?:[^\]"]|"(?:[^"\\]|\\.)*+")*+\])++)'
    r"(?: (?:\ufeff)?|$)",
    re.DOTALL,
)
_PLAIN: Final = re.compile(
    rf" ?(?:(?P<host>(?!{_WORD}(?:\[[^\]\s]{{0,64}}\])?: )\S{{1,255}}) +)?(?P<app>{_WORD})(?:\[[^\]\s]{{0,64}}\])?(?: -)?: "
)


class Message(NamedTuple):
    """A line's parts: host and program (empty where it states none), and what the program said."""

    host: str
    app: str
    text: str


def message(line: Line) -> Message:
    """The parts of what follows a stamp. All of it is the text where no program's name stands before it."""
    rest = line.text
    found = (_RFC5424 if line.style == _stamp.RFC5424 else _PLAIN).match(rest)
    if not found:
        return Message("", "", rest.strip())
    return Message(found["host"] or "", found["app"], rest[found.end() :])
