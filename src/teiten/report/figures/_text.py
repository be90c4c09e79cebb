"""How wide a text is, where it may be broken, and how it is cut: measured with the font that draws it."""

from __future__ import annotations

import functools
import unicodedata

from teiten.data import fonts

ASCENT = 0.80
"""What stands above the baseline, in em: capitals and kanji."""
DESCENT = 0.20
"""What hangs below it."""

# A line begins with none of the first and ends with none of the second (kinsoku).
_NOT_FIRST = set("、。,.,.・:;:;?!?!)〕]}〉》」』】)]}’”ぁぃぅぇぉっゃゅょァィゥェォッャュョーヽヾ々%%…‥〜~")
_NOT_LAST = set("(〔[{〈《「『【([{‘“¥$¥$#")


@functools.lru_cache(maxsize=8192)
def width(text: str, size: float) -> float:
    """Width in px of one line at that font size. A character without a glyph counts as wide as it usually is."""
    table = fonts.widths()
    return sum(table.get(ord(c)) or _guess(c) for c in text) * size / 1000


def _guess(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 1000 if unicodedata.east_asian_width(char) in "WF" or ord(char) > 0xFFFF else 600


def plain(text: str) -> str:
    """The text on one line, with what XML or a reader's eye cannot bear (controls, surrogates, bidi marks) as □."""
    out = []
    for char in text:
        category = unicodedata.category(char)
        if char in "\t\n\r\u2028\u2029":
            out.append(" ")
        elif category in ("Cc", "Cs", "Cf", "Co", "Cn"):
            out.append("□")
        else:
            out.append(char)
    return "".join(out).strip()


def fit(text: str, size: float, room: float) -> str:
    """The text, cut with … where it is wider than the room; nothing where not even that has room."""
    if width(text, size) <= room + 0.01:  # room was often computed from this very width
        return text
    sign = "…" if any(_is_wide(c) for c in text) else "..."  # the font's … is a kanji's width, at half its height
    low, high = 0, len(text)
    while low < high:  # the longest beginning that fits with the sign of the cut
        middle = (low + high + 1) // 2
        if width(text[:middle].rstrip() + sign, size) <= room:
            low = middle
        else:
            high = middle - 1
    cut = text[:low].rstrip() + sign
    return cut if width(cut, size) <= room else ""


def wrap(text: str, size: float, room: float, most: int) -> list[str]:
    """The text in lines of at most `room` px, at most `most` of them; the last is cut with … where there is more."""
    lines: list[str] = []
    rest = text.strip()
    while rest:
        if len(lines) == most - 1:
            lines.append(fit(rest, size, room))
            break
        cut = _break(rest, size, room)
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return lines


def _break(text: str, size: float, room: float) -> int:
    """Where the first line ends: near the edge, and rather after a comma, a space or a particle than inside a phrase."""
    run, edge = 0.0, len(text)
    for i, char in enumerate(text):
        run += width(char, size)
        if run > room + 0.01:
            edge = i
            break
    else:
        return len(text)
    best, cut_at = -1e9, 0
    for cut in range(edge, max(0, int(edge * 0.2)), -1):
        if _may_break(text[cut - 1], text[cut]):
            worth = _worth(text[cut - 1], text[cut]) - 8.0 * (edge - cut) / edge
            if worth > best:
                best, cut_at = worth, cut
    return cut_at or max(1, edge)  # one long word: cut where it must be


def _worth(left: str, right: str) -> float:
    """How good a place to break is, from 0."""
    if left in "、。;；，" or (left in ",.;:" and right == " "):
        return 3.0
    if right == " " or left == " ":
        return 2.0
    if _is_kana(left) and not _is_kana(right):
        return 1.5
    return 0.0


def _may_break(left: str, right: str) -> bool:
    if right == " " or left == " ":
        return True
    if right in _NOT_FIRST or left in _NOT_LAST:
        return False
    if left.isdigit() and _is_wide(right):
        return False  # a number stays with what it counts
    return _is_wide(left) or _is_wide(right)


def _is_kana(char: str) -> bool:
    return "ぁ" <= char <= "ん"


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def balanced(text: str, size: float, room: float, most: int) -> list[str]:
    """Like wrap, but lines of about the same length: a heading whose last line is one word looks like a mistake.

    Where lines of another length all end with a comma or a stop, they are taken instead.
    """
    lines = wrap(text, size, room, most)
    if len(lines) < 2 or lines[-1].endswith(("…", "...")):
        return lines
    low, high = room * 0.5, room
    for _ in range(7):
        middle = (low + high) / 2
        if len(wrap(text, size, middle, most + 1)) <= len(lines):
            high = middle
        else:
            low = middle
    tries = [wrap(text, size, high + (room - high) * step / 8, most) for step in range(9)]
    ended = [t for t in tries if len(t) == len(lines) and all(row[-1] in "、。,;:；：" for row in t[:-1])]
    return (ended or tries)[0]
