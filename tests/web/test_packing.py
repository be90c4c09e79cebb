"""Answers travel compressed; files have addresses that tell their content; a form's word is never the same bytes twice."""

from __future__ import annotations

import gzip
import re

from teiten.web import packing, who

from .conftest import Client


def test_pages_are_compressed_for_who_reads_that(client: Client) -> None:
    plain, packed = (client.get("/ports?lang=en", {"accept-encoding": how}) for how in ("identity", "gzip"))
    assert "content-encoding" not in plain.headers and packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert len(packed.content) < len(plain.content) / 3
    assert "Accept-Encoding" in packed.headers["vary"] and "Cookie" in packed.headers["vary"]


def test_a_file_has_an_address_that_changes_with_it(client: Client) -> None:
    page = client.get("/sql?lang=en").text
    found = re.findall(r'"(/static/[^"]+)"', page)
    assert len(found) >= 3 and packing.address("fonts.css") in found
    style = client.get(packing.address("fonts.css"), {"accept-encoding": "gzip"})
    assert style.headers["cache-control"].endswith("immutable") and style.headers["content-encoding"] == "gzip"
    assert packing.address("teiten-sans.woff2").encode() in gzip.decompress(style.content)
    again = client.get("/static/fonts.css", {"if-none-match": style.headers["etag"]})
    assert (again.status, again.headers["cache-control"]) == (304, "no-cache")
    assert client.get(re.sub(r"\.\w+\.css", ".000000000000.css", packing.address("fonts.css"))).status == 404


def test_the_word_of_forms_is_covered() -> None:
    word = who.OWN_WORD
    made = {packing.covered(word) for _ in range(50)}
    assert len(made) == 50 and not any(word in one for one in made)
    assert all(packing.same(one, word) for one in made) and packing.same(word, word)
    other = packing.covered("x" * len(word))
    assert not any(packing.same(one, word) for one in ("", "x", other, word[:-1], "ä€", "====", next(iter(made))[:-4]))
