"""A contribution says what was written, or is refused with its file and member named, whatever an enemy did to it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import lzma
import re
import tracemalloc
from pathlib import Path

import pytest

from teiten.errors import InputError
from teiten.federation import form

from .conftest import DAYS, House, contribution


def resigned(house: House, data: bytes, *, head: bytes | None = None, body: bytes | None = None) -> bytes:
    """Altered, and signed anew by the member itself: what a member gone bad can send."""
    first, text, _, rest = data.split(b"\n", 3)
    rows = rest if body is None else body
    if head is None:
        table = json.loads(text)
        table["body"] = {"size": len(rows), "sha256": hashlib.sha256(rows).hexdigest()}
        head = json.dumps(table, sort_keys=True, separators=(",", ":")).encode()
    signed = first + b"\n" + head + b"\n"
    return signed + b"ed25519 " + base64.b64encode(house.signer.sign(signed)) + b"\n" + rows


def opened(data: bytes, house: House) -> form.Contribution:
    return form.opened(form.parse(data, "ume.teiten"), house.signer.public)


def test_what_is_written_is_read(houses: list[House]) -> None:
    house = houses[0]
    found = opened(contribution(house, label="梅田の回線", region="Kansai"), house)
    assert (found.head.member, found.head.label, found.head.days) == ("home-01", "梅田の回線", DAYS)
    day = found.rows.filter((form_day(found) == DAYS[2]) & (found.rows["what"] == "all"))
    true = sum(1 for one in house.events if one[0] == DAYS[2])
    assert abs(int(day["packets"][0]) - true) <= 5
    assert set(found.rows["what"]) == {"all", "hour", "watching", "port", "country", "asn", "pair"}


def form_day(found: form.Contribution):  # type: ignore[no-untyped-def]
    return found.rows["day"]


def test_no_byte_can_be_altered(houses: list[House]) -> None:
    """Every bit of the head and the signature, and a sample of the rows: refused, or (never) the same."""
    data = contribution(houses[1], DAYS[:1])
    head = data.index(b"day\twhat")
    for at in (*range(head), *range(head, len(data), 97), len(data) - 1):
        forged = bytearray(data)
        forged[at] ^= 1
        with pytest.raises(InputError, match=r"ume\.teiten"):
            opened(bytes(forged), houses[1])


def test_cut_and_lengthened(houses: list[House]) -> None:
    data = contribution(houses[1], DAYS[:1])
    for end in (0, 5, 30, 200, len(data) // 2, len(data) - 1):
        with pytest.raises(InputError, match=r"no contribution|cut short|no signature"):
            opened(data[:end], houses[1])
    with pytest.raises(InputError, match="longer than it was signed"):
        opened(data + b"2026-10-01\tall\t\t1\t1\n", houses[1])


def test_another_key_is_forgery(houses: list[House]) -> None:
    with pytest.raises(InputError, match=r"home-01's key .* forged"):
        opened(contribution(houses[0]), houses[1])


@pytest.mark.parametrize(("version", "words"), [(b"2", "a newer form"), (b"0", "an older form"), (b"999999", "a newer form")])
def test_other_versions_say_so(houses: list[House], version: bytes, words: str) -> None:
    data = contribution(houses[0], DAYS[:1]).replace(b"teiten-federation 1", b"teiten-federation " + version, 1)
    with pytest.raises(InputError, match=words):
        opened(data, houses[0])


BOMBS = {
    "ten megabytes of brackets": b"[" * 10_000_000,
    "brackets that fit": b"[" * 60_000,
    "ten megabytes of zeros": b'{"a":' + b"0" * 10_000_000,
    "a number of 60,000 digits": b'{"sequence":' + b"9" * 60_000 + b"}",
    "not a number": b'{"sequence":NaN}',
    "infinite": b'{"sequence":-Infinity}',
    "a key twice": b'{"member":"ume","member":"take"}',
    "no UTF-8": b'{"member":"\xff\xfe"}',
    "a list": b"[1,2]",
    "null": b"null",
    "empty": b"",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_in_the_head(houses: list[House], name: str) -> None:
    """Signed by the member or not: refused before anything of it is believed."""
    data = contribution(houses[0], DAYS[:1])
    with pytest.raises(InputError, match=r"ume\.teiten"):
        opened(resigned(houses[0], data, head=BOMBS[name]), houses[0])


WRONG = {
    "negative": "2026-10-01\tport\t23/6\t-5\t1",
    "a fraction": "2026-10-01\tport\t23/6\t5.5\t1",
    "not a number": "2026-10-01\tport\t23/6\tNaN\t1",
    "infinite": "2026-10-01\tport\t23/6\tinf\t1",
    "too large": "2026-10-01\tport\t23/6\t" + "9" * 30 + "\t1",
    "another day": "2026-10-09\tport\t23/6\t5\t1",
    "no day": "2026-13-41\tport\t23/6\t5\t1",
    "an unknown kind": "2026-10-01\tsource\t8.8.8.8\t5\t1",
    "an address as a key": "2026-10-01\tport\t192.0.2.1\t5\t1",
    "markup as a key": "2026-10-01\tcountry\t<b>\t5\t1",
    "letters alike": "2026-10-01\tcountry\tСN\t5\t1",
    "a missing cell": "2026-10-01\tport\t23/6\t5",
    "a cell too many": "2026-10-01\tport\t23/6\t5\t1\t7",
    "an empty line": "",
    "a quote": '2026-10-01\tport\t"23/6\t5\t1',
    "twice": "2026-10-01\tall\t\t5\t1",
    "a day of 4,000 seconds": "2026-10-01\twatching\t23\t4000\t1",
    "hour 99": "2026-10-01\thour\t99\t5\t0",
    "nul": "2026-10-01\tport\t23/6\0\t5\t1",
    "return": "2026-10-01\tport\t23/6\t5\t1\r",
}


@pytest.mark.parametrize("name", WRONG)
def test_rows_that_cannot_be(houses: list[House], name: str) -> None:
    """A member that signs nonsense is refused whole, with the file named."""
    data = contribution(houses[0], DAYS[:1])
    body = data.split(b"\n", 3)[3]
    if name == "a day of 4,000 seconds":
        body = re.sub(rb"2026-10-01\twatching\t23\t\d+\t1\n", b"", body)
    forged = resigned(houses[0], data, body=body + WRONG[name].encode() + b"\n")
    with pytest.raises(InputError, match=r"ume\.teiten"):
        opened(forged, houses[0])


HEADS = {
    "member": ["", "Ume", "ume/../x", "ｕｍｅ", "a" * 40, None, 7, "uｍe", "home-0l\u202e"],
    "label": ["a\nb", "x" * 99, "\u202eevil", "a\x1b[2J", None],
    "days": [[], ["2026-10-01", "2026-10-01"], ["2026-10-02", "2026-10-01"], ["x"], "2026-10-01", None],
    "sequence": [0, -1, 1.5, True, "1", None],
    "previous": ["x", "A" * 64, 5],
    "made": ["yesterday", "2026-10-20T00:00:00", 5, None],
    "kind": ["bank", None],
    "zone": ["Asia/Tokyo\x1b[2J", "<b>Tokyo</b>", "\u202eoykoT", "", "A" * 61, 9, None],
    "program": ["teiten\x1b[31m", "a\nb", "\u202e", "x" * 61],
    "region": ["\u2066x", "a\x07b", ["Kansai"]],
    "federation": ["<script>", "tw\u0435nty", "", None],
    "key": ["x", "0" * 64, "\x1b[2J", None],
    "rules": [{}, {"digits": 0}, None, 5],
}


@pytest.mark.parametrize("field", HEADS)
def test_heads_that_cannot_be(houses: list[House], field: str) -> None:
    data = contribution(houses[0], DAYS[:1])
    for value in HEADS[field]:
        table = json.loads(data.split(b"\n")[1])
        table[field] = value
        forged = resigned(houses[0], data, head=json.dumps(table).encode())
        with pytest.raises(InputError, match=r"ume\.teiten.*head"):
            opened(forged, houses[0])


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        form.read(tmp_path)
    (tmp_path / "x").write_bytes(b"GIF89a")
    with pytest.raises(InputError, match="is no contribution"):
        form.read(tmp_path / "x")


def test_a_gigabyte_is_refused_by_its_size(tmp_path: Path) -> None:
    """Sparse or not: nothing of it is read."""
    path = tmp_path / "large.teiten"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    tracemalloc.start()
    with pytest.raises(InputError, match=r"large\.teiten is larger than a contribution may be \(1,073,741,824 bytes"):
        form.read(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_a_bomb_is_no_contribution(houses: list[House], tmp_path: Path) -> None:
    """Compressed ones are not opened at all."""
    for name, pack in (("x.gz", gzip.compress), ("x.xz", lzma.compress)):
        (tmp_path / name).write_bytes(pack(contribution(houses[0], DAYS[:1]) + b"\0" * 1_000_000))
        with pytest.raises(InputError, match=f"{name} is no contribution"):
            form.read(tmp_path / name)
