"""A station's log: a line a thing, on stderr, as text, JSON, or as the journal has it; what a stranger sent is only text.

tell = Log("journal")
tell("warning", "kern: there is no file /var/log/kern.log yet")
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Final, TextIO

from teiten.errors import UsageError

FORMS: Final = ("text", "json", "journal")
LEVELS: Final = {"error": 3, "warning": 4, "info": 6, "debug": 7}
"""what may be told, with the priority that the journal knows it by"""
LONGEST: Final = 2000
"""characters of a line; the rest is cut off"""
_WINDOW: Final = 10.0
_MOST: Final = 200
"""lines in so many seconds; what is more is counted and told as a number"""


class Log:
    """Tells, from any thread. A line that cannot be written (a full disk, a closed terminal) stops nothing."""

    def __init__(self, form: str = "text", out: TextIO | None = None, *, least: str = "info") -> None:
        if form not in FORMS:
            raise UsageError(f"There is no form of log '{form}'.", hint=f"Choose one of: {', '.join(FORMS)}.")
        self.form = form
        self.out = out
        self.most = LEVELS[least]
        self._lock = threading.Lock()
        self._since = time.monotonic()
        self._lines = 0
        self._left_out = 0

    def __call__(self, level: str, sentence: str) -> None:
        if LEVELS.get(level, 6) > self.most:
            return
        with self._lock:
            now = time.monotonic()
            if not 0 <= now - self._since < _WINDOW:
                self._since, self._lines = now, 0
                if self._left_out:
                    left, self._left_out = self._left_out, 0
                    self._write("warning", f"{left} lines of this log were left out: more than {_MOST} within {_WINDOW:.0f} s")
            self._lines += 1
            if self._lines > _MOST:
                self._left_out += 1
                return
            self._write(level, sentence)

    def _write(self, level: str, sentence: str) -> None:
        line = formed(self.form, level, plain(sentence), time.time())
        out = self.out or sys.stderr
        try:
            out.write(line + "\n")
            out.flush()
        except (OSError, ValueError):
            return


def formed(form: str, level: str, sentence: str, at: float) -> str:
    """The line as it stands in the log, without its end. `at`: seconds since 1970."""
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    if form == "json":
        return json.dumps({"time": when, "level": level, "message": sentence}, ensure_ascii=False)
    if form == "journal":
        return f"<{LEVELS.get(level, 6)}>{sentence}"
    return f"{when} {level:<7} {sentence}"


def plain(text: str) -> str:
    """Text for a terminal or a log: what is not printable is shown as its escape, on one line, cut at `LONGEST`."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def level_of(line: str, usual: str = "info") -> tuple[str, str]:
    """Level and text of a child's line: `<4>text` says its own, as the journal has it; others are `usual`."""
    if len(line) > 2 and line[0] == "<" and line[2] == ">" and line[1].isdigit():
        priority = int(line[1])
        level = next((name for name, number in LEVELS.items() if priority <= number), "debug")
        return level, line[3:]
    return usual, line
