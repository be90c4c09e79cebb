"""Sentences put together to a paragraph."""

from __future__ import annotations

from collections.abc import Iterable

from teiten.lang import Words
from teiten.report.model import Paragraph, Piece


def joined(words: Words, sentences: Iterable[Paragraph]) -> Paragraph:
    """One paragraph of several, as the language sets them in a row."""
    out: list[Piece] = []
    for sentence in sentences:
        pieces = [sentence] if isinstance(sentence, str) else list(sentence)
        if out and words("number.between"):
            out.append(words("number.between"))
        out += pieces
    return out
