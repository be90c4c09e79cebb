"""Patterns of signatures: words with `*` for anything and `#` for one digit, matched in time that grows with the text alone.

A regular expression of somebody else's file may take hours over a text of forty letters. These patterns cannot: each piece
between two stars has one length, so that the leftmost place where it fits is always the right one to take, and nothing is
ever tried twice (docs/decisions/0079).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 200
"""characters of a pattern"""
STARS: Final = 8
LEAST: Final = 3
"""letters and digits that a pattern with a star must ask for"""
MOST_TEXT: Final = 4096
"""characters of a text that are looked at"""
_REGEX: Final = re.compile(r"\\|^\.\*|(?<![0-9])\.[+?]|(?<![0-9])\.\*.|\)[*+?{]|\][*+?{]|\(\?|\[[^\]]*-[^\]]*\]|^\^|\$$")
"""what stands in regular expressions, and in no text of a device that is known to us"""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern, ready to be used. `weight`: letters that it asks for, by which the more exact of two is told."""

    text: str
    pieces: tuple[re.Pattern[str], ...]
    open_left: bool
    open_right: bool
    weight: int

    def fits(self, text: str) -> bool:
        """Does the whole text fit? Capitals and small letters are the same."""
        text = text[:MOST_TEXT].casefold()
        if not self.open_left and not self.open_right and len(self.pieces) == 1:
            return self.pieces[0].fullmatch(text) is not None
        at, end = 0, len(text)
        pieces = list(self.pieces)
        if not self.open_right:
            last = pieces.pop()
            length = len(_plain(last))
            if length > end or last.match(text, end - length) is None:
                return False
            end -= length
        for number, piece in enumerate(pieces):
            found = piece.match(text, at, end) if number == 0 and not self.open_left else piece.search(text, at, end)
            if found is None:
                return False
            at = found.end()
        return at <= end


def _plain(piece: re.Pattern[str]) -> str:
    """The piece as it is written, a character for each of the text."""
    return re.sub(r"\\(.)", r"\1", piece.pattern.replace("[0-9]", "#"), flags=re.DOTALL)


def compiled(text: object) -> Pattern:
    """The pattern of that text. ValueError that says what is wrong with it."""
    if not isinstance(text, str):
        raise ValueError(f"a pattern is a text, not {text!r}")
    if len(text) > LONGEST:
        raise ValueError(f"a pattern has at most {LONGEST} characters, this one {len(text)}")
    if _REGEX.search(text):
        raise ValueError(
            f"'{text[:60]}' reads like a regular expression, which is not taken: write words, * for anything, # for a digit"
        )
    folded = text.casefold()
    pieces = [piece for piece in folded.split("*") if piece]
    if folded.count("*") > STARS:
        raise ValueError(f"a pattern has at most {STARS} stars, this one {folded.count('*')}")
    weight = sum(char.isalnum() or char == "#" for piece in pieces for char in piece)
    if weight < (LEAST if "*" in folded else 2) or sum(char.isalpha() for piece in pieces for char in piece) < 1:
        raise ValueError(f"'{text[:60]}' fits nearly everything: a pattern asks for {LEAST} letters or digits at least")
    made = tuple(re.compile("".join("[0-9]" if char == "#" else re.escape(char) for char in piece)) for piece in pieces)
    return Pattern(text, made, folded.startswith("*"), folded.endswith("*"), weight)
