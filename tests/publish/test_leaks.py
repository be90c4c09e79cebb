"""A destination address is found in every spelling; what only looks like one is not."""

from __future__ import annotations

import io
import socket
import struct
import zlib
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from teiten.publish import leaks

V4 = "198.51.100.23"
V6 = "2001:db8:12:34::beef"
SECRET = leaks.packed([V4, V6])
FULL = "2001:0db8:0012:0034:0000:0000:0000:beef"
HEX6 = FULL.replace(":", "")


@pytest.mark.parametrize(
    "text",
    [
        V4,
        f"DST={V4} LEN=40",
        f"{V4}:80",
        f"x{V4}x",
        f"0.{V4}",
        "198-51-100-23.example.net",
        "23.100.51.198.in-addr.arpa",
        "c6336417",
        "C6336417",
        "0xc6336417",
        "176433c6",
        V6,
        V6.upper(),
        f"[{V6}]:80",
        FULL,
        HEX6,
        ".".join(reversed(HEX6)) + ".ip6.arpa",
        "::ffff:1.2.3.4 " + V4,
        "0000c6336417ab",
        "45000028c6336417",
        f"0x00{HEX6}00ff",
        "3325256727",
        "SEQ=3325256727 ACK=0",
        "198&#46;51&#46;100&#x2e;23",
        "198%2E51%2e100%2e23",
    ],
)
def test_found(text: str) -> None:
    assert leaks.find({"a.csv": b"nothing here", "b.html": f"<p>{text}</p>".encode()}, SECRET) == "b.html"


@pytest.mark.parametrize(
    "text", ["198.51.100.2", "198.51.100.231", "1198.51.100.23", "2019-10-22", "12345678", "3:4::5", "", "00:11:22"]
)
def test_not_found(text: str) -> None:
    assert leaks.find({"a.csv": text.encode()}, SECRET) is None


def test_eight_digits_are_a_count() -> None:
    secret = leaks.packed(["18.52.86.120"])  # 0x12345678
    assert leaks.find({"a.csv": b"12345678"}, secret) is None
    assert leaks.find({"a.csv": b"305419896"}, secret) == "a.csv"
    # a figure that was rounded, one with decimals, one with commas, an address among very many
    assert leaks.find({"a.csv": b"3330000000,1.3325256727,3,325,256,727"}, leaks.packed(["198.124.48.128", V4])) is None
    many = {n.to_bytes(4, "big") for n in range(1 << 31, (1 << 31) + 5000)}
    assert leaks.find({"a.csv": b"2147483649"}, many) is None
    assert leaks.find({"a.csv": b"0x12345678"}, secret) == "a.csv"


def test_digests_and_long_numbers_are_no_payload() -> None:
    assert leaks.find({"a.json": f'"{"ab" * 14}c6336417{"cd" * 14}"'.encode()}, SECRET) is None
    assert leaks.find({"a.csv": b"1234567890123456"}, leaks.packed(["52.86.120.144"])) is None
    assert leaks.find({"a.csv": b"0x1234567890123456"}, leaks.packed(["52.86.120.144"])) == "a.csv"


def test_names_of_files() -> None:
    assert leaks.find({f"data/{V4}.csv": b""}, SECRET) is not None


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_metadata_of_pictures_but_not_their_pixels() -> None:
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0" * 13)
    pixels = chunk(b"IDAT", V4.encode()) + chunk(b"IEND", b"")
    assert leaks.find({"a.png": head + pixels}, SECRET) is None
    assert leaks.find({"a.png": head + chunk(b"tEXt", b"Comment\0" + V4.encode()) + pixels}, SECRET) == "a.png"


def moving(kind: str, **more: object) -> bytes:
    """Three frames that spell the address in grey values, which nobody reads."""
    values = V4.encode() * 40
    frames = [Image.frombytes("L", (13, len(values) // 13), values[n:] + values[:n]) for n in range(3)]
    sink = io.BytesIO()
    frames[0].save(sink, kind, save_all=True, append_images=frames[1:], duration=100, loop=0, **more)  # type: ignore[arg-type]
    return sink.getvalue()


def apng_with_text() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", f"made at {V4}")
    return moving("PNG", pnginfo=text)


@pytest.mark.parametrize(
    ("name", "clean", "telling"),
    [
        ("a.gif", lambda: moving("GIF"), lambda: moving("GIF", comment=f"made at {V4}")),
        ("a.webp", lambda: moving("WEBP", lossless=True), lambda: moving("WEBP", lossless=True, xmp=V4.encode())),
        ("a.apng", lambda: moving("PNG"), apng_with_text),
    ],
)
def test_moving_pictures(name: str, clean: Callable[[], bytes], telling: Callable[[], bytes]) -> None:
    """Comments and what is hung on behind are read; pixels and palettes are not."""
    data = clean()
    assert leaks.find({name: data}, SECRET) is None
    assert leaks.find({name: telling()}, SECRET) == name
    assert leaks.find({name: data + V4.encode()}, SECRET) == name
    assert leaks.find({name: V4.encode()}, SECRET) == name, "it is no picture at all"


@given(st.binary(min_size=4, max_size=4), st.text(alphabet="ab <>/,;=\n", max_size=5))
def test_any_ipv4(address: bytes, around: str) -> None:
    text = socket.inet_ntop(socket.AF_INET, address)
    assert leaks.find({"x": f"{around}{text}{around}".encode()}, {address}) == "x"


@given(st.binary(min_size=16, max_size=16))
def test_any_ipv6(address: bytes) -> None:
    for text in (socket.inet_ntop(socket.AF_INET6, address), address.hex(), ":".join(address.hex(":", 2).split(":"))):
        assert leaks.find({"x": f'"{text}"'.encode()}, {address}) == "x"


@given(st.binary(max_size=300))
def test_any_bytes(content: bytes) -> None:
    heads = {"x.csv": b"", "x.png": b"\x89PNG\r\n\x1a\n", "x.gif": b"GIF89a", "x.webp": b"RIFF", "x.apng": b""}
    files = {name: head + content for name, head in heads.items()}
    assert leaks.find(files, {b"\x01\x02\x03\x04\x05"}) is None


@pytest.mark.parametrize("hidden", ["cell", "column", "note"])
def test_parquet_is_read_however_it_is_packed(hidden: str) -> None:
    def table(secret: str) -> bytes:
        sink = io.BytesIO()
        told = {"what": ["x" * 500, secret if hidden == "cell" else "y"], secret if hidden == "column" else "n": [1, 2]}
        noted = {"made by": secret} if hidden == "note" else {}
        pl.DataFrame(told).write_parquet(sink, compression="zstd", metadata=noted)
        return sink.getvalue()

    assert leaks.find({"data/x.parquet": table(V4)}, SECRET) == "data/x.parquet"
    assert leaks.find({"data/x.parquet": table("198.51.100.24")}, SECRET) is None
