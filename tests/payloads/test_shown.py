"""Nothing of a stranger's bytes does anything where it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.payloads import shown


@given(st.binary(max_size=500))
def test_text_is_printable_and_tells_every_byte(data: bytes) -> None:
    text = shown.text(data)
    assert text.isascii() and text.isprintable()
    assert text.encode().decode("unicode_escape").encode("latin-1") == data
    lines = shown.hexadecimal(data)
    assert b"".join(bytes.fromhex(line[10:58]) for line in lines) == data
    assert all(line.isprintable() for line in lines)


def test_what_is_long_is_cut_and_told() -> None:
    assert shown.text(b"a" * 2000, 3) == "aaa ... (+1,997)"
    assert shown.hexadecimal(b"a" * 40, 20)[-2:] == [
        "00000010  61 61 61 61                                       |aaaa|", "... (+20)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("wget http://192.0.2.9:80/a.b?x=http://q.example/", "wget hxxp://192[.]0[.]2[.]9:80/a.b?x=hxxp://q[.]example/"),
        ("HTTPS://evil.example", "hxxpS://evil[.]example"),
        ("ftp://user@evil.example/x", "ftp[:]//user[@]evil[.]example/x"),
        ("tftp -r a 192.0.2.9", "tftp -r a 192[.]0[.]2[.]9"),
        ("/dev/tcp/192.0.2.9/4444", "/dev/tcp/192[.]0[.]2[.]9/4444"),
        ("busybox", "busybox"),
    ],
)
def test_no_address_is_a_link(given: str, wanted: str) -> None:
    assert shown.defanged(given) == wanted
