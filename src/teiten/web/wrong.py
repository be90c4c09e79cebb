"""What is wrong, in the reader's language: messages of errors are English in the house, and are said here as readers need.

`[web_wrong]` of the language files has each message, and each advice, under one key in every language. The English text is the
message as it is raised, with {fields}: so what it was raised with is found again, and put into the text of another language.
A message that has no entry is shown as it is, under a sentence that says so; a test looks for those that pages raise.
"""

from __future__ import annotations

import functools
import re
import string
from typing import Final
from urllib.parse import quote

from teiten import lang
from teiten.errors import LakeError, TeitenError, UsageError
from teiten.web.model import Cell

TABLE: Final = "web_wrong."
_RAISED: Final = "en"


def said(error: TeitenError, code: str) -> tuple[str, list[str]]:
    """What is wrong, as a title, and the sentences under it (advice; the English text where there is no other)."""
    if code == _RAISED:
        return error.message, [error.hint] if error.hint else []
    words = lang.words(code)
    message = translated(error.message, code)
    hint = translated(error.hint, code) if error.hint else None
    if message is not None:
        return message, [hint or error.hint] if error.hint else []
    kind = "asked" if isinstance(error, UsageError) else "lake" if isinstance(error, LakeError) else "other"
    sentences = [words(f"web_trouble.do_{kind}"), words("web_trouble.english", text=str(error))]
    return words(f"web_trouble.{kind}"), sentences


def translated(text: str, code: str) -> str | None:
    """The text in that language; None where no entry has it."""
    for key, pattern in _patterns():
        found = pattern.fullmatch(text)
        if found is not None:
            fields = {name: translated(value, code) or value for name, value in found.groupdict().items()}
            return lang.words(code)(key, **fields)
    return None


@functools.cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Key and pattern of every message, those with most of their own words first."""
    made = []
    for key, entry in lang.entries(_RAISED).items():
        if key.startswith(TABLE) and isinstance(entry, str):
            pieces = list(string.Formatter().parse(entry))
            text = "".join(re.escape(own) + (f"(?P<{name}>.*)" if name else "") for own, name, _, _ in pieces)
            made.append((sum(len(own) for own, *_ in pieces), key, re.compile(text, re.DOTALL)))
    return [(key, pattern) for _, key, pattern in sorted(made, key=lambda one: -one[0])]


_LISTS: Final = {
    "port": "/ports", "country": "/countries", "asn": "/asns", "source": "/sources", "scanner": "/scanners",
    "sensor": "/sensors", "story": "/stories", "event": "/events", "report": "/reports",
}  # fmt: skip
"""where the list is of which a page shows one"""


def ways(path: str, query: str, code: str) -> list[Cell]:
    """Ways on from a page that could not be shown: the same without its filters, the list, the search, the overview."""
    words, own = lang.words(code), f"?lang={code}"
    out = []
    first = path.strip("/").partition("/")[0]
    if first in _LISTS:
        out.append(Cell(words("web_trouble.list"), _LISTS[first] + own))
    elif query and first:
        out.append(Cell(words("web_trouble.without"), quote(path) + own))
    return [*out, Cell(words("web_trouble.search"), "/search" + own), Cell(words("web_trouble.overview"), "/" + own)]
