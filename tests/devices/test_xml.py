"""XML of strangers: bombs and external names are refused before they cost anything; what is whole before them has come."""

from __future__ import annotations

import io
import resource
import time
from collections.abc import Callable

import pytest

from teiten.devices import xml

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a0 "lol">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + "]><root><device><manufacturer>&a9;</manufacturer></device></root>"
)
QUADRATIC = '<!DOCTYPE b [<!ENTITY x "' + "x" * 100_000 + '">]><root>' + "&x;" * 50_000 + "</root>"


def read(text: str | bytes, *wanted: str) -> list[xml.Node]:
    data = text.encode() if isinstance(text, str) else text
    return list(xml.elements(io.BytesIO(data), wanted or ("root",)))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (LAUGHS, "a DTD"),
        (QUADRATIC, "a DTD"),
        ('<!DOCTYPE r SYSTEM "file:///etc/passwd"><root/>', "a DTD"),
        ('<!DOCTYPE r PUBLIC "-//x" "http://192.0.2.1/x.dtd"><root/>', "a DTD"),
        ('<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><root>&e;</root>', "a DTD"),
        ('<!DOCTYPE r [<!ENTITY % p SYSTEM "http://192.0.2.1/x"> %p;]><root/>', "a DTD"),
        ("<root>&nothing;</root>", "undefined entity"),
        ("<!DOCTYPE r><root>&nothing;</root>", "entity"),
        ("<a>" * 200, "too deeply"),
        ("<root><device>", "no XML"),
        ("", "no XML"),
        ("plain text", "no XML"),
        ('<?xml version="1.0" encoding="no-such"?><root/>', "no XML"),
        (b"<root>\xff\xfe\xfd</root>", "no XML"),
        (b"<root>\x00</root>", "no XML"),
    ],
)
def test_what_is_refused(text: str | bytes, why: str) -> None:
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(xml.RefusedError, match=why):
        read(text)
    assert time.process_time() - began < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


def test_a_doctype_without_anything_in_it_is_none() -> None:
    """nmap writes one."""
    assert read("<!DOCTYPE nmaprun><nmaprun><host a='1'/></nmaprun>", "host")[0].attributes == {"a": "1"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_encodings(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><root xmlns:u="urn:x"><u:device b="ü">Zürich</u:device></root>'
    device = read(text.encode(encoding))[0].first("device")
    assert device is not None and device.text == "Zürich" and device.attributes == {"b": "ü"}


def test_what_is_whole_before_the_trouble_comes() -> None:
    found = []
    with pytest.raises(xml.RefusedError, match="no XML at line 3"):
        for one in xml.elements(io.BytesIO(b"<a>\n<host n='1'/><host n='2'/>\n<host n='3'></a>"), ("host",)):
            found.append(one.attributes["n"])
    assert found == ["1", "2"]


@pytest.mark.parametrize("inside", [lambda: "<p/>" * 30_000, lambda: "x" * 2_000_000, lambda: f"<p a='{'y' * 2_000_000}'/>"])
def test_an_element_that_is_too_large_comes_empty(inside: Callable[[], str]) -> None:
    one, after = read(f"<all><host>{inside()}</host><host n='2'/></all>", "host")
    assert one.too_large and not one.children and not one.text
    assert after.attributes == {"n": "2"}


def test_a_large_file_is_read_with_little_memory() -> None:
    pieces = [b"<all>", *[b"<host><ports><port portid='80'/></ports></host>" * 500] * 40, b"</all>"]

    class Stream:
        def read(self, size: int) -> bytes:
            return pieces.pop(0) if pieces else b""

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sum(1 for _ in xml.elements(Stream(), ("host",))) == 20_000  # type: ignore[arg-type]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10
