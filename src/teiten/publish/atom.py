"""An Atom feed (RFC 4287) as bytes, from its entries' lines: what feeds of reports and of stories have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

_NOT_XML: Final = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]")


def text(value: str) -> str:
    """As XML has it: without the characters that it cannot hold."""
    return escape(_NOT_XML.sub("", value).strip())


def feed(
    name: str, title: str, author: str, updated: str, links: Iterable[str], entries: Iterable[Sequence[str]], lang: str = ""
) -> bytes:
    """The whole feed. name: its id; links and entries: elements as they stand in it, an entry as its lines."""
    language = f" xml:lang={quoteattr(lang)}" if lang else ""
    head = (
        f'<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom"{language}>\n'
        f"  <id>{name}</id>\n  <title>{text(title)}</title>\n  <updated>{updated}</updated>\n"
        f"  <author><name>{text(author)}</name></author>\n"
    )
    inside = [*links, "<generator>teiten</generator>", *(line for entry in entries for line in entry)]
    return (head + "".join(f"  {line}\n" for line in inside) + "</feed>\n").encode()
