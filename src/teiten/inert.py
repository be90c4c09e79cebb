r"""Text of others where something would obey it: cells of a spreadsheet, lines of a terminal or a log, a mail, a chat.

    cell("=1+1")             "'=1+1"             a spreadsheet takes no cell for a formula
    line("a\x1b[2J\nb")      "a\\x1b[2J\\x0ab"   one line, and no terminal obeys it
    text("a\x1b[2J\nb")      "a\\x1b[2J\nb"      the same, with its lines and tabs

What is no character to be seen is shown as its number: what a terminal obeys, also beyond ASCII; what turns the order of
letters round, or stands between them without being seen (a name that reads as another is no name).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

BEGINS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20\u2212"
"""with these a formula may begin; the wide ones too, where a spreadsheet's language is Japanese"""
RISKY: Final = rf"""^[\s"']*[{BEGINS}]|^[\t\n]|[\p{{C}}\p{{Zl}}\p{{Zp}}--\n\t]|[;\t\n]\s*["']?[{BEGINS}]"""
"""a text that `cell` changes, as the regular expressions of Rust (polars) have it"""
_BEGINS: Final = re.compile(rf"""[\s"'\0]*[{BEGINS}]|[\t\r\n\0]""")
_WITHIN: Final = re.compile(rf"""([;\t\n]\s*["']?)(?=[{BEGINS}])""")


def _shown(one: str) -> str:
    number = ord(one)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def line(told: str) -> str:
    """The text on one line."""
    return told if told.isprintable() else _plain(told, "")


def text(told: str) -> str:
    """The text with its lines and tabs."""
    return told if told.isprintable() else _plain(told, "\n\t")


def json(told: str) -> str:
    """JSON, as it is written, with what is not to be seen in it as its number: the same to programs."""
    return told if told.isascii() and "\x7f" not in told else _UNSEEN.sub(_as_json, told)


_UNSEEN: Final = re.compile(
    "[\x7f-\x9f\xad\u0600-\u0605\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def _as_json(found: re.Match[str]) -> str:
    return "".join(f"\\u{unit:04x}" for unit in memoryview(found[0].encode("utf-16-le")).cast("H"))


def _plain(told: str, kept: str) -> str:
    return "".join(c if c.isprintable() or c in kept or unicodedata.category(c) == "Zs" else _shown(c) for c in told)


def cell(told: str) -> str:
    """The text as a cell of a CSV that no spreadsheet takes for a formula, also one that ends cells at ; or tab."""
    safe = _WITHIN.sub(r"\1'", text(told))
    return f"'{safe}" if _BEGINS.match(told) else safe
