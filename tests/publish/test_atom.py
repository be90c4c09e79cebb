"""The frame of a feed: well-formed whatever is in it, and always the same bytes."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from teiten.publish import atom

SPACE = "{http://www.w3.org/2005/Atom}"


def test_whatever_it_is_called() -> None:
    title = "a & b <c>\x00\x1b\ud800 end "
    made = atom.feed("urn:x", title, 'O"N', "2026-01-01T00:00:00Z", ["<link href='y'/>"], [("<entry>", "</entry>")], "ja")
    root = ET.fromstring(made)
    assert root.findtext(f"{SPACE}title") == "a & b <c> end" and len(root.findall(f"{SPACE}entry")) == 1
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == "ja" and root.find(f"{SPACE}link") is not None
    assert made == atom.feed(
        "urn:x", title, 'O"N', "2026-01-01T00:00:00Z", ["<link href='y'/>"], [("<entry>", "</entry>")], "ja"
    )
    assert b"xml:lang" not in atom.feed("urn:x", "", "", "", [], [])
