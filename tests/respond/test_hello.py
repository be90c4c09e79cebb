"""Fingerprints of what a TLS client says first: a real client's, published ones, and what is cut anywhere."""

from __future__ import annotations

import hashlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.respond import hello


def client_hello(name: str = "camera.example", protocols: tuple[str, ...] = ("h2", "http/1.1")) -> bytes:
    """What this machine's own OpenSSL says first."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(list(protocols))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


def made(ciphers: list[int], extensions: list[tuple[int, bytes]], version: int = 0x0303) -> bytes:
    """A ClientHello of these parts, in one record."""
    suites = b"".join(c.to_bytes(2, "big") for c in ciphers)
    listed = b"".join(k.to_bytes(2, "big") + len(d).to_bytes(2, "big") + d for k, d in extensions)
    body = version.to_bytes(2, "big") + bytes(32) + b"\0" + len(suites).to_bytes(2, "big") + suites + b"\1\0"
    body += len(listed).to_bytes(2, "big") + listed
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return b"\x16\3\1" + len(message).to_bytes(2, "big") + message


def listed(values: list[int], size: int = 2) -> bytes:
    data = b"".join(v.to_bytes(2, "big") for v in values)
    return len(data).to_bytes(size, "big") + data


# the example of JA4's own description: Chrome's ciphers, extensions and signatures, in an order of their own
CIPHERS = [0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x9C, 0x9D, 0x2F, 0x35]
OTHERS = [0x1B, 0x33, 0x12, 0x23, 0x05, 0x0B, 0x2D, 0x17, 0xFF01, 0x4469, 0x15]
SIGNED = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]


def chrome(grease: int = 0x0A0A) -> bytes:
    own = [
        (grease, b""),
        (0, b"\0\x0e\0\0\x0bexample.com"),
        (16, b"\0\x0c\2h2\x08http/1.1"),
        (10, listed([grease, 0x1D, 0x17])),
        (13, listed(SIGNED)),
        (43, listed([grease, 0x0304, 0x0303], 1)),
        *((kind, b"\1\0" if kind == 0x0B else b"") for kind in OTHERS),
    ]
    return made([grease, *CIPHERS], own)


@pytest.mark.parametrize("grease", [0x0A0A, 0x5A5A, 0xFAFA])
def test_the_published_example(grease: int) -> None:
    found = hello.facts(chrome(grease))
    assert found is not None
    assert found["ja4"] == "t13d1516h2_8daaf6152771_e5627efa2ab1"
    assert (found["sni"], found["alpn"]) == ("example.com", ["h2", "http/1.1"])
    text = f"771,{'-'.join(map(str, CIPHERS))},0-16-10-13-43-{'-'.join(map(str, OTHERS))},29-23,0"
    assert found["ja3"] == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_a_real_client_is_read_whole_and_from_several_records() -> None:
    said = client_hello()
    found = hello.facts(said)
    assert found is not None and found["sni"] == "camera.example" and found["alpn"] == ["h2", "http/1.1"]
    assert found["ja4"].startswith("t13d") and found["ja4"].split("_")[0].endswith("h2")
    message = said[5:]
    parts = b"".join(b"\x16\3\1" + len(p).to_bytes(2, "big") + p for p in (message[:50], message[50:51], message[51:]))
    assert hello.facts(parts) == found


def test_little_is_said() -> None:
    assert hello.facts(made([], [])) == {
        "ja3": hashlib.md5(b"771,,,,", usedforsecurity=False).hexdigest(),
        "ja4": "t12i000000_000000000000_000000000000",
    }
    named = hello.facts(made([0x2F], [(16, b"\0\3\2\xabx")]))
    assert named is not None and named["ja4"].split("_")[0] == "t12i0101a8"


@given(st.binary(max_size=400), st.integers(0, 700))
def test_nothing_raises(noise: bytes, place: int) -> None:
    said = chrome()
    for data in (noise, said[:place], said[:place] + noise + said[place + len(noise) :], b"\x16\3\1" + noise):
        found = hello.facts(data)
        assert found is None or len(found["ja3"]) == 32
